//! Way (b): completions found in Moodle's database, by one query.

use crate::tables::{Server, Tables, run};
use crate::world::{COURSE, Learner, Stage, minutes};
use rollbook_core::desired::{Scan, ScanKind};
use rollbook_core::model::MoodleCourseId;
use rollbook_core::run::RunState;
use rollbook_moodle::snapshot::completions::read_completions;
use rollbook_sync::flows::completions::{FoundBy, Purpose, Reach};

/// Holds each rule on every server.
macro_rules! rules {
    ($($rule:ident),* $(,)?) => {
        mod mariadb {
            $(#[test] fn $rule() { super::run(super::Server::MariaDb, super::$rule); })*
        }
        mod pg {
            $(#[test] fn $rule() { super::run(super::Server::Pg, super::$rule); })*
        }
        mod sqlite {
            $(#[test] fn $rule() { super::run(super::Server::Sqlite, super::$rule); })*
        }
    };
}

rules! {
    completions_of_opted_courses_are_found_and_reported_once,
    completion_that_appears_late_is_found,
    opt_in_follows_the_stored_value_or_the_fields_default,
    courses_without_number_and_people_without_guid_wait_for_a_human_and_the_others_go_on,
    learner_who_is_suspended_by_now_is_found,
    many_pages_are_read_to_the_end,
    more_courses_than_one_statement_takes_are_all_read_in_order,
    database_that_is_away_changes_nothing,
}

/// A stage whose link reads these tables, and people whom intake has enrolled.
async fn stage(tables: &Tables, people: i64) -> (Stage, Vec<Learner>) {
    let mut stage = Stage::new().await;
    stage.flow.method = FoundBy::Database(tables.open());
    let learners = stage.enrol(1..people + 1).await;
    tables.course(learners[0].course, &COURSE.to_string(), Some(1)).await;
    for (n, learner) in (1..).zip(&learners) {
        tables.user(learner.user, &format!("GUID{n:06}")).await;
    }
    (stage, learners)
}

async fn completions_of_opted_courses_are_found_and_reported_once(tables: Tables) {
    let (stage, learners) = stage(&tables, 4).await;
    let course = learners[0].course;
    tables.course(90, "930090", Some(0)).await;
    let ago = |ago: i64| Some(stage.clock.now() - minutes(ago));
    tables.complete(learners[0].user, course, ago(20)).await;
    tables.complete(learners[1].user, course, ago(30)).await;
    tables.complete(learners[2].user, course, None).await;
    tables.complete(learners[3].user, 90, ago(5)).await;
    let shown = stage.ask(Purpose::DryRun, Reach::Usual).await;
    assert_eq!((shown.plan.reports.len(), stage.received().len()), (2, 0));
    let report = stage.run().await;
    assert_eq!((report.state, report.queued, report.delivered.accepted), (RunState::Done, 2, 2));
    // Two are on their way at once.
    let mut told = stage.enrolments();
    told.sort_unstable();
    assert_eq!(told, [learners[0].enrolment, learners[1].enrolment]);
    stage.pass(minutes(5));
    tables.complete(learners[3].user, course, Some(stage.clock.now() - minutes(1))).await;
    let again = stage.run().await;
    assert_eq!((again.seen, again.known, again.queued), (3, 2, 1), "the overlap shows what is known");
    assert_eq!(stage.sandbox.calls().per_function().keys().collect::<Vec<_>>(), ["completion"]);
}

async fn completion_that_appears_late_is_found(tables: Tables) {
    let (stage, learners) = stage(&tables, 2).await;
    let course = learners[0].course;
    stage.run().await;
    // Cron was down: the row appears a day after its time. A grade is dated back by a week.
    stage.pass(minutes(24 * 60));
    tables.complete(learners[0].user, course, Some(stage.clock.now() - minutes(23 * 60))).await;
    stage.pass(minutes(5));
    assert_eq!(stage.run().await.queued, 1);
    tables.complete(learners[1].user, course, Some(stage.clock.now() - minutes(7 * 24 * 60))).await;
    assert_eq!(stage.run().await.queued, 0, "not within two days");
    stage.pass(minutes(24 * 60));
    assert_eq!(stage.run().await.queued, 1, "once a day everything is read");
    stage.pass(minutes(5));
    assert_eq!(stage.ask(Purpose::Apply, Reach::Full).await.queued, 0);
}

async fn opt_in_follows_the_stored_value_or_the_fields_default(tables: Tables) {
    let (mut stage, _) = stage(&tables, 1).await;
    tables.course(91, "930091", None).await;
    tables.course(92, "930092", Some(0)).await;
    let opted = async |stage: &Stage| {
        let courses = stage.journal.completions().opted_courses(&stage.flow.link).await.unwrap();
        courses.into_iter().filter(|course| !course.withdrawn).map(|course| course.id.0).collect::<Vec<_>>()
    };
    stage.run().await;
    let first = opted(&stage).await;
    assert_eq!(first.len(), 1);
    tables.sql("UPDATE mdl_customfield_field SET configdata = '{\"checkbydefault\":\"1\"}' WHERE id = 2").await;
    stage.run().await;
    assert_eq!(opted(&stage).await, [first[0], 91]);
    stage.flow.opt_in_field = "renamed".into();
    let report = stage.run().await;
    assert_eq!(report.gaps.len(), 1, "a field that nobody has is a gap");
    assert_eq!(opted(&stage).await, [first[0], 91], "and withdraws nothing");
}

async fn courses_without_number_and_people_without_guid_wait_for_a_human_and_the_others_go_on(tables: Tables) {
    let (stage, learners) = stage(&tables, 2).await;
    let course = learners[0].course;
    tables.course(90, "", Some(1)).await;
    tables.user(800, "").await;
    let at = Some(stage.clock.now() - minutes(20));
    for (user, course) in [(learners[0].user, course), (learners[1].user, 90), (800, course)] {
        tables.complete(user, course, at).await;
    }
    for _ in 0..2 {
        stage.run().await;
        stage.pass(minutes(5));
    }
    assert_eq!(stage.enrolments(), [learners[0].enrolment]);
    assert_eq!(stage.asked().await, ["completion_no_course_number", "completion_no_guid"]);
    tables.sql("UPDATE mdl_user SET idnumber = 'GUID000002' WHERE id = 800").await;
    stage.run().await;
    assert_eq!(stage.enrolments(), [learners[0].enrolment, learners[1].enrolment]);
    assert_eq!(stage.asked().await, ["completion_no_course_number"]);
}

async fn learner_who_is_suspended_by_now_is_found(tables: Tables) {
    let (stage, learners) = stage(&tables, 1).await;
    stage.sandbox.world().moodle.enrol_suspended(learners[0].user, learners[0].course);
    tables.complete(learners[0].user, learners[0].course, Some(stage.clock.now() - minutes(20))).await;
    assert_eq!(stage.run().await.delivered.accepted, 1);
}

async fn many_pages_are_read_to_the_end(tables: Tables) {
    let (mut stage, learners) = stage(&tables, 1).await;
    stage.flow.policy.limits.reports = 100_000;
    stage.flow.sending = rollbook_sync::flows::completions::Sending::Off;
    let at = (stage.clock.now() - minutes(600)).as_second();
    let course = learners[0].course;
    // 12,000 people, 97 in each second: a page ends inside a second.
    for part in 0..12 {
        let numbers = (part * 1_000)..(part * 1_000 + 1_000);
        let users: Vec<String> = numbers.clone().map(|n| format!("({}, 'x{n}', 'X{n}')", 10_000 + n)).collect();
        tables.sql(&format!("INSERT INTO mdl_user (id, username, idnumber) VALUES {}", users.join(","))).await;
        let rows: Vec<String> = numbers.map(|n| format!("({}, {course}, {})", 10_000 + n, at + n / 97)).collect();
        let sql = "INSERT INTO mdl_course_completions (userid, course, timecompleted) VALUES";
        tables.sql(&format!("{sql} {}", rows.join(","))).await;
    }
    for _ in 0..2 {
        let report = stage.run().await;
        assert_eq!((report.seen, report.plan.skips.len()), (12_000, 12_000), "nobody was enrolled by intake");
        stage.pass(minutes(5));
    }
}

/// 5,200 courses have opted in, and somebody completed the last of them, between others: a page ends amid the parts.
async fn more_courses_than_one_statement_takes_are_all_read_in_order(tables: Tables) {
    let (stage, learners) = stage(&tables, 1).await;
    let first = 100_000;
    for part in 0..4 {
        let ids: Vec<i64> = (part * 1_300..(part + 1) * 1_300).map(|n| first + n).collect();
        let courses: Vec<String> = ids.iter().map(|id| format!("({id}, 1, 'Course {id}', '{id}')")).collect();
        tables
            .sql(&format!("INSERT INTO mdl_course (id, category, fullname, idnumber) VALUES {}", courses.join(",")))
            .await;
        let opted: Vec<String> = ids.iter().map(|id| format!("({id}, 2, {id}, 1)")).collect();
        let sql = "INSERT INTO mdl_customfield_data (id, fieldid, instanceid, intvalue) VALUES";
        tables.sql(&format!("{sql} {}", opted.join(","))).await;
    }
    let courses: Vec<_> = std::iter::once(learners[0].course).chain(first..first + 5_200).map(MoodleCourseId).collect();
    assert!(courses.len() > rollbook_remote::database::VALUES_MAX);
    // 11,000 people, course by course in turn from both ends, each a second later than the one before.
    let start = (stage.clock.now() - minutes(600)).as_second();
    for part in 0..11 {
        let numbers = (part * 1_000)..(part * 1_000 + 1_000);
        let users: Vec<String> = numbers.clone().map(|n| format!("({}, 'x{n}', 'X{n}')", 10_000 + n)).collect();
        tables.sql(&format!("INSERT INTO mdl_user (id, username, idnumber) VALUES {}", users.join(","))).await;
        let course = |n: i64| first + if n % 2 == 0 { n % 5_200 } else { 5_199 - n % 5_200 };
        let rows: Vec<String> = numbers.map(|n| format!("({}, {}, {})", 10_000 + n, course(n), start + n)).collect();
        let sql = "INSERT INTO mdl_course_completions (userid, course, timecompleted) VALUES";
        tables.sql(&format!("{sql} {}", rows.join(","))).await;
    }
    tables.analyse().await;
    let database = tables.open();
    for kind in [ScanKind::Ordinary, ScanKind::Full] {
        let scan = Scan { kind, since: stage.clock.now() - minutes(700), courses: courses.clone() };
        let (mut users, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = read_completions(&database, &scan, after).await.unwrap();
            users.extend(page.iter().map(|seen| seen.key.user.0));
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(users, (10_000..21_000).collect::<Vec<i64>>(), "{kind:?}");
    }
    let shown = stage.ask(Purpose::DryRun, Reach::Usual).await;
    assert_eq!(shown.seen, 11_000, "the flow sees them too");
}

async fn database_that_is_away_changes_nothing(tables: Tables) {
    let (stage, learners) = stage(&tables, 1).await;
    tables.complete(learners[0].user, learners[0].course, Some(stage.clock.now() - minutes(20))).await;
    tables.sql("ALTER TABLE mdl_course_completions RENAME TO mdl_gone").await;
    let request = rollbook_sync::flows::completions::CompletionsRequest {
        purpose: Purpose::Apply,
        reach: Reach::Usual,
        author: "test".into(),
    };
    let stop = tokio_util::sync::CancellationToken::new();
    let run =
        rollbook_sync::flows::completions::run_completions(&stage.flow, &stage.journal, &stage.clock, &request, &stop);
    assert!(run.await.is_err());
    tables.sql("ALTER TABLE mdl_gone RENAME TO mdl_course_completions").await;
    stage.pass(minutes(5));
    assert_eq!(stage.run().await.delivered.accepted, 1);
}
