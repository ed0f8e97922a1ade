//! What should be so, according to the systems that own the truth.

mod distinct;
mod enrolments;
mod guilds;

pub use distinct::{Distinct, distinct_records};
pub(crate) use enrolments::says_otherwise;
pub use enrolments::{Group, group_records};
pub use guilds::{Member, NameClaim, NewMember, claim_names, match_people};
