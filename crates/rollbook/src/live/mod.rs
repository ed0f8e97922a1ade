//! The live suite: what Rollbook believes of Moodle and of a community, as cases that any of them can be asked.
//!
//! One list of cases runs against the sandbox in the tests and against a real site by `rollbook live`; where the two differ,
//! the sandbox (or the product) is wrong. Each case makes what it needs under a prefix of its own, with the fixture token,
//! and what it made is removed again, also after a failure. It must never touch what it did not make, and no flow may use
//! it. Next: [`cases`], the list; [`Bench`], what a case works with.

mod bench;
mod cases;
mod clean;
mod community;
mod completer;
mod difference;
mod made;
mod report;
mod suite;

pub use bench::{Bench, LiveError, LiveOptions};
pub use cases::cases;
pub use community::LiveCommunity;
pub use completer::Completer;
pub use difference::{Checked, Difference};
pub use report::{CaseResult, LiveReport, System, Verdict};
pub use suite::{Case, Need, run_suite};
