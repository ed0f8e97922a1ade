//! See `crates/rollbook/tests/corpora/moodle.rs`.

#![no_main]
#![allow(clippy::unwrap_used, reason = "a check may fail where it stands")]

#[path = "../../crates/rollbook/tests/corpora/far.rs"]
mod far;
#[path = "../../crates/rollbook/tests/corpora/moodle.rs"]
mod moodle;

libfuzzer_sys::fuzz_target!(|input: &[u8]| moodle::check(input));
