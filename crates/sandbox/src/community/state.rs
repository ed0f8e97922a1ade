//! Groups, memberships, accounts and OAuth consumers of the community.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::auth::Issued;
use super::auth::Login;
use super::kind::{GUILD, MEMBERSHIP};
use super::rights::Rights;
use crate::random::Random;
use crate::{COMMUNITY_ACCOUNT_UUID, COMMUNITY_CLIENT_ID, COMMUNITY_CLIENT_SECRET, COMMUNITY_PASSWORD, COMMUNITY_USER};

/// Which major version of the Group module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupVersion {
    /// 8.x-1.x: `group_content`, groups without `status`, administrators see everything.
    V1,
    /// 2.x: `group_content`; administrators see nothing.
    V2,
    /// 3.x: `group_relationship`; administrators see nothing.
    V3,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Numeric id.
    pub id: i64,
    /// UUID, which survives renaming.
    pub uuid: String,
    /// Name; editable and not unique.
    pub label: String,
    /// Visible to those who may view groups.
    pub published: bool,
    /// Value of `field_machine_name`; `None` where the site has no such field.
    pub machine_name: Option<String>,
    /// The group type, a key of [`Community::group_types`].
    pub kind: String,
    /// `field_group_description`.
    pub description: Option<String>,
    /// `field_flexible_group_visibility`: `public`, `community`, `members`.
    pub visibility: Option<String>,
    /// `field_group_type`, a key of [`Community::terms`].
    pub term: Option<i64>,
    /// The path alias, such as `/guilds/web`.
    pub alias: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last saved.
    pub changed: Timestamp,
}

/// A term of the vocabulary `group_type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Numeric id.
    pub id: i64,
    /// UUID.
    pub uuid: String,
    /// Name.
    pub name: String,
}

/// A relationship of an account with a group: a membership, or what another plugin keeps there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Numeric id.
    pub id: i64,
    /// UUID.
    pub uuid: String,
    /// The group.
    pub group_id: i64,
    /// The member; an orphan when there is no such account.
    pub uid: i64,
    /// `group_membership`, or `group_invitation`, `group_membership_request`, …
    pub plugin: String,
    /// Machine names of individual roles, such as `guild-mentor`.
    pub roles: Vec<String>,
    /// The member's name when the row was saved.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last saved.
    pub changed: Timestamp,
}

/// Names of a person: Open Social keeps them in an entity of their own, `profile--profile`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Numeric id.
    pub id: i64,
    /// `field_profile_first_name`.
    pub first_name: String,
    /// `field_profile_last_name`.
    pub last_name: String,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Numeric id; 0 is the anonymous user.
    pub uid: i64,
    /// UUID.
    pub uuid: String,
    /// Login name, unique.
    pub name: String,
    /// Address; may be missing or shared.
    pub mail: Option<String>,
    /// Not blocked.
    pub active: bool,
    /// The person's names.
    pub profile: Option<Profile>,
    /// Password for Basic authentication.
    pub password: Option<String>,
    /// What the account may see.
    pub rights: Rights,
}

/// An OAuth consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
    /// The account that it acts as.
    pub uid: i64,
    /// It carries the account's role; without it a token sees nothing unless the role is asked for as scope.
    pub has_role: bool,
}

/// The community's state and switches.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Community {
    /// Version of the Group module.
    pub version: GroupVersion,
    /// Group types: label by machine name.
    pub group_types: BTreeMap<String, String>,
    /// Types in which the service account has no role: it sees neither such groups nor their members.
    pub closed_types: BTreeSet<String>,
    /// Plugins besides memberships, installed in every type; see [`Community::relate`].
    pub plugins: BTreeSet<String>,
    /// Individual roles of all types.
    pub group_roles: BTreeSet<String>,
    /// Terms of the vocabulary `group_type`. Without any, groups have no field for them.
    pub terms: BTreeMap<i64, Term>,
    /// The module `path` is on: groups have the attribute `path`.
    pub path_module: bool,
    /// Groups by id.
    pub groups: BTreeMap<i64, Group>,
    /// Accounts by uid.
    pub accounts: BTreeMap<i64, Account>,
    /// Memberships by id.
    pub memberships: BTreeMap<i64, Membership>,
    /// OAuth consumers.
    pub consumers: Vec<Consumer>,
    /// Scheme and host of every link, as the server sees itself; not the address that clients use.
    pub link_base: String,
    /// Lifetime of access tokens in seconds.
    pub token_seconds: i64,
    /// Maintenance mode.
    pub maintenance: bool,
    /// Failed logins, for the flood protection.
    pub failed: Vec<Login>,
    /// Access tokens that were issued, by their text.
    pub(super) issued: BTreeMap<String, Issued>,
}

