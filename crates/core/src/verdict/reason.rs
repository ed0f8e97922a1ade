//! What became of one feed record, with its evidence and its reason in words.

use super::OutcomeCode;
use crate::model::{
    EnrolState, Field, Fingerprint, Guid, Mail, MoodleCourseId, MoodleUserId, RecordProblem, RoleId, SignInBlock,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Another account that holds a mail address or a user name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailHolder {
    pub id: MoodleUserId,
    pub username: String,
    pub mail: Mail,
    /// Its GUID; empty where it has none.
    pub guid: Guid,
}

/// What became of one record. Large evidence is boxed: a plan may hold a million of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    Enrolled,
    Reactivated,
    AlreadyEnrolled,
    EnrolledBlocked {
        why: SignInBlock,
    },
    StartsLater {
        at: Timestamp,
    },
    OtherEnrolment {
        with: Fingerprint,
    },
    Planned {
        from: Timestamp,
        state: EnrolState,
    },
    Suspended,
    AlreadySuspended,
    NotEnrolled,
    NoAccount,
    Superseded {
        by: Fingerprint,
    },
    Stale {
        applied: Timestamp,
    },
    Imported,
    Ignored {
        why: Box<str>,
    },
    CourseNotFound,
    NoManualInstance {
        course: MoodleCourseId,
    },
    HeldBack,
    Unknown {
        step: Box<str>,
    },
    NotTried {
        why: Box<str>,
    },
    Invalid {
        problem: RecordProblem,
    },
    Contradiction {
        with: Fingerprint,
    },
    CourseAmbiguous {
        courses: Box<[MoodleCourseId]>,
    },
    TwoAccounts {
        accounts: Box<[MoodleUserId]>,
    },
    MailMismatch {
        account: Box<MailHolder>,
        third: Option<Box<MailHolder>>,
    },
    GuidChanged {
        holders: Box<[MailHolder]>,
    },
    SharedAddress {
        guids: Box<[Guid]>,
    },
    UsernameRefused {
        username: Box<str>,
    },
    NameMissing {
        field: Field,
        #[serde(default)]
        too_long: bool,
    },
    Protected {
        entry: Box<str>,
    },
    AccountRefused {
        code: Box<str>,
    },
    EnrolRefused {
        code: Box<str>,
    },
    StillActive,
    OtherMethod {
        methods: Box<[Box<str>]>,
    },
    MethodUnknown,
    RoleDiffers {
        roles: Box<[RoleId]>,
    },
    DatesUnknown,
    AccountBlocked {
        why: SignInBlock,
    },
    GuidLost {
        account: Box<MailHolder>,
        was: Guid,
    },
}

impl Verdict {
    /// The verdict as one word.
    pub fn code(&self) -> OutcomeCode {
        match self {
            Self::Enrolled => OutcomeCode::Enrolled,
            Self::Reactivated => OutcomeCode::Reactivated,
            Self::AlreadyEnrolled => OutcomeCode::AlreadyEnrolled,
            Self::EnrolledBlocked { .. } => OutcomeCode::EnrolledBlocked,
            Self::StartsLater { .. } => OutcomeCode::StartsLater,
            Self::OtherEnrolment { .. } => OutcomeCode::OtherEnrolment,
            Self::Planned { .. } => OutcomeCode::Planned,
            Self::Suspended => OutcomeCode::Suspended,
            Self::AlreadySuspended => OutcomeCode::AlreadySuspended,
            Self::NotEnrolled => OutcomeCode::NotEnrolled,
            Self::NoAccount => OutcomeCode::NoAccount,
            Self::Superseded { .. } => OutcomeCode::Superseded,
            Self::Stale { .. } => OutcomeCode::Stale,
            Self::Imported => OutcomeCode::Imported,
            Self::Ignored { .. } => OutcomeCode::Ignored,
            Self::CourseNotFound => OutcomeCode::CourseNotFound,
            Self::NoManualInstance { .. } => OutcomeCode::NoManualInstance,
            Self::HeldBack => OutcomeCode::HeldBack,
            Self::Unknown { .. } => OutcomeCode::Unknown,
            Self::NotTried { .. } => OutcomeCode::NotTried,
            Self::Invalid { .. } => OutcomeCode::Invalid,
            Self::Contradiction { .. } => OutcomeCode::Contradiction,
            Self::CourseAmbiguous { .. } => OutcomeCode::CourseAmbiguous,
            Self::TwoAccounts { .. } => OutcomeCode::TwoAccounts,
            Self::MailMismatch { .. } => OutcomeCode::MailMismatch,
            Self::GuidChanged { .. } => OutcomeCode::GuidChanged,
            Self::SharedAddress { .. } => OutcomeCode::SharedAddress,
            Self::UsernameRefused { .. } => OutcomeCode::UsernameRefused,
            Self::NameMissing { .. } => OutcomeCode::NameMissing,
            Self::Protected { .. } => OutcomeCode::Protected,
            Self::AccountRefused { .. } => OutcomeCode::AccountRefused,
            Self::EnrolRefused { .. } => OutcomeCode::EnrolRefused,
            Self::StillActive => OutcomeCode::StillActive,
            Self::OtherMethod { .. } => OutcomeCode::OtherMethod,
            Self::MethodUnknown => OutcomeCode::MethodUnknown,
            Self::RoleDiffers { .. } => OutcomeCode::RoleDiffers,
            Self::DatesUnknown => OutcomeCode::DatesUnknown,
            Self::AccountBlocked { .. } => OutcomeCode::AccountBlocked,
            Self::GuidLost { .. } => OutcomeCode::GuidLost,
        }
    }
}

