//! `/healthz`, `/readyz` and `/metrics`: what they tell, and to whom.

use crate::stage::{Answer, SECRET, Stage, request};
use axum::extract::ConnectInfo;
use rollbook_sandbox::{Fault, Kind, Target};
use rollbook_web::events::completion::sign;
use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;

/// The value of a number with its labels, where it is told.
fn find(text: &str, number: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(number)?.strip_prefix(' '))?;
    Some(value.parse().unwrap())
}

fn value(text: &str, number: &str) -> f64 {
    find(text, number).unwrap_or_else(|| panic!("there is no {number} in\n{text}"))
}

async fn numbers_from(stage: &Stage, peer: [u8; 4], token: &str, header: Option<(&'static str, &str)>) -> Answer {
    let mut asked = request("GET", "/metrics", token, None);
    asked.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 40_000))));
    if let Some((name, value)) = header {
        asked.headers_mut().insert(name, value.parse().unwrap());
    }
    stage.send(asked).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_after_a_real_run_are_what_happened() {
    // A site of its own: what other tests of this process call is counted apart.
    let stage = Stage::quiet("counted", "").await;
    for link in ["demo", "guilds"] {
        stage.run(link).await;
    }
    stage.hand.advance(std::time::Duration::from_secs(60));
    let told = stage.get("/metrics", "").await;
    assert_eq!((told.status.as_u16(), told.kind()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    let value = |number: &str| value(&told.text, number);
    assert_eq!(value(r#"rollbook_runs{link="demo",flow="intake",state="partly"}"#), 1.0);
    assert_eq!(value(r#"rollbook_records{link="demo",status="Success"}"#), 6.0);
    assert_eq!(value(r#"rollbook_records_waiting{link="demo",code="guid_changed"}"#), 2.0);
    assert_eq!(value(r#"rollbook_last_run_age_seconds{link="demo"}"#), 60.0);
    assert!((60.0..86_400.0).contains(&value(r#"rollbook_feed_lag_seconds{link="demo"}"#)));
    assert_eq!(value(r#"rollbook_feed_silence_seconds{link="demo"}"#), 60.0);
    assert_eq!(value(r#"rollbook_attention_open{link="demo"}"#), 1.0);
    assert_eq!(value(r#"rollbook_link_paused{link="demo"}"#), 0.0);
    let calls = stage.sandbox.calls();
    for function in ["core_user_get_users_by_field", "enrol_manual_enrol_users", "core_cohort_add_cohort_members"] {
        let counted: f64 = ["done", "failed"]
            .iter()
            .filter_map(|outcome| {
                let labels = format!(r#"{{site="counted",function="{function}",outcome="{outcome}"}}"#);
                find(&told.text, &format!("rollbook_call_duration_seconds_count{labels}"))
            })
            .sum();
        assert_eq!(counted, calls.of(function) as f64, "{function}");
        assert!(counted > 0.0);
    }
    let buckets = r#"rollbook_call_duration_seconds_bucket{site="counted",function="enrol_manual_enrol_users",outcome="done",le="+Inf"}"#;
    assert!(value(buckets) > 0.0);
    for (number, _) in
        told.text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(['{', ' ']))
    {
        let base = number.trim_end_matches("_bucket").trim_end_matches("_sum").trim_end_matches("_count");
        assert!(told.text.contains(&format!("# HELP {base} ")), "{number} does not say what it is");
        assert!(told.text.contains(&format!("# TYPE {base} ")), "{number} does not say what kind it is");
    }
    assert!(!told.text.contains("example.org") && !told.text.contains("A1A1"), "nobody's data is a label");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_and_repeated_is_told() {
    let stage = Stage::quiet("repeated", "").await;
    let token = stage.token("cron", "run").await;
    stage.post("/api/v1/links/demo/runs", &token, serde_json::Value::Null).await;
    let looked_up = Target::Moodle(Some("core_user_get_users_by_field"));
    stage.sandbox.faults().arm(Fault::nth(looked_up, 1, Kind::HttpBeforeEffect(503)));
    let text = stage.get("/metrics", "").await.text;
    assert_eq!(value(&text, r#"rollbook_requests_open{kind="run_link",state="waiting"}"#), 1.0);
    let stop = CancellationToken::new();
    assert!(rollbook_sync::scheduler::work_once(&stage.node, &stop).await.unwrap());
    stage.hand.advance(std::time::Duration::from_secs(30));
    let text = stage.get("/metrics", "").await.text;
    let due = &stage.journal.outbox().totals().await.unwrap()[0];
    assert!(due.total >= 5, "{due:?}");
    let told = value(&text, r#"rollbook_outbox_due{link="demo",kind="mail",state="due"}"#);
    assert_eq!((due.kind.as_str(), due.state.as_str(), due.total as f64), ("mail", "due", told));
    assert_eq!(value(&text, r#"rollbook_outbox_oldest_age_seconds{link="demo",kind="mail"}"#), 30.0);
    let retries = r#"rollbook_call_retries_total{site="repeated",function="core_user_get_users_by_field"}"#;
    assert_eq!(value(&text, retries), 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_and_events_are_counted_by_route_and_never_by_what_somebody_makes_up() {
    let stage = Stage::quiet("learning", "").await;
    let token = stage.token("reader", "read").await;
    stage.get("/api/v1/runs/0123", &token).await.problem(404);
    stage.get("/api/v1/made-up-by-somebody", &token).await.problem(404);
    let body = r#"{"user_id":1,"course_id":2}"#;
    let mut event = request("POST", "/api/v1/events/completion", "", Some(body.to_owned()));
    for (name, value) in sign(SECRET.as_bytes(), stage.now().as_second(), body.as_bytes()) {
        event.headers_mut().insert(name, value.parse().unwrap());
    }
    assert_eq!(stage.send(event).await.status, 202);
    let text = stage.get("/metrics", "").await.text;
    let route = r#"rollbook_http_requests_total{method="GET",route="/api/v1/runs/{run}",status="404"}"#;
    assert!(value(&text, route) >= 1.0);
    assert!(
        value(&text, r#"rollbook_http_request_duration_seconds_count{method="GET",route="/api/v1/runs/{run}"}"#) >= 1.0
    );
    assert!(value(&text, r#"rollbook_events_total{kind="completion",became="taken"}"#) >= 1.0);
    assert!(!text.contains("made-up-by-somebody"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_for_this_machine_and_for_a_token_with_the_scope() {
    let stage = Stage::quiet("learning", "").await;
    let (reader, watcher) = (stage.token("reader", "read").await, stage.token("watcher", "metrics").await);
    let (here, away) = ([127, 0, 0, 1], [10, 0, 0, 7]);
    assert_eq!(numbers_from(&stage, here, "", None).await.status, 200);
    assert_eq!(numbers_from(&stage, here, "", Some(("host", "localhost:8350"))).await.status, 200);
    numbers_from(&stage, away, "", None).await.problem(401);
    numbers_from(&stage, away, &reader, None).await.problem(403);
    assert_eq!(numbers_from(&stage, away, &watcher, None).await.status, 200);
    for forwarded in [("x-forwarded-for", "10.0.0.7"), ("forwarded", "for=10.0.0.7"), ("host", "evil.example")] {
        numbers_from(&stage, here, "", Some(forwarded)).await.problem(401);
    }
    let proxied = Stage::quiet("learning", "public_url = \"https://rollbook.example.org\"").await;
    numbers_from(&proxied, here, "", None).await.problem(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ready_until_it_stops_or_the_journal_is_gone() {
    let mut stage = Stage::quiet("learning", "").await;
    assert_eq!(stage.get("/readyz", "").await.json(), serde_json::json!({"ready": true}));
    let stop = CancellationToken::new();
    let state = stage.state.clone();
    stage.state = state.clone().until(stop.clone());
    assert_eq!(stage.get("/readyz", "").await.status, 200);
    stop.cancel();
    assert!(stage.get("/readyz", "").await.problem(503).contains("stopping"));
    stage.state = state;
    std::fs::remove_file(stage.folder.path().join("rollbook.sqlite")).unwrap();
    stage.get("/readyz", "").await.problem(503);
    assert_eq!(stage.get("/healthz", "").await.json()["lives"], true);
    stage.journal.close().await;
    stage.get("/readyz", "").await.problem(503);
    assert_eq!(stage.get("/healthz", "").await.status, 200, "a journal that is gone is no reason to kill the process");
}
