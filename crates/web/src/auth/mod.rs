//! Who comes in, and what they may do there: sessions, passwords, login links, single sign-on, tokens of programs.
//!
//! ReadErrors order: [`permissions`], `user` for the one guard_state before every page, `login`, then `headers` for what lies around
//! every answer.

mod cookie;
mod headers;
mod login;
mod password;
pub mod permissions;
mod secret;
pub mod sign_on;
mod throttle;
mod user;

pub use cookie::Cookie;
pub use headers::wrap;
pub use login::local;
pub use password::{PasswordError, hash_password, verify_password};
pub use permissions::{Permission, Scope, may};
pub use secret::{hash_secret, make_secret};
pub use throttle::{Attempt, address_of};
pub use user::{AuthUser, RouteGuard, guard};

use super::WebState;
use axum::Router;

/// Login and logout.
pub fn routes() -> Router<WebState> {
    login::routes().merge(sign_on::routes())
}
