//! Enrolments by other methods, by other people, with dates and roles of their own, and what undoes them.

use crate::client::{Client, code, enrolments, form};
use jiff::Timestamp;
use rollbook_sandbox::moodle::{Context, Release, STUDENT_ROLE, TEACHER_ROLE};
use rollbook_sandbox::{Clock, MOODLE_ADMIN_TOKEN, MOODLE_TOKEN, World};
use serde_json::{Value, json};

const ENROL: &str = "enrol_manual_enrol_users";
const LIST: &str = "core_enrol_get_enrolled_users";
const DAY: i64 = 24 * 60 * 60;
/// A multiple of 100 seconds.
const NOW: i64 = 1_795_000_000;

struct Course {
    client: Client,
    course: i64,
    user: i64,
}

/// One course with a manual method, one person, a clock that stands still.
async fn course() -> Course {
    let mut world = World::empty();
    world.clock = Clock::Fixed(Timestamp::from_second(NOW).expect("a time"));
    let user = world.moodle.add_user("A", "a@example.org", "A", "A");
    let course = world.moodle.add_course("930001", "Course");
    Course { client: Client::over(world).await, course, user }
}

impl Course {
    async fn enrol(&self, more: &[(&str, &str)]) -> Value {
        self.client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&[(self.user, self.course)], more)).await
    }

    async fn listed(&self, option: &str) -> Vec<i64> {
        let mut ask = form(&[("courseid", &self.course.to_string())]);
        if !option.is_empty() {
            ask.extend(form(&[("options[0][name]", option), ("options[0][value]", "1")]));
        }
        let list = self.client.call_as(MOODLE_TOKEN, LIST, &ask).await;
        list.as_array().expect("a list").iter().filter_map(|user| user["id"].as_i64()).collect()
    }

    fn at(&self, second: i64) {
        self.client.sandbox.world().clock = Clock::Fixed(Timestamp::from_second(second).expect("a time"));
    }
}

// B4: "already enrolled with other timestart/timeend: omitted times mean 0" and "other roleid: second role added".
#[tokio::test]
async fn a_suspend_of_a_teacher_by_hand_adds_a_role_and_wipes_the_dates() {
    let course = course().await;
    let end = 1_814_000_000;
    {
        let moodle = &mut course.client.sandbox.world().moodle;
        let method = moodle.manual_instances(course.course)[0];
        moodle.instances.edit(method, |method| method.role_id = TEACHER_ROLE);
        let row = moodle.enrol_by(course.user, method, NOW - DAY);
        moodle.enrolments.edit(row, |row| row.timeend = end);
    }
    assert_eq!(course.enrol(&[("suspend", "1")]).await, Value::Null);
    let world = course.client.sandbox.world();
    let row = world.moodle.enrolment(course.user, course.course).expect("a row");
    assert_eq!((row.suspended, row.timestart, row.timeend, row.timecreated), (true, 0, 0, NOW - DAY));
    let roles = world.moodle.roles_of(course.user, Context::Course(course.course));
    assert_eq!(roles.map(|row| row.role_id).collect::<Vec<_>>(), [TEACHER_ROLE, STUDENT_ROLE]);
}

// B4: one row for each method; "Returns every enrolled person of any method … No status, no dates, no method."
#[tokio::test]
async fn who_is_in_by_another_method_stays_active_beside_a_suspended_manual_enrolment() {
    for method in ["self", "cohort"] {
        let course = course().await;
        {
            let moodle = &mut course.client.sandbox.world().moodle;
            let instance = moodle.add_instance(course.course, method);
            moodle.enrol_by(course.user, instance, NOW - DAY);
        }
        assert_eq!(course.listed("onlyactive").await, [course.user]);
        assert_eq!(course.enrol(&[("suspend", "1")]).await, Value::Null);
        assert_eq!(course.listed("onlyactive").await, [course.user], "{method}");
        assert_eq!(course.listed("onlysuspended").await, [0; 0], "{method}");
        let world = course.client.sandbox.world();
        assert_eq!(world.moodle.enrolments_of_user(course.user).count(), 2);
        let roles = world.moodle.roles_of(course.user, Context::Course(course.course));
        let owners: Vec<&str> = roles.map(|row| row.component.as_str()).collect();
        // B7: a row that a component owns stays apart from the manual one; B4: manual does not protect its roles.
        let expected: &[&str] = if method == "cohort" { &["enrol_cohort", ""] } else { &[""] };
        assert_eq!(owners, expected, "{method}");
    }
}

