//! Who may do what: every route of the document, with every scope.

mod writes;

use crate::stage::{SCOPES, Stage, request};
use jiff::SignedDuration;
use rollbook_web::api::document;
use serde_json::{Value, json};

/// The scopes that a route takes.
fn scopes(method: &str, path: &str) -> &'static [&'static str] {
    match (method, path) {
        ("get", "/api/v1/links" | "/api/v1/links/{link}" | "/api/v1/runs") => &["read", "status", "run"],
        // Every token may see what became of its own requests.
        ("get", "/api/v1/requests/{request}") => &["read", "status", "run", "resolve", "approve", "report"],
        ("get", _) => &["read"],
        (_, path) if path.ends_with("/runs") => &["run"],
        (_, path) if path.starts_with("/api/v1/plans/") => &["approve"],
        (_, path) if path.starts_with("/api/v1/attention/") => &["resolve"],
        (_, path) if path.starts_with("/api/v1/completions/") => &["report"],
        other => panic!("a route that nobody thought of: {other:?}"),
    }
}

/// Every route that takes a token, as the document has it: method, path, and what is needed for it.
fn routes(document: &Value) -> Vec<(String, String, &'static [&'static str])> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
    all.filter(|(_, path)| !path.starts_with("/api/v1/events/"))
        .map(|(method, path)| {
            let needed = scopes(&method, &path);
            (method, path, needed)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_route_takes_its_scope_and_no_other() {
    let stage = Stage::small().await;
    let document = serde_json::to_value(document(&stage.state)).unwrap();
    let routes = routes(&document);
    assert!(routes.len() >= 20, "{routes:#?}");
    let mut tokens = Vec::new();
    for scope in SCOPES {
        tokens.push((scope, stage.token(scope, scope).await));
    }
    for (method, path, needed) in routes {
        let address = path.replace("{link}", "demo").replace("{run}", "0");
        let address = address.replace("{plan}", "1").replace("{item}", "1").replace("{request}", "1");
        let method = method.to_uppercase();
        let body = || (method == "POST").then(|| json!({"nothing": true}).to_string());
        stage.send(request(&method, &address, "", body())).await.problem(401);
        for (scope, token) in &tokens {
            let answer = stage.send(request(&method, &address, token, body())).await;
            if needed.contains(scope) {
                assert!(![401, 403].contains(&answer.status.as_u16()), "{method} {path} with {scope}: {}", answer.text);
            } else {
                let detail = answer.problem(403);
                assert!(needed.iter().all(|needed| detail.contains(needed)), "{method} {path} with {scope}: {detail}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_reads_what_it_asked_for_and_nobody_elses_request() {
    let stage = Stage::small().await;
    let (scheduler, other) = (stage.token("scheduler", "run").await, stage.token("other", "run").await);
    let accepted = stage.post("/api/v1/links/demo/runs", &scheduler, json!({})).await;
    let look = serde_json::from_str::<Value>(&accepted.text).unwrap()["look"].as_str().unwrap().to_owned();
    assert_eq!(stage.get(&look, &scheduler).await.status, 200);
    stage.get(&look, &other).await.problem(404);
    let reader = stage.token("reader", "read").await;
    assert_eq!(stage.get(&look, &reader).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_that_was_stored_for_judging_still_approves() {
    let stage = Stage::quiet("learning", "").await;
    let token = stage.token("old", "judge").await;
    stage.post("/api/v1/plans/1/approve", &token, json!({"why": "they left"})).await.problem(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_revoked_or_missing_token_opens_nothing() {
    let stage = Stage::quiet("learning", "").await;
    let token = stage.token("reader", "read").await;
    assert_eq!(stage.get("/api/v1/links", &token).await.status, 200);
    for wrong in ["", "rbk_", "rbk_zz", &token[4..], &format!("rbk_{}", "0".repeat(64)), &format!("{token}0")] {
        let refused = stage.get("/api/v1/links", wrong).await;
        refused.problem(401);
        assert!(refused.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"), "{wrong}");
    }
    let id = stage.journal.tokens().list().await.unwrap()[0].id;
    stage.journal.tokens().revoke(id, "robin", stage.now()).await.unwrap();
    stage.get("/api/v1/links", &token).await.problem(401);
    let other = stage.token("reader", "read").await;
    stage.hand.set(stage.now() + SignedDuration::from_mins(59));
    assert_eq!(stage.get("/api/v1/links", &other).await.status, 200);
    stage.hand.set(stage.now() + SignedDuration::from_mins(1));
    stage.get("/api/v1/links", &other).await.problem(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cookie_opens_nothing_here() {
    let stage = Stage::quiet("learning", "").await;
    let session = rollbook_web::auth::make_secret();
    let role = rollbook_settings::service::RoleName::Administrator;
    stage.journal.accounts().add("robin", role, None, "command line", stage.now()).await.unwrap();
    let hash = rollbook_web::auth::hash_secret(&session);
    let expires = stage.now() + SignedDuration::from_hours(1);
    stage.journal.sessions().open("robin", &hash, expires, stage.now()).await.unwrap();
    let cookie = format!("rollbook-session={session}");
    let with_cookie = |path: &str| {
        let mut asked = request("GET", path, "", None);
        asked.headers_mut().insert("cookie", cookie.parse().unwrap());
        asked
    };
    assert_eq!(stage.send(with_cookie("/runs")).await.status, 200, "the session is a good one");
    stage.send(with_cookie("/api/v1/links")).await.problem(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_that_asks_too_much_waits_and_others_do_not() {
    let stage = Stage::quiet("learning", "api_rate = 10").await;
    let (busy, calm) = (stage.token("busy", "read").await, stage.token("calm", "read").await);
    for _ in 0..10 {
        assert_eq!(stage.get("/api/v1/links", &busy).await.status, 200);
    }
    let refused = stage.get("/api/v1/links", &busy).await;
    refused.problem(429);
    assert_eq!(refused.headers["retry-after"], "60");
    assert_eq!(stage.get("/api/v1/links", &calm).await.status, 200);
    stage.hand.advance(std::time::Duration::from_secs(60));
    assert_eq!(stage.get("/api/v1/links", &busy).await.status, 200);
}
