//! Writes decisions: records, applied states, courses, mails.

use super::Change;
use crate::applied::{self, AppliedTo};
use crate::course_counts::short_action;
use crate::outbox;
use crate::store::{Bulk, Tx, args, row};
use crate::{JournalError, bounded, ms};
use jiff::Timestamp;
use rollbook_core::model::{LinkName, MoodleCourseId, MoodleUserId, RunId};
use rollbook_core::run::{Disposition, OutcomeCode, Step, disposition};
use std::collections::BTreeMap;

row! {
    struct RecordRow<'a> {
        code: &'static str,
        standing: &'static str,
        status: &'static str,
        action: &'a str,
        reason: String,
        evidence: &'a str,
        next_try_ms: Option<i64>,
        course_id: MoodleCourseId,
        course_name: &'a str,
        user_id: MoodleUserId,
        attention: Option<i64>,
        cleared: i64,
    } beside {
        id: i64,
        keeps_intent: i64,
        tries: i64,
    }
}

const DECIDE: &str = "
    UPDATE record SET {set}, attempts = record.attempts + 1, decided_ms = $2, at_ms = $2, run = $3,
        intent = CASE WHEN r.keeps_intent = 1 THEN record.intent END,
        intent_run = CASE WHEN r.keeps_intent = 1 THEN record.intent_run END
    FROM {rows} WHERE record.id = r.id";

const WAIT_ON: &str = "
    UPDATE record SET next_try_ms = r.next_try_ms, attention = r.attention, attempts = record.attempts + r.tries,
        cleared = r.cleared,
        intent = CASE WHEN r.keeps_intent = 1 THEN record.intent END,
        intent_run = CASE WHEN r.keeps_intent = 1 THEN record.intent_run END
    FROM {rows} WHERE record.id = r.id";

