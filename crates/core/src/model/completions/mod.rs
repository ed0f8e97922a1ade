//! Completions: that somebody finished a course, when, and what the ELM knows that enrolment by.

mod course;
mod key;
mod seen;

pub use course::{OptIn, OptInCourse};
pub use key::CompletionKey;
pub use seen::{EnrolmentRecord, SeenBy, SeenCompletion};
