//! An answer of Moodle: no success is made of what is none, and no failure says more than it may.
//!
//! The first line names the function that is called, so that a seed can be read; the rest is the answer.

use crate::far::{Far, ONCE, TIMEOUT, must_be_harmless};
use rollbook_core::model::{CohortId, ElmCourseId, Guid, MoodleCourseId, MoodleUserId, RoleId};
use rollbook_moodle::client::read::{CohortScope, UserField, WhichEnrolled, WhichFields};
use rollbook_moodle::client::write::{Enrolment, EnrolmentState, Membership, NewUser};
use rollbook_moodle::client::{MoodleClient, MoodleError, MoodleOptions};
use std::sync::LazyLock;

static FAR: LazyLock<(Far, MoodleClient)> = LazyLock::new(|| {
    let far = Far::start();
    let options = MoodleOptions { timeout: TIMEOUT, retry: ONCE, ..MoodleOptions::new(&far.url, "t".into()) };
    let client = MoodleClient::new(options).unwrap();
    (far, client)
});

const FUNCTIONS: [&str; 10] = [
    "core_webservice_get_site_info",
    "core_user_get_users_by_field",
    "core_course_get_courses_by_field",
    "core_enrol_get_enrolled_users",
    "core_enrol_get_users_courses",
    "core_completion_get_course_completion_status",
    "core_cohort_get_cohorts",
    "core_user_create_users",
    "enrol_manual_enrol_users",
    "core_cohort_add_cohort_members",
];

pub fn check(input: &[u8]) {
    let (far, client) = &*FAR;
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (name, answer) = (&input[..line], input.get(line + 1..).unwrap_or_default());
    let first = usize::from(input.first().copied().unwrap_or_default());
    let known = FUNCTIONS.iter().position(|function| function.as_bytes() == name);
    let told = far.ask(answer, call(client, FUNCTIONS[known.unwrap_or(first % FUNCTIONS.len())]));
    if let Err(error) = told {
        must_be_harmless(&error);
    }
}

/// Asks for, or sends, one of two of each kind. A write that is said to be done must be done for both.
async fn call(client: &MoodleClient, function: &str) -> Result<(), MoodleError> {
    let (reader, writer) = (client.reader(), client.writer());
    let (course, user, cohorts) = (MoodleCourseId(7), MoodleUserId(42), [CohortId(3), CohortId(4)]);
    match function {
        "core_webservice_get_site_info" => {
            let site = reader.fetch_site_info().await?;
            let _number = site.version_number();
        }
        "core_user_get_users_by_field" => {
            let asked = ["HFPS1".to_owned(), "HFPS2".to_owned()];
            let found = reader.fetch_users(UserField::IdNumber, &asked).await?;
            assert!(found.users.windows(2).all(|pair| pair[0].id != pair[1].id), "an account twice: {found:?}");
        }
        "core_course_get_courses_by_field" => {
            let found = reader.fetch_courses_by_idnumber(&[ElmCourseId::new("930001")]).await?;
            assert_eq!(found.len(), 1);
        }
        "core_enrol_get_enrolled_users" => {
            reader.fetch_enrolled(course, WhichEnrolled::OnlyActive, WhichFields::Identity).await.map(drop)?;
        }
        "core_enrol_get_users_courses" => reader.fetch_users_courses(user).await.map(drop)?,
        "core_completion_get_course_completion_status" => reader.fetch_completion(course, user).await.map(drop)?,
        "core_cohort_get_cohorts" => {
            reader.fetch_cohorts(&cohorts).await?;
            reader.fetch_cohort_members(&cohorts).await?;
            reader.search_cohorts("guild", CohortScope::System).await?;
        }
        "core_user_create_users" => {
            let one = |name: &str| NewUser::new(name, "Jane", "Doe", "jane@example.org", Guid::new(name));
            assert_eq!(writer.create_users(&[one("a"), one("b")]).await?.len(), 2);
        }
        "enrol_manual_enrol_users" => {
            let (state, role) = (EnrolmentState::Active, RoleId(5));
            let one = |user| Enrolment { state, role, user, course, time_start: None, time_end: None };
            assert_eq!(writer.enrol(&[one(user), one(MoodleUserId(43))]).await?.len(), 2);
        }
        _ => {
            let one = |cohort| Membership { cohort, user };
            assert_eq!(writer.add_members(&cohorts.map(one)).await?.len(), 2);
        }
    }
    Ok(())
}
