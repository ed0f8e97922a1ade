//! Everything about one person, perhaps in one course: what `explain` and the story page are made of.
//!
//! Next: `explain`, which folds it into an answer.

mod explain;

use super::completions::CompletionRow;
use super::log::{LogRow, columns, log_row};
use super::outbox::{OutboxRow, outbox_row};
use super::runs::{EVENT, StoredEvent, event_row};
use super::store::{Row, args};
use super::{Completions, JournalError, People};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, EnrolState, Fingerprint, Guid, LinkName, MoodleCourseId, MoodleUserId};

/// So many of each are told; the newest.
const ROWS_MAX: u64 = 500;

/// What the journal knows about a person, each list from the oldest to the newest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// The feed's records, and other lines of the log.
    pub records: Vec<LogRow>,
    /// What was decided, intended, corrected, delivered, and done by people, the latter on whatever link.
    pub events: Vec<StoredEvent>,
    /// The states that were applied last, by course.
    pub applied: Vec<AppliedRow>,
    /// Mails and completions, whatever link they belong to.
    pub outbox: Vec<OutboxRow>,
    /// The completions that were seen in Moodle, whatever link saw them.
    pub completions: Vec<CompletionRow>,
}

/// The state that was applied last for a person and course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedRow {
    pub course: ElmCourseId,
    pub state: EnrolState,
    pub changed: Timestamp,
    /// The record that wanted it.
    pub record: Fingerprint,
    pub user_id: MoodleUserId,
    pub course_id: MoodleCourseId,
    pub at: Timestamp,
}

/// A person as the feed last wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The folded GUID.
    pub guid: Guid,
    /// GUID, mail and names, folded, as one line.
    pub words: String,
    /// The account, 0 where none is known.
    pub user_id: MoodleUserId,
}

impl People<'_> {
    /// The people of a link that a text names: by GUID, by a mail address that they have or had, or by the account's id.
    pub async fn find(self, link: &LinkName, text: &str) -> Result<Vec<Person>, JournalError> {
        let sql = "
            SELECT guid_fold, search, user_id FROM person WHERE link = $1 AND guid_fold = $2
            UNION SELECT guid_fold, search, user_id FROM person WHERE link = $1 AND user_id > 0 AND user_id = $4
            UNION SELECT guid_fold, search, user_id FROM person WHERE link = $1
                AND guid_fold IN (SELECT guid_fold FROM record WHERE mail_fold = $3 AND link = $1)
            ORDER BY guid_fold LIMIT 50";
        let text = text.trim();
        let user: i64 = text.parse().unwrap_or_default();
        let args = args![link.as_str(), Guid::new(text).folded(), text.to_lowercase(), user];
        self.store.rows(sql, args).await?.iter().map(person).collect()
    }

    /// The story of a person on a link, in one course or in all.
    ///
    /// # Errors
    /// Those of the database; [`JournalError::Unreadable`] for a row of a newer Rollbook.
    pub async fn story(
        self,
        link: &LinkName,
        person: &Guid,
        course: Option<&ElmCourseId>,
    ) -> Result<Story, JournalError> {
        let args = || args![link.as_str(), person.folded(), course.map_or("", ElmCourseId::as_str), ROWS_MAX];
        let about = "link = $1 AND guid_fold = $2 AND ($3 = '' OR course = $3)";
        let records = format!(
            "SELECT {} FROM record WHERE {about} ORDER BY COALESCE(changed_ms, first_seen_ms) DESC, id DESC LIMIT $4",
            columns()
        );
        // What people did counts on whatever link they did it: an item about a completion belongs to another one, too.
        let events = format!(
            "SELECT {EVENT} FROM event WHERE (link = $1 OR kind = 'acted') AND guid_fold = $2 AND ($3 = '' OR course = $3)
             ORDER BY id DESC LIMIT $4"
        );
        let applied = format!("SELECT * FROM applied WHERE {about} ORDER BY at_ms DESC LIMIT $4");
        // Reports belong to another link than the records.
        let outbox = "SELECT * FROM outbox WHERE guid_fold = $1 AND ($2 = '' OR course = $2) ORDER BY id DESC LIMIT $3";
        let outbox_args = args![person.folded(), course.map_or("", ElmCourseId::as_str), ROWS_MAX];
        Ok(Story {
            records: backwards(self.store.rows(&records, args()).await?, log_row)?,
            events: backwards(self.store.rows(&events, args()).await?, event_row)?,
            applied: backwards(self.store.rows(&applied, args()).await?, applied_row)?,
            outbox: backwards(self.store.rows(outbox, outbox_args).await?, outbox_row)?,
            completions: Completions { store: self.store }.of_person(person, course, ROWS_MAX).await?,
        })
    }
}

fn backwards<T>(rows: Vec<Row>, read: impl Fn(&Row) -> Result<T, JournalError>) -> Result<Vec<T>, JournalError> {
    rows.iter().rev().map(read).collect()
}

fn person(row: &Row) -> Result<Person, JournalError> {
    Ok(Person {
        guid: Guid::new(row.text("guid_fold")?),
        words: row.text("search")?,
        user_id: MoodleUserId(row.int("user_id")?),
    })
}

fn applied_row(row: &Row) -> Result<AppliedRow, JournalError> {
    Ok(AppliedRow {
        course: ElmCourseId::new(row.text("course")?),
        state: row.word("state", EnrolState::read)?,
        changed: row.time("changed_ms")?,
        record: row.word("fingerprint", |hex| hex.parse().ok())?,
        user_id: MoodleUserId(row.int("user_id")?),
        course_id: MoodleCourseId(row.int("course_id")?),
        at: row.time("at_ms")?,
    })
}
