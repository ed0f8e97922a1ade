//! The clients against servers that misbehave at the level of bytes (what no polite stand-in would do), and against the
//! sandbox (what the real systems do).
//!
//! Everything runs on loopback; nothing sleeps. A hanging server is met by a short time-out of the client.
#![expect(clippy::unwrap_used, reason = "clippy's exception for tests does not reach the functions they share")]

mod community;
mod dialects;
mod fake;
mod feed;
mod mail;
mod moodle;
mod sandbox;
