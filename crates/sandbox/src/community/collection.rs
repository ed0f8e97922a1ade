//! A page of resources with what was to be included, or a single resource.
//!
//! What the caller may not see is filtered out before, so that a page gives no hint of it. Only an *included*
//! resource that is denied leaves a trace: `meta.omitted`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::account::Caller;
use super::field::{check_path, group_field, membership_field, own_field};
use super::query::Query;
use super::rights::AccountSight;
use super::state::{Account, BUNDLE, Community, Group, Membership};
use super::{Asked, bad, document, error, resource, version};
use crate::server::Reply;

/// Something that has a place in a collection.
#[derive(Clone, Copy)]
enum Item<'a> {
    Membership(&'a Membership),
    Group(&'a Group),
    Account(&'a Account),
}

/// Resource types and the paths of their collections.
pub(super) fn kinds(community: &Community) -> [(String, String); 3] {
    let kinds = [resource::membership_kind(community), resource::group_kind(), resource::ACCOUNT_KIND.to_owned()];
    kinds.map(|kind| {
        let path = format!("/jsonapi/{}", kind.replace("--", "/"));
        (kind, path)
    })
}

pub(super) fn answer(community: &Community, caller: &Caller, asked: &Asked) -> Result<Reply, Reply> {
    let path = asked.path();
    for (kind, collection) in kinds(community) {
        let items = || items(community, &kind);
        if path == collection {
            let query = Query::read(asked.parts.uri.query().unwrap_or_default())?;
            return page(community, caller, &kind, items(), &query);
        }
        if let Some(uuid) = path.strip_prefix(&format!("{collection}/")) {
            return single(community, caller, items(), uuid);
        }
    }
    // Other versions of the module have other paths, which here are nothing at all.
    Err(Reply::html(404, "<html><body>Page not found</body></html>".to_owned()))
}

fn items<'a>(community: &'a Community, kind: &str) -> Vec<Item<'a>> {
    if kind == resource::ACCOUNT_KIND {
        community.accounts.values().map(Item::Account).collect()
    } else if kind == resource::group_kind() {
        community.groups.values().map(Item::Group).collect()
    } else {
        community.memberships.values().map(Item::Membership).collect()
    }
}

fn page(
    community: &Community,
    caller: &Caller,
    kind: &str,
    mut items: Vec<Item<'_>>,
    query: &Query,
) -> Result<Reply, Reply> {
    items.retain(|item| item.visible(community, caller));
    for filter in &query.filters {
        // The path is checked even when nothing is there to be filtered.
        check_path(kind, &filter.path, caller)?;
        items.retain(|item| item.field(community, &filter.path).is_some_and(|values| filter.passes(&values)));
    }
    for (field, descending) in query.sort.iter().rev() {
        check_path(kind, field, caller)?;
        items.sort_by_cached_key(|item| item.sort_key(community, field));
        if *descending {
            items.reverse();
        }
    }
    check_includes(kind, &query.include)?;
    let total = items.len();
    let shown: Vec<Item<'_>> = items.into_iter().skip(query.offset).take(query.limit).collect();
    let mut data: Vec<Value> = shown.iter().map(|item| item.resource(community, caller)).collect();
    let mut included = Included::default();
    for item in &shown {
        included.of(community, caller, item, &query.include);
    }
    for resource in data.iter_mut().chain(&mut included.list) {
        narrow(resource, query);
    }
    let path = format!("{}/jsonapi/{}", community.link_base, kind.replace("--", "/"));
    let mut links = json!({"self": {"href": format!("{path}?{}", query.page_at(query.offset))}});
    let next = query.offset + query.limit;
    if next < total {
        links["next"] = json!({"href": format!("{path}?{}", query.page_at(next))});
    }
    let mut body = json!({"jsonapi": version(), "data": data, "links": links});
    if !included.list.is_empty() {
        body["included"] = Value::Array(included.list);
    }
    if !included.denied.is_empty() {
        body["meta"] = omitted(community, &included.denied);
    }
    Ok(document(200, &body))
}

/// A single resource, unlike a collection, says that it is closed.
fn single(community: &Community, caller: &Caller, items: Vec<Item<'_>>, uuid: &str) -> Result<Reply, Reply> {
    let found = items.into_iter().find(|item| item.uuid() == uuid);
    let item = found.ok_or_else(|| error(404, "Not Found", "The resource was not found"))?;
    if item.visible(community, caller) {
        let data = item.resource(community, caller);
        return Ok(document(200, &json!({"jsonapi": version(), "data": data})));
    }
    if caller.tried {
        return Err(error(403, "Forbidden", "The current user is not allowed to GET the selected resource."));
    }
    let refused = error(401, "Unauthorized", "No authentication credentials provided.");
    Err(refused.with("www-authenticate", "Basic realm=\"Community\""))
}

