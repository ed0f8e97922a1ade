//! The community's guilds: five of them with 247 memberships, of people most of whom Moodle knows.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::ordinary::Person;
use crate::community::Community;
use crate::moodle::ADMIN_ID;
use crate::random::Random;
use crate::world::World;

/// A guild of the demonstration world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guild {
    /// Its name.
    pub label: &'static str,
    /// Value of its `field_machine_name`.
    pub machine_name: &'static str,
    /// UUID of the group.
    pub uuid: &'static str,
    /// Memberships, odd ones included.
    pub members: usize,
}

/// The guilds, in the order of their ids.
pub const GUILDS: [Guild; 5] = [
    Guild {
        label: "Web & Design Guild",
        machine_name: "web-design",
        uuid: "9d1f5c10-6a01-4c55-8e10-3b2a7f0e0001",
        members: 80,
    },
    Guild { label: "Data Guild", machine_name: "data", uuid: "9d1f5c10-6a01-4c55-8e10-3b2a7f0e0002", members: 64 },
    Guild {
        label: "Facilitation Guild",
        machine_name: "facilitation",
        uuid: "9d1f5c10-6a01-4c55-8e10-3b2a7f0e0003",
        members: 52,
    },
    Guild {
        label: "Écriture et langue claire",
        machine_name: "plain-language",
        uuid: "9d1f5c10-6a01-4c55-8e10-3b2a7f0e0004",
        members: 33,
    },
    Guild {
        label: "Emergency Response Guild",
        machine_name: "emergency",
        uuid: "9d1f5c10-6a01-4c55-8e10-3b2a7f0e0005",
        members: 18,
    },
];

/// A member of the first guild whose community account is blocked.
pub const BLOCKED: &str = "blocked.member";
/// A member of the first guild without a mail address.
pub const WITHOUT_MAIL: &str = "nomail.member";
/// A member of the first guild whom Moodle does not know.
pub const STRANGER: &str = "stranger.member";
/// A member of the first guild whose address differs from Moodle's in case only.
pub const LOUD: &str = "loud.member";
/// Two members of the first guild who share one address: this one and the one with `2` behind the name.
pub const SHARED_MAIL: &str = "shared.member";
/// A member of the first guild whose address is the Moodle administrator's.
pub const ADMINISTRATOR: &str = "ada.ministrator";
/// The account of a membership in the first guild whose person is no more.
pub const ORPHAN_UID: i64 = 990_001;

/// Odd memberships of the first guild: the names above, the second of the shared address, and the orphan.
const ODD: usize = 8;

pub(super) fn build(world: &mut World, random: &mut Random, people: &[Person], now: Timestamp) {
    let mut accounts: HashMap<usize, i64> = HashMap::new();
    for (at, guild) in GUILDS.iter().enumerate() {
        let group_id = world.community.add_group(guild.label);
        if let Some(group) = world.community.groups.get_mut(&group_id) {
            group.uuid = guild.uuid.to_owned();
            group.machine_name = Some(guild.machine_name.to_owned());
            group.created = now - SignedDuration::from_hours(24 * 400);
            group.changed = group.created;
        }
        let ordinary = if at == 0 { guild.members - ODD } else { guild.members };
        for (place, person) in some_people(random, people, ordinary).into_iter().enumerate() {
            let community = &mut world.community;
            let uid = *accounts.entry(person).or_insert_with(|| account(community, &people[person]));
            community.join(group_id, uid, &[role(random, place)]);
        }
        if at == 0 {
            odd_members(world, group_id);
        }
    }
    foreign_cohort(world, people);
}

/// Different people, nineteen in twenty of them with a Moodle account.
fn some_people(random: &mut Random, people: &[Person], count: usize) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(count);
    while chosen.len() < count {
        let place = random.below(people.len() as u64) as usize;
        let wanted = people[place].user_id.is_some() || random.chance(500);
        if wanted && !chosen.contains(&place) {
            chosen.push(place);
        }
    }
    chosen
}

fn account(community: &mut Community, person: &Person) -> i64 {
    let name = person.email.split('@').next().unwrap_or_default().to_lowercase();
    community.add_account(&name, Some(&person.email))
}

/// Two lead a guild; of the others most are junior.
fn role(random: &mut Random, place: usize) -> &'static str {
    match (place, random.below(10)) {
        (0 | 1, _) => "guild-admin",
        (_, 0) => "guild-mentor",
        (_, 1..=3) => "guild-endorsed",
        _ => "guild-junior",
    }
}

fn odd_members(world: &mut World, group_id: i64) {
    let stored = |name: &str| format!("{name}@gov.example");
    for name in [BLOCKED, WITHOUT_MAIL, LOUD] {
        world.moodle.add_user("", &stored(name), "Odd", name);
    }
    let community = &mut world.community;
    let blocked = community.add_account(BLOCKED, Some(&stored(BLOCKED)));
    if let Some(account) = community.accounts.get_mut(&blocked) {
        account.active = false;
    }
    let admin = world.moodle.users.get(ADMIN_ID).map(|admin| admin.email.clone());
    let members = [
        blocked,
        community.add_account(WITHOUT_MAIL, None),
        community.add_account(STRANGER, Some(&stored(STRANGER))),
        community.add_account(LOUD, Some(&stored(LOUD).to_uppercase())),
        community.add_account(SHARED_MAIL, Some(&stored(SHARED_MAIL))),
        community.add_account(&format!("{SHARED_MAIL}2"), Some(&stored(SHARED_MAIL))),
        community.add_account(ADMINISTRATOR, admin.as_deref()),
        ORPHAN_UID,
    ];
    debug_assert_eq!(members.len(), ODD);
    for uid in members {
        community.join(group_id, uid, &["guild-mentor"]);
    }
}

/// A cohort that people keep by hand and that is nobody else's business.
fn foreign_cohort(world: &mut World, people: &[Person]) {
    let cohort_id = world.moodle.add_cohort("staff-picnic", "Staff picnic 2026");
    let members = people.iter().filter_map(|person| person.user_id).take(25);
    for user_id in members {
        world.moodle.add_member(cohort_id, user_id);
    }
}
