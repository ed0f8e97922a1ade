//! Who is in a course, and in which courses somebody is.

use crate::live::Bench;
use crate::live::difference::{Checked, refused, same, while_doing};
use rollbook_core::model::{Enrolment, MoodleCourseId, MoodleUserId};
use rollbook_moodle::client::read::WhichEnrolled::{All, OnlyActive, OnlySuspended};
use rollbook_moodle::client::read::WhichFields;
use rollbook_moodle::client::write::EnrolmentState;
use rollbook_moodle::snapshot::{LISTED_FROM, collect_enrolments};
use std::collections::BTreeSet;

pub(super) async fn active_and_suspended_are_listed_apart(bench: &Bench) -> Checked {
    let users = bench.accounts(3).await?;
    let course = bench.course().await?;
    bench.enrol(EnrolmentState::Active, users[0], course.id).await?;
    bench.enrol(EnrolmentState::Suspended, users[1], course.id).await?;
    same("all", &bench.listed(course.id, All).await?, &users[..2].to_vec())?;
    same("active", &bench.listed(course.id, OnlyActive).await?, &users[..1].to_vec())?;
    same("suspended", &bench.listed(course.id, OnlySuspended).await?, &users[1..2].to_vec())
}

pub(super) async fn a_listing_shows_who_people_are_and_their_roles(bench: &Bench) -> Checked {
    let ((person, user), course) = (bench.account().await?, bench.course().await?);
    bench.enrol(EnrolmentState::Active, user, course.id).await?;
    let listed = bench.reader().fetch_enrolled(course.id, All, WhichFields::Identity).await;
    let listed = listed.map_err(while_doing("listing a course with identities"))?;
    same("participants", &listed.iter().map(|user| user.id).collect::<Vec<_>>(), &vec![user])?;
    same("the GUID", &listed[0].idnumber.as_deref(), &Some(person.guid.as_str()))?;
    same("the address", &listed[0].email.as_deref(), &Some(person.mail.as_str()))?;
    let roles: Vec<_> = listed[0].roles.iter().flatten().map(|role| role.roleid).collect();
    same("the roles", &roles, &vec![bench.options.role])
}

pub(super) async fn an_unknown_course_has_no_listing(bench: &Bench) -> Checked {
    let listed = bench.reader().fetch_enrolled(MoodleCourseId(2_000_000_011), All, WhichFields::Id).await;
    refused("listing an unknown course", &["invalidrecord"], listed).map(drop)
}

pub(super) async fn a_persons_own_list_lacks_suspended_and_hidden_courses(bench: &Bench) -> Checked {
    let (_, user) = bench.account().await?;
    let (active, suspended, hidden) = (bench.course().await?, bench.course().await?, bench.hidden_course().await?);
    bench.enrol(EnrolmentState::Active, user, active.id).await?;
    bench.enrol(EnrolmentState::Suspended, user, suspended.id).await?;
    bench.enrol(EnrolmentState::Active, user, hidden.id).await?;
    let courses =
        bench.reader().fetch_users_courses(user).await.map_err(while_doing("asking for a person's courses"))?;
    let ids: Vec<_> = courses.iter().map(|course| course.id).collect();
    same("courses: the active ones that the person sees", &ids, &vec![active.id])?;
    let shown: Vec<_> =
        courses.iter().filter(|course| course.id == active.id).map(|course| course.idnumber.clone()).collect();
    same("the idnumber, which is always shown here", &shown, &vec![Some(active.idnumber.to_string())])?;
    let nobody = bench.reader().fetch_users_courses(MoodleUserId(2_000_000_011)).await;
    same("an unknown account's courses", &nobody.map_err(while_doing("asking for nobody's courses"))?.len(), &0)
}

pub(super) async fn both_ways_of_asking_how_people_stand_agree(bench: &Bench) -> Checked {
    let users = bench.accounts(6).await?;
    let course = bench.course().await?;
    for user in &users[..3] {
        bench.enrol(EnrolmentState::Active, *user, course.id).await?;
    }
    bench.enrol(EnrolmentState::Suspended, users[3], course.id).await?;
    let stand = |count: usize| {
        let pairs: BTreeSet<_> = users.iter().rev().take(count).map(|user| (*user, course.id)).collect();
        async move {
            let stands = collect_enrolments(&bench.reader(), &pairs, LISTED_FROM).await;
            stands.map_err(while_doing("asking how people stand"))
        }
    };
    let (listed, active) = stand(6).await?;
    same("how people stand by the listing", &listed.values().map(|there| there.state).collect::<Vec<_>>(), &{
        use Enrolment::{Absent, Active, Inactive};
        vec![Active, Active, Active, Inactive, Absent, Absent]
    })?;
    same("how many are active", &active.get(&course.id).copied(), &Some(3))?;
    // Few people are asked one by one, which cannot tell suspended from absent.
    let (one_by_one, _) = stand(4).await?;
    same("how people stand one by one", &one_by_one.values().map(|there| there.state).collect::<Vec<_>>(), &{
        use Enrolment::{Active, NotActive};
        vec![Active, NotActive, NotActive, NotActive]
    })
}

/// Moodle shows nobody of such a course to who may not see all groups, without an error.
pub(super) async fn separate_groups_hide_nobody(bench: &Bench) -> Checked {
    let users = bench.accounts(6).await?;
    let course = bench.course_of_groups().await?;
    bench.enrol(EnrolmentState::Active, users[0], course.id).await?;
    bench.enrol(EnrolmentState::Suspended, users[1], course.id).await?;
    for (count, second, third) in
        [(6, Enrolment::Inactive, Enrolment::Absent), (3, Enrolment::NotActive, Enrolment::NotActive)]
    {
        let pairs: BTreeSet<_> = users.iter().take(count).map(|user| (*user, course.id)).collect();
        let (stands, _) = collect_enrolments(&bench.reader(), &pairs, LISTED_FROM)
            .await
            .map_err(while_doing("asking how people stand"))?;
        let stands: Vec<_> = stands.into_values().map(|there| there.state).take(3).collect();
        same("how people stand", &stands, &vec![Enrolment::Active, second, third])?;
    }
    Ok(())
}

pub(super) async fn how_people_stand_in_a_hidden_course_is_told_all_the_same(bench: &Bench) -> Checked {
    let users = bench.accounts(3).await?;
    let course = bench.hidden_course().await?;
    bench.enrol(EnrolmentState::Active, users[0], course.id).await?;
    bench.enrol(EnrolmentState::Suspended, users[1], course.id).await?;
    let pairs: BTreeSet<_> = users.iter().map(|user| (*user, course.id)).collect();
    let (stands, _) = collect_enrolments(&bench.reader(), &pairs, LISTED_FROM)
        .await
        .map_err(while_doing("asking how people stand"))?;
    let stands: Vec<_> = stands.into_values().map(|there| there.state).collect();
    same("how people stand", &stands, &vec![Enrolment::Active, Enrolment::Inactive, Enrolment::Absent])
}