#[derive(Default)]
struct Included {
    list: Vec<Value>,
    seen: BTreeSet<String>,
    denied: Vec<String>,
}

impl Included {
    fn of(&mut self, community: &Community, caller: &Caller, item: &Item<'_>, wanted: &[String]) {
        let Item::Membership(membership) = item else {
            return;
        };
        for name in wanted {
            match name.as_str() {
                "entity_id" | "uid" => {
                    if let Some(account) = community.accounts.get(&membership.uid) {
                        self.add(&account.uuid, || resource::account(community, caller, account));
                    }
                }
                "gid" => {
                    let group = community.groups.get(&membership.group_id);
                    match group {
                        Some(group) if caller.rights.sees_group(community, group) => {
                            self.add(&group.uuid, || resource::group(community, group));
                        }
                        Some(group) if self.seen.insert(group.uuid.clone()) => self.denied.push(group.uuid.clone()),
                        _ => {}
                    }
                }
                "group_roles" => {
                    for role in &membership.roles {
                        self.add(role, || resource::role(community, role));
                    }
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, key: &str, resource: impl FnOnce() -> Value) {
        if self.seen.insert(key.to_owned()) {
            self.list.push(resource());
        }
    }
}

fn omitted(community: &Community, denied: &[String]) -> Value {
    let mut links =
        json!({"help": {"href": "https://www.drupal.org/docs/8/modules/json-api/filtering#filters-access-control"}});
    let detail = "The current user is not allowed to GET the selected resource.";
    for uuid in denied {
        let href = format!("{}/jsonapi/group/{BUNDLE}/{uuid}", community.link_base);
        let short = uuid.split('-').next().unwrap_or_default();
        links[format!("item--{short}")] = json!({"href": href, "meta": {"rel": "item", "detail": detail}});
    }
    let detail = "Some resources have been omitted because of insufficient authorization.";
    json!({"omitted": {"detail": detail, "links": links}})
}

/// Sparse fieldsets; names that do not exist are ignored.
fn narrow(resource: &mut Value, query: &Query) {
    let kind = resource["type"].as_str().unwrap_or_default();
    let Some(wanted) = query.fields.get(kind) else {
        return;
    };
    for part in ["attributes", "relationships"] {
        let fields = resource.get_mut(part).and_then(Value::as_object_mut);
        let emptied = fields.is_some_and(|fields| {
            fields.retain(|name, _| wanted.contains(name));
            fields.is_empty()
        });
        if emptied && let Some(whole) = resource.as_object_mut() {
            whole.remove(part);
        }
    }
}

fn check_includes(kind: &str, wanted: &[String]) -> Result<(), Reply> {
    let possible: &[&str] = if kind.ends_with("membership") {
        &["entity_id", "gid", "group_roles", "group_type", "uid"]
    } else if kind == resource::ACCOUNT_KIND {
        &["roles"]
    } else {
        &["group_type", "uid", "revision_user"]
    };
    match wanted.iter().find(|name| !possible.contains(&name.as_str())) {
        None => Ok(()),
        Some(unknown) => Err(bad(format!(
            "`{unknown}` is not a valid relationship field name. Possible values: {}.",
            possible.join(", ")
        ))),
    }
}

impl Item<'_> {
    fn uuid(&self) -> &str {
        match self {
            Item::Membership(membership) => &membership.uuid,
            Item::Group(group) => &group.uuid,
            Item::Account(account) => &account.uuid,
        }
    }

    fn visible(&self, community: &Community, caller: &Caller) -> bool {
        match self {
            Item::Membership(_) => caller.rights.sees_memberships(community),
            Item::Group(group) => caller.rights.sees_group(community, group),
            Item::Account(account) => {
                caller.rights.administer_users || caller.rights.sight(account) > AccountSight::Nothing
            }
        }
    }

    fn resource(&self, community: &Community, caller: &Caller) -> Value {
        match self {
            Item::Membership(membership) => resource::membership(community, membership),
            Item::Group(group) => resource::group(community, group),
            Item::Account(account) => resource::account(community, caller, account),
        }
    }

    /// Numbers by value, everything else as text.
    fn sort_key(&self, community: &Community, field: &str) -> (i64, String) {
        let value = self.field(community, field).unwrap_or_default().into_iter().next().unwrap_or_default();
        match value.parse() {
            Ok(number) => (number, String::new()),
            Err(_) => (0, value.to_lowercase()),
        }
    }

    fn field(&self, community: &Community, path: &str) -> Option<Vec<String>> {
        match self {
            Item::Membership(membership) => membership_field(community, membership, path),
            Item::Group(group) => group_field(group, path).map(|value| vec![value]),
            Item::Account(account) => own_field(account, path).map(|value| vec![value]),
        }
    }
}
