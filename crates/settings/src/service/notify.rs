//! `[mail]` and `[notify]`: how mail leaves, and who hears of trouble.
//!
//! Next: [`super::calendar`], when a silent feed is trouble.

use super::calendar::{self, BusinessHours, Silence};
use crate::kind::{Count, Lasting, List, Mail as Address, Web};
use crate::read::Section;
use crate::secret::SecretUrl;
use jiff::tz::TimeZone;
use lettre::message::Mailbox;
use reqwest::Url;
use std::time::Duration;

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The server, with its password: `smtp://` (STARTTLS where the address asks for it) or `smtps://`.
    pub smtp: SecretUrl,
    /// The sender.
    pub from: Mailbox,
    /// The time one mail may take.
    pub timeout: Duration,
    /// At most so many mails a minute.
    pub per_minute: u32,
}

/// Who hears of trouble.
#[derive(Clone, Debug)]
pub struct Notify {
    /// The addresses, for each link that names no others.
    pub to: Vec<Mailbox>,
    /// An address that gets each notice as JSON; it may hold a key.
    pub webhook: Option<SecretUrl>,
    /// An address that is fetched while all is well, so that the death of Rollbook itself is noticed.
    pub heartbeat_url: Option<Url>,
    /// How often it is fetched.
    pub heartbeat_every: Duration,
    /// An episode that goes on is reminded of so often.
    pub reminder: Duration,
    /// When people are at work.
    pub hours: BusinessHours,
    /// When a silent feed is trouble.
    pub silence: Silence,
}

pub(crate) fn mail(section: &mut Section<'_>) -> Option<Mail> {
    let there = section.has("smtp") || section.overlaid("smtp");
    let smtp = section.secret_url("smtp", &["smtp", "smtps"]);
    if !there {
        section.miss("smtp", "write `smtp = \"smtp://mail.example.org:25\"`".to_owned());
    }
    let from = section.required("from", Address);
    let timeout = section.or("timeout", "30s", Lasting("1s", "5m"));
    let per_minute = section.or("per_minute", 300, Count(1, 10_000));
    Some(Mail { smtp: smtp?, from: from?, timeout, per_minute })
}

pub(crate) fn read(section: &mut Section<'_>, zone: &TimeZone) -> Notify {
    Notify {
        to: section.or("to", [], List(Address, 50)),
        webhook: section.secret_url("webhook", &["https", "http"]),
        heartbeat_url: section.optional("heartbeat_url", Web),
        heartbeat_every: section.or("heartbeat_every", "5m", Lasting("10s", "1d")),
        reminder: section.or("reminder", "24h", Lasting("1h", "30d")),
        hours: section.defaults("hours", |section| calendar::hours(section, zone)),
        silence: section.defaults("silence", calendar::silence),
    }
}
