//! Plans, the intents that they turn into, and the word of a person that a blocked plan may run once.

mod review;

pub use review::PlanRow;

use super::runs::{NewEvent, append};
use super::store::{Bulk, Tx, args, row};
use super::{JournalError, Lease, Plans};
use jiff::Timestamp;
use rollbook_core::guard::{Approval, Finding};
use rollbook_core::model::{Fingerprint, LinkName, RunId};
use rollbook_core::plan::Digest;
use rollbook_core::run::EventKind;
use serde_json::{Value, json};

/// How a stored plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlanState {
    /// It may run, and is about to.
    Cleared,
    /// A guard refused it; a person may approve it.
    Blocked,
    /// A person approved it; the next run that makes the same plan uses the word up.
    Approved,
    Rejected,
    /// Its approval was used by a run.
    Used,
    /// A later run of the same kind made another plan that was refused.
    Superseded,
}

impl PlanState {
    const ALL: [Self; 6] = [Self::Cleared, Self::Blocked, Self::Approved, Self::Rejected, Self::Used, Self::Superseded];

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Blocked => "blocked",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Used => "used",
            Self::Superseded => "superseded",
        }
    }

    /// The state of a stored word.
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A plan to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPlan<'a> {
    /// What an approval is bound to.
    pub digest: &'a Digest,
    pub body: &'a str,
    pub findings: &'a [Finding],
    /// [`PlanState::Cleared`] or [`PlanState::Blocked`].
    pub state: PlanState,
    /// The approval that cleared it, to be used up.
    pub approval: Option<i64>,
}

/// A change that is about to be sent for a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    pub record: Fingerprint,
    pub step: String,
    /// The change itself, to be read again by the run that must find out what became of it.
    pub change: Value,
}

/// An intent whose outcome was never recorded, or recorded as unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsettledIntent {
    pub record: Fingerprint,
    /// The run that meant it.
    pub run: RunId,
    pub change: Value,
}

row! {
    struct IntentRow {
        record: Fingerprint,
        change: String,
        payload: String,
    }
}

const INTEND: &str = "
    WITH meant AS MATERIALIZED (SELECT found.id, r.change FROM {rows}
        {join} record AS found ON found.link = $2 AND found.fingerprint = r.record AND found.line = '')
    UPDATE record SET intent = meant.change, intent_run = $3 FROM meant WHERE record.id = meant.id";

const INSERT_EVENTS: &str = "
    INSERT INTO event (run, link, at_ms, kind, author, record, guid_fold, course, payload)
    SELECT $3, $2, $4, 'intended', '', record.fingerprint, record.guid_fold, record.course, r.payload FROM {rows}
    {join} record ON record.link = $2 AND record.fingerprint = r.record AND record.line = ''";

const STORE: &str = "
    INSERT INTO plan (link, run, digest, state, made_ms, body, findings) VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING id";

/// Plans of the same kind of run: a scoped one says nothing about a full one.
const SUPERSEDE: &str = "
    UPDATE plan SET state = 'superseded' WHERE link = $1 AND state = 'blocked' AND digest <> $2
        AND (SELECT kind FROM run WHERE run.id = plan.run) = (SELECT kind FROM run WHERE run.id = $3)";

const MADE_AGAIN: &str = "
    UPDATE plan SET run = $3, made_ms = $4, body = $5, findings = $6 WHERE link = $1 AND digest = $2
        AND state IN ('blocked', 'rejected')
        AND (SELECT kind FROM run WHERE run.id = plan.run) = (SELECT kind FROM run WHERE run.id = $3)
    RETURNING id";

