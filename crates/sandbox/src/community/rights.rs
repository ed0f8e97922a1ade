//! What an account may see. Drupal hides what it may not see, mostly without a word.

use super::state::{Account, Community, Group, GroupVersion};

/// Permissions, as the community's administrator would tick them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// `view group`, in scope outsider and insider.
    pub view_group: bool,
    /// `view any unpublished group`.
    pub view_unpublished: bool,
    /// `view group_membership relationship` (Group 1: `… content`).
    pub view_memberships: bool,
    /// `access user profiles`: names of active people.
    pub access_profiles: bool,
    /// `view user email addresses`: addresses of active people.
    pub view_mail: bool,
    /// `administer users`: everything about everybody, blocked people included.
    pub administer_users: bool,
    /// The permissions to view relationships of other plugins, such as invitations and requests for membership.
    pub view_other_relationships: bool,
    /// `view any profile profile`: the names that Open Social keeps there.
    pub view_profiles: bool,
    /// `administer group types` or the like: what bundles of relationships are for, and all roles.
    pub view_config: bool,
    /// `administer group`, or being user 1: everything on Group 1, nothing at all from Group 2 on.
    pub administer_group: bool,
}

/// What of an account shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AccountView {
    /// The resource without attributes.
    Nothing,
    Name,
    NameAndMail,
    Everything,
}

impl Rights {
    /// What the service account needs to see guilds, members, names, addresses and who is blocked.
    pub fn least() -> Self {
        Self {
            view_group: true,
            view_unpublished: false,
            view_memberships: true,
            access_profiles: true,
            view_mail: true,
            administer_users: true,
            view_other_relationships: false,
            view_profiles: false,
            view_config: false,
            administer_group: false,
        }
    }

    pub(super) fn sees_group(&self, community: &Community, group: &Group) -> bool {
        match self.overrides(community) {
            Some(all) => all,
            None => {
                let closed = community.closed_types.contains(&group.kind);
                !closed && self.view_group && (group.published || self.view_unpublished)
            }
        }
    }

    /// Memberships show with their own permission, those of hidden groups too.
    pub(super) fn sees_memberships(&self, community: &Community) -> bool {
        self.overrides(community).unwrap_or(self.view_memberships)
    }

    /// God mode ends with Group 1: since then it sees nothing.
    fn overrides(&self, community: &Community) -> Option<bool> {
        self.administer_group.then_some(community.version == GroupVersion::V1)
    }

    pub(super) fn account_view(&self, account: &Account) -> AccountView {
        if account.uid == 0 {
            AccountView::Nothing
        } else if self.administer_users {
            AccountView::Everything
        } else if !account.active || !self.access_profiles {
            AccountView::Nothing
        } else if self.view_mail {
            AccountView::NameAndMail
        } else {
            AccountView::Name
        }
    }

    /// Whether accounts may be filtered by one of their fields.
    pub(super) fn may_filter(&self, field: &str) -> bool {
        match field {
            "name" => self.access_profiles || self.administer_users,
            "mail" => self.administer_users || (self.access_profiles && self.view_mail),
            "status" => self.administer_users,
            _ => true,
        }
    }
}
