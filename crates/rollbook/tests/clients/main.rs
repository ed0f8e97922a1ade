//! The clients against servers that misbehave at the level of bytes: what no polite stand-in would do.
//!
//! Everything runs on loopback; nothing sleeps. A hanging server is met by a short time-out of the client.

mod fake;
mod feed;
mod mail;
mod moodle;
