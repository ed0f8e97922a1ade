//! What holds for every plan.

use super::config;
use super::inputs::{NOW, gaps, records, whole, world};
use super::world::World;
use jiff::SignedDuration;
use proptest::prelude::*;
use rollbook_core::model::{EnrolState, FeedRecord, Fingerprint, Guid, ManualInstance, MoodleCourseId, MoodleUserId};
use rollbook_core::plan::{IntakeChange, IntakePlan, Who};
use rollbook_core::run::OutcomeCode;
use rollbook_core::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

fn shuffled() -> impl Strategy<Value = (Vec<FeedRecord>, Vec<FeedRecord>)> {
    records().prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle()))
}

fn json(plan: &IntakePlan) -> String {
    serde_json::to_string(plan).expect("a plan is plain data")
}

/// The usable records by fingerprint; of those of one fingerprint, all.
fn usable(records: &[FeedRecord]) -> BTreeMap<Fingerprint, Vec<&FeedRecord>> {
    let mut by_print = BTreeMap::<_, Vec<_>>::new();
    for record in records.iter().filter(|record| record.reading.is_ok()) {
        by_print.entry(record.fingerprint).or_default().push(record);
    }
    by_print
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn order_of_the_records_does_not_matter(world in world(), (forth, back) in shuffled()) {
        let (one, other) = (world.plan(&whole(forth)), world.plan(&whole(back)));
        prop_assert_eq!(json(&one.0), json(&other.0));
        prop_assert_eq!(one.0.digest(), other.0.digest());
        prop_assert_eq!(one.1, other.1);
    }

    #[test]
    fn every_record_gets_one_change_or_one_reason(world in world(), records in records()) {
        let (plan, _) = world.plan(&whole(records.clone()));
        let decided = plan.skips.iter().map(|skip| skip.record).chain(plan.changes.iter().filter_map(IntakeChange::record));
        let decided: Vec<_> = decided.collect();
        let once: BTreeSet<_> = decided.iter().copied().collect();
        prop_assert_eq!(decided.len(), once.len());
        prop_assert_eq!(once, records.iter().map(|record| record.fingerprint).collect::<BTreeSet<_>>());
    }

    #[test]
    fn incomplete_feed_suspends_nobody(world in world(), records in records(), gaps in gaps()) {
        let feed = Snapshot { taken_at: NOW, gaps, value: records };
        let (plan, _) = world.plan(&feed);
        let suspends = plan.changes.iter().any(|change| matches!(change, IntakeChange::Suspend(_)));
        prop_assert!(!suspends);
        // But for that, the plan is the same.
        let (of_whole, _) = world.plan(&whole(feed.value));
        let others = of_whole.changes.iter().filter(|change| !matches!(change, IntakeChange::Suspend(_)));
        prop_assert_eq!(others.cloned().collect::<Vec<_>>(), plan.changes);
    }

    #[test]
    fn nothing_doubtful_becomes_a_change(world in world(), records in records()) {
        let (plan, _) = world.plan(&whole(records.clone()));
        let by_print = usable(&records);
        for change in &plan.changes {
            match change {
                IntakeChange::CreateAccount(new) => {
                    let taken = world.moodle.accounts.values().any(|account| {
                        Guid::new(account.guid.as_str()).folded() == new.guid.folded()
                            || new.mail.same_as(&account.mail)
                            || account.username == new.username
                    });
                    prop_assert!(!taken, "{change}");
                    let twice = plan.changes.iter().filter(
                        |other| matches!(other, IntakeChange::CreateAccount(other) if other.mail.same_as(new.mail.as_str())),
                    );
                    prop_assert_eq!(twice.count(), 1, "{}", change);
                }
                IntakeChange::Enrol(enrol) => {
                    let record = by_print[&enrol.record][0];
                    prop_assert!(wants(record, EnrolState::Enrol));
                    match &enrol.who {
                        Who::Account(id) => only_one_it_can_be(&world, record, *id, enrol.course)?,
                        Who::New(guid) => prop_assert_eq!(guid.folded(), record.guid().folded()),
                    }
                }
                IntakeChange::Suspend(suspend) => {
                    let record = by_print[&suspend.record][0];
                    prop_assert!(wants(record, EnrolState::Suspend));
                    only_one_it_can_be(&world, record, suspend.user, suspend.course)?;
                }
            }
        }
    }

    #[test]
    fn newest_record_of_a_pair_counts(world in world(), records in records()) {
        let (plan, _) = world.plan(&whole(records.clone()));
        let superseded: BTreeSet<_> =
            plan.skips.iter().filter(|skip| skip.verdict.code() == OutcomeCode::Superseded).map(|skip| skip.record).collect();
        let changed: BTreeSet<_> = plan.changes.iter().filter_map(IntakeChange::record).collect();
        let good: Vec<_> = usable(&records).into_values().flatten().collect();
        for record in &good {
            let newer = good.iter().any(|other| {
                other.same_pair(record) && other.age() > record.age() && other.fingerprint != record.fingerprint
            });
            let newest_of_print = good.iter().all(|other| other.fingerprint != record.fingerprint || other.age() <= record.age());
            let collides = good.iter().any(|other| other.fingerprint == record.fingerprint && !other.same_pair(record));
            if newest_of_print && !collides && newer && !hidden(&good, record) {
                prop_assert!(superseded.contains(&record.fingerprint), "{record:?}");
            }
            if newest_of_print && !newer {
                let equal = good.iter().any(|other| other.same_pair(record) && other.age() == record.age() && other.fingerprint != record.fingerprint);
                prop_assert!(equal || !superseded.contains(&record.fingerprint), "{record:?}");
            }
        }
        prop_assert!(superseded.is_disjoint(&changed));
    }

    #[test]
    fn protected_people_are_never_touched(world in world(), records in records()) {
        let (plan, findings) = world.plan(&whole(records));
        let protected = &world.policy.protected;
        let entry = |id: &MoodleUserId| protected.entry_for_account(&world.moodle.accounts[id]);
        for change in &plan.changes {
            let entry = match change {
                IntakeChange::CreateAccount(new) => protected.entry_among(&[new.guid.as_str(), new.mail.as_str()]),
                IntakeChange::Enrol(enrol) => match &enrol.who {
                    Who::Account(id) => entry(id),
                    Who::New(guid) => protected.entry_among(&[guid.as_str()]),
                },
                IntakeChange::Suspend(suspend) => entry(&suspend.user),
            };
            prop_assert_eq!(entry, None, "{}", change);
        }
        prop_assert!(!findings.iter().any(|finding| finding.to_string().starts_with("blocked: protected")));
    }

    #[test]
    fn digest_covers_the_changes_and_nothing_else(world in world(), records in records(), minutes in 1..600_i64) {
        let (plan, _) = world.plan(&whole(records.clone()));
        let mut later = world.clone();
        later.now += SignedDuration::from_mins(minutes);
        let (mut again, _) = later.plan(&whole(records));
        prop_assert_eq!(&plan.changes, &again.changes);
        prop_assert_eq!(plan.digest(), again.digest());
        again.skips.clear();
        again.people += 1;
        prop_assert_eq!(plan.digest(), again.digest());
        if again.changes.pop().is_some() {
            prop_assert_ne!(plan.digest(), again.digest());
        }
        again.link = rollbook_core::model::LinkName::new("other");
        prop_assert_ne!(plan.digest(), again.digest());
    }
}

