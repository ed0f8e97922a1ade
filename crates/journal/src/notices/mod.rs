//! Episodes and notices: which trouble people were told of, and what is to be told.
//!
//! An episode begins, is reminded of and ends in the transaction that makes its notice due: however many nodes judge the same
//! trouble at once, and whenever one of them dies, people are told once.

use super::outbox::{NewRow, insert};
use super::store::{Row, Tx, args};
use super::{JournalError, Notices, OutboxItem, OutboxKind, bounded};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_core::notice::{Alert, AlertKind, Digest, EpisodeChange, OpenEpisode};
use serde_json::json;

/// An episode, open or over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpisodeRow {
    pub link: LinkName,
    /// It, as it is followed.
    pub episode: OpenEpisode,
    /// What to do about it.
    pub remedy: String,
    /// Where to look: a path under the public address.
    pub path: String,
    /// When it was seen last.
    pub seen: Timestamp,
    pub ended: Option<Timestamp>,
}

/// A notice that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    pub id: i64,
    pub link: LinkName,
    pub digest: Digest,
    pub made: Timestamp,
}

const BEGIN: &str = "
    INSERT INTO episode (link, kind, subject, title, remedy, path, began_ms, seen_ms, told_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
    ON CONFLICT (link, kind, subject) WHERE ended_ms IS NULL DO NOTHING RETURNING id";

const REMIND: &str = "
    UPDATE episode SET told_ms = $3, seen_ms = $3, title = $4, remedy = $5, path = $6
    WHERE id = $1 AND told_ms = $2 AND ended_ms IS NULL RETURNING id";

const END: &str = "UPDATE episode SET ended_ms = $2 WHERE id = $1 AND ended_ms IS NULL RETURNING id";

impl Notices<'_> {
    /// The episodes of a link that have not ended.
    pub async fn open_episodes(self, link: &LinkName) -> Result<Vec<OpenEpisode>, JournalError> {
        let sql = "SELECT * FROM episode WHERE link = $1 AND ended_ms IS NULL ORDER BY id";
        let rows = self.store.rows(sql, args![link.as_str()]).await?;
        rows.iter().map(|row| episode(row).map(|row| row.episode)).collect()
    }

    /// Episodes, the newest first: of one link or all, only those that have not ended or all.
    pub async fn episodes(
        self,
        link: Option<&LinkName>,
        open: bool,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<EpisodeRow>, JournalError> {
        let open = if open { "AND ended_ms IS NULL" } else { "" };
        let sql =
            format!("SELECT * FROM episode WHERE id < $1 AND ($2 = '' OR link = $2) {open} ORDER BY id DESC LIMIT $3");
        let args = args![before.unwrap_or(i64::MAX), link.map_or("", LinkName::as_str), u64::from(limit)];
        self.store.rows(&sql, args).await?.iter().map(episode).collect()
    }

    /// Notices, the newest first, of one link or all.
    pub async fn list(
        self,
        link: Option<&LinkName>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<NoticeRow>, JournalError> {
        let sql = "SELECT * FROM notice WHERE id < $1 AND ($2 = '' OR link = $2) ORDER BY id DESC LIMIT $3";
        let args = args![before.unwrap_or(i64::MAX), link.map_or("", LinkName::as_str), u64::from(limit)];
        self.store.rows(sql, args).await?.iter().map(notice).collect()
    }

    /// One notice.
    ///
    /// # Errors
    /// [`JournalError::NotFound`].
    pub async fn find(self, id: i64) -> Result<NoticeRow, JournalError> {
        let row = self.store.row("SELECT * FROM notice WHERE id = $1", args![id]).await?;
        notice(&row.ok_or_else(|| JournalError::NotFound { what: format!("notice {id}") })?)
    }

    /// Follows episodes, and makes one notice of those turns that nobody else was first with, due to each of `ways`. Gives its
    /// number; `None` where there was nothing to tell.
    pub async fn record(
        self,
        link: &LinkName,
        turns: &[EpisodeChange],
        methods: &[String],
        word: impl FnOnce(&[EpisodeChange]) -> Option<Digest> + Send,
        now: Timestamp,
    ) -> Result<Option<i64>, JournalError> {
        let mut tx = self.store.begin().await?;
        let mut ours = Vec::new();
        for turn in turns {
            if take(&mut tx, link, turn, now).await? {
                ours.push(turn.clone());
            }
        }
        let Some(digest) = word(&ours) else {
            tx.commit().await?;
            return Ok(None);
        };
        let body = serde_json::to_string(&digest).expect("a notice is plain data");
        let sql = "INSERT INTO notice (link, title, body, made_ms) VALUES ($1, $2, $3, $4) RETURNING id";
        let row = tx.row(sql, args![link.as_str(), bounded(&digest.title), body, now]).await?;
        let row = row.ok_or_else(|| JournalError::NotFound { what: "notice that was made just now".to_owned() })?;
        let id = row.int("id")?;
        let items: Vec<OutboxItem> = methods
            .iter()
            .enumerate()
            .map(|(at, method)| OutboxItem {
                kind: OutboxKind::Notice,
                dedupe: format!("notice/{id}/{at}"),
                payload: json!({"notice": id, "way": method}),
                next: now,
            })
            .collect();
        let rows: Vec<NewRow<'_>> = items.iter().map(NewRow::of).collect();
        insert(&mut tx, link, None, &rows, now).await?;
        tx.commit().await?;
        Ok(Some(id))
    }
}

/// Makes a turn in the table; says whether nobody else had.
async fn take(tx: &mut Tx, link: &LinkName, turn: &EpisodeChange, now: Timestamp) -> Result<bool, JournalError> {
    let row = match turn {
        EpisodeChange::Begins(Alert { kind, subject, title, remedy, path, since, .. }) => {
            let args = args![link.as_str(), kind.as_str(), subject, bounded(title), remedy, path, *since, now];
            tx.row(BEGIN, args).await?
        }
        EpisodeChange::Changes(OpenEpisode { id, told, .. }, Alert { title, remedy, path, .. })
        | EpisodeChange::Reminds(OpenEpisode { id, told, .. }, Alert { title, remedy, path, .. }) => {
            tx.row(REMIND, args![*id, *told, now, bounded(title), remedy, path]).await?
        }
        EpisodeChange::Ends(OpenEpisode { id, .. }) => tx.row(END, args![*id, now]).await?,
    };
    Ok(row.is_some())
}

fn episode(row: &Row) -> Result<EpisodeRow, JournalError> {
    Ok(EpisodeRow {
        link: LinkName::new(row.text("link")?),
        episode: OpenEpisode {
            id: row.int("id")?,
            kind: row.word("kind", AlertKind::read)?,
            subject: row.text("subject")?,
            title: row.text("title")?,
            began: row.time("began_ms")?,
            told: row.time("told_ms")?,
        },
        remedy: row.text("remedy")?,
        path: row.text("path")?,
        seen: row.time("seen_ms")?,
        ended: row.maybe_time("ended_ms")?,
    })
}

fn notice(row: &Row) -> Result<NoticeRow, JournalError> {
    Ok(NoticeRow {
        id: row.int("id")?,
        link: LinkName::new(row.text("link")?),
        digest: row.json("body")?,
        made: row.time("made_ms")?,
    })
}
