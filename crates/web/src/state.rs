//! What handlers are given: the journal, the time, the settings. Each part of the server takes only its own, by [`FromRef`].

use crate::api::context::ApiState;
use crate::api::events::completion::CompletionEvents;
use crate::api::events::membership::MembershipEvents;
use crate::api::rate_limit::RateLimit;
use crate::auth::AuthState;
use crate::auth::sign_on::RETURN_PATH;
use crate::auth::sign_on::issuer::{Fetch, Issuer};
use crate::limits::ConcurrencyLimit;
use crate::observability::ObservabilityState;
use crate::observability::recorder::Recorder;
use axum::extract::FromRef;
use rollbook_clock::Clock;
use rollbook_journal::Journal;
use rollbook_settings::Settings;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Clones share everything.
#[derive(Clone, Debug)]
pub struct WebState {
    pub journal: Journal,
    pub clock: Clock,
    pub settings: Arc<Settings>,
    /// Notified after something was written that the process should look at.
    pub wake: Arc<Notify>,
    /// Whether cookies travel over TLS only.
    pub is_secure: bool,
    /// Cancelled when the process stops: `/readyz` then sends nobody here any more.
    pub stop: CancellationToken,
    pub(crate) completion_events: Arc<CompletionEvents>,
    pub(crate) membership_events: Arc<MembershipEvents>,
    pub(crate) turns: Arc<ConcurrencyLimit>,
    rate_limit: Arc<RateLimit>,
    recorder: Recorder,
    issuer: Option<Arc<Issuer>>,
}

impl WebState {
    pub fn new(settings: Arc<Settings>, journal: Journal, clock: Clock, wake: Arc<Notify>) -> Self {
        let server = &settings.server;
        let has_https_proxy = server.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
        // On this machine alone there may be no TLS; anywhere else a cookie without it would be given away.
        let is_secure = has_https_proxy || server.tls.is_some() || !server.listen.ip().is_loopback();
        let turns = Arc::new(ConcurrencyLimit::for_connections(settings.journal.connections_max));
        let completion_events =
            CompletionEvents::new(&settings, journal.clone(), clock.clone(), wake.clone(), turns.clone());
        let membership_events =
            MembershipEvents::new(&settings, journal.clone(), clock.clone(), wake.clone(), turns.clone());
        Self {
            journal,
            clock,
            turns,
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

    /// The same, with the token that is cancelled when the process stops.
    pub fn until(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// How many membership events came since the start, by outcome.
    pub fn membership_counts(&self) -> [(&'static str, u64); 5] {
        self.membership_events.counts()
    }

    /// The same with single sign-on, where the configuration has it; `fetch` reaches the issuer.
    #[must_use]
    pub fn with_sign_on(mut self, fetch: Fetch) -> Self {
        let server = &self.settings.server;
        let base = server.public_url.as_ref().map_or_else(|| format!("http://{}", server.listen), ToString::to_string);
        let redirect_uri = format!("{}{RETURN_PATH}", base.trim_end_matches('/'));
        self.issuer = server.oidc.clone().map(|oidc| Arc::new(Issuer::new(oidc, redirect_uri, fetch)));
        self
    }
}

impl FromRef<WebState> for AuthState {
    fn from_ref(state: &WebState) -> Self {
        Self {
            journal: state.journal.clone(),
            clock: state.clock.clone(),
            settings: state.settings.clone(),
            is_secure: state.is_secure,
            issuer: state.issuer.clone(),
        }
    }
}

impl FromRef<WebState> for ApiState {
    fn from_ref(state: &WebState) -> Self {
        Self {
            journal: state.journal.clone(),
            clock: state.clock.clone(),
            settings: state.settings.clone(),
            wake: state.wake.clone(),
            rate_limit: state.rate_limit.clone(),
        }
    }
}

impl FromRef<WebState> for ObservabilityState {
    fn from_ref(state: &WebState) -> Self {
        Self {
            journal: state.journal.clone(),
            clock: state.clock.clone(),
            settings: state.settings.clone(),
            stop: state.stop.clone(),
            turns: state.turns.clone(),
            recorder: state.recorder.clone(),
        }
    }
}
