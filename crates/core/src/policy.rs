//! The operator's rules as data: what is made how, who is never touched, and how much may change at once.

mod completions;
mod guilds;

pub use completions::{CompletionLimits, CompletionsPolicy, DeliveryRules, ReceiptRules, ReportFields, ReportTemplate};
pub use guilds::{
    Adopt, ArchiveRule, CommunityKey, GuildLimits, GuildPolicy, MatchKey, MemberAccounts, NewMemberRule, RoleGiver,
    RoleRule, RolesBy, UnpublishedRule,
};

use crate::model::{Account, FeedRecord, Field, MoodleUserId, RoleId};
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// How a new account's user name follows from the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsernameRule {
    Mail,
    Guid,
    /// The mail address where Moodle's rule takes it, else the GUID.
    MailThenGuid,
}

/// What Moodle's user-name rule takes (the site setting `extendedusernamechars`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsernameCharacters {
    /// Lower-case letters, digits, `-`, `.`, `_`, `@`.
    Plain,
    /// Everything but upper case and outer spaces.
    Extended,
}

/// What the feed's enrolment ids tell apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EnrolmentIds {
    /// Each id is an enrolment of its own: a person is in a course while any of theirs lives.
    #[default]
    Apart,
    /// A person has one state in a course, whatever the ids.
    Ignored,
}

/// What a record means that holds from a later day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FutureDates {
    /// It is a plan and waits for its day.
    #[default]
    Wait,
    /// The feed uses the date otherwise: it is done at once.
    Now,
}

/// What is done where nothing tells whether it is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// A person decides.
    Ask,
    /// It is done.
    Act,
}

/// What an Enrol of an account that cannot sign in comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlockedAccounts {
    /// It is enrolled, without a welcome mail, and the outcome says so.
    #[default]
    Enrol,
    /// A person decides.
    Ask,
}

/// What intake does with the enrolments themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnrolmentPolicy {
    pub ids: EnrolmentIds,
    pub future: FutureDates,
    pub blocked_accounts: BlockedAccounts,
    /// A leaver whom somebody else enrolled, in a course with several methods, where web services do not say by which.
    pub unknown_method: Unproven,
    /// Dates that stand and that web services do not show: a write removes them.
    pub unknown_dates: Unproven,
    /// How long a new enrolment lasts where the method's own duration is not known.
    pub duration: Option<SignedDuration>,
    /// Whether a new enrolment begins at the moment of enrolling, or has no start.
    pub starts_now: bool,
}

impl Default for EnrolmentPolicy {
    fn default() -> Self {
        Self {
            ids: EnrolmentIds::default(),
            future: FutureDates::default(),
            blocked_accounts: BlockedAccounts::default(),
            unknown_method: Unproven::Ask,
            unknown_dates: Unproven::Act,
            duration: None,
            starts_now: false,
        }
    }
}

/// Who sends the welcome mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// Rollbook, from its outbox.
    Rollbook,
    /// Nobody, or Moodle itself.
    NotOurs,
}

/// People and accounts that are never touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protected {
    words: BTreeSet<String>,
    accounts: BTreeSet<MoodleUserId>,
}

impl Protected {
    /// From words (GUIDs, mail addresses, user names; case does not count) and account ids.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>, accounts: impl IntoIterator<Item = MoodleUserId>) -> Self {
        let words = words.into_iter().map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect();
        Self { words, accounts: accounts.into_iter().collect() }
    }

    pub fn add_accounts(&mut self, accounts: impl IntoIterator<Item = MoodleUserId>) {
        self.accounts.extend(accounts);
    }

    /// The entry that protects this person, by what the feed and Moodle say.
    pub fn entry_for(&self, record: &FeedRecord, account: Option<&Account>) -> Option<String> {
        let by_feed = || self.entry_among(&[record.get(Field::Guid), record.get(Field::Mail)]);
        account.and_then(|account| self.entry_for_account(account)).or_else(by_feed)
    }

    /// The entry that protects this account.
    pub fn entry_for_account(&self, account: &Account) -> Option<String> {
        // Moodle enrols its guest account over web services up to 4.4.
        if account.username == "guest" {
            return Some("guest account".to_owned());
        }
        let words = || self.entry_among(&[&account.guid, &account.mail, &account.username]);
        self.accounts.contains(&account.id).then(|| format!("account {}", account.id)).or_else(words)
    }

    /// The entry that is one of these words.
    pub fn entry_among(&self, words: &[&str]) -> Option<String> {
        if self.words.is_empty() {
            return None;
        }
        words.iter().find_map(|word| self.words.get(&word.trim().to_lowercase())).cloned()
    }

    /// Whether this account is protected by its id.
    pub fn has_account(&self, id: MoodleUserId) -> bool {
        self.accounts.contains(&id)
    }
}

/// How much one run of intake may do before a person must approve it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntakeLimits {
    pub new_accounts: u64,
    pub welcome_mails: u64,
    pub suspensions: u64,
    /// Suspensions as a share of those active in a course, 0 to 1.
    pub suspensions_share: f64,
    /// Shares do not count below so many suspensions in a course.
    pub exempt_under: u64,
    /// People of doubtful identity as a share of the people in the plan, 0 to 1.
    pub doubtful_share: f64,
    /// The doubtful share does not count below so many people in doubt.
    pub doubtful_exempt_under: u64,
    /// A plan older than this is not applied.
    pub plan_age: SignedDuration,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self {
            new_accounts: 2_000,
            welcome_mails: 2_000,
            suspensions: 50,
            suspensions_share: 0.25,
            exempt_under: 5,
            doubtful_share: 0.25,
            doubtful_exempt_under: 20,
            plan_age: SignedDuration::from_mins(10),
        }
    }
}

/// The rules of one intake link.
#[derive(Clone, Debug, PartialEq)]
pub struct IntakePolicy {
    /// The role of an enrolment, where the course does not tell its own.
    pub role: RoleId,
    /// The `auth` of a new account.
    pub auth: String,
    /// The user name of a new account.
    pub username: UsernameRule,
    /// What the site takes in a user name.
    pub username_characters: UsernameCharacters,
    /// What stands for the name that a person with one name does not have; `None`: a person decides.
    pub missing_name: Option<String>,
    pub protected: Protected,
    pub welcome: Welcome,
    pub enrolments: EnrolmentPolicy,
    /// How much may change at once.
    pub limits: IntakeLimits,
    /// How long a missing course is waited for before a human is asked.
    pub course_wait: SignedDuration,
}