#[tokio::test]
async fn a_cohort_method_enrols_members_as_they_come_and_lets_them_go() {
    let course = course().await;
    let cohort = {
        let moodle = &mut course.client.sandbox.world().moodle;
        let cohort = moodle.add_cohort("web", "Web");
        moodle.add_cohort_instance(course.course, cohort);
        cohort.to_string()
    };
    let user = course.user.to_string();
    let join = [
        ("members[0][cohorttype][type]", "id"),
        ("members[0][cohorttype][value]", cohort.as_str()),
        ("members[0][usertype][type]", "id"),
        ("members[0][usertype][value]", user.as_str()),
    ];
    course.client.call("core_cohort_add_cohort_members", &join).await;
    assert_eq!(course.listed("onlyactive").await, [course.user]);
    let leave = [("members[0][cohortid]", cohort.as_str()), ("members[0][userid]", user.as_str())];
    course.client.call("core_cohort_delete_cohort_members", &leave).await;
    assert_eq!(course.listed("").await, [0; 0]);
    assert!(course.client.sandbox.world().moodle.assignments.is_empty());
}

// B4: "first enabled one is used"; the disabled one counts as inactive (C: e.status=0).
#[tokio::test]
async fn the_first_enabled_of_several_manual_methods_is_used() {
    let course = course().await;
    let second = {
        let moodle = &mut course.client.sandbox.world().moodle;
        moodle.enrol(course.user, course.course);
        moodle.disable_manual(course.course);
        moodle.add_instance(course.course, "manual")
    };
    assert_eq!(course.listed("onlyactive").await, [0; 0]);
    course.enrol(&[]).await;
    assert_eq!(course.listed("onlyactive").await, [course.user]);
    let world = course.client.sandbox.world();
    let rows: Vec<i64> = world.moodle.enrolments_of_user(course.user).map(|row| row.instance_id).collect();
    assert_eq!((rows.len(), rows[1]), (2, second));
}

// G3 and B4: no function shows or uses the default role, the duration or the dates of a method.
#[tokio::test]
async fn the_pages_apply_the_duration_and_web_services_do_not() {
    let course = course().await;
    let other = {
        let moodle = &mut course.client.sandbox.world().moodle;
        moodle.set_enrolperiod(course.course, 60 * DAY);
        let other = moodle.add_user("B", "b@example.org", "B", "B");
        moodle.enrol_in_pages(other, course.course, NOW);
        other
    };
    course.enrol(&[]).await;
    let world = course.client.sandbox.world();
    let dates = |user| world.moodle.enrolment(user, course.course).map(|row| (row.timestart, row.timeend));
    assert_eq!(dates(other), Some((NOW, NOW + 60 * DAY)));
    assert_eq!(dates(course.user), Some((0, 0)));
}

// B4: "timestart in future, timeend past: accepted; user is not active"; onlysuspended contains the not yet started.
#[tokio::test]
async fn an_enrolment_that_starts_tomorrow_is_listed_as_suspended_and_becomes_active_by_itself() {
    let course = course().await;
    course.enrol(&[("timestart", &(NOW + DAY).to_string())]).await;
    assert_eq!(course.listed("onlysuspended").await, [course.user]);
    course.at(NOW + DAY + 100);
    assert_eq!(course.listed("onlyactive").await, [course.user]);
    // Without a date the start becomes "at once" again.
    course.at(NOW);
    course.enrol(&[]).await;
    assert_eq!(course.listed("onlyactive").await, [course.user]);
}

// Moodle rounds the time of such lists to 100 seconds: enrol/manual's own page starts enrolments earlier for it.
#[tokio::test]
async fn lists_round_the_time_to_a_hundred_seconds() {
    let course = course().await;
    course.at(NOW + 20);
    course.enrol(&[("timestart", &(NOW + 10).to_string())]).await;
    assert_eq!(course.listed("onlyactive").await, [0; 0]);
    course.at(NOW + 50);
    assert_eq!(course.listed("onlyactive").await, [course.user]);
    course.at(NOW + 20);
    course.client.sandbox.world().moodle.site.rounds_time = false;
    assert_eq!(course.listed("onlyactive").await, [course.user]);
}

// B4: an enrolment row and a role row are separate things.
#[tokio::test]
async fn unenrolled_by_hand_means_gone_and_a_restored_backup_brings_back_and_takes_away() {
    let course = course().await;
    let moodle = &mut course.client.sandbox.world().moodle;
    let late = moodle.add_user("B", "b@example.org", "B", "B");
    let old = moodle.enrol(course.user, course.course);
    moodle.complete(course.user, course.course, Timestamp::from_second(NOW).expect("a time"));
    let backup = moodle.back_up_course(course.course);
    moodle.unenrol_by_hand(course.user, course.course);
    assert!(moodle.enrolments.is_empty() && moodle.assignments.is_empty());
    // B9: "Suspending or unenrolling keeps the row".
    assert!(moodle.completion(course.user, course.course).is_some());
    moodle.enrol(late, course.course);
    moodle.restore_course(&backup);
    let rows: Vec<(i64, bool)> =
        moodle.enrolments_of_course(course.course).map(|row| (row.user_id, row.id == old)).collect();
    assert_eq!(rows, [(course.user, false)]);
    assert_eq!((moodle.assignments.len(), moodle.completions.len()), (1, 1));
}

