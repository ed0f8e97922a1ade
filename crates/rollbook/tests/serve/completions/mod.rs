//! Completions as people and other systems ask for them: pushed to a running process, by request rows, by attention items.

mod attention;
mod manual;
mod push;

use crate::world::{Scene, link, run_now};
use rollbook_clock::Clock;
use rollbook_core::model::{CompletionKey, MoodleCourseId, MoodleUserId};
use rollbook_journal::requests::RequestState;
use rollbook_journal::{AttentionFilter, AttentionItem, CompletionQuery, CompletionRow};
use rollbook_sandbox::{FeedRow, World};

pub const COURSE: i64 = 930_001;
/// Their enrolments are numbered from here on, in this order.
pub const PEOPLE: [&str; 3] = ["ann", "ben", "cat"];
pub const FIRST_ENROLMENT: i64 = 500_001;

/// A Moodle with one course that has opted in, and an ELM that has enrolled three people in it half an hour ago.
pub fn school() -> World {
    let mut world = World::empty();
    let course = world.moodle.add_course(&COURSE.to_string(), "Fire Safety");
    world.moodle.courses.edit(course, |course| {
        course.opt_in = Some(true);
        course.has_criteria = true;
    });
    let began = Clock::system().now() - jiff::SignedDuration::from_mins(30);
    for (number, name) in (0..).zip(PEOPLE) {
        let mail = format!("{name}@example.org");
        let created = began + jiff::SignedDuration::from_secs(number);
        let row = FeedRow::enrol(&name.to_uppercase(), &mail, COURSE, created);
        world.elm.push(row.numbered(FIRST_ENROLMENT + number).named(name, "Person"));
    }
    world
}

/// The school, once intake has enrolled everybody. `more` continues the completions link.
pub async fn enrolled(more: &str) -> Scene {
    let scene = Scene::sqlite(school(), &format!("report_from = \"2020-01-01\"\n{more}")).await;
    let request = scene.ask(&scene.node_now(), &run_now("psa")).await;
    assert_eq!(request.state, RequestState::Done, "{request:?}");
    scene
}

impl Scene {
    /// Somebody completes the course now.
    pub fn complete(&self, name: &str) -> CompletionKey {
        let mut world = self.sandbox.world();
        let course = world.moodle.courses_by_idnumber(&COURSE.to_string())[0].id;
        let guid = name.to_uppercase();
        let user = world.moodle.users.iter().find(|user| user.idnumber == guid).unwrap().id;
        let at = jiff::Timestamp::from_second(world.now().as_second() - 60).unwrap();
        world.moodle.complete(user, course, at);
        CompletionKey { user: MoodleUserId(user), course: MoodleCourseId(course), completed_at: at }
    }

    /// The enrolments that the ELM has, in the order of arrival.
    pub fn reported(&self) -> Vec<i64> {
        let world = self.sandbox.world();
        world.elm.completions.iter().map(|received| received.body["ENROLMENT_ID"].as_i64().unwrap()).collect()
    }

    pub async fn completions(&self) -> Vec<CompletionRow> {
        let query = CompletionQuery { limit: 100, ..CompletionQuery::default() };
        self.journal.completions().list(&link("done"), &query).await.unwrap()
    }

    /// What waits for a human because of completions.
    pub async fn asked(&self) -> Vec<AttentionItem> {
        let filter = AttentionFilter { link: Some(link("done")), ..AttentionFilter::default() };
        self.journal.attention().list(&filter, 100).await.unwrap()
    }
}