/// The service account.
const SERVICE_UID: i64 = 2;
/// The scope, and role, under which the service account sees groups.
pub(super) const SERVICE_ROLE: &str = "rollbook_service";
/// Individual group roles.
pub(super) const GROUP_ROLES: [&str; 4] = ["guild-admin", "guild-mentor", "guild-endorsed", "guild-junior"];

impl Default for Community {
    fn default() -> Self {
        let mut community = Self {
            version: GroupVersion::V3,
            group_types: BTreeMap::from([(GUILD.to_owned(), "Guild".to_owned())]),
            closed_types: BTreeSet::new(),
            plugins: BTreeSet::new(),
            group_roles: GROUP_ROLES.map(str::to_owned).into(),
            terms: BTreeMap::new(),
            path_module: false,
            groups: BTreeMap::new(),
            accounts: BTreeMap::new(),
            memberships: BTreeMap::new(),
            consumers: Vec::new(),
            link_base: "http://community.internal".to_owned(),
            token_seconds: 300,
            maintenance: false,
            failed: Vec::new(),
            issued: BTreeMap::new(),
        };
        community.add_account_as(0, "", None);
        community.add_account_as(1, "root", Some("root@community.example"));
        community.add_account_as(SERVICE_UID, COMMUNITY_USER, Some("rollbook@community.example"));
        if let Some(root) = community.accounts.get_mut(&1) {
            root.rights.administer_group = true;
        }
        if let Some(service) = community.accounts.get_mut(&SERVICE_UID) {
            service.uuid = COMMUNITY_ACCOUNT_UUID.to_owned();
            service.password = Some(COMMUNITY_PASSWORD.to_owned());
            service.rights = Rights::least();
        }
        community.consumers.push(Consumer {
            id: COMMUNITY_CLIENT_ID.to_owned(),
            secret: COMMUNITY_CLIENT_SECRET.to_owned(),
            uid: SERVICE_UID,
            has_role: true,
        });
        community
    }
}

impl Community {
    /// Adds an active account and returns its uid.
    pub fn add_account(&mut self, name: &str, mail: Option<&str>) -> i64 {
        let uid = self.accounts.keys().next_back().map_or(1, |last| last + 1);
        self.add_account_as(uid, name, mail);
        uid
    }

    fn add_account_as(&mut self, uid: i64, name: &str, mail: Option<&str>) {
        let account = Account {
            uid,
            uuid: uuid(1, uid),
            name: name.to_owned(),
            mail: mail.map(str::to_owned),
            active: true,
            profile: None,
            password: None,
            rights: Rights::default(),
        };
        self.accounts.insert(uid, account);
    }

    /// Adds a published guild and returns its id.
    pub fn add_group(&mut self, label: &str) -> i64 {
        self.add_group_of(GUILD, label)
    }

    /// Adds a published group of a type, which is added as well where there is none yet, and returns its id.
    pub fn add_group_of(&mut self, group_type: &str, label: &str) -> i64 {
        self.group_types.entry(group_type.to_owned()).or_insert_with(|| group_type.to_owned());
        let id = self.groups.keys().next_back().map_or(1, |last| last + 1);
        let group = Group {
            id,
            uuid: uuid(2, id),
            label: label.to_owned(),
            published: true,
            machine_name: None,
            kind: group_type.to_owned(),
            description: None,
            visibility: None,
            term: None,
            alias: None,
            created: Timestamp::UNIX_EPOCH,
            changed: Timestamp::UNIX_EPOCH,
        };
        self.groups.insert(id, group);
        id
    }

