//! What becomes of reports when the ELM is down, slow, confused, or refuses one.

use crate::faults::history::KINDS;
use crate::world::{Learner, Lookups, Stage, flow, minutes};
use jiff::SignedDuration;
use rollbook_core::run::RunState;
use rollbook_sandbox::{At, Fault, Kind, Target};
use rollbook_sync::flows::completions::{CompletionsReport, Sending};

const ELM: Target = Target::Completion;

async fn with(people: i64) -> (Stage, Vec<Learner>) {
    let stage = Stage::new().await;
    let learners = stage.enrol(1..people + 1).await;
    // The later the number, the earlier the completion.
    for (minute, learner) in (10..).zip(&learners) {
        stage.complete(learner, minute);
    }
    (stage, learners)
}

fn in_order(learners: &[Learner]) -> Vec<i64> {
    learners.iter().rev().map(|learner| learner.enrolment).collect()
}

#[tokio::test]
async fn elm_that_is_down_for_two_days_gets_everything_after_in_the_order_of_completion() {
    let (mut stage, mut learners) = with(20).await;
    stage.flow.concurrency = 1;
    stage.sandbox.faults().arm(Fault::every(ELM, Kind::RefuseConnection));
    let first = stage.run().await;
    assert_eq!((first.state, first.delivered.failed, first.delivered.waiting), (RunState::Partly, 3, 20));
    assert!(first.delivered.rests_until.is_some(), "an ELM in trouble is left alone");
    let mut tries = 0;
    for _ in 0..(49 * 3) {
        stage.pass(minutes(20));
        tries += stage.run().await.delivered.failed;
    }
    assert!(tries < 60, "bounded: {tries} tries in two days for 20 reports");
    assert_eq!(stage.asked().await, ["completion_elm"], "one question, not one a report");
    let newcomer = stage.enrol(50..51).await;
    stage.complete(&newcomer[0], 1);
    stage.sandbox.faults().clear();
    for _ in 0..(7 * 3) {
        stage.pass(minutes(20));
        stage.run().await;
    }
    learners.insert(0, newcomer[0]);
    assert_eq!(stage.enrolments(), in_order(&learners));
    assert_eq!(stage.asked().await, [""; 0]);
}

/// Runs until nothing waits; gives the last report.
async fn settle(stage: &Stage) -> CompletionsReport {
    for _ in 0..200 {
        let report = stage.run().await;
        if report.delivered.waiting == 0 {
            return report;
        }
        stage.pass(minutes(5));
    }
    panic!("reports still wait");
}

#[tokio::test]
async fn every_way_to_fail_before_or_after_the_effect_ends_in_one_report() {
    for kind in KINDS.into_iter().chain(Kind::SILENT) {
        for nth in [1, 2] {
            let (stage, learners) = with(3).await;
            stage.sandbox.faults().arm(Fault::nth(ELM, nth, kind));
            settle(&stage).await;
            let mut enrolments = stage.enrolments();
            enrolments.sort_unstable();
            let wanted: Vec<i64> = learners.iter().map(|learner| learner.enrolment).collect();
            assert_eq!(enrolments, wanted, "{kind:?} at call {nth}");
            let rows = stage.rows().await;
            let sent = rows.iter().filter(|row| row.standing == "sent" && row.accepted_at.is_some()).count();
            assert_eq!(
                (sent, stage.asked().await),
                (wanted.len(), vec![]),
                "{kind:?} at call {nth}: as without a fault"
            );
            assert_eq!(stage.sandbox.faults().fired().len(), 1, "{kind:?} at call {nth}");
        }
    }
}

#[tokio::test]
async fn look_up_that_fails_too_is_made_again_before_anything_is_sent() {
    let (stage, learners) = with(1).await;
    stage.sandbox.faults().arm(Fault::nth(ELM, 1, Kind::HttpAfterEffect(502)));
    stage.sandbox.faults().arm(Fault::nth(ELM, 2, Kind::HttpBeforeEffect(500)));
    stage.sandbox.faults().arm(Fault::nth(ELM, 3, Kind::Html200));
    let last = settle(&stage).await;
    assert_eq!((last.delivered.found, stage.enrolments()), (1, vec![learners[0].enrolment]));
    let calls = stage.sandbox.calls();
    assert_eq!((calls.of("completion"), calls.of("completion_lookup")), (1, 3));
}

#[tokio::test]
async fn without_a_look_up_a_report_in_doubt_is_sent_again_with_the_same_key() {
    let (mut stage, _) = with(1).await;
    stage.flow = flow(&stage.sandbox.moodle_url(), &stage.sandbox.completion_url(), Lookups::No);
    stage.sandbox.faults().arm(Fault::nth(ELM, 1, Kind::ResetAfterEffect));
    settle(&stage).await;
    let world = stage.sandbox.world();
    let [first, second] = &world.elm.completions[..] else { panic!("two tries") };
    assert_eq!(first.idempotency_key, second.idempotency_key);
    assert_eq!(first.body, second.body);
}

