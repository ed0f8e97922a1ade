//! What people read, folded from what the journal knows; the command line, the pages, the mails and JSON share it.
//!
//! It tells and never decides: what a run does follows from [`crate::plan`] alone. Values in, sentences out.

mod advice;
mod case;
mod completion;
mod explain;
mod summary;

pub use advice::advice;
pub use case::{
    Case, Completion, CourseOf, EventStory, MoodleAnswer, MoodleNow, OutboxKind, OutboxState, OutboxStory, PersonOf,
    RecordStory, Reporting,
};
pub use explain::{Explanation, explain};
pub use summary::summarise;
