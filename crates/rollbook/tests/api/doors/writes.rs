//! Every write of the API, one by one, as its document lists them: without a token and with a token for something else it is
//! refused, and what is done is an event that names the token. A write that is not in the table is a failure.

use crate::stage::{Answer, COURSE, SCOPES, Stage, request};
use rollbook_core::model::LinkName;
use rollbook_journal::{AttentionFilter, PlanState};
use rollbook_web::api::document;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How a write is done here, which scope it takes, and words of its event.
struct Write {
    route: &'static str,
    path: String,
    scope: &'static str,
    body: Value,
    event: &'static [&'static str],
}

async fn table(stage: &Stage) -> Vec<Write> {
    let write = |route, path: String, scope, body, event| Write { route, path, scope, body, event };
    let plans = stage.journal.plans().list(None, Some(PlanState::Blocked), None, 9).await.unwrap();
    let plan = plans[0].id;
    let items = stage.journal.attention().list(&AttentionFilter::default(), 9).await.unwrap();
    let item = items.iter().find(|item| item.kind == "guid_changed").unwrap().id;
    let supplied =
        json!({"link": "done", "user": 7, "course": COURSE, "completed": "2026-11-23T17:00:00Z", "enrolment": "4711"});
    vec![
        write(
            "/api/v1/links/{link}/runs",
            "/api/v1/links/demo/runs".to_owned(),
            "run",
            json!({}),
            &["ask", "run_link"],
        ),
        write(
            "/api/v1/attention/{item}/resolve",
            format!("/api/v1/attention/{item}/resolve"),
            "resolve",
            json!({"act": "ignore", "reason": "left us"}),
            &["ask", "attend"],
        ),
        write(
            "/api/v1/plans/{plan}/approve",
            format!("/api/v1/plans/{plan}/approve"),
            "approve",
            json!({"why": "they left"}),
            &["approve", "they left"],
        ),
        write(
            "/api/v1/plans/{plan}/reject",
            format!("/api/v1/plans/{plan}/reject"),
            "approve",
            json!({"why": "not they"}),
            &["reject", "not they"],
        ),
        write(
            "/api/v1/completions/retry",
            "/api/v1/completions/retry".to_owned(),
            "report",
            json!({"link": "done", "reports": [1]}),
            &["ask", "retry"],
        ),
        write(
            "/api/v1/completions/supply",
            "/api/v1/completions/supply".to_owned(),
            "report",
            supplied,
            &["ask", "supply_enrolment"],
        ),
    ]
}

/// Every write of the document that takes a token.
fn writes(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap();
    let written = paths.iter().filter(|(_, methods)| methods.as_object().unwrap().keys().any(|method| method != "get"));
    // What other systems push is signed instead.
    written.map(|(path, _)| path.clone()).filter(|path| !path.starts_with("/api/v1/events/")).collect()
}

async fn acts(stage: &Stage, author: &str) -> Vec<String> {
    let mut all = Vec::new();
    for link in ["", "demo", "guilds", "done"] {
        let events = stage.journal.runs().acts(&LinkName::new(link), i64::MAX, 1_000).await.unwrap();
        let theirs = events.into_iter().filter(|event| author.is_empty() || event.author == author);
        all.extend(theirs.map(|event| event.payload.to_string()));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_takes_its_scope_and_is_an_event_that_names_the_token() {
    let stage = Stage::small().await;
    stage.lose_members().await;
    let document = serde_json::to_value(document(&stage.state)).unwrap();
    let table = table(&stage).await;
    let known: BTreeSet<String> = table.iter().map(|write| write.route.to_owned()).collect();
    assert_eq!(writes(&document), known, "the table has every write that there is");
    let mut tokens = Vec::new();
    for scope in SCOPES {
        tokens.push((scope, stage.token(scope, scope).await));
    }
    for Write { route, path, scope, body, event } in &table {
        let before = acts(&stage, "").await;
        let send =
            async |token: &str| -> Answer { stage.send(request("POST", path, token, Some(body.to_string()))).await };
        send("").await.problem(401);
        for (other, token) in tokens.iter().filter(|(name, _)| name != scope) {
            let refused = send(token).await;
            assert_eq!(refused.status, 403, "{route} with {other}: {}", refused.text);
        }
        assert_eq!(acts(&stage, "").await, before, "{route}: nothing was done");
        let (_, token) = tokens.iter().find(|(name, _)| name == scope).unwrap();
        let done = send(token).await;
        assert!(done.status.is_success(), "{route}: {}", done.text);
        let theirs = acts(&stage, &format!("token {scope}")).await;
        let new: Vec<&String> = theirs.iter().filter(|act| !before.contains(*act)).collect();
        assert!(
            new.iter().any(|act| event.iter().all(|word| act.contains(word))),
            "{route}: {event:?} is not in {new:?}"
        );
    }
}
