//! Each kind of trouble from its first notice to its last: one when it begins however many records it has and however often it
//! is met, one a day while it lasts, one when it is over; each says what, who, since when, what to do, and where to look.

use super::{OPERATORS, look, run, told};
use crate::world::{Scene, link};
use jiff::{SignedDuration, Timestamp};
use rollbook_clock::ManualClock;
use rollbook_core::model::EnrolmentId;
use rollbook_journal::requests::{Job, Request, RequestState};
use rollbook_journal::{CompletionQuery, PlanState};
use rollbook_sandbox::{FeedRow, Server, World, world};
use rollbook_sync::scheduler::Node;
use sqlx::Connection;

const COURSE: i64 = 930_001;
const MINUTES: SignedDuration = SignedDuration::from_mins(10);
const DAY: SignedDuration = SignedDuration::from_hours(25);

/// A Monday morning in Vancouver.
fn start() -> Timestamp {
    "2026-11-23T17:00:00Z".parse().unwrap()
}

fn enrol(guid: &str, course: i64) -> FeedRow {
    let created = start() - SignedDuration::from_hours(1);
    FeedRow::enrol(guid, &format!("{}@example.org", guid.to_lowercase()), course, created).named("Jane", guid)
}

/// A school with one course that reports its completions, and what the feed has.
fn school(rows: impl IntoIterator<Item = FeedRow>) -> World {
    let mut world = World::empty();
    world.clock = world::Clock::Fixed(start());
    let course = world.moodle.add_course(&COURSE.to_string(), "Fire safety");
    world.moodle.courses.edit(course, |course| {
        course.opt_in = Some(true);
        course.has_criteria = true;
        course.self_completion = true;
    });
    for (number, row) in (700_001..).zip(rows) {
        world.elm.push(row.numbered(number));
    }
    world
}

struct Play {
    scene: Scene,
    node: Node,
    hand: ManualClock,
}

impl Play {
    async fn new(world: World, more: &str) -> Self {
        let text = format!(
            "[server]\npublic_url = \"https://rollbook.example.org\"\n[notify.silence]\nafter = \"90d\"\n[notify]\nto = [\"{OPERATORS}\"]\n{more}\n"
        );
        let scene = Scene::sqlite(world, &text).await;
        let (node, hand) = scene.node(start());
        Self { scene, node, hand }
    }

    /// So much time passes, for everybody.
    fn pass(&self, by: SignedDuration) {
        let now = self.node.clock.now() + by;
        self.hand.set(now);
        self.scene.sandbox.world().clock = world::Clock::Fixed(now);
    }

    /// A run of the link, and two looks of the process: at most one notice comes of all that.
    async fn turn(&self, link: &str) {
        let before = told(&self.scene, OPERATORS).len();
        run(&self.scene, &self.node, link).await;
        look(&self.node).await;
        look(&self.node).await;
        let after = told(&self.scene, OPERATORS);
        assert!(after.len() <= before + 1, "one notice for all: {after:#?}");
    }

    async fn ask(&self, ask: &Job) -> Request {
        let done = self.scene.ask(&self.node, ask).await;
        assert_eq!(done.state, RequestState::Done, "{done:#?}");
        done
    }

    /// The course's numbers, and that of the person's account.
    fn places(&self, guid: &str) -> (i64, i64) {
        let world = self.scene.sandbox.world();
        let course = world.moodle.courses_by_idnumber(&COURSE.to_string())[0].id;
        (course, world.moodle.users_by_idnumber(guid)[0].id)
    }

    /// The person was enrolled by the feed, and has completed the course.
    async fn complete(&self, guid: &str) {
        run(&self.scene, &self.node, "psa").await;
        run(&self.scene, &self.node, "done").await;
        self.pass(MINUTES);
        let (course, user) = self.places(guid);
        self.scene.sandbox.world().moodle.complete(user, course, self.node.clock.now());
    }

