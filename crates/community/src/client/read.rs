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

/// Reads the groups of one type, as an account that proved itself.
#[derive(Clone, Debug)]
pub struct GroupReader {
    client: DrupalClient,
    group_resource: String,
    membership_resource: String,
    module: GroupModule,
    account: String,
}

impl DrupalClient {
    /// Asks the community who we are and what it has. To be done anew for each run: an account can be blocked any time.
    ///
    /// # Errors
    /// [`DrupalError::Anonymous`] when we are nobody there; [`DrupalError::NoGroupModule`] without memberships of this type
    /// (Group shortens the names of types beyond 15 characters, which are not supported); the other failures as ever.
    pub async fn open_groups(&self, group_type: &str) -> Result<GroupReader, DrupalError> {
        let entry = self.fetch_entry().await?;
        let account = entry.me().ok_or(DrupalError::Anonymous)?.to_owned();
        let name = |entity: &str| format!("{entity}--{group_type}-group_membership");
        let (module, membership_resource) =
            [(GroupModule::Relationship, name("group_relationship")), (GroupModule::Content, name("group_content"))]
                .into_iter()
                .find(|(_, resource)| entry.links.contains_key(resource))
                .ok_or_else(|| DrupalError::NoGroupModule { group_type: group_type.to_owned() })?;
        let group_resource = format!("group--{group_type}");
        Ok(GroupReader { client: self.clone(), group_resource, membership_resource, module, account })
    }
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

    /// Group's major version; `None` when no membership is shown by which 1 and 2 could be told apart.
    ///
    /// # Errors
    /// [`DrupalError`]
    pub async fn fetch_module_version(&self) -> Result<Option<u8>, DrupalError> {
        match self.module {
            GroupModule::Relationship => Ok(Some(3)),
            GroupModule::Content => {
                let query = Query::new().add("page[limit]", 1).fields(&self.membership_resource, "plugin_id");
                let (entity, bundle) = self.membership_resource.split_once("--").unwrap_or_default();
                let document = self.client.fetch(&[entity, bundle], &query.to_text()).await?;
                let first = document.data.get(0).and_then(|row| Resource::deserialize(row).ok());
                Ok(first.map(|row| if row.attributes.contains_key("plugin_id") { 2 } else { 1 }))
            }
        }
    }

    /// The groups that the account sees. `name_field` is the field with the machine name, if any.
    ///
    /// # Errors
    /// [`DrupalError`]
    pub async fn fetch_groups(&self, name_field: Option<&str>) -> Result<Listing<WireGroup>, DrupalError> {
        let resource = self.group_resource.as_str();
        let query = Query::new().fields(resource, &group_fields(name_field));
        let collection = Collection { resource, number: "drupal_internal__id", query };
        let gathered = self.client.gather(&collection).await?;
        Ok(gathered.make_listing(|resource| WireGroup::read(resource, name_field)))
    }

    /// What became of one group.
    ///
    /// # Errors
    /// [`DrupalError`]
    pub async fn probe_group(&self, uuid: &GuildUuid, name_field: Option<&str>) -> Result<GroupProbe, DrupalError> {
        let (entity, bundle) = self.group_resource.split_once("--").unwrap_or_default();
        let query = Query::new().fields(&self.group_resource, &group_fields(name_field));
        match self.client.fetch(&[entity, bundle, uuid.as_str()], &query.to_text()).await {
            Ok(document) => {
                let group = Resource::deserialize(document.data).ok();
                let group = group.and_then(|resource| WireGroup::read(&resource, name_field));
                group
                    .map(GroupProbe::Shown)
                    .ok_or_else(|| DrupalError::Malformed { excerpt: "a group without a number".to_owned() })
            }
            Err(DrupalError::Denied { status: 403, .. }) => Ok(GroupProbe::Denied),
            Err(DrupalError::NotFound) => Ok(GroupProbe::Missing),
            Err(error) => Err(error),
        }
    }

    /// Memberships with their people, 50 a page; 0.1 to 0.2 s a page warm.
    ///
    /// # Errors
    /// [`DrupalError`]
    pub async fn fetch_memberships(&self, which: &WhichMemberships) -> Result<Memberships, DrupalError> {
        let resource = self.membership_resource.as_str();
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
        Ok(Memberships { list: gathered.make_listing(WireMembership::read), users })
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
