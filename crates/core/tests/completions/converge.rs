//! Properties: plan then record converges, order does not matter, and a report on its way is accepted exactly once whatever
//! the ELM does.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rollbook_core::desired::OptedCourse;
use rollbook_core::model::{
    CompletionKey, ElmCourseId, EnrolmentId, EnrolmentRecord, Fingerprint, Guid, LinkName, MoodleCourseId,
    MoodleUserId, SeenBy, SeenCompletion,
};
use rollbook_core::plan::{CompletionInputs, CompletionsPlan, KnownCompletion, KnownCompletions, plan_completions};
use rollbook_core::policy::{CompletionLimits, CompletionsPolicy, DeliveryRules, ReportTemplate};
use rollbook_core::run::{Delivery, DeliveryEvent, DeliveryState, Jitter, LookupResult, Receipt, step};
use rollbook_core::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a small number of seconds")
}

prop_compose! {
    fn seen()(user in 1..6_i64, course in 1..4_i64, second in 0..8_i64, by in 0..2, guid in 0..4_i64) -> SeenCompletion {
        SeenCompletion {
            key: CompletionKey { user: MoodleUserId(user), course: MoodleCourseId(course), completed_at: at(second) },
            guid: Guid::new(if guid == 0 { String::new() } else { format!("G{guid}") }),
            mail: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            by: if by == 0 { SeenBy::Database } else { SeenBy::WebServices },
        }
    }
}

prop_compose! {
    fn record()(guid in 1..4_i64, course in 1..4_i64, second in 0..8_i64, id in 0..5_i64)
        -> ((String, ElmCourseId), EnrolmentRecord) {
        let record = EnrolmentRecord {
            fingerprint: Fingerprint::of_bytes(&[&format!("{guid} {course} {second} {id}")]),
            enrolment: (id > 0).then(|| EnrolmentId::new(id.to_string())),
            changed: at(second),
            created: at(second),
            short_name: String::new(),
            guid: Guid::new(format!("G{guid}")),
            mail: String::new(),
            first_name: String::new(),
            last_name: String::new(),
        };
        ((format!("g{guid}"), ElmCourseId::new(course.to_string())), record)
    }
}

fn policy() -> CompletionsPolicy {
    CompletionsPolicy {
        zone: jiff::tz::TimeZone::UTC,
        report_from: None,
        words: ReportTemplate::default(),
        delivery: DeliveryRules::default(),
        limits: CompletionLimits::default(),
    }
}

type Records = BTreeMap<(String, ElmCourseId), Vec<EnrolmentRecord>>;

fn plan(seen: Vec<SeenCompletion>, records: &Records, known: &KnownCompletions) -> CompletionsPlan {
    let course = |id: i64| OptedCourse {
        id: MoodleCourseId(id),
        elm_id: (id != 3).then(|| ElmCourseId::new(id.to_string())),
        full_name: String::new(),
        opted_at: at(id),
        withdrawn: false,
        scanned_from: None,
    };
    let courses = (1..4).map(|id| (MoodleCourseId(id), course(id))).collect();
    let (link, seen, supplied) = (LinkName::new("done"), Snapshot::complete(at(9), seen), BTreeMap::new());
    let inputs = CompletionInputs { link: &link, seen: &seen, courses: &courses, records, known, supplied: &supplied };
    plan_completions(&inputs, &policy(), at(9))
}

fn known(plan: &CompletionsPlan) -> KnownCompletions {
    KnownCompletions::new(plan.reports.iter().map(|report| KnownCompletion {
        key: report.key,
        guid: report.guid.folded(),
        elm_id: report.elm_id.clone(),
    }))
}

proptest! {
    #[test]
    fn what_was_reported_is_not_reported_again(
        seen in prop::collection::vec(seen(), 0..20),
        records in prop::collection::vec(record(), 0..12),
        shuffle in any::<u64>(),
    ) {
        let mut by_pair = Records::new();
        for (pair, record) in records {
            by_pair.entry(pair).or_default().push(record);
        }
        let first = plan(seen.clone(), &by_pair, &KnownCompletions::default());
        let keys: BTreeSet<_> = first.reports.iter().map(|report| report.key).collect();
        prop_assert_eq!(keys.len(), first.reports.len(), "each key once");
        prop_assert!(first.reports.is_sorted_by_key(|report| report.key.completed_at), "in the order of completion");
        let decided = first.reports.len() + first.skips.len();
        prop_assert_eq!(decided, seen.iter().map(|seen| seen.key).collect::<BTreeSet<_>>().len(), "nothing is lost");

        let again = plan(seen.clone(), &by_pair, &known(&first));
        prop_assert!(again.reports.is_empty(), "{:?}", again.reports);

        let mut mixed = seen;
        let len = mixed.len().max(1) as u64;
        for index in 0..mixed.len() {
            let other = (shuffle.wrapping_mul(index as u64 + 7) % len) as usize;
            mixed.swap(index, other);
        }
        prop_assert_eq!(plan(mixed, &by_pair, &KnownCompletions::default()), first);
    }

    /// An ELM that takes or loses what it is sent, and answers, or not, whether it took it or not.
    #[test]
    fn report_arrives_once_however_the_elm_answers(turns in prop::collection::vec((0..7_u8, any::<u16>()), 0..40)) {
        let rules = DeliveryRules::default();
        let mut now = at(0);
        let mut report = Delivery::queued(now);
        let mut taken = 0;
        let mut turns = turns.into_iter().chain(std::iter::repeat((0, 0)));
        for _ in 0..60 {
            let (fate, draw) = turns.next().expect("endless");
            let go = |report: Delivery, by: DeliveryEvent, now| step(report, by, &rules, now, Jitter::new(draw.into()));
            now = report.next.max(now);
            report = match report.state {
                DeliveryState::Due => {
                    let claimed = go(report, DeliveryEvent::Claimed, now).expect("due can be claimed");
                    let answered = match fate {
                        0 => { taken += 1; DeliveryEvent::Answered(Receipt::Accepted) }
                        1 => { taken += 1; DeliveryEvent::Answered(Receipt::Unknown { retry_after: None }) }
                        2 => { taken += 1; DeliveryEvent::Orphaned }
                        3 => DeliveryEvent::Orphaned,
                        4 => DeliveryEvent::Answered(Receipt::Unknown { retry_after: Some(SignedDuration::from_secs(90)) }),
                        5 => DeliveryEvent::Answered(Receipt::RateLimited { retry_after: Some(SignedDuration::from_hours(1)) }),
                        _ => DeliveryEvent::Answered(Receipt::NotSent),
                    };
                    go(claimed, answered, now).expect("a claimed report can be answered")
                }
                DeliveryState::Unknown => {
                    let looked = match (fate, taken) {
                        (5 | 6, _) => LookupResult::NoAnswer,
                        (_, 0) => LookupResult::Nothing,
                        _ => LookupResult::Found,
                    };
                    go(report, DeliveryEvent::LookedUp(looked), now).expect("a report in doubt can be looked up")
                }
                _ => break,
            };
            prop_assert!(report.next.duration_since(now) <= rules.longest, "no wait is endless");
        }
        prop_assert_eq!((report.state, taken), (DeliveryState::Sent, 1));
    }
}
