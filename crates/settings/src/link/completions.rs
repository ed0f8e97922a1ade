//! `flow = "completions"`: from Moodle's completions to the ELM.
//!
//! Next: [`crate::site::CompletionTarget`], in whose words they are sent.

use super::push::{self, Push};
use super::{Around, Schedule, schedule};
use crate::kind::{Choice, Count, Day, Flag, Lasting, Name};
use crate::read::Section;
use crate::site::{Site, SiteKind};
use jiff::civil::Date;
use rollbook_core::model::{LinkName, SiteName};
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
    pub way: Way,
    /// At most so many calls to Moodle in one run, when polling.
    pub calls_max: u32,
    /// How far each reading of the database reaches back before the end of the last one.
    pub overlap: Duration,
    /// The short name of the course's custom field that opts in.
    pub opt_in_field: String,
    /// Completions before this day are not reported; when `None`, those from the moment of opting in are.
    pub report_from: Option<Date>,
    /// Whether completions are sent: the kill switch. They are recorded all the same.
    pub sending: bool,
    /// At most so many completions are sent at once, 1 to 16.
    pub concurrency: u32,
    /// How a failed one is tried again.
    pub backoff: Backoff,
    /// What a run may do without being asked.
    pub limits: CompletionLimits,
    /// How pushed events are believed; `None` when none are taken.
    pub push: Option<Push>,
}

/// How completions are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By web services, person by person.
    Poll,
    /// By Moodle's database.
    Database,
    /// By pushed events, each checked by web services.
    Push,
}

/// How a completion that was not accepted is tried again: each time after twice the wait, until it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait.
    pub first: Duration,
    /// No wait is longer.
    pub longest: Duration,
    /// After so long a human is told; the trying goes on.
    pub attention_after: Duration,
}

/// What a run of completions may do without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionLimits {
    /// At most so many completions are reported.
    pub reports: u32,
    /// A plan older than this is made again.
    pub plan_age: Duration,
    /// An approval holds so long.
    pub approval: Duration,
}

const WAYS: Choice<Way> = Choice(&[("poll", Way::Poll), ("database", Way::Database), ("push", Way::Push)]);

pub(super) fn read(name: LinkName, around: &Around<'_>, section: &mut Section<'_>) -> Completions {
    let way_place = section.place_of("way");
    let way = section.or("way", "poll", WAYS);
    let from = around.site(section, "from", SiteKind::Moodle, |site| match (way, site) {
        (Way::Database, Site::Moodle(moodle)) if moodle.database.is_none() => {
            Err(format!("`way = \"database\"` needs [site.{}.database]", moodle.name))
        }
        _ => Ok(()),
    });
    let to = around.site(section, "to", SiteKind::Elm, |site| match site {
        Site::Elm(elm) if elm.completion.is_none() => Err(format!("write [site.{}.completion] with `url`", elm.name)),
        _ => Ok(()),
    });
    let schedule = schedule::read(section, around, "*/5 * * * *");
    let calls_max = section.or("calls_max", 2_000, Count(1, 1_000_000));
    let overlap = section.or("overlap", "2d", Lasting("1m", "90d"));
    let opt_in_field = section.or("opt_in_field", "completion_opt_in", Name(100));
    let report_from = section.optional("report_from", Day);
    let sending = section.or("sending", true, Flag);
    let concurrency = section.or("concurrency", 2, Count(1, 16));
    let backoff = section.defaults("backoff", |section| Backoff {
        first: section.or("first", "1m", Lasting("1s", "1h")),
        longest: section.or("longest", "6h", Lasting("1m", "7d")),
        attention_after: section.or("attention_after", "2d", Lasting("1m", "90d")),
    });
    let limits = section.defaults("limits", |section| CompletionLimits {
        reports: section.or("reports", 20_000, Count(0, 1_000_000)),
        plan_age: section.or("plan_age", "10m", Lasting("10s", "1d")),
        approval: section.or("approval", "24h", Lasting("1m", "30d")),
    });
    let push_there = section.has("push");
    let push = section.table("push", push::read);
    if way == Way::Push && !push_there {
        let help = format!("write [{}] with `secret`", section.name_of("push"));
        section.problem("nothing can be pushed to this link".to_owned(), way_place, "this needs a secret", Some(help));
    }
    Completions {
        name,
        from,
        to,
        schedule,
        way,
        calls_max,
        overlap,
        opt_in_field,
        report_from,
        sending,
        concurrency,
        backoff,
        limits,
        push,
    }
}
