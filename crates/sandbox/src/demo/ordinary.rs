//! The ordinary part: courses, people, who is enrolled and has completed what, and the unremarkable records of the last
//! two hours.

use std::collections::{BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::DemoBuilder;
use crate::elm::FeedRow;
use crate::moodle::User;
use crate::random::Random;
use crate::world::World;

/// The HR number of the first ordinary course; the others follow.
pub const FIRST_COURSE: i64 = 4001;
/// Ordinary courses. The first six opted in to completion reports, the next four opted out, the rest never said.
pub const ORDINARY_COURSES: i64 = 20;
/// A course without a manual enrolment method.
pub const COURSE_WITHOUT_METHOD: i64 = 4101;
/// A course whose manual enrolment method is disabled.
pub const COURSE_DISABLED: i64 = 4102;
/// A course number that two courses carry.
pub const COURSE_TWICE: i64 = 4103;
/// A course number that no course carries.
pub const COURSE_MISSING: i64 = 4999;

const TITLES: [&str; ORDINARY_COURSES as usize] = [
    "Orientation for New Employees",
    "Information Security Awareness",
    "Respectful Workplaces",
    "Privacy and Records",
    "Indigenous Relations Foundations",
    "Supervising in a Hybrid World",
    "Plain Language Writing",
    "Occupational Health & Safety",
    "Project Management Essentials",
    "Emergency Response Level 1",
    "Financial Stewardship",
    "Procurement Basics",
    "Coaching Conversations",
    "Data Literacy",
    "Diversity and Inclusion",
    "Ethics for Everyone",
    "Presenting with Confidence",
    "Designing Services with Users",
    "First Aid Refresher",
    "Writing for the Web <beta>",
];

pub(super) fn add_courses(world: &mut World) {
    let moodle = &mut world.moodle;
    for (at, title) in (0..).zip(TITLES) {
        let id = moodle.add_course(&(FIRST_COURSE + at).to_string(), title);
        moodle.courses.edit(id, |course| {
            course.opt_in = match at {
                0..=5 => Some(true),
                6..=9 => Some(false),
                _ => None,
            };
        });
    }
    moodle.add_course_without_method(&COURSE_WITHOUT_METHOD.to_string(), "Self-study Library");
    let disabled = moodle.add_course(&COURSE_DISABLED.to_string(), "Retired Leadership Series");
    moodle.disable_manual(disabled);
    for title in ["Driver Safety 2025", "Driver Safety 2026"] {
        let id = moodle.add_course(&COURSE_TWICE.to_string(), title);
        moodle.courses.edit(id, |course| course.shortname = title.to_owned());
    }
    let unrelated = moodle.add_course("", "Staff Book Club");
    moodle.courses.edit(unrelated, |course| course.shortname = "BOOKS".to_owned());
}

/// People in the ordinary world.
const PEOPLE: usize = 1000;

/// Somebody in the HR system.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) guid: String,
    pub(super) email: String,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    /// Their account, if they have one.
    pub(super) user_id: Option<i64>,
}

const FIRST: [&str; 48] = [
    "Aisha",
    "Alex",
    "Amara",
    "Andrew",
    "Anika",
    "Arjun",
    "Ben",
    "Brooke",
    "Carlos",
    "Charlotte",
    "Chen",
    "Chloe",
    "Daniel",
    "Deepa",
    "Élise",
    "Emma",
    "Ethan",
    "Fatima",
    "Gabriel",
    "Grace",
    "Hannah",
    "Harpreet",
    "Hiroshi",
    "Ian",
    "Isabelle",
    "Jagdeep",
    "Jane",
    "José",
    "Kai",
    "Karen",
    "Liam",
    "Lindsay",
    "Mei",
    "Michael",
    "Nadia",
    "Noah",
    "Olivia",
    "Priya",
    "Quinn",
    "René",
    "Rosa",
    "Samir",
    "Sarah",
    "Thomas",
    "Uma",
    "Victor",
    "Wei",
    "Zoë",
];

