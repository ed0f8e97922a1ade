//! A request is carried out by one node, survives that node, and gets one answer.

use crate::world::{World, at, link};
use jiff::SignedDuration;
use rollbook_core::model::{
    CompletionKey, ElmCourseId, EnrolmentId, Fingerprint, MoodleCourseId, MoodleUserId, SiteName,
};
use rollbook_journal::requests::{
    AttentionAct, EVENT, FeedQuery, Job, JobOutcome, NamedCompletion, Narrow, Purpose, RequestFilter, RequestId,
    RequestState,
};
use rollbook_journal::{Journal, JournalError};
use serde_json::Value;
use std::collections::BTreeSet;

crate::rules! {
    every_kind_of_request_comes_back_as_it_was_put,
    request_is_taken_by_one_node_only,
    dead_nodes_request_is_taken_over_and_its_late_answer_does_not_count,
    request_that_is_kept_is_not_taken_over,
    request_that_was_put_back_waits_for_its_time,
    request_of_an_unknown_kind_fails_and_keeps_no_other_back,
    putting_a_request_is_an_event_with_its_author,
    slot_is_covered_once_and_asks_for_one_run,
    links_switch_is_a_persons_word_with_reason,
    membership_event_is_taken_once_and_asks_for_one_look,
}

const LASTS: SignedDuration = SignedDuration::from_mins(1);

fn run_now() -> Job {
    Job::RunLink { link: link(), purpose: Purpose::Apply, narrow: Narrow::Usual }
}

async fn every_kind_of_request_comes_back_as_it_was_put(world: World) {
    let journal = world.open().await;
    let records = vec![Fingerprint::of_bytes(&["a record"])];
    let question = FeedQuery { from: Some(at(0)), mail: Some("a@example.org".to_owned()), ..FeedQuery::default() };
    let completion = CompletionKey { user: MoodleUserId(7), course: MoodleCourseId(8), completed_at: at(3) };
    let named = NamedCompletion {
        user: "g1".to_owned(),
        course: ElmCourseId::new("007"),
        date: Some(jiff::civil::date(2026, 11, 23)),
        enrolment: None,
    };
    let run = |narrow| Job::RunLink { link: link(), purpose: Purpose::DryRun, narrow };
    let attend = |act| Job::Attend { link: link(), item: 5, act };
    let reason = "why".to_owned();
    let asks = [
        run_now(),
        run(Narrow::Full),
        run(Narrow::Records { records: records.clone() }),
        run(Narrow::Feed { question: question.clone() }),
        run(Narrow::Guild { guild: "data".to_owned() }),
        run(Narrow::User { user: "jane".to_owned() }),
        Job::ApplyPlan { link: link(), plan: 3 },
        Job::QueryFeed { link: link(), question: question.clone() },
        Job::ProcessRecords { link: link(), question, records },
        attend(AttentionAct::TryAgain { reason: String::new() }),
        attend(AttentionAct::UseAccount { user: MoodleUserId(9) }),
        attend(AttentionAct::UpdateMail),
        attend(AttentionAct::Ignore { reason }),
        Job::PreviewCompletion { link: link(), named: named.clone() },
        Job::SendCompletion { link: link(), named },
        Job::RetryCompletions { link: link(), reports: vec![1, 2] },
        Job::MarkCompletions { link: link(), completions: vec![completion] },
        Job::SupplyEnrolment { link: link(), completion, enrolment: EnrolmentId::new("0042") },
        Job::CheckCompletions { link: link() },
        Job::SyncMember { link: link(), user: "9".to_owned() },
        Job::Examine { site: Some(SiteName::new("learning")) },
        Job::Examine { site: None },
    ];
    for ask in &asks {
        let id = journal.requests().put(ask, "jo", at(0)).await.unwrap();
        let found = journal.requests().find(id).await.unwrap().unwrap();
        assert_eq!((&found.job, found.state, found.asked_by.as_str()), (ask, RequestState::Waiting, "jo"));
        // The stored word and the word of the filter are one.
        assert_eq!(serde_json::to_value(ask).unwrap()["kind"], Value::from(ask.kind()));
    }
    assert_eq!(asks.iter().map(Job::kind).collect::<BTreeSet<_>>().len(), 13);
    let count = async |filter: RequestFilter| journal.requests().list(&filter, 99).await.unwrap().len();
    assert_eq!(count(RequestFilter { link: Some(link()), ..RequestFilter::default() }).await, asks.len() - 2);
    assert_eq!(count(RequestFilter { kind: Some("attend".to_owned()), ..RequestFilter::default() }).await, 4);
    assert_eq!(count(RequestFilter { site: Some(SiteName::new("learning")), ..RequestFilter::default() }).await, 1);
    assert_eq!(count(RequestFilter { asked_by: Some("joe".to_owned()), ..RequestFilter::default() }).await, 0);
    assert!(journal.requests().find(RequestId(99_999)).await.unwrap().is_none());
}

