//! Manual enrolment.

use crate::client::{Client, code, enrolments};
use rollbook_sandbox::moodle::{Context, Release, TEACHER_ROLE};
use rollbook_sandbox::{Fault, Kind, MOODLE_TOKEN, Target, World};
use serde_json::Value;

const ENROL: &str = "enrol_manual_enrol_users";
const UNENROL: &str = "enrol_manual_unenrol_users";

#[tokio::test]
async fn suspending_somebody_not_enrolled_creates_a_suspended_enrolment_with_the_role() {
    let mut world = World::empty();
    let user = world.moodle.add_user("A", "a@example.org", "A", "A");
    let course = world.moodle.add_course("100", "Course");
    let client = Client::over(world).await;
    let form = enrolments(&[(user, course)], &[("suspend", "1")]);
    assert_eq!(client.call_as(MOODLE_TOKEN, ENROL, &form).await, Value::Null);
    let world = client.sandbox.world();
    assert!(world.moodle.enrolment(user, course).expect("a row").suspended);
    assert_eq!(world.moodle.assignments.len(), 1);
}

#[tokio::test]
async fn one_bad_element_rolls_the_whole_batch_back() {
    let mut world = World::empty();
    let user = world.moodle.add_user("A", "a@example.org", "A", "A");
    let course = world.moodle.add_course("100", "Course");
    let client = Client::over(world).await;
    for (bad, errorcode) in
        [((999, course), "codingerror"), ((user, 999), "invalidparameter"), ((user, 1), "wsnoinstance")]
    {
        let form = enrolments(&[(user, course), bad], &[]);
        let answer = client.call_as(MOODLE_TOKEN, ENROL, &form).await;
        assert_eq!(code(&answer), errorcode);
        assert!(client.sandbox.world().moodle.enrolments.is_empty());
    }
}

#[tokio::test]
async fn variables_past_the_limit_vanish_without_a_word() {
    let mut world = World::empty();
    let course = world.moodle.add_course("100", "Course");
    let pairs: Vec<(i64, i64)> = (0..1700)
        .map(|at| {
            let email = format!("u{at}@example.org");
            (world.moodle.add_user(&format!("U{at}"), &email, "U", "U"), course)
        })
        .collect();
    let client = Client::over(world).await;
    let answer = client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&pairs, &[])).await;
    assert_eq!(answer, Value::Null);
    assert_eq!(client.sandbox.world().moodle.enrolments.len(), 1666);
}

async fn one() -> (Client, i64, i64) {
    let mut world = World::empty();
    let user = world.moodle.add_user("A", "a@example.org", "A", "A");
    let course = world.moodle.add_course("100", "Course");
    (Client::over(world).await, user, course)
}

#[tokio::test]
async fn a_repeated_call_changes_nothing_and_omitted_dates_are_wiped() {
    let (client, user, course) = one().await;
    let dated = enrolments(&[(user, course)], &[("timestart", "100"), ("timeend", "4000000000")]);
    client.call_as(MOODLE_TOKEN, ENROL, &dated).await;
    let before = client.sandbox.world().moodle.enrolment(user, course).cloned();
    client.sandbox.world().clock =
        rollbook_sandbox::Clock::Fixed(jiff::Timestamp::from_second(4_000_000_100).expect("a time"));
    client.call_as(MOODLE_TOKEN, ENROL, &dated).await;
    assert_eq!(client.sandbox.world().moodle.enrolment(user, course).cloned(), before);
    client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&[(user, course)], &[])).await;
    let world = client.sandbox.world();
    let row = world.moodle.enrolment(user, course).expect("a row");
    assert_eq!((row.timestart, row.timeend, row.timemodified), (0, 0, 4_000_000_100));
    assert_eq!(world.moodle.assignments.len(), 1);
}

#[tokio::test]
async fn suspending_keeps_the_role_and_a_call_without_suspend_reactivates() {
    let (client, user, course) = one().await;
    for (more, suspended) in [(&[][..], false), (&[("suspend", "7")][..], true), (&[][..], false)] {
        client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&[(user, course)], more)).await;
        let world = client.sandbox.world();
        assert_eq!(world.moodle.enrolment(user, course).map(|row| row.suspended), Some(suspended));
        assert_eq!((world.moodle.enrolments.len(), world.moodle.assignments.len()), (1, 1));
    }
}

