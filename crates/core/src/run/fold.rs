//! Change + outcome → the verdict of the record that wanted the change.

use super::{Outcome, Verdict};
use crate::plan::{EnrolKind, IntakeChange};

/// What an outcome of a change means for a record that wants it. For an account, `Done` and `AlreadySo` mean nothing yet:
/// the enrolment that follows decides.
pub fn verdict_of(change: &IntakeChange, outcome: &Outcome) -> Option<Verdict> {
    let refused = |code: &str| match change {
        IntakeChange::CreateAccount(_) => Verdict::AccountRefused { code: code.into() },
        IntakeChange::Enrol(_) | IntakeChange::Suspend(_) => Verdict::EnrolRefused { code: code.into() },
    };
    Some(match (change, outcome) {
        (IntakeChange::CreateAccount(_), Outcome::Done | Outcome::AlreadySo) => return None,
        (IntakeChange::Enrol(enrol), Outcome::Done) => match enrol.kind {
            EnrolKind::Enrol => Verdict::Enrolled,
            EnrolKind::Reactivate => Verdict::Reactivated,
        },
        (IntakeChange::Enrol(_), Outcome::AlreadySo) => Verdict::AlreadyEnrolled,
        (IntakeChange::Suspend(_), Outcome::Done) => Verdict::Suspended,
        (IntakeChange::Suspend(_), Outcome::AlreadySo) => Verdict::AlreadySuspended,
        (IntakeChange::Enrol(enrol), Outcome::Refused { code }) if code == Outcome::NO_INSTANCE => {
            Verdict::NoManualInstance { course: enrol.course }
        }
        (IntakeChange::Suspend(suspend), Outcome::Refused { code }) if code == Outcome::NO_INSTANCE => {
            Verdict::NoManualInstance { course: suspend.course }
        }
        (IntakeChange::Suspend(_), Outcome::Refused { code }) if code == Outcome::STILL_ACTIVE => Verdict::StillActive,
        (_, Outcome::Refused { code }) => refused(code),
        (_, Outcome::Unknown) => Verdict::Unknown { step: change.to_string().into() },
        (_, Outcome::NotTried { why }) => Verdict::NotTried { why: why.as_str().into() },
    })
}
