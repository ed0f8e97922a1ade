//! A completion is recorded before it is reported, once, and what becomes of the report is known afterwards.

use crate::world::{TTL, World, at, enrolled, new_run, read, record};
use jiff::tz::TimeZone;
use rollbook_core::desired::OptedCourse;
use rollbook_core::model::{
    CompletionKey, ElmCourseId, EnrolmentId, Guid, LinkName, MoodleCourseId, MoodleUserId, RunId, SeenBy,
    SeenCompletion,
};
use rollbook_core::plan::{CompletionInputs, CompletionsPlan, KnownCompletions, plan_completions};
use rollbook_core::policy::{CompletionLimits, CompletionsPolicy, DeliveryRules, ReportTemplate};
use rollbook_core::run::{Circuit, Delivery, DeliveryEvent, DeliveryState, Jitter, Receipt, step};
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::{
    CompletionQuery, CompletionsRecord, Journal, JournalError, KnownQuery, Lease, NewAttention, OpenReport,
    PushedEvent, Received, ReportMove, Reviewed,
};
use serde_json::json;
use std::collections::BTreeMap;

crate::rules! {
    completion_is_queued_once_whatever_is_recorded_again,
    candidates_are_those_enrolled_by_intake_and_not_seen_to_have_completed,
    what_waits_is_asked_once_and_closed_when_it_is_reported,
    ignored_question_is_not_asked_again,
    report_moves_with_its_line_its_event_and_its_attention,
    reports_are_open_in_the_order_of_completion,
    completions_come_page_by_page,
    report_that_a_person_moved_is_not_moved_by_the_run,
    refused_report_is_sent_again_by_a_persons_word,
    marked_completion_is_known_and_never_waits,
    skipped_completion_waits_for_other_settings,
    pushed_event_is_taken_once,
    run_that_lost_its_lease_writes_nothing,
}

fn done() -> LinkName {
    LinkName::new("done")
}

fn intake() -> LinkName {
    crate::world::link()
}

/// Intake has enrolled person 1 in course 930001 (Moodle's 7) as account 42, and a run of completions has begun.
async fn started(world: &World) -> (Journal, Lease, RunId) {
    let (journal, lease, run) = world.started().await;
    let fed = record(1);
    journal.records().ingest(&lease, &run, &read(std::slice::from_ref(&fed)), at(0)).await.unwrap();
    journal.records().decide(&lease, &run, &[enrolled(&fed)], at(2)).await.unwrap();
    let lease = journal.leases().acquire(&done(), "two", TTL, at(3)).await.unwrap();
    let run = journal.runs().start(&lease, &new_run(), at(3)).await.unwrap();
    (journal, lease, run)
}

fn seen(user: i64, minute: i64, guid: &str) -> SeenCompletion {
    SeenCompletion {
        key: CompletionKey { user: MoodleUserId(user), course: MoodleCourseId(7), completed_at: at(minute) },
        guid: Guid::new(guid),
        mail: "jane@example.org".into(),
        first_name: "Jane".into(),
        last_name: "Doe".into(),
        by: SeenBy::Database,
    }
}

fn jane(minute: i64) -> SeenCompletion {
    seen(42, minute, "GUID0000001")
}

fn opted(minute: i64) -> OptedCourse {
    OptedCourse {
        id: MoodleCourseId(7),
        elm_id: Some(ElmCourseId::new("930001")),
        full_name: "Health and Safety".into(),
        opted_at: at(minute),
        withdrawn: false,
        scanned_from: None,
    }
}

fn policy() -> CompletionsPolicy {
    CompletionsPolicy {
        zone: TimeZone::UTC,
        report_from: None,
        words: ReportTemplate::default(),
        delivery: DeliveryRules::default(),
        limits: CompletionLimits::default(),
    }
}

