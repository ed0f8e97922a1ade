//! The fields by which collections can be filtered and sorted, and their values.

use super::account::Caller;
use super::state::{Account, Community, Group, Membership};
use super::{bad, error, resource};
use crate::server::Reply;

/// The account's field at the end of a path such as `entity_id.entity:user.mail`.
fn account_field(path: &str) -> Option<&str> {
    let path = path.strip_prefix("entity_id.")?;
    Some(path.strip_prefix("entity:user.").unwrap_or(path))
}

/// Refuses paths that do not exist, and those that the caller may not look through.
pub(super) fn check_path(kind: &str, path: &str, caller: &Caller) -> Result<(), Reply> {
    let account = if kind == resource::ACCOUNT_KIND { Some(path) } else { account_field(path) };
    let known = match (kind, account) {
        (resource::ACCOUNT_KIND, _) => ["id", "drupal_internal__uid", "name", "mail", "status"].contains(&path),
        (_, Some(field)) => ["id", "meta.drupal_internal__target_id", "name", "mail", "status"].contains(&field),
        (kind, None) if kind.ends_with("membership") => MEMBERSHIP_PATHS.contains(&path),
        _ => {
            ["id", "drupal_internal__id", "label", "status", "created", "changed", "field_machine_name"].contains(&path)
        }
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

/// `group_roles.id` is missing on purpose: the real one refuses it.
const MEMBERSHIP_PATHS: [&str; 10] = [
    "id",
    "drupal_internal__id",
    "label",
    "created",
    "changed",
    "gid.id",
    "gid.meta.drupal_internal__target_id",
    "gid.label",
    "gid.status",
    "group_roles.meta.drupal_internal__target_id",
];

/// A membership's values at a path; `None` where there is nothing to compare.
pub(super) fn membership_field(community: &Community, membership: &Membership, path: &str) -> Option<Vec<String>> {
    if path == "group_roles.meta.drupal_internal__target_id" {
        return Some(membership.roles.clone());
    }
    if let Some(field) = account_field(path) {
        let account = community.accounts.get(&membership.uid)?;
        return own_field(account, field).map(|value| vec![value]);
    }
    if let Some(field) = path.strip_prefix("gid.") {
        let group = community.groups.get(&membership.group_id)?;
        let field = if field == "meta.drupal_internal__target_id" { "drupal_internal__id" } else { field };
        return group_field(group, field).map(|value| vec![value]);
    }
    let value = match path {
        "id" => membership.uuid.clone(),
        "drupal_internal__id" => membership.id.to_string(),
        "label" => membership.label.clone(),
        "created" => membership.created.as_second().to_string(),
        "changed" => membership.changed.as_second().to_string(),
        _ => return None,
    };
    Some(vec![value])
}

pub(super) fn group_field(group: &Group, field: &str) -> Option<String> {
    Some(match field {
        "id" => group.uuid.clone(),
        "drupal_internal__id" => group.id.to_string(),
        "label" => group.label.clone(),
        "status" => i32::from(group.published).to_string(),
        "created" => group.created.as_second().to_string(),
        "changed" => group.changed.as_second().to_string(),
        "field_machine_name" => group.machine_name.clone()?,
        _ => return None,
    })
}

pub(super) fn own_field(account: &Account, field: &str) -> Option<String> {
    Some(match field {
        "id" => account.uuid.clone(),
        "drupal_internal__uid" | "meta.drupal_internal__target_id" => account.uid.to_string(),
        "name" => account.name.clone(),
        "mail" => account.mail.clone()?,
        "status" => i32::from(account.active).to_string(),
        _ => return None,
    })
}
