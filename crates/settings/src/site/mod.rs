//! `[site.NAME]`: the systems that Rollbook speaks with.
//!
//! A site is only described here, never spoken with: that is the part of the crates `moodle`, `elm` and `community`.
//! Next: [`elm`], [`community`].

mod community;
mod elm;

pub use community::{Auth, Community, GuildReader};
pub use elm::{CompletionTarget, DATES, DIALECTS, Elm, ElmAuth, LITERALS};

use super::kind::{Choice, Count, DurationIn, HttpUrl, Name, Text};
use super::secret::SecretUrl;
use super::section::Section;
use jiff::tz::TimeZone;
use reqwest::Url;
use rollbook_core::model::SiteName;
use secrecy::SecretString;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

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
        Some(SiteKind::Moodle) => moodle(name, section).map(Site::Moodle),
        Some(SiteKind::Elm) => elm::read(name, zone, section).map(Site::Elm),
        Some(SiteKind::Community) => community::read(name, section).map(Site::Community),
        None => {
            section.ignore_rest();
            None
        }
    };
    (kind, site)
}

/// Where a secret is sent. Without TLS everybody on the way can read it, this machine apart: that is a warning, for a test
/// system may have none.
fn address(key: &str, section: &mut Section<'_>) -> Option<Url> {
    let place = section.place_of(key);
    let url = section.required(key, HttpUrl)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if url.scheme() == "http" && !is_here {
        let message = format!("the secret of `{}` would cross the network in the clear", section.path);
        section.warn(message, place, "http", "use https: whoever listens can do all that Rollbook can");
    }
    Some(url)
}

/// A Moodle.
#[derive(Clone, Debug)]
pub struct Moodle {
    /// As on the command line.
    pub name: SiteName,
    /// Moodle's `wwwroot`.
    pub url: Url,
    /// The web-service token.
    pub token: SecretString,
    /// An ordinary account (user name, mail address or GUID) that the token must be able to see before "not found" may
    /// mean anything.
    pub sentinel: Option<String>,
    /// The time one call may take.
    pub timeout: Duration,
    /// At most so many calls at once, 1 to 16.
    pub concurrency: u32,
    /// At most so many records in one call, 1 to 1000; fewer where `input_vars` says so.
    pub batch: u32,
    /// At most so many form variables in one call: below PHP's `max_input_vars`, beyond which it drops them.
    pub input_vars: u32,
    /// The fast way to read.
    pub database: Option<SiteDatabase>,
}

fn moodle(name: SiteName, section: &mut Section<'_>) -> Option<Moodle> {
    let url = address("url", section);
    let token = section.secret("token");
    let sentinel = section.optional("sentinel", Text(100));
    let timeout = section.or("timeout", "30s", DurationIn("1s", "10m"));
    let concurrency = section.or("concurrency", 3, Count(1, 16));
    let batch = section.or("batch", 100, Count(1, 1000));
    let input_vars = section.or("input_vars", 900, Count(50, 100_000));
    let database = section.table("database", |section| database(section, "mdl_"));
    Some(Moodle { name, url: url?, token: token?, sentinel, timeout, concurrency, batch, input_vars, database })
}

/// How to read a site's tables.
#[derive(Clone, Debug)]
pub struct SiteDatabase {
    /// The address, with its password.
    pub url: SecretUrl,
    /// Which server that is.
    pub engine: Engine,
    /// What each table's name begins with; safe to put into SQL: at most 32 of `A-Z a-z 0-9 _`.
    pub prefix: String,
    /// At most so many connections at once.
    pub connections_max: u32,
    /// The time one query may take.
    pub timeout: Duration,
}

/// A database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// MySQL or MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
    /// A file.
    Sqlite,
}

fn database(section: &mut Section<'_>, prefix: &'static str) -> Option<SiteDatabase> {
    let url = section.secret_url("url", &["mysql", "mariadb", "postgres", "postgresql", "sqlite"]);
    if url.is_none() && !section.has("url") {
        section.missing(
            "url",
            "write `url = { env = \"NAME\" }` with an address such as mysql://reader@host/moodle".to_owned(),
        );
    }
    let prefix = section.or("prefix", prefix, Name(32));
    let connections_max = section.or("connections_max", 4, Count(1, 32));
    let timeout = section.or("timeout", "30s", DurationIn("1s", "10m"));
    let url = url?;
    let engine = match url.scheme() {
        "mysql" | "mariadb" => Engine::MySql,
        "sqlite" => Engine::Sqlite,
        _ => Engine::Postgres,
    };
    Some(SiteDatabase { url, engine, prefix, connections_max, timeout })
}
