//! The ordinary part: who is enrolled and has completed what, and the unremarkable records of the last two hours.

use std::collections::{BTreeSet, HashSet};

use jiff::SignedDuration;

use super::courses::{FIRST_COURSE, ORDINARY_COURSES};
use super::people::Person;
use super::stage::Stage;
use crate::elm::FeedRow;
use crate::random::Random;

/// Ordinary records in the feed.
const RECORDS: i64 = 180;
/// Their first enrolment number.
const FIRST_NUMBER: i64 = 510_000;

pub(super) fn play(stage: &mut Stage<'_>, random: &mut Random, people: &[Person]) {
    let enrolled = enrol(stage, random, people);
    records(stage, random, people, &enrolled);
}

/// Pairs of a person's place in the list and a course number.
type Pairs = BTreeSet<(usize, i64)>;

fn enrol(stage: &mut Stage<'_>, random: &mut Random, people: &[Person]) -> Pairs {
    let mut enrolled = Pairs::new();
    for (place, person) in people.iter().enumerate() {
        let Some(user_id) = person.user_id else {
            continue;
        };
        for _ in 0..random.below(5) {
            let number = any_course(random);
            let course_id = stage.course(number);
            if !enrolled.insert((place, number)) {
                continue;
            }
            if random.chance(80) {
                stage.world.moodle.enrol_suspended(user_id, course_id);
            } else {
                stage.world.moodle.enrol(user_id, course_id);
            }
            if random.chance(150) {
                let hours = 72 + random.below(24 * 200) as i64;
                let at = stage.now - SignedDuration::from_hours(hours);
                stage.world.moodle.complete(user_id, course_id, at);
            }
        }
    }
    enrolled
}

fn any_course(random: &mut Random) -> i64 {
    FIRST_COURSE + random.below(ORDINARY_COURSES as u64) as i64
}

/// One record for each of as many different people: mostly enrolments, one in six a suspension.
fn records(stage: &mut Stage<'_>, random: &mut Random, people: &[Person], enrolled: &Pairs) {
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
        let at = stage.ago(minutes);
        let leaves = number % 6 == 0;
        let mut own = enrolled.range((place, 0)..=(place, i64::MAX));
        let known = own.next().filter(|_| leaves);
        let row = match known {
            Some((_, left)) => FeedRow::suspend(&person.guid, &person.email, *left, at),
            None if leaves => continue,
            None => FeedRow::enrol(&person.guid, &person.email, course, at),
        };
        stage.record(minutes, row.numbered(number).named(person.first, person.last));
        number += 1;
    }
}
