//! A page of resources with what was to be included, or a single resource.
//!
//! What the caller may not see is filtered out before, so that a page gives no hint of it. Only an *included*
//! resource that is denied leaves a trace: `meta.omitted`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::auth::Caller;
use super::field::{check_path, of_account, of_group, of_profile, of_relationship, of_term};
use super::kind::{Kind, MEMBERSHIP, group_type_of};
use super::query::Query;
use super::resource::{Writer, role_uuid};
use super::rights::AccountView;
use super::state::{Account, Community, Group, Membership, Profile, Term, uuid, uuid_of};
use super::{bad, document, error, kind, version};
use crate::server::{HttpRequest, Reply};

/// Something that has a place in a collection.
#[derive(Clone, Copy)]
enum Item<'a> {
    Relationship(&'a Membership),
    Group(&'a Group),
    Account(&'a Account),
    Profile(&'a Account, &'a Profile),
    Term(&'a Term),
    RelationshipType(&'a str, &'a str),
    Role(&'a str),
}

pub(super) fn answer(community: &Community, caller: &Caller, request: &HttpRequest) -> Result<Reply, Reply> {
    let path = request.path();
    for kind in Kind::all(community) {
        let collection = kind.path(community.version);
        if path == collection {
            let query = Query::read(request.parts.uri.query().unwrap_or_default())?;
            return page(community, caller, &kind, &query);
        }
        if let Some(uuid) = path.strip_prefix(&format!("{collection}/")) {
            return single(community, caller, &kind, uuid);
        }
    }
    // Other versions of the module have other paths, which here are nothing at all.
    Err(Reply::html(404, "<html><body>Page not found</body></html>".to_owned()))
}

fn items<'a>(community: &'a Community, kind: &Kind) -> Vec<Item<'a>> {
    match kind {
        Kind::Relationship { group_type, plugin } => {
            let rows = community.memberships.values().filter(|row| row.plugin == *plugin);
            rows.filter(|row| group_type_of(community, row) == group_type).map(Item::Relationship).collect()
        }
        Kind::Group(group_type) => {
            community.groups.values().filter(|group| group.kind == *group_type).map(Item::Group).collect()
        }
        Kind::Account => community.accounts.values().map(Item::Account).collect(),
        Kind::Profile => community.accounts.values().filter_map(Item::profile).collect(),
        Kind::Term => community.terms.values().map(Item::Term).collect(),
        Kind::RelationshipType => {
            let types = community.group_types.keys();
            let plugins = || [MEMBERSHIP].into_iter().chain(community.plugins.iter().map(String::as_str));
            types.flat_map(|of| plugins().map(|plugin| Item::RelationshipType(of, plugin))).collect()
        }
        Kind::Role => community.group_roles.iter().map(|name| Item::Role(name)).collect(),
    }
}

fn page(community: &Community, caller: &Caller, kind: &Kind, query: &Query) -> Result<Reply, Reply> {
    let mut items = items(community, kind);
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
    for path in &query.include {
        check_include(kind, path)?;
    }
    let total = items.len();
    let writer = Writer { community, caller };
    let shown: Vec<Item<'_>> = items.into_iter().skip(query.offset).take(query.limit).collect();
    let mut data: Vec<Value> = shown.iter().map(|item| item.write(writer)).collect();
    let mut included = Included { writer, list: Vec::new(), seen: BTreeSet::new(), denied: Vec::new() };
    for item in &shown {
        for path in &query.include {
            included.follow(item, path);
        }
    }
    for resource in data.iter_mut().chain(&mut included.list) {
        keep_wanted_fields(resource, query);
    }
    let path = format!("{}{}", community.link_base, kind.path(community.version));
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
fn single(community: &Community, caller: &Caller, kind: &Kind, uuid: &str) -> Result<Reply, Reply> {
    let found = items(community, kind).into_iter().find(|item| item.uuid() == uuid);
    let item = found.ok_or_else(|| error(404, "Not Found", "The resource was not found"))?;
    if item.visible(community, caller) {
        let data = item.write(Writer { community, caller });
        return Ok(document(200, &json!({"jsonapi": version(), "data": data})));
    }
    if caller.tried {
        return Err(error(403, "Forbidden", "The current user is not allowed to GET the selected resource."));
    }
    let refused = error(401, "Unauthorized", "No authentication credentials provided.");
    Err(refused.with("www-authenticate", "Basic realm=\"Community\""))
}

struct Included<'a> {
    writer: Writer<'a>,
    list: Vec<Value>,
    seen: BTreeSet<String>,
    /// Paths of what the caller may not see.
    denied: Vec<String>,
}

impl<'a> Included<'a> {
    /// Adds what stands at each step of a path such as `entity_id.profile_profiles`.
    fn follow(&mut self, item: &Item<'a>, path: &str) {
        let (relation, rest) = path.split_once('.').map_or((path, None), |(relation, rest)| (relation, Some(rest)));
        for target in item.related(self.writer.community, relation) {
            if !target.includes(self.writer) {
                if self.seen.insert(target.uuid()) {
                    let kind = target.kind().path(self.writer.community.version);
                    self.denied.push(format!("{kind}/{}", target.uuid()));
                }
                continue;
            }
            if self.seen.insert(target.uuid()) {
                self.list.push(target.write(self.writer));
            }
            if let Some(rest) = rest {
                self.follow(&target, rest);
            }
        }
    }
}

fn omitted(community: &Community, denied: &[String]) -> Value {
    let mut links =
        json!({"help": {"href": "https://www.drupal.org/docs/8/modules/json-api/filtering#filters-access-control"}});
    let detail = "The current user is not allowed to GET the selected resource.";
    for path in denied {
        let href = format!("{}{path}", community.link_base);
        let uuid = path.rsplit('/').next().unwrap_or_default();
        let short = uuid.split('-').next().unwrap_or_default();
        links[format!("item--{short}")] = json!({"href": href, "meta": {"rel": "item", "detail": detail}});
    }
    let detail = "Some resources have been omitted because of insufficient authorization.";
    json!({"omitted": {"detail": detail, "links": links}})
}

/// Sparse fieldsets; names that do not exist are ignored.
fn keep_wanted_fields(resource: &mut Value, query: &Query) {
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

fn check_include(kind: &Kind, path: &str) -> Result<(), Reply> {
    let (relation, rest) = path.split_once('.').map_or((path, None), |(relation, rest)| (relation, Some(rest)));
    let possible = kind.relations();
    if !possible.contains(&relation) {
        let possible = possible.join(", ");
        return Err(bad(format!("`{relation}` is not a valid relationship field name. Possible values: {possible}.")));
    }
    match (rest, kind.leads_to(relation)) {
        (None, _) => Ok(()),
        (Some(rest), Some(next)) => check_include(&next, rest),
        (Some(rest), None) => Err(bad(format!("`{rest}` is not a valid relationship field name."))),
    }
}

impl<'a> Item<'a> {
    fn profile(account: &'a Account) -> Option<Self> {
        account.profile.as_ref().map(|profile| Item::Profile(account, profile))
    }

    fn uuid(&self) -> String {
        match self {
            Item::Relationship(row) => row.uuid.clone(),
            Item::Group(group) => group.uuid.clone(),
            Item::Account(account) => account.uuid.clone(),
            Item::Profile(account, _) => uuid(7, account.uid),
            Item::Term(term) => term.uuid.clone(),
            Item::RelationshipType(group_type, plugin) => uuid_of(6, &kind::bundle(group_type, plugin)),
            Item::Role(name) => role_uuid(name),
        }
    }

    /// The kind of an item that can be included.
    fn kind(&self) -> Kind {
        match self {
            Item::Group(group) => Kind::Group(group.kind.clone()),
            Item::Profile(..) => Kind::Profile,
            Item::Term(_) => Kind::Term,
            Item::RelationshipType(..) => Kind::RelationshipType,
            Item::Role(_) => Kind::Role,
            Item::Account(_) | Item::Relationship(_) => Kind::Account,
        }
    }

    /// What stands at the end of a relation.
    fn related(&self, community: &'a Community, relation: &str) -> Vec<Item<'a>> {
        let one = |item: Option<Item<'a>>| item.into_iter().collect();
        match (self, relation) {
            (Item::Relationship(row), "entity_id" | "uid") => one(community.accounts.get(&row.uid).map(Item::Account)),
            (Item::Relationship(row), "gid") => one(community.groups.get(&row.group_id).map(Item::Group)),
            (Item::Relationship(row), "group_roles") => row.roles.iter().map(|name| Item::Role(name)).collect(),
            (Item::Group(group), "field_group_type") => {
                one(group.term.and_then(|id| community.terms.get(&id)).map(Item::Term))
            }
            (Item::Account(account), "profile_profiles") => one(Item::profile(account)),
            (Item::Profile(account, _), "uid") => vec![Item::Account(account)],
            _ => Vec::new(),
        }
    }

    fn visible(&self, community: &Community, caller: &Caller) -> bool {
        let rights = &caller.rights;
        match self {
            Item::Relationship(row) => {
                let closed =
                    community.groups.get(&row.group_id).is_some_and(|it| community.closed_types.contains(&it.kind));
                let wanted = row.plugin == MEMBERSHIP || rights.view_other_relationships;
                wanted && !closed && rights.sees_memberships(community)
            }
            Item::Group(group) => rights.sees_group(community, group),
            Item::Account(account) => rights.administer_users || rights.account_view(account) > AccountView::Nothing,
            Item::Profile(account, _) => rights.view_profiles && rights.account_view(account) > AccountView::Nothing,
            Item::Term(_) => true,
            Item::RelationshipType(..) | Item::Role(_) => rights.view_config,
        }
    }

    /// An account is included whatever the rights, if need be without attributes; so are roles.
    fn includes(&self, writer: Writer<'_>) -> bool {
        matches!(self, Item::Account(_) | Item::Role(_)) || self.visible(writer.community, writer.caller)
    }

    fn write(&self, writer: Writer<'_>) -> Value {
        match self {
            Item::Relationship(row) => writer.relationship(row),
            Item::Group(group) => writer.group(group),
            Item::Account(account) => writer.account(account),
            Item::Profile(account, profile) => writer.profile(account, profile),
            Item::Term(term) => writer.term(term),
            Item::RelationshipType(group_type, plugin) => writer.relationship_type(group_type, plugin),
            Item::Role(name) => writer.role(name),
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
        let value = match self {
            Item::Relationship(row) => return of_relationship(community, row, path),
            Item::Group(group) => of_group(community, group, path),
            Item::Account(account) => of_account(account, path),
            Item::Profile(account, _) if path != "id" => of_profile(account, path),
            Item::Term(term) => of_term(term, path),
            Item::Profile(..) | Item::RelationshipType(..) | Item::Role(_) => Some(self.uuid()),
        };
        value.map(|value| vec![value])
    }
}
