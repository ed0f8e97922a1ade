//! Intake: feed records → accounts and enrolments.
//!
//! A crash anywhere is repaired by the next run: records without a verdict are planned again from a fresh look at Moodle,
//! and what the dead run set out to do and did counts as done. Next: `run`, which is the whole flow on one screen.

mod apply;
mod feed_view;
mod read;
mod record;
mod report;
mod request;
mod run;
mod world;

pub use crate::engine::Purpose;
pub use feed_view::query_feed;
pub use report::{IntakeError, IntakeReport};
pub use request::{IntakeQuery, IntakeRequest};
pub use run::run_intake;

use crate::notify::welcome::WelcomeTemplates;
use jiff::SignedDuration;
use lettre::message::Mailbox;
use rollbook_core::model::LinkName;
use rollbook_core::policy::IntakePolicy;
use rollbook_core::window::WindowPolicy;
use rollbook_elm::client::FeedClient;
use rollbook_elm::feed::FeedFormat;
use rollbook_moodle::client::MoodleClient;
use rollbook_remote::database::Database;
use std::time::Duration;

/// One intake link, ready to run.
pub struct IntakeFlow {
    /// The link.
    pub link: LinkName,
    /// The ELM's feed.
    pub feed: FeedClient,
    /// How its rows are read.
    pub format: FeedFormat,
    /// The Moodle.
    pub moodle: MoodleClient,
    /// Its database, read only, where that is given.
    pub database: Option<Database>,
    /// Calls to it at the same time.
    pub concurrency: usize,
    /// The rules.
    pub policy: IntakePolicy,
    /// How the window is chosen.
    pub window: WindowPolicy,
    /// The account that must be seen, as the operator named it.
    pub sentinel: Option<String>,
    /// Records that wait and are taken up in one run, at most.
    pub waiting_max: u32,
    /// The welcome mail, where Rollbook sends it.
    pub welcome: Option<WelcomeKit>,
    /// How long the lease lasts without a sign of life.
    pub lease: SignedDuration,
    /// A run that takes longer is stopped safely; `None` for one that somebody watches.
    pub limit: Option<Duration>,
}

/// What a welcome mail is made from.
pub struct WelcomeKit {
    /// The templates, compiled.
    pub templates: WelcomeTemplates,
    /// The sender.
    pub from: Mailbox,
    /// Where help is; may be empty.
    pub help_url: String,
    /// The last lines.
    pub signature: String,
}
