//! Who may run, what a run says before it acts, and how runs are read.

mod lease;
mod plans;
mod reading;
