//! Record → apply: the plan and its intents before any effect, the proof of sight before the first write, and what becomes
//! of each part as soon as it is known.

use super::IntakeFlow;
use super::feed::Made;
use super::record::Recorder;
use super::report::IntakeError;
use super::run::Leased;
use crate::apply::{Intake, apply_intake};
use rollbook_core::guard::{Cleared, Finding};
use rollbook_core::model::{MoodleUserId, RunId};
use rollbook_core::plan::{IntakeChange, IntakePlan, Skip};
use rollbook_core::run::OutcomeCode;
use rollbook_journal::{Intent, NewPlan, PlanState};
use rollbook_moodle::snapshot::{CanaryAccount, Preflight, Wanted, prove_rights, run_preflight};
use tokio::sync::mpsc;

/// Every Moodle gives its first administrator this id.
const FIRST_ADMINISTRATOR: MoodleUserId = MoodleUserId(2);
/// So many reports may wait for the journal before applying waits too.
const REPORTS_AHEAD_MAX: usize = 8;

/// Proof of sight, by the account that the operator named, or one that was just found. `None` where the plan neither
/// changes anything nor settles a record because something is not there.
pub(super) async fn see(flow: &IntakeFlow, made: &Made) -> Result<Option<Preflight>, IntakeError> {
    let Made { plan, world, .. } = made;
    if plan.changes.is_empty() && !plan.skips.iter().any(rests_on_absence) {
        return Ok(None);
    }
    let met = world.directory.accounts().find(|account| !account.guid.is_empty()).map(|account| account.id);
    let sentinel = match (&flow.sentinel, met) {
        (Some(word), _) => CanaryAccount::Named(word.clone()),
        (None, Some(id)) => CanaryAccount::Account(id),
        (None, None) => CanaryAccount::Account(FIRST_ADMINISTRATOR),
    };
    Ok(Some(run_preflight(&flow.moodle.reader(), &sentinel).await?))
}

/// To a token that sees too little everybody is absent, and the record would be settled for ever.
fn rests_on_absence(skip: &Skip) -> bool {
    matches!(skip.verdict.code(), OutcomeCode::NoAccount | OutcomeCode::NotEnrolled | OutcomeCode::AlreadySuspended)
}

/// Proof that the token may do what the plan wants.
pub(super) async fn prove(flow: &IntakeFlow, plan: &IntakePlan, preflight: &Preflight) -> Result<(), IntakeError> {
    let mut wanted = Wanted::default();
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
    Ok(prove_rights(&flow.moodle.reader(), preflight.service_name(), &wanted).await?)
}

/// Applies a cleared plan; what becomes of each part is recorded as soon as it is known.
pub(super) async fn apply(
    with: &Leased<'_>,
    cleared: &Cleared<IntakePlan>,
    preflight: &Preflight,
    recorder: &mut Recorder<'_>,
) -> Result<(), IntakeError> {
    let Leased { flow, lease, stop, .. } = with;
    let (reader, writer) = (flow.moodle.reader(), flow.moodle.writer());
    let intake = Intake { reader: &reader, writer: &writer, preflight, lease, concurrency: flow.concurrency, stop };
    let (report, mut reports) = mpsc::channel(REPORTS_AHEAD_MAX);
    let record = async {
        let mut recorded = Ok(());
        while let Some(applied) = reports.recv().await {
            recorded = recorder.record_applied(applied).await;
            if recorded.is_err() {
                // Nothing further is sent once the journal cannot say what was.
                reports.close();
                break;
            }
        }
        recorded
    };
    let (accounts, recorded) = tokio::join!(apply_intake(cleared, &intake, report), record);
    recorded?;
    recorder.counts.accounts = accounts;
    Ok(())
}

/// How the guards' word on a plan stands.
pub(super) enum Clearance {
    /// It may run, perhaps by an approval that is used up.
    Given {
        /// The approved plan's row.
        approval: Option<i64>,
    },
    /// It may not.
    Refused,
}

/// The plan and the intents, before any effect.
pub(super) async fn remember_plan(
    with: &Leased<'_>,
    run: &RunId,
    plan: &IntakePlan,
    findings: &[Finding],
    clearance: Clearance,
) -> Result<(), IntakeError> {
    if plan.changes.is_empty() && findings.is_empty() {
        return Ok(());
    }
    let Leased { journal, clock, lease, .. } = with;
    let (state, approval, intents) = match clearance {
        Clearance::Given { approval } => {
            (PlanState::Cleared, approval, plan.changes.iter().filter_map(intent).collect())
        }
        Clearance::Refused => (PlanState::Blocked, None, Vec::new()),
    };
    let body = serde_json::to_string(plan).expect("a plan is plain data");
    let stored = NewPlan { digest: &plan.digest(), body: &body, findings, state, approval };
    journal.plans().store(lease, run, &stored, &intents, clock.now()).await?;
    Ok(())
}

fn intent(change: &IntakeChange) -> Option<Intent> {
    let record = change.record()?;
    Some(Intent {
        record,
        step: change.to_string(),
        change: serde_json::to_value(change).expect("a change is plain data"),
    })
}
