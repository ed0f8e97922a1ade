//! `flow = "intake"`: from the ELM's feed to Moodle's accounts and enrolments, and the mail that follows an enrolment.

use super::{Context, Schedule, schedule};
use crate::kind::{Choice, Count, DurationIn, List, MailAddress, Name, PageUrl, Share, Text, signed};
use crate::section::Section;
use crate::site::SiteKind;
use lettre::message::Mailbox;
use reqwest::Url;
use rollbook_core::model::{LinkName, RoleId, SiteName};
use rollbook_core::policy::{
    BlockedAccounts, EnrolmentIds, EnrolmentPolicy, FutureDates, IntakeLimits, IntakePolicy, Protected, Unproven,
    UsernameCharacters, UsernameRule, Welcome,
};
use rollbook_core::window::WindowPolicy;
use std::path::PathBuf;
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
    /// How far a run reaches back.
    pub window: WindowPolicy,
    /// The rules.
    pub policy: IntakePolicy,
    /// How long an approval holds.
    pub approval: Duration,
    /// At most so many records that wait are tried again in one run.
    pub waiting_max: u32,
    /// The mail that follows an enrolment.
    pub welcome: WelcomeMail,
}

/// The mail to a learner who was enrolled. Either Rollbook sends it or Moodle does (4.5 can), never both.
#[derive(Clone, Debug)]
pub struct WelcomeMail {
    /// Who sends it.
    pub mode: WelcomeMode,
    /// The folder with the operator's own templates; what is not there is taken from the built-in ones.
    pub templates: Option<PathBuf>,
    /// The sender; that of `[mail]` when `None`.
    pub from: Option<Mailbox>,
    /// Where a learner finds help.
    pub help_url: Option<Url>,
    /// The last line.
    pub signature: String,
}

/// Who sends the welcome mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WelcomeMode {
    /// Rollbook.
    Rollbook,
    /// Moodle, by its own setting.
    Moodle,
    /// Nobody.
    Off,
}

const MODES: Choice<WelcomeMode> =
    Choice(&[("rollbook", WelcomeMode::Rollbook), ("moodle", WelcomeMode::Moodle), ("off", WelcomeMode::Off)]);
const USERNAMES: Choice<UsernameRule> = Choice(&[
    ("mail", UsernameRule::Mail),
    ("guid", UsernameRule::Guid),
    ("mail-then-guid", UsernameRule::MailThenGuid),
]);

pub(super) fn read(name: LinkName, context: &Context<'_>, section: &mut Section<'_>) -> Intake {
    let from = context.site(section, "from", SiteKind::Elm, |_| Ok(()));
    let to = context.site(section, "to", SiteKind::Moodle, |_| Ok(()));
    let schedule = schedule::read(section, context, "5,15,25,35,45,55 6-18 * * 1-5");
    let window = WindowPolicy {
        lookback: signed(section.or("lookback", "120m", DurationIn("1m", "90d"))),
        overlap: signed(section.or("overlap", "10m", DurationIn("0s", "1d"))),
    };
    let role = RoleId(section.or("role", 5, Count(1, 2_147_483_647)).into());
    let auth = section.or("auth", "oauth2", Name(20));
    let username = section.or("username", "mail", USERNAMES);
    let missing_name = section.optional("missing_name", Text(100));
    let course_wait = signed(section.or("course_not_found", "14d", DurationIn("0s", "365d")));
    let protected = section.or("protected", [], List(Text(254), 1_000));
    let (limits, approval, waiting_max) = section.defaults("limits", limits);
    let enrolments = section.defaults("enrolments", enrolments);
    let mail = section.defaults("welcome", |section| welcome_mail(section, context));
    let policy = IntakePolicy {
        role,
        auth,
        username,
        username_characters: UsernameCharacters::Plain,
        missing_name,
        protected: Protected::new(protected.iter().map(String::as_str), []),
        welcome: if mail.mode == WelcomeMode::Rollbook { Welcome::Rollbook } else { Welcome::NotOurs },
        enrolments,
        limits,
        course_wait,
    };
    Intake { name, from, to, schedule, window, policy, approval, waiting_max, welcome: mail }
}

const IDS: Choice<EnrolmentIds> = Choice(&[("apart", EnrolmentIds::Apart), ("ignored", EnrolmentIds::Ignored)]);
const FUTURE: Choice<FutureDates> = Choice(&[("wait", FutureDates::Wait), ("now", FutureDates::Now)]);
const BLOCKED: Choice<BlockedAccounts> = Choice(&[("enrol", BlockedAccounts::Enrol), ("ask", BlockedAccounts::Ask)]);
const UNKNOWN_METHOD: Choice<Unproven> = Choice(&[("ask", Unproven::Ask), ("suspend", Unproven::Act)]);
const UNKNOWN_DATES: Choice<Unproven> = Choice(&[("ask", Unproven::Ask), ("write", Unproven::Act)]);
const START: Choice<bool> = Choice(&[("none", false), ("now", true)]);

fn enrolments(section: &mut Section<'_>) -> EnrolmentPolicy {
    EnrolmentPolicy {
        ids: section.or("enrolment_ids", "apart", IDS),
        future: section.or("future_dates", "wait", FUTURE),
        blocked_accounts: section.or("blocked_accounts", "enrol", BLOCKED),
        unknown_method: section.or("unknown_method", "ask", UNKNOWN_METHOD),
        unknown_dates: section.or("unknown_dates", "write", UNKNOWN_DATES),
        duration: section.optional("duration", DurationIn("1h", "3650d")).map(signed),
        starts_now: section.or("start", "none", START),
    }
}

/// The limits, how long an approval holds, and how many waiting records are tried again.
fn limits(section: &mut Section<'_>) -> (IntakeLimits, Duration, u32) {
    let limits = IntakeLimits {
        new_accounts: section.or("new_accounts", 2_000, Count(0, 1_000_000)).into(),
        welcome_mails: section.or("welcome_mails", 2_000, Count(0, 1_000_000)).into(),
        suspensions: section.or("suspensions", 50, Count(0, 1_000_000)).into(),
        suspensions_share: section.or("suspensions_share", 0.25, Share),
        exempt_under: section.or("exempt_under", 5, Count(0, 1_000)).into(),
        plan_age: signed(section.or("plan_age", "10m", DurationIn("10s", "1d"))),
        ..IntakeLimits::default()
    };
    let approval = section.or("approval", "24h", DurationIn("1m", "30d"));
    let waiting_max = section.or("waiting_max", 10_000, Count(1, 1_000_000));
    (limits, approval, waiting_max)
}

fn welcome_mail(section: &mut Section<'_>, context: &Context<'_>) -> WelcomeMail {
    let place = section.place_of("mode");
    let mode = section.or("mode", "off", MODES);
    if mode == WelcomeMode::Rollbook && !context.mail {
        let help = "write [mail] with `smtp` and `from`, or leave the mail to Moodle: `mode = \"moodle\"`";
        let message = "Rollbook cannot send welcome mail".to_owned();
        section.problem(message, place, "no [mail] section", Some(help.to_owned()));
    }
    WelcomeMail {
        mode,
        templates: section.optional("templates", Text(1_000)).map(|path| section.reader.folder.join(path)),
        from: section.optional("from", MailAddress),
        help_url: section.optional("help_url", PageUrl),
        signature: section.or("signature", "Learning Centre", Text(200)),
    }
}
