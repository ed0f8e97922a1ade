//! `flow = "completions"`: from Moodle's completions to the ELM.
//!
//! Next: [`crate::site::CompletionTarget`], where and in which form they are sent.

use super::schedule::{self, Push};
use super::{Context, Schedule};
use crate::kind::{Choice, Count, Day, DurationIn, Flag, Name, signed};
use crate::section::Section;
use crate::site::{Site, SiteKind};
use jiff::SignedDuration;
use rollbook_core::model::{LinkName, SiteName};
use rollbook_core::policy::{CompletionLimits, CompletionsPolicy, DeliveryRules, ReportTemplate};
use std::time::Duration;

/// A completions link.
#[derive(Clone, Debug)]
pub struct Completions {
    /// As on the command line.
    pub name: LinkName,
    /// The Moodle.
    pub from: SiteName,
    /// The ELM, which has a completion target.
    pub to: SiteName,
    /// When it runs. The zone is also that of the day of completion.
    pub schedule: Schedule,
    /// How completions are found.
    pub method: Method,
    /// At most so many calls to Moodle in one run, when polling.
    pub calls_max: u32,
    /// How far each reading of the database reaches back before the end of the last one.
    pub overlap: SignedDuration,
    /// The short name of the course's custom field that opts in.
    pub opt_in_field: String,
    /// Whether completions are sent: the kill switch. They are recorded all the same.
    pub sending: bool,
    /// At most so many completions are sent at once, 1 to 16.
    pub concurrency: u32,
    /// The rules.
    pub policy: CompletionsPolicy,
    /// How long an approval holds.
    pub approval: Duration,
    /// How pushed events are believed; `None` when none are taken.
    pub push: Option<Push>,
}

/// How completions are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By web services, person by person.
    Poll,
    /// By Moodle's database.
    Database,
    /// By pushed events, each checked by web services.
    Push,
}

const METHODS: Choice<Method> =
    Choice(&[("poll", Method::Poll), ("database", Method::Database), ("push", Method::Push)]);

pub(super) fn read(name: LinkName, context: &Context<'_>, section: &mut Section<'_>) -> Completions {
    // `way` is what the key was called first.
    let key = if section.has("way") { "way" } else { "method" };
    let method_place = section.place_of(key);
    let method = section.or(key, "poll", METHODS);
    let from = context.site(section, "from", SiteKind::Moodle, |site| match (method, site) {
        (Method::Database, Site::Moodle(moodle)) if moodle.database.is_none() => {
            Err(format!("`{key} = \"database\"` needs [site.{}.database]", moodle.name))
        }
        _ => Ok(()),
    });
    let mut words = ReportTemplate::default();
    let to = context.site(section, "to", SiteKind::Elm, |site| match site {
        Site::Elm(elm) => match &elm.completion {
            Some(target) => {
                words = target.words.clone();
                Ok(())
            }
            None => Err(format!("write [site.{}.completion] with `url`", elm.name)),
        },
        Site::Moodle(_) | Site::Community(_) => Ok(()),
    });
    let schedule = schedule::read(section, context, "*/5 * * * *");
    let calls_max = section.or("calls_max", 2_000, Count(1, 1_000_000));
    let overlap = signed(section.or("overlap", "2d", DurationIn("1m", "90d")));
    let opt_in_field = section.or("opt_in_field", "completion_opt_in", Name(100));
    let report_from = section.optional("report_from", Day);
    let sending = section.or("sending", true, Flag);
    let concurrency = section.or("concurrency", 2, Count(1, 16));
    let delivery = section.defaults("backoff", |section| DeliveryRules {
        first: signed(section.or("first", "1m", DurationIn("1s", "1h"))),
        longest: signed(section.or("longest", "6h", DurationIn("1m", "7d"))),
        attention_after: signed(section.or("attention_after", "2d", DurationIn("1m", "90d"))),
        ..DeliveryRules::default()
    });
    let (limits, approval) = section.defaults("limits", |section| {
        let limits = CompletionLimits {
            reports: section.or("reports", 20_000, Count(0, 1_000_000)).into(),
            plan_age: signed(section.or("plan_age", "10m", DurationIn("10s", "1d"))),
        };
        (limits, section.or("approval", "24h", DurationIn("1m", "30d")))
    });
    let push_there = section.has("push");
    let push = section.table("push", schedule::push);
    if method == Method::Push && !push_there {
        let help = format!("write [{}] with `secret`", section.name_of("push"));
        let message = "nothing can be pushed to this link".to_owned();
        section.problem(message, method_place, "this needs a secret", Some(help));
    }
    let policy = CompletionsPolicy { zone: schedule.timezone.clone(), report_from, words, delivery, limits };
    Completions {
        name,
        from,
        to,
        schedule,
        method,
        calls_max,
        overlap,
        opt_in_field,
        sending,
        concurrency,
        policy,
        approval,
        push,
    }
}
