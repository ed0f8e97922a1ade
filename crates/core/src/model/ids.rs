//! A newtype for every id, so that a user never stands where a course is meant.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! number_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    )*};
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text as it came.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    )*};
}

number_id! {
    /// A Moodle account: `user.id`.
    MoodleUserId;
    /// A Moodle course: `course.id`.
    MoodleCourseId;
    /// A Moodle role: `role.id`; it differs from site to site.
    RoleId;
    /// A Moodle cohort: `cohort.id`.
    CohortId;
    /// A Moodle course category: `course_categories.id`.
    CategoryId;
    /// A community's group: `groups.id`, as in its address `/group/ID`.
    GroupId;
    /// A community's account: `users.uid`.
    CommunityUserId;
}

text_id! {
    /// The ELM's id of a course, which is the Moodle course's `idnumber`. Leading zeros count.
    ElmCourseId;
    /// The ELM's id of one enrolment, as text; it is reported back with a completion.
    EnrolmentId;
    /// The directory's id of a person, which is the Moodle account's `idnumber`.
    Guid;
    /// A community's id of a group; it survives every renaming.
    GuildUuid;
    /// A guild's short name, which is the Moodle cohort's `idnumber`.
    MachineName;
    /// The machine name of a role inside a guild.
    GuildRole;
    /// A configured flow between two sites.
    LinkName;
    /// A configured Moodle, ELM or community.
    SiteName;
    /// One pass of one flow: a UUID v7 as text, so that ids sort by time.
    RunId;
}

impl Guid {
    /// The form in which two GUIDs are compared: outer spaces and ASCII case do not count.
    /// (Moodle's own comparison also folds accents; those would be two people to us.)
    pub fn folded(&self) -> String {
        self.0.trim().to_ascii_lowercase()
    }
}

// A mail address as one system wrote it, and the form in which two of them are compared.

/// A mail address, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mail(pub String);

impl Mail {
    /// Takes the address as it is.
    pub fn new(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// The address as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two addresses are compared: trimmed, lower case.
    pub fn folded(&self) -> String {
        fold(&self.0)
    }

    /// Whether both are one address but for case and outer spaces.
    pub fn same_as(&self, other: &str) -> bool {
        self.0 == other || self.folded() == fold(other)
    }
}

impl fmt::Display for Mail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn fold(address: &str) -> String {
    address.trim().to_lowercase()
}
