//! Rollbook.

pub mod clients;