async fn request_is_taken_by_one_node_only(world: World) {
    let journal = world.open().await;
    for _ in 0..40 {
        journal.requests().put(&run_now(), "jo", at(0)).await.unwrap();
    }
    let mut nodes = Vec::new();
    for n in 0..4 {
        let journal = journal.clone();
        nodes.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            while let Some(taken) = journal.requests().take(&format!("node {n}"), LASTS, at(1)).await.unwrap() {
                ids.push(taken.id);
            }
            ids
        }));
    }
    let mut all = Vec::new();
    for node in nodes {
        all.extend(node.await.unwrap());
    }
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (40, 40));
}

async fn dead_nodes_request_is_taken_over_and_its_late_answer_does_not_count(world: World) {
    let journal = world.open().await;
    let id = journal.requests().put(&run_now(), "jo", at(0)).await.unwrap();
    let first = journal.requests().take("a", LASTS, at(0)).await.unwrap().unwrap();
    assert!(journal.requests().take("b", LASTS, at(0)).await.unwrap().is_none());
    let second = journal.requests().take("b", LASTS, at(1)).await.unwrap().unwrap();
    assert_eq!((first.id, second.id, first.take, second.take), (id, id, 1, 2));
    assert_eq!((first.deaths, second.deaths), (0, 1));
    let late = journal.requests().finish(&first, "a", &failed("late"), at(2)).await;
    assert!(matches!(late, Err(JournalError::Conflict { .. })), "{late:?}");
    let kept = journal.requests().renew(&first, "a", LASTS, at(2)).await;
    assert!(matches!(kept, Err(JournalError::Conflict { .. })), "{kept:?}");
    let answer = JobOutcome::Marked { marked: 1, known: 2 };
    journal.requests().finish(&second, "b", &answer, at(3)).await.unwrap();
    let found = journal.requests().find(id).await.unwrap().unwrap();
    assert_eq!((found.state, found.answer, found.finished), (RequestState::Done, Some(answer), Some(at(3))));
    assert!(journal.requests().take("a", LASTS, at(99)).await.unwrap().is_none());
    assert_eq!(journal.requests().prune(at(3)).await.unwrap(), 0);
    assert_eq!(journal.requests().prune(at(4)).await.unwrap(), 1);
}

async fn request_that_is_kept_is_not_taken_over(world: World) {
    let journal = world.open().await;
    journal.requests().put(&run_now(), "jo", at(0)).await.unwrap();
    let taken = journal.requests().take("a", LASTS, at(0)).await.unwrap().unwrap();
    for minute in 1..5 {
        journal.requests().renew(&taken, "a", LASTS * 2, at(minute)).await.unwrap();
        assert!(journal.requests().take("b", LASTS, at(minute + 1)).await.unwrap().is_none());
    }
}

async fn request_that_was_put_back_waits_for_its_time(world: World) {
    let journal = world.open().await;
    let id = journal.requests().put(&run_now(), "jo", at(0)).await.unwrap();
    let taken = journal.requests().take("a", LASTS, at(0)).await.unwrap().unwrap();
    journal.requests().put_back(&taken, "a", at(5)).await.unwrap();
    assert_eq!(journal.requests().find(id).await.unwrap().unwrap().state, RequestState::Waiting);
    assert!(journal.requests().take("b", LASTS, at(4)).await.unwrap().is_none());
    let again = journal.requests().take("b", LASTS, at(5)).await.unwrap().unwrap();
    assert_eq!((again.id, again.deaths), (id, 0), "nobody died");
}

async fn request_of_an_unknown_kind_fails_and_keeps_no_other_back(world: World) {
    let journal = world.open().await;
    let strange = journal.requests().put(&run_now(), "jo", at(0)).await.unwrap();
    let next = journal.requests().put(&run_now(), "jo", at(0)).await.unwrap();
    world.sql(&format!("UPDATE request SET body = '{{\"kind\":\"dance\"}}' WHERE id = {strange}")).await.unwrap();
    assert_eq!(journal.requests().take("a", LASTS, at(1)).await.unwrap().unwrap().id, next);
    assert_eq!(
        world.number(&format!("SELECT COUNT(*) FROM request WHERE id = {strange} AND state = 'failed'")).await,
        1
    );
}

