//! What should be so, according to the systems that own the truth.

mod distinct;
mod enrolments;

pub use distinct::{Distinct, distinct_records};
pub(crate) use enrolments::says_otherwise;
pub use enrolments::{Group, for_each_person};
