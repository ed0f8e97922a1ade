//! JSON:API documents and the resources in them, in Drupal's own names.
//!
//! It must never take "not shown" for "empty": Drupal gives a resource without attributes where the account may not look.
//! `Debug` shows numbers, never people. Next: `read.rs`.

use rollbook_core::model::{CommunityUserId, GroupId, GuildRole, GuildUuid};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// A document of one or many resources.
#[derive(Deserialize)]
pub(super) struct Document {
    #[serde(default)]
    pub(super) data: Value,
    #[serde(default)]
    pub(super) included: Vec<Value>,
    #[serde(default)]
    pub(super) meta: Map<String, Value>,
    #[serde(default)]
    pub(super) links: Map<String, Value>,
}

impl Document {
    /// The address of a link, which may be a text or an object with `href`.
    pub(super) fn link(&self, name: &str) -> Option<&str> {
        let link = self.links.get(name)?;
        link.as_str().or_else(|| link.get("href")?.as_str())
    }

    /// How many resources were withheld.
    pub(super) fn omitted(&self) -> usize {
        let Some(omitted) = self.meta.get("omitted") else { return 0 };
        let items = omitted.get("links").and_then(Value::as_object);
        let count = items.map_or(0, |links| links.keys().filter(|key| key.starts_with("item")).count());
        count.max(1)
    }

    /// The account that we are, by UUID; absent when we are nobody. Only of the entry document.
    pub(super) fn me(&self) -> Option<&str> {
        self.meta.get("links")?.get("me")?.get("meta")?.get("id")?.as_str()
    }
}

/// One resource.
#[derive(Clone, Deserialize)]
pub(super) struct Resource {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) id: String,
    #[serde(default)]
    pub(super) attributes: Map<String, Value>,
    #[serde(default)]
    relationships: BTreeMap<String, Relationship>,
}

#[derive(Clone, Deserialize)]
struct Relationship {
    #[serde(default)]
    data: Value,
}

/// What a relationship points to.
#[derive(Deserialize)]
pub(super) struct Pointer {
    /// `group--guild`; what it points to.
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    id: String,
    #[serde(default)]
    meta: Map<String, Value>,
}

impl Pointer {
    /// The number or machine name behind the UUID; Drupal since 9 gives it.
    fn target(&self) -> Option<&Value> {
        self.meta.get("drupal_internal__target_id")
    }
}

impl Resource {
    /// An attribute that is a number, perhaps written as text.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        read_number(self.attributes.get(name)?)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.attributes.get(name)?.as_str().map(str::to_owned)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.attributes.get(name)?.as_bool()
    }

    pub(super) fn pointers(&self, name: &str) -> Vec<Pointer> {
        let data = self.relationships.get(name).map(|relationship| &relationship.data);
        match data {
            Some(Value::Array(many)) => many.iter().filter_map(|one| Pointer::deserialize(one).ok()).collect(),
            Some(one) => Pointer::deserialize(one).ok().into_iter().collect(),
            None => Vec::new(),
        }
    }
}

fn read_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireGroup {
    /// Its type: `guild`.
    pub kind: String,
    /// Survives every renaming.
    pub uuid: GuildUuid,
    /// As in `/group/ID`.
    pub number: GroupId,
    /// Its name: editable, translatable, not unique.
    pub label: String,
    /// Whether it is published; absent with Group 1.
    pub status: Option<bool>,
    /// What stands in the field for the machine name, where one is configured and shown.
    pub name_field: Option<String>,
    /// Its path's alias, where the module path shows one.
    pub alias: Option<String>,
}

impl WireGroup {
    pub(super) fn read(resource: &Resource, name_field: Option<&str>) -> Option<Self> {
        let alias = resource.attributes.get("path").and_then(|path| path.get("alias")?.as_str());
        Some(Self {
            kind: resource.kind.strip_prefix("group--").unwrap_or_default().to_owned(),
            uuid: GuildUuid::new(&resource.id),
            number: GroupId(resource.number("drupal_internal__id")?),
            label: resource.text("label").unwrap_or_default(),
            status: resource.flag("status"),
            name_field: name_field.and_then(|name| resource.text(name)),
            alias: alias.map(str::to_owned),
        })
    }
}

/// Whom a membership means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireMember {
    /// An account; see [`WireUser`] for what is shown of it.
    Account {
        /// Its UUID.
        uuid: String,
        /// Its number.
        number: Option<CommunityUserId>,
    },
    /// Nobody: the account is gone and the membership was left behind.
    Missing,
}

/// Someone's membership in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireMembership {
    /// Its own number.
    pub number: i64,
    /// The group. It need not be among the groups shown: memberships of an unpublished one are given all the same.
    pub group: GuildUuid,
    /// The group's number.
    pub group_number: Option<GroupId>,
    /// Who.
    pub member: WireMember,
    /// The roles given to this member by name; the role that every member has is not among them.
    pub roles: Vec<GuildRole>,
}

impl WireMembership {
    pub(super) fn read(resource: &Resource) -> Option<Self> {
        let group = resource.pointers("gid").into_iter().next()?;
        let account = resource.pointers("entity_id").into_iter().next();
        let member = match account {
            Some(pointer) if pointer.id != "missing" => WireMember::Account {
                number: pointer.target().and_then(read_number).map(CommunityUserId),
                uuid: pointer.id,
            },
            _ => WireMember::Missing,
        };
        let roles = resource.pointers("group_roles");
        // Without its machine name a role cannot be known: the whole row is then unreadable.
        let roles = roles.iter().map(|role| role.target()?.as_str().map(GuildRole::new)).collect::<Option<Vec<_>>>()?;
        Some(Self {
            number: resource.number("drupal_internal__id")?,
            group_number: group.target().and_then(read_number).map(GroupId),
            group: GuildUuid::new(group.id),
            member,
            roles,
        })
    }
}

/// An account, as far as it is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct WireUser {
    /// Its UUID.
    pub uuid: String,
    /// Its number; 0 is the anonymous user.
    pub number: Option<CommunityUserId>,
    /// Absent where the account is not shown: everybody without `access user profiles`, blocked people without
    /// `administer users`.
    pub name: Option<String>,
    /// Whether addresses are shown at all (`view user email addresses` or `administer users`).
    pub mail_is_shown: bool,
    /// `None` where none is shown or there is none.
    pub mail: Option<String>,
    /// `false` is blocked; absent without `administer users`, and then whoever is shown with a name is active.
    pub status: Option<bool>,
}

impl WireUser {
    pub(super) fn read(resource: &Resource) -> Self {
        Self {
            uuid: resource.id.clone(),
            number: resource.number("drupal_internal__uid").map(CommunityUserId),
            name: resource.text("name"),
            mail_is_shown: resource.attributes.contains_key("mail"),
            mail: resource.text("mail").filter(|mail| !mail.is_empty()),
            status: resource.flag("status"),
        }
    }
}

impl fmt::Debug for WireUser {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "WireUser({:?}, status {:?})", self.number, self.status)
    }
}
