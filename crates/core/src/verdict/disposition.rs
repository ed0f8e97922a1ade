//! Whether a record is settled, waits for the next try, or waits for a human.

use super::OutcomeCode;
use jiff::{SignedDuration, Timestamp};

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
pub fn standing(code: OutcomeCode) -> Disposition {
    use OutcomeCode as C;
    match code {
        C::Enrolled
        | C::Reactivated
        | C::AlreadyEnrolled
        | C::Suspended
        | C::AlreadySuspended
        | C::NotEnrolled
        | C::NoAccount
        | C::Superseded
        | C::Stale
        | C::Imported
        | C::Ignored
        | C::Reported => Disposition::Settled,
        C::Received | C::Unknown | C::NotTried | C::HeldBack | C::ReportDue => Disposition::Transient,
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
        | C::ReportRefused => Disposition::Attention,
    }
}

impl OutcomeCode {
    /// Whether a record of this code is about a person who cannot be matched beyond doubt.
    pub fn doubts_identity(self) -> bool {
        matches!(self, Self::TwoAccounts | Self::MailMismatch | Self::GuidChanged | Self::SharedAddress)
    }

    /// Whether a record of this code tells how the person stands in the course since, so that an older record of the same
    /// person and course is stale. Where a Suspend found nothing to do, it counts all the same: an Enrol that comes
    /// late must not undo it.
    pub fn tells_state(self) -> bool {
        match self {
            Self::Enrolled
            | Self::Reactivated
            | Self::AlreadyEnrolled
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
            Self::Superseded | Self::Stale | Self::Ignored => "Skipped",
            Self::Received | Self::HeldBack | Self::Unknown | Self::NotTried | Self::ReportDue => "Waiting",
            _ => match standing(self) {
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

/// When a record is tried again. `attempts` counts tries that failed, from 1; `first_seen` starts the time that an
/// awaited thing may take (`wait`, 14 days by default).
pub fn next_step(
    code: OutcomeCode,
    attempts: u32,
    first_seen: Timestamp,
    now: Timestamp,
    wait: SignedDuration,
) -> Step {
    match standing(code) {
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
