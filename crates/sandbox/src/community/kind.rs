//! Resource types: their names and paths, and how Group names the bundles of its relationships.

use super::state::{Community, GroupVersion, Membership};
use crate::server::form;

/// The group type of a new site.
pub(super) const GUILD: &str = "guild";
/// The plugin behind memberships; others are invitations, requests and content.
pub(super) const MEMBERSHIP: &str = "group_membership";
/// Drupal's limit on the name of a bundle (`EntityTypeInterface::BUNDLE_MAX_LENGTH`).
const BUNDLE_MAX: usize = 32;

/// A resource type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Memberships of one group type, or what another plugin holds in such groups.
    Relationship {
        group_type: String,
        plugin: String,
    },
    Group(String),
    Account,
    Profile,
    Term,
    /// Configuration: what each bundle of relationships is for.
    RelationshipType,
    /// Configuration: the roles of all group types.
    Role,
}

impl GroupVersion {
    /// The relationship's entity type, the first half of its resource type.
    pub(super) fn relationship_entity(self) -> &'static str {
        match self {
            GroupVersion::V1 | GroupVersion::V2 => "group_content",
            GroupVersion::V3 => "group_relationship",
        }
    }
}

/// The bundle of a plugin in a group type. Where the readable name would be too long it is hashed, and keeps the prefix
/// of Group 1 in every version.
pub(super) fn bundle(group_type: &str, plugin: &str) -> String {
    let readable = format!("{group_type}-{}", plugin.replace(':', "-"));
    if readable.len() <= BUNDLE_MAX {
        return readable;
    }
    let mut hashed = format!("group_content_type_{}", form::md5_hex(&readable));
    hashed.truncate(BUNDLE_MAX);
    hashed
}

/// The type of a relationship's group. One whose group is gone counts as a guild's.
pub(super) fn group_type_of<'a>(community: &'a Community, row: &Membership) -> &'a str {
    community.groups.get(&row.group_id).map_or(GUILD, |group| &group.kind)
}

impl Kind {
    /// Every resource type that the site serves.
    pub(super) fn all(community: &Community) -> Vec<Kind> {
        let mut kinds = Vec::new();
        for group_type in community.group_types.keys() {
            for plugin in [MEMBERSHIP].into_iter().chain(community.plugins.iter().map(String::as_str)) {
                kinds.push(Kind::Relationship { group_type: group_type.clone(), plugin: plugin.to_owned() });
            }
            kinds.push(Kind::Group(group_type.clone()));
        }
        kinds.extend([Kind::Account, Kind::Profile, Kind::Term, Kind::RelationshipType, Kind::Role]);
        kinds
    }

    pub(super) fn of(community: &Community, row: &Membership) -> Kind {
        let group_type = group_type_of(community, row).to_owned();
        Kind::Relationship { group_type, plugin: row.plugin.clone() }
    }

    /// `entity--bundle`.
    pub(super) fn name(&self, version: GroupVersion) -> String {
        let relationship = version.relationship_entity();
        match self {
            Kind::Relationship { group_type, plugin } => format!("{relationship}--{}", bundle(group_type, plugin)),
            Kind::Group(group_type) => format!("group--{group_type}"),
            Kind::Account => "user--user".to_owned(),
            Kind::Profile => "profile--profile".to_owned(),
            Kind::Term => "taxonomy_term--group_type".to_owned(),
            Kind::RelationshipType => format!("{relationship}_type--{relationship}_type"),
            Kind::Role => "group_role--group_role".to_owned(),
        }
    }

    pub(super) fn path(&self, version: GroupVersion) -> String {
        format!("/jsonapi/{}", self.name(version).replace("--", "/"))
    }

    /// What `include` may name.
    pub(super) fn relations(&self) -> &'static [&'static str] {
        match self {
            Kind::Relationship { .. } => &["entity_id", "gid", "group_roles", "group_type", "uid"],
            Kind::Group(_) => &["field_group_type", "group_type", "revision_user", "uid"],
            Kind::Account => &["profile_profiles", "roles"],
            Kind::Profile => &["uid"],
            Kind::Term => &["parent", "vid"],
            Kind::RelationshipType | Kind::Role => &[],
        }
    }

    /// The kind at the end of a relation; `None` where no path leads on.
    pub(super) fn leads_to(&self, relation: &str) -> Option<Kind> {
        match (self, relation) {
            (Kind::Relationship { .. }, "entity_id" | "uid") | (Kind::Profile, "uid") => Some(Kind::Account),
            (Kind::Relationship { group_type, .. }, "gid") => Some(Kind::Group(group_type.clone())),
            (Kind::Group(_), "field_group_type") => Some(Kind::Term),
            (Kind::Account, "profile_profiles") => Some(Kind::Profile),
            _ => None,
        }
    }
}
