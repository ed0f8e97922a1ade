//! The numbers that a run of guilds ends with.

use crate::plan::GuildChange;
use crate::run::Outcome;
use serde::{Deserialize, Serialize};

/// The numbers that a run of guilds ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildCounts {
    /// Guilds that were looked at.
    pub guilds: u64,
    /// Cohorts made, taken over, changed or retired.
    pub cohorts: u64,
    /// Members put into cohorts.
    pub added: u64,
    /// Members taken out of cohorts.
    pub removed: u64,
    /// Members who were where they should be.
    pub unchanged: u64,
    /// Roles assigned.
    pub roles_assigned: u64,
    /// Roles taken away.
    pub roles_unassigned: u64,
    /// Accounts made.
    pub accounts: u64,
    /// Members, guilds and roles that were left alone and that a person should look at.
    pub waiting: u64,
    /// Changes that Moodle refused.
    pub refused: u64,
    /// Changes of which nothing is known, or that were not tried.
    pub open: u64,
    /// Calls to Moodle.
    pub calls: u64,
}

impl GuildCounts {
    /// Counts one change and what became of it.
    pub fn add(&mut self, change: &GuildChange, outcome: &Outcome) {
        match outcome {
            Outcome::Refused { .. } => self.refused += 1,
            Outcome::Unknown | Outcome::NotTried { .. } => self.open += 1,
            Outcome::AlreadySo if matches!(change, GuildChange::AddMember(_)) => self.unchanged += 1,
            Outcome::Done | Outcome::AlreadySo => match change {
                GuildChange::CreateAccount(_) => self.accounts += 1,
                GuildChange::CreateCohort { .. }
                | GuildChange::AdoptCohort { .. }
                | GuildChange::UpdateCohort { .. }
                | GuildChange::RetireCohort { .. } => self.cohorts += 1,
                GuildChange::AddMember(_) => self.added += 1,
                GuildChange::RemoveMember(_) => self.removed += 1,
                GuildChange::AssignRole(_) => self.roles_assigned += 1,
                GuildChange::UnassignRole(_) => self.roles_unassigned += 1,
                GuildChange::NoteMember(_)
                | GuildChange::ForgetMember(_)
                | GuildChange::ClaimRole(_)
                | GuildChange::ReleaseRole(_) => {}
            },
        }
    }
}
