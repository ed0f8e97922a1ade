//! Why a completion is not reported, with its evidence and its reason in words.

use super::Disposition;
use crate::model::{EnrolmentId, Fingerprint, MoodleUserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a completion is not reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "unreported", rename_all = "snake_case")]
pub enum Unreported {
    /// This completion, or a later one of the same person and course, was reported or marked as reported.
    AlreadyReported {
        /// When that one was completed.
        completed_at: Timestamp,
    },
    /// It was reported for the enrolment of its time, HR has enrolled the person again, and Moodle still shows it.
    NeedsReset { completed_at: Timestamp, enrolment: EnrolmentId },
    /// The course has not opted in, or no longer.
    NotOptedIn,
    /// It lies before the moment from which the course reports.
    BeforeStart { from: Timestamp },
    /// The course has no ID number, by which the ELM would know it.
    NoCourseNumber,
    /// The account has no GUID, by which the ELM would know the person.
    NoGuid,
    /// Another account of the same GUID was reported for this course, and the ELM has enrolled nobody since.
    OtherAccount { reported: MoodleUserId },
    /// The ELM never enrolled this person in this course, as far as Rollbook knows.
    NoEnrolmentRecord,
    /// The newest enrolment record has no enrolment id.
    NoEnrolmentId { record: Fingerprint },
    /// The enrolment id is no whole number.
    EnrolmentIdNotANumber { id: EnrolmentId },
}

impl Unreported {
    /// The reason as one word; it is stored, searched and counted by, and names the kind of attention.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyReported { .. } => "already_reported",
            Self::NeedsReset { .. } => "needs_reset",
            Self::NotOptedIn => "not_opted_in",
            Self::BeforeStart { .. } => "before_start",
            Self::NoCourseNumber => "no_course_number",
            Self::NoGuid => "no_guid",
            Self::OtherAccount { .. } => "other_account",
            Self::NoEnrolmentRecord => "no_enrolment_record",
            Self::NoEnrolmentId { .. } => "no_enrolment_id",
            Self::EnrolmentIdNotANumber { .. } => "enrolment_id_not_a_number",
        }
    }

    /// Whether a human must look. What stands as settled is weighed again when the settings or opt-ins change.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::AlreadyReported { .. } | Self::NotOptedIn | Self::BeforeStart { .. } => Disposition::Settled,
            Self::NeedsReset { .. }
            | Self::NoCourseNumber
            | Self::NoGuid
            | Self::OtherAccount { .. }
            | Self::NoEnrolmentRecord
            | Self::NoEnrolmentId { .. }
            | Self::EnrolmentIdNotANumber { .. } => Disposition::Attention,
        }
    }

    /// Whether an enrolment id that a person supplies lets it be reported.
    pub fn takes_enrolment_id(&self) -> bool {
        matches!(self, Self::NoEnrolmentRecord | Self::NoEnrolmentId { .. } | Self::EnrolmentIdNotANumber { .. })
    }

    /// What a human can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::AlreadyReported { .. } | Self::NotOptedIn | Self::BeforeStart { .. } => "nothing needs to be done",
            Self::NeedsReset { .. } => {
                "reset the person's completion of the course in Moodle; what they complete then is reported"
            }
            Self::NoCourseNumber => "give the course its ID number in Moodle",
            Self::NoGuid => "give the account its GUID (ID number) in Moodle",
            Self::OtherAccount { .. } => "merge the two accounts, or send this completion by hand",
            Self::NoEnrolmentRecord | Self::NoEnrolmentId { .. } | Self::EnrolmentIdNotANumber { .. } => {
                "find the enrolment in the ELM and supply its id"
            }
        }
    }
}

impl fmt::Display for Unreported {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyReported { completed_at } => write!(out, "the completion of {completed_at:.0} was reported"),
            Self::NeedsReset { completed_at, enrolment } => write!(
                out,
                "complete since {completed_at:.0}, and HR has enrolled the person again ({enrolment}): it needs a reset"
            ),
            Self::NotOptedIn => out.write_str("the course has not opted in"),
            Self::BeforeStart { from } => write!(out, "the course reports completions from {from:.0} on"),
            Self::NoCourseNumber => out.write_str("the course has no ID number"),
            Self::NoGuid => out.write_str("the account has no GUID"),
            Self::OtherAccount { reported } => {
                write!(out, "account {reported} of the same GUID was reported for this course")
            }
            Self::NoEnrolmentRecord => out.write_str("no enrolment record of this person and course is known"),
            Self::NoEnrolmentId { record } => {
                write!(out, "the newest enrolment record ({}) has no enrolment id", &record.to_hex()[..12])
            }
            Self::EnrolmentIdNotANumber { id } => write!(out, "the enrolment id \"{id}\" is no whole number"),
        }
    }
}