async fn plan(journal: &Journal, completions: &[SeenCompletion], opted: &OptedCourse) -> CompletionsPlan {
    let course = ElmCourseId::new("930001");
    let asked: Vec<KnownQuery> = completions
        .iter()
        .map(|seen| KnownQuery {
            user: seen.key.user,
            course: seen.key.course,
            guid: seen.guid.folded(),
            elm_id: Some(course.clone()),
        })
        .collect();
    let known = KnownCompletions::new(journal.completions().known(&done(), &asked).await.unwrap());
    let pairs: Vec<_> = asked.iter().map(|asked| (asked.guid.clone(), course.clone())).collect();
    let records = journal.completions().enrolment_records(&[intake()], &pairs).await.unwrap();
    let waiting = journal.completions().waiting(&done(), None, 99).await.unwrap();
    let supplied = waiting.into_iter().filter_map(|waiting| Some((waiting.seen.key, waiting.supplied?))).collect();
    let (link, courses) = (done(), BTreeMap::from([(opted.id, opted.clone())]));
    let seen = Snapshot::complete(at(9), completions.to_vec());
    let inputs = CompletionInputs {
        link: &link,
        seen: &seen,
        courses: &courses,
        records: &records,
        known: &known,
        supplied: &supplied,
    };
    plan_completions(&inputs, &policy(), at(9))
}

/// Plans and records, as a run does.
async fn keep(
    journal: &Journal,
    lease: &Lease,
    run: &RunId,
    completions: &[SeenCompletion],
) -> Result<u64, JournalError> {
    let opted = opted(0);
    let plan = plan(journal, completions, &opted).await;
    let asks: Vec<NewAttention> =
        plan.skips.iter().filter(|skip| skip.why.code() != "already_reported").map(ask).collect();
    let seen = completions.iter().map(|seen| (seen.key, seen.clone())).collect();
    let looked: Vec<_> = completions.iter().map(|seen| (seen.key.user, seen.key.course)).collect();
    let record = CompletionsRecord {
        plan: &plan,
        seen: &seen,
        courses: std::slice::from_ref(&opted),
        checked: Some(at(9)),
        covered: Some(at(8)),
        full: None,
        looked: &looked,
        attention: &asks,
        reviewed: Reviewed::All,
    };
    journal.completions().record(lease, run, &record, at(9)).await.map(|queued| queued.reports)
}

fn ask(skip: &rollbook_core::plan::CompletionSkip) -> NewAttention {
    let subject = format!("account {} in course {}", skip.seen.key.user, skip.seen.key.course);
    let kind = format!("completion_{}", skip.why.code());
    NewAttention { kind, subject, title: skip.why.to_string(), evidence: json!({"why": skip.why}) }
}

async fn open_asks(world: &World) -> i64 {
    world.number("SELECT COUNT(*) FROM attention WHERE closed_ms IS NULL").await
}

fn go(report: &OpenReport, by: DeliveryEvent, minute: i64) -> Delivery {
    step(report.delivery, by, &DeliveryRules::default(), at(minute), Jitter::new(0)).unwrap()
}

async fn moved(
    journal: &Journal,
    lease: &Lease,
    run: &RunId,
    report: &OpenReport,
    by: DeliveryEvent,
    minute: i64,
) -> Result<OpenReport, JournalError> {
    let to = go(report, by, minute);
    let answer = if to.state == DeliveryState::Sending { "" } else { "the ELM's words" };
    let refused = (to.state == DeliveryState::Refused).then(|| NewAttention {
        kind: "completion_refused".into(),
        subject: "account 42 in course 7".into(),
        title: "refused".into(),
        evidence: json!({}),
    });
    let step = ReportMove { report, to, what: "answered", answer, attention: refused };
    journal.completions().move_report(lease, run, &step, at(minute)).await?;
    Ok(OpenReport { delivery: to, ..report.clone() })
}

async fn completion_is_queued_once_whatever_is_recorded_again(world: World) {
    let (journal, lease, run) = started(&world).await;
    assert_eq!(keep(&journal, &lease, &run, &[jane(5)]).await.unwrap(), 1);
    assert_eq!(keep(&journal, &lease, &run, &[jane(5)]).await.unwrap(), 0);
    // Even a plan that was made before the first was recorded queues nothing more.
    let blind = plan(&world.open().await, &[], &opted(0)).await;
    assert!(blind.reports.is_empty());
    assert_eq!(world.number("SELECT COUNT(*) FROM outbox WHERE kind = 'completion'").await, 1);
    let intended = "SELECT COUNT(*) FROM event WHERE kind = 'intended' AND link = 'done'";
    assert_eq!(world.number(intended).await, 1);
    let line = "SELECT COUNT(*) FROM record WHERE link = 'done' AND action = 'Complete' AND status = 'Waiting'
        AND enrolment_id = '500001' AND user_id = 42 AND short_name = 'ITEM-1-1'";
    assert_eq!(world.number(line).await, 1);
    let state = journal.completions().state(&done()).await.unwrap();
    assert_eq!((state.checked, state.covered, state.full), (Some(at(9)), Some(at(8)), None));
    assert_eq!(journal.completions().opted_courses(&done()).await.unwrap(), [opted(0)]);
}