async fn putting_a_request_is_an_event_with_its_author(world: World) {
    let journal = world.open().await;
    let id = journal.requests().put(&run_now(), "jo", at(0)).await.unwrap();
    let acts = journal.runs().acts(&link(), i64::MAX, 9).await.unwrap();
    assert_eq!((acts.len(), acts[0].author.as_str()), (1, "jo"));
    assert_eq!((&acts[0].payload["what"], &acts[0].payload["request"]), (&"run_link".into(), &id.0.into()));
}

async fn slot_is_covered_once_and_asks_for_one_run(world: World) {
    let journal = world.open().await;
    let row = journal.schedule().watch(&link(), at(0)).await.unwrap();
    assert_eq!((row.since, row.covered, row.switch), (at(0), None, None));
    assert_eq!(journal.schedule().watch(&link(), at(9)).await.unwrap().since, at(0));
    let id = journal.schedule().cover_slot(&link(), at(10), at(12), at(10)).await.unwrap().unwrap();
    assert_eq!(journal.schedule().cover_slot(&link(), at(10), at(12), at(10)).await.unwrap(), None);
    assert_eq!(
        journal.schedule().cover_slot(&link(), at(5), at(5), at(10)).await.unwrap(),
        None,
        "an older slot is nobody's"
    );
    assert!(journal.requests().take("a", LASTS, at(11)).await.unwrap().is_none(), "jitter");
    assert_eq!(
        journal.schedule().cover_slot(&link(), at(20), at(20), at(20)).await.unwrap(),
        None,
        "the last one is not over"
    );
    let taken = journal.requests().take("a", LASTS, at(20)).await.unwrap().unwrap();
    assert_eq!((taken.id, taken.job.clone(), taken.asked_by.as_str()), (id, run_now(), "schedule"));
    journal.requests().finish(&taken, "a", &failed("no"), at(21)).await.unwrap();
    assert_eq!(journal.schedule().list().await.unwrap()[&link()].covered, Some(at(20)));
    assert!(journal.schedule().cover_slot(&link(), at(30), at(30), at(30)).await.unwrap().is_some());
    assert!(journal.runs().acts(&link(), i64::MAX, 9).await.unwrap().is_empty(), "the schedule is no person");
}

async fn links_switch_is_a_persons_word_with_reason(world: World) {
    let journal = world.open().await;
    let switch = async |journal: &Journal| journal.schedule().list().await.unwrap()[&link()].switch.clone();
    journal.schedule().switch(&link(), Some(false), "jo", "maintenance", at(1)).await.unwrap();
    let off = switch(&journal).await.unwrap();
    assert_eq!((off.enabled, off.since, off.by.as_str(), off.why.as_str()), (false, at(1), "jo", "maintenance"));
    journal.schedule().switch(&link(), None, "jo", "over", at(2)).await.unwrap();
    assert_eq!(switch(&journal).await, None);
    assert_eq!(journal.runs().acts(&link(), i64::MAX, 9).await.unwrap().len(), 2);
}

fn failed(words: &str) -> JobOutcome {
    JobOutcome::Failed { words: words.to_owned(), remedy: String::new() }
}

async fn membership_event_is_taken_once_and_asks_for_one_look(world: World) {
    let journal = world.open().await;
    let take = |signature: &'static str, user: &'static str, minute: i64| {
        let journal = journal.clone();
        async move {
            journal.requests().accept_member_event(&link(), signature, user, at(minute - 10), at(minute)).await.unwrap()
        }
    };
    let first = take("s1", "ann", 0).await.unwrap();
    assert_eq!(take("s1", "ann", 1).await, None, "a replay");
    assert_eq!(take("s2", "ann", 2).await, Some(first), "the look still waits");
    let other = take("s3", "ben", 3).await.unwrap();
    assert_ne!(other, first);
    let taken = journal.requests().take("n1", LASTS, at(4)).await.unwrap().unwrap();
    let ask = Job::SyncMember { link: link(), user: "ann".to_owned() };
    assert_eq!((taken.id, &taken.job, taken.asked_by.as_str()), (first, &ask, EVENT));
    assert_ne!(take("s4", "ann", 5).await, Some(first), "what happens during a look is looked at anew");
    assert_eq!(world.number("SELECT COUNT(*) FROM membership_event").await, 4);
    take("s5", "eve", 20).await;
    assert_eq!(world.number("SELECT COUNT(*) FROM membership_event").await, 1, "old ones are forgotten");
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE author = 'membership event'").await, 4);
}
