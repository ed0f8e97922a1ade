//! What a run of guilds tells while it works, and what it comes to.

use super::apply::AppliedChange;
use crate::engine::{Report, blocks};
use rollbook_community::snapshot::{Access, CommunityError};
use rollbook_core::guard::Finding;
use rollbook_core::model::{Community, RunId};
use rollbook_core::plan::{GuildPlan, Scope};
use rollbook_core::run::{Counts, GuildCounts, RunState};
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::JournalError;
use rollbook_moodle::client::CallCount;
use rollbook_moodle::snapshot::{CohortSourceError, MoodleSourceError};
use std::collections::BTreeSet;

/// A community that has answered.
#[derive(Clone, Debug)]
pub struct CommunitySite {
    /// How it is read, and as whom.
    pub access: Access,
    /// How long its first answer took.
    pub answered_ms: u64,
}

/// A Moodle that has answered.
#[derive(Clone, Debug)]
pub struct MoodleSite {
    /// Its own name.
    pub name: String,
    /// Its release.
    pub release: String,
    /// How long its first answers took.
    pub answered_ms: u64,
}

/// Both sites, once each has answered.
#[derive(Clone, Debug)]
pub struct Sites {
    /// The community.
    pub community: CommunitySite,
    /// Moodle.
    pub moodle: MoodleSite,
}

/// What the community shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Guilds.
    pub guilds: u64,
    /// Memberships in them.
    pub memberships: u64,
    /// People in them, each once.
    pub people: u64,
}

/// What a run tells while it works.
#[derive(Clone, Copy, Debug)]
pub enum Watch<'a> {
    /// The community has answered, or not.
    Community(Result<&'a CommunitySite, &'a GuildsError>),
    /// Moodle has answered, or not.
    Moodle(Result<&'a MoodleSite, &'a GuildsError>),
    /// The community was read.
    Seen(&'a Snapshot<Community>, Seen),
    /// The plan is made, and so many changes will be sent.
    Planned(&'a GuildPlan),
    /// So many further changes are done with.
    Applied(usize),
}

/// What a run of guilds did, or would do.
#[derive(Clone, Debug)]
pub struct GuildsReport {
    /// The run in the journal; none for a dry run.
    pub run: Option<RunId>,
    /// How it ended.
    pub state: RunState,
    /// How much it was about.
    pub scope: Scope,
    /// The sites.
    pub sites: Sites,
    /// What the community shows.
    pub seen: Seen,
    /// What the community said.
    pub community: Snapshot<Community>,
    /// What was planned.
    pub plan: GuildPlan,
    /// What the guards found.
    pub findings: Vec<Finding>,
    /// The places of the changes that wait for a person.
    pub held: BTreeSet<usize>,
    /// The stored plan that waits for a person, if this run's does.
    pub waiting: Option<i64>,
    /// Who approved the plan, where it needed that.
    pub approved_by: Option<String>,
    /// What became of each change, by its place in the plan; nothing where nothing was sent.
    pub applied: Vec<Option<AppliedChange>>,
    /// Changes of earlier runs that turned out to be done.
    pub credited: u64,
    /// The numbers.
    pub counts: GuildCounts,
    /// Calls to Moodle, by function.
    pub calls: Vec<CallCount>,
    /// Requests to the community.
    pub requests: u64,
    /// How long it took.
    pub duration_ms: u64,
}

impl Report for GuildsReport {
    fn state(&mut self) -> &mut RunState {
        &mut self.state
    }

    /// The numbers as every flow has them.
    fn counts(&self) -> Counts {
        let GuildCounts { added, removed, unchanged, accounts, waiting, refused, open, calls, .. } = self.counts;
        Counts {
            records: added + removed + unchanged,
            enrolled: added,
            suspended: removed,
            errors: refused,
            skipped: unchanged,
            waiting: waiting + open,
            planned: 0,
            accounts,
            mails: 0,
            calls,
        }
    }

    fn reason(&self) -> String {
        match self.counts {
            GuildCounts { refused: 0, open: 0, .. } => blocks(&self.findings),
            GuildCounts { refused, open, .. } => format!("{refused} changes were refused, {open} are open"),
        }
    }

    fn close(&mut self, run: Option<RunId>, calls: Vec<CallCount>, duration_ms: u64) {
        self.counts.calls = calls.iter().map(|call| call.calls).sum();
        (self.run, self.calls, self.duration_ms) = (run, calls, duration_ms);
    }
}

/// Why a run of guilds stopped.
#[derive(Debug, thiserror::Error)]
pub enum GuildsError {
    /// The community could not be read; nothing was changed.
    #[error(transparent)]
    Community(#[from] CommunityError),
    /// Moodle could not be read; nothing was changed.
    #[error(transparent)]
    Moodle(#[from] MoodleSourceError),
    /// Moodle's cohorts or accounts could not be read; nothing was changed.
    #[error(transparent)]
    Cohorts(#[from] CohortSourceError),
    /// The journal could not be read or written.
    #[error("the journal could not be used")]
    Journal(#[from] JournalError),
    /// A stop was asked for while the run was still reading.
    #[error("the run was stopped before it changed anything; the next one goes on")]
    Stopped,
    /// No guild is meant.
    #[error("there is no guild \"{asked}\"")]
    NoSuchGuild {
        /// The word.
        asked: String,
        /// The closest names.
        closest: Vec<String>,
    },
    /// Several guilds are meant.
    #[error("\"{asked}\" means several guilds: {}", numbers.join(", "))]
    SeveralGuilds {
        /// The word.
        asked: String,
        /// Their numbers.
        numbers: Vec<String>,
    },
    /// Nobody is meant.
    #[error("there is nobody \"{asked}\" in the community, or the account may not see them")]
    NoSuchPerson {
        /// The word.
        asked: String,
    },
    /// Several people are meant.
    #[error("\"{asked}\" means several people: {}", numbers.join(", "))]
    SeveralPeople {
        /// The word.
        asked: String,
        /// Their numbers.
        numbers: Vec<String>,
    },
}
