//! Plans, the intents that they turn into, and the word of a person that a blocked plan may run once.

mod review;

pub use review::PlanRow;

use super::runs::{NewEvent, append};
use super::store::{Bulk, Row, Tx, args, row};
use super::{JournalError, Lease, Plans};
use jiff::Timestamp;
use rollbook_core::guard::Finding;
use rollbook_core::model::{Fingerprint, LinkName, RunId};
use rollbook_core::plan::Digest;
use rollbook_core::run::{EventKind, RunKind};
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
    /// A later run wanted other changes, which wait now.
    Superseded,
    /// A later run no longer wanted any of it.
    Lapsed,
}

impl PlanState {
    const ALL: [Self; 7] =
        [Self::Cleared, Self::Blocked, Self::Approved, Self::Rejected, Self::Used, Self::Superseded, Self::Lapsed];

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Blocked => "blocked",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Used => "used",
            Self::Superseded => "superseded",
            Self::Lapsed => "lapsed",
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
    /// The plans whose approvals are used up by it.
    pub used: &'a [i64],
}

/// A plan that waits for a person, or for the run that uses a person's approval.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenPlan {
    /// Its number.
    pub id: i64,
    /// The run that made it.
    pub run: RunId,
    /// What kind of run that was.
    pub kind: RunKind,
    /// Who approved it, and until when that holds; none while it is blocked.
    pub approval: Option<(String, Timestamp)>,
    /// The plan as JSON.
    pub body: String,
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

const RETIRE: &str = "
    UPDATE plan SET state = $3 WHERE id = $1 AND link = $2 AND state IN ('blocked', 'approved') RETURNING run, digest";

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
        let NewPlan { digest, body: _, findings, state, used } = plan;
        let link = lease.link();
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        for id in *used {
            use_up(&mut tx, link, *id, run, now).await?;
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

    /// The plans of a link that wait for a person or for the next run, the oldest first.
    pub async fn open(self, link: &LinkName) -> Result<Vec<OpenPlan>, JournalError> {
        let sql = "SELECT plan.id, plan.run, run.kind, plan.state, plan.judged_by, plan.expires_ms, plan.body
            FROM plan JOIN run ON run.id = plan.run
            WHERE plan.link = $1 AND plan.state IN ('blocked', 'approved') ORDER BY plan.id";
        let rows = self.store.rows(sql, args![link.as_str()]).await?;
        let open = |row: &Row| {
            let is_approved = row.word("state", PlanState::read)? == PlanState::Approved;
            let approval = row.maybe_text("judged_by")?.zip(row.maybe_time("expires_ms")?).filter(|_| is_approved);
            let (id, run) = (row.int("id")?, RunId::new(row.text("run")?));
            Ok(OpenPlan { id, run, kind: row.word("kind", RunKind::read)?, approval, body: row.text("body")? })
        };
        rows.iter().map(open).collect()
    }

    /// Ends plans that wait, because what they want is wanted no longer ([`PlanState::Lapsed`]) or waits in a later plan
    /// ([`PlanState::Superseded`]). One that was judged meanwhile is left alone.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn retire(
        self,
        lease: &Lease,
        run: &RunId,
        plans: &[(i64, PlanState)],
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if plans.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        for (id, state) in plans {
            let retired = tx.row(RETIRE, args![*id, lease.link().as_str(), state.as_str()]).await?;
            if let Some(row) = retired {
                let payload = json!({"plan": id, "digest": row.text("digest")?, "state": state.as_str()});
                append(&mut tx, Some(run), lease.link(), &[NewEvent::of(EventKind::Planned, payload)], now).await?;
            }
        }
        tx.commit().await
    }
}

/// Stores the plan. One that was stored before, and waits or was rejected, is not asked about twice.
async fn store(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    plan: &NewPlan<'_>,
    now: Timestamp,
) -> Result<i64, JournalError> {
    let NewPlan { digest, body, findings, state, used: _ } = plan;
    let findings = serde_json::to_string(findings).expect("findings are plain data");
    if *state == PlanState::Blocked {
        let again = args![link.as_str(), &digest.0, run.as_str(), now, *body, findings.as_str()];
        if let Some(row) = tx.row(MADE_AGAIN, again).await? {
            return row.int("id");
        }
    }
    let args = args![link.as_str(), run.as_str(), &digest.0, state.as_str(), now, *body, findings.as_str()];
    let row = tx.row(STORE, args).await?;
    row.ok_or_else(|| JournalError::NotFound { what: "plan that was stored just now".to_owned() })?.int("id")
}

async fn use_up(tx: &mut Tx, link: &LinkName, id: i64, run: &RunId, now: Timestamp) -> Result<(), JournalError> {
    let sql = "UPDATE plan SET state = 'used', used_by_run = $3
        WHERE id = $1 AND link = $2 AND state = 'approved' AND expires_ms > $4";
    if tx.run(sql, args![id, link.as_str(), run.as_str(), now]).await? == 0 {
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
