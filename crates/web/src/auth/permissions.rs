//! Who may do what: one table, from roles and from the scopes of tokens to permissions. Looking and acting are separate.

use rollbook_core::model::RoleName;

/// Something that can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Every page but those of accounts and settings.
    View,
    /// The state of links and runs: numbers and times, nobody's data.
    ViewStatus,
    /// Requests to the process that the same token submitted.
    ViewOwnRequests,
    ViewSettings,
    ViewAccounts,
    /// Query a remote system: the feed, a preview, the doctor's checks.
    Query,
    /// Start runs, and process records manually.
    Run,
    /// Decide what needs a person.
    Resolve,
    /// Send, retry and cancel completions.
    Report,
    /// Approve and reject plans.
    Approve,
    /// Pause and resume links.
    Pause,
    /// Manage accounts and tokens.
    Manage,
}

impl Permission {
    pub const ALL: [Self; 12] = [
        Self::View,
        Self::ViewStatus,
        Self::ViewOwnRequests,
        Self::ViewSettings,
        Self::ViewAccounts,
        Self::Query,
        Self::Run,
        Self::Resolve,
        Self::Report,
        Self::Approve,
        Self::Pause,
        Self::Manage,
    ];

    /// The least role that has it. Each role has what those before it have.
    pub fn least(self) -> RoleName {
        match self {
            Self::View | Self::ViewStatus | Self::ViewOwnRequests => RoleName::Viewer,
            Self::ViewSettings | Self::Query | Self::Run | Self::Resolve | Self::Report => RoleName::Operator,
            Self::Approve => RoleName::Approver,
            Self::ViewAccounts | Self::Pause | Self::Manage => RoleName::Administrator,
        }
    }
}

/// Whether a role has a permission.
pub fn may(role: RoleName, permission: Permission) -> bool {
    role >= permission.least()
}

/// What a token may be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Read,
    Status,
    Run,
    Resolve,
    Approve,
    Report,
    Metrics,
}

impl Scope {
    pub const ALL: [Self; 7] =
        [Self::Read, Self::Status, Self::Run, Self::Resolve, Self::Approve, Self::Report, Self::Metrics];

    /// The word that is written and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Status => "status",
            Self::Run => "run",
            Self::Resolve => "resolve",
            Self::Approve => "approve",
            Self::Report => "report",
            Self::Metrics => "metrics",
        }
    }

    /// What a program may do with it, for those who give it.
    pub fn description(self) -> &'static str {
        match self {
            Self::Read => "read everything but accounts and settings, with all personal data",
            Self::Status => "read the state of links and runs, without personal data",
            Self::Run => "start runs, and read what came of them",
            Self::Resolve => "decide what needs a person",
            Self::Approve => "approve and reject plans",
            Self::Report => "send completions again, and supply enrolment ids",
            Self::Metrics => "read the metrics at /metrics",
        }
    }

    /// The scope of a stored word; `judge` is what `approve` was called.
    pub fn parse(text: &str) -> Option<Self> {
        let text = if text == "judge" { "approve" } else { text };
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    /// Whether it has a permission. No token manages accounts or pauses a link.
    pub fn may(self, permission: Permission) -> bool {
        use Permission::{Approve, Report, Resolve, Run, View, ViewOwnRequests, ViewStatus};
        match self {
            Self::Read => matches!(permission, View | ViewStatus | ViewOwnRequests),
            Self::Status => matches!(permission, ViewStatus | ViewOwnRequests),
            Self::Run => matches!(permission, Run | ViewStatus | ViewOwnRequests),
            Self::Resolve => matches!(permission, Resolve | ViewOwnRequests),
            Self::Approve => matches!(permission, Approve | ViewOwnRequests),
            Self::Report => matches!(permission, Report | ViewOwnRequests),
            Self::Metrics => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_what_the_one_before_it_has() {
        for permission in Permission::ALL {
            let allowed: Vec<bool> = RoleName::ALL.into_iter().map(|role| may(role, permission)).collect();
            assert!(allowed.is_sorted(), "{permission:?}");
            assert!(may(RoleName::Administrator, permission), "{permission:?}");
        }
    }

    #[test]
    fn viewer_and_reading_token_only_look() {
        let reads = [Permission::View, Permission::ViewStatus, Permission::ViewOwnRequests];
        for permission in Permission::ALL {
            assert_eq!(may(RoleName::Viewer, permission), reads.contains(&permission), "{permission:?}");
            assert_eq!(Scope::Read.may(permission), reads.contains(&permission), "{permission:?}");
        }
        assert!(Scope::ALL.iter().filter(|scope| scope.may(Permission::View)).eq([&Scope::Read]), "personal data");
    }

    #[test]
    fn stored_tokens_keep_what_they_may() {
        assert_eq!(Scope::parse("judge"), Some(Scope::Approve));
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::parse("everything"), None);
    }
}
