use super::rollbook;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const SECRETS: [&str; 4] =
    ["ROLLBOOK_MOODLE_TOKEN", "ROLLBOOK_MOODLE_DATABASE", "ROLLBOOK_ELM_TOKEN", "ROLLBOOK_AVC_PASSWORD"];

#[test]
fn init_writes_what_only_its_owner_may_read_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    rollbook(folder.path()).arg("init").assert().success().stdout_eq(
        "✓ wrote rollbook.toml\nℹ edit it, then run `rollbook init --check rollbook.toml` and `rollbook doctor`\n",
    );
    let file = folder.path().join("rollbook.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    fs::write(&file, "mine").unwrap();
    rollbook(folder.path()).args(["init", "--ascii"]).assert().code(1).stdout_eq("").stderr_eq(
        "  x rollbook.toml already exists\n  help: name another file with --config, or replace it with --force\n",
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    rollbook(folder.path()).args(["init", "--force"]).assert().success();
    assert_ne!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn what_init_writes_passes_its_own_check_once_the_secrets_are_there() {
    let folder = tempfile::tempdir().unwrap();
    rollbook(folder.path()).arg("init").assert().success();
    let check = || rollbook(folder.path()).args(["init", "--check", "rollbook.toml"]);
    check().assert().code(1);
    let with_secrets = SECRETS.iter().fold(check(), |command, name| command.env(name, "mysql://u:p@localhost/x"));
    with_secrets.assert().success().stdout_eq("✓ rollbook.toml has no errors: 3 sites, 3 links\n").stderr_eq("");
}

#[test]
fn a_problem_has_its_line_and_column_for_a_program_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), "[journal]\n  ural = 1\n").unwrap();
    let answer = rollbook(folder.path()).args(["--json", "init", "--check", "a.toml"]).assert().code(1).stderr_eq("");
    let json: serde_json::Value = serde_json::from_slice(&answer.get_output().stdout).unwrap();
    let problem = &json["problems"][0];
    assert_eq!((problem["line"].as_u64(), problem["column"].as_u64()), (Some(2), Some(3)));
    assert_eq!(problem["message"], "unknown key `ural` in [journal]");
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    rollbook(folder.path()).arg("nonsense").assert().code(2);
    rollbook(folder.path()).args(["init", "--check", "a.toml", "--force"]).assert().code(2);
}

#[test]
fn help_fits_100_columns() {
    let folder = tempfile::tempdir().unwrap();
    let answer = rollbook(folder.path()).arg("--help").assert().success();
    let text = String::from_utf8(answer.get_output().stdout.clone()).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}
