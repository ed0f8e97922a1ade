//! Guilds and their cohorts, and what Rollbook owns in Moodle because of them: only that is ever removed.
//!
//! What is owned is loaded as core plans with it, and written change by change as each is done, with its events, in one
//! transaction.

mod own;

use super::runs::{NewEvent, append};
use super::store::{Row, args};
use super::{Guilds, JournalError, Lease};
use jiff::Timestamp;
use rollbook_core::model::{
    Assignment, CategoryId, CohortId, CommunityUserId, GuildPair, GuildUuid, LinkName, MachineName, MoodleCourseId,
    MoodleUserId, Owned, PairState, RoleContext, RoleId, RunId,
};
use serde_json::Value;

/// A change of what is owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// A guild has this cohort, this name, this label, this state.
    Pair(GuildUuid, GuildPair),
    /// A guild has no cohort any more; its cohort's members are not owned either.
    NoPair(GuildUuid, CohortId),
    /// A membership is owned, for this person where that is known.
    Member(CohortId, MoodleUserId, Option<CommunityUserId>),
    /// A membership is not owned any more.
    NoMember(CohortId, MoodleUserId),
    /// A role is owned, because this guild wants it for this person.
    Role(Assignment, GuildUuid, Option<CommunityUserId>),
    /// This guild does not want the role any more.
    NoRole(Assignment, GuildUuid),
}

/// What the last synchronisation of a guild came to.
#[derive(Clone, Debug, PartialEq)]
pub struct GuildSync {
    pub uuid: GuildUuid,
    /// How many members its cohort has.
    pub members: u64,
    pub stats: Value,
}

/// A guild as the dashboard shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct GuildRow {
    pub uuid: GuildUuid,
    /// Its cohort, name, label and state.
    pub pair: GuildPair,
    /// How many members its cohort has.
    pub members: u64,
    /// When it was synchronised last.
    pub last_sync: Option<Timestamp>,
    /// Whatever else was counted then.
    pub stats: Value,
}

impl Guilds<'_> {
    /// What Rollbook owns on a link.
    ///
    /// # Errors
    /// Those of the database; [`JournalError::Unreadable`] for a row of a newer Rollbook.
    pub async fn owned(self, link: &LinkName) -> Result<Owned, JournalError> {
        let mut owned = Owned::default();
        for guild in self.list(link).await? {
            owned.pairs.insert(guild.uuid, guild.pair);
        }
        let members = "SELECT cohort_id, user_id, person FROM owned_member WHERE link = $1";
        for row in self.store.rows(members, args![link.as_str()]).await? {
            let members = owned.members.entry(CohortId(row.int("cohort_id")?)).or_default();
            members.insert(MoodleUserId(row.int("user_id")?), row.maybe_int("person")?.map(CommunityUserId));
        }
        for row in self.store.rows("SELECT * FROM owned_role WHERE link = $1", args![link.as_str()]).await? {
            let wanted = owned.assignments.entry(assignment(&row)?).or_default();
            wanted.insert(GuildUuid::new(row.text("guild")?), row.maybe_int("person")?.map(CommunityUserId));
        }
        Ok(owned)
    }

    /// The guilds of a link, by label.
    ///
    /// # Errors
    /// Those of the database; [`JournalError::Unreadable`] for a row of a newer Rollbook.
    pub async fn list(self, link: &LinkName) -> Result<Vec<GuildRow>, JournalError> {
        let sql = "SELECT * FROM guild WHERE link = $1 ORDER BY label, uuid";
        self.store.rows(sql, args![link.as_str()]).await?.iter().map(guild_row).collect()
    }

    /// Writes what is owned now and what is not any more, in the order given, with its events; all or none.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn record_ownership(
        self,
        lease: &Lease,
        run: &RunId,
        changes: &[Ownership],
        events: &[NewEvent],
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        // Equal kinds that follow each other go together; the order between kinds may matter.
        for equal in changes.chunk_by(|left, right| std::mem::discriminant(left) == std::mem::discriminant(right)) {
            own::write(&mut tx, lease.link(), run, equal, now).await?;
        }
        append(&mut tx, Some(run), lease.link(), events, now).await?;
        tx.commit().await
    }

    /// Keeps what the synchronisation of guilds came to.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn record_sync(self, lease: &Lease, guilds: &[GuildSync], now: Timestamp) -> Result<(), JournalError> {
        let sql = "UPDATE guild SET members = $3, stats = $4, last_sync_ms = $5 WHERE link = $1 AND uuid = $2";
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        for GuildSync { uuid, members, stats } in guilds {
            tx.run(sql, args![lease.link().as_str(), uuid.as_str(), *members, stats.to_string(), now]).await?;
        }
        tx.commit().await
    }
}

fn guild_row(row: &Row) -> Result<GuildRow, JournalError> {
    let pair = GuildPair {
        cohort: CohortId(row.int("cohort_id")?),
        machine_name: MachineName::new(row.text("machine_name")?),
        label: row.text("label")?,
        state: row.word("state", |word| match word {
            LIVE => Some(PairState::Live),
            ARCHIVED => Some(PairState::Archived),
            _ => None,
        })?,
    };
    Ok(GuildRow {
        uuid: GuildUuid::new(row.text("uuid")?),
        pair,
        members: row.count("members")?,
        last_sync: row.maybe_time("last_sync_ms")?,
        stats: row.json("stats")?,
    })
}

const LIVE: &str = "live";
const ARCHIVED: &str = "archived";

fn assignment(row: &Row) -> Result<Assignment, JournalError> {
    let id = row.int("context_id")?;
    let context = row.word("context", |word| match word {
        "system" => Some(RoleContext::System),
        "category" => Some(RoleContext::Category(CategoryId(id))),
        "course" => Some(RoleContext::Course(MoodleCourseId(id))),
        _ => None,
    })?;
    Ok(Assignment { user: MoodleUserId(row.int("user_id")?), role: RoleId(row.int("role_id")?), context })
}