#[tokio::test]
async fn roles_that_may_not_be_given_are_refused_and_a_second_role_is_added() {
    let (client, user, course) = one().await;
    client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&[(user, course)], &[])).await;
    let with_role = |role: &str| {
        let mut form = enrolments(&[(user, course)], &[]);
        form[0].1 = role.to_owned();
        form
    };
    for role in ["0", "4", "9", "99"] {
        let answer = client.call_as(MOODLE_TOKEN, ENROL, &with_role(role)).await;
        assert_eq!(code(&answer), "wsusercannotassign", "{role}");
    }
    client.call_as(rollbook_sandbox::MOODLE_ADMIN_TOKEN, ENROL, &with_role("4")).await;
    let world = client.sandbox.world();
    assert_eq!((world.moodle.enrolments.len(), world.moodle.assignments.len()), (1, 2));
}

#[tokio::test]
async fn each_missing_right_has_its_own_error() {
    let (client, user, course) = one().await;
    let form = enrolments(&[(user, course)], &[]);
    client.sandbox.world().moodle.courses.edit(course, |course| course.visible = false);
    for (capability, expected) in [
        ("moodle/role:assign", "wsusercannotassign"),
        ("enrol/manual:enrol", "nopermissions"),
        ("moodle/course:viewhiddencourses", "requireloginerror"),
        ("webservice/rest:use", "accessexception"),
    ] {
        client.sandbox.world().moodle.revoke(MOODLE_TOKEN, capability);
        assert_eq!(code(&client.call_as(MOODLE_TOKEN, ENROL, &form).await), expected, "{capability}");
    }
    assert!(client.sandbox.world().moodle.enrolments.is_empty());
}

#[tokio::test]
async fn without_an_enabled_method_4_4_stumbles_while_debugging_and_4_5_names_the_course() {
    let (client, user, course) = one().await;
    client.sandbox.world().moodle.disable_manual(course);
    let form = enrolments(&[(user, course)], &[]);
    let answer = client.call_as(MOODLE_TOKEN, ENROL, &form).await;
    assert_eq!(code(&answer), "wsnoinstance");
    assert!(answer["message"].as_str().is_some_and(|text| text.contains("{$a->courseid}")));
    client.sandbox.world().moodle.site.debug = 5;
    let stumbled = client.post(MOODLE_TOKEN, ENROL, &form).await.expect("an answer");
    assert_eq!((stumbled.status().as_u16(), stumbled.text().await.expect("a body").as_str()), (500, ""));
    client.sandbox.world().moodle.site.release = Release::V4_5;
    let answer = client.call_as(MOODLE_TOKEN, ENROL, &form).await;
    assert!(answer["message"].as_str().is_some_and(|text| text.contains(&format!("(id = {course})"))));
}

#[tokio::test]
async fn accounts_that_4_5_refuses_are_mostly_accepted_by_4_4() {
    type Change = fn(&mut rollbook_sandbox::moodle::User);
    let changes: [(Change, &str, &str); 3] = [
        (|user| user.deleted = true, "codingerror", "userdeleted"),
        (|user| user.confirmed = false, "", "usernotconfirmed"),
        (|user| user.suspended = true, "", ""),
    ];
    for (change, old, new) in changes {
        for (release, expected) in [(Release::V4_4, old), (Release::V4_5, new)] {
            let (client, user, course) = one().await;
            client.sandbox.world().moodle.users.edit(user, change);
            client.sandbox.world().moodle.site.release = release;
            let answer = client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&[(user, course)], &[])).await;
            assert_eq!(code(&answer), expected, "{release:?}");
        }
    }
    let (client, _, course) = one().await;
    client.sandbox.world().moodle.site.release = Release::V4_5;
    for (user, expected) in [(1, "guestsarenotallowed"), (999, "invaliduser")] {
        assert_eq!(code(&client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&[(user, course)], &[])).await), expected);
    }
}

#[tokio::test]
async fn moodle_4_5_welcomes_at_every_call_where_the_course_has_a_contact() {
    let (client, user, course) = one().await;
    client.sandbox.world().moodle.site.release = Release::V4_5;
    let form = enrolments(&[(user, course)], &[("suspend", "1")]);
    client.call_as(MOODLE_TOKEN, ENROL, &form).await;
    assert!(client.sandbox.world().moodle.welcomes.is_empty(), "no contact, no message");
    client.sandbox.world().moodle.assign(TEACHER_ROLE, 2, Context::Course(course));
    for _ in 0..3 {
        client.call_as(MOODLE_TOKEN, ENROL, &form).await;
    }
    assert_eq!(client.sandbox.world().moodle.welcomes.len(), 3);
    client.sandbox.world().moodle.site.release = Release::V4_4;
    client.call_as(MOODLE_TOKEN, ENROL, &form).await;
    assert_eq!(client.sandbox.world().moodle.welcomes.len(), 3);
}

