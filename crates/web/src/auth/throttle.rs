//! Logins that fail too often have to wait. Counted by account and by address, in the journal: a restart forgets nothing, and
//! two nodes count together.
//!
//! A name counts whether or not there is such an account: who is refused learns nothing.

use crate::WebState;
use axum::extract::{ConnectInfo, Request};
use jiff::{SignedDuration, Timestamp};
use rollbook_journal::{Journal, JournalError};
use std::net::{IpAddr, SocketAddr};

/// Tries are counted over so long.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// Several people may sit behind one address.
const ADDRESS_SHARE: u64 = 4;

/// Somebody who tries to log in.
#[derive(Clone, Debug)]
pub struct Attempt {
    account: String,
    address: String,
}

impl Attempt {
    /// A try for this account from this address.
    pub fn new(account: &str, address: Option<IpAddr>) -> Self {
        let account: String = account.trim().to_lowercase().chars().take(200).collect();
        let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        Self { account: format!("account {account}"), address: format!("address {address}") }
    }

    /// Whether it has to wait.
    pub async fn must_wait(&self, state: &WebState, now: Timestamp) -> Result<bool, JournalError> {
        let most = u64::from(state.settings.server.login_tries);
        let since = now.checked_sub(WINDOW).unwrap_or(Timestamp::MIN);
        let failed = |subject| state.journal.accounts().failed_logins(subject, since);
        Ok(failed(&self.account).await? >= most || failed(&self.address).await? >= most * ADDRESS_SHARE)
    }

    /// Notes that it failed.
    pub async fn failed(&self, journal: &Journal, now: Timestamp) -> Result<(), JournalError> {
        let forget = now.checked_sub(WINDOW).unwrap_or(Timestamp::MIN);
        journal.accounts().record_failed_login(&[&self.account, &self.address], forget, now).await
    }

    /// Notes that somebody got in.
    pub async fn succeeded(&self, journal: &Journal) -> Result<(), JournalError> {
        journal.accounts().clear_failed_logins(&self.account).await
    }
}

/// Where a request comes from. A proxy on this machine says for whom it asks; anybody else could say anything.
pub fn address_of(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip();
    let forwarded = request.headers().get_all("x-forwarded-for").into_iter().next_back();
    let told = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    Some(if peer.is_loopback() { told.unwrap_or(peer) } else { peer })
}
