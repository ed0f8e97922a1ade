//! One run, its exit code, and what it says to people and to programs.

use super::{assert_fits, rollbook, school_now, text};
use crate::stage::{FIRST, Stage, empty_school};
use rollbook_sandbox::moodle::Maintenance;
use rollbook_sandbox::{Fault, Kind, Server, Target, World};
use serde_json::Value;

async fn stage(world: World) -> Stage {
    let stage = Stage::new(world).await;
    // The binary opens the journal itself.
    stage.journal.close().await;
    stage
}

/// Runs with these arguments, requires the exit code, and gives what it said on both.
fn run(stage: &Stage, args: &[&str], code: i32) -> (String, String) {
    let answer = rollbook(stage).args(["intake", "run", "psa"]).args(args).assert();
    let output = answer.get_output().clone();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    (out, err)
}

fn json(stage: &Stage, args: &[&str], code: i32) -> Value {
    let all: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let (out, _) = run(stage, &all, code);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_records_for_a_human_ends_with_5_and_fits_80_columns() {
    let stage = stage(school_now()).await;
    let (out, _) = run(&stage, &[], 5);
    assert_fits(&out);
    for part in ["Intake psa", "feed: 34 records", "10 accounts, 19 enrolments, 8 suspensions", "19 sent"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (out, _) = run(&stage, &["-v"], 5);
    assert!(out.contains("of them were processed before"), "{out}");
    let (out, _) = run(&stage, &["--ascii"], 5);
    assert!(out.is_ascii(), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_nothing_to_do_ends_with_0() {
    let stage = stage(empty_school()).await;
    let told = json(&stage, &[], 0);
    assert_eq!((&told["state"], &told["counts"]["records"]), (&Value::from("done"), &Value::from(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_so_on_every_line_and_changes_nothing() {
    let stage = stage(school_now()).await;
    let (before, moodle) = (rows(&stage).await, stage.picture().await.moodle);
    let (out, _) = run(&stage, &["--dry-run", "-v"], 0);
    let (table, prose): (Vec<&str>, Vec<&str>) = out
        .lines()
        .filter(|line| !line.trim().is_empty())
        .partition(|line| line.starts_with(' ') || line.contains("│"));
    for line in prose {
        assert!(line.to_lowercase().contains("dry run"), "this line does not say that it is one: {line}\n{table:?}");
    }
    assert_fits(&run(&stage, &["--dry-run"], 0).0);
    assert_eq!((stage.writes(), stage.sandbox.world().mail.mails.len()), (0, 0));
    assert_eq!((rows(&stage).await, stage.picture().await.moodle), (before, moodle));
    let (dry, real) = (json(&stage, &["--dry-run"], 0), json(&stage, &[], 5));
    assert_eq!((&dry["dry_run"], &dry["digest"]), (&Value::Bool(true), &real["digest"]));
}

/// How many rows each table of the journal has.
async fn rows(stage: &Stage) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in ["run", "event", "record", "outbox", "attention", "plan", "applied", "lease", "link"] {
        counts.push(stage.number(&format!("SELECT COUNT(*) FROM {table}")).await);
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_one_interval_or_a_file_can_be_asked_for() {
    let world = school_now();
    let rows = world.elm.rows.clone();
    let stage = stage(world).await;
    assert_eq!(json(&stage, &["--guid", "N1"], 0)["counts"]["enrolled"], 2);
    assert_eq!(json(&stage, &["--email", "n2@example.org"], 0)["counts"]["enrolled"], 2);
    let (since, until) = (rows[3]["date_created"].as_str().unwrap(), rows[6]["date_created"].as_str().unwrap());
    // What lies before the interval was never read, and is still open.
    let told = json(&stage, &["--since", since, "--until", until], 5);
    let records = told["counts"]["records"].as_u64().unwrap();
    // The feed's literal has whole seconds: the ends count in rather than out.
    assert!((2..=4).contains(&records), "N4, N5 and perhaps the ends: {records}");
    let file = stage.folder.path().join("records.json");
    std::fs::write(&file, serde_json::json!({"value": [rows[9]]}).to_string()).unwrap();
    let told = json(&stage, &["--file", "records.json"], 0);
    assert_eq!((&told["counts"]["enrolled"], &told["since"]), (&Value::from(1), &Value::Null));
    std::fs::write(&file, "{\"records\": []}").unwrap();
    let (_, err) = run(&stage, &["--file", "records.json"], 1);
    assert!(err.contains("records.json holds no records"), "{err}");
    let course = stage.sandbox.world().moodle.courses_by_idnumber(&FIRST.to_string())[0].id;
    let enrolled = stage.sandbox.world().moodle.enrolments_of_course(course).count();
    assert!((7..=9).contains(&enrolled), "two suspended, and those who were asked for: {enrolled}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_fails_ends_with_1_and_says_why() {
    let stage = stage(school_now()).await;
    stage.sandbox.world().moodle.site.maintenance = Maintenance::Pages;
    let (_, err) = run(&stage, &[], 1);
    assert!(err.contains("sitemaintenance"), "{err}");
    assert_fits(&err);
    stage.sandbox.world().moodle.site.maintenance = Maintenance::Off;
    stage.sandbox.take_down(Server::Elm).await;
    let (out, err) = run(&stage, &["--json"], 1);
    let told = err.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{err}"));
    let told: Value = serde_json::from_str(told).unwrap_or_else(|error| panic!("{error}: {err}"));
    assert_eq!((out.as_str(), &told["message"]), ("", &Value::from("while running intake psa")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_question_ends_with_2() {
    let stage = stage(empty_school()).await;
    for args in
        [&["--until", "2026-11-23T00:00Z"][..], &["--guid", "A", "--file", "x"], &["--since", "noon"], &["--what"]]
    {
        run(&stage, args, 2);
    }
    let (_, err) = run(&stage, &["--config", "elsewhere.toml"], 1);
    assert!(err.contains("elsewhere.toml"), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_that_refuses_ends_with_4_in_a_dry_run_too() {
    let stage = Stage::with_config(school_now(), "[link.psa.limits]\nnew_accounts = 3").await;
    stage.journal.close().await;
    let (out, _) = run(&stage, &["--dry-run"], 4);
    assert!(out.contains("new accounts: 10, the limit is 3"), "{out}");
    let (out, _) = run(&stage, &[], 4);
    assert!(out.contains("23 of 37 changes wait for approval; the others went on"), "{out}");
    assert_fits(&out);
    assert_eq!(
        (
            stage.sandbox.calls().of("core_user_create_users"),
            stage.number("SELECT COUNT(*) FROM plan WHERE state = 'blocked'").await
        ),
        (0, 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_was_refused_is_not_fine_and_can_be_sent_again() {
    let mut world = empty_school();
    world.elm.rows = school_now().elm.rows.into_iter().filter(|row| row["COURSE_STATE"] == "Enrol").take(1).collect();
    let stage = stage(world).await;
    stage.sandbox.faults().arm(Fault::nth(Target::Smtp, 1, Kind::HttpBeforeEffect(554)));
    let (out, _) = run(&stage, &[], 5);
    assert!(out.contains("welcome mails: 0 sent, 1 refused"), "{out}");
    let other = |args: &[&str], code: i32| {
        let output = rollbook(&stage).args(args).assert().get_output().clone();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
        out
    };
    let attention = other(&["attention"], 0);
    assert!(attention.contains("mail refused"), "{attention}");
    let listed: Value = serde_json::from_str(&other(&["mails", "--json"], 0)).unwrap();
    assert_eq!(listed["mails"][0]["state"], "refused", "{listed}");
    let id = listed["mails"][0]["id"].to_string();
    let sent = other(&["mails", "resend", &id, "--by", "jo"], 0);
    assert!(sent.contains("1 mail queued again: 1 sent"), "{sent}");
    assert!(!other(&["attention"], 0).contains("mail refused"));
    assert_eq!(stage.sandbox.world().mail.mails.len(), 1);
    other(&["mails", "resend", &id, "--by", "jo"], 2);
}
