//! Personal data leave after their time; the numbers stay.
//!
//! A person goes as a whole, once nothing about them is newer than the horizon and nothing waits. Lines of the log lose what
//! names somebody, and keep course, outcome and fingerprint: a record that the feed shows once more is still known, and the
//! numbers of runs and courses stay true. What is needed to find a completion's enrolment stays for those who still learn.

use crate::runs::{NewEvent, append};
use crate::store::{Bulk, Row, Tx, args, row};
use crate::{JournalError, Maintenance};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_core::run::EventKind;
use serde::Serialize;
use serde_json::json;

/// People in one transaction.
const PEOPLE: u64 = 500;
/// Events in one transaction.
const EVENTS: u32 = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PruneScope {
    /// Not those whom Rollbook enrolled and who have not been reported to have finished since.
    Finished,
    /// Those too: a completion of theirs will then wait for a person, for want of its enrolment record.
    Everybody,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// People of whom nothing personal is left.
    pub people: u64,
    /// Lines of the log that lost what names somebody.
    pub lines: u64,
    pub events: u64,
    /// Plans, requests, notices, ended episodes and closed attention items that were deleted.
    pub papers: u64,
}

row! {
    struct Gone {
        link: String,
        guid: String,
    }
}

/// `$1` horizon, `$2` and `$3` after whom, `$4` 1 for everybody.
const LEAVING: &str = "
    FROM person p WHERE p.seen_ms < $1 AND (p.link, p.guid_fold) > ($2, $3)
    AND NOT EXISTS (SELECT 1 FROM record r WHERE r.guid_fold = p.guid_fold AND r.at_ms >= $1)
    AND NOT EXISTS (SELECT 1 FROM record r WHERE r.guid_fold = p.guid_fold AND r.standing <> 'settled')
    AND NOT EXISTS (SELECT 1 FROM outbox o
        WHERE o.guid_fold = p.guid_fold AND (o.settled_ms IS NULL OR o.settled_ms >= $1))
    AND NOT EXISTS (SELECT 1 FROM completion c
        WHERE c.guid_fold = p.guid_fold AND (c.seen_ms >= $1 OR c.state = 'waiting'))
    AND ($4 = 1 OR NOT EXISTS (SELECT 1 FROM applied a WHERE a.link = p.link AND a.guid_fold = p.guid_fold
        AND a.state = 'Enrol' AND NOT EXISTS (SELECT 1 FROM completion c
            WHERE c.guid_fold = a.guid_fold AND c.course = a.course AND c.completed_ms >= a.changed_ms)))";

/// What a person's data become, one statement a table; the people are the bulk.
const FORGET: [&str; 7] = [
    "UPDATE outbox SET payload = '{}', guid_fold = NULL, last_answer = ''
     WHERE guid_fold IN (SELECT r.guid FROM {rows}) AND settled_ms IS NOT NULL",
    "UPDATE completion SET guid = '', guid_fold = '', mail = '', first_name = '', last_name = '', supplied = NULL,
        reason = '' WHERE guid_fold IN (SELECT r.guid FROM {rows})",
    "DELETE FROM enrolment WHERE (link, guid_fold) IN (SELECT r.link, r.guid FROM {rows})",
    "DELETE FROM made_enrolment WHERE (link, guid_fold) IN (SELECT r.link, r.guid FROM {rows})",
    "DELETE FROM applied WHERE (link, guid_fold) IN (SELECT r.link, r.guid FROM {rows})",
    "DELETE FROM person WHERE (link, guid_fold) IN (SELECT r.link, r.guid FROM {rows})",
    "UPDATE record SET guid = '', mail = '', first_name = '', last_name = '', enrolment_id = '', record_id = '',
        guid_fold = '', mail_fold = '', user_id = 0, reason = '', evidence = '{}', problem = NULL, attention = NULL
     WHERE (link, guid_fold) IN (SELECT r.link, r.guid FROM {rows})",
];

/// What is of no use to anybody after its time: table and which rows.
const PAPERS: [(&str, &str); 5] = [
    ("plan", "made_ms < $1 AND state <> 'blocked'"),
    ("request", "finished_ms IS NOT NULL AND finished_ms < $1"),
    ("notice", "made_ms < $1"),
    ("episode", "ended_ms IS NOT NULL AND ended_ms < $1"),
    ("attention", "closed_ms IS NOT NULL AND closed_ms < $1 AND COALESCE(action, '') <> 'ignore'"),
];

