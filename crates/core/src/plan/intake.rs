//! The plan of intake: feed records, Moodle's accounts, courses and enrolments → changes and skips.

use super::person::{Claims, Decided, Decider};
use super::{Digest, digest};
use crate::desired::{AppliedState, Distinct, distinct_records, for_each_person};
use crate::matching::Directory;
use crate::model::{
    Course, ElmCourseId, FeedRecord, Fingerprint, Guid, LinkName, Mail, MoodleCourseId, MoodleUserId, Participation,
    RoleId, SignInBlock,
};
use crate::policy::IntakePolicy;
use crate::snapshot::Snapshot;
use crate::verdict::Verdict;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Courses by the ELM id that was asked for; several where Moodle has several.
pub type Courses = BTreeMap<ElmCourseId, Vec<Course>>;

/// How people stand in courses, for the pairs that were asked.
pub type Enrolments = BTreeMap<(MoodleUserId, MoodleCourseId), Participation>;

/// Everything that a plan of intake is made from.
#[derive(Clone, Copy, Debug)]
pub struct IntakeInputs<'a> {
    pub link: &'a LinkName,
    /// The records to decide: new ones and those that wait.
    pub records: &'a Snapshot<Vec<FeedRecord>>,
    /// Records that an earlier run left in doubt whose plan was cleared, by the checks or by a person.
    pub known_doubts: &'a BTreeSet<Fingerprint>,
    /// What earlier runs applied, by folded GUID and course.
    pub applied: &'a BTreeMap<(String, ElmCourseId), Vec<AppliedState>>,
    /// The enrolments that this link made, by folded GUID and course. Others are somebody else's.
    pub made: &'a BTreeSet<(String, ElmCourseId)>,
    /// The account that each person was last seen to have, by folded GUID. Those whose GUID finds nobody now were looked
    /// up by their ids.
    pub accounts: &'a BTreeMap<String, MoodleUserId>,
    /// The newest settled record of each person (of equally new ones the greatest fingerprint), by folded GUID; none that
    /// was ignored by decision. An older record that waited must not bring an old address back. Their addresses and user
    /// names are looked up like those of the records.
    pub newest: &'a BTreeMap<String, FeedRecord>,
    /// The accounts that were looked up.
    pub directory: &'a Directory,
    /// The courses that were looked up.
    pub courses: &'a Courses,
    /// The enrolments that were looked up.
    pub enrolments: &'a Enrolments,
    /// What an earlier run set out to do and did not live to record the end of: where it is so now, it is that run's work,
    /// and who was enrolled is welcomed.
    pub intended: &'a BTreeMap<Fingerprint, Intended>,
}

/// A record that is left alone, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skip {
    pub record: Fingerprint,
    pub verdict: Verdict,
}

/// What one run of intake would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IntakePlan {
    pub link: LinkName,
    /// When it was made; the digest does not cover it.
    pub made_at: Timestamp,
    /// Accounts by GUID, then enrolments and then suspensions by course and person.
    pub changes: Vec<IntakeChange>,
    /// What is left alone, by record.
    pub skips: Vec<Skip>,
    /// How many people the records are about.
    pub people: u64,
    /// How many of them cannot be matched beyond doubt.
    pub doubts: Doubts,
}

/// People who cannot be matched beyond doubt. Those who are known to be must not stop the runs after them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Doubts {
    /// People of whom no record was in doubt before.
    pub people: u64,
    /// How many of those are in doubt.
    pub new: u64,
    /// How many others are in doubt since an earlier run.
    pub known: u64,
}

impl IntakePlan {
    /// What an approval is bound to.
    pub fn digest(&self) -> Digest {
        digest(self.link.as_str(), &self.changes)
    }
}

/// Makes the plan. Nothing doubtful becomes a change.
pub fn plan_intake(inputs: &IntakeInputs<'_>, policy: &IntakePolicy, now: Timestamp) -> IntakePlan {
    let records = &inputs.records.value;
    let Distinct { usable, bad } = distinct_records(records);
    let decider = Decider { inputs, policy, now };
    let mut people: Vec<Decided<'_>> = Vec::new();
    for_each_person(records, &usable, |groups| people.push(decider.decide_person(groups)));
    let claims = Claims::of(&people);
    let mut plan = IntakePlan {
        link: inputs.link.clone(),
        made_at: now,
        changes: Vec::new(),
        skips: Vec::new(),
        people: people.len() as u64,
        doubts: Doubts::default(),
    };
    for (index, problem) in bad {
        let verdict = match problem.is_set_aside() {
            true => Verdict::Ignored { why: problem.to_string().into() },
            false => Verdict::Invalid { problem },
        };
        plan.skips.push(Skip { record: records[index as usize].fingerprint, verdict });
    }
    for mut person in people {
        decider.admit(&mut person, &claims);
        plan.doubts.count(&person);
        plan.changes.append(&mut person.changes);
        plan.skips.append(&mut person.skips);
    }
    plan.changes.sort_by(|left, right| order_of(left).cmp(&order_of(right)));
    plan.skips.sort_unstable_by_key(|skip| skip.record);
    plan
}

