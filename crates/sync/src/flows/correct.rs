//! A correction by a person's word, on one screen: an attention item → collect → plan → guard → record → apply → settle, and
//! then the records that waited behind the item are released.
//!
//! It runs under the link's lease like any run, and a crash anywhere is repaired by deciding again: what is so already is not
//! written once more.

use super::intake::IntakeFlow;
use crate::engine::{Decided, Flow, LeaseGuard, Purpose, Report, Run, Timing, Write, blocks, not_tried, protect, run};
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_core::guard::{Cleared, Decision, Finding, check_correction};
use rollbook_core::model::{Account, FeedRecord, Fingerprint, LinkName, RunId};
use rollbook_core::plan::{
    CannotCorrect, Correction, CorrectionInputs, CorrectionKind, CorrectionPlan, plan_correction,
};
use rollbook_core::policy::Protected;
use rollbook_core::run::{Counts, EventKind, Outcome, RunKind, RunState};
use rollbook_journal::{Journal, JournalError, NewEvent, NewRun, Resolution};
use rollbook_moodle::client::write::{UserUpdate, UserUpdateOutcome};
use rollbook_moodle::client::{CallCount, MoodleClient, MoodleError, MoodleReader};
use rollbook_moodle::snapshot::{
    CanaryAccount, MoodleSourceError, Preflight, find_by_guid, find_by_id, find_by_mail, run_preflight,
};
use rollbook_remote::database::DatabaseError;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// So many of the records behind an item are looked at for the newest.
const RECORDS_MAX: u32 = 1_000;

/// A decision about an attention item that corrects an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectionRequest {
    /// The item.
    pub item: i64,
    /// The decision.
    pub ask: CorrectionKind,
    /// Who decides.
    pub author: String,
}

/// What a correction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrected {
    /// The run that did it.
    pub run: RunId,
    /// What was changed in Moodle; empty where it was so already.
    pub changed: String,
    /// The records that were released.
    pub records: Vec<Fingerprint>,
}

/// Why an account was not corrected. Nothing was changed, except where it says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    /// No record waits behind the item, so that the feed says nothing about it.
    #[error("no record waits behind attention item {item}")]
    NothingWaits {
        /// The item.
        item: i64,
    },
    /// It would make two of somebody, or somebody of two.
    #[error("the account cannot be corrected: {0}")]
    Cannot(CannotCorrect),
    /// A guard refused.
    #[error("a guard refused: {findings}")]
    Guarded {
        /// What it found.
        findings: String,
    },
    /// Moodle did not do it, or does not say whether it did.
    #[error("Moodle did not take it: {what}")]
    NotDone {
        /// What it said.
        what: String,
    },
    /// Moodle could not be read.
    #[error("Moodle could not be read")]
    Moodle(#[from] MoodleSourceError),
    /// Moodle's database could not be read.
    #[error("Moodle's database could not be read")]
    Database(#[from] DatabaseError),
    /// The journal could not be read or written.
    #[error("the journal could not be used")]
    Journal(#[from] JournalError),
}

impl CorrectError {
    /// What to do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NothingWaits { .. } => "the item is settled already: look at the list again",
            Self::Cannot(why) => why.remedy(),
            Self::Guarded { .. } => "protected people are changed in Moodle itself, by somebody who may",
            Self::NotDone { .. } => "decide again; where Moodle refuses, its service may lack core_user_update_users",
            Self::Moodle(_) | Self::Database(_) => "see `rollbook doctor`, then decide again",
            Self::Journal(_) => "decide again",
        }
    }
}

/// Corrects the account that an item is about, and releases the records behind it.
///
/// # Errors
/// [`CorrectError`]; the run is in the journal with its reason.
pub async fn correct_account(
    flow: &IntakeFlow,
    journal: &Journal,
    clock: &Clock,
    request: &CorrectionRequest,
    stop: &CancellationToken,
) -> Result<Corrected, CorrectError> {
    let (record, records) = newest_behind(flow, journal, request.item).await?;
    let correction = CorrectionRun { flow, request, record, is_read: false, changed: String::new() };
    let outcome = run(correction, journal, clock, Purpose::Apply, stop).await?;
    let run = outcome.run.expect("a correction that is applied has a run");
    Ok(Corrected { run, changed: outcome.changed, records })
}

/// The newest record behind an item, and all of them.
async fn newest_behind(
    flow: &IntakeFlow,
    journal: &Journal,
    item: i64,
) -> Result<(FeedRecord, Vec<Fingerprint>), CorrectError> {
    let rows = journal.attention().records_behind(item, 0, RECORDS_MAX).await?;
    let prints: Vec<Fingerprint> = rows.iter().map(|row| row.fingerprint).collect();
    let stored = journal.records().find(&flow.link, &prints, &flow.format.zone).await?;
    let newest = stored.into_iter().map(|stored| stored.record).max_by_key(FeedRecord::age);
    Ok((newest.ok_or(CorrectError::NothingWaits { item })?, prints))
}