    /// What is told of a trouble of this heading, from its begin to its end.
    async fn lives(self, link: &str, heading: &str, parts: &[&str], mend: impl AsyncFnOnce(&Self)) {
        self.turn(link).await;
        let first = told(&self.scene, OPERATORS);
        assert_eq!(first.len(), 1, "{first:#?}");
        let (subject, text) = &first[0];
        assert_eq!(*subject, format!("[Rollbook] {link}: {heading}"));
        for part in parts.iter().chain(&["NEW", heading, "since Mon 2026-11-23 ", "what to do: "]) {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains("https://rollbook.example.org/"), "{text}");
        for _ in 0..3 {
            self.pass(MINUTES);
            self.turn(link).await;
        }
        assert_eq!(told(&self.scene, OPERATORS).len(), 1, "it was told: {:#?}", told(&self.scene, OPERATORS));
        for day in 0..2 {
            self.pass(DAY);
            self.turn(link).await;
            self.turn(link).await;
            let reminded = told(&self.scene, OPERATORS);
            assert_eq!(reminded.len(), 2 + day, "one a day: {reminded:#?}");
            assert_eq!(reminded[1 + day].0, format!("[Rollbook] {link}: still: {heading}"));
        }
        mend(&self).await;
        self.pass(DAY);
        self.turn(link).await;
        self.turn(link).await;
        let over = told(&self.scene, OPERATORS);
        assert_eq!(over.len(), 4, "{over:#?}");
        assert_eq!(over[3].0, format!("[Rollbook] {link}: over: {heading}"));
        self.scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn course_lookup_failure_is_one_notice_for_all_its_records() {
    let rows = (0..30).map(|number| enrol(&format!("G{number}"), 777_001));
    let play = Play::new(school(rows), "").await;
    let parts = [
        "no Moodle course has the ID number 777001; 30 records wait for it and are tried again",
        "what to do: give the course this ID number in Moodle",
        "https://rollbook.example.org/courses?link=psa&q=777001",
    ];
    let mend = async |play: &Play| {
        play.scene.sandbox.world().moodle.add_course("777001", "Late");
    };
    play.lives("psa", "Course lookup failed", &parts, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn course_without_enrolment_method_is_a_course_lookup_failure_too() {
    let mut world = school([enrol("G1", 777_002)]);
    let course = world.moodle.add_course_without_method("777002", "Nobody gets in");
    let play = Play::new(world, "").await;
    let parts = [
        "the Moodle course with the ID number 777002 has no enabled manual enrolment method; 1 record waits for it and is tried again",
        "what to do: add manual enrolment to the course",
    ];
    let mend = async |play: &Play| {
        play.scene.sandbox.world().moodle.add_instance(course, "manual");
    };
    play.lives("psa", "Course lookup failed", &parts, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn account_that_cannot_be_created_is_told() {
    let nameless = enrol("G1", COURSE).named("", "");
    let play = Play::new(school([nameless]), "").await;
    let parts = ["g1: an account cannot be made", "1 record waits", "https://rollbook.example.org/attention/"];
    let mend = async |play: &Play| {
        play.scene.sandbox.world().moodle.add_user("G1", "g1@example.org", "J", "D");
    };
    play.lives("psa", "An account could not be created", &parts, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_mismatch_is_told() {
    let mut world = school([enrol("G1", COURSE)]);
    let user = world.moodle.add_user("G1", "old@example.org", "Jane", "Doe");
    let play = Play::new(world, "").await;
    let parts = ["Jane G1 (g1): ", "old@example.org", "what to do: update the mail in Moodle"];
    let mend = async |play: &Play| {
        play.scene.sandbox.world().moodle.users.edit(user, |user| user.email = "g1@example.org".to_owned());
    };
    play.lives("psa", "Mail mismatch or changed GUID", &parts, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn name_of_a_person_begins_no_line_of_a_notice() {
    let forged = enrol("G1", COURSE).named("Jane\r\n\r\nOVER\n", "  * all is well\n    https://evil.example");
    let mut world = school([forged]);
    world.moodle.add_user("G1", "old@example.org", "Jane", "Doe");
    let play = Play::new(world, "").await;
    play.turn("psa").await;
    let (_, text) = told(&play.scene, OPERATORS).remove(0);
    assert!(text.contains("* Jane OVER * all is well https://evil.example (g1): account "), "{text}");
    assert!(!text.contains("\nOVER") && !text.contains("\n    https://evil"), "{text}");
    play.scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_guid_is_told() {
    let mut world = school([enrol("G1", COURSE)]);
    let user = world.moodle.add_user("G0", "g1@example.org", "Jane", "Doe");
    let play = Play::new(world, "").await;
    let parts =
        ["Jane G1 (g1): probably a changed GUID", "GUID G0", "what to do: use the account if it is the same person"];
    let mend = async |play: &Play| {
        play.scene.sandbox.world().moodle.users.edit(user, |user| user.idnumber = "G1".to_owned());
    };
    play.lives("psa", "Mail mismatch or changed GUID", &parts, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completion_without_enrolment_record_is_told() {
    let play = Play::new(school([enrol("G1", COURSE)]), "").await;
    play.complete("G1").await;
    // As if somebody else had made the enrolment.
    let url = play.scene.folder.path().join("rollbook.sqlite").display().to_string();
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("DELETE FROM record WHERE guid = 'G1'").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let parts = ["g1 completed Fire safety: no enrolment record", "what to do: supply the enrolment id"];
    let mend = async |play: &Play| {
        let rows = play
            .scene
            .journal
            .completions()
            .list(&link("done"), &CompletionQuery { limit: 9, ..CompletionQuery::default() })
            .await
            .unwrap();
        let (completion, enrolment) = (rows[0].seen.key, EnrolmentId::new("4711"));
        play.ask(&Job::SupplyEnrolment { link: link("done"), completion, enrolment }).await;
    };
    play.lives("done", "Completion without enrolment record", &parts, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_completion_is_told() {
    let play = Play::new(school([enrol("G1", COURSE)]), "").await;
    play.complete("G1").await;
    play.scene.sandbox.world().elm.closed.insert(700_001);
    let parts =
        ["the ELM refused it", "what to do: look at the ELM's answer", "https://rollbook.example.org/attention/"];
    let mend = async |play: &Play| {
        play.scene.sandbox.world().elm.closed.clear();
        let rows = play
            .scene
            .journal
            .completions()
            .list(&link("done"), &CompletionQuery { limit: 9, ..CompletionQuery::default() })
            .await
            .unwrap();
        let reports = vec![rows[0].report.as_ref().unwrap().id];
        play.ask(&Job::RetryCompletions { link: link("done"), reports }).await;
    };
    play.lives("done", "Completion not accepted", &parts, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_run_is_told() {
    let play = Play::new(school([]), "").await;
    play.scene.sandbox.take_down(Server::Elm).await;
    let parts =
        ["the feed could not be read", "what to do: run `rollbook doctor`", "https://rollbook.example.org/runs/"];
    let mend = async |play: &Play| play.scene.sandbox.bring_up(Server::Elm).await.unwrap();
    play.lives("psa", "A run failed", &parts, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guard_that_refused_is_told_with_the_page_where_the_plan_is_approved() {
    let rows = (0..3).map(|number| enrol(&format!("G{number}"), COURSE));
    let play = Play::new(school(rows), "[link.psa.limits]\nnew_accounts = 1\n").await;
    let parts = [
        "plan 1: ",
        "what to do: look at the plan; approve or reject it there",
        "https://rollbook.example.org/plans/1\n",
    ];
    let mend = async |play: &Play| {
        let plan = play.scene.journal.plans().list(None, Some(PlanState::Blocked), None, 9).await.unwrap().remove(0).id;
        let now = play.node.clock.now();
        play.scene.journal.plans().approve(plan, "ann", "the new year", now + MINUTES, now).await.unwrap();
        play.ask(&Job::ApplyPlan { link: link("psa"), plan }).await;
    };
    play.lives("psa", "A guard refused a plan", &parts, mend).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_items_than_one_page_of_them_are_each_followed_to_their_end() {
    const PEOPLE: usize = 620;
    let world = school((0..PEOPLE).map(|number| enrol(&format!("G{number}"), COURSE).named("", "")));
    let play = Play::new(world, "").await;
    play.turn("psa").await;
    let open = || async { play.scene.journal.notices().open_episodes(&link("psa")).await.unwrap().len() };
    assert_eq!((open().await, told(&play.scene, OPERATORS).len()), (PEOPLE, 1));
    play.pass(DAY);
    look(&play.node).await;
    let reminded = told(&play.scene, OPERATORS);
    assert_eq!(reminded[1].0, format!("[Rollbook] psa: {PEOPLE} still going on"));
    for number in 0..PEOPLE {
        let (guid, mail) = (format!("G{number}"), format!("g{number}@example.org"));
        play.scene.sandbox.world().moodle.add_user(&guid, &mail, "Jane", &guid);
    }
    play.pass(MINUTES);
    play.turn("psa").await;
    let over = told(&play.scene, OPERATORS);
    assert_eq!((open().await, over[2].0.as_str()), (0, "[Rollbook] psa: 620 over"));
    play.scene.end().await;
}
