//! See `crates/rollbook/tests/corpora/history.rs`.

#![no_main]
#![allow(clippy::unwrap_used, reason = "a check may fail where it stands")]

#[allow(dead_code, reason = "a file is read: nobody is asked")]
#[path = "../../crates/rollbook/tests/corpora/far.rs"]
mod far;
#[path = "../../crates/rollbook/tests/corpora/history.rs"]
mod history;

libfuzzer_sys::fuzz_target!(|input: &[u8]| history::check(input));
