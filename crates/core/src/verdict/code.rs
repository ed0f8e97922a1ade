//! The outcome codes: one word for each thing that can become of a feed record.

use super::Verdict;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What became of a record, as one word; it is stored, searched and counted by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum OutcomeCode {
            $($(#[$doc])* $name,)*
        }

        impl OutcomeCode {
            /// Every code, in the order in which people read about them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word that is stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The code of a stored word.
            pub fn read(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// Stored, not yet decided.
    Received = "received";
    Enrolled = "enrolled";
    /// Was in the course and suspended; is active again.
    Reactivated = "reactivated";
    /// Was active in the course already.
    AlreadyEnrolled = "already_enrolled";
    /// Enrolled, with an account that cannot sign in.
    EnrolledBlocked = "enrolled_blocked";
    /// In the course by an enrolment that begins later.
    StartsLater = "starts_later";
    /// Another enrolment of the same person and course decides how the person stands.
    OtherEnrolment = "other_enrolment";
    /// Holds from a day that has not come.
    Planned = "planned";
    /// No longer active in the course.
    Suspended = "suspended";
    /// Was not active in the course.
    AlreadySuspended = "already_suspended";
    /// A Suspend for somebody who is not in the course.
    NotEnrolled = "not_enrolled";
    /// A Suspend for somebody who has no account.
    NoAccount = "no_account";
    /// A newer record of the same person and course counts.
    Superseded = "superseded";
    /// Older than what an earlier run applied.
    Stale = "stale";
    /// Taken over from the original plugin's history.
    Imported = "imported";
    /// A person decided that it shall not count.
    Ignored = "ignored";
    /// No course has this idnumber.
    CourseNotFound = "course_not_found";
    /// The course has no enabled manual enrolment instance.
    NoManualInstance = "no_manual_instance";
    /// The feed was incomplete, so nothing is taken away on its word.
    HeldBack = "held_back";
    /// Sent, and no usable answer came; it is looked up before anything else is done.
    Unknown = "unknown";
    /// Not sent, because something before it failed.
    NotTried = "not_tried";
    /// A field is missing or wrong.
    Invalid = "invalid";
    /// Two records of equal age want opposite things, or give a person two mail addresses.
    Contradiction = "contradiction";
    /// Two courses have this idnumber.
    CourseAmbiguous = "course_ambiguous";
    /// Two accounts have this GUID.
    TwoAccounts = "two_accounts";
    /// The account of this GUID has another mail address.
    MailMismatch = "mail_mismatch";
    /// The mail address or user name belongs to an account of another GUID.
    GuidChanged = "guid_changed";
    /// Two GUIDs of the feed claim one mail address.
    SharedAddress = "shared_address";
    /// Moodle's user-name rule refuses the name.
    UsernameRefused = "username_refused";
    /// An account cannot be made without both names.
    NameMissing = "name_missing";
    /// The person is on the list of those who are never touched.
    Protected = "protected";
    /// Moodle refused to make the account.
    AccountRefused = "account_refused";
    EnrolRefused = "enrol_refused";
    /// Suspended by hand, and still active by another enrolment method.
    StillActive = "still_active";
    /// In the course by another enrolment method only, which is not Rollbook's to end.
    OtherMethod = "other_method";
    /// Somebody else enrolled the person, and Moodle does not say by which method.
    MethodUnknown = "method_unknown";
    /// Somebody else enrolled the person, in another role.
    RoleDiffers = "role_differs";
    /// A write would remove dates that Moodle does not show.
    DatesUnknown = "dates_unknown";
    /// The account cannot sign in, and the policy is to ask.
    AccountBlocked = "account_blocked";
    /// The account that the person had no longer has this GUID.
    GuidLost = "guid_lost";
    /// A completion that is on its way to the ELM.
    ReportDue = "report_due";
    /// A completion that the ELM has accepted.
    Reported = "reported";
    /// A completion that the ELM refused.
    ReportRefused = "report_refused";
}

impl fmt::Display for OutcomeCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

// Whether a record is settled, waits for the next try, or waits for a human.

/// How a record stands after a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// Nothing is left to do; the same record is skipped from now on.
    Settled,
    /// Trouble that may pass: it is tried again with back-off.
    Transient,
    /// Something outside must appear: it is tried each run for a limited time, then a human is asked.
    Awaited,
    /// A human must look; each run looks whether either side changed.
    Attention,
}

impl Disposition {
    const ALL: [Self; 4] = [Self::Settled, Self::Transient, Self::Awaited, Self::Attention];

    /// The disposition of a stored word.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|disposition| disposition.as_str() == text)
    }

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Transient => "transient",
            Self::Awaited => "awaited",
            Self::Attention => "attention",
        }
    }
}

