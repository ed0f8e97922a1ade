//! Signed events of a community: each is accepted once, and requests a check of one member or one guild. Nothing is taken from it
//! but what to check.

use super::{EVENT, Job, Narrow, Purpose, RequestId};
use crate::feed::make_link;
use crate::runs::{NewEvent, append};
use crate::store::args;
use crate::{JournalError, Requests};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_core::run::EventKind;
use serde_json::json;

const TAKE: &str =
    "INSERT INTO membership_event (signature, link, at_ms) VALUES ($1, $2, $3) ON CONFLICT (signature) DO NOTHING";

/// A check that has not begun serves a further event, too.
const SAME: &str = "
    SELECT id FROM request WHERE link = $1 AND kind = $2 AND body = $3 AND state = 'waiting' AND finished_ms IS NULL
    ORDER BY id LIMIT 1";

const PUT: &str = "
    INSERT INTO request (kind, link, site, body, state, asked_by, asked_ms, next_ms)
    VALUES ($2, $1, '', $3, 'waiting', $4, $5, $5) RETURNING id";

impl Requests<'_> {
    /// Accepts a verified event, recognised by its signature, and requests the check of the member that it names; `None` where
    /// it was accepted before. Events of before `forget` are forgotten: their time alone refuses them by now.
    pub async fn accept_member_event(
        self,
        link: &LinkName,
        signature: &str,
        user: &str,
        forget: Timestamp,
        now: Timestamp,
    ) -> Result<Option<RequestId>, JournalError> {
        let job = Job::SyncMember { link: link.clone(), user: user.to_owned() };
        self.accept_event(link, signature, &job, forget, now).await
    }

    /// As [`Requests::accept_member_event`], for one guild, by UUID, number or name; for every guild where none is named.
    pub async fn accept_guild_event(
        self,
        link: &LinkName,
        signature: &str,
        guild: Option<String>,
        forget: Timestamp,
        now: Timestamp,
    ) -> Result<Option<RequestId>, JournalError> {
        let narrow = guild.map_or(Narrow::Usual, |guild| Narrow::Guild { guild });
        let job = Job::RunLink { link: link.clone(), purpose: Purpose::Apply, narrow };
        self.accept_event(link, signature, &job, forget, now).await
    }

    async fn accept_event(
        self,
        link: &LinkName,
        signature: &str,
        job: &Job,
        forget: Timestamp,
        now: Timestamp,
    ) -> Result<Option<RequestId>, JournalError> {
        let body = serde_json::to_string(job).expect("a request is plain data");
        let mut tx = self.store.begin().await?;
        make_link(&mut tx, link, now).await?;
        tx.run("DELETE FROM membership_event WHERE at_ms < $1", args![forget]).await?;
        if tx.run(TAKE, args![signature, link.as_str(), now]).await? == 0 {
            return Ok(None);
        }
        let row = match tx.row(SAME, args![link.as_str(), job.kind(), &body]).await? {
            Some(row) => row,
            None => {
                let row = tx.row(PUT, args![link.as_str(), job.kind(), &body, EVENT, now]).await?;
                let row =
                    row.ok_or_else(|| JournalError::NotFound { what: "request that was put just now".to_owned() })?;
                let payload = json!({"act": "ask", "request": row.int("id")?, "what": job.kind()});
                append(&mut tx, None, link, &[NewEvent::of(EventKind::Acted, payload).by(EVENT)], now).await?;
                row
            }
        };
        let id = RequestId(row.int("id")?);
        tx.commit().await?;
        Ok(Some(id))
    }
}
