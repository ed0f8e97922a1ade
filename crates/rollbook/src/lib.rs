//! Rollbook as a library: the one binary is a thin main over it.

pub mod clients;
pub mod notify;
pub mod sources;
