//! Manual enrolments, as the service account makes them.

use super::accounts::outcome_word;
use crate::live::Bench;
use crate::live::difference::{Checked, refused, same, while_doing};
use rollbook_core::model::{MoodleCourseId, MoodleUserId, RoleId};
use rollbook_moodle::client::read::WhichEnrolled::{All, OnlyActive, OnlySuspended};
use rollbook_moodle::client::send_halving;
use rollbook_moodle::client::write::{Enrolment, EnrolmentState, UserUpdate};
use std::slice::from_ref;

/// No Moodle has given out so high an id.
const NOBODY: MoodleUserId = MoodleUserId(2_000_000_011);
const NOWHERE: MoodleCourseId = MoodleCourseId(2_000_000_011);
const DAY: i64 = 86_400;

pub(super) async fn a_repeated_enrolment_changes_nothing(bench: &Bench) -> Checked {
    let ((_, user), course) = (bench.account().await?, bench.course().await?);
    for _ in 0..3 {
        bench.enrol(EnrolmentState::Active, user, course.id).await?;
        same("participants", &bench.listed(course.id, All).await?, &vec![user])?;
        same("active", &bench.listed(course.id, OnlyActive).await?, &vec![user])?;
    }
    Ok(())
}

pub(super) async fn suspending_and_activating_go_round(bench: &Bench) -> Checked {
    let ((_, user), course) = (bench.account().await?, bench.course().await?);
    for (state, active, suspended) in [
        (EnrolmentState::Active, vec![user], vec![]),
        (EnrolmentState::Suspended, vec![], vec![user]),
        (EnrolmentState::Suspended, vec![], vec![user]),
        (EnrolmentState::Active, vec![user], vec![]),
    ] {
        bench.enrol(state, user, course.id).await?;
        same(&format!("active after {state:?}"), &bench.listed(course.id, OnlyActive).await?, &active)?;
        same(&format!("suspended after {state:?}"), &bench.listed(course.id, OnlySuspended).await?, &suspended)?;
    }
    Ok(())
}

pub(super) async fn suspending_somebody_not_enrolled_makes_a_suspended_enrolment(bench: &Bench) -> Checked {
    let ((_, user), course) = (bench.account().await?, bench.course().await?);
    bench.enrol(EnrolmentState::Suspended, user, course.id).await?;
    same("suspended", &bench.listed(course.id, OnlySuspended).await?, &vec![user])
}

pub(super) async fn an_unknown_account_rolls_the_batch_back_and_halving_finds_it(bench: &Bench) -> Checked {
    let users = bench.accounts(3).await?;
    let course = bench.course().await?;
    let people = [users[0], users[1], NOBODY, users[2]];
    let batch = people.map(|user| bench.enrolment(EnrolmentState::Active, user, course.id));
    let codes = &["codingerror", "invaliduser", "invalidrecord"];
    let code = refused("a batch with an unknown account", codes, bench.writer().enrol(&batch).await)?;
    bench.note(format!("an unknown account is refused with {code}"));
    same("participants after the refusal", &bench.listed(course.id, All).await?, &Vec::new())?;
    let writer = bench.writer();
    let outcomes = send_halving(&batch, 12, |part| writer.enrol(part)).await;
    let words: Vec<_> = outcomes.iter().map(outcome_word).collect();
    same("what became of each", &words, &vec!["done", "done", "refused", "done"])?;
    same("participants", &bench.listed(course.id, All).await?, &users)
}

pub(super) async fn a_deleted_account_is_refused(bench: &Bench) -> Checked {
    let ((_, user), course) = (bench.account().await?, bench.course().await?);
    bench.fixture()?.writer().delete_users(&[user]).await.map_err(while_doing("deleting an account"))?;
    let enrolment = bench.enrolment(EnrolmentState::Active, user, course.id);
    let codes = &["codingerror", "invaliduser", "userdeleted"];
    let code = refused("enrolling a deleted account", codes, bench.writer().enrol(from_ref(&enrolment)).await)?;
    bench.note(format!("a deleted account is refused with {code}"));
    Ok(())
}

pub(super) async fn an_account_suspended_for_the_site_can_be_enrolled(bench: &Bench) -> Checked {
    let ((_, user), course) = (bench.account().await?, bench.course().await?);
    let update = UserUpdate { suspended: Some(true), ..UserUpdate::new(user) };
    bench.fixture()?.writer().update_users(&[update]).await.map_err(while_doing("suspending an account"))?;
    bench.enrol(EnrolmentState::Active, user, course.id).await?;
    let listed = bench.listed(course.id, All).await?;
    bench.note(if listed.contains(&user) {
        "an account suspended for the whole site is among the participants"
    } else {
        "an account suspended for the whole site is not among the participants"
    });
    Ok(())
}

pub(super) async fn an_unknown_course_is_refused(bench: &Bench) -> Checked {
    let (_, user) = bench.account().await?;
    let enrolment = bench.enrolment(EnrolmentState::Active, user, NOWHERE);
    let codes = &["invalidparameter", "invalidrecord"];
    refused("enrolling nowhere", codes, bench.writer().enrol(from_ref(&enrolment)).await).map(drop)
}

pub(super) async fn a_role_that_may_not_be_given_is_refused(bench: &Bench) -> Checked {
    let ((_, user), course) = (bench.account().await?, bench.course().await?);
    for role in [0, 2_000_000_011] {
        let enrolment = Enrolment { role: RoleId(role), ..bench.enrolment(EnrolmentState::Active, user, course.id) };
        let answer = bench.writer().enrol(from_ref(&enrolment)).await;
        refused(&format!("enrolling as role {role}"), &["wsusercannotassign"], answer)?;
    }
    same("participants", &bench.listed(course.id, All).await?, &Vec::new())
}

pub(super) async fn an_enrolment_without_dates_wipes_dates(bench: &Bench) -> Checked {
    let ((_, user), course) = (bench.account().await?, bench.course().await?);
    let plain = bench.enrolment(EnrolmentState::Active, user, course.id);
    let tomorrow = bench.clock.now().as_second() + DAY;
    let dated = Enrolment { time_start: Some(tomorrow), time_end: Some(tomorrow + DAY), ..plain };
    bench.writer().enrol(from_ref(&dated)).await.map_err(while_doing("enrolling with dates"))?;
    same("active before the start", &bench.listed(course.id, OnlyActive).await?, &Vec::new())?;
    same("not active before the start", &bench.listed(course.id, OnlySuspended).await?, &vec![user])?;
    bench.writer().enrol(from_ref(&plain)).await.map_err(while_doing("enrolling without dates"))?;
    same("active once the dates are wiped", &bench.listed(course.id, OnlyActive).await?, &vec![user])
}
