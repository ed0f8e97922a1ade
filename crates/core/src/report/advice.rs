//! What a person can do about a record that does not go through.

use crate::run::OutcomeCode;

/// The next step for a person, as an instruction; nothing where none is needed.
pub fn advice(code: OutcomeCode) -> Option<&'static str> {
    use OutcomeCode as C;
    Some(match code {
        C::Received
        | C::Enrolled
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
        | C::HeldBack
        | C::Unknown
        | C::NotTried
        | C::ReportDue
        | C::Reported => return None,
        C::CourseNotFound => "Give the course its ID number in Moodle; the next run finds it.",
        C::NoManualInstance => "Add or enable the manual enrolment method in the course; the next run uses it.",
        C::Invalid => "Have the record corrected in the ELM; the feed then gives a new one.",
        C::Contradiction => "Find out in the ELM which of the two is true, and ignore the other.",
        C::CourseAmbiguous => "Leave the ID number to one of the courses.",
        C::TwoAccounts => "Merge the accounts, or take the ID number from the one that is not used.",
        C::MailMismatch => "Correct the address in Moodle or in the directory; the next run sees it.",
        C::GuidChanged => "If it is the same human, give the account the new ID number in Moodle.",
        C::SharedAddress => "Have the address corrected in the directory: it can belong to one person only.",
        C::UsernameRefused => {
            "Choose another rule for user names in the configuration, or allow extended user names in Moodle."
        }
        C::NameMissing => "Have the name corrected in the directory, or create the account by hand.",
        C::Protected => "Enrol or suspend by hand, or take the person off the list of those who are never touched.",
        C::AccountRefused => {
            "Create the account by hand with this GUID as its ID number; Moodle then says why it refuses."
        }
        C::EnrolRefused => "Check that the service account may enrol and assign the role in this course.",
        C::ReportRefused => "See what the ELM answered; correct the enrolment id and send the report again.",
        C::StillActive => {
            "Remove the other enrolment method's hold on the person, a cohort for example, if it should go too."
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Disposition, standing};

    #[test]
    fn whatever_asks_a_human_says_what_to_do() {
        for code in OutcomeCode::ALL {
            let asks = matches!(standing(*code), Disposition::Attention | Disposition::Awaited);
            assert_eq!(advice(*code).is_some(), asks, "{code}");
        }
    }
}
