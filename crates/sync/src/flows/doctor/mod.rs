//! The doctor: reaches every site and says what is missing, and what to do about it. It changes nothing anywhere.

mod cohorts;
mod community;
mod completions;
mod elm;
mod left_roles;
mod mail;
mod moodle;
mod rounds;
mod tables;

pub use cohorts::GuildRights;
pub use community::{CommunityPatient, examine_community};
pub use completions::examine_completions;
pub use elm::examine_elm;
pub use mail::examine_mail;
pub use moodle::{MoodlePatient, examine_moodle};
pub use rounds::examine;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Clocks may differ by so much.
const CLOCK_DIFFERENCE_MAX: SignedDuration = SignedDuration::from_secs(60);

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, and somebody should know.
    Warning,
    /// It does not work.
    Bad,
}

/// One check of one site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The site or link as configured, or `journal`, `mail`, `clock`.
    pub site: String,
    /// What was checked.
    pub name: String,
    /// How it ended.
    pub health: Health,
    /// What was seen.
    pub detail: String,
    /// What to do; empty where nothing is to be done.
    pub mend: String,
}

/// Collects the checks of one site.
pub struct Chart {
    site: String,
    checks: Vec<Check>,
}

impl Chart {
    /// An empty chart.
    pub fn new(site: impl Into<String>) -> Self {
        Self { site: site.into(), checks: Vec::new() }
    }

    /// Something is as it should be.
    pub fn good(&mut self, name: &str, detail: impl Into<String>) {
        self.note(name, Health::Good, detail.into(), String::new());
    }

    /// It works, and somebody should know.
    pub fn warn(&mut self, name: &str, detail: impl Into<String>, mend: impl Into<String>) {
        self.note(name, Health::Warning, detail.into(), mend.into());
    }

    /// It does not work.
    pub fn bad(&mut self, name: &str, detail: impl Into<String>, mend: impl Into<String>) {
        self.note(name, Health::Bad, detail.into(), mend.into());
    }

    /// A remote clock against ours.
    pub fn clock(&mut self, theirs: Option<Timestamp>, ours: Timestamp) {
        match theirs.map(|theirs| theirs.duration_since(ours)) {
            None => self.warn("clock", "the server does not tell its time", "compare its clock by hand"),
            Some(difference) if difference.abs() > CLOCK_DIFFERENCE_MAX => {
                let detail = format!("the server's clock differs from ours by {} s", difference.as_secs());
                self.bad("clock", detail, "set both clocks by NTP");
            }
            Some(_) => self.good("clock", "agrees with ours"),
        }
    }

    /// The checks, in the order in which they were made.
    pub fn into_checks(self) -> Vec<Check> {
        self.checks
    }

    fn note(&mut self, name: &str, health: Health, detail: String, mend: String) {
        self.checks.push(Check { site: self.site.clone(), name: name.to_owned(), health, detail, mend });
    }
}
