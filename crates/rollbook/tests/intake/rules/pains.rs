//! What hurts the users of other tools, one test for each.

use crate::stage::{FIRST, LARGE, SMALL, Stage, ago, empty_school, enrol, mail, school, suspend};
use rollbook_core::plan::IntakeChange;
use rollbook_core::run::RunState;
use rollbook_sandbox::{Fault, FeedRow, Kind, Target, World};
use rollbook_sync::flows::intake::{IntakeQuery, Purpose};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

fn state_in(world: &World, guid: &str, course: i64) -> Option<bool> {
    let moodle = &world.moodle;
    let course = moodle.courses_by_idnumber(&course.to_string())[0].id;
    moodle.enrolment(moodle.user_by_guid(guid)?.id, course).map(|row| !row.suspended)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_1_an_empty_or_failing_source_suspends_nobody() {
    let stage = Stage::new(empty_school()).await;
    let before = stage.picture().await.moodle;
    assert_eq!(stage.round().await.unwrap().state, RunState::Done);
    stage.sandbox.faults().arm(Fault::every(Target::Feed, Kind::EmptyBody200));
    stage.round().await.unwrap_err();
    assert_eq!(stage.picture().await.moodle, before);
}

/// The accounts are there, and Moodle answers that they are not: nobody is made twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_1_a_moodle_that_hides_its_people_gets_no_second_accounts() {
    let stage = Stage::new(school()).await;
    let accounts = stage.sandbox.world().moodle.users.len();
    stage.sandbox.world().moodle.revoke(rollbook_sandbox::MOODLE_TOKEN, "moodle/user:viewalldetails");
    stage.round().await.unwrap_err();
    assert_eq!(stage.sandbox.world().moodle.users.len(), accounts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_3_what_rollbook_did_not_make_is_not_removed() {
    let mut world = empty_school();
    let course = world.moodle.courses_by_idnumber(&FIRST.to_string())[0].id;
    let user = world.moodle.user_by_guid("E1").unwrap().id;
    let own = world.moodle.enrol(user, course);
    let by_self = world.moodle.add_instance(course, "self");
    world.moodle.enrolments.edit(own, |row| row.instance_id = by_self);
    world.elm.push(suspend("E1", FIRST, 30));
    let stage = Stage::new(world).await;
    stage.round().await.unwrap();
    let world = stage.sandbox.world();
    assert!(!world.moodle.enrolments.get(own).unwrap().suspended, "it is another method's");
    drop(world);
    assert_eq!(stage.codes("E1").await, ["930001: method_unknown"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_4_one_bad_course_keeps_nobody_else_out_run_after_run() {
    let mut world = school();
    world.moodle.add_course_without_method("930009", "Nobody can enter");
    let disabled = world.moodle.add_course("930008", "Closed");
    world.moodle.disable_manual(disabled);
    world.elm.push(enrol("E1", 930_009, 100));
    world.elm.push(enrol("E2", 930_008, 100));
    let stage = Stage::new(world).await;
    assert_eq!(stage.round().await.unwrap().counts.enrolled, 19);
    stage.sandbox.world().elm.push(enrol("E9", FIRST, -10));
    stage.hand.advance(HOUR);
    assert_eq!(stage.round().await.unwrap().counts.enrolled, 1);
    assert!(stage.codes("E1").await.contains(&"930009: no_manual_instance".to_owned()));
    assert!(stage.codes("E2").await.contains(&"930008: no_manual_instance".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_5_a_dead_source_is_never_a_success() {
    let stage = Stage::new(school()).await;
    stage.sandbox.faults().arm(Fault::every(Target::Feed, Kind::HttpBeforeEffect(500)));
    for _ in 0..3 {
        stage.hand.advance(HOUR);
        stage.round().await.unwrap_err();
    }
    assert_eq!(stage.lines("SELECT DISTINCT state FROM run").await, ["failed"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_6_a_record_that_failed_is_tried_again() {
    let stage = Stage::new(school()).await;
    stage.round().await.unwrap();
    assert_eq!(stage.codes("E19").await, ["999999: course_not_found"]);
    stage.hand.advance(HOUR * 24 * 20);
    stage.round().await.unwrap();
    assert_eq!(stage.number("SELECT COUNT(*) FROM attention WHERE kind = 'course_not_found'").await, 1);
    stage.sandbox.world().moodle.add_course("999999", "At last");
    stage.hand.advance(HOUR);
    stage.round().await.unwrap();
    assert_eq!(stage.codes("E19").await, ["999999: enrolled"]);
    assert_eq!(stage.sandbox.world().mail.to(&mail("E19")).len(), 1);
    let open = "SELECT COUNT(*) FROM attention WHERE kind = 'course_not_found' AND closed_ms IS NULL";
    assert_eq!(stage.number(open).await, 0, "nobody is asked any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_7_a_dry_run_plans_what_the_real_run_does() {
    let stage = Stage::new(school()).await;
    let before = stage.picture().await;
    let dry = stage.run_with(Purpose::DryRun, IntakeQuery::New).await.unwrap();
    let after = stage.picture().await;
    assert_eq!((before, stage.writes(), stage.number("SELECT COUNT(*) FROM run").await), (after, 0, 0));
    let real = stage.run().await.unwrap();
    assert_eq!((dry.plan.digest(), dry.plan.skips.len()), (real.plan.digest(), real.plan.skips.len()));
    assert_eq!(real.counts.enrolled as usize, real.plan.changes.iter().filter(|change| is_enrolment(change)).count());
}

fn is_enrolment(change: &IntakeChange) -> bool {
    matches!(change, IntakeChange::Enrol(_))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_9_one_person_can_be_processed_alone() {
    let stage = Stage::new(school()).await;
    let query = IntakeQuery::Person { mail: None, guid: Some("N1".to_owned()) };
    let report = stage.run_with(Purpose::Apply, query).await.unwrap();
    assert_eq!((report.counts.records, report.counts.enrolled, report.counts.accounts), (2, 2, 1));
    let query = IntakeQuery::Person { mail: Some(mail("E10")), guid: None };
    let report = stage.run_with(Purpose::Apply, query).await.unwrap();
    assert_eq!((report.counts.records, report.counts.suspended), (1, 1));
    assert_eq!(stage.watermark().await, None, "the feed is not covered by it");
    stage.settle("after two people").await;
    let twin = Stage::new(school()).await;
    twin.settle("twin").await;
    stage.picture().await.assert_like(&twin.picture().await, "after two people");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_11_doubtful_people_are_left_to_a_human() {
    let mut world = empty_school();
    world.moodle.add_user("TWICE", "one@example.org", "One", "Twice");
    let second = world.moodle.add_user("TWICE", "two@example.org", "Two", "Twice");
    world.moodle.users.edit(second, |user| user.username = "two@example.org".to_owned());
    world.elm.push(FeedRow::enrol("TWICE", "one@example.org", FIRST, ago(50)));
    world.elm.push(FeedRow::enrol("NEW-GUID", &mail("E3"), FIRST, ago(49)));
    world.elm.push(FeedRow::enrol("E4", "other@example.org", FIRST, ago(48)));
    let stage = Stage::new(world).await;
    let before = stage.picture().await.moodle;
    stage.round().await.unwrap();
    assert_eq!((stage.picture().await.moodle, stage.writes()), (before, 0));
    assert_eq!(stage.codes("TWICE").await, ["930001: two_accounts"]);
    assert_eq!(stage.codes("NEW-GUID").await, ["930001: guid_changed"]);
    assert_eq!(stage.codes("E4").await, ["930001: mail_mismatch"]);
    // A person mends the account; the next run goes on by itself.
    let user = stage.sandbox.world().moodle.user_by_guid("E4").unwrap().id;
    stage.sandbox.world().moodle.users.edit(user, |user| user.email = "other@example.org".to_owned());
    stage.hand.advance(HOUR);
    stage.round().await.unwrap();
    assert_eq!(stage.codes("E4").await, ["930001: enrolled"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_12_suspension_goes_round_and_a_person_s_own_stays() {
    let stage = Stage::new(empty_school()).await;
    let push = |row: FeedRow| stage.sandbox.world().elm.push(row);
    push(enrol("E1", FIRST, 100));
    push(enrol("E2", FIRST, 100));
    stage.round().await.unwrap();
    push(suspend("E1", FIRST, -10));
    stage.hand.advance(HOUR);
    stage.round().await.unwrap();
    assert_eq!(state_in(&stage.sandbox.world(), "E1", FIRST), Some(false));
    push(enrol("E1", FIRST, -70));
    stage.hand.advance(HOUR);
    stage.round().await.unwrap();
    assert_eq!(state_in(&stage.sandbox.world(), "E1", FIRST), Some(true), "who returns is let in again");
    assert_eq!(stage.sandbox.world().mail.to(&mail("E1")).len(), 2, "and welcomed again");
    // An administrator suspends somebody by hand: no record said otherwise since.
    {
        let mut world = stage.sandbox.world();
        let (user, course) =
            (world.moodle.user_by_guid("E2").unwrap().id, world.moodle.courses_by_idnumber(&FIRST.to_string())[0].id);
        world.moodle.enrol_suspended(user, course);
    }
    stage.settle("a suspension by hand").await;
    assert_eq!(state_in(&stage.sandbox.world(), "E2", FIRST), Some(false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_14_people_are_added_before_others_are_removed() {
    let mut world = empty_school();
    world.elm.push(suspend("E16", SMALL, 60));
    world.elm.push(enrol("E16", FIRST, 50));
    world.elm.push(enrol("N1", LARGE, 40));
    let stage = Stage::new(world).await;
    let target = Target::Moodle(Some("enrol_manual_enrol_users"));
    stage.sandbox.faults().arm(Fault { target, at: rollbook_sandbox::At::First(2), kind: Kind::SlowMs(150) });
    let watching = async {
        while stage.sandbox.faults().fired().len() < 2 {
            assert_eq!(state_in(&stage.sandbox.world(), "E16", SMALL), Some(true));
            tokio::task::yield_now().await;
        }
    };
    let (report, ()) = tokio::join!(stage.run(), watching);
    assert_eq!((report.unwrap().counts.suspended, state_in(&stage.sandbox.world(), "E16", SMALL)), (1, Some(false)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pain_15_a_broken_course_asks_once_and_not_once_a_record() {
    let mut world = empty_school();
    world.moodle.add_course_without_method("930009", "Nobody can enter");
    (0..30).for_each(|number| world.elm.push(enrol(&format!("E{number}"), 930_009, 60)));
    let stage = Stage::new(world).await;
    stage.round().await.unwrap();
    stage.hand.advance(HOUR * 24 * 15);
    stage.round().await.unwrap();
    assert_eq!(stage.lines("SELECT kind || ' ' || subject FROM attention").await, ["no_manual_instance 930009"]);
    assert!(stage.sandbox.world().mail.mails.is_empty());
}
