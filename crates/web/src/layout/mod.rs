//! What all pages share: the frame around them, how a time, a state and a number look, and how a page is answered.
//!
//! Next: [`PageContext`], which every page starts with, then `when`, `words`, `parts`.

mod context;
mod chart;
mod parts;
mod time;
mod words;

pub use context::{Answer, PageContext, show};
pub use chart::{Chart, ChartColumn};
pub use parts::{Badge, SelectOption, NextPage, Tone};
pub use time::{TimeFormatter, ShownTime};
pub use words::{
    code_label, pluralise, flow_label, format_count, summarise_response, kind_label, format_duration, run_badge, run_reason, sentence,
    outcome_badge, label, words,
};

use super::assets::AssetPaths;

/// Where in the navigation a page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageLocation {
    /// The overview.
    Overview,
    /// What waits for a human.
    Attention,
    /// Plans.
    Plans,
    /// The learner log, and stories.
    Log,
    /// Courses.
    Courses,
    /// Completions.
    Completions,
    /// Runs.
    Runs,
    /// Guilds.
    Guilds,
    /// Intake by hand.
    Intake,
    /// Settings.
    Settings,
    /// The doctor.
    Doctor,
    /// Accounts and tokens.
    Accounts,
    /// One's own account; no entry of the navigation, but the name below it.
    Own,
}

/// An entry of the navigation.
#[derive(Clone, Debug)]
pub struct NavItem {
    /// Where it leads.
    pub path: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// Whether this page is it.
    pub is_current: bool,
    /// How many things wait there.
    pub waiting: u64,
}

/// Entries that belong together.
#[derive(Clone, Debug)]
pub struct NavGroup {
    /// What they are about.
    pub label: &'static str,
    /// The entries.
    pub items: Vec<NavItem>,
}

/// The frame around a page.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Where the assets are.
    pub assets: AssetPaths,
    /// The page's title.
    pub title: String,
    /// The navigation.
    pub nav: Vec<NavGroup>,
    /// Who looks.
    pub name: String,
    /// As what.
    pub role: &'static str,
    /// Whether this page is about themselves.
    pub is_own: bool,
    /// The token of every form.
    pub csrf: String,
    /// `light`, `dark`, or empty for what the browser prefers.
    pub theme: &'static str,
    /// This page's own path and query, to come back to.
    pub back: String,
    /// What the last act came to.
    pub said: String,
    /// Seconds between two looks of the script; 0 for none.
    pub live: u32,
}