impl fmt::Display for Verdict {
    /// The reason in words: what was found and, where a human must act, what about.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enrolled => out.write_str("enrolled in the course"),
            Self::Reactivated => out.write_str("was suspended in the course and is active again"),
            Self::AlreadyEnrolled => out.write_str("was active in the course already"),
            Self::EnrolledBlocked { why } => write!(out, "enrolled in the course, but cannot sign in: {why}"),
            Self::StartsLater { at } => write!(out, "is enrolled already; the enrolment starts on {at:.0}"),
            Self::OtherEnrolment { with } => {
                let with = &with.to_hex()[..12];
                write!(out, "another enrolment of this person in this course decides ({with})")
            }
            Self::Planned { from, state } => write!(out, "{} from {from:.0}: it waits for its day", state.as_str()),
            Self::Suspended => out.write_str("suspended in the course"),
            Self::AlreadySuspended => out.write_str("was not active in the course"),
            Self::NotEnrolled => out.write_str("is not in the course, so there is nothing to suspend"),
            Self::NoAccount => out.write_str("has no Moodle account, so there is nothing to suspend"),
            Self::Superseded { by } => {
                write!(out, "a newer record of this person and course counts ({})", &by.to_hex()[..12])
            }
            Self::Stale { applied } => write!(out, "a newer state, of {applied:.0}, was applied before"),
            Self::Imported => out.write_str("taken over from the earlier system's history"),
            Self::Ignored { why } => write!(out, "ignored by decision: {why}"),
            Self::CourseNotFound => out.write_str("no Moodle course has this ID number"),
            Self::NoManualInstance { course } => write!(out, "course {course} has no enabled manual enrolment method"),
            Self::HeldBack => out.write_str("the feed was incomplete: nothing is taken away on its word"),
            Self::Unknown { step } => write!(out, "no answer came to: {step}; it is looked up before the next try"),
            Self::NotTried { why } => write!(out, "not tried: {why}"),
            Self::Invalid { problem } => problem.fmt(out),
            Self::Contradiction { with } => {
                write!(out, "a record of the same moment says otherwise ({})", &with.to_hex()[..12])
            }
            Self::CourseAmbiguous { courses } => {
                write!(out, "{} Moodle courses have this ID number: {}", courses.len(), list(courses))
            }
            Self::TwoAccounts { accounts } => {
                write!(out, "{} Moodle accounts have this GUID: {}", accounts.len(), list(accounts))
            }
            Self::MailMismatch { account, third } => mail_mismatch(out, account, third.as_deref()),
            Self::GuidChanged { holders } => guid_changed(out, holders),
            Self::SharedAddress { guids } => {
                write!(out, "the feed gives this mail address to {} people: {}", guids.len(), list(guids))
            }
            Self::UsernameRefused { username } => write!(out, "Moodle's rule for user names refuses \"{username}\""),
            Self::NameMissing { field, too_long } => {
                let what = if *too_long { "longer than 100 characters" } else { "missing" };
                write!(out, "an account cannot be made: {field} is {what}")
            }
            Self::Protected { entry } => write!(out, "protected by the entry \"{entry}\""),
            Self::AccountRefused { code } => write!(out, "Moodle refused to create the account ({code})"),
            Self::EnrolRefused { code } => write!(out, "Moodle refused the enrolment ({code})"),
            Self::StillActive => out.write_str("suspended by hand, but still active by another enrolment method"),
            Self::OtherMethod { methods } => {
                write!(out, "HR ended the enrolment; the person is still in the course by: {}", list(methods))
            }
            Self::MethodUnknown => out.write_str(
                "HR ended the enrolment; somebody else made it, and Moodle does not say by which enrolment method",
            ),
            Self::RoleDiffers { roles } => {
                write!(out, "somebody else enrolled the person in another role ({}); it is left as it is", list(roles))
            }
            Self::DatesUnknown => out.write_str("enrolling would remove a start or end date that Moodle does not show"),
            Self::AccountBlocked { why } => write!(out, "not enrolled: {why}"),
            Self::GuidLost { account, was } => write!(
                out,
                "account {} had the GUID {was} before and now has {} ({})",
                account.id,
                shown(&account.guid),
                account.mail
            ),
        }
    }
}

fn mail_mismatch(out: &mut fmt::Formatter<'_>, account: &MailHolder, third: Option<&MailHolder>) -> fmt::Result {
    write!(out, "account {} of this GUID has the address {}", account.id, account.mail)?;
    match third {
        Some(third) => {
            write!(out, "; the feed's address belongs to account {} (GUID {})", third.id, shown(&third.guid))
        }
        None => out.write_str("; no account has the feed's address"),
    }
}

fn guid_changed(out: &mut fmt::Formatter<'_>, holders: &[MailHolder]) -> fmt::Result {
    out.write_str("probably a changed GUID: the address or user name belongs to ")?;
    for (index, holder) in holders.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        write!(out, "{comma}account {} (GUID {}, {})", holder.id, shown(&holder.guid), holder.mail)?;
    }
    Ok(())
}

fn shown(guid: &Guid) -> &str {
    if guid.as_str().is_empty() { "none" } else { guid.as_str() }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