#[tokio::test]
async fn refused_report_asks_a_human_once_with_the_elms_words_and_the_others_go_on() {
    let (stage, learners) = with(5).await;
    stage.sandbox.faults().arm(Fault::nth(ELM, 2, Kind::HttpBeforeEffect(422)));
    let report = stage.run().await;
    assert_eq!((report.delivered.accepted, report.delivered.refused, report.state), (4, 1, RunState::Partly));
    for _ in 0..3 {
        stage.pass(minutes(60));
        stage.run().await;
    }
    assert_eq!(stage.asked().await, ["completion_refused"]);
    assert_eq!(stage.sandbox.calls().of("completion"), 5, "nobody sends it again by itself");
    let refused = stage.rows().await.into_iter().find(|row| row.standing == "refused").unwrap();
    let refused = refused.report.unwrap();
    assert!(refused.answer.contains("422"), "{}", refused.answer);
    stage.journal.completions().resend(&stage.flow.link, &[refused.id], "ann", stage.clock.now()).await.unwrap();
    stage.run().await;
    assert_eq!((stage.enrolments().len(), stage.asked().await), (learners.len(), vec![]));
}

#[tokio::test]
async fn report_that_always_fails_stops_nobody_and_asks_a_human_in_the_end() {
    let (mut stage, learners) = with(6).await;
    stage.flow.concurrency = 1;
    let poison = learners.last().unwrap().enrolment;
    stage.run_with_trouble(1).await;
    let others: Vec<i64> = in_order(&learners).into_iter().filter(|enrolment| *enrolment != poison).collect();
    assert_eq!(stage.enrolments(), others, "the others went on at once");
    stage.run_with_trouble(49 * 3).await;
    assert_eq!(stage.asked().await, ["completion_stuck"]);
    settle(&stage).await;
    assert_eq!(stage.enrolments().len(), 6);
    assert!(stage.asked().await.is_empty());
}

impl Stage {
    /// So many runs, twenty minutes apart, in each of which the first try fails: that of the earliest completion.
    async fn run_with_trouble(&self, runs: usize) {
        for _ in 0..runs {
            self.sandbox.faults().clear();
            self.sandbox.faults().arm(Fault { target: ELM, at: At::Nth(1), kind: Kind::HttpBeforeEffect(500) });
            self.run().await;
            self.pass(minutes(20));
        }
        self.sandbox.faults().clear();
    }
}

#[tokio::test]
async fn wrong_token_asks_a_human_at_once_and_refuses_no_report() {
    let (stage, _) = with(5).await;
    stage.sandbox.faults().arm(Fault::every(ELM, Kind::HttpBeforeEffect(401)));
    let report = stage.run().await;
    assert_eq!((report.delivered.refused, report.delivered.failed), (0, 3));
    assert_eq!(stage.asked().await, ["completion_elm"]);
    stage.sandbox.faults().clear();
    settle(&stage).await;
    assert_eq!((stage.enrolments().len(), stage.asked().await), (5, vec![]));
}

#[tokio::test]
async fn kill_switch_stops_sending_and_not_recording() {
    let (mut stage, learners) = with(5).await;
    stage.flow.sending = Sending::Off;
    let report = stage.run().await;
    assert!(report.delivered.held && report.queued == 5);
    assert_eq!(stage.sandbox.calls().of("completion"), 0);
    stage.flow.sending = Sending::On;
    stage.flow.concurrency = 1;
    stage.run().await;
    assert_eq!(stage.enrolments(), in_order(&learners));
}

#[tokio::test]
async fn completion_without_enrolment_record_asks_once_and_is_sent_with_the_id_that_a_human_supplies() {
    let (stage, _) = with(2).await;
    let guid = "GUID000001".to_owned();
    stage.forget_records(&guid).await;
    for _ in 0..3 {
        stage.run().await;
        stage.pass(minutes(5));
    }
    assert_eq!(stage.asked().await, ["completion_no_enrolment_record"]);
    assert_eq!(stage.enrolments().len(), 1);
    let waiting = stage.rows().await.into_iter().find(|row| row.standing == "waiting").unwrap();
    let id = rollbook_core::model::EnrolmentId::new("4711");
    stage
        .journal
        .completions()
        .supply_enrolment(&stage.flow.link, waiting.seen.key, &id, "ann", stage.clock.now())
        .await
        .unwrap();
    stage.run().await;
    assert_eq!(stage.enrolments()[1], 4711);
    assert!(stage.asked().await.is_empty());
}

impl Stage {
    /// As if the enrolment had been made by somebody else: the journal's record of it is gone.
    async fn forget_records(&self, guid: &str) {
        use sqlx::Connection;
        let url = self.journal_path().display().to_string();
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query("DELETE FROM record WHERE guid = ?").bind(guid).execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn latency_and_attempts_are_in_the_journal() {
    let (stage, _) = with(1).await;
    stage.sandbox.faults().arm(Fault::nth(ELM, 1, Kind::HttpBeforeEffect(500)));
    settle(&stage).await;
    let row = stage.rows().await.remove(0);
    let report = row.report.unwrap();
    assert_eq!(report.delivery.attempts, 2);
    let latency = row.accepted_at.unwrap().duration_since(row.seen.key.completed_at);
    assert!(latency > SignedDuration::from_mins(10), "{latency}");
    assert!(report.answer.starts_with("HTTP 201"), "{}", report.answer);
}
