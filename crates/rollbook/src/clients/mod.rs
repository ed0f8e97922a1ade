//! How each remote system speaks: one folder or file a system, split into wire, read, write and error.
//!
//! A client turns typed questions into requests and answers into typed values or a named failure. It must never plan,
//! never touch the journal, never know another client, and never put a token into a URL or a log line.
//! Every failure says what it proves about the request, so that `apply` can choose between trying again and re-reading.
//! Next: [`http`] for the ground all of them stand on, then [`moodle`].

pub mod http;
pub mod measure;
pub mod retry;
pub mod words;

pub mod drupal;
pub mod moodle;
pub mod odata;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod smtp;
pub mod webhook;
