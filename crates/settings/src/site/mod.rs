//! `[site.NAME]`: the systems that Rollbook speaks with.
//!
//! A site is only described here, never spoken with: that is the part of the crates `moodle`, `elm` and `community`.
//! Next: [`moodle`], [`elm`], [`community`].

mod community;
mod completion;
mod database;
mod elm;
mod moodle;

pub use community::{Auth, Community, GuildReader};
pub use completion::{CompletionConstants, CompletionFields, CompletionTarget};
pub use database::{Engine, SiteDatabase};
pub use elm::{Elm, ElmFields, Literal};
pub use moodle::Moodle;

use super::kind::{Choice, Web};
use super::read::Section;
use jiff::tz::TimeZone;
use reqwest::Url;
use rollbook_core::model::SiteName;
use std::fmt;
use std::net::IpAddr;

/// A configured system.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a handful of sites, read once")]
pub enum Site {
    /// The learning platform.
    Moodle(Moodle),
    /// The HR learning system's feed.
    Elm(Elm),
    /// A Drupal with groups.
    Community(Community),
}

/// What a site is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// `kind = "moodle"`
    Moodle,
    /// `kind = "elm"`
    Elm,
    /// `kind = "community"`
    Community,
}

impl fmt::Display for SiteKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Moodle => "moodle",
            Self::Elm => "elm",
            Self::Community => "community",
        })
    }
}

/// A site of the file: its kind when that is known, itself when it is free of problems.
pub(super) type Read = (Option<SiteKind>, Option<Site>);

const KINDS: Choice<SiteKind> =
    Choice(&[("moodle", SiteKind::Moodle), ("elm", SiteKind::Elm), ("community", SiteKind::Community)]);

pub(super) fn read(name: &str, zone: &TimeZone, section: &mut Section<'_>) -> Read {
    let name = SiteName::new(name);
    let kind = section.required("kind", KINDS);
    let site = match kind {
        Some(SiteKind::Moodle) => moodle::read(name, section).map(Site::Moodle),
        Some(SiteKind::Elm) => elm::read(name, zone, section).map(Site::Elm),
        Some(SiteKind::Community) => community::read(name, section).map(Site::Community),
        None => {
            section.pass_over();
            None
        }
    };
    (kind, site)
}

/// Where a secret is sent. Without TLS everybody on the way can read it, this machine apart: that is a warning, for a test
/// system may have none.
fn address(key: &str, section: &mut Section<'_>) -> Option<Url> {
    let place = section.place_of(key);
    let url = section.required(key, Web)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if url.scheme() == "http" && !is_here {
        let message = format!("the secret of `{}` would cross the network in the clear", section.path);
        section.warn(message, place, "http", "use https: whoever listens can do all that Rollbook can");
    }
    Some(url)
}
