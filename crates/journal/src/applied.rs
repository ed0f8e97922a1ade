//! The newest state that was applied for an enrolment: what makes a record that comes late a stale one. And what the link
//! made, and whose account is whose.

use super::feed::keys;
use super::store::{Bulk, Tx, args, row};
use super::{JournalError, Records, ms};
use jiff::Timestamp;
use rollbook_core::model::{
    Age, ElmCourseId, EnrolState, EnrolmentId, Fingerprint, Guid, LinkName, MoodleCourseId, MoodleUserId,
};
use rollbook_core::plan::AppliedState;
use std::collections::{BTreeMap, BTreeSet};

const OF_PEOPLE: &str =
    "SELECT enrolment.* FROM {rows} {join} enrolment ON enrolment.link = $2 AND enrolment.guid_fold = r.key";

const MADE: &str = "SELECT made.guid_fold, made.course FROM {rows}
    {join} made_enrolment made ON made.link = $2 AND made.guid_fold = r.key";

const ACCOUNTS: &str = "SELECT person.guid_fold, person.user_id FROM {rows}
    {join} person ON person.link = $2 AND person.guid_fold = r.key AND person.user_id > 0";

impl Records<'_> {
    /// The newest state that was applied for each enrolment of these people, by folded GUID and course.
    pub async fn applied(
        self,
        link: &LinkName,
        people: &[Guid],
    ) -> Result<BTreeMap<(String, ElmCourseId), Vec<AppliedState>>, JournalError> {
        let rows = self.store.bulk_rows(OF_PEOPLE, &keys(&folded(people)), args![link.as_str()]).await?;
        let mut states = BTreeMap::<_, Vec<AppliedState>>::new();
        for row in &rows {
            let age = Age {
                changed: row.time("changed_ms")?,
                created: row.time("created_ms")?,
                number: u64::try_from(row.int("number")?).ok(),
            };
            let state = AppliedState {
                age,
                state: row.word("state", EnrolState::read)?,
                record: row.word("fingerprint", |hex| hex.parse().ok())?,
                enrolment: EnrolmentId::new(row.text("enrolment_id")?),
                decided: row.int("decided")? == 1,
            };
            states.entry((row.text("guid_fold")?, ElmCourseId::new(row.text("course")?))).or_default().push(state);
        }
        Ok(states)
    }

    /// The enrolments of these people that the link made, by folded GUID and course.
    pub async fn made(self, link: &LinkName, people: &[Guid]) -> Result<BTreeSet<(String, ElmCourseId)>, JournalError> {
        let rows = self.store.bulk_rows(MADE, &keys(&folded(people)), args![link.as_str()]).await?;
        rows.iter().map(|row| Ok((row.text("guid_fold")?, ElmCourseId::new(row.text("course")?)))).collect()
    }

    /// The account that each of these people was last seen to have, by folded GUID.
    pub async fn accounts(
        self,
        link: &LinkName,
        people: &[Guid],
    ) -> Result<BTreeMap<String, MoodleUserId>, JournalError> {
        let rows = self.store.bulk_rows(ACCOUNTS, &keys(&folded(people)), args![link.as_str()]).await?;
        rows.iter().map(|row| Ok((row.text("guid_fold")?, MoodleUserId(row.int("user_id")?)))).collect()
    }
}

fn folded(people: &[Guid]) -> Vec<String> {
    people.iter().map(Guid::folded).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A state and whom it was applied to.
pub(super) struct AppliedTo<'a> {
    pub guid: &'a Guid,
    pub course: &'a ElmCourseId,
    pub state: &'a AppliedState,
    pub user: MoodleUserId,
    pub course_id: MoodleCourseId,
}

row! {
    struct AppliedRow<'a> {
        guid_fold: String,
        course: &'a ElmCourseId,
        changed_ms: i64,
        created_ms: i64,
        number: i64,
        state: &'static str,
        fingerprint: Fingerprint,
    } beside {
        user_id: MoodleUserId,
        course_id: MoodleCourseId,
        enrolment_id: &'a str,
        decided: i64,
    }
}

