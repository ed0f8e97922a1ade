//! What a run of completions comes to.

use super::Delivered;
use crate::clients::moodle::CallCount;
use crate::journal::JournalError;
use crate::sources::moodle::MoodleSourceError;
use rollbook_core::guard::Finding;
use rollbook_core::model::RunId;
use rollbook_core::plan::CompletionsPlan;
use rollbook_core::run::RunState;
use rollbook_core::snapshot::Gap;

/// What a run of completions did, or would do.
#[derive(Clone, Debug)]
pub struct CompletionsReport {
    /// The run in the journal; none for a dry run.
    pub run: Option<RunId>,
    /// How it ended.
    pub state: RunState,
    /// What was planned.
    pub plan: CompletionsPlan,
    /// Completions that were looked at, those that were known included.
    pub seen: u64,
    /// Of these, those that were reported or marked before.
    pub known: u64,
    /// Reports that are due now and were not before.
    pub queued: u64,
    /// Why something may be missing.
    pub gaps: Vec<Gap>,
    /// What the guards found.
    pub findings: Vec<Finding>,
    /// What became of the reports.
    pub delivered: Delivered,
    /// People whom the web services were asked about.
    pub looks: u64,
    /// Calls to Moodle, by function.
    pub calls: Vec<CallCount>,
    /// How long it took.
    pub duration_ms: u64,
}

/// Why a run of completions stopped.
#[derive(Debug, thiserror::Error)]
pub enum CompletionsError {
    /// Moodle could not be read. Reports that were due were sent all the same.
    #[error("Moodle could not be read")]
    Moodle(#[from] MoodleSourceError),
    /// The journal could not be read or written.
    #[error("the journal could not be used")]
    Journal(#[from] JournalError),
}
