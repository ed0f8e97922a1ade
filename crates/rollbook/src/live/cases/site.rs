//! Who the site is, what the token may, and what a token looks like that may nothing.

use crate::live::Bench;
use crate::live::difference::{Checked, differs, holds, refused, same, while_doing};
use rollbook_core::model::MoodleUserId;
use rollbook_moodle::client::read::{UserField, WhichEnrolled, WhichFields};
use rollbook_moodle::client::write::EnrolmentState;
use rollbook_moodle::client::{Function, MoodleError};
use rollbook_moodle::snapshot::{CanaryAccount, MoodleSourceError, run_preflight};
use std::slice::from_ref;

/// What intake calls.
const INTAKE: [Function; 7] = [
    Function::SiteInfo,
    Function::UsersByField,
    Function::CoursesByField,
    Function::EnrolledUsers,
    Function::UsersCourses,
    Function::CreateUsers,
    Function::Enrol,
];
/// Moodle 3.11.
const OLDEST: u64 = 2_021_051_700;
/// What a missing right can be answered with.
const NO_RIGHT: &[&str] = &["nopermissions", "requireloginerror", "errorcoursecontextnotvalid", "wsusercannotassign"];

pub(super) async fn the_site_says_who_it_is_and_offers_what_intake_calls(bench: &Bench) -> Checked {
    let info = bench.reader().fetch_site_info().await.map_err(while_doing("asking the site"))?;
    bench.note(format!("release {}, version {}", info.release, info.version));
    same("the site's own address", &info.siteurl.trim_end_matches('/'), &bench.moodle.site_url())?;
    holds("the version is 3.11 or newer", info.version_number() >= OLDEST)?;
    let missing: Vec<_> = INTAKE.iter().filter(|function| !info.offers(**function)).map(|it| it.name()).collect();
    same("functions that the service lacks", &missing, &Vec::new())?;
    holds("it says whether the account is an administrator", info.userissiteadmin.is_some())
}

pub(super) async fn a_wrong_token_is_denied(bench: &Bench) -> Checked {
    let wrong = bench.client_with(|options| options.token = "0123456789abcdef0123456789abcdef".into())?;
    let answer = wrong.reader().fetch_site_info().await;
    holds("it is a denial", matches!(answer, Err(MoodleError::Denied { .. })))?;
    refused("asking with a wrong token", &["invalidtoken"], answer).map(drop)
}

pub(super) async fn a_function_outside_the_service_is_denied(bench: &Bench) -> Checked {
    let info = bench.reader().fetch_site_info().await.map_err(while_doing("asking the site"))?;
    if info.offers(Function::DeleteCourses) {
        bench.note("the token's service offers everything, so nothing was denied");
        return Ok(());
    }
    // Refused before the course is looked at, and there is no course 2,000,000,011.
    let answer = bench.writer().delete_courses(&[rollbook_core::model::MoodleCourseId(2_000_000_011)]).await;
    refused("calling what the service lacks", &["accessexception"], answer).map(drop)
}

pub(super) async fn the_token_proves_its_sight(bench: &Bench) -> Checked {
    let preflight =
        run_preflight(&bench.reader(), &sentinel(bench)).await.map_err(while_doing("proving the preflight"))?;
    holds("the service account is named", preflight.service_account().0 > 0)
}

pub(super) async fn trying_what_is_always_refused_tells_the_rights_and_changes_nothing(bench: &Bench) -> Checked {
    let ((person, user), course) = (bench.account().await?, bench.course().await?);
    let reader = bench.reader();
    same("what stands against making accounts", &reader.probe_create_user(&person.username).await, &None)?;
    same("what stands against enrolling", &reader.probe_enrol(course.id, bench.options.role).await, &None)?;
    same("accounts of the user name", &bench.found(UserField::Username, &person.username).await?, &vec![user])?;
    same("participants", &bench.listed(course.id, WhichEnrolled::All).await?, &Vec::new())
}

pub(super) async fn a_token_without_rights_sees_nothing_and_is_told_nothing(bench: &Bench) -> Checked {
    let (person, user) = bench.account().await?;
    let course = bench.hidden_course().await?;
    let reader = bench.weak()?.reader();
    for (field, value) in [
        (UserField::IdNumber, person.guid.clone()),
        (UserField::Username, person.username.clone()),
        (UserField::Email, person.username.clone()),
    ] {
        let found = reader.fetch_users(field, &[value]).await.map_err(while_doing("looking without rights"))?;
        same("accounts found without rights", &found.users.len(), &0)?;
    }
    let by_id = reader.fetch_users(UserField::Id, &[user.to_string()]).await;
    let by_id = by_id.map_err(while_doing("looking without rights"))?;
    holds("nobody's address is shown", by_id.users.iter().all(|user| user.email.is_none() && user.idnumber.is_none()))?;
    let courses = reader.fetch_courses_by_idnumber(&[course.elm_id()]).await;
    let courses = courses.map_err(while_doing("looking for a course without rights"))?;
    same("hidden courses found without rights", &courses[0].courses.len(), &0)
}

pub(super) async fn a_token_without_rights_is_refused_every_write(bench: &Bench) -> Checked {
    let ((_, user), course) = (bench.account().await?, bench.course().await?);
    let weak = bench.weak()?;
    let person = bench.person();
    let made = weak.writer().create_users(&[person.account()]).await;
    refused("making an account without the right", &["nopermissions"], made)?;
    same("accounts made", &bench.found(UserField::IdNumber, &person.guid).await?, &Vec::new())?;
    let enrolment = bench.enrolment(EnrolmentState::Active, user, course.id);
    let code = refused("enrolling without the right", NO_RIGHT, weak.writer().enrol(from_ref(&enrolment)).await)?;
    bench.note(format!("an enrolment without rights is refused with {code}"));
    same("participants", &bench.listed(course.id, WhichEnrolled::All).await?, &Vec::new())?;
    let listed = weak.reader().fetch_enrolled(course.id, WhichEnrolled::OnlyActive, WhichFields::Id).await;
    refused("listing without the right", NO_RIGHT, listed).map(drop)
}

pub(super) async fn a_token_without_rights_is_found_out(bench: &Bench) -> Checked {
    match run_preflight(&bench.weak()?.reader(), &sentinel(bench)).await {
        Err(MoodleSourceError::InsufficientPermissions { .. }) => Ok(()),
        Err(error) => Err(while_doing("proving the preflight without rights")(error)),
        Ok(_) => Err(differs("the preflight without rights", "blind".to_owned(), "proven".to_owned())),
    }
}

/// The account that must be seen.
pub(super) fn sentinel(bench: &Bench) -> CanaryAccount {
    bench.options.sentinel.clone().map_or(CanaryAccount::Account(MoodleUserId(2)), CanaryAccount::Named)
}
