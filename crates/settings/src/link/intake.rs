//! `flow = "intake"`: from the ELM's feed to Moodle's accounts and enrolments.
//!
//! Next: [`super::welcome`], the mail that follows an enrolment.

use super::welcome::{self, Welcome};
use super::{Around, Schedule, schedule};
use crate::kind::{Choice, Count, Lasting, List, Name, Share, Text};
use crate::read::Section;
use crate::site::SiteKind;
use rollbook_core::model::{LinkName, RoleId, SiteName};
use std::time::Duration;

/// An intake link.
#[derive(Clone, Debug)]
pub struct Intake {
    /// As on the command line.
    pub name: LinkName,
    /// The ELM.
    pub from: SiteName,
    /// The Moodle.
    pub to: SiteName,
    /// When it runs.
    pub schedule: Schedule,
    /// A run reaches back at least so far.
    pub lookback: Duration,
    /// A run begins so much before what the last one covered.
    pub overlap: Duration,
    /// The role of an enrolment, where the course's own default cannot be read.
    pub role: RoleId,
    /// Moodle's authentication method of a new account.
    pub auth: String,
    /// How a new account's user name is made.
    pub username: UsernameRule,
    /// How long a record waits for its course.
    pub course_not_found: Duration,
    /// People who are never changed: user names, mail addresses or GUIDs.
    pub protected: Vec<String>,
    /// What a run may do without being asked.
    pub limits: IntakeLimits,
    /// The mail that follows an enrolment.
    pub welcome: Welcome,
}

/// How a new account's user name is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsernameRule {
    /// The lower-cased mail address.
    Mail,
    /// The lower-cased GUID.
    Guid,
    /// The mail address, or the GUID where Moodle's rule for user names refuses that address.
    MailThenGuid,
}

/// What an intake run may do without being asked.
#[derive(Clone, Debug, PartialEq)]
pub struct IntakeLimits {
    /// At most so many new accounts.
    pub new_accounts: u32,
    /// At most so many welcome mails.
    pub welcome_mails: u32,
    /// At most so many suspensions.
    pub suspensions: u32,
    /// At most this share of a course's enrolments, 0 to 1.
    pub suspensions_share: f64,
    /// The share does not count for a course with fewer enrolments.
    pub exempt_under: u32,
    /// A plan older than this is made again.
    pub plan_age: Duration,
    /// An approval holds so long.
    pub approval: Duration,
    /// At most so many records wait for another try.
    pub waiting_max: u32,
}

const USERNAMES: Choice<UsernameRule> = Choice(&[
    ("mail", UsernameRule::Mail),
    ("guid", UsernameRule::Guid),
    ("mail-then-guid", UsernameRule::MailThenGuid),
]);

pub(super) fn read(name: LinkName, around: &Around<'_>, section: &mut Section<'_>) -> Intake {
    let from = around.site(section, "from", SiteKind::Elm, |_| Ok(()));
    let to = around.site(section, "to", SiteKind::Moodle, |_| Ok(()));
    let schedule = schedule::read(section, around, "5,15,25,35,45,55 6-18 * * 1-5");
    let lookback = section.or("lookback", "120m", Lasting("1m", "90d"));
    let overlap = section.or("overlap", "10m", Lasting("0s", "1d"));
    let role = section.or("role", 5, Count(1, 2_147_483_647));
    let auth = section.or("auth", "oauth2", Name(20));
    let username = section.or("username", "mail", USERNAMES);
    let course_not_found = section.or("course_not_found", "14d", Lasting("0s", "365d"));
    let protected = section.or("protected", [], List(Text(254), 1_000));
    let limits = section.defaults("limits", |section| IntakeLimits {
        new_accounts: section.or("new_accounts", 2_000, Count(0, 1_000_000)),
        welcome_mails: section.or("welcome_mails", 2_000, Count(0, 1_000_000)),
        suspensions: section.or("suspensions", 50, Count(0, 1_000_000)),
        suspensions_share: section.or("suspensions_share", 0.25, Share),
        exempt_under: section.or("exempt_under", 5, Count(0, 1_000)),
        plan_age: section.or("plan_age", "10m", Lasting("10s", "1d")),
        approval: section.or("approval", "24h", Lasting("1m", "30d")),
        waiting_max: section.or("waiting_max", 10_000, Count(1, 1_000_000)),
    });
    let welcome = section.defaults("welcome", |section| welcome::read(section, around));
    let role = RoleId(role.into());
    Intake {
        name,
        from,
        to,
        schedule,
        lookback,
        overlap,
        role,
        auth,
        username,
        course_not_found,
        protected,
        limits,
        welcome,
    }
}
