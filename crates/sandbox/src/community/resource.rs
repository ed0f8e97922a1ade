//! One resource of each kind, as far as the caller may see it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::Caller;
use super::rights::AccountSight;
use super::state::{Account, BUNDLE, Community, GROUP_ROLES, Group, GroupVersion, Membership, uuid};

impl GroupVersion {
    /// The membership's entity type, the first half of its resource type.
    pub(super) fn membership_entity(self) -> &'static str {
        match self {
            GroupVersion::V1 | GroupVersion::V2 => "group_content",
            GroupVersion::V3 => "group_relationship",
        }
    }
}

pub(super) fn membership_kind(community: &Community) -> String {
    format!("{}--{BUNDLE}-group_membership", community.version.membership_entity())
}

pub(super) fn group_kind() -> String {
    format!("group--{BUNDLE}")
}

pub(super) const ACCOUNT_KIND: &str = "user--user";
const ROLE_KIND: &str = "group_role--group_role";

pub(super) fn membership(community: &Community, membership: &Membership) -> Value {
    let mut attributes = json!({
        "drupal_internal__id": membership.id, "langcode": "en", "label": membership.label,
        "created": time(membership.created), "changed": time(membership.changed), "default_langcode": true,
    });
    let bundle = format!("{}_type", community.version.membership_entity());
    let group = community.groups.get(&membership.group_id);
    let group = group.map(|group| reference(&group_kind(), &group.uuid, json!(group.id)));
    let member = community.accounts.get(&membership.uid);
    let member = member.map_or_else(missing, |account| reference(ACCOUNT_KIND, &account.uuid, json!(account.uid)));
    let roles: Vec<Value> = membership.roles.iter().map(|role| role_reference(role)).collect();
    let mut relationships = Map::new();
    // The bundle is configuration, which needs rights of its own.
    relationships.insert(bundle, json!({"data": null}));
    relationships.insert("uid".into(), json!({"data": member}));
    relationships.insert("gid".into(), json!({"data": group}));
    relationships.insert("entity_id".into(), json!({"data": member}));
    relationships.insert("group_roles".into(), json!({"data": roles}));
    if community.version != GroupVersion::V1 {
        attributes["plugin_id"] = json!("group_membership");
        let kind = reference("group_type--group_type", &uuid(5, 1), json!(BUNDLE));
        relationships.insert("group_type".into(), json!({"data": kind}));
    }
    whole(community, &membership_kind(community), &membership.uuid, attributes, Value::Object(relationships))
}

pub(super) fn group(community: &Community, group: &Group) -> Value {
    let mut attributes = json!({
        "drupal_internal__id": group.id, "drupal_internal__revision_id": group.id, "langcode": "en",
        "label": group.label, "created": time(group.created), "changed": time(group.changed),
        "default_langcode": true,
    });
    if community.version != GroupVersion::V1 {
        attributes["status"] = json!(group.published);
    }
    if let Some(name) = &group.machine_name {
        attributes["field_machine_name"] = json!(name);
    }
    let relationships = json!({
        "group_type": {"data": reference("group_type--group_type", &uuid(5, 1), json!(BUNDLE))},
        "uid": {"data": null}, "revision_user": {"data": null},
    });
    whole(community, &group_kind(), &group.uuid, attributes, relationships)
}

pub(super) fn account(community: &Community, caller: &Caller, account: &Account) -> Value {
    let sight = caller.rights.sight(account);
    let mut attributes = json!({});
    if sight >= AccountSight::Name {
        attributes["name"] = json!(account.name);
    }
    if sight >= AccountSight::NameAndMail {
        attributes["mail"] = json!(account.mail);
    }
    if sight == AccountSight::Everything {
        attributes["drupal_internal__uid"] = json!(account.uid);
        attributes["status"] = json!(account.active);
        attributes["langcode"] = json!("en");
    }
    whole(community, ACCOUNT_KIND, &account.uuid, attributes, json!({}))
}

pub(super) fn role(community: &Community, name: &str) -> Value {
    let attributes = json!({"drupal_internal__id": name, "label": name, "status": true, "scope": "individual"});
    whole(community, ROLE_KIND, &role_uuid(name), attributes, json!({}))
}

fn role_reference(name: &str) -> Value {
    reference(ROLE_KIND, &role_uuid(name), json!(name))
}

fn role_uuid(name: &str) -> String {
    let place = GROUP_ROLES.iter().position(|role| *role == name);
    uuid(4, place.map_or(99, |place| place as i64))
}

fn whole(community: &Community, kind: &str, id: &str, attributes: Value, relationships: Value) -> Value {
    let href = format!("{}/jsonapi/{}/{id}", community.link_base, kind.replace("--", "/"));
    let mut resource = json!({"type": kind, "id": id, "links": {"self": {"href": href}}});
    if attributes.as_object().is_some_and(|fields| !fields.is_empty()) {
        resource["attributes"] = attributes;
    }
    if relationships.as_object().is_some_and(|fields| !fields.is_empty()) {
        resource["relationships"] = relationships;
    }
    resource
}

fn reference(kind: &str, id: &str, internal: Value) -> Value {
    json!({"type": kind, "id": id, "meta": {"drupal_internal__target_id": internal}})
}

/// What stands in a reference to something that is no more.
fn missing() -> Value {
    let help = "https://www.drupal.org/docs/8/modules/json-api/core-concepts#missing";
    json!({"type": ACCOUNT_KIND, "id": "missing", "meta": {"links": {"help": {"href": help}}}})
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}
