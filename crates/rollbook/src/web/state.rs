//! What every page is given: the journal, the time, the settings, and a bell that wakes the process.

use super::events::completion::CompletionGate;
use crate::clock::Clock;
use crate::config::Settings;
use crate::journal::Journal;
use jiff::tz::TimeZone;
use rollbook_core::model::LinkName;
use std::sync::Arc;
use tokio::sync::Notify;

/// What every page is given. Clones share it.
#[derive(Clone, Debug)]
pub struct WebState {
    /// Where everything is remembered.
    pub journal: Journal,
    /// The time.
    pub clock: Clock,
    /// The configuration.
    pub settings: Arc<Settings>,
    /// Rung after something was written that the process should look at.
    pub wake: Arc<Notify>,
    /// Whether cookies travel over TLS only.
    pub secure: bool,
    pub(super) gate: Arc<CompletionGate>,
}

impl WebState {
    /// The state of a server.
    pub fn new(settings: Arc<Settings>, journal: Journal, clock: Clock, wake: Arc<Notify>) -> Self {
        let gate = Arc::new(CompletionGate::new(&settings, journal.clone(), clock.clone(), wake.clone()));
        let server = &settings.server;
        let outside = server.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
        // On this machine alone there may be no TLS; anywhere else a cookie without it would be given away.
        let secure = outside || server.tls.is_some() || !server.listen.ip().is_loopback();
        Self { journal, clock, settings, wake, secure, gate }
    }

    /// The zone in which a link's times are shown; without a link that of the first one.
    pub fn zone(&self, link: Option<&LinkName>) -> TimeZone {
        let links = &self.settings.links;
        let found = link.and_then(|name| links.get(name)).or_else(|| links.values().next());
        found.map_or(TimeZone::UTC, |link| link.schedule().timezone.clone())
    }
}
