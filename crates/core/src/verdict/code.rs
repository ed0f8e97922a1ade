//! The outcome codes: one word for each thing that can become of a feed record.

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
    /// Put into the course.
    Enrolled = "enrolled";
    /// Was in the course and suspended; is active again.
    Reactivated = "reactivated";
    /// Was active in the course already.
    AlreadyEnrolled = "already_enrolled";
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
    /// Moodle refused the enrolment.
    EnrolRefused = "enrol_refused";
    /// Suspended by hand, and still active by another enrolment method.
    StillActive = "still_active";
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