/// Additions before removals; inside, by what Moodle locks: course, then person.
fn order_of(change: &IntakeChange) -> (u8, MoodleCourseId, Option<&Who>, MoodleUserId, &str) {
    match change {
        IntakeChange::CreateAccount(account) => (0, MoodleCourseId(0), None, MoodleUserId(0), account.guid.as_str()),
        IntakeChange::Enrol(change) => (1, change.course, Some(&change.who), MoodleUserId(0), ""),
        IntakeChange::Suspend(change) => (2, change.course, None, change.user, ""),
    }
}

impl Doubts {
    fn count(&mut self, person: &Decided<'_>) {
        let in_doubt = person.skips.iter().any(|skip| skip.verdict.code().doubts_identity());
        self.people += u64::from(!person.known_doubt);
        self.new += u64::from(in_doubt && !person.known_doubt);
        self.known += u64::from(in_doubt && person.known_doubt);
    }
}

// A change: one intended effect on one record of one system.

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    pub guid: Guid,
    /// The user name, which Moodle's rule takes.
    pub username: String,
    pub mail: Mail,
    pub first_name: String,
    pub last_name: String,
    pub auth: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    Account(MoodleUserId),
    /// The account that the same plan makes for this GUID.
    New(Guid),
}

/// What an enrolment starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrolKind {
    /// Not in the course, or suspended there; which of the two was not asked.
    Enrol,
    Reactivate,
}

/// What an earlier run set out to do for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intended {
    /// To make the person active in the course.
    Enrol(EnrolKind),
    /// To suspend the person there.
    Suspend,
}

/// The dates of an enrolment that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dates {
    /// None.
    #[default]
    None,
    /// From the moment of writing on; `seconds` is how long, 0 for ever.
    FromNow { seconds: i64 },
    /// Those that stand are written again: Unix seconds, 0 for none.
    Kept { start: i64, end: i64 },
    /// Whatever stands is not shown, and goes.
    Unknown,
}

impl Dates {
    /// The start and end to send at a moment, Unix seconds; a date that is not sent is removed.
    pub fn at(self, now: Timestamp) -> (Option<i64>, Option<i64>) {
        let some = |second: i64| (second > 0).then_some(second);
        match self {
            Self::None | Self::Unknown => (None, None),
            Self::FromNow { seconds } => {
                let now = now.as_second();
                (Some(now), (seconds > 0).then(|| now.saturating_add(seconds)))
            }
            Self::Kept { start, end } => (some(start), some(end)),
        }
    }
}

impl fmt::Display for Dates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None | Self::Kept { .. } | Self::FromNow { seconds: 0 } => Ok(()),
            Self::FromNow { seconds } if seconds % 86_400 == 0 => write!(out, ", for {} days", seconds / 86_400),
            Self::FromNow { seconds } => write!(out, ", for {seconds} s"),
            Self::Unknown => out.write_str(", without the dates that it may have"),
        }
    }
}

/// Somebody to be active in a course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolChange {
    /// The record that wants it.
    pub record: Fingerprint,
    pub who: Who,
    pub course: MoodleCourseId,
    pub role: RoleId,
    pub kind: EnrolKind,
    pub welcome: bool,
    #[serde(default)]
    pub dates: Dates,
    /// Nobody can sign in with the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<SignInBlock>,
}

/// Somebody to be suspended in a course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspendChange {
    /// The record that wants it.
    pub record: Fingerprint,
    pub user: MoodleUserId,
    pub course: MoodleCourseId,
    /// The role that the enrolment call needs: one that the person has, where that is known, since another is added.
    pub role: RoleId,
    #[serde(default)]
    pub dates: Dates,
}

/// One intended effect of intake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum IntakeChange {
    CreateAccount(NewAccount),
    /// Make active in a course.
    Enrol(EnrolChange),
    Suspend(SuspendChange),
}

impl IntakeChange {
    /// The record that wants this change; an account is wanted by the enrolments that follow it.
    pub fn record(&self) -> Option<Fingerprint> {
        match self {
            Self::CreateAccount(_) => None,
            Self::Enrol(change) => Some(change.record),
            Self::Suspend(change) => Some(change.record),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(out, "account {id}"),
            Self::New(guid) => write!(out, "the new account of {guid}"),
        }
    }
}

impl fmt::Display for IntakeChange {
    /// A line of the printed plan.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateAccount(account) => write!(out, "create account {} for {}", account.username, account.guid),
            Self::Enrol(EnrolChange { who, course, role, kind, welcome, dates, blocked: _, record: _ }) => {
                let verb = match kind {
                    EnrolKind::Enrol => "enrol",
                    EnrolKind::Reactivate => "reactivate",
                };
                let mail = if *welcome { ", with a welcome mail" } else { "" };
                write!(out, "{verb} {who} in course {course} as role {role}{dates}{mail}")
            }
            Self::Suspend(SuspendChange { user, course, dates, .. }) => {
                write!(out, "suspend account {user} in course {course}{dates}")
            }
        }
    }
}
