//! The binary as a shell sees it: what it prints, where, and how it ends.
//!
//! Nothing here reaches a network but loopback. Next: the file of each command.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod completions;
mod doctor;
mod guilds;
mod init;
mod maintenance;
mod pack;

use snapbox::cmd::Command;
use std::path::Path;

/// The binary, in a folder and without the environment of whoever runs the tests.
fn rollbook(folder: &Path) -> Command {
    let binary = Command::new(env!("CARGO_BIN_EXE_rollbook")).current_dir(folder);
    binary
        .env_remove("ROLLBOOK_CONFIG")
        .env_remove("ROLLBOOK_LOG")
        .env_remove("ROLLBOOK_JOURNAL_URL")
        .env_remove("SUDO_USER")
        .env("NO_COLOR", "1")
}
