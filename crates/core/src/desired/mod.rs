//! What should be so, according to the systems that own the truth.

mod completions;
mod distinct;
mod enrolments;
mod guilds;

pub use completions::{
    Candidate, Look, OptedCourse, Scan, ScanKind, choose_scans, enrolment_number, follow_opt_ins, newest_enrolment,
    order_looks,
};
pub use distinct::{Distinct, distinct_records};
pub(crate) use enrolments::says_otherwise;
pub use enrolments::{Group, for_each_person};
pub use guilds::{Member, NameClaim, NewMember, claim_names, match_people};
