//! `rollbook intake run` and `rollbook demo` as a shell sees them: the real binary, the machine's clock.

mod arguments;
mod demo;
mod run;
mod signals;

use crate::stage::{NOW, Stage, school};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_sandbox::World;
use serde_json::Value;
use snapbox::cmd::Command;

/// The school with its feed moved to the present.
fn school_now() -> World {
    let mut world = school();
    let moved = Clock::system().now().duration_since(NOW.parse::<Timestamp>().unwrap());
    for row in &mut world.elm.rows {
        for field in ["date_created", "COURSE_STATE_DATE"] {
            let at = row[field].as_str().unwrap().parse::<Timestamp>().unwrap();
            row[field] = Value::String((at + moved).to_string());
        }
    }
    world
}

/// The binary in the stage's folder, without the environment of whoever runs the tests.
fn rollbook(stage: &Stage) -> Command {
    let binary = Command::new(env!("CARGO_BIN_EXE_rollbook")).current_dir(stage.folder.path());
    ["ROLLBOOK_CONFIG", "ROLLBOOK_LOG", "ROLLBOOK_JOURNAL_URL"]
        .into_iter()
        .fold(binary, |binary, name| binary.env_remove(name))
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// No line is longer than a terminal of 80 columns; what a guard found is as long as it is.
fn assert_fits(text: &str) {
    for line in text.lines().filter(|line| !line.contains("guard ")) {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}
