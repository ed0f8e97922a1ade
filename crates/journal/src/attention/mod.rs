//! What waits for a human: one item for one trouble, however many records wait behind it.
//!
//! Items are opened and closed by decisions (see `super::decide`); here they are read. Next: `resolve`.

mod resolve;

pub use resolve::{Resolution, Resolved};

use super::log::{LogRow, columns, log_row};
use super::store::{Row, args};
use super::{Attention, JournalError};
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use serde_json::Value;

/// Something that waits, or waited, for a human.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionItem {
    pub id: i64,
    pub link: LinkName,
    /// The outcome code, or another word.
    pub kind: String,
    /// What it is about: a course, a person, an address.
    pub subject: String,
    /// The name of the person that it is about, as the feed has it; empty where it is about nobody or anything else.
    pub person: String,
    pub title: String,
    /// The newest verdict behind it.
    pub evidence: Value,
    pub opened: Timestamp,
    /// When a new record came behind it last.
    pub seen: Timestamp,
    pub closed: Option<Timestamp>,
    /// What a person did, who it was, and why; none where it closed by itself.
    pub resolution: Option<(String, String, String)>,
    /// How many records wait behind it.
    pub records: u64,
}

impl AttentionItem {
    /// It in one line, in which a person has a name beside the GUID: people know each other by names.
    pub fn named(&self) -> String {
        let Self { person, subject, title, .. } = self;
        match title.strip_prefix(subject.as_str()) {
            Some(rest) if !person.is_empty() => format!("{person} ({subject}){rest}"),
            _ => title.clone(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttentionFilter {
    pub link: Option<LinkName>,
    pub kind: Option<String>,
    /// Those that are closed, too.
    pub with_closed: bool,
    /// Older than the item of this number: the next page.
    pub before: Option<i64>,
}

/// Items that are about a course, an address or a fault have the records of many behind them, which say nothing of who it is.
const ITEM: &str = "
    attention.*, (SELECT COUNT(*) FROM record WHERE record.attention = attention.id) AS records,
    CASE WHEN kind IN ('course_not_found', 'no_manual_instance', 'course_ambiguous', 'shared_address', 'invalid') THEN ''
    ELSE (SELECT first_name || ' ' || last_name FROM record WHERE record.attention = attention.id ORDER BY id LIMIT 1)
    END AS person FROM attention";

impl Attention<'_> {
    /// Items, the newest first.
    pub async fn list(self, filter: &AttentionFilter, limit: u32) -> Result<Vec<AttentionItem>, JournalError> {
        let AttentionFilter { link, kind, with_closed, before } = filter;
        let open = if *with_closed { "" } else { "AND closed_ms IS NULL" };
        let sql = format!(
            "SELECT {ITEM} WHERE id < $1 AND ($2 = '' OR link = $2) AND ($3 = '' OR kind = $3) {open}
             ORDER BY id DESC LIMIT $4"
        );
        let link = link.as_ref().map_or("", LinkName::as_str);
        let kind = kind.as_deref().unwrap_or_default();
        let args = args![before.unwrap_or(i64::MAX), link, kind, u64::from(limit)];
        self.store.rows(&sql, args).await?.iter().map(item).collect()
    }

    /// One item, open or closed.
    ///
    /// # Errors
    /// [`JournalError::NotFound`].
    pub async fn find(self, id: i64) -> Result<AttentionItem, JournalError> {
        let row = self.store.row(&format!("SELECT {ITEM} WHERE id = $1"), args![id]).await?;
        item(&row.ok_or_else(|| JournalError::NotFound { what: format!("attention item {id}") })?)
    }

    /// Open attention items, and plans that wait for a person's word.
    pub async fn open_counts(self) -> Result<(u64, u64), JournalError> {
        let sql = "SELECT (SELECT COUNT(*) FROM attention WHERE closed_ms IS NULL) AS items,
            (SELECT COUNT(*) FROM plan WHERE state = 'blocked') AS plans";
        let row = self.store.row(sql, args![]).await?;
        row.map_or(Ok((0, 0)), |row| Ok((row.count("items")?, row.count("plans")?)))
    }

    /// The records that wait behind an item, from the record of number `after` on (0 for the first page).
    pub async fn records_behind(self, item: i64, after: i64, limit: u32) -> Result<Vec<LogRow>, JournalError> {
        let sql = format!("SELECT {} FROM record WHERE attention = $1 AND id > $2 ORDER BY id LIMIT $3", columns());
        self.store.rows(&sql, args![item, after, u64::from(limit)]).await?.iter().map(log_row).collect()
    }
}

/// A name as it may stand in a line of a mail: whatever the feed's author wrote into it, it begins no other line.
fn one_line(name: &str) -> String {
    const CHARACTERS_MAX: usize = 100;
    let words: Vec<&str> = name.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    words
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(CHARACTERS_MAX)
        .collect()
}

fn item(row: &Row) -> Result<AttentionItem, JournalError> {
    let resolution = match row.maybe_text("resolved_by")? {
        Some(by) => {
            Some((row.maybe_text("action")?.unwrap_or_default(), by, row.maybe_text("reason")?.unwrap_or_default()))
        }
        None => None,
    };
    Ok(AttentionItem {
        id: row.int("id")?,
        link: LinkName::new(row.text("link")?),
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        person: one_line(&row.maybe_text("person")?.unwrap_or_default()),
        title: row.text("title")?,
        evidence: row.json("evidence")?,
        opened: row.time("opened_ms")?,
        seen: row.time("seen_ms")?,
        closed: row.maybe_time("closed_ms")?,
        resolution,
        records: row.count("records")?,
    })
}
