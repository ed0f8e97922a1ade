//! What bad input gets, what the guards refuse, and what hurts the users of other tools: a test for each row.

mod enrolments;
mod feed;
mod guards;
mod journal;
mod life;
mod moodle;
mod pains;
mod records;
mod truth;

use crate::stage::Stage;
use rollbook_sync::flows::intake::IntakeError;

/// An error with all its causes.
pub fn words(error: &IntakeError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

impl Stage {
    /// The newest run's state and reason, as the journal tells them.
    pub async fn last_run(&self) -> String {
        let runs = self.lines("SELECT state || ': ' || reason FROM run ORDER BY number DESC LIMIT 1").await;
        runs.into_iter().next().unwrap_or_default()
    }

    pub async fn watermark(&self) -> Option<String> {
        let sql = "SELECT CAST(watermark_ms AS TEXT) FROM link WHERE watermark_ms IS NOT NULL";
        self.lines(sql).await.into_iter().next()
    }

    /// How often Moodle was asked to change anything.
    pub fn writes(&self) -> usize {
        let calls = self.sandbox.calls();
        calls.of("core_user_create_users") + calls.of("enrol_manual_enrol_users")
    }
}
