//! A real browser drives a real server over the sandbox, through every page: by hand what a person would do, then a look at
//! each page in light and dark, on a desk and on a phone, where axe may find no fault.
//!
//! It needs Debian's Chromium and its driver; `./dev test` installs them. Next: [`driver`], then [`tour`].

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod driver;
mod plain;
mod search;
mod served;
#[path = "../web/stage.rs"]
#[expect(dead_code, reason = "it is shared with the tests of the pages, which need more of it")]
mod stage;
mod tour;
