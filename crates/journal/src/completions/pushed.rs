//! Signed events from outside: believed once, then refused, and each wakes one check.

use crate::feed::{keys, make_link};
use crate::store::args;
use crate::{Completions, JournalError};
use jiff::Timestamp;
use rollbook_core::model::{LinkName, MoodleCourseId, MoodleUserId};

/// An event whose signature was right and whose time was near.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedEvent {
    /// Its signature, by which it is known again.
    pub signature: String,
    pub user: MoodleUserId,
    pub course: MoodleCourseId,
}

/// Whether an event is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    New,
    Duplicate,
}

impl Completions<'_> {
    /// Takes an event that was believed. Events of before `forget` that were looked into are forgotten: their time alone
    /// refuses them by now.
    pub async fn accept_event(
        self,
        link: &LinkName,
        event: &PushedEvent,
        forget: Timestamp,
        now: Timestamp,
    ) -> Result<Received, JournalError> {
        let PushedEvent { signature, user, course } = event;
        let mut tx = self.store.begin().await?;
        make_link(&mut tx, link, now).await?;
        tx.run("DELETE FROM completion_event WHERE at_ms < $1 AND checked_ms IS NOT NULL", args![forget]).await?;
        let sql =
            "INSERT INTO completion_event (signature, link, at_ms, user_id, course_id) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (signature) DO NOTHING";
        let added = tx.run(sql, args![signature, link.as_str(), now, user.0, course.0]).await?;
        tx.commit().await?;
        Ok(if added == 1 { Received::New } else { Received::Duplicate })
    }

    /// The events that nobody has looked into yet, the oldest first.
    pub async fn pending_events(self, link: &LinkName, limit: u64) -> Result<Vec<PushedEvent>, JournalError> {
        let sql = "SELECT signature, user_id, course_id FROM completion_event
            WHERE link = $1 AND checked_ms IS NULL ORDER BY at_ms, signature LIMIT $2";
        let rows = self.store.rows(sql, args![link.as_str(), limit]).await?;
        rows.iter()
            .map(|row| {
                let (user, course) = (MoodleUserId(row.int("user_id")?), MoodleCourseId(row.int("course_id")?));
                Ok(PushedEvent { signature: row.text("signature")?, user, course })
            })
            .collect()
    }

    /// Remembers that events were looked into.
    pub async fn finish_events(self, events: &[PushedEvent], now: Timestamp) -> Result<(), JournalError> {
        let signatures: Vec<&str> = events.iter().map(|event| event.signature.as_str()).collect();
        let sql = "UPDATE completion_event SET checked_ms = $2 FROM {rows} WHERE completion_event.signature = r.key";
        let mut tx = self.store.begin().await?;
        tx.bulk_run(sql, &keys(&signatures), args![now]).await?;
        tx.commit().await
    }
}
