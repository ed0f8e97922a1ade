//! Guilds and what they become: communities, cohorts, and which of both Rollbook owns.
//!
//! A value here says what a system holds; who is who is [`crate::matching`]'s business, what follows [`crate::plan`]'s.

use crate::model::{
    CategoryId, CohortId, CommunityUserId, GroupId, GuildRole, GuildUuid, MachineName, Mail, MoodleCourseId,
    MoodleUserId, RoleId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

// A guild: one group of a community, with its members.

/// Whether the community shows a guild to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuildStatus {
    /// It is shown; also where the community knows no such thing (Group 1).
    Published,
    Unpublished,
}

/// What a guild's machine name can be made from besides its label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameHints {
    /// The value of the configured field.
    pub field: Option<String>,
    /// The machine name that its cohort was given before: it stays with the guild, whatever becomes of label and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// The path alias, such as `/guilds/web-dev`.
    pub alias: Option<String>,
}

/// One person's membership of one guild.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildMember {
    pub person: CommunityUserId,
    /// The roles that are stored with the membership; roles that every member has are not.
    pub roles: Vec<GuildRole>,
}

/// One group of a community.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guild {
    /// What keeps guild and cohort together.
    pub uuid: GuildUuid,
    /// Its number on the site.
    pub number: GroupId,
    /// What people call it; neither unique nor lasting.
    pub label: String,
    pub status: GuildStatus,
    /// Where its machine name may come from.
    pub hints: NameHints,
    /// Its members, or the one member that was asked for.
    pub members: Vec<GuildMember>,
}

// What a community says of itself: its guilds, its people, and how much of both the reader could see.

/// How a person stands in the community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonState {
    Active,
    Blocked,
    /// There is such an account, but the reader may not see it. Drupal hides blocked people so from an account without
    /// `administer users`, and everybody from one without `access user profiles`.
    Hidden,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommunityPerson {
    pub id: CommunityUserId,
    pub uuid: String,
    /// The user name, which the community keeps unique; empty where it is hidden.
    pub name: String,
    /// The mail address; neither unique nor always there.
    pub mail: Option<Mail>,
    pub state: PersonState,
}

/// Who the community took the reader for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "identity", rename_all = "snake_case")]
pub enum Identity {
    /// The account that it is configured to be.
    Proven { uuid: String },
    /// Nobody in particular: a wrong password, or the right one after too many wrong ones, still answers 200.
    Anonymous,
    /// The tables were read, so it does not matter.
    Database,
}

/// Whether the configured member, who must be seen, was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CanaryAccount {
    NotConfigured,
    /// Seen in a guild, with name and address.
    Seen,
    /// Not seen: absence means nothing.
    Unseen,
}

/// What became of a guild that was there before and is not in the list now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The community says that there is no such group.
    Deleted,
    /// The community says that there is one, and that the reader may not see it.
    Denied,
    Unseen,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Community {
    /// The guilds that were asked for.
    pub guilds: Vec<Guild>,
    /// Everybody who is in one of them.
    pub people: BTreeMap<CommunityUserId, CommunityPerson>,
    /// Guilds that were there before and are not in the list.
    pub missing: BTreeMap<GuildUuid, Absence>,
    pub identity: Identity,
    /// Whether the reader sees what it must see.
    pub sentinel: CanaryAccount,
}

impl Community {
    /// Whether somebody's absence from it may mean anything.
    pub fn access_is_proven(&self) -> bool {
        self.identity != Identity::Anonymous && self.sentinel != CanaryAccount::Unseen
    }

    /// How a person counts. Somebody hidden counts as blocked once the sentinel shows that active people are not hidden.
    pub fn state_of(&self, person: CommunityUserId) -> PersonState {
        match self.people.get(&person).map(|person| person.state) {
            Some(PersonState::Active) => PersonState::Active,
            Some(PersonState::Blocked) => PersonState::Blocked,
            Some(PersonState::Hidden) | None => match self.sentinel {
                CanaryAccount::Seen => PersonState::Blocked,
                CanaryAccount::NotConfigured | CanaryAccount::Unseen => PersonState::Hidden,
            },
        }
    }

    /// The name to print for a person.
    pub fn name_of(&self, person: CommunityUserId) -> String {
        match self.people.get(&person) {
            Some(known) if !known.name.is_empty() => known.name.clone(),
            _ => format!("user {person}"),
        }
    }
}

// What Moodle holds of guilds: cohorts, their members, role assignments.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "level", content = "id", rename_all = "snake_case")]
pub enum CohortContext {
    System,
    Category(CategoryId),
}

