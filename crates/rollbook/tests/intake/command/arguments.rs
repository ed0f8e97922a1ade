//! Arguments that are wrong are refused with exit code 2, before anything happens, and the answer says what is right.

use super::{rollbook, school_now, text};
use crate::stage::Stage;

async fn stage() -> Stage {
    let stage = Stage::new(school_now()).await;
    stage.journal.close().await;
    stage
}

/// Runs a command, requires its exit code, and gives standard output and standard error.
fn run(stage: &Stage, args: &[&str], code: i32) -> (String, String) {
    let output = rollbook(stage).args(args).assert().get_output().clone();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{out}\n{err}");
    (out, err)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_arguments_are_refused_with_the_right_values() {
    let stage = stage().await;
    let cases: [(&[&str], &str); 10] = [
        (&["intake", "run", "psa", "--since", "2026-11-23", "--until", "2026-11-22"], "interval is empty"),
        (&["intake", "run", "psa", "--since", "last week"], "is not a time"),
        (&["intake", "run", "psa", "--email", ""], "--email is empty"),
        (&["intake", "run", "psa", "--guid", "  "], "--guid is empty"),
        (&["intake", "run", "nope"], "psa"),
        (&["log", "--status", "mail_missmatch"], "mail_mismatch"),
        (&["log", "--link", "nope"], "configured links: psa"),
        (&["log", "--since", "2026-11-23", "--until", "2026-11-23"], "interval is empty"),
        (&["runs", "--link", "nope"], "configured links: psa"),
        (&["attention", "list", "--kind", "mail_missmatch"], "there is no kind"),
    ];
    for (args, part) in cases {
        let (out, err) = run(&stage, args, 2);
        assert!(err.replace('\n', " ").contains(part) && out.is_empty(), "{args:?}: {err}");
    }
    assert!(stage.sandbox.calls().total() == 0, "nothing was asked of any system");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_without_offset_is_in_the_links_zone() {
    let stage = stage().await;
    run(&stage, &["intake", "run", "psa", "--dry-run", "--since", "2020-01-01 08:00"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_alone_lists_the_plans_that_need_approval() {
    let stage = stage().await;
    let (out, _) = run(&stage, &["plans"], 0);
    assert!(out.contains("no plan needs approval"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_shows_guid_and_mail_and_a_long_name_breaks_no_line() {
    let mut world = school_now();
    world.elm.rows[0]["LAST_NAME"] = "N".repeat(1_000).into();
    let guid = world.elm.rows[1]["GUID"].as_str().unwrap().to_owned();
    let mail = world.elm.rows[1]["EMAIL"].as_str().unwrap().to_owned();
    let stage = Stage::new(world).await;
    stage.journal.close().await;
    run(&stage, &["intake", "run", "psa"], 5);
    let (out, _) = run(&stage, &["log"], 0);
    assert!(out.contains(&guid) && out.contains(&mail), "{out}");
    assert!(out.contains("NNN…") && !out.contains(&"N".repeat(100)), "{out}");
    let (wide, _) = run(&stage, &["log", "--wide"], 0);
    assert!(wide.contains(&guid), "{wide}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_finds_an_account_by_its_number_in_moodle_and_does_not_call_it_absent() {
    let stage = stage().await;
    let course = "930001";
    let (user, missing) = {
        let world = stage.sandbox.world();
        let user = world.moodle.users.iter().find(|user| !user.idnumber.is_empty()).map(|user| user.id).unwrap();
        (user.to_string(), "999999")
    };
    let (out, _) = run(&stage, &["explain", "--course", course, "--person", &user], 0);
    assert!(!out.contains("has no Moodle account"), "{out}");
    let (_, err) = run(&stage, &["explain", "--course", course, "--person", missing], 2);
    assert!(err.contains("Moodle has no account 999999"), "{err}");
}
