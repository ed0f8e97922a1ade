//! The systems that a bench runs against: the sandbox for the feed, and the sandbox's or a real Moodle.

use jiff::{SignedDuration, Timestamp};
use rollbook_sandbox::{MOODLE_TOKEN, Sandbox, World};
use serde_json::{Value, json};

/// The first of the courses, by ID number.
pub const FIRST_COURSE: u64 = 930_001;
/// So many courses.
pub const COURSES: u64 = 20;

/// The Moodle that is measured.
pub struct Site {
    /// The sandbox: its feed, and its Moodle where no other is named.
    pub sandbox: Sandbox,
    /// The Moodle's address.
    pub moodle: String,
    /// Its token.
    pub token: String,
}

/// Starts the feed with `people` new people, one enrolment each, and names the Moodle.
pub async fn start(people: u64, tag: &str, moodle: Option<&String>) -> Site {
    let mut world = World::empty();
    for course in 0..COURSES {
        world.moodle.add_course(&(FIRST_COURSE + course).to_string(), &format!("Course {course}"));
    }
    let now = Timestamp::now() - SignedDuration::from_mins(30);
    for number in 0..people {
        world.elm.push(row(tag, number, now + millis(number), "Enrol"));
    }
    let sandbox = Sandbox::start(world).await.expect("the sandbox starts");
    let (url, token) = match moodle {
        Some(url) => {
            (url.clone(), std::env::var("ROLLBOOK_BENCH_TOKEN").expect("ROLLBOOK_BENCH_TOKEN holds the token"))
        }
        None => (sandbox.moodle_url(), MOODLE_TOKEN.to_owned()),
    };
    Site { sandbox, moodle: url, token }
}

impl Site {
    /// Publishes as many records more as a third of these: half of them new people, half people who leave.
    pub fn publish_mixed(&self, people: u64, tag: &str) {
        let now = Timestamp::now() - SignedDuration::from_mins(1);
        let mut world = self.sandbox.world();
        for number in 0..people / 6 {
            world.elm.push(row(tag, people + number, now + millis(2 * number), "Enrol"));
            world.elm.push(row(tag, number, now + millis(2 * number + 1), "Suspend"));
        }
    }
}

fn millis(number: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(number).unwrap())
}

/// A record of the feed about person `number`.
fn row(tag: &str, number: u64, created: Timestamp, state: &str) -> Value {
    json!({
        "date_created": created.to_string(), "COURSE_STATE_DATE": created.to_string(), "COURSE_STATE": state,
        "COURSE_IDENTIFIER": FIRST_COURSE + number % COURSES, "COURSE_SHORTNAME": "BENCH-1", "GUID": format!("{tag}{number:08}"),
        "EMAIL": format!("{}.{number}@bench.example.org", tag.to_lowercase()), "FIRST_NAME": "Bench",
        "LAST_NAME": format!("Person {number}"), "ENROLMENT_ID": 500_000 + number,
    })
}