struct CorrectionRun<'a> {
    flow: &'a IntakeFlow,
    request: &'a CorrectionRequest,
    /// The newest of the records behind the item.
    record: FeedRecord,
    is_read: bool,
    changed: String,
}

/// What the run came to.
struct CorrectionOutcome {
    run: Option<RunId>,
    state: RunState,
    changed: String,
}

impl Report for CorrectionOutcome {
    fn state(&mut self) -> &mut RunState {
        &mut self.state
    }

    fn counts(&self) -> Counts {
        Counts::default()
    }

    fn reason(&self) -> String {
        self.changed.clone()
    }

    fn close(&mut self, run: Option<RunId>, _: Vec<CallCount>, _: u64) {
        self.run = run;
    }
}

impl Flow for CorrectionRun<'_> {
    type World = Looked;
    type Plan = CorrectionPlan;
    type Report = CorrectionOutcome;
    type Error = CorrectError;

    fn link(&self) -> &LinkName {
        &self.flow.link
    }

    fn timing(&self) -> Timing {
        Timing { lease: self.flow.lease, limit: None }
    }

    fn moodle(&self) -> &MoodleClient {
        &self.flow.moodle
    }

    async fn begin(&mut self, _: &Run<'_>) -> Result<NewRun, CorrectError> {
        let (url, author) = (self.flow.moodle.site_url().to_owned(), self.request.author.clone());
        Ok(NewRun { flow: "intake".to_owned(), kind: RunKind::Scoped, url, author })
    }

    async fn collect(&mut self, _: &Run<'_>) -> Result<Option<Looked>, CorrectError> {
        if std::mem::replace(&mut self.is_read, true) {
            return Ok(None);
        }
        let Self { flow, request, record, .. } = self;
        let reader = flow.moodle.reader();
        let wanted = match request.ask {
            CorrectionKind::UseAccount(user) => vec![user],
            CorrectionKind::UpdateMail => Vec::new(),
        };
        let guids = [record.guid()];
        let (mut named, by_guid, by_mail) = tokio::try_join!(
            find_by_id(&reader, &wanted),
            find_by_guid(&reader, &guids),
            find_by_mail(&reader, [record.mail().folded()].into())
        )?;
        let named = named.pop();
        let by_guid: Vec<Account> = by_guid.into_accounts().collect();
        let by_mail: Vec<Account> = by_mail.into_accounts().collect();
        let known = named.iter().chain(&by_guid).chain(&by_mail).map(|account| account.id).next();
        let canary = match (&flow.sentinel, known) {
            (Some(word), _) => CanaryAccount::Named(word.clone()),
            (None, Some(id)) => CanaryAccount::Account(id),
            (None, None) => return Err(CorrectError::Cannot(CannotCorrect::NoAccount)),
        };
        let preflight = run_preflight(&reader, &canary).await?;
        let protected = protect(&flow.policy.protected, preflight.service_account(), flow.database.as_ref()).await?;
        Ok(Some(Looked { named, by_guid, by_mail, preflight, protected }))
    }

    fn plan(&self, looked: &Looked, now: Timestamp) -> Result<CorrectionPlan, CorrectError> {
        let Self { flow, request, record, .. } = self;
        let inputs = CorrectionInputs {
            link: &flow.link,
            record,
            ask: request.ask,
            named: looked.named.as_ref(),
            by_guid: &looked.by_guid,
            by_mail: &looked.by_mail,
        };
        plan_correction(&inputs, &flow.policy, now).map_err(CorrectError::Cannot)
    }

    fn check(&self, looked: &Looked, plan: &CorrectionPlan, _: Timestamp) -> Vec<Finding> {
        check_correction(plan, &self.record, &looked.protected, looked.preflight.service_account())
    }

    /// Nobody can approve what touches the protected.
    fn is_approvable(&self) -> bool {
        false
    }

    fn show(&mut self, _: Looked, _: Decided<CorrectionPlan>) {}

    async fn apply(
        &mut self,
        write: &Write<'_>,
        _: Looked,
        decided: Decided<CorrectionPlan>,
    ) -> Result<(), CorrectError> {
        if decided.is_held() {
            return Err(CorrectError::Guarded { findings: blocks(&decided.decision.findings) });
        }
        let Decided { plan, decision: Decision { cleared, .. }, .. } = decided;
        let CorrectionRequest { item, ask, author } = self.request;
        let record = &self.record;
        let events = |kind: EventKind, payload: &dyn Fn(usize, &Correction) -> Value| -> Vec<NewEvent> {
            let event = |(place, change): (usize, &Correction)| NewEvent {
                record: Some(record.fingerprint),
                guid: Some(record.guid()),
                course: Some(record.course()),
                ..NewEvent::of(kind, payload(place, change)).by(author)
            };
            plan.changes.iter().enumerate().map(event).collect()
        };
        let Write { journal, clock, lease, run } = write;
        let intended = events(EventKind::Intended, &|_, change| json!({"step": change.to_string(), "change": change}));
        journal.runs().append_events(lease.lease(), run, &intended, clock.now()).await?;
        let outcomes = apply_correction(&cleared, self.flow, lease).await;
        let applied =
            |place: usize, change: &Correction| json!({"step": change.to_string(), "outcome": outcomes[place]});
        journal.runs().append_events(lease.lease(), run, &events(EventKind::Applied, &applied), clock.now()).await?;
        self.changed = plan.changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        if let Some(bad) = outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Done | Outcome::AlreadySo)) {
            return Err(CorrectError::NotDone { what: describe(bad, &self.changed) });
        }
        let action = match ask {
            CorrectionKind::UseAccount(user) => format!("use account {user}"),
            CorrectionKind::UpdateMail => "update mail in Moodle".to_owned(),
        };
        journal.attention().resolve(*item, Resolution::Release, &action, author, &self.changed, clock.now()).await?;
        Ok(())
    }

    fn report(self) -> Result<CorrectionOutcome, CorrectError> {
        Ok(CorrectionOutcome { run: None, state: RunState::Done, changed: self.changed })
    }

    fn state_after(error: &CorrectError) -> RunState {
        if matches!(error, CorrectError::Guarded { .. }) { RunState::GuardRefused } else { RunState::Failed }
    }
}

