//! A change: one intended effect on one record of one system.

use crate::model::{Fingerprint, Guid, Mail, MoodleCourseId, MoodleUserId, RoleId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An account to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccount {
    /// The person.
    pub guid: Guid,
    /// The user name, which Moodle's rule takes.
    pub username: String,
    /// The mail address.
    pub mail: Mail,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The authentication method.
    pub auth: String,
}

/// Whose enrolment it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// An account that exists.
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
    /// Suspended in the course.
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

/// Somebody to be active in a course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolChange {
    /// The record that wants it.
    pub record: Fingerprint,
    /// Who.
    pub who: Who,
    /// Where.
    pub course: MoodleCourseId,
    /// As what.
    pub role: RoleId,
    /// From what.
    pub kind: EnrolKind,
    /// Whether Rollbook welcomes them.
    pub welcome: bool,
}

/// Somebody to be suspended in a course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspendChange {
    /// The record that wants it.
    pub record: Fingerprint,
    /// Who.
    pub user: MoodleUserId,
    /// Where.
    pub course: MoodleCourseId,
    /// The role that the enrolment call needs; an existing role stays.
    pub role: RoleId,
}

/// One intended effect of intake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum IntakeChange {
    /// Make an account.
    CreateAccount(NewAccount),
    /// Make active in a course.
    Enrol(EnrolChange),
    /// Suspend in a course.
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
            Self::Enrol(EnrolChange { who, course, role, kind, welcome, record: _ }) => {
                let verb = match kind {
                    EnrolKind::Enrol => "enrol",
                    EnrolKind::Reactivate => "reactivate",
                };
                let mail = if *welcome { ", with a welcome mail" } else { "" };
                write!(out, "{verb} {who} in course {course} as role {role}{mail}")
            }
            Self::Suspend(SuspendChange { user, course, .. }) => {
                write!(out, "suspend account {user} in course {course}")
            }
        }
    }
}
