//! The people: what the ELM says of them, what they finish, which guilds they are in. All of it drawn from a seed.

use jiff::{SignedDuration, Timestamp};
use rollbook_sandbox::random::Random;
use rollbook_sandbox::{FeedRow, World};
use std::collections::{BTreeMap, BTreeSet};

/// The first course's ID number.
pub const FIRST_COURSE: i64 = 930_001;
/// Courses; every second one has opted in.
pub const COURSES: i64 = 8;

/// What the ELM said last of a person and a course.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub active: bool,
    pub enrolment: i64,
}

/// What the systems of record hold: the truth that Moodle and the ELM are measured by.
#[derive(Default)]
pub struct Town {
    /// By person and course.
    pub places: BTreeMap<(u64, i64), Place>,
    /// Enrol records of each person.
    pub enrols: BTreeMap<u64, usize>,
    /// The enrolments of which a completion must be reported.
    pub completed: BTreeMap<(u64, i64), i64>,
    /// Groups by id with their members: community users.
    pub guilds: BTreeMap<i64, BTreeSet<i64>>,
    /// Members by community user, as people of the ELM; nobody where they have no account.
    pub members: BTreeMap<i64, Option<u64>>,
    /// Records that the ELM published.
    pub records: usize,
    people: u64,
    enrolments: i64,
    last: Option<Timestamp>,
}

pub fn guid(person: u64) -> String {
    format!("{person:08X}A7D7A24F53B8DC558936D0A0")
}

pub fn mail(person: u64) -> String {
    format!("person.{person}@example.org")
}

impl Town {
    /// Courses and guilds, and nobody in them.
    pub fn found(&mut self, world: &mut World) {
        for course in 0..COURSES {
            let id = world.moodle.add_course(&(FIRST_COURSE + course).to_string(), &format!("Course {course}"));
            world.moodle.courses.edit(id, |row| {
                row.opt_in = Some(course % 2 == 0);
                row.has_criteria = true;
            });
        }
        for name in ["Web & design", "Data", "Facilitation", "Écriture", "Emergency"] {
            let id = world.community.add_group(name);
            self.guilds.insert(id, BTreeSet::new());
        }
    }

    /// Half an hour of what people do.
    pub fn live(&mut self, world: &mut World, random: &mut Random, at_work: bool) {
        for _ in 0..if at_work { random.below(4) } else { 0 } {
            self.decide(world, random);
        }
        for _ in 0..random.below(3) {
            self.finish(world, random);
        }
        if random.chance(300) {
            self.meet(world, random);
        }
    }

    /// A record of the ELM's: somebody new, somebody known in another course, somebody back, or somebody out.
    fn decide(&mut self, world: &mut World, random: &mut Random) {
        let course = FIRST_COURSE + i64::try_from(random.below(8)).unwrap();
        let known = random.below(self.people + 1);
        let person = if known == self.people || random.chance(500) { self.people } else { known };
        let pair = (person, course);
        // Who has finished stays: what the ELM would mean by more is not for us to say.
        if self.completed.contains_key(&pair) {
            return;
        }
        let suspends = self.places.get(&pair).is_some_and(|place| place.active) || random.chance(60);
        // Each record has a second of its own: of two of the same moment the ELM itself could not say which is newer.
        let at = self.last.map_or(world.now(), |last| world.now().max(last + SignedDuration::from_secs(1)));
        self.last = Some(at);
        self.enrolments += i64::from(!suspends);
        let place = self.places.entry(pair).or_insert(Place { active: false, enrolment: 0 });
        place.active = !suspends;
        if !suspends {
            place.enrolment = 500_000 + self.enrolments;
            *self.enrols.entry(person).or_default() += 1;
        }
        let make = if suspends { FeedRow::suspend } else { FeedRow::enrol };
        let row = make(&guid(person), &mail(person), course, at).named("Given", &format!("Family {person}"));
        world.elm.push(row.numbered(place.enrolment));
        self.people = self.people.max(person + 1);
        self.records += 1;
    }

    /// Somebody who is in an opted-in course by now finishes it.
    fn finish(&mut self, world: &mut World, random: &mut Random) {
        let open = self.places.iter().filter(|(pair, place)| place.active && !self.completed.contains_key(pair));
        let open: Vec<_> = open.filter(|((_, course), _)| (course - FIRST_COURSE) % 2 == 0).collect();
        if open.is_empty() {
            return;
        }
        let (&(person, course), place) = *random.pick(&open);
        let Some(user) = world.moodle.user_by_guid(&guid(person)).map(|user| user.id) else { return };
        let id = world.moodle.courses_by_idnumber(&course.to_string())[0].id;
        if world.moodle.enrolment(user, id).is_some_and(|row| !row.suspended) {
            let enrolment = place.enrolment;
            let now = world.now();
            world.moodle.complete(user, id, now);
            self.completed.insert((person, course), enrolment);
        }
    }

    /// Somebody joins a guild, leaves one, or a guild has another name.
    fn meet(&mut self, world: &mut World, random: &mut Random) {
        let groups: Vec<i64> = self.guilds.keys().copied().collect();
        let group = *random.pick(&groups);
        let members: Vec<i64> = self.guilds[&group].iter().copied().collect();
        match random.below(10) {
            0..7 => {
                let uid = self.somebody(world, random);
                if self.guilds.entry(group).or_default().insert(uid) {
                    world.community.join(group, uid, &[]);
                }
            }
            7..9 if !members.is_empty() => {
                let uid = *random.pick(&members);
                world.community.memberships.retain(|_, row| (row.group_id, row.uid) != (group, uid));
                self.guilds.entry(group).or_default().remove(&uid);
            }
            _ => {
                let label = format!("Guild {group}, {}", random.below(1_000));
                world.community.groups.get_mut(&group).unwrap().label = label;
            }
        }
    }

    fn somebody(&mut self, world: &mut World, random: &mut Random) -> i64 {
        let known: Vec<i64> = self.members.keys().copied().collect();
        if !known.is_empty() && random.chance(300) {
            return *random.pick(&known);
        }
        let person = random.below(self.people + 20);
        let taken = self.members.iter().find(|(_, who)| **who == Some(person)).map(|(uid, _)| *uid);
        if let Some(uid) = taken {
            return uid;
        }
        let uid = world.community.add_account(&format!("member{person}"), Some(&mail(person)));
        self.members.insert(uid, Some(person));
        uid
    }
}