async fn candidates_are_those_enrolled_by_intake_and_not_seen_to_have_completed(world: World) {
    let (journal, lease, run) = started(&world).await;
    let none = journal.completions().candidates(&done(), &[intake()], &[]).await.unwrap();
    assert!(none.is_empty(), "the course has not opted in: {none:?}");
    let courses = journal.completions().intake_courses(&[intake()]).await.unwrap();
    assert_eq!(courses, BTreeMap::from([(MoodleCourseId(7), ElmCourseId::new("930001"))]));
    keep(&journal, &lease, &run, &[]).await.unwrap();
    let [jane_only] = &journal.completions().candidates(&done(), &[intake()], &[MoodleCourseId(7)]).await.unwrap()[..]
    else {
        panic!()
    };
    assert_eq!((jane_only.candidate.user.0, jane_only.guid.as_str()), (42, "guid0000001"));
    assert_eq!((jane_only.candidate.enrolled_at, jane_only.candidate.looked_at), (at(2), None));
    keep(&journal, &lease, &run, &[jane(5)]).await.unwrap();
    assert!(journal.completions().candidates(&done(), &[intake()], &[MoodleCourseId(7)]).await.unwrap().is_empty());
    assert!(
        journal
            .completions()
            .candidates(&done(), &[LinkName::new("other")], &[MoodleCourseId(7)])
            .await
            .unwrap()
            .is_empty()
    );
}

async fn what_waits_is_asked_once_and_closed_when_it_is_reported(world: World) {
    let (journal, lease, run) = started(&world).await;
    let john = seen(43, 5, "GUID-OF-NOBODY");
    for _ in 0..2 {
        assert_eq!(keep(&journal, &lease, &run, std::slice::from_ref(&john)).await.unwrap(), 0);
    }
    assert_eq!((open_asks(&world).await, world.number("SELECT COUNT(*) FROM attention").await), (1, 1));
    let waiting = journal.completions().waiting(&done(), None, 9).await.unwrap();
    assert_eq!((waiting.len(), &waiting[0].seen), (1, &john));
    journal.completions().supply_enrolment(&done(), john.key, &EnrolmentId::new("777"), "ann", at(10)).await.unwrap();
    assert_eq!(keep(&journal, &lease, &run, std::slice::from_ref(&john)).await.unwrap(), 1);
    assert_eq!(open_asks(&world).await, 0);
    assert!(journal.completions().waiting(&done(), None, 9).await.unwrap().is_empty());
    let again =
        journal.completions().supply_enrolment(&done(), john.key, &EnrolmentId::new("778"), "ann", at(11)).await;
    assert!(matches!(again, Err(JournalError::NotFound { .. })));
}

async fn ignored_question_is_not_asked_again(world: World) {
    let (journal, lease, run) = started(&world).await;
    let john = seen(43, 5, "GUID-OF-NOBODY");
    keep(&journal, &lease, &run, std::slice::from_ref(&john)).await.unwrap();
    let item = journal.attention().list(&Default::default(), 9).await.unwrap().remove(0);
    let ignore = rollbook_journal::Resolution::Ignore;
    journal.attention().resolve(item.id, ignore, "ignore", "ann", "a teacher", at(10)).await.unwrap();
    keep(&journal, &lease, &run, std::slice::from_ref(&john)).await.unwrap();
    assert_eq!(open_asks(&world).await, 0);
}

