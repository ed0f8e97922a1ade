//! Which completions are wanted, where to look for them, and whose to look at first.

mod enrolment;
mod opt_in;
mod poll;
mod scan;

pub use enrolment::{enrolment_number, newest_enrolment};
pub use opt_in::{OptedCourse, follow_opt_ins};
pub use poll::{Candidate, Look, order_looks};
pub use scan::{Scan, ScanKind, choose_scans};
