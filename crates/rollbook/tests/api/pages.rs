//! What is read: links, runs, records, explanations; and lists page by page, with nothing twice and nothing left out.

use crate::stage::{COURSE, JANE, NO_COURSE, SAM, Stage};
use serde_json::Value;

/// Every row of a list, read in pages of two.
async fn all(stage: &Stage, token: &str, path: &str, rows: &str, key: &str) -> Vec<Value> {
    let mark = if path.contains('?') { '&' } else { '?' };
    let (mut found, mut next) = (Vec::new(), Value::Null);
    for _ in 0..50 {
        let more = match &next {
            Value::Null => String::new(),
            Value::String(text) => format!("&{key}={text}"),
            other => format!("&{key}={other}"),
        };
        let page = stage.get(&format!("{path}{mark}limit=2{more}"), token).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        let page = page.json();
        let part = page[rows].as_array().unwrap();
        assert!(part.len() <= 2 && (!part.is_empty() || found.is_empty()), "{page}");
        found.extend(part.iter().cloned());
        next = page["next"].clone();
        if next.is_null() {
            return found;
        }
    }
    panic!("{path} has no end");
}

async fn whole(stage: &Stage, token: &str, path: &str, rows: &str) -> Vec<Value> {
    let mark = if path.contains('?') { '&' } else { '?' };
    stage.get(&format!("{path}{mark}limit=500"), token).await.json()[rows].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_page_by_page_with_nothing_twice_and_nothing_left_out() {
    let stage = Stage::small().await;
    let token = stage.master().await;
    for _ in 0..3 {
        stage.run("demo").await;
    }
    let run = whole(&stage, &token, "/api/v1/runs?flow=guilds", "runs").await[0]["id"].as_str().unwrap().to_owned();
    let lists = [
        ("/api/v1/records".to_owned(), "records", "after", 9),
        ("/api/v1/records?sort=guid&order=up".to_owned(), "records", "after", 9),
        ("/api/v1/records?q=example.org".to_owned(), "records", "after", 9),
        ("/api/v1/records?link=demo&status=Success&sort=course".to_owned(), "records", "after", 3),
        ("/api/v1/runs".to_owned(), "runs", "before", 3),
        ("/api/v1/requests".to_owned(), "requests", "before", 6),
        ("/api/v1/attention".to_owned(), "items", "before", 1),
        (format!("/api/v1/runs/{run}/events"), "events", "after", 3),
    ];
    for (path, rows, key, least) in lists {
        let whole = whole(&stage, &token, &path, rows).await;
        assert!(whole.len() >= least, "{path}: {} rows", whole.len());
        assert_eq!(all(&stage, &token, &path, rows, key).await, whole, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completions_come_page_by_page_too() {
    let stage = Stage::small().await;
    let token = stage.master().await;
    {
        let mut world = stage.sandbox.world();
        let course = world.moodle.courses_by_idnumber(&COURSE.to_string())[0].id;
        let enrolled: Vec<i64> =
            world.moodle.users.iter().filter(|user| !user.idnumber.is_empty()).map(|user| user.id).collect();
        for user in enrolled {
            world.moodle.complete(user, course, stage.now());
        }
    }
    stage.run("done").await;
    let path = "/api/v1/completions?link=done";
    let whole = whole(&stage, &token, path, "completions").await;
    assert!(whole.len() >= 5, "{whole:#?}");
    assert_eq!(all(&stage, &token, path, "completions", "after").await, whole);
    let totals = stage.get(path, &token).await.json()["totals"].clone();
    let total: u64 = totals.as_object().unwrap().values().map(|total| total.as_u64().unwrap()).sum();
    assert_eq!(total, whole.len() as u64);
    stage.get("/api/v1/completions?link=demo", &token).await.problem(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_tells_how_it_stands_and_when_it_runs_next() {
    let stage = Stage::small().await;
    let token = stage.token("reader", "read").await;
    let links = stage.get("/api/v1/links", &token).await.json();
    let names: Vec<&str> =
        links["links"].as_array().unwrap().iter().map(|link| link["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["demo", "done", "guilds"]);
    let demo = stage.get("/api/v1/links/demo", &token).await.json();
    assert_eq!(demo["sites"], serde_json::json!(["elm", "learning"]));
    // By default every ten minutes from :05 on, during the hours of a working day.
    assert_eq!(demo["next_run"], "2026-11-23T18:05:00Z", "{demo:#}");
    assert_eq!(demo["last_run"]["flow"], "intake");
    assert!(demo["watermark"].is_string() && demo["waiting"]["course_not_found"] == 1, "{demo:#}");
    stage
        .journal
        .links()
        .pause(&rollbook_core::model::LinkName::new("demo"), "robin", "a move", stage.now())
        .await
        .unwrap();
    let demo = stage.get("/api/v1/links/demo", &token).await.json();
    assert_eq!((&demo["next_run"], &demo["paused"]["why"]), (&Value::Null, &Value::from("a move")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_tells_its_plan_and_its_events() {
    let stage = Stage::small().await;
    let token = stage.token("reader", "read").await;
    let runs = stage.get("/api/v1/runs?flow=intake", &token).await.json();
    let id = runs["runs"][0]["id"].as_str().unwrap().to_owned();
    let run = stage.get(&format!("/api/v1/runs/{id}"), &token).await.json();
    assert_eq!(run["run"]["counts"]["records"], 9);
    assert_eq!(run["plan"]["run"], id.as_str());
    assert!(run["plan"]["plan"].is_object() && run["events"][0]["kind"] == "started", "{run:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explanation_is_found_by_guid_mail_and_nobody_else() {
    let stage = Stage::small().await;
    let token = stage.token("reader", "read").await;
    for person in [JANE, &JANE.to_lowercase(), "Jane.Doe@example.org"] {
        let told = stage.get(&format!("/api/v1/explain?person={person}&course={COURSE}"), &token).await;
        assert_eq!(told.status, 200, "{}", told.text);
        let told = told.json();
        assert_eq!((&told["guid"], &told["link"]), (&Value::from(JANE), &Value::from("demo")));
        assert!(told["answer"].as_str().unwrap().contains("was in \"Fire safety\""), "{told:#}");
        assert!(!told["chain"].as_array().unwrap().is_empty());
    }
    let waits = stage.get(&format!("/api/v1/explain?person=eve@example.org&course={NO_COURSE}"), &token).await.json();
    assert!(waits["next"].as_str().unwrap().len() > 10, "{waits:#}");
    stage.get("/api/v1/explain?person=nobody@example.org&course=1", &token).await.problem(404);
    assert_eq!(
        stage.get(&format!("/api/v1/records?guid={SAM}"), &token).await.json()["records"].as_array().unwrap().len(),
        2
    );
}