impl Maintenance<'_> {
    /// Removes personal data that are older than `before`, in small steps that let runs go on between them.
    ///
    /// # Errors
    /// Those of the database only; what was removed by then stays removed, and another call goes on.
    pub async fn prune(
        self,
        before: Timestamp,
        scope: PruneScope,
        by: &str,
        now: Timestamp,
    ) -> Result<Pruned, JournalError> {
        let mut pruned = Pruned::default();
        let mut after = (String::new(), String::new());
        loop {
            let people = self.leaving(before, scope, &after).await?;
            let Some(last) = people.last() else { break };
            after = (last.link.clone(), last.guid.clone());
            pruned.lines += self.forget(&people).await?;
            pruned.people += people.len() as u64;
        }
        loop {
            let gone = self.prune_events(before, by, now, EVENTS).await?;
            pruned.events += gone;
            if gone < u64::from(EVENTS) {
                break;
            }
        }
        pruned.papers = self.throw_away(before, pruned, by, now).await?;
        Ok(pruned)
    }

    /// What [`Maintenance::prune`] would do now.
    pub async fn preview(self, before: Timestamp, scope: PruneScope) -> Result<Pruned, JournalError> {
        let leaving = args![before, "", "", i64::from(scope == PruneScope::Everybody)];
        let people = self.count(&format!("SELECT COUNT(*) AS total {LEAVING}"), leaving.clone()).await?;
        let lines = format!(
            "SELECT COUNT(*) AS total FROM record WHERE (link, guid_fold) IN (SELECT p.link, p.guid_fold {LEAVING})"
        );
        let mut papers = 0;
        for (table, which) in PAPERS {
            papers +=
                self.count(&format!("SELECT COUNT(*) AS total FROM {table} WHERE {which}"), args![before]).await?;
        }
        Ok(Pruned {
            people,
            lines: self.count(&lines, leaving).await?,
            events: self.count("SELECT COUNT(*) AS total FROM event WHERE at_ms < $1", args![before]).await?,
            papers,
        })
    }

    async fn count(self, sql: &str, args: Vec<crate::store::Arg>) -> Result<u64, JournalError> {
        self.store.row(sql, args).await?.map_or(Ok(0), |row| row.count("total"))
    }

    async fn leaving(
        self,
        before: Timestamp,
        scope: PruneScope,
        (link, guid): &(String, String),
    ) -> Result<Vec<Gone>, JournalError> {
        let sql = format!("SELECT p.link, p.guid_fold {LEAVING} ORDER BY p.link, p.guid_fold LIMIT $5");
        let everybody = i64::from(scope == PruneScope::Everybody);
        let rows = self.store.rows(&sql, args![before, link, guid, everybody, PEOPLE]).await?;
        let gone = |row: &Row| Ok(Gone { link: row.text("link")?, guid: row.text("guid_fold")? });
        rows.iter().map(gone).collect()
    }

    /// Gives how many lines of the log it touched.
    async fn forget(self, people: &[Gone]) -> Result<u64, JournalError> {
        let bulk = Bulk::pack(people);
        let mut tx = self.store.begin().await?;
        let mut touched = 0;
        for sql in FORGET {
            touched = tx.bulk_run(sql, &bulk, args![]).await?;
        }
        tx.commit().await?;
        Ok(touched)
    }

    async fn throw_away(
        self,
        before: Timestamp,
        pruned: Pruned,
        by: &str,
        now: Timestamp,
    ) -> Result<u64, JournalError> {
        let mut tx = self.store.begin().await?;
        let mut papers = 0;
        for (table, which) in PAPERS {
            papers += tx.run(&format!("DELETE FROM {table} WHERE {which}"), args![before]).await?;
        }
        blank_leftovers(&mut tx, before).await?;
        let pruned = Pruned { papers, ..pruned };
        if pruned != Pruned::default() {
            let payload = json!({"act": "prune", "before": before.to_string(), "gone": pruned});
            append(&mut tx, None, &LinkName::new(""), &[NewEvent::of(EventKind::Acted, payload).by(by)], now).await?;
        }
        tx.commit().await?;
        Ok(papers)
    }
}

/// What stays because a decision hangs on it, without what names somebody; and questions about one person to the feed.
async fn blank_leftovers(tx: &mut Tx, before: Timestamp) -> Result<(), JournalError> {
    let ignored =
        "UPDATE attention SET title = '', evidence = '{}', reason = '' WHERE closed_ms < $1 AND action = 'ignore'";
    tx.run(ignored, args![before]).await?;
    let nobodys =
        "UPDATE record SET mail = '', first_name = '', last_name = '', mail_fold = '', reason = '', problem = NULL,
        evidence = '{}' WHERE guid_fold = '' AND at_ms < $1 AND standing = 'settled' AND mail <> ''";
    tx.run(nobodys, args![before]).await?;
    let asked = "UPDATE run SET url = '' WHERE started_ms < $1 AND covered_from_ms IS NULL AND url <> ''";
    tx.run(asked, args![before]).await.map(drop)
}
