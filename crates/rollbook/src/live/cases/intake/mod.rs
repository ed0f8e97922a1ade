//! Intake as a whole, from a feed over HTTP into the site under test.
//!
//! Next: [`stage`], which has the feed.

pub(super) mod stage;

use super::site::sentinel;
use crate::live::Bench;
use crate::live::difference::{Checked, holds, same, while_doing};
use crate::live::made::{Person, Place};
use rollbook_core::model::{Enrolment, MoodleCourseId};
use rollbook_core::report::NowInMoodle;
use rollbook_core::run::{OutcomeCode, RunState};
use rollbook_moodle::client::Function;
use rollbook_moodle::client::read::UserField;
use rollbook_moodle::client::read::WhichEnrolled::{All, OnlyActive, OnlySuspended};
use rollbook_moodle::client::write::{UserUpdate, UserUpdateOutcome};
use rollbook_sync::flows::doctor::{Health, MoodlePatient, examine_moodle};
use rollbook_sync::flows::intake::Purpose;
use stage::{Stage, ends, writes};
use std::collections::BTreeMap;

pub(super) async fn the_feed_becomes_accounts_enrolments_and_mails(bench: &Bench) -> Checked {
    take_in(bench, &Stage::new(bench).await?).await
}

pub(super) async fn intake_with_the_database_does_the_same(bench: &Bench) -> Checked {
    take_in(bench, &Stage::with_database(bench).await?).await
}

/// Six people, one of them with an account, take a course, and that one a second.
async fn take_in(bench: &Bench, stage: &Stage<'_>) -> Checked {
    let (one, other) = (bench.course().await?, bench.course().await?);
    let (known, _) = bench.account().await?;
    let people: Vec<Person> = std::iter::once(known.clone()).chain((0..5).map(|_| bench.person())).collect();
    people.iter().for_each(|person| stage.enrol(person, &one));
    stage.enrol(&known, &other);
    let report = stage.run().await?;
    same("how the run ended", &report.state, &RunState::Done)?;
    same("what became of the records", &ends(&report), &BTreeMap::from([(OutcomeCode::Enrolled, 7)]))?;
    same("new accounts", &report.counts.accounts, &5)?;
    for person in &people {
        holds("everybody is active, as explain says", is_active(&stage.stands(person, &one).await?))?;
        same("accounts of a person", &stage.holders(person).await?, &1)?;
    }
    same("active in the first course", &bench.listed(one.id, OnlyActive).await?.len(), &6)?;
    same("active in the second course", &bench.listed(other.id, OnlyActive).await?.len(), &1)?;
    same("mails sent", &stage.deliver().await?.sent, &7)?;
    same("mails to somebody with two courses", &stage.mails(&known), &2)?;
    same("mails to somebody with one course", &stage.mails(&people[1]), &1)
}

fn is_active(now: &NowInMoodle) -> bool {
    matches!(now, NowInMoodle::Stands { enrolment: Enrolment::Active, site_suspended: false, .. })
}

pub(super) async fn a_second_run_writes_nothing(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let course = bench.course().await?;
    let people: Vec<Person> = (0..6).map(|_| bench.person()).collect();
    people.iter().for_each(|person| stage.enrol(person, &course));
    let first = stage.run().await?;
    holds("the first run writes", writes(&first) > 0)?;
    stage.deliver().await?;
    let second = stage.run().await?;
    same("calls that write, in the second run", &writes(&second), &0)?;
    same("records that were settled before", &second.known, &6)?;
    same("mails of the second run", &stage.deliver().await?.sent, &0)?;
    let stage = stage.forget().await?;
    let third = stage.run().await?;
    same("calls that write, for a journal that knows nothing", &writes(&third), &0)?;
    same("what became of the records", &ends(&third), &BTreeMap::from([(OutcomeCode::AlreadyEnrolled, 6)]))?;
    same("mails for who is enrolled already", &stage.deliver().await?.sent, &0)
}

pub(super) async fn a_dry_run_changes_nothing(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let course = bench.course().await?;
    let person = bench.person();
    stage.enrol(&person, &course);
    let report = stage.run_for(Purpose::DryRun).await?;
    same("changes planned", &report.plan.changes.len(), &2)?;
    same("calls that write", &writes(&report), &0)?;
    same("accounts of the person", &stage.holders(&person).await?, &0)?;
    same("participants", &bench.listed(course.id, All).await?, &Vec::new())
}

pub(super) async fn a_suspension_and_a_return_reach_moodle(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let course = bench.course().await?;
    let person = bench.person();
    stage.enrol(&person, &course);
    same("enrolled", &ends(&stage.run().await?), &BTreeMap::from([(OutcomeCode::Enrolled, 1)]))?;
    let user = bench.found(UserField::IdNumber, &person.guid).await?;
    stage.suspend(&person, &course);
    same("suspended", &ends(&stage.run().await?), &BTreeMap::from([(OutcomeCode::Suspended, 1)]))?;
    same("suspended in the course", &bench.listed(course.id, OnlySuspended).await?, &user)?;
    holds("explain says so too", !is_active(&stage.stands(&person, &course).await?))?;
    stage.enrol(&person, &course);
    let back = stage.run().await?;
    let returned = [OutcomeCode::Reactivated, OutcomeCode::Enrolled];
    holds("the person is back", ends(&back).keys().all(|code| returned.contains(code)) && back.verdicts.len() == 1)?;
    same("active in the course", &bench.listed(course.id, OnlyActive).await?, &user)?;
    stage.deliver().await?;
    same("mails, one for each beginning", &stage.mails(&person), &2)
}