impl Plans<'_> {
    /// Stores a plan and what is about to be sent for each record, before any effect. Gives the plan's id. A
    /// refused plan that was refused before keeps its id, and what a person said about it.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`]; [`JournalError::NotFound`] for an intent of a record that was never stored;
    /// [`JournalError::Conflict`] where the approval was used up or taken back meanwhile. Nothing is written then.
    pub async fn store(
        self,
        lease: &Lease,
        run: &RunId,
        plan: &NewPlan<'_>,
        intents: &[Intent],
        now: Timestamp,
    ) -> Result<i64, JournalError> {
        let NewPlan { digest, body: _, findings, state, approval } = plan;
        let link = lease.link();
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        if let Some(id) = approval {
            use_up(&mut tx, link, *id, digest, run, now).await?;
        }
        let id = store(&mut tx, link, run, plan, now).await?;
        let mut events = vec![NewEvent::of(
            EventKind::Planned,
            json!({"plan": id, "digest": digest, "state": state.as_str(), "intents": intents.len()}),
        )];
        events.extend(findings.iter().map(|finding| NewEvent::of(EventKind::Finding, json!(finding))));
        append(&mut tx, Some(run), link, &events, now).await?;
        intend(&mut tx, link, run, intents, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// What earlier runs of a link meant to do and never recorded an outcome for, and what ended unknown; by record.
    pub async fn unsettled_intents(self, link: &LinkName) -> Result<Vec<UnsettledIntent>, JournalError> {
        let sql =
            "SELECT fingerprint, intent, intent_run FROM record WHERE link = $1 AND intent IS NOT NULL ORDER BY id";
        let rows = self.store.rows(sql, args![link.as_str()]).await?;
        rows.iter()
            .map(|row| {
                Ok(UnsettledIntent {
                    record: row.word("fingerprint", |hex| hex.parse().ok())?,
                    run: RunId::new(row.text("intent_run")?),
                    change: row.json("intent")?,
                })
            })
            .collect()
    }

    /// The newest approval of a link that still holds, with its plan's id.
    pub async fn approval(self, link: &LinkName, now: Timestamp) -> Result<Option<(i64, Approval)>, JournalError> {
        let sql = "SELECT id, digest, judged_by, expires_ms FROM plan
            WHERE link = $1 AND state = 'approved' AND expires_ms > $2 ORDER BY id DESC LIMIT 1";
        let Some(row) = self.store.row(sql, args![link.as_str(), now]).await? else {
            return Ok(None);
        };
        let approval = Approval {
            digest: Digest(row.text("digest")?),
            by: row.text("judged_by")?,
            expires_at: row.time("expires_ms")?,
        };
        Ok(Some((row.int("id")?, approval)))
    }
}

/// Stores the plan. A refused one that was stored before, and waits or was rejected, is not asked about twice; others of its
/// kind that wait are superseded by it.
async fn store(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    plan: &NewPlan<'_>,
    now: Timestamp,
) -> Result<i64, JournalError> {
    let NewPlan { digest, body, findings, state, approval: _ } = plan;
    let findings = serde_json::to_string(findings).expect("findings are plain data");
    if *state == PlanState::Blocked {
        tx.run(SUPERSEDE, args![link.as_str(), &digest.0, run.as_str()]).await?;
        let again = args![link.as_str(), &digest.0, run.as_str(), now, *body, findings.as_str()];
        if let Some(row) = tx.row(MADE_AGAIN, again).await? {
            return row.int("id");
        }
    }
    let args = args![link.as_str(), run.as_str(), &digest.0, state.as_str(), now, *body, findings.as_str()];
    let row = tx.row(STORE, args).await?;
    row.ok_or_else(|| JournalError::NotFound { what: "plan that was stored just now".to_owned() })?.int("id")
}

async fn use_up(
    tx: &mut Tx,
    link: &LinkName,
    id: i64,
    digest: &Digest,
    run: &RunId,
    now: Timestamp,
) -> Result<(), JournalError> {
    let sql = "UPDATE plan SET state = 'used', used_by_run = $4
        WHERE id = $1 AND link = $2 AND digest = $3 AND state = 'approved' AND expires_ms > $5";
    if tx.run(sql, args![id, link.as_str(), &digest.0, run.as_str(), now]).await? == 0 {
        return Err(JournalError::Conflict { what: format!("the approval of plan {id} no longer holds") });
    }
    Ok(())
}

async fn intend(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    intents: &[Intent],
    now: Timestamp,
) -> Result<(), JournalError> {
    let rows: Vec<IntentRow> = intents
        .iter()
        .map(|Intent { record, step, change }| IntentRow {
            record: *record,
            change: change.to_string(),
            payload: json!({"step": step, "change": change}).to_string(),
        })
        .collect();
    let bulk = Bulk::pack(&rows);
    let touched = tx.bulk_run(INTEND, &bulk, args![link.as_str(), run.as_str()]).await?;
    if touched != intents.len() as u64 {
        return Err(JournalError::NotFound { what: "record that a change is intended for".to_owned() });
    }
    tx.bulk_run(INSERT_EVENTS, &bulk, args![link.as_str(), run.as_str(), now]).await?;
    Ok(())
}
