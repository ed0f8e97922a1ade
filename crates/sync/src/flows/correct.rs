//! A correction by a person's word, on one screen: an attention item → collect → plan → guard → record → apply → settle, and
//! then the records that waited behind the item are released.
//!
//! It runs under the link's lease like any run, and a crash anywhere is repaired by deciding again: what is so already is not
//! written once more.

use super::intake::IntakeFlow;
use super::lease::{Heartbeat, take_lease};
use crate::apply::{Corrector, apply_correction};
use rollbook_clock::Clock;
use rollbook_core::guard::{Cleared, check_correction, clear};
use rollbook_core::model::{Account, FeedRecord, Fingerprint, RunId};
use rollbook_core::plan::{CannotCorrect, CorrectionAsk, CorrectionInputs, CorrectionPlan, plan_correction};
use rollbook_core::run::{Counts, EventKind, Outcome, RunKind, RunState};
use rollbook_journal::{Journal, JournalError, Lease, NewEvent, NewPlan, NewRun, PlanState, Resolution};
use rollbook_moodle::snapshot::{
    CanaryAccount, MoodleSourceError, Preflight, find_by_guid, find_by_id, find_by_mail, read_administrators,
    run_preflight,
};
use rollbook_remote::database::DatabaseError;
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// So many of the records behind an item are looked at for the newest.
const RECORDS_MAX: u32 = 1_000;

/// A decision about an attention item that corrects an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectionRequest {
    /// The item.
    pub item: i64,
    /// The decision.
    pub ask: CorrectionAsk,
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
    let lease = take_lease(journal, &flow.link, flow.lease, clock).await?;
    let heart = Heartbeat::start(journal, &lease, flow.lease, clock, stop);
    let with = Leased { flow, journal, clock, lease: &lease };
    let corrected = with.run(request, &record).await;
    heart.end().await;
    let (run, changed) = corrected?;
    Ok(Corrected { run, changed, records })
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

struct Leased<'a> {
    flow: &'a IntakeFlow,
    journal: &'a Journal,
    clock: &'a Clock,
    lease: &'a Lease,
}

