//! A configuration: everything wrong is told with its place, and no secret with it.

use miette::{GraphicalReportHandler, GraphicalTheme};
use rollbook_settings::{Env, Settings};
use std::sync::LazyLock;
use tempfile::TempDir;

/// Where seeds have a secret, it is this one.
const SECRET: &str = "hunter2hunter2";
const KEYS: [&str; 5] = ["token", "password", "secret", "passphrase", "webhook"];

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("moodle.token"), SECRET).unwrap();
    folder
});

pub fn check(input: &[u8]) {
    let path = FOLDER.path().join(format!("{:?}.toml", std::thread::current().id()));
    std::fs::write(&path, input).unwrap();
    let names = ["ROLLBOOK_MOODLE_TOKEN", "ROLLBOOK_ELM_TOKEN", "ROLLBOOK_AVC_PASSWORD", "ROLLBOOK_PUSH_SECRET"];
    let env = Env::of(names.map(|name| (name, SECRET)));
    let shown = match Settings::load(&path, &env) {
        Ok((settings, warnings)) => {
            assert!(settings.links.len() <= input.len());
            let told: String = warnings.iter().map(|warning| render(warning)).collect();
            format!("{told}{settings:?}")
        }
        Err(errors) => {
            assert!(!errors.problems().is_empty());
            for problem in errors.problems() {
                assert!(problem.place().is_none_or(|(line, column)| line > 0 && column > 0));
            }
            render(&errors)
        }
    };
    let text = String::from_utf8_lossy(input);
    assert!(!is_only_where_secrets_are(&text) || !shown.contains(SECRET), "a secret is shown: {shown}");
}

fn render(report: &dyn miette::Diagnostic) -> String {
    let mut shown = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    handler.render_report(&mut shown, report).unwrap();
    shown
}

/// Whether the secret stands only after a key of secrets, or (from a variable or a file) not at all.
fn is_only_where_secrets_are(text: &str) -> bool {
    text.lines().all(|line| {
        line.match_indices(SECRET).all(|(at, _)| {
            let before = line[..at].trim_end_matches(['"', '\'', '[', ' ', '\t']);
            let key = before.strip_suffix('=').map(|before| before.trim_end_matches(['"', '\'', ' ', '\t']));
            key.is_some_and(|key| KEYS.iter().any(|ending| key.ends_with(ending)))
        })
    })
}