/// How a record of this code stands.
pub fn disposition(code: OutcomeCode) -> Disposition {
    use OutcomeCode as C;
    match code {
        C::Enrolled
        | C::Reactivated
        | C::AlreadyEnrolled
        | C::EnrolledBlocked
        | C::StartsLater
        | C::OtherEnrolment
        | C::Suspended
        | C::AlreadySuspended
        | C::NotEnrolled
        | C::NoAccount
        | C::Superseded
        | C::Stale
        | C::Imported
        | C::Ignored
        | C::Reported => Disposition::Settled,
        C::Received | C::Unknown | C::NotTried | C::HeldBack | C::ReportDue | C::Planned => Disposition::Transient,
        C::CourseNotFound | C::NoManualInstance => Disposition::Awaited,
        C::Invalid
        | C::Contradiction
        | C::CourseAmbiguous
        | C::TwoAccounts
        | C::MailMismatch
        | C::GuidChanged
        | C::SharedAddress
        | C::UsernameRefused
        | C::NameMissing
        | C::Protected
        | C::AccountRefused
        | C::EnrolRefused
        | C::StillActive
        | C::OtherMethod
        | C::MethodUnknown
        | C::RoleDiffers
        | C::DatesUnknown
        | C::AccountBlocked
        | C::GuidLost
        | C::ReportRefused => Disposition::Attention,
    }
}

impl OutcomeCode {
    /// Whether a record of this code is about a person who cannot be matched beyond doubt.
    pub fn doubts_identity(self) -> bool {
        matches!(
            self,
            Self::TwoAccounts | Self::MailMismatch | Self::GuidChanged | Self::GuidLost | Self::SharedAddress
        )
    }

    /// Whether a record of this code tells how the person stands in the course since, so that an older record of the same
    /// person and course is stale. Where a Suspend found nothing to do, it counts all the same: an Enrol that comes
    /// late must not undo it.
    pub fn fixes_state(self) -> bool {
        match self {
            Self::Enrolled
            | Self::Reactivated
            | Self::AlreadyEnrolled
            | Self::EnrolledBlocked
            | Self::StartsLater
            | Self::OtherEnrolment
            | Self::Suspended
            | Self::AlreadySuspended
            | Self::NotEnrolled
            | Self::NoAccount
            | Self::Imported => true,
            Self::Received
            | Self::Superseded
            | Self::Stale
            | Self::Ignored
            | Self::CourseNotFound
            | Self::NoManualInstance
            | Self::HeldBack
            | Self::Unknown
            | Self::NotTried
            | Self::Invalid
            | Self::Contradiction
            | Self::CourseAmbiguous
            | Self::TwoAccounts
            | Self::MailMismatch
            | Self::GuidChanged
            | Self::SharedAddress
            | Self::UsernameRefused
            | Self::NameMissing
            | Self::Protected
            | Self::AccountRefused
            | Self::EnrolRefused
            | Self::StillActive
            | Self::OtherMethod
            | Self::MethodUnknown
            | Self::RoleDiffers
            | Self::DatesUnknown
            | Self::AccountBlocked
            | Self::GuidLost
            | Self::Planned
            | Self::ReportDue
            | Self::Reported
            | Self::ReportRefused => false,
        }
    }

    /// The original plugin's word for the action, which its log column holds (20 characters at most).
    /// `wanted` is the record's own state word.
    pub fn action(self, wanted: &str) -> &str {
        match self {
            Self::CourseNotFound | Self::CourseAmbiguous => "Course not found",
            Self::AccountRefused
            | Self::UsernameRefused
            | Self::NameMissing
            | Self::GuidChanged
            | Self::GuidLost
            | Self::SharedAddress => "User create failure",
            // The original's spelling; reports search for it.
            Self::MailMismatch => "Email Mistatch",
            Self::Imported => "Imported",
            Self::ReportDue | Self::Reported | Self::ReportRefused => "Complete",
            _ => wanted,
        }
    }

