//! A community's tables, read only: groups, memberships, roles and people in one pass, whatever the site's size.

use super::assemble::{GroupRow, MembershipRow, Rows, assemble, is_meant, look_for_sentinel, person};
use super::queries::{self, Queries};
use super::{Access, CommunityError, CommunityQuestion, GroupSelection, Part};
use jiff::Timestamp;
use rollbook_core::model::{
    Absence, CanaryAccount, Community, CommunityPerson, CommunityUserId, GroupId, Guild, GuildRole, GuildStatus,
    GuildUuid, Identity, NameHints, PersonState,
};
use rollbook_core::snapshot::Snapshot;
use rollbook_remote::database::{Arg, Database, Row};
use std::collections::{BTreeMap, BTreeSet};

/// A community, by its tables.
#[derive(Clone, Debug)]
pub struct SqlCommunity {
    tables: Database,
    selection: GroupSelection,
}

impl SqlCommunity {
    /// Over these tables; `name_field` holds machine names.
    pub fn new(tables: Database, guilds: impl Into<GroupSelection>, name_field: Option<&str>) -> Self {
        let mut selection = guilds.into();
        selection.name_field = name_field.map(str::to_owned).or(selection.name_field);
        Self { tables, selection }
    }

    /// Finds out which version of the module there is.
    ///
    /// # Errors
    /// [`CommunityError`]
    pub async fn open(&self) -> Result<OpenSql, CommunityError> {
        let queries = Queries::detect(&self.tables, self.selection.name_field.as_deref()).await?;
        let queries = queries.ok_or(CommunityError::NoGroupModule)?;
        let access = Access { group_version: Some(queries.group_version()), way: "SQL", account: None };
        let selection = self.selection.clone();
        let types = match selection.types.iter().any(|name| name == "*") {
            true => {
                let rows = self.tables.rows("reading types of groups", queries::GROUP_TYPES, &[]).await?;
                rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?
            }
            false => selection.types.clone(),
        };
        Ok(OpenSql { tables: self.tables.clone(), selection, types, queries, access })
    }
}

/// A community whose tables are known.
#[derive(Clone, Debug)]
pub struct OpenSql {
    pub(super) tables: Database,
    selection: GroupSelection,
    /// The types, by name.
    types: Vec<String>,
    queries: Queries,
    pub(super) access: Access,
}

impl OpenSql {
    /// Reads a part.
    ///
    /// # Errors
    /// [`CommunityError`]; nothing is known then.
    pub async fn collect(
        &self,
        question: &CommunityQuestion,
        now: Timestamp,
    ) -> Result<Snapshot<Community>, CommunityError> {
        let groups = self.fetch_groups().await?;
        let all: BTreeMap<&GuildUuid, GroupId> = groups.iter().map(|group| (&group.uuid, group.number)).collect();
        let narrow = match &question.part {
            Part::All => None,
            Part::Guild(uuid) => Some(("gid", all.get(uuid).map_or(0, |number| number.0))),
            Part::Person { person, .. } => Some(("entity_id", person.0)),
        };
        let memberships = self.fetch_memberships(narrow).await?;
        let people = self.fetch_people(narrow).await?;
        let sentinel = match (&question.part, &question.sentinel) {
            (_, None) | (Part::All, _) => {
                let members: BTreeSet<_> = memberships.iter().map(|row| row.person).collect();
                let members = people.iter().filter(|person| members.contains(&person.id));
                look_for_sentinel(question.sentinel.as_deref(), members)
            }
            (Part::Guild(_) | Part::Person { .. }, Some(word)) => self.find_sentinel(word).await?,
        };
        let missing = question.known.iter().filter(|uuid| !all.contains_key(uuid));
        let mut missing: BTreeMap<GuildUuid, Absence> = missing.map(|uuid| (uuid.clone(), Absence::Deleted)).collect();
        // What the configuration leaves out is there, and is none of ours: its cohort stays as it is.
        let left_out = groups.iter().filter(|group| !self.selection.takes(&group.label)).map(|group| &group.uuid);
        missing
            .extend(left_out.filter(|uuid| question.known.contains(uuid)).map(|uuid| (uuid.clone(), Absence::Denied)));
        let of_person: BTreeSet<GroupId> = memberships.iter().map(|row| row.group).collect();
        let groups = groups.into_iter().filter(|group| self.selection.takes(&group.label));
        let groups = groups.filter(|group| is_shown(group, &question.part, &of_person)).collect();
        let rows = Rows { groups, memberships, people, missing };
        Ok(Snapshot::complete(now, assemble(rows, &self.selection, Identity::Database, sentinel)))
    }

    /// Every guild, without members.
    ///
    /// # Errors
    /// [`CommunityError`]
    pub async fn list(&self) -> Result<Vec<Guild>, CommunityError> {
        let mut groups = self.fetch_groups().await?;
        groups.retain(|group| self.selection.takes(&group.label));
        let rows = Rows { groups, ..Rows::default() };
        Ok(assemble(rows, &self.selection, Identity::Database, CanaryAccount::NotConfigured).guilds)
    }

    /// The people whom a word (number, user name, mail address) could mean.
    ///
    /// # Errors
    /// [`CommunityError`]
    pub async fn find_person(&self, word: &str) -> Result<Vec<CommunityPerson>, CommunityError> {
        let word = word.trim();
        let (sql, args) = match word.parse::<i64>() {
            Ok(number) => (queries::PERSON_BY_NUMBER, vec![Arg::Int(number)]),
            Err(_) => (queries::PERSON_BY_NAME, vec![Arg::Text(word.to_lowercase()), Arg::Text(word.to_lowercase())]),
        };
        let rows = self.tables.rows("looking for a person", sql, &args).await?;
        let people = rows.iter().map(read_person).collect::<Result<Vec<_>, _>>()?;
        Ok(people.into_iter().filter(|person| is_meant(person, word)).collect())
    }

