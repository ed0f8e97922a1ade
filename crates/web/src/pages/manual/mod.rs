//! What people do by hand: process records of the feed, send and retry completions. Each goes the ordinary way through the
//! process, only narrower.
//!
//! Next: `intake`, `completions`.

mod card;
mod completions;
mod intake;

pub(super) use completions::{cancel, preview, retry, send, show_completions, supply};
pub(super) use intake::{ask_feed, process, show_intake};