const LAST: [&str; 48] = [
    "Adams",
    "Ahmed",
    "Anderson",
    "Bains",
    "Beaulieu",
    "Brown",
    "Campbell",
    "Chan",
    "Charlie",
    "Clarke",
    "Côté",
    "Dhaliwal",
    "Edwards",
    "Fraser",
    "Gagnon",
    "Garcia",
    "George",
    "Gill",
    "Grant",
    "Hall",
    "Hughes",
    "Jack",
    "Jensen",
    "Joseph",
    "Kaur",
    "Kim",
    "Larsen",
    "Lee",
    "Li",
    "MacDonald",
    "Martin",
    "Müller",
    "Nguyen",
    "Olsen",
    "Paul",
    "Peters",
    "Reid",
    "Sandhu",
    "Singh",
    "Smith",
    "Tanaka",
    "Taylor",
    "Thomas",
    "Wang",
    "White",
    "Wilson",
    "Wong",
    "Young",
];

pub(super) fn add_people(world: &mut World, random: &mut Random, now: Timestamp) -> Vec<Person> {
    let mut taken = HashSet::new();
    let mut people = Vec::with_capacity(PEOPLE);
    for number in 0..PEOPLE {
        let first = *random.pick(&FIRST);
        let last = *random.pick(&LAST);
        let guid = format!("{:016X}{:016X}", random.draw(), random.draw());
        let mut email = format!("{}.{}@gov.example", ascii(first), ascii(last));
        if !taken.insert(email.to_lowercase()) {
            email = format!("{}.{}{number}@gov.example", ascii(first), ascii(last));
            taken.insert(email.to_lowercase());
        }
        let has_account = !random.chance(100);
        let user_id = has_account.then(|| {
            let mut user = User::new(&guid, &email, first, last);
            user.timecreated = now.as_second() - 86_400 * (30 + random.below(700) as i64);
            user.timemodified = user.timecreated;
            world.moodle.users.insert(user)
        });
        people.push(Person { guid, email, first, last, user_id });
    }
    people
}

/// The letters that an address is made of.
fn ascii(name: &str) -> String {
    let folded = crate::moodle::fold(name);
    let mut letters = folded.chars().filter(char::is_ascii_alphanumeric);
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Ordinary records in the feed.
const RECORDS: i64 = 180;
/// Their first enrolment number.
const FIRST_NUMBER: i64 = 510_000;

pub(super) fn add_history(builder: &mut DemoBuilder<'_>, random: &mut Random, people: &[Person]) {
    let enrolled = enrol(builder, random, people);
    records(builder, random, people, &enrolled);
}

/// Pairs of a person's place in the list and a course number.
type Pairs = BTreeSet<(usize, i64)>;

fn enrol(builder: &mut DemoBuilder<'_>, random: &mut Random, people: &[Person]) -> Pairs {
    let mut enrolled = Pairs::new();
    for (place, person) in people.iter().enumerate() {
        let Some(user_id) = person.user_id else {
            continue;
        };
        for _ in 0..random.below(5) {
            let number = any_course(random);
            let course_id = builder.course(number);
            if !enrolled.insert((place, number)) {
                continue;
            }
            if random.chance(80) {
                builder.world.moodle.enrol_suspended(user_id, course_id);
            } else {
                builder.world.moodle.enrol(user_id, course_id);
            }
            if random.chance(150) {
                let hours = 72 + random.below(24 * 200) as i64;
                let at = builder.now - SignedDuration::from_hours(hours);
                builder.world.moodle.complete(user_id, course_id, at);
            }
        }
    }
    enrolled
}

fn any_course(random: &mut Random) -> i64 {
    FIRST_COURSE + random.below(ORDINARY_COURSES as u64) as i64
}

/// One record for each of as many different people: mostly enrolments, one in six a suspension.
fn records(builder: &mut DemoBuilder<'_>, random: &mut Random, people: &[Person], enrolled: &Pairs) {
    let mut used = HashSet::new();
    let mut number = FIRST_NUMBER;
    while number < FIRST_NUMBER + RECORDS {
        let place = random.below(people.len() as u64) as usize;
        let course = any_course(random);
        if !used.insert(place) {
            continue;
        }
        let person = &people[place];
        let minutes = 2 + random.below(107) as i64;
        let at = builder.ago(minutes);
        let leaves = number % 6 == 0;
        let mut own = enrolled.range((place, 0)..=(place, i64::MAX));
        let known = own.next().filter(|_| leaves);
        let row = match known {
            Some((_, left)) => FeedRow::suspend(&person.guid, &person.email, *left, at),
            None if leaves => continue,
            None => FeedRow::enrol(&person.guid, &person.email, course, at),
        };
        builder.record(minutes, row.numbered(number).named(person.first, person.last));
        number += 1;
    }
}
