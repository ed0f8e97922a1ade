//! The rules of the guilds flow as readable scenarios: a community, a Moodle, a plan, and what the guard says.
//!
//! In a community's text, `web: ann ben[mentor] -cat ?dan eve!` is a guild with five members: ben is a mentor there, cat is
//! blocked, dan is hidden from the reader, eve has no Moodle account.

mod cohorts;
mod guards;
mod members;
mod pains;
mod properties;
mod roles;
mod scope;
mod world;
