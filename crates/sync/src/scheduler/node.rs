//! What every part of a serving process is given.

use jiff::{SignedDuration, Timestamp};
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_journal::{Journal, NodeRow};
use rollbook_settings::Settings;
use rollbook_settings::link::{Link, Schedule};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// One serving process. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Node {
    /// The configuration.
    pub settings: Arc<Settings>,
    /// Where everything is remembered.
    pub journal: Journal,
    /// The time.
    pub clock: Clock,
    /// Its name; no other process has it, before or after.
    pub name: String,
    /// Where it listens, for people.
    pub listens: String,
    /// Since when it serves.
    pub started: Timestamp,
    /// Rung when something was written that should be looked at soon.
    pub wake: Arc<Notify>,
    /// Rung when something is due in an outbox.
    pub due: Arc<Notify>,
}

impl Node {
    /// A node of this process.
    pub fn new(settings: Arc<Settings>, journal: Journal, clock: Clock, listens: &str, wake: Arc<Notify>) -> Self {
        let started = clock.now();
        let machine = settings.server.node.clone().unwrap_or_else(host);
        let name = format!("{machine}/{}/{:x}", std::process::id(), started.as_millisecond());
        Self { settings, journal, clock, name, listens: listens.to_owned(), started, wake, due: Arc::default() }
    }

    /// How long a request or a link is kept without a sign of life.
    pub fn lease(&self) -> SignedDuration {
        signed(self.settings.server.lease)
    }

    /// The schedule of a link; `None` where the configuration does not have it any more.
    pub fn schedule(&self, link: &LinkName) -> Option<&Schedule> {
        self.settings.links.get(link).map(Link::schedule)
    }

    /// How long a run of a link may take.
    pub(super) fn run_limit(&self, link: &LinkName) -> Option<Duration> {
        self.schedule(link).map(|schedule| schedule.run_limit)
    }

    /// It, as the journal keeps it.
    pub(super) fn row(&self, stopping: Option<Timestamp>) -> NodeRow {
        NodeRow {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            listens: self.listens.clone(),
            started: self.started,
            seen: self.clock.now(),
            stopping,
        }
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "node".to_owned() } else { name.trim().to_owned() }
}

/// A configured duration, as times are added to.
pub(super) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