/// Applies each change; the outcomes come in their order. After an answer that did not come it looks before it says anything.
async fn apply_correction(cleared: &Cleared<CorrectionPlan>, flow: &IntakeFlow, lease: &LeaseGuard) -> Vec<Outcome> {
    let (reader, writer) = (flow.moodle.reader(), flow.moodle.writer());
    let mut outcomes = Vec::new();
    for change in &cleared.plan().changes {
        if let Err(error) = lease.check().await {
            outcomes.push(not_tried(&error.to_string()));
            continue;
        }
        let outcome = match writer.update_users(&[to_wire(change)]).await.as_deref() {
            Ok([UserUpdateOutcome::Done]) => Outcome::Done,
            Ok([UserUpdateOutcome::Warned { code, .. }]) => Outcome::Refused { code: code.clone() },
            Ok(_) => Outcome::Unknown,
            Err(MoodleError::Refused { code, .. }) => Outcome::Refused { code: code.clone() },
            Err(error) if !error.may_have_acted() => not_tried(&error.to_string()),
            Err(_) => Outcome::Unknown,
        };
        outcomes.push(settle(change, outcome, &reader).await);
    }
    outcomes
}

/// Looks whether a change that was left unanswered is there, and whether one that was answered well really is.
async fn settle(change: &Correction, outcome: Outcome, reader: &MoodleReader) -> Outcome {
    if !matches!(outcome, Outcome::Unknown | Outcome::Done) {
        return outcome;
    }
    match find_by_id(reader, &[change.user()]).await {
        Ok(accounts) if accounts.iter().any(|account| change.is_so(account)) => Outcome::Done,
        Ok(_) | Err(_) => Outcome::Unknown,
    }
}

fn to_wire(change: &Correction) -> UserUpdate {
    let update = UserUpdate::new(change.user());
    match change {
        Correction::SetGuid { to, .. } => UserUpdate { idnumber: Some(to.clone()), ..update },
        Correction::SetMail { to, .. } => UserUpdate { email: Some(to.as_str().to_owned()), ..update },
    }
}

/// What Moodle says about everybody whom a correction could touch.
struct Looked {
    named: Option<Account>,
    by_guid: Vec<Account>,
    by_mail: Vec<Account>,
    preflight: Preflight,
    protected: Protected,
}

fn describe(outcome: &Outcome, changed: &str) -> String {
    match outcome {
        Outcome::Refused { code } => format!("{code}, when asked to {changed}"),
        Outcome::NotTried { why } => why.clone(),
        Outcome::Unknown => format!("no answer came to: {changed}; look again before deciding"),
        Outcome::Done | Outcome::AlreadySo => changed.to_owned(),
    }
}