    /// The original plugin's status word: `Success`, `Error`, or, beyond it, `Waiting` and `Skipped`.
    pub fn status(self) -> &'static str {
        match self {
            Self::Superseded | Self::Stale | Self::Ignored | Self::OtherEnrolment => "Skipped",
            Self::Received | Self::HeldBack | Self::Unknown | Self::NotTried | Self::ReportDue | Self::Planned => {
                "Waiting"
            }
            _ => match disposition(self) {
                Disposition::Settled => "Success",
                Disposition::Transient | Disposition::Awaited | Disposition::Attention => "Error",
            },
        }
    }
}

/// What happens next with a record that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is settled.
    Rest,
    /// It is tried again, not before this moment.
    TryAt(Timestamp),
    /// It has waited its time; it is still tried each run, and a human is asked.
    AskAt(Timestamp),
}

/// As [`next_step`]; a plan is taken up on its day.
pub fn next_step_of(
    verdict: &Verdict,
    attempts: u32,
    first_seen: Timestamp,
    now: Timestamp,
    wait: SignedDuration,
) -> Step {
    match verdict {
        Verdict::Planned { from, .. } => Step::TryAt(*from),
        _ => next_step(verdict.code(), attempts, first_seen, now, wait),
    }
}

/// When a record is tried again. `attempts` counts tries that failed, from 1; `first_seen` starts the time that an
/// awaited thing may take (`wait`, 14 days by default).
pub fn next_step(
    code: OutcomeCode,
    attempts: u32,
    first_seen: Timestamp,
    now: Timestamp,
    wait: SignedDuration,
) -> Step {
    match disposition(code) {
        Disposition::Settled => Step::Rest,
        Disposition::Transient => Step::TryAt(add(now, back_off(attempts))),
        Disposition::Awaited if now.duration_since(first_seen) <= wait => Step::TryAt(now),
        // What Moodle refused it will refuse again, until somebody acts or time passes.
        Disposition::Attention if matches!(code, OutcomeCode::AccountRefused | OutcomeCode::EnrolRefused) => {
            Step::AskAt(add(now, SignedDuration::from_hours(24)))
        }
        Disposition::Awaited | Disposition::Attention => Step::AskAt(now),
    }
}

/// 1, 2, 4, … minutes, at most 60.
fn back_off(attempts: u32) -> SignedDuration {
    let doublings = attempts.saturating_sub(1).min(6);
    SignedDuration::from_mins((1_i64 << doublings).min(60))
}

fn add(now: Timestamp, pause: SignedDuration) -> Timestamp {
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_trouble_backs_off_to_an_hour_and_no_further() {
        let now = Timestamp::UNIX_EPOCH;
        let pause = |attempts| match next_step(OutcomeCode::Unknown, attempts, now, now, SignedDuration::ZERO) {
            Step::TryAt(at) => at.duration_since(now).as_mins(),
            other => panic!("{other:?}"),
        };
        assert_eq!([0, 1, 2, 3, 7, 4_000_000_000].map(pause), [1, 1, 2, 4, 60, 60]);
    }

    #[test]
    fn missing_course_is_tried_each_run_then_a_human_is_asked_and_it_is_never_forgotten() {
        let seen = Timestamp::UNIX_EPOCH;
        let wait = SignedDuration::from_hours(14 * 24);
        let at = |hours| seen + SignedDuration::from_hours(hours);
        let step = |hours| next_step(OutcomeCode::CourseNotFound, 9, seen, at(hours), wait);
        assert_eq!(step(14 * 24), Step::TryAt(at(14 * 24)));
        assert_eq!(step(14 * 24 + 1), Step::AskAt(at(14 * 24 + 1)));
    }

    #[test]
    fn words_fit_the_original_columns() {
        for code in OutcomeCode::ALL {
            assert!(code.action("Suspend").len() <= 20 && code.status().len() <= 20);
            assert_eq!(OutcomeCode::read(code.as_str()), Some(*code));
        }
    }
}
