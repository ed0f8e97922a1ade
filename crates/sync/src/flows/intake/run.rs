//! One run of intake, as the engine takes it.

use super::apply::{Applied, apply_intake};
use super::read::{Question, Taken};
use super::record::Recorder;
use super::report::{IntakeError, IntakeReport};
use super::world::IntakeWorld;
use super::{IntakeFlow, IntakeQuery, IntakeRequest};
use crate::engine::{Decided, Flow, Run, Sender, Timing, Write, run, send_and_record};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_core::guard::{Decision, Finding};
use rollbook_core::model::{Fingerprint, LinkName};
use rollbook_core::plan::{IntakeChange, IntakePlan, Skip};
use rollbook_core::run::{Counts, Disposition, RunKind, RunState, Verdict};
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::{Intent, Journal, NewRun, OpenPlan};
use rollbook_moodle::client::MoodleClient;
use rollbook_moodle::snapshot::{RequiredRights, prove_rights};
use serde::Deserialize;
use std::collections::BTreeSet;
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
    let intake = IntakeRun { flow, request, question: None, taken: BTreeSet::new(), report: None };
    run(intake, journal, clock, request.purpose, stop).await
}

struct IntakeRun<'a> {
    flow: &'a IntakeFlow,
    request: &'a IntakeRequest,
    /// What the feed is asked; taken by the reading.
    question: Option<Question>,
    /// The records that this run decides.
    taken: BTreeSet<Fingerprint>,
    report: Option<IntakeReport>,
}

/// What one run decides, and what it is decided by.
struct Part {
    question: Question,
    taken: Taken,
    world: IntakeWorld,
}

/// What a stored plan that waits says of records.
#[derive(Deserialize)]
struct StoredPlan {
    changes: Vec<IntakeChange>,
    skips: Vec<StoredSkip>,
}

#[derive(Deserialize)]
struct StoredSkip {
    record: Fingerprint,
}

impl StoredPlan {
    /// One that cannot be read is of an older Rollbook: it is made again.
    fn of(plan: &OpenPlan) -> Self {
        serde_json::from_str(&plan.body).unwrap_or(Self { changes: Vec::new(), skips: Vec::new() })
    }

    fn records(&self) -> impl Iterator<Item = Fingerprint> {
        self.changes.iter().filter_map(IntakeChange::record).chain(self.skips.iter().map(|skip| skip.record))
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
        let held = run.open.iter().flat_map(|plan| StoredPlan::of(plan).records().collect::<Vec<_>>()).collect();
        let taken = Taken::choose(flow, run.journal, query, read.clone(), &held, now).await?;
        if let Some(write) = run.write() {
            question.store(write, &read, now).await?;
        }
        let known = taken.records.iter().filter(|waiting| waiting.code.doubts_identity());
        let known = known.map(|waiting| waiting.record.fingerprint);
        // Who approved a plan with many people in doubt has accepted that they are.
        let valid = |plan: &&OpenPlan| plan.approval.as_ref().is_some_and(|(_, expires)| now < *expires);
        let accepted = run.open.iter().filter(valid).flat_map(|plan| StoredPlan::of(plan).skips);
        let doubts = known.chain(accepted.map(|skip| skip.record)).collect();
        self.taken = taken.records.iter().map(|waiting| waiting.record.fingerprint).collect();
        let world = IntakeWorld::collect(flow, run.journal, taken.snapshot(), doubts, now).await?;
        Ok(Some(Part { question, taken, world }))
    }

    fn plan(&self, part: &Part, now: Timestamp) -> Result<IntakePlan, IntakeError> {
        Ok(part.world.plan(&self.flow.link, now))
    }

    fn check(&self, part: &Part, plan: &IntakePlan, now: Timestamp) -> Vec<Finding> {
        let mut findings = part.world.check(plan, &self.flow.link, now);
        findings.extend(part.taken.left_out());
        findings
    }

    /// An ordinary run takes up every record that a plan holds back.
    fn covers(&self, plan: &OpenPlan, _: RunKind) -> bool {
        self.request.query == IntakeQuery::New
            || StoredPlan::of(plan).records().all(|record| self.taken.contains(&record))
    }

    async fn prove(&self, part: &Part, plan: &IntakePlan) -> Result<(), IntakeError> {
        let Some(preflight) = &part.world.preflight else { return Ok(()) };
        let mut wanted = RequiredRights { role: Some(self.flow.policy.role), ..RequiredRights::default() };
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
        let Decided { plan, decision, .. } = &decided;
        let mut recorder = Recorder {
            flow,
            write,
            world: &part.world,
            records: part.taken.records.iter().map(|waiting| (waiting.record.fingerprint, waiting)).collect(),
            takes_turns: part.taken.left_out().is_some(),
            counts: part.counts(),
            verdicts: Vec::new(),
        };
        // Doubts that wait for an approval are not known doubts yet: the guard must find them again.
        let waiting: BTreeSet<Fingerprint> =
            decision.waiting.iter().flat_map(|waiting| &waiting.skips).map(|skip| skip.record).collect();
        let said: Vec<Skip> = plan.skips.iter().filter(|skip| !waiting.contains(&skip.record)).cloned().collect();
        recorder.record_skips(&said).await?;
        let held = decision.held.iter().filter_map(|place| plan.changes[*place].record());
        let held: Vec<Fingerprint> = held.chain(waiting).collect();
        recorder.record_not_tried(&held, "a guard holds it back until a person approves it").await?;
        let cleared = &decision.cleared;
        if let Some(preflight) = part.world.preflight.as_ref().filter(|_| !cleared.plan().changes.is_empty()) {
            let now = write.clock.now();
            let apply = async |sender: Sender<'_, Applied>| apply_intake(cleared, preflight, now, sender).await;
            let record = async |applied| recorder.record_applied(applied).await;
            let made = send_and_record(&flow.moodle, &write.lease, flow.concurrency, apply, record).await?;
            recorder.counts.accounts = made;
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
    /// What waits and is not taken up counts, too: a run that leaves something open says so.
    fn counts(&self) -> Counts {
        let Taken { read, settled, left, .. } = &self.taken;
        let left = |standing| left.get(&standing).copied().unwrap_or_default();
        Counts {
            records: *read,
            skipped: *settled,
            waiting: left(Disposition::Transient) + left(Disposition::Awaited),
            errors: left(Disposition::Attention),
            ..Counts::default()
        }
    }

    fn report(self, decided: Decided<IntakePlan>, counts: Counts, verdicts: Vec<Verdict>) -> IntakeReport {
        let Snapshot { mut gaps, value: records, .. } = self.world.records;
        gaps.extend(self.question.unread());
        let unfinished = counts.waiting + counts.errors > 0 || !gaps.is_empty();
        let state = match decided.is_held() {
            true => RunState::GuardRefused,
            false if unfinished => RunState::Partly,
            false => RunState::Done,
        };
        let Decided { plan, decision: Decision { findings, held, .. }, .. } = decided;
        IntakeReport {
            run: None,
            state,
            window: self.question.window,
            gaps,
            counts,
            plan,
            findings,
            held,
            records,
            verdicts,
            known: self.taken.settled,
            calls: Vec::new(),
            duration_ms: 0,
        }
    }
}
