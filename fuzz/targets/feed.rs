//! See `crates/rollbook/tests/corpora/feed.rs`.

#![no_main]
#![allow(clippy::unwrap_used, reason = "a check may fail where it stands")]

#[path = "../../crates/rollbook/tests/corpora/far.rs"]
mod far;
#[path = "../../crates/rollbook/tests/corpora/feed.rs"]
mod feed;

libfuzzer_sys::fuzz_target!(|input: &[u8]| feed::check(input));
