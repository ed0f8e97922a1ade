//! What Moodle holds: accounts, courses, enrolments.

use super::{ElmCourseId, MoodleCourseId, MoodleUserId, RoleId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A Moodle account as a token with full sight sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// `user.id`
    pub id: MoodleUserId,
    /// `user.username`, lower case on a healthy site.
    pub username: String,
    /// `user.email`; not unique where the site allows it.
    pub mail: String,
    /// `user.idnumber`; Moodle does not keep it unique.
    pub guid: String,
    pub first_name: String,
    pub last_name: String,
    /// Suspended for the whole site.
    pub suspended: bool,
    /// `false` until the address is confirmed; nobody can sign in before.
    #[serde(default = "not_said")]
    pub confirmed: bool,
    /// How the account signs in: `oauth2`, `manual`, `nologin`; empty where Moodle does not show it.
    #[serde(default)]
    pub auth: String,
}

/// What an older Rollbook stored says nothing against an account.
fn not_said() -> bool {
    true
}

/// Why nobody can sign in with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInBlock {
    Suspended,
    Unconfirmed,
    NoLogin,
}

impl Account {
    pub fn sign_in_block(&self) -> Option<SignInBlock> {
        if self.suspended {
            Some(SignInBlock::Suspended)
        } else if !self.confirmed {
            Some(SignInBlock::Unconfirmed)
        } else {
            (self.auth == "nologin").then_some(SignInBlock::NoLogin)
        }
    }
}

impl fmt::Display for SignInBlock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Suspended => "the account is suspended for the whole site",
            Self::Unconfirmed => "the account's address is not confirmed",
            Self::NoLogin => "the account's sign-in method is nologin",
        })
    }
}

/// Whether people can be enrolled by hand in a course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManualInstance {
    /// There is an enabled manual enrolment instance.
    Usable,
    /// There is none, or it is disabled.
    Missing,
}

/// A Moodle course with an `idnumber`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// `course.id`
    pub id: MoodleCourseId,
    /// `course.idnumber`; the text that was asked for, where Moodle does not show it (it takes `moodle/course:update`).
    pub elm_id: ElmCourseId,
    /// `course.fullname`, as stored.
    pub full_name: String,
    /// Whether the manual plugin can be used.
    pub manual: ManualInstance,
    /// The manual instance's default role, where the database told it.
    pub default_role: Option<RoleId>,
    /// How many are active in it, where that is known.
    pub active: Option<u64>,
    /// The enabled enrolment methods, where Moodle tells them.
    pub methods: Option<Vec<String>>,
    /// How long an enrolment by the manual method lasts, in seconds; 0 for ever, `None` where it is not known.
    pub duration: Option<i64>,
}

impl Course {
    /// Whether whoever is enrolled is so by the manual method; where the methods are not told, nothing speaks against it.
    pub fn enrols_only_by_hand(&self) -> bool {
        // The guest method lets people look in and enrols nobody.
        let other = |method: &String| method != "manual" && method != "guest";
        !self.methods.as_ref().is_some_and(|methods| methods.iter().any(other))
    }
}

/// One enrolment of a person in a course, as Moodle's tables hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEnrolment {
    /// `manual`, `self`, `cohort`…
    pub method: String,
    /// Neither it nor its method is suspended.
    pub enabled: bool,
    /// Unix seconds; 0 for none.
    pub start: i64,
    /// Unix seconds; 0 for none.
    pub end: i64,
}

/// How one person stands in one course, with what Moodle tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participation {
    pub state: Enrolment,
    /// Every enrolment, where the database tells them.
    pub enrolments: Option<Vec<UserEnrolment>>,
    /// The roles in the course itself, where Moodle tells them.
    pub roles: Option<Vec<RoleId>>,
}

impl From<Enrolment> for Participation {
    fn from(state: Enrolment) -> Self {
        Self { state, enrolments: None, roles: None }
    }
}

impl Participation {
    /// The manual enrolment; `None` where the methods are not known, or there is none.
    pub fn manual(&self) -> Option<&UserEnrolment> {
        self.enrolments.as_ref()?.iter().find(|enrolment| enrolment.method == "manual")
    }
}

/// How one person stands in one course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enrolment {
    /// Not in the course, by any method.
    Absent,
    /// In the course and active.
    Active,
    /// In the course and suspended, or ended.
    Suspended,
    /// In the course, and the enrolment has not begun.
    NotStarted,
    /// In the course and not active: suspended, not begun or ended. Web services do not say which.
    Inactive,
    /// Not active: absent or suspended, which of the two was not asked.
    NotActive,
}
