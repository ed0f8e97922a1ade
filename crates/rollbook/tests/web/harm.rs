//! What somebody may try: each refused, or rendered harmless.

use crate::browser::Browser;
use crate::stage::{BOB, FORMULA, Stage};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use rollbook_core::model::LinkName;
use rollbook_journal::AttentionFilter;
use rollbook_journal::requests::RequestFilter;
use rollbook_settings::service::RoleName;

async fn requests(stage: &Stage) -> usize {
    stage.journal.requests().list(&RequestFilter::default(), 100).await.unwrap().len()
}

#[tokio::test]
async fn viewer_who_posts_is_refused_and_nothing_happens() {
    let stage = Stage::bare().await;
    let mut viewer = Browser::of(&stage, RoleName::Viewer).await;
    let page = viewer.post("/links/demo/run", &[]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("operator"), "it says what it takes");
    assert_eq!(requests(&stage).await, 0);
}

#[tokio::test]
async fn missing_or_foreign_csrf_token_is_refused() {
    let stage = Stage::bare().await;
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    let other = Browser::of(&stage, RoleName::Viewer).await.get("/").await.token().unwrap();
    for fields in [&[][..], &[("csrf", "")], &[("csrf", "0")], &[("csrf", other.as_str())]] {
        let page = operator.send_form("/links/demo/run", fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{fields:?}");
    }
    assert_eq!(requests(&stage).await, 0);
    assert_eq!(operator.post("/links/demo/run", &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(requests(&stage).await, 1);
}

#[tokio::test]
async fn form_of_another_site_is_refused_even_with_the_token() {
    let stage = Stage::bare().await;
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    let token = operator.get("/").await.token().unwrap();
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        operator.more = vec![(name, value.to_owned()), ("host", "127.0.0.1:8350".to_owned())];
        let page = operator.send_form("/links/demo/run", &[("csrf", &token)]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(requests(&stage).await, 0);
}

#[tokio::test]
async fn forged_cookie_is_nobody() {
    let stage = Stage::bare().await;
    let operator = Browser::of(&stage, RoleName::Operator).await;
    let (name, secret) = operator.cookies.iter().find(|(name, _)| name.contains("session")).unwrap();
    let hash = rollbook_web::auth::hash_secret(secret);
    for forged in ["", "0", &"f".repeat(64), &hash, "' OR 1=1 --", "operator"] {
        let mut browser = Browser::new(&stage);
        browser.cookies.insert(name.clone(), forged.to_owned());
        assert_eq!(browser.get("/").await.location(), "/login", "{forged}: what is stored does not let in either");
    }
}

#[tokio::test]
async fn path_traversal_on_assets_gives_nothing_but_what_is_in_the_list() {
    let stage = Stage::bare().await;
    let mut browser = Browser::new(&stage);
    let paths = [
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/%2e%2e/rollbook.toml",
        "/assets/app.css",
        "/assets/..\\..\\etc\\passwd",
        "/assets/",
        "/assets/%00",
    ];
    for path in paths {
        let Ok(request) = Request::get(path).body(Body::empty()) else { continue };
        let page = browser.send(request).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!page.body.contains("root:") && !page.body.contains("[workspace]"), "{path}");
    }
    let login = browser.get("/login").await.body;
    let (_, style) = login.split_once("stylesheet\" href=\"").unwrap();
    let style = style.split('"').next().unwrap();
    let page = browser.get(style).await;
    assert_eq!(page.header("content-type"), "text/css; charset=utf-8");
    assert!(page.header("cache-control").contains("immutable"));
    let tag = page.header("etag").to_owned();
    let again = Request::get(style).header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap();
    assert_eq!(browser.send(again).await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn html_in_a_name_is_text_on_every_page_that_shows_it() {
    let stage = Stage::small().await;
    let mut browser = Browser::of(&stage, RoleName::Administrator).await;
    let run = stage.journal.runs().list(&rollbook_journal::RunFilter::default()).await.unwrap();
    let run = run.iter().find(|run| run.flow == "intake").unwrap();
    let items = stage.journal.attention().list(&AttentionFilter::default(), 100).await.unwrap();
    let item = items.iter().find(|item| item.subject == BOB.to_lowercase()).unwrap();
    let asked = browser.post("/intake", &[("link", "demo"), ("guid", BOB)]).await;
    stage.work().await;
    let paths = [
        "/log".to_owned(),
        "/log?q=script".to_owned(),
        format!("/people/demo/{BOB}"),
        format!("/people/demo/{BOB}?course=930001"),
        format!("/runs/{}", run.id),
        "/attention".to_owned(),
        format!("/attention/{}", item.id),
        asked.location().to_owned(),
    ];
    for path in &paths {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.body.contains("<script>alert"), "{path}");
    }
    for path in [&paths[6], &paths[7]] {
        assert!(browser.get(path).await.body.contains("&#60;script&#62;alert(1)"), "{path} shows the name");
    }
    assert!(browser.get("/log").await.body.contains("&#60;script&#62;alert(1)"), "it is shown as it was written");
    // What is asked for comes back as text, too.
    let page = browser.get("/log?q=%22%3E%3Cscript%3Ealert(2)").await;
    assert!(!page.body.contains("<script>alert"));
}

#[tokio::test]
async fn formula_in_a_field_is_text_in_the_export() {
    let stage = Stage::small().await;
    let mut browser = Browser::of(&stage, RoleName::Viewer).await;
    let page = browser.get("/log.csv").await;
    assert_eq!(page.header("content-type"), "text/csv; charset=utf-8");
    assert!(page.header("content-disposition").starts_with("attachment; filename=\"rollbook-log-"));
    let rows: Vec<csv::StringRecord> =
        csv::Reader::from_reader(page.body.as_bytes()).records().map(Result::unwrap).collect();
    let bob = rows.iter().find(|row| row.get(6) == Some(BOB)).unwrap();
    assert_eq!(bob.get(8), Some(format!("'{FORMULA}").as_str()));
    let dangerous = |text: &str| text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    assert!(rows.iter().flatten().all(|field| !dangerous(field)));
    let all =
        stage.journal.records().log(&rollbook_journal::LogQuery { limit: 1000, ..Default::default() }).await.unwrap();
    assert_eq!(rows.len(), all.rows.len(), "nothing is lost on the way");
}

#[tokio::test]
async fn nobody_is_told_what_went_wrong_inside() {
    let stage = Stage::bare().await;
    let mut browser = Browser::of(&stage, RoleName::Administrator).await;
    stage.journal.close().await;
    let page = browser.get("/").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(page.body.contains("give the incident"), "{}", page.body);
    assert!(!page.body.to_lowercase().contains("sql") && !page.body.contains("pool"), "{}", page.body);
}

#[tokio::test]
async fn what_is_too_long_or_no_number_is_refused_without_trouble() {
    let stage = Stage::bare().await;
    let mut browser = Browser::of(&stage, RoleName::Administrator).await;
    let long = "x".repeat(70_000);
    let token = browser.get("/").await.token().unwrap();
    let page = browser.send_form("/accounts", &[("csrf", &token), ("name", &long)]).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    for path in [
        "/plans/x",
        "/attention/99999999999999999999",
        "/requests/-1",
        "/runs/%00",
        "/log?after=x",
        "/intake?request=5",
    ] {
        let status = browser.get(path).await.status;
        assert!(!status.is_server_error(), "{path}: {status}");
    }
    let acts = stage.journal.runs().acts(&LinkName::new("demo"), i64::MAX, 10).await.unwrap();
    assert!(acts.is_empty());
}
