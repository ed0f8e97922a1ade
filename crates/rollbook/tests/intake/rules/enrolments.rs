//! Enrolments have owners, dates, roles and ids; records three times; people keys of different strength. The cases are
//! those of the core scenarios in `enrolments.txt`, here on the sandbox by web services.

use crate::stage::{FIRST, LARGE, NOW, SMALL, Stage, ago, empty_school, enrol, mail, suspend};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::run::RunState;
use rollbook_sandbox::moodle::Context;
use rollbook_sandbox::{FeedRow, World};
use std::time::Duration;

const TEACHER: i64 = 3;
const DAY: i64 = 24 * 60;

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

impl Stage {
    /// Runs ten minutes after the last run, with these new rows.
    async fn next_run(&self, rows: impl IntoIterator<Item = FeedRow>) {
        for row in rows {
            self.sandbox.world().elm.push(row);
        }
        self.hand.advance(Duration::from_secs(600));
        self.round().await.unwrap();
    }

    /// The manual enrolment of a person in a course: suspended, start, end; and the roles there.
    fn enrolment(&self, guid: &str, course: i64) -> (Option<(bool, i64, i64)>, Vec<i64>) {
        let world = self.sandbox.world();
        let moodle = &world.moodle;
        let user = moodle.users_by_idnumber(guid).first().map_or(0, |user| user.id);
        let course = moodle.courses_by_idnumber(&course.to_string())[0].id;
        let row = moodle.enrolment(user, course).map(|row| (row.suspended, row.timestart, row.timeend));
        let mut roles: Vec<i64> = moodle.roles_of(user, Context::Course(course)).map(|role| role.role_id).collect();
        roles.sort_unstable();
        (row, roles)
    }

    fn is_active(&self, guid: &str, course: i64) -> bool {
        self.enrolment(guid, course).0.is_some_and(|(suspended, ..)| !suspended)
    }
}

