//! Commands about who may come in: accounts of people, tokens of programs.
//!
//! Next: [`account`], [`token`].

mod account;
mod token;

pub(super) use account::{AccountCommand, login_link};
pub(super) use token::TokenCommand;

use jiff::tz::TimeZone;

/// A moment for people, in UTC: accounts belong to no link.
fn shown(at: jiff::Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}
