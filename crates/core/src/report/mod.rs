//! What people read: folds of what the journal knows into sentences. CLI, web, mail and JSON share them.

mod explain;

pub use explain::{Delivered, Explanation, Known, Moment, NowInMoodle, RecordStory, explain};
