//! The fields by which collections can be filtered and sorted, and their values.

use super::auth::Caller;
use super::kind::{Kind, group_type_of};
use super::state::{Account, Community, Group, Membership, Term};
use super::{bad, error};
use crate::server::Reply;

const ACCOUNT_PATHS: [&str; 6] =
    ["id", "drupal_internal__uid", "meta.drupal_internal__target_id", "name", "mail", "status"];
const GROUP_PATHS: [&str; 8] = [
    "id",
    "drupal_internal__id",
    "label",
    "status",
    "created",
    "changed",
    "field_machine_name",
    "field_flexible_group_visibility",
];
const TERM_PATHS: [&str; 3] = ["id", "drupal_internal__tid", "name"];
/// `group_roles.id` is missing on purpose: the real one refuses it.
const MEMBERSHIP_PATHS: [&str; 8] = [
    "id",
    "drupal_internal__id",
    "label",
    "created",
    "changed",
    "plugin_id",
    "group_roles.meta.drupal_internal__target_id",
    "group_type.meta.drupal_internal__target_id",
];
const PROFILE_PATHS: [&str; 4] = ["id", "status", "field_profile_first_name", "field_profile_last_name"];

/// The account's field at the end of a path such as `entity_id.entity:user.mail`.
fn account_field<'a>(kind: &Kind, path: &'a str) -> Option<&'a str> {
    match kind {
        Kind::Account => Some(path),
        Kind::Profile => path.strip_prefix("uid."),
        Kind::Relationship { .. } => member_field(path),
        _ => None,
    }
}

fn member_field(path: &str) -> Option<&str> {
    let path = path.strip_prefix("entity_id.")?;
    Some(path.strip_prefix("entity:user.").unwrap_or(path))
}

/// The term's field at the end of a path such as `gid.field_group_type.name`.
fn term_field(path: &str) -> Option<&str> {
    let field = path.strip_prefix("field_group_type.")?;
    Some(if field == "meta.drupal_internal__target_id" { "drupal_internal__tid" } else { field })
}

/// Refuses paths that do not exist, and those that the caller may not look through.
pub(super) fn check_path(kind: &Kind, path: &str, caller: &Caller) -> Result<(), Reply> {
    let account = account_field(kind, path);
    let of_group =
        |path: &str| GROUP_PATHS.contains(&path) || term_field(path).is_some_and(|field| TERM_PATHS.contains(&field));
    let known = match (kind, account) {
        (_, Some(field)) => ACCOUNT_PATHS.contains(&field),
        (Kind::Relationship { .. }, None) => {
            let group = path.strip_prefix("gid.");
            let group = group.is_some_and(|field| field == "meta.drupal_internal__target_id" || of_group(field));
            MEMBERSHIP_PATHS.contains(&path) || group
        }
        (Kind::Group(_), None) => of_group(path),
        (Kind::Term, None) => TERM_PATHS.contains(&path),
        (Kind::Profile, None) => PROFILE_PATHS.contains(&path),
        (Kind::Account | Kind::RelationshipType | Kind::Role, None) => path == "id",
    };
    if !known {
        return Err(bad(format!("Invalid nested filtering. The field `{path}` does not exist or is not filterable.")));
    }
    match account {
        Some(field) if !caller.rights.may_filter(field) => {
            let detail = format!(
                "The current user is not authorized to filter by the `{field}` field, given in the path `{path}`."
            );
            Err(error(403, "Forbidden", &detail))
        }
        _ => Ok(()),
    }
}

/// A relationship's values at a path; `None` where there is nothing to compare.
pub(super) fn of_relationship(community: &Community, row: &Membership, path: &str) -> Option<Vec<String>> {
    if path == "group_roles.meta.drupal_internal__target_id" {
        return Some(row.roles.clone());
    }
    if let Some(field) = member_field(path) {
        let account = community.accounts.get(&row.uid)?;
        return of_account(account, field).map(|value| vec![value]);
    }
    if let Some(field) = path.strip_prefix("gid.") {
        let group = community.groups.get(&row.group_id)?;
        let field = if field == "meta.drupal_internal__target_id" { "drupal_internal__id" } else { field };
        return of_group(community, group, field).map(|value| vec![value]);
    }
    let value = match path {
        "id" => row.uuid.clone(),
        "drupal_internal__id" => row.id.to_string(),
        "label" => row.label.clone(),
        "created" => row.created.as_second().to_string(),
        "changed" => row.changed.as_second().to_string(),
        "plugin_id" => row.plugin.clone(),
        "group_type.meta.drupal_internal__target_id" => group_type_of(community, row).to_owned(),
        _ => return None,
    };
    Some(vec![value])
}

pub(super) fn of_group(community: &Community, group: &Group, field: &str) -> Option<String> {
    if let Some(field) = term_field(field) {
        return of_term(community.terms.get(&group.term?)?, field);
    }
    Some(match field {
        "id" => group.uuid.clone(),
        "drupal_internal__id" => group.id.to_string(),
        "label" => group.label.clone(),
        "status" => i32::from(group.published).to_string(),
        "created" => group.created.as_second().to_string(),
        "changed" => group.changed.as_second().to_string(),
        "field_machine_name" => group.machine_name.clone()?,
        "field_flexible_group_visibility" => group.visibility.clone()?,
        _ => return None,
    })
}

pub(super) fn of_term(term: &Term, field: &str) -> Option<String> {
    Some(match field {
        "id" => term.uuid.clone(),
        "drupal_internal__tid" => term.id.to_string(),
        "name" => term.name.clone(),
        _ => return None,
    })
}

pub(super) fn of_account(account: &Account, field: &str) -> Option<String> {
    Some(match field {
        "id" => account.uuid.clone(),
        "drupal_internal__uid" | "meta.drupal_internal__target_id" => account.uid.to_string(),
        "name" => account.name.clone(),
        "mail" => account.mail.clone()?,
        "status" => i32::from(account.active).to_string(),
        _ => return None,
    })
}

pub(super) fn of_profile(account: &Account, path: &str) -> Option<String> {
    if let Some(field) = path.strip_prefix("uid.") {
        return of_account(account, field);
    }
    let profile = account.profile.as_ref()?;
    Some(match path {
        "status" => "1".to_owned(),
        "field_profile_first_name" => profile.first_name.clone(),
        "field_profile_last_name" => profile.last_name.clone(),
        _ => return None,
    })
}
