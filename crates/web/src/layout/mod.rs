//! What all pages share: the layout around them, how a time, a state and a number look, and how a page is answered.
//!
//! Reading order: [`PageContext`], which every handler of a page starts with, then `time`, `labels`, `parts`, `chart`.

mod chart;
mod context;
mod labels;
mod parts;
mod time;

pub use chart::{Chart, ChartColumn};
pub use context::{Layout, PageContext, PageLocation, PageResult, show};
pub use labels::{
    capitalise, code_label, flow_label, format_count, format_duration, kind_label, label_of, lower_label,
    outcome_badge, pluralise, run_badge, run_reason, sentence, summarise_response,
};
pub use parts::{Badge, NextPage, SelectOption, Tone};
pub use time::{ShownTime, TimeFormatter, zone_of};
