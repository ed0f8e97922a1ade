//! See `crates/rollbook/tests/corpora/config.rs`.

#![no_main]
#![allow(clippy::unwrap_used, reason = "a check may fail where it stands")]

#[path = "../../crates/rollbook/tests/corpora/config.rs"]
mod config;

libfuzzer_sys::fuzz_target!(|input: &[u8]| config::check(input));
