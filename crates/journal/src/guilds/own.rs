//! Writes changes of what is owned, those of one kind together.

use super::{ARCHIVED, LIVE, Ownership};
use crate::JournalError;
use crate::store::{Bulk, Tx, args, row};
use jiff::Timestamp;
use rollbook_core::model::{
    Assignment, CohortId, CommunityUserId, GuildPair, GuildUuid, LinkName, MoodleUserId, PairState, RoleContext,
    RoleId, RunId,
};
use std::collections::BTreeMap;

row! {
    struct MemberRow {
        cohort_id: CohortId,
        user_id: MoodleUserId,
        person: Option<CommunityUserId>,
    }
}

const OWN_MEMBER: &str = "
    INSERT INTO owned_member (link, at_ms, run, {columns})
    SELECT $2, $3, $4, {values} FROM {rows} WHERE true
    ON CONFLICT (link, cohort_id, user_id) DO UPDATE SET person = excluded.person";

const DISOWN_MEMBER: &str = "
    DELETE FROM owned_member WHERE link = $2
        AND (cohort_id, user_id) IN (SELECT r.cohort_id, r.user_id FROM {rows})";

row! {
    struct RoleRow<'a> {
        user_id: MoodleUserId,
        role_id: RoleId,
        context: &'static str,
        context_id: i64,
        guild: &'a GuildUuid,
        person: Option<CommunityUserId>,
    }
}

const OWN_ROLE: &str = "
    INSERT INTO owned_role (link, at_ms, run, {columns})
    SELECT $2, $3, $4, {values} FROM {rows} WHERE true
    ON CONFLICT (link, user_id, role_id, context, context_id, guild) DO UPDATE SET person = excluded.person";

const DISOWN_ROLE: &str = "
    DELETE FROM owned_role WHERE link = $2 AND (user_id, role_id, context, context_id, guild)
        IN (SELECT r.user_id, r.role_id, r.context, r.context_id, r.guild FROM {rows})";

const PUT_PAIR: &str = "
    INSERT INTO guild (link, uuid, machine_name, label, cohort_id, state) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (link, uuid) DO UPDATE SET machine_name = excluded.machine_name, label = excluded.label,
        cohort_id = excluded.cohort_id, state = excluded.state";

/// Writes changes that are all of one kind.
pub(super) async fn write(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    equal: &[Ownership],
    now: Timestamp,
) -> Result<(), JournalError> {
    let own = args![link.as_str(), now, run.as_str()];
    let disown = args![link.as_str()];
    match equal.first() {
        None => {}
        Some(Ownership::Member(..)) => drop(tx.bulk_run(OWN_MEMBER, &members(equal), own).await?),
        Some(Ownership::NoMember(..)) => drop(tx.bulk_run(DISOWN_MEMBER, &members(equal), disown).await?),
        Some(Ownership::Role(..)) => drop(tx.bulk_run(OWN_ROLE, &roles(equal), own).await?),
        Some(Ownership::NoRole(..)) => drop(tx.bulk_run(DISOWN_ROLE, &roles(equal), disown).await?),
        Some(Ownership::Pair(..) | Ownership::NoPair(..)) => pairs(tx, link, equal).await?,
    }
    Ok(())
}

async fn pairs(tx: &mut Tx, link: &LinkName, equal: &[Ownership]) -> Result<(), JournalError> {
    for change in equal {
        match change {
            Ownership::Pair(uuid, GuildPair { cohort, machine_name, label, state }) => {
                let state = match state {
                    PairState::Live => LIVE,
                    PairState::Archived => ARCHIVED,
                };
                let args = args![link.as_str(), uuid.as_str(), machine_name.as_str(), label, cohort.0, state];
                tx.run(PUT_PAIR, args).await?;
            }
            Ownership::NoPair(uuid, cohort) => {
                let sql = "DELETE FROM guild WHERE link = $1 AND uuid = $2";
                tx.run(sql, args![link.as_str(), uuid.as_str()]).await?;
                let sql = "DELETE FROM owned_member WHERE link = $1 AND cohort_id = $2";
                tx.run(sql, args![link.as_str(), cohort.0]).await?;
            }
            Ownership::Member(..) | Ownership::NoMember(..) | Ownership::Role(..) | Ownership::NoRole(..) => {}
        }
    }
    Ok(())
}

/// One row per membership; of several changes the last counts.
fn members(equal: &[Ownership]) -> Bulk {
    let mut rows = BTreeMap::new();
    for change in equal {
        let (cohort_id, user_id, person) = match change {
            Ownership::Member(cohort, user, person) => (*cohort, *user, *person),
            Ownership::NoMember(cohort, user) => (*cohort, *user, None),
            Ownership::Pair(..) | Ownership::NoPair(..) | Ownership::Role(..) | Ownership::NoRole(..) => continue,
        };
        rows.insert((cohort_id, user_id), MemberRow { cohort_id, user_id, person });
    }
    Bulk::pack(&rows.into_values().collect::<Vec<_>>())
}

/// One row per assignment and guild; of several changes the last counts.
fn roles(equal: &[Ownership]) -> Bulk {
    let mut rows = BTreeMap::new();
    for change in equal {
        let (assignment, guild, person) = match change {
            Ownership::Role(assignment, guild, person) => (assignment, guild, *person),
            Ownership::NoRole(assignment, guild) => (assignment, guild, None),
            Ownership::Pair(..) | Ownership::NoPair(..) | Ownership::Member(..) | Ownership::NoMember(..) => continue,
        };
        let Assignment { user, role, context } = *assignment;
        let (word, context_id) = match context {
            RoleContext::System => ("system", 0),
            RoleContext::Category(id) => ("category", id.0),
            RoleContext::Course(id) => ("course", id.0),
        };
        let row = RoleRow { user_id: user, role_id: role, context: word, context_id, guild, person };
        rows.insert((assignment, guild), row);
    }
    Bulk::pack(&rows.into_values().collect::<Vec<_>>())
}