// B4: "Works also on suspended enrolments"; a manual role outlives its enrolment while another method remains.
#[tokio::test]
async fn unenrolling_takes_the_rows_of_its_own_method_only() {
    let course = course().await;
    let moodle = &mut course.client.sandbox.world().moodle;
    let cohort = moodle.add_cohort("web", "Web");
    moodle.add_cohort_instance(course.course, cohort);
    let member = moodle.add_member(cohort, course.user);
    let manual = moodle.enrol(course.user, course.course);
    let components = |moodle: &rollbook_sandbox::Moodle| -> Vec<String> {
        let roles = moodle.roles_of(course.user, Context::Course(course.course));
        roles.map(|row| row.component.clone()).collect()
    };
    assert_eq!(components(moodle), ["enrol_cohort", ""]);
    moodle.leave_cohort(member);
    assert_eq!(components(moodle), [""]);
    moodle.unenrol(manual);
    assert!(components(moodle).is_empty());
}

// B4, live45: a message at every call; none is mailed to somebody who is suspended or cannot log in.
#[tokio::test]
async fn welcome_mails_are_counted_and_need_somebody_who_can_read_them() {
    let course = course().await;
    {
        let world = &mut course.client.sandbox.world();
        world.moodle.site.release = Release::V4_5;
        world.moodle.assign(TEACHER_ROLE, 2, Context::Course(course.course));
    }
    course.enrol(&[]).await;
    course.client.sandbox.world().moodle.users.edit(course.user, |user| user.suspended = true);
    course.enrol(&[]).await;
    let world = course.client.sandbox.world();
    assert_eq!((world.moodle.welcomes.len(), world.moodle.welcome_mails_to(course.user).count()), (2, 1));
}

// Seen on 4.5: where the server cannot mail, the error hides that the enrolment stands.
#[tokio::test]
async fn a_welcome_that_cannot_be_sent_is_an_error_over_an_enrolment_that_stands() {
    let course = course().await;
    {
        let world = &mut course.client.sandbox.world();
        world.moodle.site.release = Release::V4_5;
        world.moodle.site.welcome_error = Some("cannotsendmail".to_owned());
        world.moodle.assign(TEACHER_ROLE, 2, Context::Course(course.course));
    }
    assert_eq!(code(&course.enrol(&[]).await), "cannotsendmail");
    assert_eq!(course.listed("onlyactive").await, [course.user]);
}

// B4: times and the modifier belong to the row.
#[tokio::test]
async fn a_row_remembers_when_it_was_made_when_it_was_changed_and_by_whom() {
    let course = course().await;
    course.enrol(&[]).await;
    course.at(NOW + DAY);
    let suspend = enrolments(&[(course.user, course.course)], &[("suspend", "1")]);
    course.client.call_as(MOODLE_ADMIN_TOKEN, ENROL, &suspend).await;
    let world = course.client.sandbox.world();
    let row = world.moodle.enrolment(course.user, course.course).expect("a row");
    assert_eq!((row.timecreated, row.timemodified, row.modifier_id), (NOW, NOW + DAY, 2));
    assert_eq!(json!(row.timestart), json!(0));
}

// B9: "course reset or deleting completion data deletes the rows, later re-completion creates new ids".
#[tokio::test]
async fn a_reset_completion_is_gone_and_the_next_one_has_a_new_id() {
    let course = course().await;
    let moodle = &mut course.client.sandbox.world().moodle;
    let at = Timestamp::from_second(NOW).expect("a time");
    let first = moodle.complete(course.user, course.course, at);
    moodle.reset_completion(course.user, course.course);
    assert!(moodle.completion(course.user, course.course).is_none());
    assert!(moodle.complete(course.user, course.course, at) > first);
}

// Issue "Guilds": "a role is deleted in Moodle and its rule removed: refused unassignments"; B7: unknown role.
#[tokio::test]
async fn a_deleted_role_takes_its_assignments_and_cannot_be_taken_away() {
    let course = course().await;
    course.enrol(&[]).await;
    course.client.sandbox.world().moodle.delete_role(STUDENT_ROLE);
    assert!(course.client.sandbox.world().moodle.assignments.is_empty());
    let (user, instance) = (course.user.to_string(), course.course.to_string());
    let ask = [
        ("unassignments[0][roleid]", "5"),
        ("unassignments[0][userid]", user.as_str()),
        ("unassignments[0][contextlevel]", "course"),
        ("unassignments[0][instanceid]", instance.as_str()),
    ];
    assert_eq!(code(&course.client.call("core_role_unassign_roles", &ask).await), "invalidparameter");
}
