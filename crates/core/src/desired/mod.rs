//! What should be so, according to the systems that own the truth.

mod enrolments;

pub use enrolments::{Group, group_records};