/// Whether course editors see a cohort in lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CohortVisibility {
    Visible,
    /// They do not; membership is not affected.
    Hidden,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// `cohort.id`
    pub id: CohortId,
    /// `cohort.idnumber`; Moodle does not keep it unique.
    pub idnumber: String,
    /// `cohort.name`
    pub name: String,
    pub visibility: CohortVisibility,
    /// Where it lives, where that could be told.
    pub context: Option<CohortContext>,
    /// The plugin that owns it, where the database told of one; empty for none.
    pub component: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "level", content = "id", rename_all = "snake_case")]
pub enum RoleContext {
    System,
    /// One course category and all below it.
    Category(CategoryId),
    Course(MoodleCourseId),
}

impl fmt::Display for RoleContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => out.write_str("the whole site"),
            Self::Category(id) => write!(out, "category {id}"),
            Self::Course(id) => write!(out, "course {id}"),
        }
    }
}

/// One person's role in one context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Assignment {
    pub user: MoodleUserId,
    pub role: RoleId,
    pub context: RoleContext,
}

/// What Moodle said about the cohorts that were asked for. Other cohorts are dropped where they are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CohortSide {
    /// The cohorts of pairs, and those that hold an idnumber which a guild would take.
    pub cohorts: BTreeMap<CohortId, Cohort>,
    /// Their members, sorted; a cohort without an entry was not asked for.
    pub members: BTreeMap<CohortId, Vec<MoodleUserId>>,
    /// The assignments of mapped roles that no plugin owns. Only the database tells them.
    pub assignments: Option<BTreeSet<Assignment>>,
}

// What Rollbook made, or was told to take over: the only things that it may remove.

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairState {
    Live,
    /// The guild is gone and the cohort was retired.
    Archived,
}

/// A guild and its cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildPair {
    pub cohort: CohortId,
    /// The guild's machine name when it was last seen.
    pub machine_name: MachineName,
    /// The guild's label when it was last seen.
    pub label: String,
    pub state: PairState,
}

/// What Rollbook owns on one link. For whom it was made is kept beside it, where that is known: it tells somebody who left
/// from somebody whose address changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    pub pairs: BTreeMap<GuildUuid, GuildPair>,
    /// Memberships, by cohort.
    pub members: BTreeMap<CohortId, BTreeMap<MoodleUserId, Option<CommunityUserId>>>,
    /// Role assignments, each with the guilds that want it.
    pub assignments: BTreeMap<Assignment, BTreeMap<GuildUuid, Option<CommunityUserId>>>,
}

impl Owned {
    /// How many memberships of a cohort are owned.
    pub fn members_of(&self, cohort: CohortId) -> u64 {
        self.members.get(&cohort).map_or(0, |members| members.len() as u64)
    }
}

// A guild's machine name: what the community's own software never gives it.
//
// A configured field says it best; then the name that its cohort was given before; then the last part of the path alias; a
// slug of the label is the last resort, since two labels may share it.

/// `cohort.idnumber` ends here, in characters.
const CHARACTERS_MAX: usize = 100;

/// The machine name of a guild, never empty.
pub fn machine_name(guild: &Guild) -> MachineName {
    let field = guild.hints.field.as_deref().map(|field| cut(field.trim()));
    let kept = || guild.hints.kept.clone();
    let alias = || guild.hints.alias.as_deref().map(|alias| cut(last_part(alias)));
    let there = |name: &String| !name.is_empty();
    let name = field.filter(there).or_else(|| kept().filter(there)).or_else(|| alias().filter(there));
    let name = name.unwrap_or_else(|| slug(&guild.label));
    if name.is_empty() { MachineName(format!("guild-{}", guild.number)) } else { MachineName(name) }
}

/// Whether a text fits a pattern in which `*` stands for any letters. Case does not count.
pub fn fits_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The form in which two machine names are compared: as the widest of Moodle's databases would, without case, accents and
/// outer spaces.
pub fn folded_machine_name(name: &str) -> String {
    name.trim().chars().flat_map(char::to_lowercase).fold(String::with_capacity(name.len()), |mut text, c| {
        push_plain(&mut text, c);
        text
    })
}

fn last_part(alias: &str) -> &str {
    alias.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default().trim()
}

/// Lower case, Latin letters without their marks, everything that is neither letter nor digit as single hyphens.
fn slug(label: &str) -> String {
    let plain = folded_machine_name(label);
    let mut text = String::with_capacity(plain.len());
    for c in plain.chars() {
        if c.is_alphanumeric() {
            text.push(c);
        } else if !text.is_empty() && !text.ends_with('-') {
            text.push('-');
        }
    }
    cut(&text).trim_end_matches('-').to_owned()
}