    /// Adds a term and returns its id.
    pub fn add_term(&mut self, name: &str) -> i64 {
        let id = self.terms.keys().next_back().map_or(12, |last| last + 1);
        self.terms.insert(id, Term { id, uuid: uuid(8, id), name: name.to_owned() });
        id
    }

    /// Gives an account a profile with names.
    pub fn name_person(&mut self, uid: i64, first_name: &str, last_name: &str) {
        if let Some(account) = self.accounts.get_mut(&uid) {
            let (first_name, last_name) = (first_name.to_owned(), last_name.to_owned());
            account.profile = Some(Profile { id: uid + 100, first_name, last_name });
        }
    }

    /// Renames a group, at a time.
    pub fn rename_group(&mut self, group_id: i64, label: &str, now: Timestamp) {
        if let Some(group) = self.groups.get_mut(&group_id) {
            group.label = label.to_owned();
            group.changed = now;
        }
    }

    /// Deletes a group with all its relationships, as Group does.
    pub fn delete_group(&mut self, group_id: i64) {
        self.groups.remove(&group_id);
        self.memberships.retain(|_, row| row.group_id != group_id);
    }

    /// Renames an individual role, which in Drupal is a new one in place of the old.
    pub fn rename_role(&mut self, from: &str, to: &str) {
        self.group_roles.remove(from);
        self.group_roles.insert(to.to_owned());
        for role in self.memberships.values_mut().flat_map(|row| &mut row.roles) {
            if role == from {
                *role = to.to_owned();
            }
        }
    }

    /// Deletes an individual role; memberships lose it.
    pub fn delete_role(&mut self, name: &str) {
        self.group_roles.remove(name);
        for row in self.memberships.values_mut() {
            row.roles.retain(|role| role != name);
        }
    }

    /// Adds an invitation, a request for membership or another relationship of an account, and returns its id.
    pub fn relate(&mut self, group_id: i64, uid: i64, plugin: &str) -> i64 {
        self.plugins.insert(plugin.to_owned());
        let id = self.join(group_id, uid, &[]);
        if let Some(row) = self.memberships.get_mut(&id) {
            row.plugin = plugin.to_owned();
        }
        id
    }

    /// Adds a membership with individual roles and returns its id.
    pub fn join(&mut self, group_id: i64, uid: i64, roles: &[&str]) -> i64 {
        self.group_roles.extend(roles.iter().map(|role| (*role).to_owned()));
        let id = self.memberships.keys().next_back().map_or(1, |last| last + 1);
        let name = self.accounts.get(&uid).map(|account| account.name.clone());
        let membership = Membership {
            id,
            uuid: uuid(3, id),
            group_id,
            uid,
            plugin: MEMBERSHIP.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            label: name.unwrap_or_default(),
            created: Timestamp::UNIX_EPOCH,
            changed: Timestamp::UNIX_EPOCH,
        };
        self.memberships.insert(id, membership);
        id
    }

    /// Memberships of a group by ascending id.
    pub fn memberships_of(&self, group_id: i64) -> impl Iterator<Item = &Membership> {
        self.memberships.values().filter(move |membership| membership.group_id == group_id)
    }

    /// The service account, whose rights a test may change.
    pub fn service_account(&mut self) -> Option<&mut Account> {
        self.accounts.get_mut(&SERVICE_UID)
    }

    /// The account with a login name, compared as MySQL does.
    pub(super) fn account_named(&self, name: &str) -> Option<&Account> {
        let mut accounts = self.accounts.values();
        accounts.find(|account| account.uid != 0 && account.name.to_lowercase() == name.to_lowercase())
    }
}

/// A UUID that follows from a name.
pub(super) fn uuid_of(kind: u64, name: &str) -> String {
    let number = name.bytes().fold(0_i64, |number, byte| number.wrapping_mul(131).wrapping_add(i64::from(byte)));
    uuid(kind, number.rotate_right(20) & 0xffff_ffff_ffff)
}

/// A UUID that follows from what it is for.
pub(super) fn uuid(kind: u64, id: i64) -> String {
    let mut random = Random::new((kind << 48) ^ id.unsigned_abs());
    let (high, low) = (random.draw(), random.draw());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}
