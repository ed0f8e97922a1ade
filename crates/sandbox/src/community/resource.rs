//! One resource of each kind, as far as the caller may see it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::kind::{GUILD, Kind, bundle};
use super::rights::AccountView;
use super::state::{Account, Community, GROUP_ROLES, Group, GroupVersion, Membership, Profile, Term, uuid, uuid_of};

/// Writes resources for one caller.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) community: &'a Community,
    pub(super) caller: &'a Caller,
}

impl Writer<'_> {
    fn version(&self) -> GroupVersion {
        self.community.version
    }

    pub(super) fn relationship(&self, row: &Membership) -> Value {
        let kind = Kind::of(self.community, row);
        let Kind::Relationship { group_type, plugin } = &kind else {
            return Value::Null;
        };
        let mut attributes = json!({
            "drupal_internal__id": row.id, "langcode": "en", "label": row.label,
            "created": time(row.created), "changed": time(row.changed), "default_langcode": true,
        });
        let group = self.community.groups.get(&row.group_id);
        let group = group.map(|group| self.refer(&Kind::Group(group.kind.clone()), &group.uuid, json!(group.id)));
        let member = self.community.accounts.get(&row.uid);
        let member = member.map_or_else(missing, |account| self.refer_account(account));
        let roles: Vec<Value> =
            row.roles.iter().map(|role| self.refer(&Kind::Role, &role_uuid(role), json!(role))).collect();
        let mut relationships = Map::new();
        // The bundle is configuration, which needs rights of its own.
        let name = bundle(group_type, plugin);
        let configured = || self.refer(&Kind::RelationshipType, &uuid_of(6, &name), json!(name));
        let configured = self.caller.rights.view_config.then(configured);
        relationships.insert(format!("{}_type", self.version().relationship_entity()), json!({"data": configured}));
        relationships.insert("uid".into(), json!({"data": member}));
        relationships.insert("gid".into(), json!({"data": group}));
        relationships.insert("entity_id".into(), json!({"data": member}));
        if plugin == super::kind::MEMBERSHIP {
            relationships.insert("group_roles".into(), json!({"data": roles}));
        }
        if self.version() != GroupVersion::V1 {
            attributes["plugin_id"] = json!(plugin);
            relationships.insert("group_type".into(), json!({"data": group_type_reference(group_type)}));
        }
        self.whole(&kind, &row.uuid, attributes, Value::Object(relationships))
    }

    pub(super) fn group(&self, group: &Group) -> Value {
        let mut attributes = json!({
            "drupal_internal__id": group.id, "drupal_internal__revision_id": group.id, "langcode": "en",
            "label": group.label, "created": time(group.created), "changed": time(group.changed),
            "default_langcode": true,
        });
        if self.version() != GroupVersion::V1 {
            attributes["status"] = json!(group.published);
        }
        if let Some(name) = &group.machine_name {
            attributes["field_machine_name"] = json!(name);
        }
        if let Some(text) = &group.description {
            let processed = format!("<p>{text}</p>");
            attributes["field_group_description"] =
                json!({"value": text, "format": "basic_html", "processed": processed, "summary": ""});
        }
        if let Some(visibility) = &group.visibility {
            attributes["field_flexible_group_visibility"] = json!(visibility);
        }
        if self.community.path_module {
            let pid = group.alias.as_ref().map(|_| group.id);
            attributes["path"] = json!({"alias": group.alias, "pid": pid, "langcode": "en"});
        }
        let mut relationships = json!({
            "group_type": {"data": group_type_reference(&group.kind)},
            "uid": {"data": null}, "revision_user": {"data": null},
        });
        if !self.community.terms.is_empty() {
            let term = group.term.and_then(|id| self.community.terms.get(&id));
            let term = term.map(|term| self.refer(&Kind::Term, &term.uuid, json!(term.id)));
            relationships["field_group_type"] = json!({"data": term});
        }
        self.whole(&Kind::Group(group.kind.clone()), &group.uuid, attributes, relationships)
    }

    pub(super) fn account(&self, account: &Account) -> Value {
        let view = self.caller.rights.account_view(account);
        let mut attributes = json!({});
        if view >= AccountView::Name {
            attributes["name"] = json!(account.name);
        }
        if view >= AccountView::NameAndMail {
            attributes["mail"] = json!(account.mail);
        }
        if view == AccountView::Everything {
            attributes["drupal_internal__uid"] = json!(account.uid);
            attributes["status"] = json!(account.active);
            attributes["langcode"] = json!("en");
        }
        let mut relationships = json!({});
        if let Some(profile) = &account.profile
            && view >= AccountView::Name
        {
            let profile = self.refer(&Kind::Profile, &uuid(7, account.uid), json!(profile.id));
            relationships["profile_profiles"] = json!({"data": [profile]});
        }
        self.whole(&Kind::Account, &account.uuid, attributes, relationships)
    }

    pub(super) fn profile(&self, account: &Account, profile: &Profile) -> Value {
        let attributes = json!({
            "drupal_internal__profile_id": profile.id, "status": true, "is_default": true,
            "field_profile_first_name": profile.first_name, "field_profile_last_name": profile.last_name,
        });
        let relationships = json!({"uid": {"data": self.refer_account(account)}});
        self.whole(&Kind::Profile, &uuid(7, account.uid), attributes, relationships)
    }

    pub(super) fn term(&self, term: &Term) -> Value {
        let attributes = json!({
            "drupal_internal__tid": term.id, "status": true, "langcode": "en", "name": term.name,
            "weight": 0, "default_langcode": true,
        });
        self.whole(&Kind::Term, &term.uuid, attributes, json!({}))
    }

    pub(super) fn relationship_type(&self, group_type: &str, plugin: &str) -> Value {
        let name = bundle(group_type, plugin);
        let attributes = json!({
            "drupal_internal__id": name, "status": true, "content_plugin": plugin, "group_type": group_type,
        });
        self.whole(&Kind::RelationshipType, &uuid_of(6, &name), attributes, json!({}))
    }

    pub(super) fn role(&self, name: &str) -> Value {
        let attributes = json!({"drupal_internal__id": name, "label": name, "status": true, "scope": "individual"});
        self.whole(&Kind::Role, &role_uuid(name), attributes, json!({}))
    }

    fn refer_account(&self, account: &Account) -> Value {
        self.refer(&Kind::Account, &account.uuid, json!(account.uid))
    }

    fn refer(&self, kind: &Kind, id: &str, internal: Value) -> Value {
        reference(&kind.name(self.version()), id, internal)
    }

    fn whole(&self, kind: &Kind, id: &str, attributes: Value, relationships: Value) -> Value {
        let href = format!("{}{}/{id}", self.community.link_base, kind.path(self.version()));
        let mut resource = json!({"type": kind.name(self.version()), "id": id, "links": {"self": {"href": href}}});
        if attributes.as_object().is_some_and(|fields| !fields.is_empty()) {
            resource["attributes"] = attributes;
        }
        if relationships.as_object().is_some_and(|fields| !fields.is_empty()) {
            resource["relationships"] = relationships;
        }
        resource
    }
}

fn group_type_reference(group_type: &str) -> Value {
    let id = if group_type == GUILD { uuid(5, 1) } else { uuid_of(5, group_type) };
    reference("group_type--group_type", &id, json!(group_type))
}

pub(super) fn role_uuid(name: &str) -> String {
    let place = GROUP_ROLES.iter().position(|role| *role == name);
    place.map_or_else(|| uuid_of(4, name), |place| uuid(4, place as i64))
}

fn reference(kind: &str, id: &str, internal: Value) -> Value {
    json!({"type": kind, "id": id, "meta": {"drupal_internal__target_id": internal}})
}

/// What stands in a reference to something that is no more.
fn missing() -> Value {
    let help = "https://www.drupal.org/docs/8/modules/json-api/core-concepts#missing";
    json!({"type": "user--user", "id": "missing", "meta": {"links": {"help": {"href": help}}}})
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}
