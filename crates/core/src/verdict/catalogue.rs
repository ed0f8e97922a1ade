//! Every outcome of intake with its cause, its remedy and who can bring it about: the one place that pages, mails, the
//! command line and the docs take them from.

use super::OutcomeCode;

/// Who can bring a remedy about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nothing is to be done.
    Nobody,
    /// Rollbook's next run.
    Rollbook,
    MoodleAdministrator,
    Hr,
    /// Whoever configures and runs Rollbook.
    Operator,
}

impl Owner {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Rollbook => "Rollbook",
            Self::MoodleAdministrator => "Moodle administrator",
            Self::Hr => "HR",
            Self::Operator => "operator",
        }
    }
}

/// What people need to know of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What leads to it, as a sentence.
    pub cause: &'static str,
    /// What ends it, as an instruction; `None` where nothing needs to be done.
    pub remedy: Option<&'static str>,
    pub owner: Owner,
}

const fn settled(cause: &'static str) -> Entry {
    Entry { cause, remedy: None, owner: Owner::Nobody }
}

const fn waits(cause: &'static str) -> Entry {
    Entry { cause, remedy: None, owner: Owner::Rollbook }
}

const fn asks(owner: Owner, cause: &'static str, remedy: &'static str) -> Entry {
    Entry { cause, remedy: Some(remedy), owner }
}

