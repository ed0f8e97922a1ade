//! What a run of completions comes to.

use super::Delivered;
use crate::engine::{Report, blocks};
use jiff::Timestamp;
use rollbook_core::guard::Finding;
use rollbook_core::model::{LinkName, RunId};
use rollbook_core::plan::{CompletionSkip, CompletionsPlan};
use rollbook_core::run::{Counts, RunState};
use rollbook_core::snapshot::Gap;
use rollbook_core::verdict::Disposition;
use rollbook_journal::JournalError;
use rollbook_moodle::client::CallCount;
use rollbook_moodle::snapshot::MoodleSourceError;

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

impl CompletionsReport {
    /// A run that has seen and done nothing.
    pub(super) fn empty(link: &LinkName, now: Timestamp) -> Self {
        Self {
            run: None,
            state: RunState::Done,
            plan: CompletionsPlan {
                link: link.clone(),
                made_at: now,
                reports: Vec::new(),
                skips: Vec::new(),
                recertifications: Vec::new(),
            },
            seen: 0,
            known: 0,
            queued: 0,
            gaps: Vec::new(),
            findings: Vec::new(),
            delivered: Delivered::default(),
            looks: 0,
            calls: Vec::new(),
            duration_ms: 0,
        }
    }

    pub(super) fn with_plan(self, plan: CompletionsPlan) -> Self {
        Self { plan, ..self }
    }

    /// Takes in a further part of the run.
    pub(super) fn add(&mut self, part: Self) {
        let Self { run: _, state, plan, seen, known, queued, gaps, findings, delivered: _, looks, calls: _, .. } = part;
        self.state = state;
        self.plan.made_at = plan.made_at;
        self.plan.reports.extend(plan.reports);
        self.plan.skips.extend(plan.skips);
        self.plan.recertifications.extend(plan.recertifications);
        self.seen += seen;
        self.known += known;
        self.queued += queued;
        self.looks += looks;
        // The gaps and findings of the courses come with every part.
        self.gaps.extend(gaps.into_iter().filter(|gap| !self.gaps.contains(gap)).collect::<Vec<_>>());
        self.findings.extend(findings.into_iter().filter(|one| !self.findings.contains(one)).collect::<Vec<_>>());
    }
}

impl Report for CompletionsReport {
    fn state(&mut self) -> &mut RunState {
        &mut self.state
    }

    /// What has no column of its own is in the reason.
    fn counts(&self) -> Counts {
        let attention = |skip: &&CompletionSkip| skip.why.disposition() == Disposition::Attention;
        let errors = self.plan.skips.iter().filter(attention).count() as u64;
        Counts {
            records: self.seen,
            errors: errors + self.delivered.refused,
            skipped: self.known + self.plan.skips.len() as u64 - errors,
            waiting: self.delivered.waiting,
            ..Counts::default()
        }
    }

    fn reason(&self) -> String {
        let Delivered { accepted, refused, failed, .. } = self.delivered;
        let queued = self.queued;
        let sent = if queued + accepted + refused + failed > 0 {
            format!("{queued} queued, {accepted} accepted, {refused} refused, {failed} to be tried again")
        } else {
            String::new()
        };
        let parts = [blocks(&self.findings), sent];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }

    fn close(&mut self, run: Option<RunId>, calls: Vec<CallCount>, duration_ms: u64) {
        (self.run, self.calls, self.duration_ms) = (run, calls, duration_ms);
    }
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
