//! A progress bar, on a terminal only.
//!
//! It is drawn on standard error and leaves nothing behind. Next: [`super::Output::progress`].

use super::Signs;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar, or nothing. It vanishes when it is dropped.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    pub(super) fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    pub(super) fn shown(total: u64, what: &str, signs: Signs) -> Self {
        let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}")
            .expect("the template is a constant")
            .progress_chars(if signs == Signs::Unicode { "━╸ " } else { "#> " });
        Self(ProgressBar::new(total).with_style(style).with_message(what.to_owned()))
    }

    /// `more` things are done.
    pub fn advance(&self, more: u64) {
        self.0.inc(more);
    }

    /// There turned out to be `total` things.
    pub fn set_total(&self, total: u64) {
        self.0.set_length(total);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
