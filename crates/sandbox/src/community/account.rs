//! Who is asking. A wrong password is no error: the request goes on as anonymous, and after five of them the right
//! password is wrong as well.

use jiff::{SignedDuration, Timestamp};

use super::rights::Rights;
use super::state::Community;
use super::{Asked, token};
use crate::server::{Reply, form};

/// A failed login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name that was tried, in lower case.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// The account behind a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    /// `None`: anonymous.
    pub(super) account: Option<i64>,
    pub(super) rights: Rights,
    /// Credentials were sent.
    pub(super) tried: bool,
}

/// Failures of one account after which it is locked, and for how many hours they count.
const ACCOUNT_LIMIT: (usize, i64) = (5, 6);
/// Failures from one address after which it is locked, and for how many hours they count.
const ADDRESS_LIMIT: (usize, i64) = (50, 1);

impl Caller {
    pub(super) fn of(community: &mut Community, asked: &Asked, now: Timestamp) -> Result<Self, Reply> {
        let Some(header) = asked.header("authorization").map(str::to_owned) else {
            return Ok(Self::default());
        };
        if let Some(text) = header.strip_prefix("Bearer ") {
            return token::caller(community, text, now);
        }
        let anonymous = Self { tried: true, ..Self::default() };
        let Some((name, password)) = form::basic(&header) else {
            return Ok(anonymous);
        };
        let key = name.to_lowercase();
        let account = community.account_named(&name);
        let right = account.filter(|account| account.active && account.password.as_deref() == Some(&password));
        let found = right.map(|account| (account.uid, account.rights));
        if flooded(community, &key, now) {
            return Ok(anonymous);
        }
        let Some((uid, rights)) = found else {
            community.failed.push(Login { name: key, at: now });
            return Ok(anonymous);
        };
        community.failed.retain(|login| login.name != key);
        Ok(Self { account: Some(uid), rights, tried: true })
    }
}

fn flooded(community: &Community, name: &str, now: Timestamp) -> bool {
    let since = |hours: i64| now - SignedDuration::from_hours(hours);
    let (account_max, account_hours) = ACCOUNT_LIMIT;
    let (address_max, address_hours) = ADDRESS_LIMIT;
    let by_name = community.failed.iter().filter(|login| login.name == name && login.at > since(account_hours));
    let by_address = community.failed.iter().filter(|login| login.at > since(address_hours));
    by_name.count() >= account_max || by_address.count() >= address_max
}
