//! Logging in: who gets in, who has to wait, and what a refusal gives away.

mod own;
mod sign_on;

use crate::browser::{Browser, Page};
use crate::stage::Stage;
use axum::http::StatusCode;
use rollbook_settings::service::RoleName;
use rollbook_web::auth::{hash_password, hash_secret, make_secret};
use std::time::Duration;

const PASSWORD: &str = "correct horse battery staple";

async fn with_account(stage: &Stage, name: &str) {
    let hash = hash_password(PASSWORD.to_owned()).await.unwrap();
    stage.journal.accounts().add(name, RoleName::Operator, Some(&hash), "test", stage.now()).await.unwrap();
}

async fn log_in(browser: &mut Browser, name: &str, password: &str) -> Page {
    let token = browser.get("/login?to=%2Flog").await.token().unwrap();
    let fields = [("csrf", token.as_str()), ("to", "/log"), ("name", name), ("password", password)];
    browser.send_form("/login", &fields).await
}

#[tokio::test]
async fn password_lets_in_and_leads_to_where_one_wanted_to_go() {
    let stage = Stage::bare().await;
    with_account(&stage, "Jane@Example.org").await;
    let mut browser = Browser::new(&stage);
    let page = log_in(&mut browser, "jane@example.ORG ", PASSWORD).await;
    assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/log"));
    let cookie = page.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned());
    let session = cookie.into_iter().find(|cookie| cookie.contains("session")).unwrap();
    assert!(session.contains("HttpOnly") && session.contains("SameSite=Lax"), "{session}");
    let log = browser.get("/log").await;
    assert!(log.status == StatusCode::OK && log.body.contains("jane@example.org"));
    let out = browser.post("/logout", &[]).await;
    assert_eq!(out.location(), "/login");
    assert_eq!(browser.get("/log").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn refusal_says_nothing_about_whether_there_is_such_an_account() {
    let stage = Stage::bare().await;
    with_account(&stage, "jane").await;
    stage.journal.accounts().add("linked", RoleName::Viewer, None, "test", stage.now()).await.unwrap();
    let mut pages = Vec::new();
    for name in ["jane", "nobody", "linked"] {
        let page = log_in(&mut Browser::new(&stage), name, "a wrong password").await;
        let token = page.token().unwrap();
        pages.push((page.status, page.body.replace(&token, "TOKEN").replace(&format!("value=\"{name}\""), "NAME")));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
}

#[tokio::test]
async fn too_many_wrong_tries_have_to_wait_whoever_they_are_for() {
    let stage = Stage::with_server("login_tries = 3").await;
    with_account(&stage, "jane").await;
    for name in ["jane", "nobody"] {
        let mut browser = Browser::new(&stage);
        for _ in 0..3 {
            let page = log_in(&mut browser, name, "a wrong password").await;
            assert!(page.body.contains("The name or the password is wrong."));
        }
        let page = log_in(&mut browser, name, PASSWORD).await;
        assert!(page.body.contains("Too many failed attempts"), "{name}: even the right one has to wait");
    }
    stage.hand.advance(Duration::from_secs(15 * 60 + 1));
    let page = log_in(&mut Browser::new(&stage), "jane", PASSWORD).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn one_address_cannot_try_many_accounts() {
    let stage = Stage::with_server("login_tries = 3").await;
    with_account(&stage, "jane").await;
    let mut browser = Browser::new(&stage);
    for number in 0..12 {
        log_in(&mut browser, &format!("somebody{number}"), "a wrong password").await;
    }
    let page = log_in(&mut browser, "jane", PASSWORD).await;
    assert!(page.body.contains("Too many failed attempts"));
}

#[tokio::test]
async fn expired_session_is_nobodys_by_idleness_and_by_age() {
    let stage = Stage::with_server("session = \"2h\"\nsession_idle = \"30m\"").await;
    let mut browser = Browser::of(&stage, RoleName::Viewer).await;
    for _ in 0..4 {
        stage.hand.advance(Duration::from_secs(29 * 60));
        assert_eq!(browser.get("/").await.status, StatusCode::OK);
    }
    stage.hand.advance(Duration::from_secs(5 * 60));
    assert_eq!(browser.get("/").await.location(), "/login", "two hours are over");
    let mut browser = Browser::of(&stage, RoleName::Viewer).await;
    stage.hand.advance(Duration::from_secs(31 * 60));
    assert_eq!(browser.get("/").await.location(), "/login", "nobody looked for half an hour");
}

/// A link that logs jane in, for five minutes.
async fn login_link(stage: &Stage) -> String {
    stage.journal.accounts().add("jane", RoleName::Viewer, None, "test", stage.now()).await.unwrap();
    let secret = make_secret();
    let until = stage.now() + jiff::SignedDuration::from_mins(5);
    stage.journal.accounts().add_login_link("jane", &hash_secret(&secret), until, "test", stage.now()).await.unwrap();
    format!("/login/link/{secret}")
}

#[tokio::test]
async fn login_link_works_once_and_not_by_looking_at_it() {
    let stage = Stage::bare().await;
    let path = login_link(&stage).await;
    for _ in 0..3 {
        assert_eq!(Browser::new(&stage).get(&path).await.status, StatusCode::OK);
    }
    let mut browser = Browser::new(&stage);
    let token = browser.get(&path).await.token().unwrap();
    assert_eq!(browser.send_form(&path, &[("csrf", &token)]).await.location(), "/");
    let mut again = Browser::new(&stage);
    let token = again.get(&path).await.token().unwrap();
    let page = again.send_form(&path, &[("csrf", &token)]).await;
    assert!(page.status == StatusCode::UNPROCESSABLE_ENTITY && page.body.contains("has been used or has expired"));
}

#[tokio::test]
async fn expired_login_link_lets_nobody_in() {
    let stage = Stage::bare().await;
    let path = login_link(&stage).await;
    stage.hand.advance(Duration::from_secs(5 * 60));
    let mut browser = Browser::new(&stage);
    let token = browser.get(&path).await.token().unwrap();
    assert_eq!(browser.send_form(&path, &[("csrf", &token)]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(browser.get("/").await.location(), "/login");
}

#[tokio::test]
async fn disabled_account_is_out_at_once_and_the_last_administrator_stays() {
    let stage = Stage::bare().await;
    let mut boss = Browser::of(&stage, RoleName::Administrator).await;
    let mut viewer = Browser::of(&stage, RoleName::Viewer).await;
    assert_eq!(viewer.get("/").await.status, StatusCode::OK);
    boss.post("/accounts/viewer", &[("act", "disable")]).await;
    assert_eq!(viewer.get("/").await.location(), "/login");
    for (act, role) in [("disable", ""), ("role", "viewer")] {
        let page = boss.post("/accounts/administrator", &[("act", act), ("role", role)]).await;
        assert!(page.status == StatusCode::CONFLICT && page.body.contains("last administrator"), "{}", page.body);
    }
    assert_eq!(boss.get("/accounts").await.status, StatusCode::OK);
}
