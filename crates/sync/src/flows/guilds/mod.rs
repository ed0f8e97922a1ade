//! Guilds: a community's groups, members and roles → Moodle's cohorts, members and role assignments.
//!
//! A crash anywhere is repaired by the next run: it looks at both sides afresh and gives credit for what the dead run set out
//! to do and did. Next: `run`, which is the whole flow on one screen.

mod apply;
mod collect;
mod find;
mod record;
mod report;
mod run;
mod setup;
mod status;

pub use crate::engine::Purpose;
pub use apply::AppliedChange;
pub use find::find_guild;
pub use report::{CommunitySite, GuildsError, GuildsReport, MoodleSite, Seen, Sites, Watch};
pub use run::run_guilds;
pub use setup::{guild_rights, make_community, make_guilds};
pub use status::{GuildsStatus, LastRun, Reach, SiteStatus, look_at_guilds};

use jiff::SignedDuration;
use rollbook_community::snapshot::CommunitySource;
use rollbook_core::model::{LinkName, SiteName};
use rollbook_core::policy::GuildPolicy;
use rollbook_moodle::client::MoodleClient;
use rollbook_remote::database::Database;
use std::time::Duration;

/// One guilds link, ready to run.
#[derive(Clone, Debug)]
pub struct GuildsFlow {
    /// The link.
    pub link: LinkName,
    /// The community's name.
    pub from: SiteName,
    /// The Moodle's name.
    pub to: SiteName,
    /// The community.
    pub community: CommunitySource,
    /// The community's address, for people.
    pub community_url: String,
    /// The Moodle.
    pub moodle: MoodleClient,
    /// The Moodle's database, where it may be read.
    pub database: Option<Database>,
    /// Calls to Moodle at the same time.
    pub concurrency: usize,
    /// The rules.
    pub policy: GuildPolicy,
    /// The member whom the community must show.
    pub community_sentinel: Option<String>,
    /// The account that Moodle must show, as the operator named it.
    pub moodle_sentinel: Option<String>,
    /// How long the lease lasts without a sign of life.
    pub lease: SignedDuration,
    /// A run that takes longer is stopped safely; `None` for one that somebody watches.
    pub limit: Option<Duration>,
}

/// What a run is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuildsQuery {
    /// All guilds.
    All,
    /// One guild, by machine name, label, number or UUID.
    Guild(String),
    /// One person, by number, user name or mail address.
    Person(String),
}

/// A request for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuildsRequest {
    /// What is asked for.
    pub query: GuildsQuery,
    /// Whether anything may change.
    pub purpose: Purpose,
    /// Who asks.
    pub author: String,
}
