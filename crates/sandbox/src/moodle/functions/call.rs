//! The caller of a function and what they may do.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::moodle::wire::{Exception, Rules};
use crate::moodle::{Maintenance, Moodle, Token};

/// The account behind a token.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) token: Token,
    pub(crate) site_admin: bool,
}

impl Caller {
    /// Looks the token up; an expired one is refused as such once and unknown from then on.
    pub(crate) fn authenticate(moodle: &mut Moodle, text: &str, now: i64) -> Result<Self, Exception> {
        let invalid = || Exception::moodle("invalidtoken", "Invalid token - token not found");
        let token = moodle.tokens.get(text).cloned().ok_or_else(invalid)?;
        if token.valid_until.is_some_and(|until| until < now) {
            moodle.tokens.remove(text);
            return Err(Exception::access("Invalid token - token expired"));
        }
        let user_id = token.user_id;
        let site_admin = moodle.site.admins.contains(&user_id);
        let caller = Self { token, site_admin };
        if moodle.site.maintenance == Maintenance::Pages && !caller.may("moodle/site:maintenanceaccess") {
            let message = "The site is undergoing maintenance and is currently not available";
            return Err(Exception::moodle("sitemaintenance", message));
        }
        if moodle.site.upgrading {
            return Err(Exception::moodle("upgraderunning", "Site is being upgraded, please retry later."));
        }
        caller.usable(moodle)?;
        Ok(caller)
    }

    fn usable(&self, moodle: &Moodle) -> Result<(), Exception> {
        let user = moodle.users.get(self.token.user_id);
        let state = match user {
            None => "wsaccessuserdeleted",
            Some(user) if user.deleted => "wsaccessuserdeleted",
            Some(user) if !user.confirmed => "wsaccessuserunconfirmed",
            Some(user) if user.suspended => "wsaccessusersuspended",
            Some(user) if user.auth == "nologin" => "wsaccessusernologin",
            Some(user) if user.must_change_password => "forcepasswordchangenotice",
            Some(user) if moodle.site.policy && !user.policyagreed && !self.site_admin => "sitepolicynotagreed",
            Some(_) => return Ok(()),
        };
        Err(Exception::moodle(state, "The account may not use web services"))
    }

    /// Whether the account has a capability, here always at site level.
    pub(crate) fn may(&self, capability: &str) -> bool {
        self.site_admin || self.token.capabilities.contains(capability)
    }

    /// Whether the account may give a role.
    pub(crate) fn may_assign(&self, role_id: i64) -> bool {
        let matrix = self.token.assignable_roles.contains(&role_id);
        self.site_admin || (self.may("moodle/role:assign") && matrix)
    }
}

/// One call under way.
pub(crate) struct Call<'a> {
    pub(crate) moodle: &'a mut Moodle,
    pub(crate) caller: Caller,
    /// Unix time in seconds.
    pub(crate) now: i64,
    /// Texts are wanted as stored.
    pub(crate) raw: bool,
    /// What existed when the call began to look.
    pub(crate) seen: RowLimits,
    /// What existed when the call began to write.
    pub(crate) own: RowLimits,
}

impl Call<'_> {
    /// Whether the call's checks see a row of a table: it is old enough, or the call's own.
    pub(crate) fn sees_row(&self, table: fn(&RowLimits) -> i64, id: i64) -> bool {
        id < table(&self.seen) || id >= table(&self.own)
    }

    pub(crate) fn may(&self, capability: &str) -> bool {
        self.caller.may(capability)
    }

    pub(crate) fn require(&self, capability: &str) -> Result<(), Exception> {
        if self.may(capability) {
            return Ok(());
        }
        Err(Exception::permission(capability))
    }

    /// Whether a course page would open for the caller.
    pub(crate) fn may_open(&self, course_id: i64) -> bool {
        let Some(course) = self.moodle.courses.get(course_id) else {
            return false;
        };
        let hidden = course.visible || self.may("moodle/course:viewhiddencourses");
        let enters = course_id == crate::moodle::FRONT_PAGE_ID || self.may("moodle/course:view");
        hidden && enters
    }

    /// The time by which lists decide who is active.
    pub(crate) fn listing_time(&self) -> i64 {
        if self.moodle.site.rounds_time { (self.now + 50).div_euclid(100) * 100 } else { self.now }
    }

    /// Whether everybody in a course can be seen, its groups notwithstanding.
    pub(crate) fn sees_all_of(&self, course_id: i64) -> bool {
        let apart = self.moodle.courses.get(course_id).is_some_and(|course| course.separate_groups);
        !apart || self.may("moodle/site:accessallgroups")
    }
}

/// Turns validated parameters into the function's own type.
pub(crate) fn args<T: DeserializeOwned>(value: Value) -> Result<T, Exception> {
    serde_json::from_value(value).map_err(|error| Exception::coding(error.to_string()))
}

/// The next ids when a call began to look: rows from there on were written by calls that ran at the same time, and
/// the call's own checks did not see them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowLimits {
    pub(crate) users: i64,
    pub(crate) enrolments: i64,
    pub(crate) assignments: i64,
    pub(crate) cohorts: i64,
    pub(crate) members: i64,
}

impl Moodle {
    pub(crate) fn row_limits(&self) -> RowLimits {
        RowLimits {
            users: self.users.next_id(),
            enrolments: self.enrolments.next_id(),
            assignments: self.assignments.next_id(),
            cohorts: self.cohorts.next_id(),
            members: self.members.next_id(),
        }
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules { extended_username_chars: self.site.extended_username_chars }
    }
}