const PUT: &str = "
    INSERT INTO applied (link, at_ms, user_id, course_id, {columns})
    SELECT $2, $3, r.user_id, r.course_id, {values} FROM {rows} WHERE true
    ON CONFLICT (link, guid_fold, course) DO UPDATE SET changed_ms = excluded.changed_ms,
        created_ms = excluded.created_ms, number = excluded.number, state = excluded.state,
        fingerprint = excluded.fingerprint, user_id = excluded.user_id, course_id = excluded.course_id,
        at_ms = excluded.at_ms
    WHERE (excluded.changed_ms, excluded.created_ms, excluded.number)
        >= (applied.changed_ms, applied.created_ms, applied.number)";

const PUT_ENROLMENT: &str = "
    INSERT INTO enrolment (link, at_ms, enrolment_id, decided, {columns})
    SELECT $2, $3, r.enrolment_id, r.decided, {values} FROM {rows} WHERE true
    ON CONFLICT (link, guid_fold, course, enrolment_id) DO UPDATE SET changed_ms = excluded.changed_ms,
        created_ms = excluded.created_ms, number = excluded.number, state = excluded.state,
        fingerprint = excluded.fingerprint, decided = excluded.decided, at_ms = excluded.at_ms
    WHERE (excluded.changed_ms, excluded.created_ms, excluded.number)
        >= (enrolment.changed_ms, enrolment.created_ms, enrolment.number)";

/// Keeps the newest state per enrolment, and per person and course; an older one never replaces a newer one.
pub(super) async fn put<'a>(
    tx: &mut Tx,
    link: &LinkName,
    states: impl Iterator<Item = AppliedTo<'a>>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let mut newest: BTreeMap<(String, &ElmCourseId, &str), AppliedRow<'_>> = BTreeMap::new();
    for AppliedTo { guid, course, state, user, course_id } in states {
        let AppliedState { age, state, record, enrolment, decided } = state;
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
            enrolment_id: enrolment.as_str().trim(),
            decided: i64::from(*decided),
        };
        let key = (row.guid_fold.clone(), course, row.enrolment_id);
        let age = |row: &AppliedRow<'_>| (row.changed_ms, row.created_ms, row.number);
        if newest.get(&key).is_none_or(|other| age(other) <= age(&row)) {
            newest.insert(key, row);
        }
    }
    let rows: Vec<&AppliedRow<'_>> = newest.values().collect();
    tx.bulk_run(PUT_ENROLMENT, &Bulk::pack(&rows), args![link.as_str(), now]).await?;
    let mut of_pair: BTreeMap<(&str, &ElmCourseId), &AppliedRow<'_>> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| row.decided == 1) {
        let kept = of_pair.entry((row.guid_fold.as_str(), row.course)).or_insert(row);
        let age = |row: &AppliedRow<'_>| (row.changed_ms, row.created_ms, row.number);
        if age(kept) < age(row) {
            *kept = row;
        }
    }
    let rows: Vec<&AppliedRow<'_>> = of_pair.into_values().collect();
    tx.bulk_run(PUT, &Bulk::pack(&rows), args![link.as_str(), now]).await?;
    Ok(())
}

row! {
    struct MadeRow {
        guid_fold: String,
        course: ElmCourseId,
    }
}

const PUT_MADE: &str = "
    INSERT INTO made_enrolment (link, at_ms, {columns}) SELECT $2, $3, {values} FROM {rows} WHERE true
    ON CONFLICT (link, guid_fold, course) DO NOTHING";

/// Keeps that the link made these enrolments.
pub(super) async fn put_made<'a>(
    tx: &mut Tx,
    link: &LinkName,
    made: impl Iterator<Item = (&'a Guid, &'a ElmCourseId)>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let made: BTreeSet<(String, &ElmCourseId)> = made.map(|(guid, course)| (guid.folded(), course)).collect();
    let rows: Vec<MadeRow> =
        made.into_iter().map(|(guid_fold, course)| MadeRow { guid_fold, course: course.clone() }).collect();
    tx.bulk_run(PUT_MADE, &Bulk::pack(&rows), args![link.as_str(), now]).await?;
    Ok(())
}