    async fn fetch_groups(&self) -> Result<Vec<GroupRow>, CommunityError> {
        let types: Vec<Arg> = self.types.iter().map(|name| Arg::from(name.as_str())).collect();
        let rows = self.tables.rows("reading groups", &self.queries.groups(), &types).await?;
        let mut aliases = self.fetch_aliases().await?;
        let mut fields = BTreeMap::<i64, String>::new();
        if let Some(sql) = self.queries.name_fields() {
            for row in self.tables.rows("reading machine names", &sql, &[]).await? {
                fields.insert(row.int(0)?, row.text(1)?);
            }
        }
        let group = |row: &Row| {
            let number = row.int(0)?;
            let alias =
                aliases.remove(&number).and_then(|aliases| best_alias(aliases, &row.text(4).unwrap_or_default()));
            Ok(GroupRow {
                kind: row.text(5)?,
                number: GroupId(number),
                uuid: GuildUuid(row.text(1)?),
                label: row.maybe_text(2)?.unwrap_or_default(),
                status: if row.int(3)? == 0 { GuildStatus::Unpublished } else { GuildStatus::Published },
                hints: NameHints { field: fields.remove(&number), kept: None, alias },
            })
        };
        rows.iter().map(group).collect()
    }

    /// Each group's aliases with their languages, oldest first.
    async fn fetch_aliases(&self) -> Result<BTreeMap<i64, Vec<(String, String)>>, CommunityError> {
        let mut aliases = BTreeMap::<i64, Vec<(String, String)>>::new();
        let Some(sql) = self.queries.aliases() else { return Ok(aliases) };
        for row in self.tables.rows("reading path aliases", sql, &[]).await? {
            let path = row.text(0)?;
            if let Some(number) = path.strip_prefix("/group/").and_then(|number| number.parse().ok()) {
                aliases.entry(number).or_default().push((row.text(1)?, row.text(2)?));
            }
        }
        Ok(aliases)
    }

    pub(super) async fn fetch_memberships(
        &self,
        narrow: Option<(&str, i64)>,
    ) -> Result<Vec<MembershipRow>, CommunityError> {
        let args = self.membership_args(narrow);
        let column = narrow.map(|(column, _)| column);
        let rows = self.tables.rows("reading memberships", &self.queries.memberships(column), &args).await?;
        let mut memberships = BTreeMap::new();
        for row in rows {
            let (group, person) = (GroupId(row.int(1)?), CommunityUserId(row.int(2)?));
            memberships.insert(row.int(0)?, MembershipRow { group, person, roles: Vec::new() });
        }
        for row in self.tables.rows("reading roles", &self.queries.roles(column), &args).await? {
            if let Some(membership) = memberships.get_mut(&row.int(0)?) {
                membership.roles.push(GuildRole(row.text(1)?));
            }
        }
        Ok(memberships.into_values().collect())
    }

    async fn fetch_people(&self, narrow: Option<(&str, i64)>) -> Result<Vec<CommunityPerson>, CommunityError> {
        let args = self.membership_args(narrow);
        let sql = self.queries.people(narrow.map(|(column, _)| column));
        let rows = self.tables.rows("reading people", &sql, &args).await?;
        rows.iter().map(read_person).collect()
    }

    async fn find_sentinel(&self, word: &str) -> Result<CanaryAccount, CommunityError> {
        let mut members = Vec::new();
        for person in self.find_person(word).await? {
            let narrow = Some(("entity_id", person.id.0));
            if !self.fetch_memberships(narrow).await?.is_empty() {
                members.push(person);
            }
        }
        Ok(look_for_sentinel(Some(word), members.iter()))
    }

    fn membership_args(&self, narrow: Option<(&str, i64)>) -> Vec<Arg> {
        let kinds = self.types.iter().map(|name| Arg::Text(self.queries.membership_kind(name)));
        narrow.map(|(_, value)| Arg::Int(value)).into_iter().chain(kinds).collect()
    }
}

/// Of a group's aliases, that of its own language, else of no language, else any; of several the newest, as in Drupal.
fn best_alias(aliases: Vec<(String, String)>, language: &str) -> Option<String> {
    let rank = |(_, spoken): &(String, String)| match spoken.as_str() {
        own if own == language => 2,
        "und" => 1,
        _ => 0,
    };
    aliases.into_iter().max_by_key(rank).map(|(alias, _)| alias)
}

/// Whether a part shows a group.
fn is_shown(group: &GroupRow, part: &Part, of_person: &BTreeSet<GroupId>) -> bool {
    match part {
        Part::All => true,
        Part::Guild(uuid) => group.uuid == *uuid,
        Part::Person { guilds, .. } => guilds.contains(&group.uuid) || of_person.contains(&group.number),
    }
}

pub(super) fn read_person(row: &Row) -> Result<CommunityPerson, CommunityError> {
    let state = if row.int(4)? == 0 { PersonState::Blocked } else { PersonState::Active };
    let name = row.maybe_text(2)?.unwrap_or_default();
    Ok(person(CommunityUserId(row.int(0)?), row.text(1)?, name, row.maybe_text(3)?, state))
}
