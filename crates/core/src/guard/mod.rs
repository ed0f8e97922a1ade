//! Why a plan may not run: named checks over a plan, one file each, and the only way to a [`Cleared`] plan.

mod cleared;
mod completions;
mod corrections;
mod finding;
mod guilds;
mod intake;

pub use cleared::{Approval, Cleared, Refusal, clear};
pub use completions::{CompletionsView, check_completions};
pub use corrections::check_correction;
pub use finding::{Finding, Level};
pub use guilds::{GuildView, check_guilds};
pub use intake::{IntakeView, check_intake};
