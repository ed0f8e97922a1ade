//! Completions: how Moodle tells them, and whether each way reports them once.
//!
//! Web services cannot complete a course for somebody, so these need a command on Moodle's server. Next: [`stage`].

mod stage;

use crate::live::Bench;
use crate::live::difference::{Checked, holds, refused, same, while_doing};
use crate::live::made::Place;
use rollbook_core::model::{MoodleCourseId, MoodleUserId};
use rollbook_core::run::RunState;
use rollbook_moodle::client::wire::{WireCompletion, WireCourse};
use rollbook_moodle::client::write::EnrolmentState;
use rollbook_sync::flows::completions::{FoundBy, Reach};
use stage::{Learner, Stage};

const FIELD: &str = "completion_opt_in";
/// An id that nothing has.
const NOBODY: i64 = 2_000_000_011;

pub(super) async fn a_course_tells_whether_it_opted_in(bench: &Bench) -> Checked {
    let (opted, other) = (bench.course().await?, bench.course().await?);
    bench.opt_in(&opted).await?;
    let (courses, _) = bench
        .reader()
        .fetch_courses_by_id(&[opted.id, other.id])
        .await
        .map_err(while_doing("looking which courses opted in"))?;
    let says = |id| courses.iter().find(|course| course.id == id).and_then(|course| course.find_checkbox(FIELD));
    same("the course that opted in", &says(opted.id), &Some(true))?;
    holds("the other did not", says(other.id) != Some(true))?;
    bench.note(format!("a course that never saved the field says {:?}", says(other.id)));
    let visible = |id| courses.iter().find(|course| course.id == id).and_then(|course: &WireCourse| course.visible);
    same("whether learners see it", &visible(opted.id), &Some(true))
}

/// Somebody enrolled in a course.
async fn learner_in(bench: &Bench, course: &Place) -> Checked<MoodleUserId> {
    let (_, user) = bench.account().await?;
    bench.enrol(EnrolmentState::Active, user, course.id).await?;
    Ok(user)
}

async fn status(bench: &Bench, course: &Place, user: MoodleUserId) -> Checked<WireCompletion> {
    bench.reader().fetch_completion(course.id, user).await.map_err(while_doing("asking for a completion"))
}

/// When the last criterion was met.
fn met_at(status: &WireCompletion) -> Option<i64> {
    status.completions.iter().filter_map(|criterion| criterion.timecompleted).max()
}

pub(super) async fn a_completion_is_told_with_the_time_of_its_criterion(bench: &Bench) -> Checked {
    let course = bench.course().await?;
    bench.opt_in(&course).await?;
    let user = learner_in(bench, &course).await?;
    let before = status(bench, &course, user).await?;
    same("completed, before", &(before.completed, met_at(&before)), &(Some(false), None))?;
    let began = bench.clock.now().as_second();
    bench.complete(user, &course).await?;
    let after = status(bench, &course, user).await?;
    same("completed", &after.completed, &Some(true))?;
    let met = met_at(&after).unwrap_or_default();
    // The two clocks may be some seconds apart.
    holds("the criterion was met just now", (began - 60..=bench.clock.now().as_second() + 60).contains(&met))?;
    let list = bench.reader().fetch_users_courses(user).await.map_err(while_doing("asking for a person's courses"))?;
    let completed: Vec<_> = list.iter().map(|course| (course.id, course.completed)).collect();
    same("the person's own list", &completed, &vec![(course.id, Some(true))])
}

pub(super) async fn who_is_not_in_the_course_and_what_has_no_criteria_has_a_code(bench: &Bench) -> Checked {
    let (course, bare, untracked) = (bench.course().await?, bench.tracking_course().await?, bench.course().await?);
    bench.opt_in(&course).await?;
    let user = learner_in(bench, &course).await?;
    bench.enrol(EnrolmentState::Active, user, bare.id).await?;
    bench.enrol(EnrolmentState::Active, user, untracked.id).await?;
    let (_, stranger) = bench.account().await?;
    let suspended = learner_in(bench, &course).await?;
    bench.enrol(EnrolmentState::Suspended, suspended, course.id).await?;
    let ask = |course: MoodleCourseId, user: MoodleUserId| {
        let reader = bench.reader();
        async move { reader.fetch_completion(course, user).await }
    };
    refused("somebody not enrolled", &["usernotenroled"], ask(course.id, stranger).await)?;
    refused("somebody suspended", &["usernotenroled"], ask(course.id, suspended).await)?;
    refused("a course without criteria", &["nocriteriaset"], ask(bare.id, user).await)?;
    refused("a course that tracks nothing", &["cannotviewreport"], ask(untracked.id, user).await)?;
    refused("an unknown account", &["invaliduser"], ask(course.id, MoodleUserId(NOBODY)).await)?;
    let code = refused("an unknown course", &["invalidrecord"], ask(MoodleCourseId(NOBODY), user).await)?;
    bench.note(format!("an unknown course is refused with {code}"));
    let list = bench.reader().fetch_users_courses(user).await.map_err(while_doing("asking for a person's courses"))?;
    let says = |id| list.iter().find(|course| course.id == id).map(|course| course.completed);
    same("a course without criteria in the person's own list", &says(bare.id), &Some(Some(false)))?;
    same("one that tracks nothing", &says(untracked.id), &Some(None))
}

