//! Membership events: believed once, and each wakes a look at one member within seconds.

use crate::stage::{Answer, SECRET, Stage, request};
use rollbook_journal::requests::{EVENT, Job, RequestFilter};
use rollbook_web::events::completion::sign;
use serde_json::{Value, json};

const PATH: &str = "/api/v1/events/membership";

async fn push(stage: &Stage, secret: &str, seconds: i64, body: String) -> Answer {
    let mut asked = request("POST", PATH, "", Some(body.clone()));
    for (name, value) in sign(secret.as_bytes(), seconds, body.as_bytes()) {
        asked.headers_mut().insert(name, value.parse().unwrap());
    }
    stage.send(asked).await
}

async fn asked(stage: &Stage) -> Vec<Job> {
    let filter = RequestFilter { kind: Some("sync_member".to_owned()), ..RequestFilter::default() };
    stage.journal.requests().list(&filter, 100).await.unwrap().into_iter().map(|request| request.job).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn member_who_left_is_out_of_the_cohort_without_a_full_run() {
    let stage = Stage::small().await;
    let members = |stage: &Stage| stage.sandbox.world().moodle.members.iter().count();
    let before = members(&stage);
    let uid = {
        let mut world = stage.sandbox.world();
        let uid = world.community.accounts.values().find(|account| account.name == "ben").unwrap().uid;
        world.community.memberships.retain(|_, membership| membership.uid != uid);
        uid
    };
    let taken = push(&stage, SECRET, stage.now().as_second(), json!({"user": uid}).to_string()).await;
    let token = stage.token("reader", "read").await;
    stage.state.wake.notified().await;
    assert_eq!(stage.asked_by(&taken).await, EVENT);
    let told = stage.outcome(&taken, &token).await;
    assert_eq!((&told["state"], &told["kind"]), (&json!("done"), &json!("sync_member")), "{told:#}");
    assert_eq!(members(&stage), before - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_wrong_signature_old_time_and_long_body_are_refused_and_counted() {
    let stage = Stage::quiet("learning", "").await;
    let seconds = stage.now().as_second();
    let body = json!({"user": "ann"}).to_string();
    assert_eq!(push(&stage, SECRET, seconds, body.clone()).await.status, 202);
    push(&stage, SECRET, seconds, body.clone()).await.problem(409);
    push(&stage, "another secret", seconds, body.clone()).await.problem(401);
    push(&stage, SECRET, seconds - 301, body.clone()).await.problem(401);
    push(&stage, SECRET, seconds, "x".repeat(20_000)).await.problem(413);
    for nobody in [json!({"user": ""}), json!({"user": 0}), json!({}), json!({"user": "x".repeat(301)}), Value::Null] {
        push(&stage, SECRET, seconds, nobody.to_string()).await.problem(400);
    }
    assert_eq!(stage.state.membership_counts().map(|(_, count)| count), [1, 1, 2, 1, 5]);
    assert_eq!(asked(&stage).await.len(), 1, "only what was taken is looked into");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_events_about_one_member_are_one_look_while_it_waits() {
    let stage = Stage::small().await;
    let body = json!({"user": "ann"}).to_string();
    for second in 0..5 {
        assert_eq!(push(&stage, SECRET, stage.now().as_second() - second, body.clone()).await.status, 202);
    }
    assert_eq!(asked(&stage).await.len(), 1);
    stage.work().await;
    push(&stage, SECRET, stage.now().as_second() - 9, body).await;
    assert_eq!(asked(&stage).await.len(), 2, "what happens after a look is looked at anew");
}

async fn push_to(stage: &Stage, path: &str, seconds: i64, body: String) -> Answer {
    let mut asked = request("POST", path, "", Some(body.clone()));
    for (name, value) in sign(SECRET.as_bytes(), seconds, body.as_bytes()) {
        asked.headers_mut().insert(name, value.parse().unwrap());
    }
    stage.send(asked).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guild_event_requests_that_guild_and_a_deleted_one_all_guilds() {
    const GUILD: &str = "/api/v1/events/guild";
    let stage = Stage::quiet("learning", "").await;
    let seconds = stage.now().as_second();
    let renamed =
        json!({"event": "guild_renamed", "guild": 3, "uuid": "4535731b-10bc-4ee5-ac5a-87483dba337b"}).to_string();
    assert_eq!(push_to(&stage, GUILD, seconds, renamed.clone()).await.status, 202);
    push_to(&stage, GUILD, seconds, renamed).await.problem(409);
    let gone =
        json!({"event": "guild_deleted", "guild": 4, "uuid": "5535731b-10bc-4ee5-ac5a-87483dba337b"}).to_string();
    assert_eq!(push_to(&stage, GUILD, seconds, gone).await.status, 202);
    push_to(&stage, GUILD, seconds, json!({"event": "guild_made"}).to_string()).await.problem(400);
    let filter = RequestFilter { kind: Some("run_link".to_owned()), ..RequestFilter::default() };
    let jobs = stage.journal.requests().list(&filter, 100).await.unwrap();
    let narrows: Vec<Value> =
        jobs.into_iter().map(|request| serde_json::to_value(request.job).unwrap()["narrow"].clone()).collect();
    assert_eq!(narrows.len(), 2);
    assert!(narrows.contains(&json!({"narrow": "usual"})));
    assert!(narrows.contains(&json!({"narrow": "guild", "guild": "4535731b-10bc-4ee5-ac5a-87483dba337b"})));
}
