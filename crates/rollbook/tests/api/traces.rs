//! Traces: a command that calls a site tells a collector so.

use crate::stage::Stage;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use jiff::SignedDuration;
use std::process::Command;
use std::sync::{Arc, Mutex};

type Got = Arc<Mutex<Vec<(String, Bytes)>>>;

async fn take(State(got): State<Got>, headers: HeaderMap, body: Bytes) {
    got.lock().unwrap().push((headers["content-type"].to_str().unwrap().to_owned(), body));
}

/// A collector that keeps what it gets; gives its address.
async fn collector() -> (String, Got) {
    let got = Got::default();
    let router = Router::new().route("/v1/traces", post(take)).with_state(got.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, got)
}

async fn run_intake(stage: &Stage) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollbook"));
    // The command lives in the machine's time, the stage's records in their own.
    let since = (stage.now() - SignedDuration::from_hours(24)).to_string();
    command.args(["--config", "rollbook.toml", "intake", "run", "demo", "--since", &since]);
    command.current_dir(stage.folder.path());
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_a_run_are_spans_of_a_trace_and_hold_nobodys_data() {
    let (url, got) = collector().await;
    let stage = Stage::quiet("learning", &format!("otlp_url = \"{url}\"")).await;
    let words = run_intake(&stage).await;
    let got = got.lock().unwrap();
    assert!(!got.is_empty(), "{words}");
    assert!(got.iter().all(|(kind, _)| kind == "application/x-protobuf"));
    let sent: Vec<u8> = got.iter().flat_map(|(_, body)| body.to_vec()).collect();
    let sent = String::from_utf8_lossy(&sent);
    for word in ["service.name", "rollbook", "elm fetch_page", "learning core_"] {
        assert!(sent.contains(word), "{word}: {words}");
    }
    assert!(!sent.contains("example.org") && !sent.contains("A1A1"), "{sent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collector_that_is_away_holds_nothing_up() {
    let stage = Stage::quiet("learning", "otlp_url = \"http://127.0.0.1:9\"").await;
    let words = run_intake(&stage).await;
    assert!(stage.sandbox.calls().total() > 2, "{words}");
}