async fn report_moves_with_its_line_its_event_and_its_attention(world: World) {
    let (journal, lease, run) = started(&world).await;
    keep(&journal, &lease, &run, &[jane(5)]).await.unwrap();
    let report = journal.completions().open_reports(&done(), 9).await.unwrap().remove(0);
    assert_eq!((report.delivery.state, report.report.enrolment), (DeliveryState::Due, 500_001));
    let claimed = moved(&journal, &lease, &run, &report, DeliveryEvent::Claimed, 10).await.unwrap();
    let refused = DeliveryEvent::Answered(Receipt::Refused { status: 400 });
    moved(&journal, &lease, &run, &claimed, refused, 10).await.unwrap();
    assert_eq!(open_asks(&world).await, 1);
    assert!(journal.completions().open_reports(&done(), 9).await.unwrap().is_empty());
    let error = "SELECT COUNT(*) FROM record WHERE link = 'done' AND status = 'Error'";
    assert_eq!(world.number(error).await, 1);
    assert_eq!(journal.completions().resend(&done(), &[report.id], "ann", at(11)).await.unwrap(), 1);
    assert_eq!(open_asks(&world).await, 0);
    let report = journal.completions().open_reports(&done(), 9).await.unwrap().remove(0);
    let claimed = moved(&journal, &lease, &run, &report, DeliveryEvent::Claimed, 12).await.unwrap();
    assert_eq!(claimed.delivery.attempts, 2);
    moved(&journal, &lease, &run, &claimed, DeliveryEvent::Answered(Receipt::Accepted), 12).await.unwrap();
    let row = journal
        .completions()
        .list(&done(), &CompletionQuery { limit: 9, ..Default::default() })
        .await
        .unwrap()
        .remove(0);
    assert_eq!((row.standing.as_str(), row.accepted_at), ("sent", Some(at(12))));
    assert_eq!(row.report.unwrap().answer, "the ELM's words");
    let line = "SELECT COUNT(*) FROM local_psaelmsync_logs WHERE action = 'Complete' AND status = 'Success'
        AND elm_enrolment_id = 500001";
    assert_eq!(world.number(line).await, 1);
    let tally = "SELECT COALESCE(SUM(total), 0) FROM tally WHERE link = 'done' AND action = 'Complete'";
    assert_eq!(world.number(&tally.replace("SUM(total)", "CAST(SUM(total) AS BIGINT)")).await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'delivered'").await, 2);
    let totals = journal.completions().totals(&done()).await.unwrap();
    assert_eq!(totals, BTreeMap::from([("sent".to_owned(), 1)]));
}

async fn reports_are_open_in_the_order_of_completion(world: World) {
    let (journal, lease, run) = started(&world).await;
    let completions = [jane(7), seen(43, 5, "G-A"), seen(44, 6, "G-B")];
    keep(&journal, &lease, &run, &completions).await.unwrap();
    for late in &completions[1..] {
        journal.completions().supply_enrolment(&done(), late.key, &EnrolmentId::new("7"), "ann", at(10)).await.unwrap();
    }
    keep(&journal, &lease, &run, &completions[1..]).await.unwrap();
    let open = journal.completions().open_reports(&done(), 9).await.unwrap();
    assert_eq!(open.iter().map(|open| open.report.key.user.0).collect::<Vec<_>>(), [43, 44, 42]);
    assert_eq!(journal.completions().open_reports(&done(), 2).await.unwrap().len(), 2);
}

async fn completions_come_page_by_page(world: World) {
    let (journal, lease, run) = started(&world).await;
    keep(&journal, &lease, &run, &[jane(7), seen(43, 5, "G-A"), seen(44, 7, "G-B")]).await.unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    for _ in 0..4 {
        let query = CompletionQuery { after, limit: 1, ..Default::default() };
        let page = journal.completions().list(&done(), &query).await.unwrap();
        after = page.last().map(|row| row.keyset().to_string().parse().unwrap());
        found.extend(page.into_iter().map(|row| row.seen.key.user.0));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [44, 42, 43], "the latest first, equal ones by their number");
}

async fn report_that_a_person_moved_is_not_moved_by_the_run(world: World) {
    let (journal, lease, run) = started(&world).await;
    keep(&journal, &lease, &run, &[jane(5)]).await.unwrap();
    let report = journal.completions().open_reports(&done(), 9).await.unwrap().remove(0);
    assert_eq!(journal.completions().cancel_reports(&done(), &[report.id, 999], "ann", at(10)).await.unwrap(), 1);
    let claimed = moved(&journal, &lease, &run, &report, DeliveryEvent::Claimed, 11).await;
    assert!(matches!(claimed, Err(JournalError::Conflict { .. })));
    assert_eq!(
        journal.completions().cancel_reports(&LinkName::new("other"), &[report.id], "ann", at(10)).await.unwrap(),
        0
    );
}

async fn refused_report_is_sent_again_by_a_persons_word(world: World) {
    let (journal, lease, run) = started(&world).await;
    keep(&journal, &lease, &run, &[jane(5)]).await.unwrap();
    let report = journal.completions().open_reports(&done(), 9).await.unwrap().remove(0);
    let claimed = moved(&journal, &lease, &run, &report, DeliveryEvent::Claimed, 10).await.unwrap();
    let doubt = DeliveryEvent::Answered(Receipt::Unknown { retry_after: None });
    moved(&journal, &lease, &run, &claimed, doubt, 10).await.unwrap();
    assert_eq!(journal.completions().resend(&done(), &[report.id], "ann", at(11)).await.unwrap(), 1);
    let report = journal.completions().open_reports(&done(), 9).await.unwrap().remove(0);
    assert_eq!(report.delivery.state, DeliveryState::Unknown, "one in doubt is looked for first");
    assert_eq!(report.delivery.next, at(11));
    let acted = "SELECT COUNT(*) FROM event WHERE kind = 'acted' AND author = 'ann' AND link = 'done'";
    assert_eq!(world.number(acted).await, 1);
}

async fn marked_completion_is_known_and_never_waits(world: World) {
    let (journal, lease, run) = started(&world).await;
    let john = seen(43, 5, "GUID-OF-NOBODY");
    keep(&journal, &lease, &run, std::slice::from_ref(&john)).await.unwrap();
    let course = Some(ElmCourseId::new("930001"));
    let all = [(jane(5), course.clone()), (john.clone(), course)];
    let marked = journal.completions().mark_reported(&done(), &all, "ann", at(10)).await.unwrap();
    assert_eq!((marked.marked, marked.known), (2, 0));
    assert_eq!(journal.completions().mark_reported(&done(), &all, "ann", at(10)).await.unwrap().known, 2);
    assert_eq!(keep(&journal, &lease, &run, &[jane(5), john]).await.unwrap(), 0);
    assert_eq!(open_asks(&world).await, 0);
    let totals = journal.completions().totals(&done()).await.unwrap();
    assert_eq!(totals, BTreeMap::from([("marked".to_owned(), 2)]));
}

async fn skipped_completion_waits_for_other_settings(world: World) {
    let (journal, lease, run) = started(&world).await;
    let late = opted(8);
    let early = jane(5);
    let plan = plan(&journal, std::slice::from_ref(&early), &late).await;
    let record = CompletionsRecord {
        plan: &plan,
        seen: &BTreeMap::from([(early.key, early.clone())]),
        courses: std::slice::from_ref(&late),
        checked: None,
        covered: None,
        full: None,
        looked: &[],
        attention: &[],
        reviewed: Reviewed::All,
    };
    journal.completions().record(&lease, &run, &record, at(9)).await.unwrap();
    assert!(journal.completions().waiting(&done(), None, 9).await.unwrap().is_empty());
    assert!(journal.completions().waiting(&done(), Some(at(6)), 9).await.unwrap().is_empty());
    assert_eq!(journal.completions().waiting(&done(), Some(at(5)), 9).await.unwrap()[0].seen, early);
    assert_eq!(keep(&journal, &lease, &run, &[early]).await.unwrap(), 1);
}

async fn pushed_event_is_taken_once(world: World) {
    let journal = world.open().await;
    let event = PushedEvent { signature: "s1".into(), user: MoodleUserId(42), course: MoodleCourseId(7) };
    assert_eq!(journal.completions().accept_event(&done(), &event, at(0), at(5)).await.unwrap(), Received::New);
    assert_eq!(journal.completions().accept_event(&done(), &event, at(0), at(6)).await.unwrap(), Received::Duplicate);
    assert_eq!(journal.completions().pending_events(&done(), 9).await.unwrap(), std::slice::from_ref(&event));
    journal.completions().finish_events(std::slice::from_ref(&event), at(7)).await.unwrap();
    assert!(journal.completions().pending_events(&done(), 9).await.unwrap().is_empty());
    assert_eq!(journal.completions().accept_event(&done(), &event, at(5), at(8)).await.unwrap(), Received::Duplicate);
}

async fn run_that_lost_its_lease_writes_nothing(world: World) {
    let (journal, lease, run) = started(&world).await;
    let later = at(3) + TTL + TTL;
    journal.leases().acquire(&done(), "three", TTL, later).await.unwrap();
    assert!(matches!(keep(&journal, &lease, &run, &[jane(5)]).await, Err(JournalError::LeaseLost { .. })));
    let circuit = Circuit { failures: 2, ..Circuit::default() };
    assert!(matches!(journal.completions().save_circuit(&lease, &circuit).await, Err(JournalError::LeaseLost { .. })));
    assert_eq!(world.number("SELECT COUNT(*) FROM completion").await, 0);
    assert_eq!(journal.completions().state(&done()).await.unwrap().circuit, Circuit::default());
}
