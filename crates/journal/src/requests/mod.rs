//! Requests: how pages, the API and other systems ask the process for something, and hear what came of it.
//!
//! A request is `waiting`, then `running` while a node holds it, then `done` or `failed` with an answer. A node that dies
//! loses it: another takes it, and what it asks for is safe to be done again (a run repairs what a dead run left).
//! Next: `job` for what can be asked, `outcome` for what comes back, `work` for the process's half, `member` for signed events.

mod job;
mod member;
mod outcome;
mod work;

pub use job::{AttentionAct, FeedQuery, Job, NamedCompletion, Narrow, Purpose};
pub use outcome::{
    Attended, CheckLine, CompletionCard, FeedAnswer, FeedCard, FeedTexts, JobOutcome, LINES_MAX, Ran, Reported, Would,
};
pub use work::TakenRequest;

use super::runs::{NewEvent, append};
use super::store::{Row, args};
use super::{JournalError, Requests};
use jiff::Timestamp;
use rollbook_core::model::{LinkName, SiteName};
use rollbook_core::run::EventKind;
use serde_json::json;

/// Who asks for what a pushed event wakes.
pub const EVENT: &str = "membership event";
/// Who asks for what the schedule wants.
pub const SCHEDULE: &str = "schedule";

/// The number of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub i64);

impl std::fmt::Display for RequestId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Nobody has taken it.
    Waiting,
    /// A node carries it out.
    Running,
    /// It was carried out: see the answer.
    Done,
    /// It could not be carried out: see the answer.
    Failed,
}

impl RequestState {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Done, Self::Failed].into_iter().find(|state| state.as_str() == text)
    }

    /// Whether it has its answer.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// A request, and what came of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub id: RequestId,
    pub job: Job,
    pub state: RequestState,
    pub asked_by: String,
    pub asked: Timestamp,
    pub node: Option<String>,
    /// The answer, once it is finished.
    pub answer: Option<JobOutcome>,
    pub finished: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFilter {
    pub link: Option<LinkName>,
    pub site: Option<SiteName>,
    /// Of this kind only: a word of [`Job::kind`].
    pub kind: Option<String>,
    /// Asked by this person only.
    pub asked_by: Option<String>,
    pub open: bool,
    /// Older than the request of this number: the next page.
    pub before: Option<RequestId>,
}

impl Requests<'_> {
    /// Asks the process for something. The act is an event with its author.
    pub async fn put(self, job: &Job, by: &str, now: Timestamp) -> Result<RequestId, JournalError> {
        let body = serde_json::to_string(job).expect("a request is plain data");
        let nowhere = LinkName::new("");
        let link = job.link().unwrap_or(&nowhere);
        let site = job.site().map_or("", SiteName::as_str);
        let sql = "
            INSERT INTO request (kind, link, site, body, state, asked_by, asked_ms, next_ms)
            VALUES ($1, $2, $3, $4, 'waiting', $5, $6, $6) RETURNING id";
        let mut tx = self.store.begin().await?;
        let row = tx.row(sql, args![job.kind(), link.as_str(), site, body, by, now]).await?;
        let row = row.ok_or_else(|| JournalError::NotFound { what: "request that was put just now".to_owned() })?;
        let id = RequestId(row.int("id")?);
        let event = NewEvent::of(EventKind::Acted, json!({"act": "ask", "request": id, "what": job.kind()})).by(by);
        append(&mut tx, None, link, &[event], now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// A request, with its answer once there is one.
    pub async fn find(self, id: RequestId) -> Result<Option<Request>, JournalError> {
        let row = self.store.row("SELECT * FROM request WHERE id = $1", args![id.0]).await?;
        row.as_ref().map(request).transpose()
    }

    /// Requests, the newest first.
    pub async fn list(self, filter: &RequestFilter, limit: u32) -> Result<Vec<Request>, JournalError> {
        let RequestFilter { link, site, kind, asked_by, open, before } = filter;
        let open = if *open { "AND finished_ms IS NULL" } else { "" };
        let sql = format!(
            "SELECT * FROM request WHERE id < $1 AND ($2 = '' OR link = $2) AND ($3 = '' OR site = $3)
                AND ($4 = '' OR kind = $4) AND ($5 = '' OR asked_by = $5) {open} ORDER BY id DESC LIMIT $6"
        );
        let args = args![
            before.map_or(i64::MAX, |id| id.0),
            link.as_ref().map_or("", LinkName::as_str),
            site.as_ref().map_or("", SiteName::as_str),
            kind.as_deref().unwrap_or_default(),
            asked_by.as_deref().unwrap_or_default(),
            u64::from(limit),
        ];
        self.store.rows(&sql, args).await?.iter().map(request).collect()
    }

    /// Forgets finished requests of before a moment; their events stay. Gives how many.
    pub async fn prune(self, before: Timestamp) -> Result<u64, JournalError> {
        let mut tx = self.store.begin().await?;
        let gone = tx.run("DELETE FROM request WHERE finished_ms < $1", args![before]).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

fn request(row: &Row) -> Result<Request, JournalError> {
    Ok(Request {
        id: RequestId(row.int("id")?),
        job: row.json("body")?,
        state: row.word("state", RequestState::read)?,
        asked_by: row.text("asked_by")?,
        asked: row.time("asked_ms")?,
        node: row.maybe_text("node")?,
        answer: match row.maybe_text("answer")? {
            Some(_) => Some(row.json("answer")?),
            None => None,
        },
        finished: row.maybe_time("finished_ms")?,
    })
}
