//! Each page as its HTML, over the small world. Ports, tokens, ids and hashes are blanked; everything else is held.

use crate::browser::Browser;
use crate::stage::{ANN, SAM, Stage};
use axum::http::StatusCode;
use rollbook_settings::service::RoleName;

/// What differs from run to run.
const FILTERS: [(&str, &str); 8] = [
    (r#"name="csrf" value="[0-9a-f]{64}""#, r#"name="csrf" value="TOKEN""#),
    (r"127\.0\.0\.1:\d{5}", "127.0.0.1:PORT"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "RUN"),
    (r"/assets/([a-z.]+)\.[0-9a-f]{16}\.", "/assets/$1.HASH."),
    (r"[0-9a-f]{64}", "FINGERPRINT"),
    (r"calls: \d+", "calls: N"),
    (r"<dt>Calls</dt><dd>\d+</dd>", "<dt>Calls</dt><dd>N</dd>"),
    (r"/tmp/[A-Za-z0-9._/-]+", "FOLDER"),
];

/// The main part of a page, one element a line, so that a difference is found.
fn readable(body: &str) -> String {
    let (_, main) = body.split_once("<main").expect("a page has a main part");
    let main = main.split("</main>").next().unwrap_or_default();
    let main = format!("<main{main}").replace("><", ">\n<");
    let lines = main.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

fn held(name: &str, body: &str) {
    let mut settings = insta::Settings::clone_current();
    for (pattern, with) in FILTERS {
        settings.add_filter(pattern, with);
    }
    settings.bind(|| insta::assert_snapshot!(format!("page_{name}"), readable(body)));
}

#[tokio::test]
async fn each_page_looks_as_it_did() {
    let stage = Stage::small().await;
    let mut boss = Browser::of(&stage, RoleName::Administrator).await;
    let run = stage.journal.runs().list(&rollbook_journal::RunFilter::default()).await.unwrap();
    let run = run.iter().find(|run| run.flow == "intake").unwrap().id.to_string();
    let story = format!("/people/demo/{ANN}?course=930002");
    let person = format!("/people/demo/{SAM}");
    let pages = [
        ("overview", "/"),
        ("log", "/log"),
        ("story", &story),
        ("person", &person),
        ("courses", "/courses"),
        ("runs", "/runs?range=day&from=2026-11-23"),
        ("run", &format!("/runs/{run}")),
        ("guilds", "/guilds"),
        ("plans", "/plans"),
        ("plan", "/plans/1"),
        ("attention", "/attention"),
        ("item", "/attention/1"),
        ("intake", "/intake"),
        ("completions", "/completions"),
        ("doctor", "/doctor"),
        ("settings", "/settings"),
        ("accounts", "/accounts"),
        ("own", "/account"),
    ];
    for (name, path) in pages {
        let page = boss.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        held(name, &page.body);
    }
    let frame = boss.get("/").await.body;
    let nav = frame.split("<nav").nth(1).unwrap().split("</nav>").next().unwrap().to_owned();
    held("frame", &format!("<main{nav}</main>"));
    held("login", &Browser::new(&stage).get("/login").await.body);
    held("failure", &boss.get("/nowhere").await.body);
}
