//! Logins that fail too often have to wait. Counted by account and by address, in the journal: a restart forgets nothing, and
//! two nodes count together.
//!
//! A name counts whether or not there is such an account: a refusal tells nothing. An attempt is counted before its password is
//! verified, and one account's passwords are verified one after the other: a thousand parallel attempts are a thousand, too.

use super::password::verify_password;
use super::state::AuthState;
use axum::extract::{ConnectInfo, Request};
use jiff::{SignedDuration, Timestamp};
use rollbook_journal::JournalError;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use tokio::sync::Mutex;

/// Attempts are counted over so long.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// Several people may sit behind one address.
const ADDRESS_SHARE: u64 = 4;

/// Accounts share these locks by the hash of their names: the memory is bounded, whatever names are tried.
static VERIFYING: [Mutex<()>; 64] = [const { Mutex::const_new(()) }; 64];

/// Somebody who tries to log in.
#[derive(Clone, Debug)]
pub struct Attempt {
    account: String,
    address: String,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    Right,
    Wrong,
    MustWait,
}

impl Attempt {
    pub fn new(account: &str, address: Option<IpAddr>) -> Self {
        let account: String = account.trim().to_lowercase().chars().take(200).collect();
        let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        Self { account: format!("account {account}"), address: format!("address {address}") }
    }

    /// Verifies a password against a hash, unless there were too many attempts. Without a hash it is wrong, after as long a time.
    pub async fn verify(
        &self,
        state: &AuthState,
        password: String,
        hash: Option<String>,
        now: Timestamp,
    ) -> Result<Verification, JournalError> {
        let journal = &state.journal;
        let accounts_max = u64::from(state.settings.server.login_tries);
        let since = now.checked_sub(WINDOW).unwrap_or(Timestamp::MIN);
        let count = async |allowed: u64| {
            let failed = |subject| journal.accounts().failed_logins(subject, since);
            let is_account_over = failed(&self.account).await? > accounts_max - 1 + allowed;
            let is_address_over = failed(&self.address).await? > accounts_max * ADDRESS_SHARE - 1 + allowed;
            Ok::<bool, JournalError>(is_account_over || is_address_over)
        };
        let _one_at_a_time = self.lock().lock().await;
        // Most of a flood ends here, without a write.
        if count(0).await? {
            return Ok(Verification::MustWait);
        }
        journal.accounts().record_failed_login(&[&self.account, &self.address], since, now).await?;
        // Other accounts are tried from the same address at this moment.
        if count(1).await? {
            journal.accounts().withdraw_failed_login(&[&self.account, &self.address], now).await?;
            return Ok(Verification::MustWait);
        }
        if !verify_password(password, hash).await {
            return Ok(Verification::Wrong);
        }
        journal.accounts().clear_failed_logins(&self.account).await?;
        journal.accounts().withdraw_failed_login(&[&self.address], now).await?;
        Ok(Verification::Right)
    }

    fn lock(&self) -> &'static Mutex<()> {
        let mut hasher = DefaultHasher::new();
        self.account.hash(&mut hasher);
        let at = usize::try_from(hasher.finish() % VERIFYING.len() as u64).unwrap_or_default();
        &VERIFYING[at]
    }
}

/// Where a request comes from: what a trusted proxy says, else the peer itself. Anybody else could say anything.
pub fn address_of(state: &AuthState, request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let is_trusted = |address: &IpAddr| state.settings.server.trusts_proxy(*address);
    let forwarded = request.headers().get_all("x-forwarded-for").into_iter();
    let forwarded: Option<Vec<&str>> = forwarded.map(|value| value.to_str().ok()).collect();
    let forwarded = forwarded?.join(",");
    // From the right: each trusted proxy vouches for the one before it.
    let mut address = peer;
    for named in forwarded.rsplit(',').map(str::trim).filter(|named| !named.is_empty()) {
        if !is_trusted(&address) {
            break;
        }
        match named.parse::<IpAddr>() {
            Ok(named) => address = named.to_canonical(),
            Err(_) => break,
        }
    }
    Some(address)
}
