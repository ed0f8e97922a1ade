//! The newest state that was applied for a person and course: what makes a record that comes late a stale one.

use super::feed::keys;
use super::store::{Bulk, Column, Tx, args, column_int, column_text};
use super::{JournalError, Records, ms};
use jiff::Timestamp;
use rollbook_core::model::{Age, ElmCourseId, EnrolState, Fingerprint, Guid, LinkName, MoodleCourseId, MoodleUserId};
use rollbook_core::plan::AppliedState;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

const OF_PEOPLE: &str =
    "SELECT applied.* FROM {rows} {join} applied ON applied.link = $2 AND applied.guid_fold = r.key";

impl Records<'_> {
    /// The newest state that was applied for each course of these people, by folded GUID.
    ///
    /// # Errors
    /// Those of the database only.
    pub async fn applied(
        self,
        link: &LinkName,
        people: &[Guid],
    ) -> Result<BTreeMap<(String, ElmCourseId), AppliedState>, JournalError> {
        let folded: Vec<String> = people.iter().map(Guid::folded).collect::<BTreeSet<_>>().into_iter().collect();
        let rows = self.store.bulk_rows(OF_PEOPLE, &keys(&folded), args![link.as_str()]).await?;
        rows.iter()
            .map(|row| {
                let age = Age {
                    changed: row.time("changed_ms")?,
                    created: row.time("created_ms")?,
                    number: u64::try_from(row.int("number")?).ok(),
                };
                let record = row.word("fingerprint", |hex| hex.parse().ok())?;
                let state = AppliedState { age, state: row.word("state", EnrolState::read)?, record };
                Ok(((row.text("guid_fold")?, ElmCourseId::new(row.text("course")?)), state))
            })
            .collect()
    }
}

/// A state and whom it was applied to.
pub(super) struct AppliedTo<'a> {
    pub guid: &'a Guid,
    pub course: &'a ElmCourseId,
    pub state: &'a AppliedState,
    pub user: MoodleUserId,
    pub course_id: MoodleCourseId,
}

#[derive(Serialize)]
struct AppliedRow<'a> {
    guid_fold: String,
    course: &'a ElmCourseId,
    changed_ms: i64,
    created_ms: i64,
    number: i64,
    state: &'static str,
    fingerprint: Fingerprint,
    user_id: MoodleUserId,
    course_id: MoodleCourseId,
}

const APPLIED: &[Column] = &[
    column_text("guid_fold"),
    column_text("course"),
    column_int("changed_ms"),
    column_int("created_ms"),
    column_int("number"),
    column_text("state"),
    column_text("fingerprint"),
    column_int("user_id"),
    column_int("course_id"),
];

const PUT: &str = "
    INSERT INTO applied (link, guid_fold, course, changed_ms, created_ms, number, state, fingerprint, user_id, course_id,
        at_ms)
    SELECT $2, r.guid_fold, r.course, r.changed_ms, r.created_ms, r.number, r.state, r.fingerprint, r.user_id,
        r.course_id, $3
    FROM {rows} WHERE true
    ON CONFLICT (link, guid_fold, course) DO UPDATE SET changed_ms = excluded.changed_ms,
        created_ms = excluded.created_ms, number = excluded.number, state = excluded.state,
        fingerprint = excluded.fingerprint, user_id = excluded.user_id, course_id = excluded.course_id,
        at_ms = excluded.at_ms
    WHERE (excluded.changed_ms, excluded.created_ms, excluded.number)
        >= (applied.changed_ms, applied.created_ms, applied.number)";

/// Keeps the newest state per person and course; an older one never replaces a newer one.
pub(super) async fn put<'a>(
    tx: &mut Tx,
    link: &LinkName,
    states: impl Iterator<Item = AppliedTo<'a>>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let mut newest: BTreeMap<(String, &ElmCourseId), AppliedRow<'_>> = BTreeMap::new();
    for AppliedTo { guid, course, state: AppliedState { age, state, record }, user, course_id } in states {
        let row = AppliedRow {
            guid_fold: guid.folded(),
            course,
            changed_ms: ms(age.changed),
            created_ms: ms(age.created),
            number: age.number.map_or(-1, |number| i64::try_from(number).unwrap_or(i64::MAX)),
            state: state.as_str(),
            fingerprint: *record,
            user_id: user,
            course_id,
        };
        let key = (row.guid_fold.clone(), course);
        let age = |row: &AppliedRow<'_>| (row.changed_ms, row.created_ms, row.number);
        if newest.get(&key).is_none_or(|other| age(other) <= age(&row)) {
            newest.insert(key, row);
        }
    }
    let rows: Vec<&AppliedRow<'_>> = newest.values().collect();
    tx.bulk_run(PUT, &Bulk::pack(APPLIED, &rows), args![link.as_str(), now]).await?;
    Ok(())
}