#[tokio::test]
async fn a_batch_cut_at_suspend_leaves_the_last_learner_active() {
    let mut world = World::empty();
    let course = world.moodle.add_course("100", "Course");
    let users: Vec<i64> =
        (0..3).map(|at| world.moodle.add_user(&format!("U{at}"), &format!("{at}@x.org"), "U", "U")).collect();
    world.moodle.site.max_input_vars = 13;
    let client = Client::over(world).await;
    let mut form = Vec::new();
    for (at, user) in users.iter().enumerate() {
        for (key, value) in [("roleid", 5), ("userid", *user), ("courseid", course), ("suspend", 1)] {
            form.push((format!("enrolments[{at}][{key}]"), value.to_string()));
        }
    }
    assert_eq!(client.call_as(MOODLE_TOKEN, ENROL, &form).await, Value::Null);
    let world = client.sandbox.world();
    let states: Vec<bool> = world.moodle.enrolments.iter().map(|row| row.suspended).collect();
    assert_eq!(states, [true, true, false]);
}

#[tokio::test]
async fn the_armed_half_batch_answers_as_if_all_were_done() {
    let mut world = World::empty();
    let course = world.moodle.add_course("100", "Course");
    let pairs: Vec<(i64, i64)> = (0..10)
        .map(|at| (world.moodle.add_user(&format!("U{at}"), &format!("{at}@x.org"), "U", "U"), course))
        .collect();
    let client = Client::over(world).await;
    let fault = Fault::nth(Target::Moodle(Some(ENROL)), 1, Kind::HalfBatch);
    client.sandbox.faults().arm(fault);
    assert_eq!(client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&pairs, &[])).await, Value::Null);
    assert_eq!(client.sandbox.world().moodle.enrolments.len(), 5);
    assert_eq!(client.sandbox.calls().items(ENROL), 10);
}

#[tokio::test]
async fn unenrolling_works_on_disabled_methods_and_is_all_or_nothing() {
    let (client, user, course) = one().await;
    client.sandbox.world().moodle.enrol_suspended(user, course);
    client.sandbox.world().moodle.disable_manual(course);
    client.sandbox.world().moodle.grant(MOODLE_TOKEN, "enrol/manual:unenrol");
    client.sandbox.world().moodle.list_function(MOODLE_TOKEN, UNENROL);
    let ask = |pairs: &[(i64, i64)]| {
        let mut form = enrolments(pairs, &[]);
        form.retain(|(key, _)| !key.ends_with("[roleid]"));
        form
    };
    for (bad, expected) in
        [((999, course), "invalidparameter"), ((user, 999), "invalidrecord"), ((user, 1), "wsnoinstance")]
    {
        let answer = client.call_as(MOODLE_TOKEN, UNENROL, &ask(&[(user, course), bad])).await;
        assert_eq!(code(&answer), expected);
        assert_eq!(client.sandbox.world().moodle.enrolments.len(), 1);
    }
    for _ in 0..2 {
        assert_eq!(client.call_as(MOODLE_TOKEN, UNENROL, &ask(&[(user, course)])).await, Value::Null);
    }
    let world = client.sandbox.world();
    assert!(world.moodle.enrolments.is_empty() && world.moodle.assignments.is_empty());
}

#[tokio::test]
async fn a_hundred_thousand_enrolments_do_not_slow_a_call_down() {
    let mut world = World::empty();
    let courses: Vec<i64> = (0..100).map(|at| world.moodle.add_course(&at.to_string(), "C")).collect();
    let users: Vec<i64> =
        (0..1000).map(|at| world.moodle.add_user(&format!("U{at}"), &format!("{at}@x.org"), "U", "U")).collect();
    for user in &users {
        for course in &courses {
            world.moodle.enrol(*user, *course);
        }
    }
    let client = Client::over(world).await;
    let pairs: Vec<(i64, i64)> = users.iter().map(|user| (*user, courses[7])).collect();
    let start = std::time::Instant::now();
    for _ in 0..5 {
        client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&pairs, &[("suspend", "1")])).await;
    }
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    let suspended = client.sandbox.world().moodle.enrolments_of_course(courses[7]).filter(|row| row.suspended).count();
    assert_eq!(suspended, 1000);
}
