//! Every trouble of the demonstration world, under a name, with the GUID and the enrolment number of its record.

/// One person, or one record, and what is special about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The GUID in the feed; where the record lacks one, the one that it should have had.
    pub guid: &'static str,
    /// `ENROLMENT_ID` of the record; a second record of the case has the next number.
    pub enrolment_id: i64,
    /// What is special.
    pub about: &'static str,
}

macro_rules! cases {
    ($($name:ident $guid:literal $number:literal $about:literal;)*) => {
        $(
            #[doc = $about]
            pub const $name: Case = Case { guid: $guid, enrolment_id: $number, about: $about };
        )*
        /// All cases, in the order of this page.
        pub const CASES: &[Case] = &[$($name),*];
    };
}

cases! {
    COURSE_UNKNOWN "CA5E0001D7A24F53B8DC558936D0A001" 990010
        "The record's course does not exist in Moodle.";
    NO_METHOD "CA5E0002D7A24F53B8DC558936D0A002" 990020
        "The course has no manual enrolment method.";
    METHOD_DISABLED "CA5E0003D7A24F53B8DC558936D0A003" 990030
        "The course's manual enrolment method is disabled.";
    COURSE_TWICE "CA5E0004D7A24F53B8DC558936D0A004" 990040
        "Two courses carry the record's course number.";
    OTHER_MAIL "CA5E0005D7A24F53B8DC558936D0A005" 990050
        "The person's account has another mail address than the record.";
    CHANGED_GUID "CA5E0006D7A24F53B8DC558936D0A006" 990060
        "The record's address and user name belong to an account with another GUID.";
    GUID_TWICE "CA5E0007D7A24F53B8DC558936D0A007" 990070
        "Two accounts carry the record's GUID.";
    MAIL_OF_THIRD "CA5E0008D7A24F53B8DC558936D0A008" 990080
        "The account with the GUID has an old address, and somebody else's account has the new one.";
    WITHOUT_GUID "CA5E0009D7A24F53B8DC558936D0A009" 990090
        "One record whose GUID is null and one whose GUID is empty.";
    WITHOUT_COURSE "CA5E0010D7A24F53B8DC558936D0A010" 990100
        "The record's course number is null.";
    WITHOUT_STATE "CA5E0011D7A24F53B8DC558936D0A011" 990110
        "The record has no COURSE_STATE at all.";
    BAD_DATE "CA5E0012D7A24F53B8DC558936D0A012" 990120
        "The record's date_created cannot be read.";
    WRONG_TYPES "CA5E0013D7A24F53B8DC558936D0A013" 990130
        "The record has an object for a course number and a number for an address.";
    UNKNOWN_STATE "CA5E0014D7A24F53B8DC558936D0A014" 990140
        "The record's COURSE_STATE is Waitlist.";
    PLUS_ADDRESS "CA5E0015D7A24F53B8DC558936D0A015" 990150
        "A new person whose address has a plus sign, which Moodle's user names may not have.";
    APOSTROPHE_ADDRESS "CA5E0016D7A24F53B8DC558936D0A016" 990160
        "A new person whose address has an apostrophe, which Moodle's user names may not have.";
    SUSPEND_NOT_ENROLLED "CA5E0017D7A24F53B8DC558936D0A017" 990170
        "A suspend record for somebody with an account who was never enrolled.";
    SUSPEND_NO_ACCOUNT "CA5E0018D7A24F53B8DC558936D0A018" 990180
        "A suspend record for somebody without an account.";
    ENROL_THEN_SUSPEND "CA5E0019D7A24F53B8DC558936D0A019" 990190
        "Enrolled, and suspended from the same course minutes later.";
    OLDER_AFTER_NEWER "CA5E0020D7A24F53B8DC558936D0A020" 990200
        "A suspend record, followed in the feed by an enrol record of an earlier action.";
    ADMINISTRATOR "CA5E0021D7A24F53B8DC558936D0A021" 990210
        "A suspend record for the site's administrator, who is enrolled.";
    ALREADY_ENROLLED "CA5E0022D7A24F53B8DC558936D0A022" 990220
        "An enrol record for somebody who is enrolled and active.";
    RETURNING "CA5E0023D7A24F53B8DC558936D0A023" 990230
        "An enrol record for somebody whose enrolment is suspended.";
    VERBATIM_TWICE "CA5E0024D7A24F53B8DC558936D0A024" 990240
        "The same record three times, byte for byte.";
    FOREIGN_LETTERS "CA5E0025D7A24F53B8DC558936D0A025" 990250
        "A new person whose names have letters outside ASCII, one of them outside the basic plane.";
    HTML_NAME "CA5E0026D7A24F53B8DC558936D0A026" 990260
        "A new person whose name contains HTML, which Moodle refuses.";
    UPPER_CASE_MAIL "CA5E0027D7A24F53B8DC558936D0A027" 990270
        "The account's address differs from the record's in case only.";
    LOWER_CASE_GUID "CA5E0028D7A24F53B8DC558936D0A028" 990280
        "The account's GUID differs from the record's in case only.";
    SITE_SUSPENDED "CA5E0029D7A24F53B8DC558936D0A029" 990290
        "The person's account is suspended for the whole site.";
    COMPLETED "CA5E0030D7A24F53B8DC558936D0A030" 990300
        "Enrolled by a record of this feed, and has completed the opted-in course since.";
    COMPLETED_SUSPENDED "CA5E0031D7A24F53B8DC558936D0A031" 990310
        "Completed the opted-in course, and was suspended from it by a record of this feed.";
}