pub(super) async fn a_leaver_of_a_hidden_course_is_suspended(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let course = bench.hidden_course().await?;
    let person = bench.person();
    stage.enrol(&person, &course);
    same("enrolled", &ends(&stage.run().await?), &BTreeMap::from([(OutcomeCode::Enrolled, 1)]))?;
    let user = bench.found(UserField::IdNumber, &person.guid).await?;
    holds("explain says so too", is_active(&stage.stands(&person, &course).await?))?;
    stage.suspend(&person, &course);
    same("suspended", &ends(&stage.run().await?), &BTreeMap::from([(OutcomeCode::Suspended, 1)]))?;
    same("suspended in the course", &bench.listed(course.id, OnlySuspended).await?, &user)
}

pub(super) async fn a_suspension_never_makes_an_account_or_an_enrolment(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let course = bench.course().await?;
    let ((known, _), stranger) = (bench.account().await?, bench.person());
    stage.suspend(&known, &course);
    stage.suspend(&stranger, &course);
    let report = stage.run().await?;
    same("calls that write", &writes(&report), &0)?;
    holds("nobody waits", report.counts.errors + report.counts.waiting == 0)?;
    same("accounts of the stranger", &stage.holders(&stranger).await?, &0)?;
    same("participants", &bench.listed(course.id, All).await?, &Vec::new())
}

pub(super) async fn doubt_about_who_is_who_is_left_to_people(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let course = bench.course().await?;
    let (moved, moved_id) = bench.account().await?;
    let (changed, _) = bench.account().await?;
    let (double, _) = bench.account().await?;
    let second = Person { guid: double.guid.clone(), ..bench.person() };
    let made = bench.fixture()?.writer().create_users(&[second.account()]).await;
    made.map_err(while_doing("making a second account of one GUID"))?;
    let new_mail = bench.person().mail;
    let moved = Person { mail: new_mail.clone(), ..moved };
    let changed = Person { guid: bench.person().guid, ..changed };
    let good = bench.person();
    [&moved, &changed, &double, &good].into_iter().for_each(|person| stage.enrol(person, &course));
    let report = stage.run().await?;
    same("what became of the records", &ends(&report), &{
        use OutcomeCode::{Enrolled, GuidChanged, MailMismatch, TwoAccounts};
        BTreeMap::from([(Enrolled, 1), (GuidChanged, 1), (MailMismatch, 1), (TwoAccounts, 1)])
    })?;
    let good_id = bench.found(UserField::IdNumber, &good.guid).await?;
    same("participants: only who is beyond doubt", &bench.listed(course.id, All).await?, &good_id)?;
    same("what waits for a human", &stage.attention().await?, &{
        ["guid_changed", "mail_mismatch", "two_accounts"].map(str::to_owned).to_vec()
    })?;
    // Somebody puts the address right in Moodle: the next run goes on by itself.
    let update = UserUpdate { email: Some(new_mail), ..UserUpdate::new(moved_id) };
    let updated = bench.fixture()?.writer().update_users(&[update]).await;
    same("the address", &updated.map_err(while_doing("changing an address"))?, &vec![UserUpdateOutcome::Done])?;
    stage.run().await?;
    holds("who was put right is in", bench.listed(course.id, OnlyActive).await?.contains(&moved_id))?;
    same("what still waits", &stage.attention().await?.len(), &2)
}

pub(super) async fn a_missing_course_is_waited_for(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let person = bench.person();
    let idnumber = bench.idnumber();
    let future = Place { id: MoodleCourseId(0), idnumber };
    stage.enrol(&person, &future);
    let first = stage.run().await?;
    same("what became of the record", &ends(&first), &BTreeMap::from([(OutcomeCode::CourseNotFound, 1)]))?;
    same("calls that write", &writes(&first), &0)?;
    same("where the person stands", &stage.stands(&person, &future).await?, &NowInMoodle::NoAccount)?;
    let course = bench.course_numbered(idnumber, true).await?;
    let second = stage.run().await?;
    same("once the course is there", &ends(&second), &BTreeMap::from([(OutcomeCode::Enrolled, 1)]))?;
    same("active", &bench.listed(course.id, OnlyActive).await?.len(), &1)
}

pub(super) async fn the_doctor_finds_nothing_bad(bench: &Bench) -> Checked {
    // There must be a course for the doctor to try.
    bench.course().await?;
    let functions = [
        Function::CoursesByField,
        Function::EnrolledUsers,
        Function::UsersCourses,
        Function::CreateUsers,
        Function::Enrol,
    ];
    let patient = MoodlePatient {
        site: "moodle",
        client: &bench.moodle,
        functions: &functions,
        sentinel: sentinel(bench),
        role: Some(bench.options.role),
        guilds: &[],
        database: None,
        input_vars: 900,
        welcomes: true,
    };
    let checks = examine_moodle(&patient, &bench.clock).await;
    for check in checks.iter().filter(|check| check.health == Health::Warning) {
        bench.note(format!("doctor warns about {}: {}", check.name, check.detail));
    }
    let bad: Vec<_> =
        checks.iter().filter(|check| check.health == Health::Bad).map(|check| (&check.name, &check.detail)).collect();
    same("what the doctor finds bad", &bad, &Vec::new())?;
    holds("the doctor looked at everything", checks.len() >= 8)
}
