//! What becomes of the feed's records, and how people find and settle them.

mod attention;
mod decide;
mod feed;
mod history;
mod log;
