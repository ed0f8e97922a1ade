//! What a token does is asked of the process, carried out as everything else is, and bears the token's name.

use crate::stage::{COURSE, SAM, Stage, start};
use rollbook_core::model::LinkName;
use rollbook_sandbox::FeedRow;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scheduler_outside_starts_a_run_and_hears_what_came_of_it() {
    let stage = Stage::quiet("learning", "").await;
    let (runner, reader) = (stage.token("cron", "run").await, stage.token("reader", "read").await);
    let accepted = stage.send(crate::stage::request("POST", "/api/v1/links/demo/runs", &runner, None)).await;
    assert_eq!(stage.asked_by(&accepted).await, "token cron");
    let again = stage.post("/api/v1/links/demo/runs", &runner, Value::Null).await;
    assert_eq!(again.json(), accepted.json(), "a wish that still waits is not wished twice");
    let told = stage.outcome(&accepted, &reader).await;
    assert_eq!((&told["state"], &told["kind"], &told["finished"]), (&json!("done"), &json!("run_link"), &json!(true)));
    assert_eq!(told["answer"]["counts"]["records"], 9, "{told:#}");
    let run = stage.get("/api/v1/runs", &reader).await.json();
    assert_eq!(run["runs"][0]["author"], "token cron");
    let dry = stage.post("/api/v1/links/demo/runs", &runner, json!({"dry_run": true})).await;
    let told = stage.outcome(&dry, &reader).await;
    assert_eq!(told["answer"]["run"], Value::Null, "{told:#}");
    stage.post("/api/v1/links/demo/runs", &runner, json!({"guild": "data"})).await.problem(409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_plan_is_approved_and_runs_once() {
    let stage = Stage::small().await;
    stage.lose_members().await;
    let (judge, reader) = (stage.token("judge", "judge").await, stage.token("reader", "read").await);
    let plans = stage.get("/api/v1/plans?state=blocked", &reader).await.json();
    let plan = &plans["plans"][0];
    assert_eq!(plan["findings"][0]["level"], "block", "{plans:#}");
    assert!(plan["plan"].is_null());
    let id = plan["id"].as_i64().unwrap();
    let one = stage.get(&format!("/api/v1/plans/{id}"), &reader).await.json();
    assert!(one["plan"].is_object(), "{one:#}");
    let accepted = stage.post(&format!("/api/v1/plans/{id}/approve"), &judge, json!({"why": "they left"})).await;
    let told = stage.outcome(&accepted, &reader).await;
    assert_eq!(told["state"], "done", "{told:#}");
    let used = stage.get(&format!("/api/v1/plans/{id}"), &reader).await.json();
    assert_eq!((&used["state"], &used["judged"]["by"]), (&json!("used"), &json!("token judge")), "{used:#}");
    stage.post(&format!("/api/v1/plans/{id}/approve"), &judge, json!({"why": "again"})).await.problem(409);
    stage.post(&format!("/api/v1/plans/{id}/reject"), &judge, json!({"why": "no"})).await.problem(409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_plan_does_not_run() {
    let stage = Stage::small().await;
    stage.lose_members().await;
    let master = stage.master().await;
    let id = stage.get("/api/v1/plans?state=blocked", &master).await.json()["plans"][0]["id"].as_i64().unwrap();
    let rejected = stage.post(&format!("/api/v1/plans/{id}/reject"), &master, json!({"why": "not they"})).await.json();
    assert_eq!((&rejected["state"], &rejected["judged"]["why"]), (&json!("rejected"), &json!("not they")));
    let act = &stage.journal.runs().acts(&LinkName::new("guilds"), i64::MAX, 1).await.unwrap()[0];
    assert_eq!(act.author, "token master");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attention_item_is_resolved_and_its_records_are_released() {
    let stage = Stage::small().await;
    let master = stage.master().await;
    let items = stage.get("/api/v1/attention?kind=guid_changed", &master).await.json();
    let item = &items["items"][0];
    assert_eq!((&item["records"], &item["subject"]), (&json!(2), &json!(SAM.to_lowercase())), "{items:#}");
    let id = item["id"].as_i64().unwrap();
    let detail = stage.get(&format!("/api/v1/attention/{id}"), &master).await.json();
    assert_eq!(detail["records"].as_array().unwrap().len(), 2);
    let account = {
        let world = stage.sandbox.world();
        world.moodle.users.iter().find(|user| user.email == "sam.changed@example.org").unwrap().id
    };
    let decision = json!({"act": "use_account", "account": account});
    let accepted = stage.post(&format!("/api/v1/attention/{id}/resolve"), &master, decision).await;
    let told = stage.outcome(&accepted, &master).await;
    assert_eq!((&told["state"], &told["answer"]["records"]), (&json!("done"), &json!(2)), "{told:#}");
    let records = stage.get(&format!("/api/v1/records?guid={SAM}"), &master).await.json();
    assert!(records["records"].as_array().unwrap().iter().all(|record| record["code"] == "enrolled"), "{records:#}");
    let closed = stage.get(&format!("/api/v1/attention/{id}"), &master).await.json();
    assert_eq!(closed["item"]["resolution"]["by"], "token master");
    stage.post(&format!("/api/v1/attention/{id}/resolve"), &master, json!({"act": "update_mail"})).await.problem(409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_decisions_are_understood() {
    let stage = Stage::small().await;
    let master = stage.master().await;
    let id = stage.get("/api/v1/attention?kind=guid_changed", &master).await.json()["items"][0]["id"].as_i64().unwrap();
    let path = format!("/api/v1/attention/{id}/resolve");
    let wrong = stage.post(&path, &master, json!({"act": "update_mail"})).await;
    let told = stage.outcome(&wrong, &master).await;
    assert_eq!(told["state"], "failed", "no address differs here: {told:#}");
    assert!(told["answer"]["words"].as_str().unwrap().len() > 10);
    let again = stage.post(&path, &master, json!({"act": "try_again"})).await;
    assert_eq!(stage.outcome(&again, &master).await["state"], "done");
    let id = stage.get("/api/v1/attention?kind=guid_changed", &master).await.json()["items"][0]["id"].as_i64().unwrap();
    let ignore = json!({"act": "ignore", "reason": "left us"});
    let ignored = stage.post(&format!("/api/v1/attention/{id}/resolve"), &master, ignore).await;
    assert_eq!(stage.outcome(&ignored, &master).await["answer"]["records"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completion_gets_its_enrolment_id_and_refused_reports_are_sent_again() {
    let stage = Stage::small().await;
    let master = stage.master().await;
    let lone = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A999";
    let enrolled = FeedRow::enrol(lone, "lone@example.org", COURSE, start()).named("Lone", "Learner");
    let mut row = Value::from(enrolled.numbered(700_100));
    row["ENROLMENT_ID"] = Value::Null;
    stage.sandbox.world().elm.rows.push(row);
    stage.run("demo").await;
    let (user, course) = {
        let mut world = stage.sandbox.world();
        let course = world.moodle.courses_by_idnumber("930001")[0].id;
        let user = world.moodle.users.iter().find(|user| user.idnumber == lone).unwrap().id;
        world.moodle.complete(user, course, stage.now());
        (user, course)
    };
    stage.run("done").await;
    let waiting = stage.get("/api/v1/completions?link=done&standing=waiting", &master).await.json();
    let row = waiting["completions"][0].clone();
    assert_eq!((&row["user"], &row["course"]), (&json!(user), &json!(course)), "{waiting:#}");
    let supplied =
        json!({"link": "done", "user": user, "course": course, "completed": row["completed"], "enrolment": "812345"});
    let accepted = stage.post("/api/v1/completions/supply", &master, supplied).await;
    assert_eq!(stage.outcome(&accepted, &master).await["state"], "done");
    let sent = stage.get("/api/v1/completions?link=done&standing=sent", &master).await.json();
    assert_eq!(
        (&sent["completions"][0]["user"], &sent["completions"][0]["supplied"]),
        (&json!(user), &json!("812345"))
    );
    let unknown = stage.post("/api/v1/completions/retry", &master, json!({"link": "done", "reports": [999_999]})).await;
    assert_eq!(stage.outcome(&unknown, &master).await["state"], "failed");
    stage.post("/api/v1/completions/retry", &master, json!({"link": "demo", "reports": [1]})).await.problem(404);
}
