//! How Rollbook speaks to other people's systems: one bounded HTTP exchange at a time, and read-only SQL.
//!
//! Every failure says what it proves about the request, so that the caller can choose between trying again and reading again.

pub mod database;
pub mod http;
pub mod measure;
pub mod oauth2;
pub mod retry;
pub mod words;
