//! What authentication needs of the server's state.

use super::sign_on::issuer::Issuer;
use rollbook_clock::Clock;
use rollbook_journal::Journal;
use rollbook_settings::Settings;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct AuthState {
    pub journal: Journal,
    pub clock: Clock,
    pub settings: Arc<Settings>,
    /// Whether cookies travel over TLS only.
    pub is_secure: bool,
    /// Single sign-on, where it is configured.
    pub issuer: Option<Arc<Issuer>>,
}
