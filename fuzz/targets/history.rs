//! See `crates/rollbook/tests/corpora/history.rs`.

#![no_main]
#![allow(clippy::unwrap_used, reason = "a check may fail where it stands")]

#[path = "../../crates/rollbook/tests/corpora/history.rs"]
mod history;
#[path = "../../crates/rollbook/tests/corpora/far.rs"]
mod far;

libfuzzer_sys::fuzz_target!(|input: &[u8]| history::check(input));
