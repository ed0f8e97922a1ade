//! See `crates/rollbook/tests/corpora/event.rs`.

#![no_main]
#![allow(clippy::unwrap_used, reason = "a check may fail where it stands")]

#[path = "../../crates/rollbook/tests/corpora/event.rs"]
mod event;

libfuzzer_sys::fuzz_target!(|input: &[u8]| event::check(input));
