//! Groups, memberships and people of a community.
//!
//! It must never be used before the community proved who we are: [`DrupalClient::open_groups`] is the only door.
//! Next: `wire.rs` for the answers.

use super::call::DrupalClient;
use super::error::DrupalError;
use super::page::{Collection, IncompleteReason, Listing};
use super::query::Query;
use super::wire::{Resource, WireGroup, WireMembership, WireUser};
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use rollbook_core::model::{CommunityUserId, GuildUuid};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Which Group module a community has, by the names of its resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupModule {
    /// Group 1 or 2: memberships are `group_content`. [`GroupReader::fetch_module_version`] tells them apart.
    Content,
    /// Group 3: memberships are `group_relationship`.
    Relationship,
}

/// Which memberships.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhichMemberships {
    /// Of all groups of the type.
    All,
    /// Of one group.
    OfGroup(GuildUuid),
    /// Of one person.
    OfUser(CommunityUserId),
}

/// By what a person is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserWord {
    /// The number.
    Number(CommunityUserId),
    /// The user name, which is unique.
    Name(String),
    /// The address; refused ([`DrupalError::Denied`]) to an account that may not see addresses.
    Mail(String),
}

/// By what several accounts are looked for at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKey {
    /// The user name.
    Name,
    /// The address; refused ([`DrupalError::Denied`]) to an account that may not see addresses.
    Mail,
}

/// What became of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupProbe {
    /// It is there.
    Shown(WireGroup),
    /// It is there, and the account may not see it (unpublished, say).
    Denied,
    /// There is no such group.
    Missing,
}

/// Memberships with the people they mean.
#[derive(Clone, Debug)]
pub struct Memberships {
    /// The memberships.
    pub list: Listing<WireMembership>,
    /// What is shown of their accounts, by UUID.
    pub users: BTreeMap<String, WireUser>,
}

/// Reads the groups of some types, as an account that proved itself.
#[derive(Clone, Debug)]
pub struct GroupReader {
    client: DrupalClient,
    types: Vec<GroupType>,
    module: GroupModule,
    account: String,
}

/// One type of groups, and what its memberships are called.
#[derive(Clone, Debug)]
struct GroupType {
    /// `group--guild`
    groups: String,
    /// `group_relationship--guild-group_membership`; `None` where no bundle says that it is that.
    memberships: Option<String>,
}

/// Stands for every type.
const EVERY_TYPE: &str = "*";
/// So many bundles at most are asked what they are.
const BUNDLES_MAX: usize = 60;

impl DrupalClient {
    /// As [`Self::open_group_types`], of one type.
    ///
    /// # Errors
    /// As [`Self::open_group_types`].
    pub async fn open_groups(&self, group_type: &str) -> Result<GroupReader, DrupalError> {
        self.open_group_types(&[group_type.to_owned()]).await
    }

    /// Asks the community who we are and what it has. To be done anew for each run: an account can be blocked any time.
    /// `*` means every type of groups.
    ///
    /// # Errors
    /// [`DrupalError::Anonymous`] when we are nobody there; [`DrupalError::NoGroupModule`] without memberships of a type; the
    /// other failures as ever.
    pub async fn open_group_types(&self, wanted: &[String]) -> Result<GroupReader, DrupalError> {
        let entry = self.fetch_entry().await?;
        let account = entry.me().ok_or(DrupalError::Anonymous)?.to_owned();
        let resources: Vec<&str> = entry.links.keys().map(String::as_str).collect();
        let missing = |group_type: &str| DrupalError::NoGroupModule { group_type: group_type.to_owned() };
        let entity = ["group_relationship", "group_content"].into_iter().find(|entity| {
            resources.iter().any(|resource| resource.split_once("--").is_some_and(|(found, _)| found == *entity))
        });
        let entity = entity.ok_or_else(|| missing(&wanted.join(", ")))?;
        let every: Vec<&str> = resources.iter().filter_map(|resource| resource.strip_prefix("group--")).collect();
        let names: Vec<&str> = match wanted.iter().any(|name| name == EVERY_TYPE) {
            true => every.clone(),
            false => wanted.iter().map(String::as_str).collect(),
        };
        let mut types: Vec<GroupType> = names
            .iter()
            .map(|name| {
                let spelled = format!("{entity}--{name}-group_membership");
                let memberships = resources.contains(&spelled.as_str()).then_some(spelled);
                GroupType { groups: format!("group--{name}"), memberships }
            })
            .collect();
        if types.iter().any(|group_type| group_type.memberships.is_none()) {
            self.find_membership_bundles(entity, &resources, &every, &mut types).await?;
        }
        let is_there = |group_type: &GroupType| {
            group_type.memberships.is_some() || resources.contains(&group_type.groups.as_str())
        };
        if let Some(lost) = types.iter().find(|group_type| !is_there(group_type)) {
            return Err(missing(lost.groups.trim_start_matches("group--")));
        }
        if types.iter().all(|group_type| group_type.memberships.is_none()) {
            return Err(missing(&names.join(", ")));
        }
        let module = if entity == "group_content" { GroupModule::Content } else { GroupModule::Relationship };
        Ok(GroupReader { client: self.clone(), types, module, account })
    }