pub(super) async fn records(
    tx: &mut Tx,
    run: &RunId,
    changes: &[Change<'_>],
    now: Timestamp,
) -> Result<(), JournalError> {
    let new: Vec<RecordRow<'_>> = changes.iter().filter(|change| change.is_new).map(row).collect();
    tx.bulk_run(DECIDE, &Bulk::pack(&new), args![now, run.as_str()]).await?;
    let waiting: Vec<RecordRow<'_>> =
        changes.iter().filter(|change| !change.is_new && moves(change, now)).map(row).collect();
    tx.bulk_run(WAIT_ON, &Bulk::pack(&waiting), args![]).await?;
    Ok(())
}

/// Whether an unchanged record needs a write at all: one that is due at every run stays as it is.
fn moves(change: &Change<'_>, now: Timestamp) -> bool {
    let stays_due = match (change.decision.next, change.before.next_try) {
        (Step::TryAt(next) | Step::AskAt(next), Some(before)) => next <= now && before <= now,
        (Step::Rest, before) => before.is_none(),
        (Step::TryAt(_) | Step::AskAt(_), None) => false,
    };
    !stays_due
        || tries(change) > 0
        || change.attention != change.before.attention
        || change.before.has_intent
        || change.cleared != change.before.cleared
}

fn row<'a>(change: &'a Change<'_>) -> RecordRow<'a> {
    let decision = change.decision;
    let code = change.code();
    let next_try_ms = match decision.next {
        Step::Rest => None,
        Step::TryAt(at) | Step::AskAt(at) => Some(ms(at)),
    };
    RecordRow {
        id: change.before.id,
        code: code.as_str(),
        standing: disposition(code).as_str(),
        status: code.status(),
        action: short_action(code.action(&change.before.state)),
        reason: bounded(&decision.verdict.to_string()).to_owned(),
        evidence: &change.evidence,
        next_try_ms,
        course_id: decision.course_id,
        course_name: &decision.course_name,
        user_id: decision.user_id,
        attention: change.attention,
        // What was sent and not answered is looked up by the next run, which must know what was meant.
        keeps_intent: i64::from(code == OutcomeCode::Unknown),
        tries: tries(change),
        cleared: i64::from(change.cleared),
    }
}

/// Trouble that may pass, met again, is another try: the pause before the next one grows.
fn tries(change: &Change<'_>) -> i64 {
    i64::from(disposition(change.code()) == Disposition::Transient)
}

/// Keeps the newest state per person and course.
pub(super) async fn applied(
    tx: &mut Tx,
    link: &LinkName,
    changes: &[Change<'_>],
    now: Timestamp,
) -> Result<(), JournalError> {
    let states = changes.iter().filter_map(|Change { decision, before, .. }| {
        let state = decision.applied.as_ref()?;
        Some(AppliedTo {
            guid: &before.guid,
            course: &before.course,
            state,
            user: decision.user_id,
            course_id: decision.course_id,
        })
    });
    applied::put(tx, link, states, now).await?;
    let made =
        changes.iter().filter(|change| matches!(change.code(), OutcomeCode::Enrolled | OutcomeCode::EnrolledBlocked));
    applied::put_made(tx, link, made.map(|change| (&change.before.guid, &change.before.course)), now).await
}

row! {
    struct CourseRow<'a> {
        course: &'a str,
        course_id: MoodleCourseId,
        name: &'a str,
        search: String,
    }
}

const NAME_COURSE: &str = "
    INSERT INTO course (link, seen_ms, {columns})
    SELECT $2, 0, {values} FROM {rows} WHERE true
    ON CONFLICT (link, course) DO UPDATE
        SET course_id = excluded.course_id, name = excluded.name, search = excluded.search
    WHERE course.name <> excluded.name OR course.course_id <> excluded.course_id";

/// Keeps what Moodle calls the courses, so that a search by name finds them.
pub(super) async fn courses(tx: &mut Tx, link: &LinkName, changes: &[Change<'_>]) -> Result<(), JournalError> {
    let mut seen: BTreeMap<&str, CourseRow<'_>> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.decision.course_id.0 > 0) {
        let (course, name) = (change.before.course.as_str(), change.decision.course_name.as_str());
        let search = format!("{course} {} {name}", change.before.short_name).to_lowercase();
        seen.insert(course, CourseRow { course, course_id: change.decision.course_id, name, search });
    }
    let rows: Vec<&CourseRow<'_>> = seen.values().collect();
    tx.bulk_run(NAME_COURSE, &Bulk::pack(&rows), args![link.as_str()]).await?;
    Ok(())
}

row! {
    struct PersonRow {
        guid_fold: String,
        user_id: MoodleUserId,
    }
}

const NAME_PERSON: &str = "
    INSERT INTO person (link, guid_fold, search, user_id, seen_ms)
    SELECT $2, r.guid_fold, r.guid_fold, r.user_id, 0 FROM {rows} WHERE true
    ON CONFLICT (link, guid_fold) DO UPDATE SET user_id = excluded.user_id
    WHERE person.user_id <> excluded.user_id";

/// Keeps which account is whose, so that a search by the account's id finds the person.
pub(super) async fn people(tx: &mut Tx, link: &LinkName, changes: &[Change<'_>]) -> Result<(), JournalError> {
    let known = changes.iter().filter(|change| change.is_new && change.decision.user_id.0 > 0);
    let people: BTreeMap<String, MoodleUserId> =
        known.map(|change| (change.before.guid.folded(), change.decision.user_id)).collect();
    let rows: Vec<PersonRow> =
        people.into_iter().map(|(guid_fold, user_id)| PersonRow { guid_fold, user_id }).collect();
    tx.bulk_run(NAME_PERSON, &Bulk::pack(&rows), args![link.as_str()]).await?;
    Ok(())
}

/// Makes the mails of the decisions due; gives how many were not so before.
pub(super) async fn mails(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    changes: &[Change<'_>],
    now: Timestamp,
) -> Result<u64, JournalError> {
    let items: Vec<outbox::NewRow<'_>> = changes
        .iter()
        .filter_map(|change| {
            let item = change.decision.mail.as_ref()?;
            Some(outbox::NewRow::of(item).about(change.decision.record, &change.before.guid, &change.before.course))
        })
        .collect();
    outbox::insert(tx, link, Some(run), &items, now).await
}
