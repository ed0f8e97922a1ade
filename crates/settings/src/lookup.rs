//! Finds a link with both its sites, as a flow needs them.
//!
//! Next: the crate `sync`, which runs them.

use super::Settings;
use super::link::{Completions, Guilds, Intake, Link};
use super::site::{Community, CompletionTarget, Elm, Moodle, Site};
use miette::Diagnostic;
use rollbook_core::model::{LinkName, SiteName};

/// An intake link with its sites.
#[derive(Clone, Copy, Debug)]
pub struct IntakeLink<'a> {
    /// The rules.
    pub link: &'a Intake,
    /// Where records come from.
    pub elm: &'a Elm,
    /// Where they take effect.
    pub moodle: &'a Moodle,
}

/// A completions link with its sites.
#[derive(Clone, Copy, Debug)]
pub struct CompletionsLink<'a> {
    /// The rules.
    pub link: &'a Completions,
    /// Where people complete.
    pub moodle: &'a Moodle,
    /// Who wants to know.
    pub elm: &'a Elm,
    /// Where and how the ELM takes it.
    pub target: &'a CompletionTarget,
}

/// A guilds link with its sites.
#[derive(Clone, Copy, Debug)]
pub struct GuildsLink<'a> {
    /// The rules.
    pub link: &'a Guilds,
    /// Where guilds are.
    pub community: &'a Community,
    /// Where cohorts are.
    pub moodle: &'a Moodle,
}

/// No link fits.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct NoSuchLink {
    message: String,
    help: String,
}

impl Diagnostic for NoSuchLink {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }
}

impl Settings {
    /// The intake link of this name.
    pub fn intake(&self, name: &LinkName) -> Result<IntakeLink<'_>, NoSuchLink> {
        self.intakes()
            .find(|found| found.link.name == *name)
            .ok_or_else(|| self.none("intake", &format!("called `{name}`")))
    }

    /// The completions link of this name.
    pub fn completion(&self, name: &LinkName) -> Result<CompletionsLink<'_>, NoSuchLink> {
        let found = self.completions().find(|found| found.link.name == *name);
        found.ok_or_else(|| self.none("completions", &format!("called `{name}`")))
    }

    /// The guilds link from this community to this Moodle.
    pub fn guild(&self, community: &SiteName, moodle: &SiteName) -> Result<GuildsLink<'_>, NoSuchLink> {
        let found = self.guilds().find(|found| found.community.name == *community && found.moodle.name == *moodle);
        found.ok_or_else(|| self.none("guilds", &format!("from `{community}` to `{moodle}`")))
    }

    /// Every intake link.
    pub fn intakes(&self) -> impl Iterator<Item = IntakeLink<'_>> {
        self.links.values().filter_map(|link| match link {
            Link::Intake(link) => Some(IntakeLink { link, elm: self.elm(&link.from)?, moodle: self.moodle(&link.to)? }),
            Link::Completions(_) | Link::Guilds(_) => None,
        })
    }

    /// Every completions link.
    pub fn completions(&self) -> impl Iterator<Item = CompletionsLink<'_>> {
        self.links.values().filter_map(|link| match link {
            Link::Completions(link) => {
                let (moodle, elm) = (self.moodle(&link.from)?, self.elm(&link.to)?);
                Some(CompletionsLink { link, moodle, elm, target: elm.completion.as_ref()? })
            }
            Link::Intake(_) | Link::Guilds(_) => None,
        })
    }

    /// Every guilds link.
    pub fn guilds(&self) -> impl Iterator<Item = GuildsLink<'_>> {
        self.links.values().filter_map(|link| match link {
            Link::Guilds(link) => {
                let (community, moodle) = (self.community(&link.from)?, self.moodle(&link.to)?);
                Some(GuildsLink { link, community, moodle })
            }
            Link::Intake(_) | Link::Completions(_) => None,
        })
    }

    /// The Moodle of this name.
    pub fn moodle(&self, name: &SiteName) -> Option<&Moodle> {
        match self.sites.get(name)? {
            Site::Moodle(site) => Some(site),
            Site::Elm(_) | Site::Community(_) => None,
        }
    }

    /// The ELM of this name.
    pub fn elm(&self, name: &SiteName) -> Option<&Elm> {
        match self.sites.get(name)? {
            Site::Elm(site) => Some(site),
            Site::Moodle(_) | Site::Community(_) => None,
        }
    }

    /// The community of this name.
    pub fn community(&self, name: &SiteName) -> Option<&Community> {
        match self.sites.get(name)? {
            Site::Community(site) => Some(site),
            Site::Moodle(_) | Site::Elm(_) => None,
        }
    }

    fn none(&self, flow: &str, which: &str) -> NoSuchLink {
        let known: Vec<_> = self
            .links
            .values()
            .filter(|link| link.flow() == flow)
            .map(|link| format!("`{}` (from {} to {})", link.name(), link.ends().0, link.ends().1))
            .collect();
        let help = match known.as_slice() {
            [] => format!("write one: [link.NAME] with `flow = \"{flow}\"`"),
            _ => format!("there is {}", known.join(", ")),
        };
        NoSuchLink { message: format!("there is no {flow} link {which}"), help }
    }
}
