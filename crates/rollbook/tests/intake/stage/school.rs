//! A small school with every kind of change, and some records that stay with a human.

use jiff::{SignedDuration, Timestamp};
use rollbook_sandbox::{FeedRow, World};
use serde_json::{Value, json};

/// When the play begins.
pub const NOW: &str = "2026-11-23T17:00:00Z";
/// The courses' ELM ids.
pub const FIRST: i64 = 930_001;
pub const LARGE: i64 = 930_002;
pub const SMALL: i64 = 930_003;

/// Minutes before the play begins.
pub fn ago(minutes: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() - SignedDuration::from_mins(minutes)
}

pub fn mail(guid: &str) -> String {
    format!("{}@example.org", guid.to_lowercase())
}

pub fn enrol(guid: &str, course: i64, minutes: i64) -> FeedRow {
    FeedRow::enrol(guid, &mail(guid), course, ago(minutes)).named("Given", guid)
}

pub fn suspend(guid: &str, course: i64, minutes: i64) -> FeedRow {
    FeedRow::suspend(guid, &mail(guid), course, ago(minutes)).named("Given", guid)
}

/// 3 courses, 32 people of whom 30 are in the large one, and a feed with every kind of record.
pub fn school() -> World {
    let mut world = empty_school();
    for number in 0..10 {
        world.elm.push(enrol(&format!("N{number}"), FIRST, 90 - number));
    }
    for number in 0..3 {
        world.elm.push(enrol(&format!("N{number}"), LARGE, 70 - number));
    }
    for number in [0, 1, 2, 3, 30, 31] {
        world.elm.push(enrol(&format!("E{number}"), FIRST, 60));
    }
    for number in 10..16 {
        world.elm.push(suspend(&format!("E{number}"), LARGE, 50));
    }
    for number in [16, 17] {
        world.elm.push(suspend(&format!("E{number}"), SMALL, 49));
    }
    world.elm.push(suspend("E18", FIRST, 48));
    world.elm.push(suspend("NOBODY", FIRST, 47));
    world.elm.push(enrol("E19", 999_999, 46));
    world.elm.push(FeedRow::enrol("E20", "another@example.org", FIRST, ago(45)));
    world.elm.push(enrol("E21", FIRST, 44));
    world.elm.push(suspend("E21", FIRST, 43));
    let mut nameless = Value::from(enrol("LOST", FIRST, 42));
    nameless["GUID"] = json!(null);
    world.elm.push(nameless);
    world
}

/// The same school with an empty feed.
pub fn empty_school() -> World {
    let mut world = World::empty();
    let moodle = &mut world.moodle;
    let first = moodle.add_course(&FIRST.to_string(), "First steps");
    let large = moodle.add_course(&LARGE.to_string(), "Large hall");
    let small = moodle.add_course(&SMALL.to_string(), "Small room");
    for number in 0..32 {
        let guid = format!("E{number}");
        let user = moodle.add_user(&guid, &mail(&guid), "Given", &guid);
        match number {
            0..30 => drop(moodle.enrol(user, large)),
            _ => drop(moodle.enrol_suspended(user, first)),
        }
        if (14..22).contains(&number) {
            moodle.enrol(user, small);
        }
    }
    world
}
