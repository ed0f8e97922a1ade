//! `[link.NAME]`: which flow runs between which two sites, when, and under which rules.
//!
//! A link only refers to sites of the right kind; the check is made here, so that no caller meets a wrong pair.
//! Next: [`intake`], [`completions`], [`guilds`].

mod completions;
mod guilds;
mod intake;
mod schedule;

pub use completions::{Completions, Method};
pub use guilds::Guilds;
pub use intake::{Intake, WelcomeMail, WelcomeMode};
pub use schedule::{Push, Schedule};

use super::kind::Choice;
use super::section::Section;
use super::site::{self, Site, SiteKind};
use jiff::tz::TimeZone;
use rollbook_core::model::{LinkName, SiteName};
use std::collections::BTreeMap;
use std::time::Duration;

/// A configured flow.
#[derive(Clone, Debug)]
pub enum Link {
    /// ELM → Moodle: accounts and enrolments.
    Intake(Intake),
    /// Moodle → ELM: completions.
    Completions(Completions),
    /// Community → Moodle: cohorts.
    Guilds(Guilds),
}

impl Link {
    /// As on the command line.
    pub fn name(&self) -> &LinkName {
        match self {
            Self::Intake(link) => &link.name,
            Self::Completions(link) => &link.name,
            Self::Guilds(link) => &link.name,
        }
    }

    /// `intake`, `completions` or `guilds`.
    pub fn flow(&self) -> &'static str {
        match self {
            Self::Intake(_) => "intake",
            Self::Completions(_) => "completions",
            Self::Guilds(_) => "guilds",
        }
    }

    /// When it runs.
    pub fn schedule(&self) -> &Schedule {
        match self {
            Self::Intake(link) => &link.schedule,
            Self::Completions(link) => &link.schedule,
            Self::Guilds(link) => &link.schedule,
        }
    }

    /// How long a person's approval of a plan holds.
    pub fn approval(&self) -> Duration {
        match self {
            Self::Intake(link) => link.approval,
            Self::Completions(link) => link.approval,
            Self::Guilds(link) => link.approval,
        }
    }

    /// The sites it reads from and writes to, in this order.
    pub fn ends(&self) -> (&SiteName, &SiteName) {
        match self {
            Self::Intake(link) => (&link.from, &link.to),
            Self::Completions(link) => (&link.from, &link.to),
            Self::Guilds(link) => (&link.from, &link.to),
        }
    }
}

/// What a link may refer to.
pub(super) struct Context<'a> {
    pub sites: &'a BTreeMap<String, site::Read>,
    /// The zone of a link that names none.
    pub zone: &'a TimeZone,
    /// Whether the file has `[mail]`.
    pub mail: bool,
}

pub(super) fn read(name: &str, context: &Context<'_>, section: &mut Section<'_>) -> Option<Link> {
    #[derive(Clone)]
    enum Flow {
        Intake,
        Completions,
        Guilds,
    }
    let flows = Choice(&[("intake", Flow::Intake), ("completions", Flow::Completions), ("guilds", Flow::Guilds)]);
    let name = LinkName::new(name);
    match section.required("flow", flows) {
        Some(Flow::Intake) => Some(Link::Intake(intake::read(name, context, section))),
        Some(Flow::Completions) => Some(Link::Completions(completions::read(name, context, section))),
        Some(Flow::Guilds) => Some(Link::Guilds(guilds::read(name, context, section))),
        None => {
            section.ignore_rest();
            None
        }
    }
}

impl Context<'_> {
    /// The site that `key` names, which must be of this kind and fulfil `needs`: a check that says what is missing.
    /// After a problem was noted it gives whatever was written: the load fails then, and no caller sees it.
    fn site(
        &self,
        section: &mut Section<'_>,
        key: &str,
        wanted: SiteKind,
        needs: impl FnOnce(&Site) -> Result<(), String>,
    ) -> SiteName {
        let named = || {
            let fitting: Vec<_> = self
                .sites
                .iter()
                .filter(|(_, site)| site.0 == Some(wanted))
                .map(|(name, _)| format!("\"{name}\""))
                .collect();
            match fitting.as_slice() {
                [] => format!("describe one: [site.NAME] with `kind = \"{wanted}\"`"),
                _ => format!("sites of that kind: {}", fitting.join(", ")),
            }
        };
        let Some(taken) = section.remove(key) else {
            section.missing(
                key,
                format!("write `{key} = \"…\"` with the name of a site whose kind is {wanted}; {}", named()),
            );
            return SiteName::new("");
        };
        let name = taken.value.to_string();
        let trouble = match self.sites.get(&name) {
            None => (format!("there is no [site.{name}]"), named()),
            Some((Some(kind), _)) if *kind != wanted => {
                (format!("`{name}` is a site of kind {kind}, and this takes one of kind {wanted}"), named())
            }
            Some((_, site)) => match site.as_ref().map_or(Ok(()), needs) {
                Ok(()) => {
                    section.record(key, name.clone(), taken.origin);
                    return SiteName::new(name);
                }
                Err(lacking) => (format!("`{name}` lacks something for this"), lacking),
            },
        };
        section.invalid(key, &taken, trouble.0, Some(trouble.1));
        SiteName::new(name)
    }
}
