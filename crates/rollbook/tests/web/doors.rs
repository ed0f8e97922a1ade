//! Every page and act × every role: allowed or refused, from the one table; and nothing without a login.

use crate::browser::Browser;
use crate::stage::Stage;
use axum::http::StatusCode;
use rollbook_settings::service::RoleName;
use rollbook_web::route_specs;
use std::fmt::Write as _;

fn filled(path: &str) -> String {
    path.replace("{link}", "demo").replace("{id}", "1").replace("{guid}", "nobody").replace("{name}", "nobody")
}

#[tokio::test]
async fn each_role_gets_what_the_table_says_and_nothing_else() {
    let stage = Stage::bare().await;
    let mut table = String::new();
    let mut browsers = Vec::new();
    for role in RoleName::ALL {
        browsers.push((role, Browser::of(&stage, role).await));
    }
    for spec in route_specs(&stage.state) {
        write!(table, "{:4} {:28}", spec.method, spec.path).unwrap();
        for (role, browser) in &mut browsers {
            let path = filled(spec.path);
            let page = match spec.method {
                "GET" => browser.get(&path).await,
                _ => browser.post(&path, &[]).await,
            };
            let is_refused = page.status == StatusCode::FORBIDDEN;
            assert!(!page.status.is_server_error(), "{} {path} as {}: {}", spec.method, role.as_str(), page.body);
            write!(table, " {}", if is_refused { "-" } else { role.as_str() }).unwrap();
        }
        table.push('\n');
    }
    insta::assert_snapshot!("roles", table);
}

#[tokio::test]
async fn nothing_is_shown_or_done_without_a_login() {
    let stage = Stage::bare().await;
    let events = || async {
        stage.journal.runs().acts(&rollbook_core::model::LinkName::new("demo"), i64::MAX, 100).await.unwrap()
    };
    for spec in route_specs(&stage.state) {
        let (mut browser, path) = (Browser::new(&stage), filled(spec.path));
        let page = match spec.method {
            "GET" => browser.get(&path).await,
            _ => browser.send_form(&path, &[("csrf", "0")]).await,
        };
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        assert!(page.location().starts_with("/login"), "{path}: {}", page.location());
        assert!(page.body.is_empty(), "{path}: {}", page.body);
    }
    assert!(events().await.is_empty());
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_shut_the_rest_out() {
    let stage = Stage::bare().await;
    let mut browser = Browser::of(&stage, RoleName::Administrator).await;
    for path in ["/", "/login", "/nothing", "/runs/none", "/assets/none"] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
    }
    let page = browser.get("/").await.body;
    let inline = page.contains("<style") || page.contains(" style=") || page.contains(" onclick=");
    assert!(!inline && !page.contains("<script>"), "the policy allows nothing inline");
}