    /// Group hashes the names of bundles of long types, so that a bundle is known by what its rows say of themselves: that
    /// they are memberships, and of which type's groups.
    async fn find_membership_bundles(
        &self,
        entity: &str,
        resources: &[&str],
        every: &[&str],
        types: &mut [GroupType],
    ) -> Result<(), DrupalError> {
        let is_spelled = |bundle: &str| every.iter().any(|name| bundle.starts_with(&format!("{name}-")));
        let bundles = resources.iter().filter_map(|resource| {
            let bundle = resource.strip_prefix(entity)?.strip_prefix("--")?;
            (!is_spelled(bundle)).then_some((*resource, bundle))
        });
        let asked = bundles.take(BUNDLES_MAX).map(|(resource, bundle)| async move {
            let query = Query::new().add("page[limit]", 1).fields(resource, "plugin_id,gid");
            match self.fetch(&[entity, bundle], &query.to_text()).await {
                Ok(document) => {
                    let row = document.data.get(0).and_then(|row| Resource::deserialize(row).ok());
                    Ok(row.and_then(|row| Some((resource, membership_of(&row)?))))
                }
                Err(DrupalError::Denied { .. } | DrupalError::NotFound) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let asked: Vec<Option<(&str, String)>> =
            stream::iter(asked.collect::<Vec<_>>()).buffered(4).try_collect().await?;
        for (resource, groups) in asked.into_iter().flatten() {
            if let Some(group_type) = types.iter_mut().find(|known| known.groups == groups) {
                group_type.memberships.get_or_insert_with(|| resource.to_owned());
            }
        }
        Ok(())
    }
}

/// The type of the groups that a row is a membership of; `None` where it is something else.
fn membership_of(row: &Resource) -> Option<String> {
    let is_membership = row.attributes.get("plugin_id")?.as_str()? == "group_membership";
    let group = row.pointers("gid").into_iter().next()?;
    is_membership.then_some(group.kind)
}

impl GroupReader {
    /// The account's UUID, by which the community knows us.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Which Group module there is.
    pub fn module(&self) -> GroupModule {
        self.module
    }

    /// The client, for its count of requests.
    pub fn client(&self) -> &DrupalClient {
        &self.client
    }

    /// The types of which no memberships are shown, because no bundle says that it has them.
    pub fn types_without_memberships(&self) -> Vec<&str> {
        let lost = self.types.iter().filter(|group_type| group_type.memberships.is_none());
        lost.map(|group_type| group_type.groups.trim_start_matches("group--")).collect()
    }

    fn memberships(&self) -> impl Iterator<Item = &str> {
        self.types.iter().filter_map(|group_type| group_type.memberships.as_deref())
    }

    /// Group's major version; `None` when no membership is shown by which 1 and 2 could be told apart.
    ///
    /// # Errors
    /// [`DrupalError`]
    pub async fn fetch_module_version(&self) -> Result<Option<u8>, DrupalError> {
        match (self.module, self.memberships().next()) {
            (GroupModule::Relationship, _) => Ok(Some(3)),
            (GroupModule::Content, Some(resource)) => {
                let query = Query::new().add("page[limit]", 1).fields(resource, "plugin_id");
                let (entity, bundle) = resource.split_once("--").unwrap_or_default();
                let document = self.client.fetch(&[entity, bundle], &query.to_text()).await?;
                let first = document.data.get(0).and_then(|row| Resource::deserialize(row).ok());
                Ok(first.map(|row| if row.attributes.contains_key("plugin_id") { 2 } else { 1 }))
            }
            (GroupModule::Content, None) => Ok(None),
        }
    }

    /// The groups that the account sees. `name_field` is the field with the machine name, if any.
    ///
    /// # Errors
    /// [`DrupalError`]
    pub async fn fetch_groups(&self, name_field: Option<&str>) -> Result<Listing<WireGroup>, DrupalError> {
        let lists = self.types.iter().map(|group_type| async move {
            let resource = group_type.groups.as_str();
            let query = Query::new().fields(resource, &group_fields(name_field));
            let collection = Collection { resource, number: "drupal_internal__id", query };
            let gathered = self.client.gather(&collection).await?;
            Ok::<_, DrupalError>(gathered.make_listing(|resource| WireGroup::read(resource, name_field)))
        });
        Ok(Listing::join(try_join_all(lists).await?))
    }

    /// What became of one group.
    ///
    /// # Errors
    /// [`DrupalError`]
    pub async fn probe_group(&self, uuid: &GuildUuid, name_field: Option<&str>) -> Result<GroupProbe, DrupalError> {
        for group_type in &self.types {
            let (entity, bundle) = group_type.groups.split_once("--").unwrap_or_default();
            let query = Query::new().fields(&group_type.groups, &group_fields(name_field));
            match self.client.fetch(&[entity, bundle, uuid.as_str()], &query.to_text()).await {
                Ok(document) => {
                    let group = Resource::deserialize(document.data).ok();
                    let group = group.and_then(|resource| WireGroup::read(&resource, name_field));
                    return group
                        .map(GroupProbe::Shown)
                        .ok_or_else(|| DrupalError::Malformed { excerpt: "a group without a number".to_owned() });
                }
                Err(DrupalError::Denied { status: 403, .. }) => return Ok(GroupProbe::Denied),
                // It may be of another type.
                Err(DrupalError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(GroupProbe::Missing)
    }

    /// Memberships with their people, 50 a page; 0.1 to 0.2 s a page warm.
    ///
    /// # Errors
    /// [`DrupalError`]
    pub async fn fetch_memberships(&self, which: &WhichMemberships) -> Result<Memberships, DrupalError> {
        let lists = self.memberships().map(|resource| self.fetch_memberships_of(resource, which));
        let (lists, users): (Vec<_>, Vec<_>) = try_join_all(lists).await?.into_iter().unzip();
        Ok(Memberships { list: Listing::join(lists), users: users.into_iter().flatten().collect() })
    }

    async fn fetch_memberships_of(
        &self,
        resource: &str,
        which: &WhichMemberships,
    ) -> Result<(Listing<WireMembership>, BTreeMap<String, WireUser>), DrupalError> {
        let query = match which {
            WhichMemberships::All => Query::new(),
            WhichMemberships::OfGroup(group) => Query::new().filter("gid.id", group),
            WhichMemberships::OfUser(user) => Query::new().filter("entity_id.meta.drupal_internal__target_id", user),
        };
        let query = query
            .add("include", "entity_id")
            .fields(resource, "drupal_internal__id,gid,entity_id,group_roles")
            .fields("user--user", USER_FIELDS);
        let gathered = self.client.gather(&Collection { resource, number: "drupal_internal__id", query }).await?;
        let users = gathered.included.iter().filter(|(_, resource)| resource.kind == "user--user");
        let users = users.map(|(uuid, resource)| (uuid.clone(), WireUser::read(resource))).collect();
        Ok((gathered.make_listing(WireMembership::read), users))
    }

    /// The accounts that a word means, at most 50. Blocked ones only with `administer users`.
    ///
    /// # Errors
    /// [`DrupalError`]; `Denied` for a word of a kind that the account may not search by.
    pub async fn find_users(&self, word: &UserWord) -> Result<Vec<WireUser>, DrupalError> {
        let query = match word {
            UserWord::Number(number) => Query::new().filter("drupal_internal__uid", number),
            UserWord::Name(name) => Query::new().filter("name", name),
            UserWord::Mail(mail) => Query::new().filter("mail", mail),
        };
        let query = query.fields("user--user", USER_FIELDS);
        let document = self.client.fetch(&["user", "user"], &query.to_text()).await?;
        let rows = document.data.as_array().cloned().unwrap_or_default();
        let users = rows.into_iter().filter_map(|row| Resource::deserialize(row).ok());
        Ok(users.map(|resource| WireUser::read(&resource)).collect())
    }
}

impl GroupReader {
    /// The accounts that have one of these names or addresses, in any case of letters; at most 50 a request.
    ///
    /// # Errors
    /// [`DrupalError`]; `Denied` for a key that the account may not search by.
    pub async fn find_holders(&self, key: UserKey, words: &[String]) -> Result<Vec<WireUser>, DrupalError> {
        let path = match key {
            UserKey::Name => "name",
            UserKey::Mail => "mail",
        };
        let parts = words.chunks(WORDS_MAX).map(|part| async move {
            let query = Query::new().one_of("words", path, part).fields("user--user", USER_FIELDS);
            let collection = Collection { resource: "user--user", number: "drupal_internal__uid", query };
            let found = self.client.gather(&collection).await?;
            Ok::<_, DrupalError>(found.make_listing(|resource| Some(WireUser::read(resource))).rows)
        });
        Ok(try_join_all(parts).await?.into_iter().flatten().collect())
    }
}

impl<T> Listing<T> {
    /// Several lists as one.
    fn join(lists: Vec<Self>) -> Self {
        let mut all = Self { rows: Vec::new(), pages: 0, incomplete: Vec::new() };
        for list in lists {
            all.rows.extend(list.rows);
            all.pages += list.pages;
            all.incomplete.extend(list.incomplete);
        }
        all
    }

    /// Whether nothing is known to be missing.
    pub fn is_complete(&self) -> bool {
        self.incomplete.is_empty()
    }

    /// How many resources were visibly withheld.
    pub fn omitted(&self) -> usize {
        let omitted = |reason: &IncompleteReason| match reason {
            IncompleteReason::Omitted { count } => *count,
            IncompleteReason::PagesMax | IncompleteReason::PageRepeated | IncompleteReason::Malformed { .. } => 0,
        };
        self.incomplete.iter().map(omitted).sum()
    }
}

/// So many words are asked for at once, that no address grows too long.
const WORDS_MAX: usize = 40;
const USER_FIELDS: &str = "drupal_internal__uid,name,mail,status";

fn group_fields(name_field: Option<&str>) -> String {
    let own = "drupal_internal__id,label,status,path";
    name_field.map_or_else(|| own.to_owned(), |field| format!("{own},{field}"))
}
