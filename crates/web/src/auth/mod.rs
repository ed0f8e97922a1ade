//! Who comes in, and what they may do there: sessions, passwords, login links, single sign-on, tokens.
//!
//! Reading order: [`permissions`], `user` for the check before every page, `login`, `password`, `throttle`.

mod account_name;
pub mod cookie;
mod login;
mod password;
pub mod permissions;
pub mod secrets;
pub mod sign_on;
mod state;
mod throttle;
pub mod user;

pub use account_name::{AccountNameError, account_name};
pub use login::local_path;
pub use password::{PasswordError, hash_password, verify_password};
pub use permissions::{Permission, Scope, may};
pub use secrets::{hash_secret, make_secret};
pub use state::AuthState;
pub use throttle::{Attempt, Verification, address_of};

use axum::Router;

/// Login and logout.
pub fn routes() -> Router<AuthState> {
    login::routes().merge(sign_on::routes())
}
