//! A change as a line of the printed plan.

use super::{GuildChange, MemberChange, MemberRef, Retire, RoleChange};
use crate::model::{CohortId, counted};
use std::fmt;

impl fmt::Display for MemberRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => write!(out, "account {id}"),
            Self::New(_) => out.write_str("new account"),
        }
    }
}

impl fmt::Display for GuildChange {
    /// A line of the printed plan.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cohort = |id: &Option<CohortId>| id.map_or_else(|| "new cohort".to_owned(), |id| format!("cohort {id}"));
        let member = |out: &mut fmt::Formatter<'_>, verb: &str, preposition: &str, change: &MemberChange| {
            let MemberChange { cohort: id, user, name, why, guild: _, person: _ } = change;
            write!(out, "{verb} {name} ({user}) {preposition} {}: {why}", cohort(id))
        };
        let role = |out: &mut fmt::Formatter<'_>, verb: &str, preposition: &str, change: &RoleChange| {
            let RoleChange { user, role, context, name, why, guild: _, person: _ } = change;
            write!(out, "{verb} role {role} in {context} {preposition} {name} ({user}): {why}")
        };
        match self {
            Self::CreateAccount(new) => write!(out, "create account {} for user {}", new.username, new.person),
            Self::CreateCohort { form, why, .. } => {
                write!(out, "create cohort {} \"{}\": {why}", form.idnumber, form.name)
            }
            Self::AdoptCohort { cohort, idnumber, members, why, .. } => {
                write!(out, "adopt cohort {cohort} {idnumber} with {}: {why}", counted(members.len(), "member"))
            }
            Self::UpdateCohort { cohort, form, why, .. } => {
                write!(out, "update cohort {cohort} to {} \"{}\": {why}", form.idnumber, form.name)
            }
            Self::NoteMember(change) => member(out, "note", "in", change),
            Self::AddMember(change) => member(out, "add", "to", change),
            Self::AssignRole(change) => role(out, "assign", "to", change),
            Self::ClaimRole(change) => role(out, "keep", "for", change),
            Self::UnassignRole(change) => role(out, "unassign", "from", change),
            Self::ReleaseRole(change) => role(out, "no longer need", "for", change),
            Self::RemoveMember(change) => member(out, "remove", "from", change),
            Self::ForgetMember(change) => member(out, "forget", "in", change),
            Self::RetireCohort { cohort, retire, why, .. } => {
                let verb = match retire {
                    Retire::Hide(_) => "archive",
                    Retire::Keep => "keep",
                    Retire::Delete => "delete",
                    Retire::Gone => "forget",
                };
                write!(out, "{verb} cohort {cohort}: {why}")
            }
        }
    }
}
