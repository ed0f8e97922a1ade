//! What somebody may try to keep others out, or to pass a limit: slow bodies, parallel logins, names of hosts and proxies.

use crate::browser::{Browser, Page};
use crate::stage::Stage;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use futures_util::stream;
use rollbook_settings::service::RoleName;
use rollbook_web::auth::hash_password;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn slow_bodies_hold_nobodys_turn_and_the_server_says_that_it_is_ready() {
    let stage = Stage::bare().await;
    let mut viewer = Browser::of(&stage, RoleName::Viewer).await;
    let mut slow = tokio::task::JoinSet::new();
    for path in ["/api/v1/events/completion", "/api/v1/events/membership", "/logout", "/links/demo/run"] {
        for _ in 0..8 {
            let mut browser = viewer.clone();
            let body = Body::from_stream(stream::pending::<io::Result<&'static str>>());
            let request = Request::post(path).header(header::CONTENT_LENGTH, "3").body(body).unwrap();
            slow.spawn(async move { browser.send(request).await.status });
        }
    }
    tokio::task::yield_now().await;
    for path in ["/", "/log", "/readyz"] {
        let page = tokio::time::timeout(Duration::from_secs(4), viewer.get(path)).await;
        assert_eq!(page.expect("it is answered at once").status, StatusCode::OK, "{path}");
    }
    assert!(slow.try_join_next().is_none(), "they are still being sent");
    while let Some(status) = slow.join_next().await {
        assert_eq!(status.unwrap(), StatusCode::REQUEST_TIMEOUT);
    }
}

async fn wrong_login(browser: &mut Browser, name: &str, forwarded: Option<&str>, peer: [u8; 4]) -> Page {
    let token = browser.get("/login").await.token().unwrap();
    let form = [("csrf", token.as_str()), ("name", name), ("password", "a wrong password")];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = Request::post("/login").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(forwarded) = forwarded {
        request = request.header("x-forwarded-for", forwarded);
    }
    let mut request = request.body(Body::from(body)).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 50_000))));
    browser.send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_logins_are_counted_before_they_are_verified() {
    let stage = Stage::with_server("login_tries = 3").await;
    let hash = hash_password(PASSWORD.to_owned()).await.unwrap();
    stage.journal.accounts().add("jane", RoleName::Operator, Some(&hash), "test", stage.now()).await.unwrap();
    let mut tries = tokio::task::JoinSet::new();
    for number in 0..40_u8 {
        let mut browser = Browser::new(&stage);
        tries.spawn(async move { wrong_login(&mut browser, "jane", None, [10, 0, 0, number]).await.body });
    }
    let pages = tries.join_all().await;
    let verified = pages.iter().filter(|page| page.contains("name or the password is wrong")).count();
    let refused = pages.iter().filter(|page| page.contains("Too many failed attempts")).count();
    assert_eq!((verified, refused), (3, 37));
    let since = stage.now() - jiff::SignedDuration::from_mins(15);
    assert_eq!(stage.journal.accounts().failed_logins("account jane", since).await.unwrap(), 3);
}