pub(super) async fn the_completion_of_a_hidden_course_is_told_to_who_asks_for_it(bench: &Bench) -> Checked {
    let course = bench.hidden_course().await?;
    bench.opt_in(&course).await?;
    let user = learner_in(bench, &course).await?;
    bench.complete(user, &course).await?;
    let list = bench.reader().fetch_users_courses(user).await.map_err(while_doing("asking for a person's courses"))?;
    same("the person's own list", &list.len(), &0)?;
    same("asked for directly", &status(bench, &course, user).await?.completed, &Some(true))
}

/// What the ELM should have, in any order.
fn sorted(mut reports: Vec<(String, i64)>) -> Vec<(String, i64)> {
    reports.sort();
    reports
}

fn report_of(learner: &Learner, course: &Place) -> (String, i64) {
    (learner.person.guid.clone(), course.idnumber)
}

pub(super) async fn polling_reports_each_completion_once(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let course = stage.course().await?;
    let learners = stage.enrol(3, &[&course]).await?;
    same("completions before anybody completed", &stage.run(FoundBy::Poll).await?.queued, &0)?;
    for learner in &learners[..2] {
        bench.complete(learner.user, &course).await?;
    }
    let report = stage.run(FoundBy::Poll).await?;
    same("how the run ended", &report.state, &RunState::Done)?;
    same("queued and accepted", &(report.queued, report.delivered.accepted), &(2, 2))?;
    let calls: u64 = report.calls.iter().map(|call| call.calls).sum();
    holds("no more calls than people and one look at the courses", calls <= 3 + 1)?;
    let wanted = sorted(learners[..2].iter().map(|learner| report_of(learner, &course)).collect());
    same("what the ELM has", &sorted(stage.received()), &wanted)?;
    let zone = rollbook_clock::zone("America/Vancouver").map_err(while_doing("finding the ELM's zone"))?;
    let today = bench.clock.now().to_zoned(zone).date().to_string();
    holds("the day is that of the completion", stage.days().iter().all(|day| *day == today))?;
    same("a second run", &stage.run(FoundBy::Poll).await?.queued, &0)?;
    same("reports in the end", &stage.received().len(), &2)
}

pub(super) async fn polling_finds_those_of_a_hidden_course_among_several(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let courses = [stage.course().await?, stage.course().await?, stage.hidden_course().await?];
    let learners = stage.enrol(1, &courses.iter().collect::<Vec<_>>()).await?;
    bench.complete(learners[0].user, &courses[0]).await?;
    bench.complete(learners[0].user, &courses[2]).await?;
    same("queued", &stage.run(FoundBy::Poll).await?.queued, &2)?;
    let wanted = [&courses[0], &courses[2]].map(|course| report_of(&learners[0], course)).to_vec();
    same("what the ELM has", &sorted(stage.received()), &sorted(wanted))
}

pub(super) async fn a_pushed_event_is_looked_into_and_proves_nothing(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let course = stage.course().await?;
    let learners = stage.enrol(2, &[&course]).await?;
    bench.complete(learners[0].user, &course).await?;
    for learner in &learners {
        stage.push(learner, &course).await?;
    }
    let report = stage.run_for(FoundBy::Push, Reach::Pushed).await?;
    same("looked at and queued", &(report.looks, report.queued), &(2, 1))?;
    same("what the ELM has", &stage.received(), &vec![report_of(&learners[0], &course)])?;
    stage.push(&learners[0], &course).await?;
    same("the same event again", &stage.run_for(FoundBy::Push, Reach::Pushed).await?.queued, &0)
}

pub(super) async fn the_database_reports_each_completion_once(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let (course, hidden) = (stage.course().await?, stage.hidden_course().await?);
    let learners = stage.enrol(2, &[&course, &hidden]).await?;
    bench.complete(learners[0].user, &course).await?;
    bench.complete(learners[1].user, &hidden).await?;
    same("queued", &stage.run(stage.database()?).await?.queued, &2)?;
    let wanted = vec![report_of(&learners[0], &course), report_of(&learners[1], &hidden)];
    same("what the ELM has", &sorted(stage.received()), &sorted(wanted))?;
    for reach in [Reach::Usual, Reach::Full] {
        same("a further run", &stage.run_for(stage.database()?, reach).await?.queued, &0)?;
    }
    Ok(())
}

pub(super) async fn the_database_sees_who_was_suspended_since(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let course = stage.course().await?;
    let learners = stage.enrol(1, &[&course]).await?;
    bench.complete(learners[0].user, &course).await?;
    bench.enrol(EnrolmentState::Suspended, learners[0].user, course.id).await?;
    same("found by web services", &stage.run(FoundBy::Poll).await?.queued, &0)?;
    same("found in the database", &stage.run(stage.database()?).await?.queued, &1)
}

pub(super) async fn all_ways_together_report_a_completion_once(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let course = stage.course().await?;
    let learners = stage.enrol(1, &[&course]).await?;
    bench.complete(learners[0].user, &course).await?;
    stage.push(&learners[0], &course).await?;
    let mut queued = vec![stage.run_for(FoundBy::Push, Reach::Pushed).await?.queued];
    for way in [FoundBy::Poll, stage.database()?, FoundBy::Poll] {
        queued.push(stage.run(way).await?.queued);
    }
    // The two tell the same moment, or the one would take the other's for a second completion.
    same("queued by each way in turn", &queued, &vec![1, 0, 0, 0])?;
    same("what the ELM has", &stage.received(), &vec![report_of(&learners[0], &course)])
}
