//! A world to show and to test against: about 1,000 people, 25 courses, five guilds, and the last two hours of the
//! feed with every kind of trouble in it.
//!
//! `cases.rs` names each trouble and its person; `ordinary.rs` makes the ordinary world, `trouble.rs` puts the troubles
//! into it, `guilds.rs` builds the community. Everything follows from the seed and the time.

pub mod cases;
pub mod guilds;
mod ordinary;
mod trouble;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub use cases::{CASES, Case};
pub use ordinary::{
    COURSE_DISABLED, COURSE_MISSING, COURSE_TWICE, COURSE_WITHOUT_METHOD, FIRST_COURSE, ORDINARY_COURSES,
};

use crate::elm::{FeedRow, feed_zone, written_at};
use crate::random::Random;
use crate::world::World;

impl World {
    /// The demonstration world: the same for the same seed and time. Feed records lie in the 110 minutes before
    /// `now`; the clock stays the machine's.
    pub fn demo(seed: u64, now: Timestamp) -> World {
        let mut world = World::empty();
        let mut random = Random::new(seed);
        ordinary::add_courses(&mut world);
        let people = ordinary::add_people(&mut world, &mut random, now);
        let mut builder = DemoBuilder::new(&mut world, now);
        ordinary::add_history(&mut builder, &mut random, &people);
        trouble::add_accounts(&mut builder);
        trouble::add_records(&mut builder);
        trouble::add_sequences(&mut builder);
        builder.publish();
        guilds::build(&mut world, &mut random, &people, now);
        // Its accounts may be corrected by a person's word; the least rights leave that out.
        world.moodle.list_function(crate::MOODLE_TOKEN, "core_user_update_users");
        world.moodle.grant(crate::MOODLE_TOKEN, "moodle/user:update");
        world
    }
}

/// The world under construction: accounts go in at once, records are gathered and sorted at the end.
pub(super) struct DemoBuilder<'a> {
    pub(super) world: &'a mut World,
    pub(super) now: Timestamp,
    records: Vec<(Timestamp, Value)>,
}

impl<'a> DemoBuilder<'a> {
    pub(super) fn new(world: &'a mut World, now: Timestamp) -> Self {
        let records = Vec::new();
        Self { world, now, records }
    }

    pub(super) fn ago(&self, minutes: i64) -> Timestamp {
        self.now - SignedDuration::from_mins(minutes)
    }

    /// A record that will stand in the feed at its time.
    pub(super) fn record(&mut self, minutes_ago: i64, row: impl Into<Value>) {
        let at = self.ago(minutes_ago);
        self.records.push((at, row.into()));
    }

    /// An enrol record of a case. Every part can still be changed.
    pub(super) fn enrol(&self, case: Case, email: &str, course: i64, minutes_ago: i64) -> FeedRow {
        let row = FeedRow::enrol(case.guid, email, course, self.ago(minutes_ago));
        let (first, last) = names_in(email);
        row.numbered(case.enrolment_id).named(&first, &last)
    }

    /// A suspend record of a case.
    pub(super) fn suspend(&self, case: Case, email: &str, course: i64, minutes_ago: i64) -> FeedRow {
        let mut row = self.enrol(case, email, course, minutes_ago);
        row.course_state = "Suspend".to_owned();
        row
    }

    /// An account for the case's person.
    pub(super) fn account(&mut self, guid: &str, email: &str) -> i64 {
        let (first, last) = names_in(email);
        self.world.moodle.add_user(guid, email, &first, &last)
    }

    /// Moodle's id of the first course with an HR number, or 0.
    pub(super) fn course(&self, number: i64) -> i64 {
        let courses = self.world.moodle.courses_by_idnumber(&number.to_string());
        courses.first().map_or(0, |course| course.id)
    }

    /// Puts the records into the feed by their time.
    pub(super) fn publish(self) {
        let Self { world, mut records, .. } = self;
        records.sort_by_key(|(at, _)| *at);
        let zone = feed_zone(&world.elm);
        world.elm.rows.extend(records.into_iter().map(|(_, row)| in_zone(row, &zone)));
    }
}

/// The record with its times at the offset that the feed's zone has then.
fn in_zone(mut row: Value, zone: &TimeZone) -> Value {
    for column in ["date_created", "COURSE_STATE_DATE"] {
        let at = row[column].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        if let Some(at) = at {
            row[column] = written_at(at, zone.to_offset(at)).into();
        }
    }
    row
}

/// `Jane.Smith@…` → `Jane`, `Smith`.
fn names_in(email: &str) -> (String, String) {
    let local = email.split('@').next().unwrap_or_default();
    let (first, last) = local.split_once('.').unwrap_or((local, "Person"));
    (first.to_owned(), last.to_owned())
}
