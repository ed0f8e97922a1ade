//! What people read: folds of what the journal knows into sentences. CLI, web, mail and JSON share them.
//!
//! It tells and never decides: what a run does follows from [`crate::plan`] alone.

mod advice;
mod causes;
mod chain;
mod completion;
mod explain;
mod known;
mod summary;

pub use advice::advice;
pub use causes::with_causes;
pub use chain::Moment;
pub use explain::{Explanation, explain, explain_with};
pub use known::{Applied, Circumstances, Delivered, Finished, Known, NowInMoodle, RecordStory, Reporting};
pub use summary::summarise;
