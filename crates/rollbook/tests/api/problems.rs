//! Whatever goes wrong is told as a problem, with the status that the document has for it.

use crate::stage::{Stage, request};
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refusal_is_a_problem() {
    let stage = Stage::small().await;
    let token = stage.master().await;
    for nowhere in
        ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/links/none", "/api/v1/runs/zz", "/api/v1/plans/x"]
    {
        stage.get(nowhere, &token).await.problem(404);
    }
    for missing in ["/api/v1/requests/999999", "/api/v1/attention/999999", "/api/v1/plans/999999"] {
        assert!(stage.get(missing, &token).await.problem(404).contains("999999"));
    }
    let wrong = stage.send(request("DELETE", "/api/v1/links", &token, None)).await;
    wrong.problem(405);
    assert!(wrong.headers["allow"].to_str().unwrap().contains("GET"));
    let links = "/api/v1/links/demo/runs";
    let long = json!({"user": "x".repeat(70_000)});
    stage.post(links, &token, long).await.problem(413);
    let text =
        Request::post(links).header("authorization", format!("Bearer {token}")).header("content-type", "text/plain");
    stage.send(text.body(Body::from("{}")).unwrap()).await.problem(415);
    stage.post("/api/v1/events/membership", "", json!({"user": 1})).await.problem(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_taken_is_named() {
    let stage = Stage::small().await;
    let token = stage.master().await;
    let asked = [
        ("/api/v1/records?colour=red", "colour"),
        ("/api/v1/records?limit=0", "limit"),
        ("/api/v1/records?limit=501", "limit"),
        ("/api/v1/records?limit=many", "limit"),
        ("/api/v1/records?since=yesterday", "since"),
        ("/api/v1/records?sort=size", "size"),
        ("/api/v1/records?after=x", "after"),
        ("/api/v1/runs?before=-1", "before"),
        ("/api/v1/runs?flow=rivers", "rivers"),
        ("/api/v1/explain?person=%20&course=1", "person"),
        ("/api/v1/explain?person=x", "course"),
        ("/api/v1/completions", "link"),
    ];
    for (path, word) in asked {
        let detail = stage.get(path, &token).await.problem(422);
        assert!(detail.contains(word), "{path}: {detail}");
    }
    let acts = [
        ("/api/v1/links/demo/runs", json!({"speed": 9}), "speed"),
        ("/api/v1/links/guilds/runs", json!({"guild": " "}), "guild"),
        ("/api/v1/plans/1/approve", json!({"why": "  "}), "reason"),
        ("/api/v1/plans/1/approve", json!({}), "why"),
        ("/api/v1/attention/1/resolve", json!({"act": "explode"}), "explode"),
        ("/api/v1/attention/1/resolve", json!({"act": "ignore", "reason": ""}), "reason"),
        ("/api/v1/attention/1/resolve", json!({"act": "use_account", "account": 0}), "account"),
        ("/api/v1/completions/retry", json!({"link": "done", "reports": []}), "reports"),
    ];
    for (path, body, word) in acts {
        let detail = stage.post(path, &token, body).await.problem(422);
        assert!(detail.contains(word), "{path}: {detail}");
    }
    let broken = stage.send(request("POST", "/api/v1/plans/1/approve", &token, Some("{".to_owned()))).await;
    assert!(broken.problem(422).contains("line 1"));
    assert_eq!(
        stage.journal.requests().list(&Default::default(), 100).await.unwrap().len(),
        3,
        "nothing was asked for"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journal_that_is_away_is_no_fault_of_the_sender() {
    let stage = Stage::small().await;
    let token = stage.master().await;
    stage.journal.close().await;
    let answer = stage.get("/api/v1/links", &token).await;
    answer.problem(503);
    assert!(answer.json()["incident"].as_str().is_some_and(|incident| incident.len() == 10));
    assert!(!answer.text.to_lowercase().contains("sql"), "the cause is for the log: {}", answer.text);
}
