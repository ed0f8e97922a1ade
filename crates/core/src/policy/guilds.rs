//! The operator's rules for guilds: names, matching, roles, what becomes of a guild that is gone, and how much may go at once.

use super::{Protected, UsernameCharacters};
use crate::model::{
    Account, CohortContext, CohortVisibility, CommunityPerson, GuildRole, MachineName, MoodleUserId, RoleContext,
    RoleId, folded_machine_name,
};
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// What of a community's person is held against Moodle's `idnumber`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommunityKey {
    /// The number of the account.
    Number,
    Uuid,
    Name,
}

/// One way to find a member's Moodle account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchKey {
    /// The mail addresses are one.
    Mail,
    /// The user names are one, but for case.
    Username,
    /// The Moodle account's `idnumber` is this.
    Idnumber(CommunityKey),
}

/// Who is given a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleGiver {
    /// Every member of a guild.
    EveryMember,
    /// Those with this role in a guild.
    Role(GuildRole),
}

/// One line of the mapping guild role → Moodle role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRule {
    pub giver: RoleGiver,
    pub role: RoleId,
    pub context: RoleContext,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolesBy {
    /// Rollbook, by the mapping.
    Rollbook,
    /// A plugin of the Moodle site (`local_cohortrole`), or nobody.
    Moodle,
}

/// What becomes of the cohort of a guild that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveRule {
    /// Hidden, its members removed, its name marked.
    Hide,
    Keep,
    /// Deleted, unless it has members that Rollbook does not own.
    Delete,
}

/// What becomes of a guild that is there and not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnpublishedRule {
    /// It counts like any other.
    Sync,
    /// Its cohort is left as it is; without a cohort it gets none.
    Leave,
    Archive,
}

/// Which existing cohorts may be taken over, with their members, when a guild wants their idnumber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adopt {
    Never,
    /// Those of these machine names.
    Named(BTreeSet<MachineName>),
    Any,
}

impl Adopt {
    /// Whether the cohort of this machine name may be taken over.
    pub fn covers(&self, name: &MachineName) -> bool {
        match self {
            Self::Never => false,
            Self::Any => true,
            Self::Named(names) => {
                let folded = folded_machine_name(name.as_str());
                names.iter().any(|listed| folded_machine_name(listed.as_str()) == folded)
            }
        }
    }
}

/// How an account is made for a member who has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMemberRule {
    /// The `auth` of a new account.
    pub auth: String,
    /// The family name of a person whose user name is one word.
    pub last_name: String,
}

/// What happens to a member without Moodle account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberAccounts {
    /// They are skipped, and listed at the end.
    Skip,
    Create(NewMemberRule),
}

/// How much one run of guilds may do before a person must approve it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuildLimits {
    /// Memberships (and, counted by themselves, role assignments) removed per run.
    pub removals: u64,
    /// The same as a share of what Rollbook owns, per guild and per run, 0 to 1.
    pub removals_share: f64,
    /// The share does not count for a guild, or a site, with fewer than so many.
    pub exempt_under: u64,
    pub new_accounts: u64,
    /// Members of doubtful identity as a share of all members, 0 to 1.
    pub doubtful_share: f64,
    /// The doubtful share does not count below so many members in doubt.
    pub doubtful_exempt_under: u64,
    /// A plan older than this is not applied.
    pub plan_age: SignedDuration,
}

impl Default for GuildLimits {
    fn default() -> Self {
        Self {
            removals: 50,
            removals_share: 0.25,
            exempt_under: 5,
            new_accounts: 200,
            doubtful_share: 0.25,
            doubtful_exempt_under: 20,
            plan_age: SignedDuration::from_mins(10),
        }
    }
}

/// The rules of one guilds link.
#[derive(Clone, Debug, PartialEq)]
pub struct GuildPolicy {
    /// What a cohort's name begins with, before the guild's label.
    pub name_prefix: String,
    /// What is added to the name of a retired cohort.
    pub archived_mark: String,
    /// A cohort's description; `{label}` stands for the guild's label. Written with a cohort, never compared: Moodle
    /// cleans what it is given.
    pub description: String,
    /// Whether course editors see the cohorts.
    pub visibility: CohortVisibility,
    pub context: CohortContext,
    /// How a member's account is found; the first way that finds one counts.
    pub match_by: Vec<MatchKey>,
    /// What Moodle's user-name rule takes.
    pub username_characters: UsernameCharacters,
    /// What happens to a member without account.
    pub accounts: MemberAccounts,
    pub roles_by: RolesBy,
    pub roles: Vec<RoleRule>,
    /// What becomes of a guild that is gone.
    pub archive: ArchiveRule,
    /// What becomes of a guild that is not published.
    pub unpublished: UnpublishedRule,
    /// Which existing cohorts may be taken over.
    pub adopt: Adopt,
    pub protected: Protected,
    /// How much may change at once.
    pub limits: GuildLimits,
}

impl Default for GuildPolicy {
    fn default() -> Self {
        Self {
            name_prefix: "AVC - ".to_owned(),
            archived_mark: " (archived)".to_owned(),
            description: "Members of the guild {label}, kept by Rollbook".to_owned(),
            visibility: CohortVisibility::Visible,
            context: CohortContext::System,
            match_by: vec![MatchKey::Mail, MatchKey::Username],
            username_characters: UsernameCharacters::Plain,
            accounts: MemberAccounts::Skip,
            roles_by: RolesBy::Rollbook,
            roles: Vec::new(),
            archive: ArchiveRule::Hide,
            unpublished: UnpublishedRule::Leave,
            adopt: Adopt::Never,
            protected: Protected::default(),
            limits: GuildLimits::default(),
        }
    }
}

impl Protected {
    /// The same, with these accounts too.
    #[must_use]
    pub fn and_accounts(mut self, accounts: impl IntoIterator<Item = MoodleUserId>) -> Self {
        self.accounts.extend(accounts);
        self
    }

    /// The entry that protects this member, by what the community and Moodle say.
    pub fn entry_for_member(&self, person: Option<&CommunityPerson>, account: Option<&Account>) -> Option<String> {
        if let Some(account) = account
            && self.accounts.contains(&account.id)
        {
            return Some(format!("account {}", account.id));
        }
        if self.words.is_empty() {
            return None;
        }
        let said = person.map(|person| [person.name.as_str(), person.mail.as_ref().map_or("", |mail| mail.as_str())]);
        let held = account.map(|account| [account.guid.as_str(), &account.mail, &account.username]);
        let mut words = said.into_iter().flatten().chain(held.into_iter().flatten());
        words.find_map(|word| self.words.get(&word.trim().to_lowercase())).cloned()
    }
}
