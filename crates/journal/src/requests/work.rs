//! The process's half: a request is taken by one node, kept while it is carried out, and answered once.

use super::{Job, JobOutcome, RequestId, RequestState};
use crate::store::{Arg, Row, args};
use crate::{JournalError, Requests};
use jiff::{SignedDuration, Timestamp};

/// A request that one node alone carries out now.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenRequest {
    pub id: RequestId,
    pub job: Job,
    pub asked_by: String,
    pub asked: Timestamp,
    /// How often it was taken, from 1. It proves the claim.
    pub take: i64,
    /// How often a node that had it was not heard of any more.
    pub deaths: i64,
}

const TAKE: &str = "
    WITH picked AS MATERIALIZED (
        SELECT id FROM request WHERE finished_ms IS NULL AND next_ms <= $1
            AND (state = 'waiting' OR until_ms <= $1)
        ORDER BY next_ms, id LIMIT 1 {skip_locked})
    UPDATE request SET state = 'running', node = $2, until_ms = $3, takes = takes + 1,
        deaths = deaths + CASE WHEN state = 'running' THEN 1 ELSE 0 END
    WHERE id IN (SELECT id FROM picked) AND finished_ms IS NULL
    RETURNING id, body, asked_by, asked_ms, takes, deaths";

impl Requests<'_> {
    /// Takes the oldest request that waits, or whose node was not heard of in time, for `node` alone and for `lasts`.
    pub async fn take(
        self,
        node: &str,
        lasts: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<TakenRequest>, JournalError> {
        loop {
            let mut tx = self.store.begin().await?;
            let Some(row) = tx.row(TAKE, args![now, node, until(now, lasts)]).await? else { return Ok(None) };
            match taken(&row) {
                Err(JournalError::Unreadable { what }) => {
                    // Of another version's words. It would come back for ever.
                    let words = format!("this Rollbook does not know such a request: {what}");
                    let answer = JobOutcome::Failed { words, remedy: "ask again".to_owned() };
                    let answer = serde_json::to_string(&answer).expect("an answer is plain data");
                    let sql = "UPDATE request SET state = 'failed', answer = $2, finished_ms = $3 WHERE id = $1";
                    tx.run(sql, args![row.int("id")?, answer, now]).await?;
                    tx.commit().await?;
                }
                taken => {
                    tx.commit().await?;
                    return taken.map(Some);
                }
            }
        }
    }

    /// Keeps a request that is being carried out for another `lasts`.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] where it was taken over or answered meanwhile.
    pub async fn renew(
        self,
        taken: &TakenRequest,
        node: &str,
        lasts: SignedDuration,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let sql = "UPDATE request SET until_ms = $4
            WHERE id = $1 AND node = $2 AND takes = $3 AND finished_ms IS NULL";
        self.move_taken(taken, sql, args![taken.id.0, node, taken.take, until(now, lasts)]).await
    }

    /// Gives a request back: it is taken again from `at` on. For what cannot be done just now (the link is being run).
    ///
    /// # Errors
    /// [`JournalError::Conflict`] where it was taken over or answered meanwhile.
    pub async fn put_back(self, taken: &TakenRequest, node: &str, at: Timestamp) -> Result<(), JournalError> {
        let sql = "UPDATE request SET state = 'waiting', node = NULL, until_ms = NULL, next_ms = $4
            WHERE id = $1 AND node = $2 AND takes = $3 AND finished_ms IS NULL";
        self.move_taken(taken, sql, args![taken.id.0, node, taken.take, at]).await
    }

    /// Answers a request; [`JobOutcome::Failed`] makes it failed.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] where it was taken over or answered meanwhile.
    pub async fn finish(
        self,
        taken: &TakenRequest,
        node: &str,
        answer: &JobOutcome,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let state = if matches!(answer, JobOutcome::Failed { .. }) { RequestState::Failed } else { RequestState::Done };
        let body = serde_json::to_string(answer).expect("an answer is plain data");
        let sql = "UPDATE request SET state = $4, answer = $5, finished_ms = $6, until_ms = NULL
            WHERE id = $1 AND node = $2 AND takes = $3 AND finished_ms IS NULL";
        self.move_taken(taken, sql, args![taken.id.0, node, taken.take, state.as_str(), body, now]).await
    }

    async fn move_taken(self, taken: &TakenRequest, sql: &str, args: Vec<Arg>) -> Result<(), JournalError> {
        let mut tx = self.store.begin().await?;
        if tx.run(sql, args).await? == 0 {
            return Err(JournalError::Conflict { what: format!("request {} is in other hands", taken.id) });
        }
        tx.commit().await
    }
}

fn until(now: Timestamp, lasts: SignedDuration) -> Timestamp {
    now.checked_add(lasts).unwrap_or(Timestamp::MAX)
}

fn taken(row: &Row) -> Result<TakenRequest, JournalError> {
    Ok(TakenRequest {
        id: RequestId(row.int("id")?),
        job: row.json("body")?,
        asked_by: row.text("asked_by")?,
        asked: row.time("asked_ms")?,
        take: row.int("takes")?,
        deaths: row.int("deaths")?,
    })
}
