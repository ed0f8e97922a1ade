//! What a Moodle says about completions: which courses want them reported, and who has completed what, when.
//!
//! Two ways that give the same values: web services, one call a person, which show only who is active in a course
//! (`opt_in`, `poll`); and the read-only database, one query for all (`database`).

mod database;
mod opt_in;
mod poll;

pub use database::{PAGE_ROWS, read_completions, read_opt_ins, read_people};
pub use opt_in::find_opt_ins;
pub use poll::{Asking, CallBudget, Polled, poll_completions};
