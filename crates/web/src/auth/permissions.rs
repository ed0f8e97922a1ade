//! Who may do what: one table, from roles and from the scopes of tokens to permissions. Looking and acting are separate.

use rollbook_settings::service::RoleName;

/// Something that can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Look at every page but those of accounts and settings.
    Look,
    /// Look at the effective settings.
    ViewSettings,
    /// Look at accounts and tokens.
    ViewAccounts,
    /// Ask the remote systems something: a feed query, a preview, a doctor's round.
    Ask,
    /// Start runs, and process records by hand.
    Run,
    /// Decide what waits for a human.
    Resolve,
    /// Send, retry and cancel completions.
    Report,
    /// Approve and reject plans.
    Judge,
    /// Pause links and let them go on.
    Pause,
    /// Manage accounts and tokens.
    Manage,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 10] = [
        Self::Look,
        Self::ViewSettings,
        Self::ViewAccounts,
        Self::Ask,
        Self::Run,
        Self::Resolve,
        Self::Report,
        Self::Judge,
        Self::Pause,
        Self::Manage,
    ];

    /// The least role that has it. Each role has what those before it have.
    pub fn least(self) -> RoleName {
        match self {
            Self::Look => RoleName::Viewer,
            Self::ViewSettings | Self::Ask | Self::Run | Self::Resolve | Self::Report => RoleName::Operator,
            Self::Judge => RoleName::Approver,
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
    /// Look at everything.
    Read,
    /// Start runs.
    Run,
    /// Decide what waits for a human.
    Resolve,
    /// Approve and reject plans.
    Judge,
    /// Send completions again, and give the enrolment ids that they wait for.
    Report,
    /// See the numbers at `/metrics`, and nothing else.
    Metrics,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [Self::Read, Self::Run, Self::Resolve, Self::Judge, Self::Report, Self::Metrics];

    /// The word that is written and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Run => "run",
            Self::Resolve => "resolve",
            Self::Judge => "judge",
            Self::Report => "report",
            Self::Metrics => "metrics",
        }
    }

    /// For those who give it: what a program may do with it.
    pub fn told(self) -> &'static str {
        match self {
            Self::Read => "look at everything but accounts and settings",
            Self::Run => "start runs",
            Self::Resolve => "decide what waits for a human",
            Self::Judge => "approve and reject plans",
            Self::Report => "send completions again, and supply enrolment ids",
            Self::Metrics => "read the numbers at /metrics",
        }
    }

    /// The scope of a stored word.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    /// Whether it has a permission. No token manages accounts or pauses a link.
    pub fn may(self, permission: Permission) -> bool {
        match self {
            Self::Read => permission == Permission::View,
            Self::Run => permission == Permission::Run,
            Self::Resolve => permission == Permission::Resolve,
            Self::Judge => permission == Permission::Approve,
            Self::Report => permission == Permission::Report,
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
        for permission in Permission::ALL {
            assert_eq!(may(RoleName::Viewer, permission), permission == Permission::View, "{permission:?}");
            assert_eq!(Scope::Read.may(permission), permission == Permission::View, "{permission:?}");
        }
    }
}
