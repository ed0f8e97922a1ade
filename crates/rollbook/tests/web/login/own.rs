//! One's own account: another password by the old one, and what does not change it.

use crate::browser::{Browser, Page};
use crate::stage::Stage;
use axum::http::StatusCode;
use rollbook_core::model::LinkName;
use rollbook_settings::service::RoleName;
use rollbook_web::auth::hash_password;
use std::time::Duration;

const OLD: &str = "correct horse battery staple";
const NEW: &str = "another horse and another staple";

/// Jane has an account; gives a browser of hers.
async fn jane(stage: &Stage) -> Browser {
    let hash = hash_password(OLD.to_owned()).await.unwrap();
    stage.journal.accounts().add("jane", RoleName::Viewer, Some(&hash), "test", stage.now()).await.unwrap();
    let mut browser = Browser::new(stage);
    assert!(enters(&mut browser, OLD).await);
    browser
}

async fn enters(browser: &mut Browser, password: &str) -> bool {
    let token = browser.get("/login").await.token().unwrap();
    let fields = [("csrf", token.as_str()), ("name", "jane"), ("password", password)];
    browser.send_form("/login", &fields).await.status == StatusCode::SEE_OTHER
}

async fn change(browser: &mut Browser, present: &str, wanted: &str, again: &str) -> Page {
    browser.post("/account/password", &[("current", present), ("new", wanted), ("repeated", again)]).await
}

async fn hash(stage: &Stage) -> String {
    stage.journal.accounts().find("jane").await.unwrap().unwrap().password.unwrap()
}

#[tokio::test]
async fn password_is_changed_by_its_owner_and_every_other_session_ends() {
    let stage = Stage::bare().await;
    let mut here = jane(&stage).await;
    let mut elsewhere = Browser::new(&stage);
    assert!(enters(&mut elsewhere, OLD).await);
    assert!(here.get("/").await.body.contains("href=\"/account\""), "the way there is on every page");
    assert!(here.get("/account").await.body.contains("Change your password"));
    let done = change(&mut here, OLD, NEW, NEW).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/account"), "{}", done.body);
    assert_eq!(here.get("/account").await.status, StatusCode::OK, "this session goes on");
    assert_eq!(elsewhere.get("/").await.location(), "/login", "the other does not");
    assert!(hash(&stage).await.starts_with("$argon2id$"));
    assert!(!enters(&mut Browser::new(&stage), OLD).await);
    assert!(enters(&mut Browser::new(&stage), NEW).await);
    let acts = stage.journal.runs().acts(&LinkName::new(""), i64::MAX, 10).await.unwrap();
    let act = acts.iter().find(|act| act.payload["act"] == "password changed").unwrap();
    assert_eq!((act.author.as_str(), act.payload["account"].as_str()), ("jane", Some("jane")));
    assert!(!act.payload.to_string().contains("argon2"));
}

#[tokio::test]
async fn wrong_short_or_differing_password_and_a_foreign_form_change_nothing() {
    let stage = Stage::bare().await;
    let mut browser = jane(&stage).await;
    let before = hash(&stage).await;
    for (present, wanted, again, told) in [
        ("a wrong password", NEW, NEW, "The current password is wrong."),
        (OLD, "short", "short", "at least 12 characters"),
        (OLD, NEW, "another horse", "The two new passwords differ."),
        (OLD, OLD, OLD, "is the current one"),
    ] {
        let page = change(&mut browser, present, wanted, again).await;
        assert!(page.status == StatusCode::UNPROCESSABLE_ENTITY && page.body.contains(told), "{told}: {}", page.body);
    }
    for csrf in ["", "0"] {
        let fields = [("csrf", csrf), ("current", OLD), ("new", NEW), ("repeated", NEW)];
        assert_eq!(browser.send_form("/account/password", &fields).await.status, StatusCode::FORBIDDEN);
    }
    let fields = [("current", OLD), ("new", NEW), ("repeated", NEW)];
    assert!(Browser::new(&stage).send_form("/account/password", &fields).await.location().starts_with("/login"));
    assert_eq!(hash(&stage).await, before);
}

#[tokio::test]
async fn stolen_session_cannot_try_passwords_without_end() {
    let stage = Stage::with_server("login_tries = 3").await;
    let mut browser = jane(&stage).await;
    for _ in 0..3 {
        assert!(change(&mut browser, "a wrong password", NEW, NEW).await.body.contains("is wrong"));
    }
    assert!(change(&mut browser, OLD, NEW, NEW).await.body.contains("Too many failed attempts"));
    stage.hand.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(change(&mut browser, OLD, NEW, NEW).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn first_password_is_chosen_soon_after_a_login_link_and_not_later() {
    let stage = Stage::bare().await;
    let mut late = Browser::of(&stage, RoleName::Viewer).await;
    stage.hand.advance(Duration::from_secs(16 * 60));
    let page = change(&mut late, "", NEW, NEW).await;
    assert!(page.body.contains("Ask an administrator for a new login link"), "{}", page.body);
    let mut soon = Browser::of(&stage, RoleName::Viewer).await;
    assert!(soon.get("/account").await.body.contains("Set a password"));
    assert_eq!(change(&mut soon, "", NEW, NEW).await.status, StatusCode::SEE_OTHER);
    assert!(stage.journal.accounts().find("viewer").await.unwrap().unwrap().password.is_some());
}

#[tokio::test]
async fn account_of_single_sign_on_has_no_password_here() {
    let stage = Stage::bare().await;
    stage
        .journal
        .accounts()
        .from_single_sign_on("https://id.example|1", "viewer", RoleName::Viewer, stage.now())
        .await
        .unwrap();
    let mut browser = Browser::of(&stage, RoleName::Viewer).await;
    assert!(browser.get("/account").await.body.contains("your password is managed there"));
    assert_eq!(change(&mut browser, "", NEW, NEW).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(stage.journal.accounts().find("viewer").await.unwrap().unwrap().password.is_none());
}