/// A world with somebody's manual enrolment as a teacher makes it in the pages.
fn with_enrolment(guid: &str, course: i64, role: i64, start: i64, end: i64) -> World {
    let mut world = empty_school();
    let moodle = &mut world.moodle;
    let user = moodle.add_user(guid, &mail(guid), "Given", guid);
    let course = moodle.courses_by_idnumber(&course.to_string())[0].id;
    let row = moodle.enrol(user, course);
    moodle.enrolments.edit(row, |row| (row.timestart, row.timeend) = (start, end));
    let roles: Vec<i64> = moodle.roles_of(user, Context::Course(course)).map(|role| role.id).collect();
    for id in roles {
        moodle.assignments.edit(id, |assignment| assignment.role_id = role);
    }
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c01_suspend_of_one_class_leaves_whoever_is_in_another() {
    let stage = Stage::new(empty_school()).await;
    stage.next_run([enrol("ANNA", FIRST, 100).numbered(910_001)]).await;
    let second = enrol("ANNA", FIRST, 20).numbered(910_002);
    stage.next_run([second, suspend("ANNA", FIRST, 19).numbered(910_001)]).await;
    assert!(stage.is_active("ANNA", FIRST));
    assert_eq!(stage.codes("ANNA").await[1..], ["930001: already_enrolled", "930001: other_enrolment"]);
    stage.next_run([suspend("ANNA", FIRST, 1).numbered(910_002)]).await;
    assert!(!stage.is_active("ANNA", FIRST));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c17_record_of_a_later_day_waits_and_is_taken_back_by_what_is_entered_later() {
    let stage = Stage::new(empty_school()).await;
    let later = now() + SignedDuration::from_mins(30 * DAY);
    stage.next_run([enrol("ANNA", FIRST, 100)]).await;
    stage.next_run([suspend("ANNA", FIRST, 60).acted(later), enrol("BEN", SMALL, 60).acted(later)]).await;
    assert!(stage.is_active("ANNA", FIRST));
    assert_eq!(stage.codes("ANNA").await[1], "930001: planned");
    assert_eq!(stage.codes("BEN").await, ["930003: planned"]);
    let run = stage.lines("SELECT state || ' ' || planned FROM run ORDER BY number DESC LIMIT 1").await;
    assert_eq!(run, ["done 2"]);
    stage.next_run([enrol("ANNA", FIRST, 10), suspend("BEN", SMALL, 9)]).await;
    assert_eq!(stage.codes("ANNA").await[1..], ["930001: superseded", "930001: already_enrolled"]);
    assert_eq!(stage.codes("BEN").await, ["930003: superseded", "930003: no_account"]);
    stage.hand.advance(Duration::from_secs(31 * 24 * 60 * 60));
    stage.next_run([]).await;
    assert!(stage.is_active("ANNA", FIRST));
    assert!(stage.sandbox.world().moodle.users_by_idnumber("BEN").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn record_of_a_later_day_is_done_on_its_day() {
    let stage = Stage::new(empty_school()).await;
    stage.next_run([enrol("ANNA", FIRST, 100)]).await;
    stage.next_run([suspend("ANNA", FIRST, 60).acted(now() + SignedDuration::from_mins(30 * DAY))]).await;
    stage.hand.advance(Duration::from_secs(31 * 24 * 60 * 60));
    stage.next_run([]).await;
    assert!(!stage.is_active("ANNA", FIRST));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l1_leaver_without_a_mail_or_with_another_is_suspended() {
    let stage = Stage::new(empty_school()).await;
    stage.next_run([enrol("CORA", FIRST, 100), enrol("CORA", SMALL, 100)]).await;
    stage.sandbox.world().elm.push(suspend("CORA", FIRST, 20).with("EMAIL", serde_json::Value::Null));
    stage.next_run([FeedRow::suspend("CORA", "gone@example.org", SMALL, ago(10))]).await;
    assert!(!stage.is_active("CORA", FIRST) && !stage.is_active("CORA", SMALL));
    assert_eq!(stage.codes("CORA").await[2..], ["930001: suspended", "930003: suspended"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_teacher_whom_somebody_enrolled_stands_untouched_and_is_asked_about_once() {
    let end = now().as_second() + 200 * 86_400;
    let stage = Stage::new(with_enrolment("DORA", FIRST, TEACHER, 0, end)).await;
    for row in [enrol("DORA", FIRST, 100), suspend("DORA", FIRST, 60), enrol("DORA", FIRST, 20)] {
        stage.next_run([row]).await;
        assert_eq!(stage.enrolment("DORA", FIRST), (Some((false, 0, end)), vec![TEACHER]));
    }
    assert_eq!(stage.sandbox.calls().of("enrol_manual_enrol_users"), 0);
    assert_eq!(stage.number("SELECT COUNT(*) FROM attention WHERE kind = 'role_differs'").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suspended_teacher_gets_no_second_role() {
    let mut world = with_enrolment("DORA", FIRST, TEACHER, 0, 0);
    let row = world.moodle.enrolments.iter().last().map(|row| row.id).unwrap();
    world.moodle.enrolments.edit(row, |row| row.suspended = true);
    let stage = Stage::new(world).await;
    stage.next_run([enrol("DORA", FIRST, 20)]).await;
    assert_eq!(stage.enrolment("DORA", FIRST), (Some((true, 0, 0)), vec![TEACHER]));
    assert_eq!(stage.codes("DORA").await, ["930001: role_differs"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn member_of_a_cohort_gets_no_manual_enrolment_by_a_suspend() {
    let mut world = empty_school();
    let user = world.moodle.add_user("EVA", &mail("EVA"), "Given", "EVA");
    let cohort = world.moodle.add_cohort("staff", "Staff");
    world.moodle.add_member(cohort, user);
    let course = world.moodle.courses_by_idnumber(&FIRST.to_string())[0].id;
    world.moodle.add_cohort_instance(course, cohort);
    let stage = Stage::new(world).await;
    stage.next_run([suspend("EVA", FIRST, 20)]).await;
    assert_eq!(stage.codes("EVA").await, ["930001: method_unknown"]);
    assert_eq!(stage.sandbox.calls().of("enrol_manual_enrol_users"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enrolment_that_starts_tomorrow_does_not_begin_after_a_suspend() {
    let tomorrow = now().as_second() + 86_400;
    let stage = Stage::new(with_enrolment("IDA", FIRST, 5, tomorrow, 0)).await;
    stage.next_run([suspend("IDA", FIRST, 20)]).await;
    assert!(!stage.is_active("IDA", FIRST));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c20_new_enrolment_lasts_as_long_as_is_configured() {
    let stage = Stage::with_config(empty_school(), "[link.psa.enrolments]\nduration = \"60d\"").await;
    stage.next_run([enrol("HAL", FIRST, 20)]).await;
    let start = now().as_second() + 600;
    assert_eq!(stage.enrolment("HAL", FIRST).0, Some((false, start, start + 60 * 86_400)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c09_account_that_cannot_sign_in_is_said_and_gets_no_mail() {
    let mut world = empty_school();
    let user = world.moodle.add_user("KAI", &mail("KAI"), "Given", "KAI");
    world.moodle.users.edit(user, |user| user.suspended = true);
    let user = world.moodle.add_user("LEA", &mail("LEA"), "Given", "LEA");
    world.moodle.users.edit(user, |user| user.auth = "nologin".to_owned());
    let stage = Stage::new(world).await;
    stage.next_run([enrol("KAI", FIRST, 20), enrol("LEA", FIRST, 20)]).await;
    assert!(stage.is_active("KAI", FIRST) && stage.is_active("LEA", FIRST));
    assert_eq!(
        (stage.codes("KAI").await, stage.codes("LEA").await.len()),
        (vec!["930001: enrolled_blocked".into()], 1)
    );
    assert!(stage.sandbox.world().mail.mails.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l3_guids_that_change_in_moodle_are_one_episode() {
    let stage = Stage::new(empty_school()).await;
    let people: Vec<String> = (0..40).map(|number| format!("P{number}")).collect();
    stage.next_run(people.iter().map(|guid| enrol(guid, FIRST, 100))).await;
    let accounts = stage.sandbox.world().moodle.users.iter().count();
    for (index, guid) in people.iter().enumerate() {
        let mut world = stage.sandbox.world();
        let id = world.moodle.users_by_idnumber(guid)[0].id;
        let idnumber = if index % 2 == 0 { format!("AAAA{index}") } else { String::new() };
        world.moodle.users.edit(id, |user| user.idnumber = idnumber);
    }
    let rows = people.iter().enumerate().map(|(index, guid)| match index % 2 {
        0 => FeedRow::enrol(guid, &format!("new{index}@example.org"), LARGE, ago(10)),
        _ => FeedRow::suspend(guid, &format!("new{index}@example.org"), FIRST, ago(10)),
    });
    for row in rows {
        stage.sandbox.world().elm.push(row);
    }
    stage.hand.advance(Duration::from_secs(600));
    let report = stage.run().await.unwrap();
    assert_eq!(report.state, RunState::GuardRefused, "{:?}", report.findings);
    assert_eq!(report.plan.changes, []);
    assert_eq!(stage.sandbox.world().moodle.users.iter().count(), accounts);
    let active = stage.sandbox.world().moodle.enrolments.iter().filter(|row| !row.suspended).count();
    assert_eq!(active, 30 + 40 + 8);
    let findings: String = report.findings.iter().map(ToString::to_string).collect();
    assert!(findings.contains("GUIDs are changing in Moodle"), "{findings}");
}
