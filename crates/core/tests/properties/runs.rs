//! What holds when a plan is applied and the next run looks again.

use super::config;
use super::inputs::{NOW, read, records, whole, world};
use super::world::{Fate, World};
use jiff::SignedDuration;
use proptest::prelude::*;
use rollbook_core::model::{
    Course, ElmCourseId, Enrolment, FeedRecord, ManualInstance, MoodleCourseId, separate_collisions,
};
use rollbook_core::run::{Disposition, Outcome, OutcomeCode, disposition};
use rollbook_core::snapshot::Snapshot;
use serde_json::json;
use std::collections::BTreeSet;

/// A feed as it is stored: a journal keeps one record a fingerprint.
fn told_apart(mut records: Vec<FeedRecord>) -> Snapshot<Vec<FeedRecord>> {
    separate_collisions(&mut records, |_| None);
    whole(records)
}

/// Who is active where, by address.
fn active(world: &World) -> BTreeSet<(String, MoodleCourseId)> {
    let all = world.moodle.enrolments.iter().filter(|(_, there)| there.state == Enrolment::Active);
    all.map(|((user, course), _)| (world.moodle.accounts[user].mail.clone(), *course)).collect()
}

proptest! {
    #![proptest_config(config(300))]

    /// The strict Moodle refuses nothing that was planned, and the second run finds nothing left to do.
    #[test]
    fn plan_then_apply_converges(mut world in world(), records in records()) {
        let feed = told_apart(records);
        let first = world.run(&feed, None, |_| None);
        prop_assert!(first.cleared.is_some());
        for (_, verdict) in &first.verdicts {
            prop_assert_eq!(disposition(verdict.code()), Disposition::Settled, "{}", verdict);
        }
        let after = world.moodle.clone();
        for _ in 0..2 {
            world.now += SignedDuration::from_mins(10);
            let again = world.run(&feed, None, |_| None);
            prop_assert_eq!(again.plan.changes, []);
            prop_assert_eq!(&world.moodle, &after);
        }
        let without_feed = world.run(&whole(Vec::new()), None, |_| None);
        prop_assert_eq!(without_feed.plan.changes, []);
    }

    /// A run whose every answer is lost, whether the call had its effect or not, is made good by the next one.
    #[test]
    fn lost_answers_are_made_good(world in world(), records in records(), done in any::<u64>()) {
        let feed = told_apart(records);
        let mut undisturbed = world.clone();
        undisturbed.run(&feed, None, |_| None);
        let mut disturbed = world;
        let turn = std::cell::Cell::new(0);
        disturbed.run(&feed, None, |_| {
            turn.set(turn.get() + 1);
            let had_its_effect = done >> (turn.get() % 64) & 1 == 1;
            Some(if had_its_effect { Fate::DoneWithoutAnswer } else { Fate::Answers(Outcome::Unknown) })
        });
        for _ in 0..2 {
            disturbed.now += SignedDuration::from_mins(10);
            disturbed.run(&whole(Vec::new()), None, |_| None);
        }
        prop_assert_eq!(active(&undisturbed), active(&disturbed));
        prop_assert_eq!(undisturbed.moodle.accounts.len(), disturbed.moodle.accounts.len());
    }

    /// However the records are spread over runs, the same people end up active in the same courses.
    #[test]
    fn records_may_come_in_any_number_of_runs(parts in proptest::collection::vec(0..4_usize, 12), wishes in proptest::collection::vec((0..3_i64, 0..2_i64, any::<bool>()), 12)) {
        let records: Vec<FeedRecord> = wishes.iter().zip(0..).map(|((person, course, enrol), minute)| read(&json!({
            "GUID": format!("G-{person}"), "EMAIL": format!("p{person}@example.org"), "FIRST_NAME": "Pat", "LAST_NAME": "Doe",
            "COURSE_IDENTIFIER": course, "COURSE_STATE": if *enrol { "Enrol" } else { "Suspend" },
            "date_created": (NOW - SignedDuration::from_mins(minute)).to_string(),
        }))).collect();
        let mut world = World::new(NOW);
        for id in 0..2 {
            let course = Course {
                id: MoodleCourseId(30 + id), elm_id: ElmCourseId::new(id.to_string()), full_name: "A course".into(),
                manual: ManualInstance::Usable, default_role: None, active: Some(1_000), methods: None, duration: None,
            };
            world.moodle.courses.insert(course.id, course);
        }
        let mut at_once = world.clone();
        at_once.run(&whole(records.clone()), None, |_| None);
        for part in 0..4 {
            let some = records.iter().zip(&parts).filter(|(_, of)| **of == part).map(|(record, _)| record.clone());
            let run = world.run(&whole(some.collect()), None, |_| None);
            prop_assert!(run.plan.skips.iter().all(|skip| skip.verdict.code() != OutcomeCode::NotTried));
        }
        prop_assert_eq!(active(&at_once), active(&world));
    }
}
