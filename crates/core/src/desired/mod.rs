//! What should be so, according to the systems that own the truth.

mod completions;
mod enrolments;

pub use completions::{
    Candidate, Look, OptedCourse, Scan, ScanKind, choose_scans, enrolment_number, follow_opt_ins, newest_enrolment,
    order_looks,
};
pub use enrolments::{Group, group_records};
