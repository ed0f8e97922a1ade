//! One line of a run, or an act of a person. Events are only ever added.

use crate::store::{Bulk, Tx, args, row};
use crate::{JournalError, TEXT_BYTES_MAX, bounded};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, Fingerprint, Guid, LinkName, RunId};
use rollbook_core::run::EventKind;
use serde_json::{Value, json};

/// An event to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub kind: EventKind,
    /// The record that it is about, if it is about one.
    pub record: Option<Fingerprint>,
    /// The person that it is about.
    pub guid: Option<Guid>,
    /// The course that it is about.
    pub course: Option<ElmCourseId>,
    /// Who did it; empty for the run itself.
    pub author: String,
    /// The particulars. Past 16 KiB of text only the beginning is kept, under `cut`.
    pub payload: Value,
}

impl NewEvent {
    /// An event about the run as a whole.
    pub fn of(kind: EventKind, payload: Value) -> Self {
        Self { kind, record: None, guid: None, course: None, author: String::new(), payload }
    }

    /// The same, by a person.
    #[must_use]
    pub fn by(mut self, author: &str) -> Self {
        author.clone_into(&mut self.author);
        self
    }
}

row! {
    struct EventRow<'a> {
        kind: &'static str,
        author: &'a str,
        record: Option<Fingerprint>,
        guid_fold: Option<String>,
        course: Option<&'a str>,
        payload: String,
    }
}

const INSERT: &str = "
    INSERT INTO event (run, link, at_ms, {columns})
    SELECT $2, $3, $4, {values} FROM {rows}";

/// Adds events inside a transaction.
pub(crate) async fn append(
    tx: &mut Tx,
    run: Option<&RunId>,
    link: &LinkName,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<(), JournalError> {
    let rows: Vec<EventRow<'_>> = events
        .iter()
        .map(|NewEvent { kind, record, guid, course, author, payload }| EventRow {
            kind: kind.as_str(),
            author,
            record: *record,
            guid_fold: guid.as_ref().map(Guid::folded),
            course: course.as_ref().map(ElmCourseId::as_str),
            payload: text_of(payload),
        })
        .collect();
    let bulk = Bulk::pack(&rows);
    tx.bulk_run(INSERT, &bulk, args![run.map(RunId::as_str), link.as_str(), now]).await?;
    Ok(())
}

/// A payload as text, always JSON, never longer than its bound (but for the quotes of what was cut).
fn text_of(payload: &Value) -> String {
    let text = payload.to_string();
    if text.len() <= TEXT_BYTES_MAX { text } else { json!({"cut": bounded(&text)}).to_string() }
}
