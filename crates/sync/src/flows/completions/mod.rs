//! Completions: what people finish in Moodle → reports to the ELM, each exactly once.
//!
//! A report is recorded before it is sent, and sent until the ELM has it. A crash anywhere is repaired by the next run: what
//! was being sent is in doubt, and is looked for before anything else. Moodle in trouble does not keep reports from being sent,
//! nor the ELM in trouble completions from being recorded. Next: `run`, which is the whole flow on one screen.

mod ask;
mod collect;
mod deliver;
mod elm;
mod manual;
mod part;
mod plan;
mod report;
mod run;
mod setup;

pub use crate::engine::Purpose;
pub use deliver::Delivered;
use deliver::{Courier, deliver_reports};
pub use manual::{ManualError, ManualReport, Prepared, find_historic, prepare_manual, send_manual};
pub use report::{CompletionsError, CompletionsReport};
pub use run::run_completions;
pub use setup::make_completions;

use jiff::SignedDuration;
use rollbook_core::model::LinkName;
use rollbook_core::policy::CompletionsPolicy;
use rollbook_elm::client::CompletionClient;
use rollbook_moodle::client::MoodleClient;
use rollbook_remote::database::Database;
use std::time::Duration;

/// One completions link, ready to run.
pub struct CompletionsFlow {
    /// The link.
    pub link: LinkName,
    /// The intake links between the same two sites, whose records say who is enrolled as what.
    pub intakes: Vec<LinkName>,
    /// How completions are found.
    pub method: FoundBy,
    /// The Moodle.
    pub moodle: MoodleClient,
    /// Calls to it at the same time.
    pub moodle_concurrency: usize,
    /// Calls to it in one run, when polling.
    pub calls_max: u64,
    /// The short name of the course field that opts in.
    pub opt_in_field: String,
    /// The ELM.
    pub elm: CompletionClient,
    /// Reports sent at the same time.
    pub concurrency: usize,
    /// Whether reports are sent.
    pub sending: Sending,
    /// The rules.
    pub policy: CompletionsPolicy,
    /// How far each reading of the database reaches back before the end of the last one.
    pub overlap: SignedDuration,
    /// How long the lease lasts without a sign of life.
    pub lease: SignedDuration,
    /// A run that takes longer is stopped safely; `None` for one that somebody watches.
    pub limit: Option<Duration>,
}

/// How completions are found.
#[derive(Clone, Debug)]
pub enum FoundBy {
    /// By web services, person by person.
    Poll,
    /// In Moodle's database.
    Database(Database),
    /// By pushed events alone, each looked into over web services.
    Push,
}

/// The kill switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// Reports are sent.
    On,
    /// They are recorded, and sent once it is on again.
    Off,
}

/// What a run of completions is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionsRequest {
    /// Whether it may change anything.
    pub purpose: Purpose,
    /// How much is looked at.
    pub reach: Reach,
    /// Who asks: `schedule`, or a person.
    pub author: String,
}

/// How much a run looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// What is new, and once a day everything.
    Usual,
    /// Everything that counts.
    Full,
    /// Pushed events only.
    Pushed,
}
