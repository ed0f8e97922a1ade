//! What should be so, according to the systems that own the truth.

mod completions;
mod enrolments;
mod guilds;
mod resolution;

pub use completions::{
    Candidate, OptedCourse, PersonPoll, Scan, ScanKind, choose_scans, enrolment_at, enrolment_number, follow_opt_ins,
    newest_enrolment, order_polls,
};
pub use enrolments::{Distinct, Group, distinct_records, for_each_person};
pub use guilds::{Member, NameClaim, NewMember, claim_names, match_people};
pub use resolution::AppliedState;
pub(crate) use resolution::{Resolution, Rules, resolve};
