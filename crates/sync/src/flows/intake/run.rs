//! One run of intake, as the engine takes it.

use super::apply::{Applied, apply_intake};
use super::read::{Question, Taken};
use super::record::Recorder;
use super::report::{IntakeError, IntakeReport};
use super::world::IntakeWorld;
use super::{IntakeFlow, IntakeQuery, IntakeRequest};
use crate::engine::{Decided, Flow, Plan, Run, Sender, Timing, Write, run, send_and_record};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_core::guard::Finding;
use rollbook_core::model::{Fingerprint, LinkName};
use rollbook_core::plan::{Digest, IntakeChange, IntakePlan, Skip};
use rollbook_core::run::{Counts, RunKind, RunState, Verdict};
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::{Intent, Journal, NewRun};
use rollbook_moodle::client::MoodleClient;
use rollbook_moodle::snapshot::{RequiredRights, prove_rights};
use tokio_util::sync::CancellationToken;

/// Runs intake once.
///
/// # Errors
/// [`IntakeError`]; the run is in the journal with its reason, except where the journal itself failed.
pub async fn run_intake(
    flow: &IntakeFlow,
    journal: &Journal,
    clock: &Clock,
    request: &IntakeRequest,
    stop: &CancellationToken,
) -> Result<IntakeReport, IntakeError> {
    let intake = IntakeRun { flow, request, question: None, report: None };
    run(intake, journal, clock, request.purpose, stop).await
}

struct IntakeRun<'a> {
    flow: &'a IntakeFlow,
    request: &'a IntakeRequest,
    /// What the feed is asked; taken by the reading.
    question: Option<Question>,
    report: Option<IntakeReport>,
}

/// What one run decides, and what it is decided by.
struct Part {
    question: Question,
    taken: Taken,
    world: IntakeWorld,
}

impl Plan for IntakePlan {
    fn digest(&self) -> Digest {
        Self::digest(self)
    }

    fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl Flow for IntakeRun<'_> {
    type World = Part;
    type Plan = IntakePlan;
    type Report = IntakeReport;
    type Error = IntakeError;

    fn link(&self) -> &LinkName {
        &self.flow.link
    }

    fn timing(&self) -> Timing {
        Timing { lease: self.flow.lease, limit: self.flow.limit }
    }

    fn moodle(&self) -> &MoodleClient {
        &self.flow.moodle
    }

    async fn begin(&mut self, run: &Run<'_>) -> Result<NewRun, IntakeError> {
        let query = &self.request.query;
        let question = Question::choose(self.flow, run.journal, query, run.clock.now()).await?;
        let url = question.url(self.flow, query);
        self.question = Some(question);
        let kind = if *query == IntakeQuery::New { RunKind::Normal } else { RunKind::Scoped };
        Ok(NewRun { flow: "intake".to_owned(), kind, url, author: self.request.author.clone() })
    }

    async fn collect(&mut self, run: &Run<'_>) -> Result<Option<Part>, IntakeError> {
        let Some(question) = self.question.take() else { return Ok(None) };
        let (flow, query) = (self.flow, &self.request.query);
        let now = run.clock.now();
        let read = question.read(flow, run.journal, query, now).await?;
        // What the journal knew before this reading; the reading itself is at hand.
        let taken = Taken::choose(flow, run.journal, query, read.clone(), now).await?;
        if let Some(write) = run.write() {
            question.store(write, &read, now).await?;
        }
        let doubts = taken.records.iter().filter(|waiting| waiting.code.doubts_identity());
        let doubts = doubts.map(|waiting| waiting.record.fingerprint).collect();
        let world = IntakeWorld::collect(flow, run.journal, taken.snapshot(), doubts, now).await?;
        Ok(Some(Part { question, taken, world }))
    }

    fn plan(&self, part: &Part, now: Timestamp) -> Result<(IntakePlan, Vec<Finding>), IntakeError> {
        Ok(part.world.plan(&self.flow.link, now))
    }

