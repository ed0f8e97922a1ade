//! `rollbook demo --once`: everything a newcomer sees.

use super::{assert_fits, text};
use snapbox::cmd::Command;

#[test]
fn the_demo_runs_twice_and_says_what_is_left_for_a_human() {
    let folder = tempfile::tempdir().unwrap();
    let answer = Command::new(env!("CARGO_BIN_EXE_rollbook"))
        .current_dir(folder.path())
        .env_remove("ROLLBOOK_CONFIG")
        .env_remove("ROLLBOOK_LOG")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .args(["demo", "--once", "--folder", "play"])
        .assert()
        .success();
    let out = text(&answer.get_output().stdout);
    assert_eq!(text(&answer.get_output().stderr), "");
    for part in ["The first run", "The second run", "Still open", "welcome mails"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let completions = out.split("People complete courses").nth(1).unwrap();
    for part in [
        "the ELM refused 1; see rollbook attention",
        "not accepted yet: 1; will be retried",
        "no enrolment record",
        "A moment later",
        "(1 confirmed by look-up after a lost answer)",
        "completions, none twice",
    ] {
        assert!(completions.contains(part), "{part}: {completions}");
    }
    let guilds = out.split_once("Guilds become cohorts").unwrap().1;
    let mut from = 0;
    // Of 247 memberships one is of an account that was deleted: it is nobody's.
    for part in [
        "a dry run first",
        "DRY RUN MODE - No changes will be made",
        "5 guilds, 246 members",
        "no changes were made",
        "the real run",
        "The community's account loses a permission",
        "a guard refused: nothing was changed in Moodle",
        "nobody was removed",
    ] {
        let at = guilds[from..].find(part);
        from += at.unwrap_or_else(|| panic!("{part}, in its order: {guilds}"));
    }
    let second = out.split("The second run").nth(1).unwrap();
    assert!(second.contains("plan: 0 accounts, 0 enrolments, 0 suspensions"), "{second}");
    // What names paths, addresses and guilds is as long as it is; a terminal gets it wrapped.
    let told = out.split("Guilds become cohorts").next().unwrap();
    let prose = told.lines().filter(|line| !line.contains("play/"));
    assert_fits(&prose.collect::<Vec<_>>().join("\n"));
    assert!(folder.path().join("play/rollbook.sqlite").exists());
}
