//! The document: what it says, and that the API keeps to it.

use crate::stage::{SCOPES, Stage};
use rollbook_web::{api, router};
use std::net::SocketAddr;
use std::process::Command;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn document_is_as_programs_know_it() {
    let stage = Stage::quiet("learning", "").await;
    let told = stage.get("/api/v1/openapi.json", "").await;
    assert_eq!((told.status.as_u16(), told.kind()), (200, "application/json"));
    assert_eq!(told.json(), serde_json::to_value(api::document(&stage.state)).unwrap());
    insta::assert_json_snapshot!("openapi", told.json());
}

#[expect(clippy::disallowed_methods, reason = "only a test: the product reads the environment in config")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Serves the stage on a free port until the token is cancelled; gives the address.
async fn serve(stage: &Stage, stop: CancellationToken) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router(stage.state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await.unwrap();
    });
    format!("http://{address}")
}

/// Schemathesis asks every route with what the document allows and with what it does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_asked_is_answered_as_the_document_says() {
    let tool = told("ROLLBOOK_TEST_SCHEMATHESIS")
        .expect("ROLLBOOK_TEST_SCHEMATHESIS names no schemathesis: run the suite with ./dev test, which installs it");
    let examples = told("ROLLBOOK_TEST_EXAMPLES").unwrap_or_else(|| "5".to_owned());
    let stage = Stage::quiet("learning", "api_rate = 10000000").await;
    for link in ["guilds", "demo", "done"] {
        stage.run(link).await;
    }
    stage.lose_members().await;
    let token = stage.token("fuzz", &SCOPES.join(" ")).await;
    let stop = CancellationToken::new();
    let url = serve(&stage, stop.clone()).await;
    let mut command = Command::new(tool);
    command.current_dir(stage.folder.path()).env("NO_COLOR", "1").env_remove("PYTHONPATH");
    command.args(["run", &format!("{url}/api/v1/openapi.json"), "--header", &format!("Authorization: Bearer {token}")]);
    command.args(["--seed", "2026", "--max-examples", &examples, "--phases", "examples,coverage,fuzzing"]);
    command.args(["--workers", "1", "--no-shrink", "--generation-database", "none", "--suppress-health-check", "all"]);
    command.args(["--checks", "all"]);
    let ran = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    stop.cancel();
    let words = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{words}");
    let acts = stage.journal.requests().list(&Default::default(), 500).await.unwrap();
    assert!(acts.iter().any(|request| request.asked_by == "token fuzz"), "it never got through the door:\n{words}");
}