    async fn prove(&self, part: &Part, plan: &IntakePlan) -> Result<(), IntakeError> {
        let Some(preflight) = &part.world.preflight else { return Ok(()) };
        let mut wanted = RequiredRights::default();
        for change in &plan.changes {
            let place = match change {
                IntakeChange::CreateAccount(_) => {
                    wanted.accounts = true;
                    continue;
                }
                IntakeChange::Enrol(enrol) => (enrol.course, enrol.role),
                IntakeChange::Suspend(suspend) => (suspend.course, suspend.role),
            };
            // A plan is in the order of courses.
            if wanted.courses.last() != Some(&place) {
                wanted.courses.push(place);
            }
        }
        Ok(prove_rights(&self.flow.moodle.reader(), preflight.service_name(), &wanted).await?)
    }

    fn intents(&self, plan: &IntakePlan) -> Vec<Intent> {
        let intent = |change: &IntakeChange| {
            let (record, step) = (change.record()?, change.to_string());
            Some(Intent { record, step, change: serde_json::to_value(change).expect("a change is plain data") })
        };
        plan.changes.iter().filter_map(intent).collect()
    }

    fn show(&mut self, part: Part, decided: Decided<IntakePlan>) {
        let verdicts = decided.plan.skips.iter().map(|skip| skip.verdict.clone()).collect();
        let counts = part.counts();
        self.report = Some(part.report(decided, counts, verdicts));
    }

    async fn apply(&mut self, write: &Write<'_>, part: Part, decided: Decided<IntakePlan>) -> Result<(), IntakeError> {
        let flow = self.flow;
        let Decided { plan, cleared, .. } = &decided;
        let mut recorder = Recorder {
            flow,
            write,
            world: &part.world,
            records: part.taken.records.iter().map(|waiting| (waiting.record.fingerprint, waiting)).collect(),
            counts: part.counts(),
            verdicts: Vec::new(),
        };
        // Doubts of a refused plan are not known doubts yet: the guard must find them again.
        let (unsaid, said): (Vec<Skip>, Vec<Skip>) =
            plan.skips.iter().cloned().partition(|skip| cleared.is_none() && skip.verdict.code().doubts_identity());
        recorder.record_skips(&said).await?;
        match (cleared, &part.world.preflight) {
            (None, _) => {
                let wanted = plan.changes.iter().filter_map(IntakeChange::record);
                let held: Vec<Fingerprint> = wanted.chain(unsaid.iter().map(|skip| skip.record)).collect();
                recorder.record_not_tried(&held, "a guard refused the plan").await?;
            }
            (Some(cleared), Some(preflight)) if !cleared.plan().changes.is_empty() => {
                let now = write.clock.now();
                let apply = async |sender: Sender<'_, Applied>| apply_intake(cleared, preflight, now, sender).await;
                let record = async |applied| recorder.record_applied(applied).await;
                let made = send_and_record(&flow.moodle, &write.lease, flow.concurrency, apply, record).await?;
                recorder.counts.accounts = made;
            }
            (Some(_), _) => {}
        }
        let Recorder { counts, verdicts, .. } = recorder;
        self.report = Some(part.report(decided, counts, verdicts));
        Ok(())
    }

    fn report(self) -> Result<IntakeReport, IntakeError> {
        self.report.ok_or(IntakeError::Stopped)
    }

    fn state_after(error: &IntakeError) -> RunState {
        match error {
            IntakeError::Stopped => RunState::Stopped,
            IntakeError::Feed(_) | IntakeError::Moodle(_) | IntakeError::Journal(_) => RunState::Failed,
        }
    }
}

impl Part {
    fn counts(&self) -> Counts {
        Counts { records: self.taken.read, skipped: self.taken.settled, ..Counts::default() }
    }

    fn report(self, decided: Decided<IntakePlan>, counts: Counts, verdicts: Vec<Verdict>) -> IntakeReport {
        let Decided { plan, findings, cleared, .. } = decided;
        let unfinished = counts.waiting + counts.errors > 0;
        let state = match cleared {
            None => RunState::GuardRefused,
            Some(_) if unfinished => RunState::Partly,
            Some(_) => RunState::Done,
        };
        let Snapshot { gaps, value: records, .. } = self.world.records;
        IntakeReport {
            run: None,
            state,
            window: self.question.window,
            gaps,
            counts,
            plan,
            findings,
            records,
            verdicts,
            known: self.taken.settled,
            calls: Vec::new(),
            duration_ms: 0,
        }
    }
}
