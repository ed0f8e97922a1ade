//! Rollbook as a library: the one binary is a thin main over it.

pub mod journal;
pub mod notify;
