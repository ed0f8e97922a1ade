//! What a person, or another system, may ask of the process. Stored as JSON; a word that is here stays.

use jiff::Timestamp;
use jiff::civil::Date;
use rollbook_core::model::{CompletionKey, ElmCourseId, EnrolmentId, Fingerprint, LinkName, MoodleUserId, SiteName};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Run a link now. Answered with [`super::JobOutcome::Ran`].
    RunLink {
        /// The link, of any flow.
        link: LinkName,
        /// Whether it may change anything.
        purpose: Purpose,
        narrow: Narrow,
    },
    /// Run what an approved plan was made for; the plan is made anew, and runs if it is still the approved one.
    /// Answered with [`super::JobOutcome::Ran`].
    ApplyPlan { link: LinkName, plan: i64 },
    /// Show the feed's records beside what Moodle says. Answered with [`super::JobOutcome::Feed`].
    QueryFeed { link: LinkName, question: FeedQuery },
    /// Process these records of the feed. Answered with [`super::JobOutcome::Ran`].
    ProcessRecords {
        link: LinkName,
        /// By which they are found again in the feed.
        question: FeedQuery,
        /// Those of them that are meant.
        records: Vec<Fingerprint>,
    },
    /// Decide about an attention item. Answered with [`super::JobOutcome::Attended`].
    Attend { link: LinkName, item: i64, act: AttentionAct },
    /// Show what would be sent for a completion. Answered with [`super::JobOutcome::Completion`].
    PreviewCompletion { link: LinkName, named: NamedCompletion },
    /// Send a completion by hand. Answered with [`super::JobOutcome::Reported`].
    SendCompletion { link: LinkName, named: NamedCompletion },
    /// Send reports again. Answered with [`super::JobOutcome::Reported`].
    RetryCompletions {
        link: LinkName,
        /// Their numbers in the outbox.
        reports: Vec<i64>,
    },
    /// Remember that completions were reported elsewhere. Answered with [`super::JobOutcome::Marked`].
    MarkCompletions {
        link: LinkName,
        /// Which; each is known to the journal.
        completions: Vec<CompletionKey>,
    },
    /// Give the enrolment id that a completion waits for, and report it. Answered with [`super::JobOutcome::Reported`].
    SupplyEnrolment { link: LinkName, completion: CompletionKey, enrolment: EnrolmentId },
    /// Look into the pushed events. Answered with [`super::JobOutcome::Ran`].
    CheckCompletions { link: LinkName },
    /// Synchronise one member of a community. Answered with [`super::JobOutcome::Ran`].
    SyncMember {
        link: LinkName,
        /// Number, user name or mail address.
        user: String,
    },
    /// Examine the sites. Answered with [`super::JobOutcome::Examined`].
    Examine {
        /// One of them; all where it is not given.
        site: Option<SiteName>,
    },
}

/// Whether a run may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    Apply,
    /// It only shows what it would do.
    DryRun,
}

/// How much of a link is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "narrow", rename_all = "snake_case")]
pub enum Narrow {
    /// As the schedule does it.
    Usual,
    /// Intake: these records of the journal, whether or not their time has come.
    Records { records: Vec<Fingerprint> },
    /// Intake: what the feed has on this question.
    Feed { question: FeedQuery },
    /// Guilds: one guild, by machine name, label, number or UUID.
    Guild { guild: String },
    /// Guilds: one person, by number, user name or mail address.
    User { user: String },
    /// Completions: everything that counts is read again.
    Full,
}

/// Which records of a feed are wanted; what is given is combined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedQuery {
    /// Created after this moment.
    pub from: Option<Timestamp>,
    /// Created before this moment.
    pub until: Option<Timestamp>,
    pub mail: Option<String>,
    pub guid: Option<String>,
}

impl FeedQuery {
    /// Whether it asks for anything less than the whole feed.
    pub fn is_bounded(&self) -> bool {
        let Self { from, until: _, mail, guid } = self;
        from.is_some() || mail.is_some() || guid.is_some()
    }
}

/// What a person decides about an attention item. Each releases every record that waits behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum AttentionAct {
    /// The cause is mended: try again.
    TryAgain {
        /// Why, where a person says so.
        reason: String,
    },
    /// This account is the person: the feed's GUID becomes its idnumber.
    UseAccount { user: MoodleUserId },
    /// The feed's mail address becomes the account's.
    UpdateMail,
    /// Nothing is to be done for these records, now or later.
    Ignore {
        /// Why; never empty.
        reason: String,
    },
}

/// A completion as a person names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedCompletion {
    /// A GUID, user name, mail address, or the account's id.
    pub user: String,
    /// The course, as the ELM names it.
    pub course: ElmCourseId,
    /// The day; as Moodle says where it is not given.
    pub date: Option<Date>,
    /// The enrolment; that of the newest record where it is not given.
    pub enrolment: Option<EnrolmentId>,
}

impl Job {
    /// The word for it, as stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunLink { .. } => "run_link",
            Self::ApplyPlan { .. } => "apply_plan",
            Self::QueryFeed { .. } => "query_feed",
            Self::ProcessRecords { .. } => "process_records",
            Self::Attend { .. } => "attend",
            Self::PreviewCompletion { .. } => "preview_completion",
            Self::SendCompletion { .. } => "send_completion",
            Self::RetryCompletions { .. } => "retry_completions",
            Self::MarkCompletions { .. } => "mark_completions",
            Self::SupplyEnrolment { .. } => "supply_enrolment",
            Self::CheckCompletions { .. } => "check_completions",
            Self::SyncMember { .. } => "sync_member",
            Self::Examine { .. } => "examine",
        }
    }

    /// The link that it is about.
    pub fn link(&self) -> Option<&LinkName> {
        match self {
            Self::RunLink { link, .. }
            | Self::ApplyPlan { link, .. }
            | Self::QueryFeed { link, .. }
            | Self::ProcessRecords { link, .. }
            | Self::Attend { link, .. }
            | Self::PreviewCompletion { link, .. }
            | Self::SendCompletion { link, .. }
            | Self::RetryCompletions { link, .. }
            | Self::MarkCompletions { link, .. }
            | Self::SupplyEnrolment { link, .. }
            | Self::CheckCompletions { link }
            | Self::SyncMember { link, .. } => Some(link),
            Self::Examine { .. } => None,
        }
    }

    /// The site that it is about.
    pub fn site(&self) -> Option<&SiteName> {
        match self {
            Self::Examine { site } => site.as_ref(),
            _ => None,
        }
    }

    /// Whether it only looks: it changes nothing anywhere.
    pub fn only_looks(&self) -> bool {
        match self {
            Self::RunLink { purpose, .. } => *purpose == Purpose::DryRun,
            Self::QueryFeed { .. } | Self::PreviewCompletion { .. } | Self::Examine { .. } => true,
            Self::ApplyPlan { .. }
            | Self::ProcessRecords { .. }
            | Self::Attend { .. }
            | Self::SendCompletion { .. }
            | Self::RetryCompletions { .. }
            | Self::MarkCompletions { .. }
            | Self::SupplyEnrolment { .. }
            | Self::CheckCompletions { .. }
            | Self::SyncMember { .. } => false,
        }
    }
}