fn cut(text: &str) -> String {
    text.chars().take(CHARACTERS_MAX).collect::<String>().trim_end().to_owned()
}

fn push_plain(text: &mut String, lower: char) {
    match lower {
        'à'..='å' | 'ā' | 'ă' | 'ą' => text.push('a'),
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => text.push('c'),
        'ď' | 'đ' | 'ð' => text.push('d'),
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => text.push('e'),
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => text.push('g'),
        'ĥ' | 'ħ' => text.push('h'),
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => text.push('i'),
        'ĵ' => text.push('j'),
        'ķ' => text.push('k'),
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => text.push('l'),
        'ñ' | 'ń' | 'ņ' | 'ň' => text.push('n'),
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => text.push('o'),
        'ŕ' | 'ŗ' | 'ř' => text.push('r'),
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => text.push('s'),
        'ţ' | 'ť' | 'ŧ' | 'ț' => text.push('t'),
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => text.push('u'),
        'ŵ' => text.push('w'),
        'ý' | 'ÿ' | 'ŷ' => text.push('y'),
        'ź' | 'ż' | 'ž' => text.push('z'),
        'æ' => text.push_str("ae"),
        'œ' => text.push_str("oe"),
        'ß' => text.push_str("ss"),
        'þ' => text.push_str("th"),
        // Combining marks: the letter was pushed already.
        '\u{300}'..='\u{36f}' => {}
        other => text.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GroupId, GuildStatus, GuildUuid, NameHints};

    fn name(field: Option<&str>, alias: Option<&str>, label: &str) -> String {
        let hints = NameHints { field: field.map(str::to_owned), kept: None, alias: alias.map(str::to_owned) };
        let guild = Guild {
            uuid: GuildUuid::new("u"),
            number: GroupId(7),
            label: label.into(),
            status: GuildStatus::Published,
            hints,
            members: Vec::new(),
        };
        machine_name(&guild).0
    }

    #[test]
    fn field_beats_alias_beats_label() {
        assert_eq!(name(Some(" webdev "), Some("/guilds/web-dev"), "Web Development"), "webdev");
        assert_eq!(name(Some("  "), Some("/guilds/web-dev/"), "Web Development"), "web-dev");
        assert_eq!(name(None, Some("/"), "Web Development"), "web-development");
    }

    #[test]
    fn label_becomes_a_slug_that_is_never_empty_or_too_long() {
        assert_eq!(name(None, None, "  Élan & Łódź — Straße 7! "), "elan-lodz-strasse-7");
        assert_eq!(name(None, None, "E\u{301}lan"), "elan");
        assert_eq!(name(None, None, "Гильдия мастеров"), "гильдия-мастеров");
        assert_eq!(name(None, None, "???"), "guild-7");
        assert_eq!(name(None, None, &"long ".repeat(50)).chars().count(), 99);
    }

    #[test]
    fn name_that_a_cohort_was_given_stays_with_its_guild() {
        let guild = |field: Option<&str>| Guild {
            uuid: GuildUuid::new("u"),
            number: GroupId(7),
            label: "Weavers and Dyers".into(),
            status: GuildStatus::Published,
            hints: NameHints {
                field: field.map(str::to_owned),
                kept: Some("weavers".to_owned()),
                alias: Some("/guilds/weavers-and-dyers".to_owned()),
            },
            members: Vec::new(),
        };
        assert_eq!(machine_name(&guild(None)).0, "weavers");
        assert_eq!(machine_name(&guild(Some("wv"))).0, "wv", "a field is the community's own word");
    }

    #[test]
    fn patterns_stand_for_any_letters() {
        for (pattern, text, fits) in [
            ("*", "Anything", true),
            ("Guild *", "guild of Weavers", true),
            ("*-group_manager", "flexible_group-group_manager", true),
            ("*archive*", "The Archives", true),
            ("a*b*c", "aXXbYYc", true),
            ("a*b*c", "acb", false),
            ("exact", "Exact", true),
            ("exact", "exactly", false),
            ("*x", "xy", false),
        ] {
            assert_eq!(fits_pattern(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn names_that_a_database_would_confuse_fold_to_one() {
        assert_eq!(folded_machine_name(" Élan "), folded_machine_name("elan"));
        assert_ne!(folded_machine_name("elan-1"), folded_machine_name("elan-2"));
    }
}
