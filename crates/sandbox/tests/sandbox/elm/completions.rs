//! The endpoint that receives completions.

use crate::client::Client;
use rollbook_sandbox::elm::Receipt;
use rollbook_sandbox::{ELM_TOKEN, Fault, Kind, Target, World};
use serde_json::{Value, json};

fn completion() -> Value {
    json!({
        "COURSE_COMPLETE_DATE": "2026-11-23", "COURSE_STATE": "Complete", "ENROLMENT_ID": 555001,
        "USER_STATE": "Active", "USER_EFFECTIVE_DATE": "2017-02-14", "COURSE_IDENTIFIER": 930001,
        "COURSE_SHORTNAME": "ITEM-1-1", "EMAIL": "a@example.org", "GUID": "G1",
        "FIRST_NAME": "Ps", "LAST_NAME": "One",
    })
}

#[tokio::test]
async fn an_accepted_completion_is_stored_every_time_and_found_by_its_enrolment() {
    let client = Client::over(World::empty()).await;
    for _ in 0..2 {
        let (status, stored) = client.complete(&completion()).await;
        assert_eq!((status, &stored["GUID"]), (201, &json!("G1")));
    }
    let url = client.sandbox.completion_url();
    let (status, found) = client.get(&format!("{url}?$filter=ENROLMENT_ID%20eq%20555001")).await;
    assert_eq!((status, found["value"].as_array().map(Vec::len)), (200, Some(2)));
    let (_, none) = client.get(&format!("{url}?$filter=ENROLMENT_ID%20eq%201")).await;
    assert_eq!(none["value"], json!([]));
    assert_eq!(client.sandbox.world().elm.completions_of(555001).len(), 2);
    assert_eq!(client.sandbox.calls().of("completion"), 2);
}

#[tokio::test]
async fn the_idempotency_key_is_noted() {
    let client = Client::over(World::empty()).await;
    let request = client.http().post(client.sandbox.completion_url());
    let request = request.header("x-cdata-authtoken", ELM_TOKEN);
    let sent = request.header("idempotency-key", "k-1").json(&completion()).send().await;
    assert_eq!(sent.expect("an answer").status(), 201);
    let world = client.sandbox.world();
    assert_eq!(world.elm.completions[0].idempotency_key.as_deref(), Some("k-1"));
}

#[tokio::test]
async fn unknown_properties_and_ids_that_are_no_integers_are_refused() {
    let client = Client::over(World::empty()).await;
    for (name, value) in [
        ("NOTES", json!("x")),
        ("ENROLMENT_ID", json!("555001")),
        ("COURSE_IDENTIFIER", json!(1.5)),
        ("COURSE_COMPLETE_DATE", json!("23/11/2026")),
        ("GUID", Value::Null),
    ] {
        let mut body = completion();
        body[name] = value;
        let (status, answer) = client.complete(&body).await;
        assert_eq!(status, 400, "{name}");
        assert!(answer["error"]["code"].is_string() && answer["error"]["message"].is_string());
    }
    assert!(client.sandbox.world().elm.completions.is_empty());
}

#[tokio::test]
async fn a_lost_answer_leaves_the_completion_stored() {
    let client = Client::over(World::empty()).await;
    let fault = Fault::nth(Target::Completion, 1, Kind::HttpAfterEffect(502));
    client.sandbox.faults().arm(fault);
    let request = client.http().post(client.sandbox.completion_url());
    let sent = request.header("x-cdata-authtoken", ELM_TOKEN).json(&completion()).send().await;
    assert_eq!(sent.expect("an answer").status(), 502);
    assert_eq!(client.sandbox.world().elm.completions.len(), 1);
}

#[tokio::test]
async fn without_the_token_nothing_is_read_or_stored() {
    let client = Client::over(World::empty()).await;
    for url in [client.sandbox.feed_url(), client.sandbox.completion_url()] {
        for token in [None, Some("wrong")] {
            let mut request = client.http().get(&url);
            if let Some(token) = token {
                request = request.header("x-cdata-authtoken", token);
            }
            assert_eq!(request.send().await.expect("an answer").status(), 401);
        }
    }
}

// CASES C14: "POST answered 500, then 409 … exists already".
#[tokio::test]
async fn after_a_lost_answer_the_same_report_is_refused_because_it_exists() {
    let mut world = World::empty();
    world.elm.completions_unique = true;
    let client = Client::over(world).await;
    client.sandbox.faults().arm(Fault::nth(Target::Completion, 1, Kind::HttpAfterEffect(500)));
    let request = client.http().post(client.sandbox.completion_url());
    let sent = request.header("x-cdata-authtoken", ELM_TOKEN).json(&completion()).send().await;
    assert_eq!(sent.expect("an answer").status(), 500);
    assert_eq!(client.sandbox.faults().fired().len(), 1);
    let expected = json!({"error": {"code": "409", "message": "A completion of this enrolment exists already"}});
    assert_eq!(client.complete(&completion()).await, (409, expected));
    assert_eq!(client.sandbox.world().elm.completions_of(555001).len(), 1);
}

// CASES C14: 200 that means no.
#[tokio::test]
async fn some_receipts_say_inside_a_200_that_nothing_was_stored() {
    let mut world = World::empty();
    world.elm.unregistered.insert(555001);
    let client = Client::over(world).await;
    let message = "Learner is not registered for enrolment 555001";
    for (receipt, status, expected) in [
        (Receipt::Entity, 404, json!({"error": {"code": "NotFound", "message": "Enrolment 555001 does not exist"}})),
        (Receipt::Status, 200, json!({"status": "ERROR", "message": message, "recordsProcessed": 0})),
        (Receipt::StatusList, 200, json!([{"status": "FAILED", "errorMessage": "unknown enrolment"}])),
    ] {
        client.sandbox.world().elm.receipt = receipt;
        assert_eq!(client.complete(&completion()).await, (status, expected), "{receipt:?}");
    }
    assert!(client.sandbox.world().elm.completions.is_empty());
    client.sandbox.world().elm.unregistered.clear();
    let (_, done) = client.complete(&completion()).await;
    assert_eq!(done[0]["status"], "SUCCESS");
    client.sandbox.world().elm.receipt = Receipt::Nothing;
    let request = client.http().post(client.sandbox.completion_url());
    let sent = request.header("x-cdata-authtoken", ELM_TOKEN).json(&completion()).send().await.expect("an answer");
    assert_eq!(sent.status(), 204);
    assert_eq!(client.sandbox.world().elm.completions.len(), 2);
}

#[tokio::test]
async fn the_list_of_completions_speaks_the_feeds_protocol_and_may_be_closed() {
    let client = Client::over(World::empty()).await;
    client.complete(&completion()).await;
    client.sandbox.world().elm.speak_v2();
    let url = format!("{}?$format=json&$filter=ENROLMENT_ID%20eq%20555001", client.sandbox.completion_url());
    let (_, found) = client.get(&url).await;
    assert_eq!(found["d"]["results"][0]["GUID"], "G1");
    client.sandbox.world().elm.lists_completions = false;
    assert_eq!(client.get(&url).await.0, 405);
}
