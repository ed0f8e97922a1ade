//! Stored plans as people read and review them.

use super::PlanState;
use crate::runs::{NewEvent, append};
use crate::store::{Row, Tx, args};
use crate::{JournalError, Plans, bounded};
use jiff::Timestamp;
use rollbook_core::guard::Finding;
use rollbook_core::model::{LinkName, RunId};
use rollbook_core::plan::Digest;
use rollbook_core::run::EventKind;
use serde_json::json;

#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    pub id: i64,
    pub link: LinkName,
    /// The run that made it last.
    pub run: RunId,
    /// What an approval is bound to.
    pub digest: Digest,
    pub state: PlanState,
    /// When it was made last.
    pub made: Timestamp,
    /// The plan as JSON; empty in a list.
    pub body: String,
    pub findings: Vec<Finding>,
    /// Who reviewed it, when, and why.
    pub reviewed: Option<(String, Timestamp, String)>,
    /// Until when an approval holds.
    pub expires: Option<Timestamp>,
    /// The run that used the approval up.
    pub used_by: Option<RunId>,
}

const PLAN: &str = "id, link, run, digest, state, made_ms, findings, judged_by, judged_ms, judged_why, expires_ms,
    used_by_run";

impl Plans<'_> {
    /// Plans, the newest first, without their bodies: those of one link or all, in one state or any, older than `before`.
    pub async fn list(
        self,
        link: Option<&LinkName>,
        state: Option<PlanState>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<PlanRow>, JournalError> {
        let sql = format!(
            "SELECT {PLAN}, '' AS body FROM plan WHERE id < $1 AND ($2 = '' OR link = $2) AND ($3 = '' OR state = $3)
             ORDER BY id DESC LIMIT $4"
        );
        let link = link.map_or("", LinkName::as_str);
        let args = args![before.unwrap_or(i64::MAX), link, state.map_or("", PlanState::as_str), u64::from(limit)];
        self.store.rows(&sql, args).await?.iter().map(plan_row).collect()
    }

    /// A plan with its body.
    ///
    /// # Errors
    /// [`JournalError::NotFound`].
    pub async fn find(self, id: i64) -> Result<PlanRow, JournalError> {
        let row = self.store.row(&format!("SELECT {PLAN}, body FROM plan WHERE id = $1"), args![id]).await?;
        plan_row(&row.ok_or_else(|| missing(id))?)
    }

    /// What a run set out to do, with its body; the newest where it made several plans.
    pub async fn cleared_of_run(self, run: &RunId) -> Result<Option<PlanRow>, JournalError> {
        let sql =
            format!("SELECT {PLAN}, body FROM plan WHERE run = $1 AND state = 'cleared' ORDER BY id DESC LIMIT 1");
        self.store.row(&sql, args![run.as_str()]).await?.as_ref().map(plan_row).transpose()
    }

    /// The plan that a run made, with its body; the newest where it made several.
    pub async fn of_run(self, run: &RunId) -> Result<Option<PlanRow>, JournalError> {
        let sql = format!("SELECT {PLAN}, body FROM plan WHERE run = $1 ORDER BY id DESC LIMIT 1");
        self.store.row(&sql, args![run.as_str()]).await?.as_ref().map(plan_row).transpose()
    }

    /// A person's word that a blocked plan may run once, until `expires`.
    ///
    /// # Errors
    /// [`JournalError::NotFound`]; [`JournalError::Conflict`] where it is not blocked any more.
    pub async fn approve(
        self,
        id: i64,
        by: &str,
        why: &str,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.review(id, PlanState::Approved, by, why, Some(expires), now).await
    }

    /// A person's word that a blocked or approved plan shall not run. The same plan, made again, is not asked about again.
    ///
    /// # Errors
    /// [`JournalError::NotFound`]; [`JournalError::Conflict`] where it was reviewed or used meanwhile.
    pub async fn reject(self, id: i64, by: &str, why: &str, now: Timestamp) -> Result<(), JournalError> {
        self.review(id, PlanState::Rejected, by, why, None, now).await
    }

    async fn review(
        self,
        id: i64,
        state: PlanState,
        by: &str,
        why: &str,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let sql = "UPDATE plan SET state = $2, judged_by = $3, judged_ms = $4, judged_why = $5, expires_ms = $6
            WHERE id = $1 AND (state = 'blocked' OR (state = 'approved' AND $2 = 'rejected'))
            RETURNING link, run, digest";
        let mut tx = self.store.begin().await?;
        let found = tx.row(sql, args![id, state.as_str(), by, now, bounded(why), expires]).await?;
        let Some(row) = found else {
            return Err(not_open(&mut tx, id).await?);
        };
        let payload = json!({
            "act": format!("plan {}", state.as_str()), "plan": id, "digest": row.text("digest")?, "why": bounded(why),
            "expires": expires.map(|expires| expires.to_string()),
        });
        let event = NewEvent::of(EventKind::Acted, payload).by(by);
        append(&mut tx, Some(&RunId::new(row.text("run")?)), &LinkName::new(row.text("link")?), &[event], now).await?;
        tx.commit().await
    }
}

async fn not_open(tx: &mut Tx, id: i64) -> Result<JournalError, JournalError> {
    let row = tx.row("SELECT state FROM plan WHERE id = $1", args![id]).await?;
    let state = row.ok_or_else(|| missing(id))?.text("state")?;
    Ok(JournalError::Conflict { what: format!("plan {id} is {state}, so there is nothing to decide") })
}

fn missing(id: i64) -> JournalError {
    JournalError::NotFound { what: format!("plan {id}") }
}

fn plan_row(row: &Row) -> Result<PlanRow, JournalError> {
    let reviewed = match (row.maybe_text("judged_by")?, row.maybe_time("judged_ms")?) {
        (Some(by), Some(at)) => Some((by, at, row.text("judged_why")?)),
        (Some(_) | None, _) => None,
    };
    Ok(PlanRow {
        id: row.int("id")?,
        link: LinkName::new(row.text("link")?),
        run: RunId::new(row.text("run")?),
        digest: Digest(row.text("digest")?),
        state: row.word("state", PlanState::read)?,
        made: row.time("made_ms")?,
        body: row.text("body")?,
        findings: row.json("findings")?,
        reviewed,
        expires: row.maybe_time("expires_ms")?,
        used_by: row.maybe_text("used_by_run")?.map(RunId::new),
    })
}
