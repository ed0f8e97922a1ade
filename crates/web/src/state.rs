//! What every page is given: the journal, the time, the settings, and a bell that wakes the process.

use super::api::RateLimit;
use super::auth::sign_on::{Fetch, Issuer};
use super::concurrency_limit::ConcurrencyLimit;
use super::events::completion::CompletionEvents;
use super::events::membership::MembershipEvents;
use super::observability::Recorder;
use jiff::tz::TimeZone;
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_journal::Journal;
use rollbook_settings::Settings;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

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
    pub is_secure: bool,
    /// Cancelled when the process stops: then nobody shall be sent here any more.
    pub stop: CancellationToken,
    pub(super) completion_events: Arc<CompletionEvents>,
    pub(super) membership_events: Arc<MembershipEvents>,
    pub(super) rate_limit: Arc<RateLimit>,
    pub(super) concurrency: Arc<ConcurrencyLimit>,
    pub(super) recorder: Recorder,
    pub(super) issuer: Option<Arc<Issuer>>,
}

impl WebState {
    /// The state of a server.
    pub fn new(settings: Arc<Settings>, journal: Journal, clock: Clock, wake: Arc<Notify>) -> Self {
        let completion_events = CompletionEvents::new(&settings, journal.clone(), clock.clone(), wake.clone());
        let membership_events = MembershipEvents::new(&settings, journal.clone(), clock.clone(), wake.clone());
        let server = &settings.server;
        let outside = server.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
        // On this machine alone there may be no TLS; anywhere else a cookie without it would be given away.
        let is_secure = outside || server.tls.is_some() || !server.listen.ip().is_loopback();
        let concurrency = Arc::new(ConcurrencyLimit::of(settings.journal.connections_max));
        Self {
            journal,
            clock,
            concurrency,
            settings,
            wake,
            is_secure,
            stop: CancellationToken::new(),
            completion_events: Arc::new(completion_events),
            membership_events: Arc::new(membership_events),
            rate_limit: Arc::default(),
            recorder: Recorder::of_process(),
            issuer: None,
        }
    }

    /// The same, told by `stop` when the process stops.
    pub fn until(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// How many membership events came since the start, by what became of them.
    pub fn membership_counts(&self) -> [(&'static str, u64); 5] {
        self.membership_events.counts()
    }

    /// The same with single sign-on, where the configuration has it; `fetch` reaches the issuer.
    #[must_use]
    pub fn with_sign_on(mut self, fetch: Fetch) -> Self {
        let server = &self.settings.server;
        let base = server.public_url.as_ref().map_or_else(|| format!("http://{}", server.listen), ToString::to_string);
        let back = format!("{}{}", base.trim_end_matches('/'), super::auth::sign_on::RETURN_PATH);
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
