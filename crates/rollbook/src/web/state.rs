//! What every page is given: the journal, the time, the settings, and a bell that wakes the process.

use super::door::sign_on::{Fetch, Issuer};
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
    pub(super) issuer: Option<Arc<Issuer>>,
}

impl WebState {
    /// The state of a server.
    pub fn new(settings: Arc<Settings>, journal: Journal, clock: Clock, wake: Arc<Notify>) -> Self {
        let gate = Arc::new(CompletionGate::new(&settings, journal.clone(), clock.clone(), wake.clone()));
        let server = &settings.server;
        let outside = server.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
        // On this machine alone there may be no TLS; anywhere else a cookie without it would be given away.
        let secure = outside || server.tls.is_some() || !server.listen.ip().is_loopback();
        Self { journal, clock, settings, wake, secure, gate, issuer: None }
    }

    /// The same with single sign-on, where the configuration has it; `fetch` reaches the issuer.
    #[must_use]
    pub fn with_sign_on(mut self, fetch: Fetch) -> Self {
        let server = &self.settings.server;
        let base = server.public_url.as_ref().map_or_else(|| format!("http://{}", server.listen), ToString::to_string);
        let back = format!("{}{}", base.trim_end_matches('/'), super::door::sign_on::RETURN_PATH);
        self.issuer = server.oidc.clone().map(|oidc| Arc::new(Issuer::new(oidc, back, fetch)));
        self
    }

    /// Whether people can come in by single sign-on.
    pub(super) fn has_sign_on(&self) -> bool {
        self.issuer.is_some()
    }

    /// The zone in which a link's times are shown; without a link that of the first one.
    pub fn zone(&self, link: Option<&LinkName>) -> TimeZone {
        let links = &self.settings.links;
        let found = link.and_then(|name| links.get(name)).or_else(|| links.values().next());
        found.map_or(TimeZone::UTC, |link| link.schedule().timezone.clone())
    }
}
