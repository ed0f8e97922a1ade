//! Cleared change → call → outcome.
//!
//! It makes no choices: what is not in the plan is not sent, and what is in it is sent in its order. It takes a cleared
//! plan, the proof of sight, and the proof that the run's lease is held. After an answer that did not come it reads the
//! remote record before it says anything. Next: [`intake`].

pub mod accounts;
pub mod elm;
pub mod guilds;
pub mod intake;
mod send;
mod settle;

pub use accounts::{Corrector, apply_correction};
pub use guilds::{AppliedChange, GuildWork, apply_guilds};
pub use intake::{Applied, Intake, apply_intake};
