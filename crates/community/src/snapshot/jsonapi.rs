//! A community over JSON:API: groups, memberships and people as the service account sees them.
//!
//! Drupal leaves out what an account may not see and says nothing. So whatever is not there is asked for by itself, and
//! whatever is shown without its name or address is told as withheld.

use super::assemble::{GroupRow, MembershipRow, Rows, assemble, is_meant, look_for_sentinel, person};
use super::{Access, CommunityError, CommunityQuestion, GroupSelection, Part};
use crate::client::{
    DrupalClient, DrupalError, GroupProbe, GroupReader, IncompleteReason, Listing, Memberships, UserWord,
    WhichMemberships, WireGroup, WireMember, WireUser,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use rollbook_core::model::{
    Absence, CanaryAccount, Community, CommunityPerson, CommunityUserId, Guild, GuildStatus, GuildUuid, Identity,
    NameHints, PersonState, counted,
};
use rollbook_core::snapshot::{Gap, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// At most so many guilds are asked for one by one; beyond that the list is read, or nothing is said of them.
const PROBES_MAX: usize = 40;
/// So many of them at once.
const PROBES_AT_ONCE: usize = 4;

/// A community, over JSON:API.
#[derive(Clone, Debug)]
pub struct JsonApiCommunity {
    client: DrupalClient,
    selection: GroupSelection,
}

impl JsonApiCommunity {
    /// By this client; `name_field` holds machine names.
    pub fn new(client: DrupalClient, guilds: impl Into<GroupSelection>, name_field: Option<&str>) -> Self {
        let mut selection = guilds.into();
        selection.name_field = name_field.map(str::to_owned).or(selection.name_field);
        Self { client, selection }
    }

    /// Requests that were made so far.
    pub fn requests(&self) -> u64 {
        self.client.requests()
    }

    /// What the server's clock said with its last answer.
    pub fn server_time(&self) -> Option<Timestamp> {
        self.client.server_time()
    }

    /// Proves who we are there, and finds out which version of the module there is.
    ///
    /// # Errors
    /// [`CommunityError`]
    pub async fn open(&self) -> Result<OpenJsonApi, CommunityError> {
        let reader = self.client.open_group_types(&self.selection.types).await?;
        let group_version = reader.fetch_module_version().await?;
        let access = Access { group_version, way: "JSON:API", account: Some(reader.account().to_owned()) };
        Ok(OpenJsonApi { reader, selection: self.selection.clone(), access })
    }
}

/// A community that knows us.
#[derive(Clone, Debug)]
pub struct OpenJsonApi {
    pub(super) reader: GroupReader,
    selection: GroupSelection,
    pub(super) access: Access,
}

impl OpenJsonApi {
    /// Reads a part.
    ///
    /// # Errors
    /// [`CommunityError`]; nothing is known then.
    pub async fn collect(
        &self,
        question: &CommunityQuestion,
        now: Timestamp,
    ) -> Result<Snapshot<Community>, CommunityError> {
        let reader = &self.reader;
        let identity = Identity::Proven { uuid: reader.account().to_owned() };
        let which = match &question.part {
            Part::All => WhichMemberships::All,
            Part::Guild(uuid) => WhichMemberships::OfGroup(uuid.clone()),
            Part::Person { person, .. } => WhichMemberships::OfUser(*person),
        };
        let (memberships, groups, sentinel) = tokio::try_join!(
            async { Ok(reader.fetch_memberships(&which).await?) },
            self.fetch_groups(&question.part),
            self.find_sentinel(question)
        )?;
        let Groups { mut shown, mut missing, mut gaps } = groups;
        if let Part::Person { guilds, .. } = &question.part {
            let of_person = memberships.list.rows.iter().map(|row| &row.group);
            let wanted: BTreeSet<GuildUuid> = guilds.iter().chain(of_person).cloned().collect();
            (shown, missing) = self.probe(wanted).await?;
        }
        let seen: BTreeSet<&GuildUuid> = shown.iter().map(|group| &group.uuid).collect();
        let without: Vec<&str> = reader.types_without_memberships();
        if !without.is_empty() {
            gaps.push(Gap::Withheld { what: format!("the memberships of the group type {}", without.join(", ")) });
        }
        let unseen = question.known.iter().filter(|uuid| !seen.contains(uuid) && !missing.contains_key(*uuid));
        let (_, found) = self.probe(unseen.cloned().collect()).await?;
        missing.extend(found);

        gaps.extend(gaps_of(&memberships.list));
        if question.part == Part::All {
            gaps.extend(withheld(&memberships, reader.account()));
        }
        let (rows, unreadable) = read_memberships(&memberships, &shown);
        if unreadable > 0 {
            gaps.push(Gap::Withheld { what: format!("the numbers of {}", counted(unreadable, "member")) });
        }
        let people = people_of(&memberships);
        let sentinel = sentinel.unwrap_or_else(|| look_for_sentinel(question.sentinel.as_deref(), people.iter()));
        let (shown, left_out): (Vec<_>, Vec<_>) =
            shown.into_iter().partition(|group| self.selection.takes(&group.label));
        // What the configuration leaves out is there, and is none of ours: its cohort stays as it is.
        let known = left_out.into_iter().map(|group| group.uuid).filter(|uuid| question.known.contains(uuid));
        missing.extend(known.map(|uuid| (uuid, Absence::Denied)));
        let groups = shown.into_iter().map(to_row).collect();
        let rows = Rows { groups, memberships: rows, people, missing };
        Ok(Snapshot { taken_at: now, gaps, value: assemble(rows, &self.selection, identity, sentinel) })
    }

    /// Every guild that the account sees, without members.
    ///
    /// # Errors
    /// [`CommunityError`]
    pub async fn list(&self) -> Result<Vec<Guild>, CommunityError> {
        let listing = self.reader.fetch_groups(self.selection.name_field.as_deref()).await?;
        let shown = listing.rows.into_iter().filter(|group| self.selection.takes(&group.label));
        let groups = shown.map(to_row).collect();
        let identity = Identity::Proven { uuid: self.reader.account().to_owned() };
        Ok(assemble(Rows { groups, ..Rows::default() }, &self.selection, identity, CanaryAccount::NotConfigured).guilds)
    }

    /// The people whom a word (number, user name, mail address) could mean, as far as the account may look for it.
    ///
    /// # Errors
    /// [`CommunityError`]
    pub async fn find_person(&self, word: &str) -> Result<Vec<CommunityPerson>, CommunityError> {
        find_person(&self.reader, word).await
    }

    async fn fetch_groups(&self, part: &Part) -> Result<Groups, CommunityError> {
        match part {
            Part::All => {
                let listing = self.reader.fetch_groups(self.selection.name_field.as_deref()).await?;
                let gaps = gaps_of(&listing);
                Ok(Groups { shown: listing.rows, missing: BTreeMap::new(), gaps })
            }
            Part::Guild(uuid) => {
                let (shown, missing) = self.probe(BTreeSet::from([uuid.clone()])).await?;
                Ok(Groups { shown, missing, gaps: Vec::new() })
            }
            Part::Person { .. } => Ok(Groups::default()),
        }
    }

    /// Asks for guilds one by one: only so does Drupal tell what is deleted from what may not be seen.
    async fn probe(
        &self,
        guilds: BTreeSet<GuildUuid>,
    ) -> Result<(Vec<WireGroup>, BTreeMap<GuildUuid, Absence>), CommunityError> {
        let mut missing: BTreeMap<GuildUuid, Absence> =
            guilds.iter().skip(PROBES_MAX).map(|uuid| (uuid.clone(), Absence::Unseen)).collect();
        let (reader, name_field) = (&self.reader, self.selection.name_field.as_deref());
        let probes = guilds.into_iter().take(PROBES_MAX).map(|uuid| async move {
            let probe = reader.probe_group(&uuid, name_field).await?;
            Ok::<_, DrupalError>((uuid, probe))
        });
        let probed: Vec<_> = stream::iter(probes).buffered(PROBES_AT_ONCE).try_collect().await?;
        let mut shown = Vec::new();
        for (uuid, probe) in probed {
            match probe {
                GroupProbe::Shown(group) => shown.push(group),
                GroupProbe::Denied => drop(missing.insert(uuid, Absence::Denied)),
                GroupProbe::Missing => drop(missing.insert(uuid, Absence::Deleted)),
            }
        }
        Ok((shown, missing))
    }

    /// The sentinel of a part that need not show it; `None` where all is read and it must be among the members.
    async fn find_sentinel(&self, question: &CommunityQuestion) -> Result<Option<CanaryAccount>, CommunityError> {
        let (Some(word), Part::Guild(_) | Part::Person { .. }) = (&question.sentinel, &question.part) else {
            return Ok(None);
        };
        let mut members = Vec::new();
        for person in find_person(&self.reader, word).await? {
            let memberships = self.reader.fetch_memberships(&WhichMemberships::OfUser(person.id)).await?;
            if !memberships.list.rows.is_empty() {
                members.push(person);
            }
        }
        Ok(Some(look_for_sentinel(Some(word), members.iter())))
    }
}

/// Groups of a part, and what is known of those that are not shown.
#[derive(Default)]
struct Groups {
    shown: Vec<WireGroup>,
    missing: BTreeMap<GuildUuid, Absence>,
    gaps: Vec<Gap>,
}

async fn find_person(reader: &GroupReader, word: &str) -> Result<Vec<CommunityPerson>, CommunityError> {
    let word = word.trim();
    let question = match word.parse() {
        Ok(number) => UserWord::Number(CommunityUserId(number)),
        Err(_) if word.contains('@') => UserWord::Mail(word.to_owned()),
        Err(_) => UserWord::Name(word.to_owned()),
    };
    let found = match reader.find_users(&question).await {
        // A user name may have an @ in it too.
        Ok(found) if found.is_empty() && word.contains('@') => {
            reader.find_users(&UserWord::Name(word.to_owned())).await
        }
        other => other,
    }?;
    let people = found.iter().filter_map(|user| to_person(user, None));
    Ok(people.filter(|person| is_meant(person, word)).collect())
}

fn to_row(group: WireGroup) -> GroupRow {
    let WireGroup { kind, uuid, number, label, status, name_field, alias } = group;
    let status = if status == Some(false) { GuildStatus::Unpublished } else { GuildStatus::Published };
    GroupRow { kind, number, uuid, label, status, hints: NameHints { field: name_field, kept: None, alias } }
}

/// A person as far as they are shown; `None` for the anonymous user and for one without number.
pub(super) fn to_person(user: &WireUser, number: Option<CommunityUserId>) -> Option<CommunityPerson> {
    let number = user.number.or(number).filter(|number| number.0 > 0)?;
    let state = match (&user.name, user.status) {
        (None, _) => PersonState::Hidden,
        (Some(_), Some(false)) => PersonState::Blocked,
        (Some(_), Some(true) | None) => PersonState::Active,
    };
    Some(person(number, user.uuid.clone(), user.name.clone().unwrap_or_default(), user.mail.clone(), state))
}

/// Everybody whom a membership means: those of whom nothing is shown are hidden.
fn people_of(memberships: &Memberships) -> Vec<CommunityPerson> {
    let mut people = BTreeMap::new();
    for row in &memberships.list.rows {
        let WireMember::Account { uuid, number } = &row.member else { continue };
        let hidden = |number| person(number, uuid.clone(), String::new(), None, PersonState::Hidden);
        let shown = match memberships.users.get(uuid) {
            Some(user) => to_person(user, *number),
            None => number.filter(|number| number.0 > 0).map(hidden),
        };
        people.extend(shown.map(|person| (person.id, person)));
    }
    people.into_values().collect()
}

/// The memberships of the groups shown, and how many members cannot be told by number.
fn read_memberships(memberships: &Memberships, groups: &[WireGroup]) -> (Vec<MembershipRow>, usize) {
    let numbers: BTreeMap<&GuildUuid, _> = groups.iter().map(|group| (&group.uuid, group.number)).collect();
    let mut unreadable = 0;
    let mut rows = Vec::new();
    for membership in &memberships.list.rows {
        let (Some(group), WireMember::Account { uuid, number }) = (numbers.get(&membership.group), &membership.member)
        else {
            continue;
        };
        let shown = || memberships.users.get(uuid).and_then(|user| user.number);
        match number.or_else(shown) {
            Some(person) => rows.push(MembershipRow { group: *group, person, roles: membership.roles.clone() }),
            None => unreadable += 1,
        }
    }
    (rows, unreadable)
}

fn gaps_of<T>(listing: &Listing<T>) -> Vec<Gap> {
    let gap = |reason: &IncompleteReason| match reason {
        IncompleteReason::Omitted { count } => Gap::Withheld { what: counted(*count, "resource") },
        IncompleteReason::PagesMax => Gap::PagesLimit { limit: listing.pages as u64 },
        IncompleteReason::PageRepeated => Gap::PageRepeated,
        IncompleteReason::Malformed { rows } => {
            Gap::Withheld { what: format!("{} that cannot be read", counted(*rows, "row")) }
        }
    };
    listing.incomplete.iter().map(gap).collect()
}

/// Whether of all members nobody but perhaps ourselves is shown by name: then names are what the account may not see.
fn withheld(memberships: &Memberships, account: &str) -> Option<Gap> {
    let others = memberships.users.values().filter(|user| user.uuid != account);
    let named = others.clone().filter(|user| user.name.is_some()).count();
    let what = "the members' names: the account lacks the permission \"access user profiles\"";
    (named == 0 && others.count() > 0).then(|| Gap::Withheld { what: what.to_owned() })
}
