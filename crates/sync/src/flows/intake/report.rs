//! What a run of intake comes to.

use crate::engine::{Report, blocks};
use rollbook_core::guard::Finding;
use rollbook_core::model::{FeedRecord, RunId};
use rollbook_core::plan::IntakePlan;
use rollbook_core::run::{Counts, RunState, Verdict};
use rollbook_core::snapshot::Gap;
use rollbook_core::window::Window;
use rollbook_elm::client::FeedError;
use rollbook_journal::JournalError;
use rollbook_moodle::client::CallCount;
use rollbook_moodle::snapshot::MoodleSourceError;
use std::collections::BTreeSet;

/// What a run of intake did, or would do.
#[derive(Clone, Debug)]
pub struct IntakeReport {
    /// The run in the journal; none for a dry run.
    pub run: Option<RunId>,
    /// How it ended.
    pub state: RunState,
    /// The interval of the feed that was read.
    pub window: Option<Window>,
    /// Why something may be missing.
    pub gaps: Vec<Gap>,
    /// The numbers.
    pub counts: Counts,
    /// What was planned.
    pub plan: IntakePlan,
    /// What the guards found.
    pub findings: Vec<Finding>,
    /// The places of the changes that wait for a person.
    pub held: BTreeSet<usize>,
    /// The records of the plan.
    pub records: Vec<FeedRecord>,
    /// What became of each record, or would.
    pub verdicts: Vec<Verdict>,
    /// Records that the journal had settled before.
    pub known: u64,
    /// Calls to Moodle, by function.
    pub calls: Vec<CallCount>,
    /// How long it took.
    pub duration_ms: u64,
}

impl Report for IntakeReport {
    fn state(&mut self) -> &mut RunState {
        &mut self.state
    }

    fn counts(&self) -> Counts {
        self.counts
    }

    fn reason(&self) -> String {
        blocks(&self.findings)
    }

    fn close(&mut self, run: Option<RunId>, calls: Vec<CallCount>, duration_ms: u64) {
        self.counts.calls = calls.iter().map(|call| call.calls).sum();
        (self.run, self.calls, self.duration_ms) = (run, calls, duration_ms);
    }
}

/// Why a run of intake stopped.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The feed could not be read; nothing was changed, and the covered moment stays.
    #[error("the feed could not be read")]
    Feed(#[from] FeedError),
    /// Moodle could not be read; nothing was changed.
    #[error("Moodle could not be read")]
    Moodle(#[from] MoodleSourceError),
    /// The journal could not be read or written.
    #[error("the journal could not be used")]
    Journal(#[from] JournalError),
    /// A stop was asked for while the run was still reading.
    #[error("the run was stopped before it changed anything; the next one goes on")]
    Stopped,
}