impl Leased<'_> {
    /// It begins and ends in the journal, whatever happens between.
    async fn run(&self, request: &CorrectionRequest, record: &FeedRecord) -> Result<(RunId, String), CorrectError> {
        let Self { flow, journal, clock, lease } = self;
        let url = flow.moodle.site_url().to_owned();
        let new = NewRun { flow: "intake".to_owned(), kind: RunKind::Scoped, url, author: request.author.clone() };
        let run = journal.runs().start(lease, &new, clock.now()).await?;
        let done = self.work(request, record, &run).await;
        let (state, reason) = match &done {
            Ok(changed) => (RunState::Done, changed.clone()),
            Err(CorrectError::Guarded { findings }) => (RunState::GuardRefused, findings.clone()),
            Err(error) => (RunState::Failed, error.to_string()),
        };
        let calls = flow.moodle.call_counts().iter().map(|call| call.calls).sum();
        let counts = Counts { calls, ..Counts::default() };
        let ended = journal.runs().finish(lease, &run, state, &counts, &reason, clock.now()).await;
        let changed = done?;
        ended?;
        Ok((run, changed))
    }

    /// collect → plan → guard → record → apply (and settle) → release
    async fn work(
        &self,
        request: &CorrectionRequest,
        record: &FeedRecord,
        run: &RunId,
    ) -> Result<String, CorrectError> {
        let Self { flow, journal, clock, .. } = self;
        let Looked { named, by_guid, by_mail, preflight } = self.look(request.ask, record).await?;
        let inputs = CorrectionInputs {
            link: &flow.link,
            record,
            ask: request.ask,
            named: named.as_ref(),
            by_guid: &by_guid,
            by_mail: &by_mail,
        };
        let plan = plan_correction(&inputs, &flow.policy, clock.now()).map_err(CorrectError::Cannot)?;
        let mut protected = flow.policy.protected.clone();
        if let Some(database) = &flow.database {
            protected.add_accounts(read_administrators(database).await?);
        }
        let findings = check_correction(&plan, record, &protected, preflight.service_account());
        // Nobody can approve what touches the protected: it is refused, and not put before anyone.
        let cleared = clear(plan.clone(), plan.digest(), findings, None, clock.now()).map_err(|refusal| {
            let findings = refusal.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            CorrectError::Guarded { findings }
        })?;
        self.record(&cleared, record, run, &request.author).await?;
        let (reader, writer) = (flow.moodle.reader(), flow.moodle.writer());
        let with = Corrector { reader: &reader, writer: &writer, preflight: &preflight, lease: self.lease };
        let outcomes = apply_correction(&cleared, &with).await;
        self.record_outcomes(&plan, record, run, &outcomes).await?;
        let changed = plan.changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        if let Some(bad) = outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Done | Outcome::AlreadySo)) {
            return Err(CorrectError::NotDone { what: words(bad, &changed) });
        }
        let action = match request.ask {
            CorrectionAsk::UseAccount(user) => format!("use account {user}"),
            CorrectionAsk::UpdateMail => "update mail in Moodle".to_owned(),
        };
        let by = request.author.as_str();
        journal.attention().resolve(request.item, Resolution::Release, &action, by, &changed, clock.now()).await?;
        Ok(changed)
    }

    async fn look(&self, ask: CorrectionAsk, record: &FeedRecord) -> Result<Looked, CorrectError> {
        let reader = self.flow.moodle.reader();
        let wanted = match ask {
            CorrectionAsk::UseAccount(user) => vec![user],
            CorrectionAsk::UpdateMail => Vec::new(),
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
        let sentinel = match (&self.flow.sentinel, known) {
            (Some(word), _) => CanaryAccount::Named(word.clone()),
            (None, Some(id)) => CanaryAccount::Account(id),
            (None, None) => return Err(CorrectError::Cannot(CannotCorrect::NoAccount)),
        };
        let preflight = run_preflight(&reader, &sentinel).await?;
        Ok(Looked { named, by_guid, by_mail, preflight })
    }

    /// The plan and the intent, before any effect.
    async fn record(
        &self,
        cleared: &Cleared<CorrectionPlan>,
        record: &FeedRecord,
        run: &RunId,
        by: &str,
    ) -> Result<(), CorrectError> {
        let Self { journal, clock, lease, .. } = self;
        let plan = cleared.plan();
        let body = serde_json::to_string(plan).expect("a plan is plain data");
        let (digest, state) = (cleared.digest(), PlanState::Cleared);
        let stored = NewPlan { digest, body: &body, findings: &[], state, approval: None };
        journal.plans().store(lease, run, &stored, &[], clock.now()).await?;
        let events: Vec<NewEvent> = plan
            .changes
            .iter()
            .map(|change| {
                let payload = json!({"step": change.to_string(), "change": change});
                about(record, NewEvent::of(EventKind::Intended, payload).by(by))
            })
            .collect();
        journal.runs().append_events(lease, run, &events, clock.now()).await?;
        Ok(())
    }

    async fn record_outcomes(
        &self,
        plan: &CorrectionPlan,
        record: &FeedRecord,
        run: &RunId,
        outcomes: &[Outcome],
    ) -> Result<(), CorrectError> {
        let events = plan.changes.iter().zip(outcomes).map(|(change, outcome)| {
            let payload = json!({"step": change.to_string(), "outcome": outcome});
            about(record, NewEvent::of(EventKind::Applied, payload))
        });
        let events: Vec<NewEvent> = events.collect();
        self.journal.runs().append_events(self.lease, run, &events, self.clock.now()).await?;
        Ok(())
    }
}

/// What Moodle says about everybody whom a correction could touch.
struct Looked {
    named: Option<Account>,
    by_guid: Vec<Account>,
    by_mail: Vec<Account>,
    preflight: Preflight,
}

fn about(record: &FeedRecord, event: NewEvent) -> NewEvent {
    NewEvent { record: Some(record.fingerprint), guid: Some(record.guid()), course: Some(record.course()), ..event }
}

fn words(outcome: &Outcome, changed: &str) -> String {
    match outcome {
        Outcome::Refused { code } => format!("{code}, when asked to {changed}"),
        Outcome::NotTried { why } => why.clone(),
        Outcome::Unknown => format!("no answer came to: {changed}; look again before deciding"),
        Outcome::Done | Outcome::AlreadySo => changed.to_owned(),
    }
}
