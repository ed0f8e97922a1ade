//! Guilds and what they become: communities, cohorts, and which of both Rollbook owns.
//!
//! A value here says what a system holds; who is who is [`crate::matching`]'s business, what follows [`crate::plan`]'s.

mod cohort;
mod community;
mod guild;
mod machine_name;
mod owned;

pub use cohort::{Assignment, Cohort, CohortContext, CohortSide, CohortVisibility, RoleContext};
pub use community::{Absence, CanaryAccount, Community, CommunityPerson, Identity, PersonState};
pub use guild::{Guild, GuildMember, GuildStatus, NameHints};
pub use machine_name::{folded as folded_machine_name, machine_name};
pub use owned::{GuildPair, Owned, PairState};
