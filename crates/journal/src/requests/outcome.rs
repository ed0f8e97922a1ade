//! What the process answers. Stored as JSON: plain data, ready to be shown; lists are bounded, and say what they left out.

use jiff::Timestamp;
use rollbook_core::guard::Finding;
use rollbook_core::model::{
    Account, CompletionKey, Course, ElmCourseId, Enrolment, EnrolmentId, Fingerprint, MoodleUserId, RunId,
};
use rollbook_core::run::{Counts, OutcomeCode, RunState};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// At most so many lines of a kind are in an answer.
pub const LINES_MAX: usize = 500;

/// An answer. Which one a question gets is said at [`super::Job`]; each may get [`JobOutcome::Failed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobOutcome {
    /// A run, or a dry run.
    Ran(Ran),
    /// Records of the feed, each beside what Moodle says.
    Feed(FeedAnswer),
    /// What a decision about an attention item came to.
    Attended(Attended),
    /// A completion, and what would be sent for it.
    Completion(CompletionCard),
    Reported(Reported),
    /// Completions that are remembered as reported elsewhere.
    Marked {
        marked: u64,
        known: u64,
    },
    Examined {
        checks: Vec<CheckLine>,
    },
    /// It could not be done. Nothing was changed, except where the words say otherwise.
    Failed {
        /// What went wrong, for people; without names of learners.
        words: String,
        /// What to do; may be empty.
        remedy: String,
    },
}

/// What a run came to, or a dry run would come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// The run in the journal; none for a dry run.
    pub run: Option<RunId>,
    pub state: RunState,
    pub counts: Counts,
    /// What was (or would be) changed, a line each.
    pub changes: Vec<String>,
    /// What was left alone, a line each with its reason.
    pub skips: Vec<String>,
    /// How many changes and skips were left out of the lists.
    pub left_out: u64,
    pub findings: Vec<Finding>,
    pub gaps: Vec<String>,
    /// The plan that waits for approval now, where a guard refused.
    pub plan: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedAnswer {
    pub read: Timestamp,
    /// The records, the newest first.
    pub records: Vec<FeedCard>,
    /// How many more there were.
    pub left_out: u64,
    pub gaps: Vec<String>,
}

/// One record beside what Moodle says about its person, course and enrolment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedCard {
    /// By which it is known.
    pub record: Fingerprint,
    pub texts: FeedTexts,
    /// Why it cannot be read, where it cannot.
    pub problem: Option<String>,
    /// How the journal knows it already; `None` where it is new.
    pub known: Option<OutcomeCode>,
    /// The accounts with this GUID.
    pub by_guid: Vec<Account>,
    /// The accounts with this mail address.
    pub by_mail: Vec<Account>,
    /// The account that a run would take for the person, where there is no doubt.
    pub account: Option<MoodleUserId>,
    /// What does not agree between feed and Moodle, a line each.
    pub mismatches: Vec<String>,
    /// The courses with this idnumber.
    pub courses: Vec<Course>,
    /// How the account stands in the course, where there is one of each.
    pub enrolment: Option<Enrolment>,
    /// What processing would do, or why it would do nothing.
    pub would: Would,
}

/// The texts of a record, as the feed has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedTexts {
    /// When the ELM wrote it.
    pub date_created: String,
    pub course: String,
    pub short_name: String,
    /// `Enrol` or `Suspend`.
    pub state: String,
    pub state_date: String,
    pub guid: String,
    pub mail: String,
    pub first_name: String,
    pub last_name: String,
    pub enrolment_id: String,
    /// The feed's own number of the record.
    pub record_id: String,
}

/// What processing a record would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "would", rename_all = "snake_case")]
pub enum Would {
    /// These changes, a line each.
    Change { lines: Vec<String> },
    Leave {
        /// The code of the verdict.
        code: OutcomeCode,
        why: String,
    },
}

/// What a decision about an attention item came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attended {
    pub item: i64,
    /// Records that were released or ignored.
    pub records: u64,
    /// What was changed in Moodle; empty where nothing was.
    pub changed: String,
    /// The run of the released records, where one followed at once.
    pub ran: Option<Ran>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompletionCard {
    pub completion: CompletionKey,
    /// Whose, as Moodle has them.
    pub account: Account,
    /// The course, as the ELM names it.
    pub course: ElmCourseId,
    pub course_name: String,
    /// The enrolment that it is reported by, where one is known.
    pub enrolment: Option<EnrolmentId>,
    /// The body that would be sent; `None` where nothing would.
    pub body: Option<Value>,
    /// Why nothing would be sent.
    pub why_not: Option<String>,
    /// What to do about that.
    pub remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Reports that were moved or newly queued.
    pub queued: u64,
    pub accepted: u64,
    pub refused: u64,
    /// Not accepted, and tried again later.
    pub failed: u64,
}

/// One check of the doctor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckLine {
    /// The site, or `journal`, `mail`, `clock`.
    pub site: String,
    pub name: String,
    /// `good`, `warning` or `bad`.
    pub health: String,
    pub detail: String,
    /// What to do; may be empty.
    pub mend: String,
}