impl OutcomeCode {
    #[expect(clippy::too_many_lines, reason = "a table, one entry a code")]
    pub fn entry(self) -> Entry {
        use Owner::{Hr, MoodleAdministrator as Moodle, Operator};
        match self {
            Self::Received => waits("The record is stored and not yet decided."),
            Self::Enrolled => settled("The person was put into the course."),
            Self::Reactivated => settled("The person was suspended in the course and is active again."),
            Self::AlreadyEnrolled => settled("The person was active in the course already."),
            Self::EnrolledBlocked => settled("The person was enrolled and cannot sign in; no welcome mail was sent."),
            Self::StartsLater => settled("Somebody enrolled the person from a later day on; the enrolment stands."),
            Self::OtherEnrolment => settled("Another enrolment of the same person and course decides."),
            Self::Planned => waits("The record holds from a later day, and waits for it."),
            Self::Suspended => settled("The person is no longer active in the course."),
            Self::AlreadySuspended => settled("The person was not active in the course."),
            Self::NotEnrolled => settled("A Suspend for somebody who is not in the course."),
            Self::NoAccount => settled("A Suspend for somebody who has no account."),
            Self::Superseded => settled("A newer record of the same enrolment counts."),
            Self::Stale => settled("Something newer was applied by an earlier run."),
            Self::Imported => settled("Taken over from the original plugin's history."),
            Self::Ignored => settled("A person, or the configuration, decided that it does not count."),
            Self::CourseNotFound => asks(
                Moodle,
                "No Moodle course has the ID number of the ELM's course.",
                "Give the course its ID number in Moodle; the next run finds it.",
            ),
            Self::NoManualInstance => asks(
                Moodle,
                "The course has no enabled manual enrolment method.",
                "Add or enable the manual enrolment method in the course; the next run uses it.",
            ),
            Self::HeldBack => waits("The feed was incomplete, and nothing is taken away on its word."),
            Self::Unknown => waits("Moodle gave no usable answer; it is looked up before anything else is done."),
            Self::NotTried => waits("Something before it failed, or a guard refused the plan."),
            Self::Invalid => asks(
                Hr,
                "A field of the record is missing or wrong.",
                "Have the record corrected in the ELM; the feed then gives a new one.",
            ),
            Self::Contradiction => asks(
                Hr,
                "Two records of one moment want opposite things, or give two mail addresses.",
                "Find out in the ELM which of the two is true, and ignore the other.",
            ),
            Self::CourseAmbiguous => {
                asks(Moodle, "Several Moodle courses have the ID number.", "Leave the ID number to one of the courses.")
            }
            Self::TwoAccounts => asks(
                Moodle,
                "Several Moodle accounts have the GUID.",
                "Merge the accounts, or take the ID number from the one that is not used.",
            ),
            Self::MailMismatch => asks(
                Moodle,
                "The account of this GUID has another mail address.",
                "Correct the address in Moodle or in the directory; the next run sees it.",
            ),
            Self::GuidChanged => asks(
                Moodle,
                "The mail address or user name belongs to an account of another GUID.",
                "If it is the same human, give the account the new ID number in Moodle.",
            ),
            Self::GuidLost => asks(
                Moodle,
                "An account that had the GUID before has another one now, or none: single sign-on may overwrite it.",
                "Give the account its ID number back; lock the field against what single sign-on writes into it.",
            ),
            Self::SharedAddress => asks(
                Hr,
                "Two people of the feed have one mail address.",
                "Have the address corrected in the directory: it can belong to one person only.",
            ),
            Self::UsernameRefused => asks(
                Operator,
                "Moodle's rule for user names refuses the name.",
                "Choose another rule for user names in the configuration, or allow extended user names in Moodle.",
            ),
            Self::NameMissing => asks(
                Hr,
                "An account cannot be made without both names.",
                "Have the name corrected in the directory, or create the account by hand.",
            ),
            Self::Protected => asks(
                Operator,
                "The person is on the list of those who are never touched.",
                "Enrol or suspend by hand, or take the person off the list of those who are never touched.",
            ),
            Self::AccountRefused => asks(
                Moodle,
                "Moodle refused to make the account.",
                "Create the account by hand with this GUID as its ID number; Moodle then says why it refuses.",
            ),
            Self::EnrolRefused => asks(
                Moodle,
                "Moodle refused the enrolment.",
                "Check that the service account may enrol and assign the role in this course.",
            ),
            Self::StillActive => asks(
                Moodle,
                "The manual enrolment is suspended, and another method keeps the person active.",
                "Remove the other enrolment method's hold on the person, a cohort for example, if it should go too.",
            ),
            Self::OtherMethod => asks(
                Moodle,
                "HR ended the enrolment, and the person is in the course by another method only.",
                "End it where it was made, in the cohort for example; or ignore the record if it should stand.",
            ),
            Self::MethodUnknown => asks(
                Operator,
                "HR ended an enrolment that Rollbook did not make, and web services do not tell its method.",
                "Suspend by hand; or give Rollbook the read-only database, or set unknown_method = \"suspend\".",
            ),
            Self::RoleDiffers => asks(
                Moodle,
                "Somebody else enrolled the person in another role, such as a teacher's.",
                "Change the enrolment by hand if HR's word counts for it; or ignore the record if it should stand.",
            ),
            Self::DatesUnknown => asks(
                Operator,
                "The enrolment may have a start or end date, which web services do not show and a write removes.",
                "Enrol by hand; or give Rollbook the read-only database, or set unknown_dates = \"write\".",
            ),
            Self::AccountBlocked => asks(
                Moodle,
                "Nobody can sign in with the account, and the configuration says to ask.",
                "Activate or confirm the account, or set blocked_accounts = \"enrol\"; the next run enrols.",
            ),
            Self::ReportDue => waits("A completion that is on its way to the ELM."),
            Self::Reported => settled("The ELM has accepted the completion."),
            Self::ReportRefused => asks(
                Hr,
                "The ELM refused the completion.",
                "See what the ELM answered; correct the enrolment id and send the report again.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Disposition, disposition};

    #[test]
    fn whatever_asks_a_human_has_a_remedy_and_an_owner_and_nothing_else_has() {
        for code in OutcomeCode::ALL {
            let asks = matches!(disposition(*code), Disposition::Attention | Disposition::Awaited);
            let Entry { cause, remedy, owner } = code.entry();
            assert!(cause.ends_with('.'), "{code}");
            assert_eq!(remedy.is_some(), asks, "{code}");
            assert_eq!(matches!(owner, Owner::Nobody | Owner::Rollbook), !asks, "{code}");
        }
    }
}