fn wants(record: &FeedRecord, state: EnrolState) -> bool {
    record.reading.as_ref().is_ok_and(|reading| reading.state == state)
}

/// Whether the only newer records of the pair are ones that collide, and so do not count.
fn hidden(good: &[&FeedRecord], record: &FeedRecord) -> bool {
    let collides =
        |one: &FeedRecord| good.iter().any(|other| other.fingerprint == one.fingerprint && !other.same_pair(one));
    let mut newer = good.iter().filter(|other| {
        other.same_pair(record) && other.age() > record.age() && other.fingerprint != record.fingerprint
    });
    newer.all(|other| collides(other))
}

/// The account and the course of a change are the only ones that the record can mean.
fn only_one_it_can_be(
    world: &World,
    record: &FeedRecord,
    user: MoodleUserId,
    course: MoodleCourseId,
) -> Result<(), TestCaseError> {
    let of_guid = world
        .moodle
        .accounts
        .values()
        .filter(|account| Guid::new(account.guid.as_str()).folded() == record.guid().folded());
    prop_assert_eq!(of_guid.map(|account| account.id).collect::<Vec<_>>(), [user]);
    let of_course = world.moodle.courses.values().filter(|course| course.elm_id == record.course());
    let of_course: Vec<_> = of_course.collect();
    prop_assert_eq!(of_course.iter().map(|course| course.id).collect::<Vec<_>>(), [course]);
    prop_assert_eq!(of_course[0].manual, ManualInstance::Usable);
    Ok(())
}