#[tokio::test]
async fn right_password_leaves_no_failure_behind_of_its_account_or_address() {
    let stage = Stage::with_server("login_tries = 3").await;
    let hash = hash_password(PASSWORD.to_owned()).await.unwrap();
    stage.journal.accounts().add("jane", RoleName::Operator, Some(&hash), "test", stage.now()).await.unwrap();
    for _ in 0..15 {
        let mut browser = Browser::new(&stage);
        let token = browser.get("/login").await.token().unwrap();
        let page = browser.send_form("/login", &[("csrf", &token), ("name", "jane"), ("password", PASSWORD)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        stage.hand.advance(Duration::from_millis(10));
    }
}

/// Which of 13 accounts' logins, each tried once from a proxy that names other clients, had to wait.
async fn waits(server: &str, forwarded: impl Fn(usize) -> String) -> bool {
    let stage = Stage::with_server(&format!("login_tries = 3\n{server}")).await;
    let mut browser = Browser::new(&stage);
    let mut last = String::new();
    for number in 0..13 {
        let name = format!("somebody{number}");
        last = wrong_login(&mut browser, &name, Some(&forwarded(number)), [127, 0, 0, 1]).await.body;
    }
    last.contains("Too many failed attempts")
}

#[tokio::test]
async fn forwarded_address_is_believed_of_a_configured_proxy_only() {
    let client = |number: usize| format!("203.0.113.{number}");
    assert!(waits("", client).await, "loopback alone is no proxy");
    assert!(!waits("trusted_proxies = [\"127.0.0.1\"]", client).await, "thirteen clients");
    let lies = |number: usize| format!("198.51.100.{number}, 203.0.113.1");
    assert!(waits("trusted_proxies = [\"127.0.0.1\"]", lies).await, "what the client itself named before");
    let chain = |number: usize| format!("203.0.113.{number}, 10.1.2.3");
    assert!(!waits("trusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]", chain).await, "two proxies");
}

#[tokio::test]
async fn request_names_its_host_once() {
    let stage = Stage::bare().await;
    let mut router = rollbook_web::router(stage.state.clone());
    for (hosts, expected) in [(0, StatusCode::BAD_REQUEST), (1, StatusCode::OK), (2, StatusCode::BAD_REQUEST)] {
        let mut request = Request::get("/login");
        for number in 0..hosts {
            request = request.header(header::HOST, format!("host{number}.example"));
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = tower_service::Service::call(&mut router, request).await.unwrap();
        assert_eq!(answer.status(), expected, "{hosts} hosts");
    }
}

#[tokio::test]
async fn page_that_updates_itself_keeps_no_session_alive_and_its_reader_does() {
    let stage = Stage::with_server("session_idle = \"1m\"").await;
    let mut reader = Browser::of(&stage, RoleName::Viewer).await;
    let mut left = Browser::of(&stage, RoleName::Operator).await;
    left.more = vec![("x-rollbook-poll", "1".to_owned()), ("hx-request", "true".to_owned())];
    for _ in 0..5 {
        stage.hand.advance(Duration::from_secs(16));
        assert_eq!(reader.get("/").await.status, StatusCode::OK, "who reads is not logged out within a minute");
        left.get("/").await;
    }
    assert_eq!(left.get("/").await.status, StatusCode::UNAUTHORIZED, "nobody was there");
}

#[tokio::test]
async fn address_that_cannot_be_read_gets_an_error_page_of_ours() {
    let stage = Stage::bare().await;
    let mut viewer = Browser::of(&stage, RoleName::Administrator).await;
    for path in ["/plans/x", "/attention/99999999999999999999", "/requests/%20", "/runs/x?after=y"] {
        let page = viewer.get(path).await;
        assert!(page.status.is_client_error() && page.body.contains("<!doctype html>"), "{path}: {}", page.body);
        assert!(!page.body.contains("Cannot parse"), "{path}: {}", page.body);
    }
    let page = viewer.post("/completions/retry", &[("link", "done"), ("report", "x")]).await;
    assert!(page.status == StatusCode::UNPROCESSABLE_ENTITY && page.body.contains("Invalid input"), "{}", page.body);
}

#[tokio::test]
async fn second_tab_with_a_login_form_leads_in() {
    let stage = Stage::bare().await;
    let hash = hash_password(PASSWORD.to_owned()).await.unwrap();
    stage.journal.accounts().add("jane", RoleName::Operator, Some(&hash), "test", stage.now()).await.unwrap();
    let mut browser = Browser::new(&stage);
    let token = browser.get("/login").await.token().unwrap();
    let form = [("csrf", token.as_str()), ("name", "jane"), ("password", PASSWORD)];
    assert_eq!(browser.send_form("/login", &form).await.status, StatusCode::SEE_OTHER);
    let second = browser.send_form("/login", &form).await;
    assert_eq!((second.status, second.location()), (StatusCode::SEE_OTHER, "/"));
}
