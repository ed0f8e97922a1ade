//! Completions that cannot be reported as they are: each waits for a human, once, and the others go on.

use crate::world::{COURSE, Learner, Stage, done, minutes};
use rollbook_core::model::{CompletionKey, EnrolmentId, MoodleCourseId, MoodleUserId};
use rollbook_core::run::RunState;
use rollbook_journal::{AttentionFilter, AttentionItem, PushedEvent};
use rollbook_sync::flows::completions::FoundBy;

impl Stage {
    /// What waits for a human.
    async fn items(&self) -> Vec<AttentionItem> {
        self.journal.attention().list(&AttentionFilter::default(), 100).await.unwrap()
    }

    fn key(&self, learner: &Learner) -> CompletionKey {
        let world = self.sandbox.world();
        let row = world.moodle.completion(learner.user, learner.course).unwrap();
        let completed_at = jiff::Timestamp::from_second(row.timecompleted.unwrap()).unwrap();
        CompletionKey { user: MoodleUserId(learner.user), course: MoodleCourseId(learner.course), completed_at }
    }

    /// The runs of an hour.
    async fn runs(&self) -> RunState {
        let mut state = RunState::Done;
        for _ in 0..6 {
            state = self.run().await.state;
            self.pass(minutes(10));
        }
        state
    }
}

#[tokio::test]
async fn an_enrolment_id_that_is_no_number_waits_for_a_human_and_the_others_go_on() {
    let stage = Stage::new().await;
    let learners = stage.enrol(1..3).await;
    let odd = stage.enrol_as(3, "E-17/b").await;
    for learner in learners.iter().chain([&odd]) {
        stage.complete(learner, 3);
    }
    let key = stage.key(&odd);
    assert_eq!(stage.runs().await, RunState::Partly);
    let mut there = stage.enrolments();
    there.sort_unstable();
    assert_eq!(there, [learners[0].enrolment, learners[1].enrolment]);
    let items = stage.items().await;
    assert_eq!((items.len(), items[0].kind.as_str()), (1, "completion_enrolment_id_not_a_number"), "{items:?}");
    assert!(items[0].title.contains("E-17/b"), "{}", items[0].title);
    stage
        .journal
        .completions()
        .supply_enrolment(&done(), key, &EnrolmentId::new("17"), "ann", stage.clock.now())
        .await
        .unwrap();
    stage.run().await;
    assert_eq!((stage.enrolments().last(), stage.items().await.len()), (Some(&17), 0));
}

#[tokio::test]
async fn a_course_without_idnumber_waits_for_a_human_and_the_others_go_on() {
    let mut stage = Stage::new().await;
    stage.flow.method = FoundBy::Push;
    let learners = stage.enrol(1..3).await;
    let nameless = stage.add_course(COURSE + 1);
    stage.sandbox.world().moodle.courses.edit(nameless, |course| course.idnumber = String::new());
    let tables = crate::tables::Tables::new(crate::tables::Server::Sqlite).await;
    tables.course(learners[0].course, &COURSE.to_string(), Some(1)).await;
    tables.course(nameless, "", Some(1)).await;
    for (n, learner) in (1..).zip(&learners) {
        tables.user(learner.user, &format!("GUID{n:06}")).await;
        tables.complete(learner.user, learner.course, Some(stage.clock.now() - minutes(20))).await;
        tables.complete(learner.user, nameless, Some(stage.clock.now() - minutes(20))).await;
    }
    stage.flow.method = FoundBy::Database(tables.open());
    assert_eq!(stage.runs().await, RunState::Partly);
    assert_eq!(stage.enrolments().len(), 2, "those of the other course");
    let items = stage.items().await;
    assert_eq!(
        (items.len(), items[0].kind.as_str()),
        (1, "completion_no_course_number"),
        "one for the course: {items:?}"
    );
    tables.sql(&format!("UPDATE mdl_course SET idnumber = '{}' WHERE id = {nameless}", COURSE + 1)).await;
    let number = (COURSE + 1).to_string();
    stage.sandbox.world().moodle.courses.edit(nameless, |course| course.idnumber = number);
    stage.enrol_in(1..3, COURSE + 1).await;
    stage.run().await;
    assert_eq!((stage.enrolments().len(), stage.items().await.len()), (4, 0));
}

