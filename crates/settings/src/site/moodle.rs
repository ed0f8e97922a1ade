//! `kind = "moodle"`: the learning platform, over its web services and, if allowed, its database.
//!
//! Next: [`super::database`].

use super::database::{self, SiteDatabase};
use crate::kind::{Count, Lasting, Text};
use crate::read::Section;
use reqwest::Url;
use rollbook_core::model::SiteName;
use secrecy::SecretString;
use std::time::Duration;

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

pub(super) fn read(name: SiteName, section: &mut Section<'_>) -> Option<Moodle> {
    let url = super::address("url", section);
    let token = section.secret("token");
    let sentinel = section.optional("sentinel", Text(100));
    let timeout = section.or("timeout", "30s", Lasting("1s", "10m"));
    let concurrency = section.or("concurrency", 3, Count(1, 16));
    let batch = section.or("batch", 100, Count(1, 1000));
    let input_vars = section.or("input_vars", 900, Count(50, 100_000));
    let database = section.table("database", |section| database::read(section, "mdl_"));
    Some(Moodle { name, url: url?, token: token?, sentinel, timeout, concurrency, batch, input_vars, database })
}
