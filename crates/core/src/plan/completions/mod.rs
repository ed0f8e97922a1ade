//! The plan of completions: what Moodle shows, what the ELM enrolled, what was reported → reports and skips.

mod known;
mod planner;
mod report;

pub use known::{KnownCompletion, KnownCompletions};
pub use planner::{CompletionInputs, CompletionSkip, CompletionsPlan, plan_completions};
pub use report::{Report, ReportParts, is_same_report};