#[tokio::test]
async fn a_user_without_guid_waits_for_a_human_and_the_others_go_on() {
    let mut stage = Stage::new().await;
    let learners = stage.enrol(1..3).await;
    let tables = crate::tables::Tables::new(crate::tables::Server::Sqlite).await;
    tables.course(learners[0].course, &COURSE.to_string(), Some(1)).await;
    for (learner, guid) in learners.iter().zip(["GUID000001", ""]) {
        tables.user(learner.user, guid).await;
        tables.complete(learner.user, learner.course, Some(stage.clock.now() - minutes(20))).await;
    }
    stage.flow.method = FoundBy::Database(tables.open());
    assert_eq!(stage.runs().await, RunState::Partly);
    assert_eq!(stage.enrolments(), [learners[0].enrolment]);
    let items = stage.items().await;
    assert_eq!((items.len(), items[0].kind.as_str()), (1, "completion_no_guid"), "{items:?}");
    let Learner { user, course, .. } = learners[1];
    let title = format!("Jane Doe{user} (account {user}) completed Course {course}: the account has no GUID");
    assert_eq!(items[0].title, title);
    tables.sql(&format!("UPDATE mdl_user SET idnumber = 'GUID000002' WHERE id = {}", learners[1].user)).await;
    stage.run().await;
    assert_eq!((stage.enrolments().len(), stage.items().await.len()), (2, 0));
}

#[tokio::test]
async fn no_enrolment_record_is_asked_once_and_nothing_is_sent_on_a_guess() {
    let stage = Stage::new().await;
    let learners = stage.enrol(1..2).await;
    // Enrolled by hand in Moodle: intake knows nothing of it, a pushed event does.
    let stranger = {
        let mut world = stage.sandbox.world();
        let user = world.moodle.add_user("GUID000777", "zoe@example.org", "Zoe", "Person");
        world.moodle.enrol(user, learners[0].course);
        Learner { user, course: learners[0].course, enrolment: 4711 }
    };
    stage.complete(&learners[0], 3);
    stage.complete(&stranger, 3);
    let key = stage.key(&stranger);
    let event = PushedEvent { signature: "a".repeat(64), user: key.user, course: key.course };
    stage
        .journal
        .completions()
        .accept_event(&done(), &event, stage.clock.now() - minutes(60), stage.clock.now())
        .await
        .unwrap();
    assert_eq!(stage.runs().await, RunState::Partly);
    assert_eq!(stage.enrolments(), [learners[0].enrolment]);
    let items = stage.items().await;
    assert_eq!((items.len(), items[0].kind.as_str()), (1, "completion_no_enrolment_record"), "{items:?}");
    let known = |name: &str| items[0].evidence[name].clone();
    assert_eq!(
        (known("guid"), known("mail")),
        ("GUID000777".into(), "zoe@example.org".into()),
        "what is known is told"
    );
    assert_eq!(known("takes_enrolment_id"), true);
    let closed = AttentionFilter { with_closed: true, ..AttentionFilter::default() };
    assert_eq!(
        stage.journal.attention().list(&closed, 100).await.unwrap().len(),
        1,
        "one question in six runs, never another"
    );
    stage
        .journal
        .completions()
        .supply_enrolment(&done(), key, &EnrolmentId::new("4711"), "ann", stage.clock.now())
        .await
        .unwrap();
    stage.run().await;
    assert_eq!((stage.enrolments(), stage.items().await.len()), (vec![learners[0].enrolment, 4711], 0));
}
