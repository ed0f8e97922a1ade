//! The line of the learner log that a report has: the enrolment record's texts with the action `Complete`.

use crate::course_counts::{self, Moves};
use crate::store::{Bulk, Tx, args, row};
use crate::{JournalError, bounded, ms};
use jiff::Timestamp;
use rollbook_core::model::{CompletionKey, Fingerprint, LinkName, Mail, RunId};
use rollbook_core::plan::Report;
use rollbook_core::run::{OutcomeCode, disposition};

row! {
    struct LineRow<'a> {
        fingerprint: Fingerprint,
        line: String,
        date_created: String,
        course: &'a str,
        short_name: &'a str,
        guid: &'a str,
        mail: &'a str,
        first_name: &'a str,
        last_name: &'a str,
        enrolment_id: String,
        created_ms: i64,
        guid_fold: String,
        mail_fold: String,
        course_id: i64,
        course_name: &'a str,
        user_id: i64,
        reason: String,
    } beside {
        person_search: String,
        course_search: String,
    }
}

const INSERT: &str = "
    INSERT INTO record (link, state, state_date, record_id, changed_ms, code, standing, status, action, evidence,
        first_seen_ms, at_ms, run, {columns})
    SELECT $2, 'Complete', r.date_created, '', r.created_ms, $5, $6, $7, 'Complete', '{}', $3, $3, $4, {values}
    FROM {rows} WHERE true
    ON CONFLICT (link, fingerprint, line) DO NOTHING RETURNING course";

const INSERT_PEOPLE: &str = "
    INSERT INTO person (link, guid_fold, search, user_id, seen_ms)
    SELECT $2, r.guid_fold, MAX(r.person_search), MAX(r.user_id), CAST($3 AS BIGINT) FROM {rows} GROUP BY r.guid_fold
    ON CONFLICT (link, guid_fold) DO UPDATE SET search = excluded.search, user_id = excluded.user_id,
        seen_ms = excluded.seen_ms";

const INSERT_COURSES: &str = "
    INSERT INTO course (link, course, course_id, name, short_name, search, seen_ms)
    SELECT $2, r.course, MAX(r.course_id), MAX(r.course_name), MAX(r.short_name), MAX(r.course_search), CAST($3 AS BIGINT)
    FROM {rows} GROUP BY r.course
    ON CONFLICT (link, course) DO UPDATE SET course_id = excluded.course_id, name = excluded.name,
        short_name = excluded.short_name, search = excluded.search, seen_ms = excluded.seen_ms";

const SETTLE: &str = "
    UPDATE record SET code = $3, standing = $4, status = $5, reason = $6, attempts = $7, at_ms = $8, decided_ms = $8
    WHERE link = $1 AND fingerprint = $9 AND line = $2";

/// The original's word, by which reports written for it find these lines.
const ACTION: &str = "Complete";

/// A report that is queued, with what its line says.
pub(super) struct NewLine<'a> {
    pub report: &'a Report,
    pub course_name: &'a str,
}

/// What a report's line is found by: the enrolment record that it belongs to, or, without one, itself.
fn fingerprint(link: &LinkName, key: &CompletionKey, record: Option<Fingerprint>) -> Fingerprint {
    record.unwrap_or_else(|| Fingerprint::of_bytes(&[&key.dedupe(link)]))
}

/// Adds the lines of reports that are queued.
pub(super) async fn insert(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    lines: &[NewLine<'_>],
    now: Timestamp,
) -> Result<(), JournalError> {
    let rows: Vec<LineRow<'_>> = lines.iter().map(|line| row(link, line)).collect();
    let bulk = Bulk::pack(&rows);
    let code = OutcomeCode::ReportDue;
    let words = args![code.as_str(), disposition(code).as_str(), code.status()];
    let added = tx.bulk_rows(INSERT, &bulk, [args![link.as_str(), now, run.as_str()], words].concat()).await?;
    let mut moves = Moves::default();
    for row in &added {
        moves.enter(&row.text("course")?, ACTION, code.status());
    }
    course_counts::shift(tx, link, &moves).await?;
    tx.bulk_run(INSERT_PEOPLE, &bulk, args![link.as_str(), now]).await?;
    tx.bulk_run(INSERT_COURSES, &bulk, args![link.as_str(), now]).await?;
    Ok(())
}

fn row<'a>(link: &LinkName, line: &NewLine<'a>) -> LineRow<'a> {
    let NewLine { report, course_name } = line;
    let Report { key, guid, elm_id, enrolment, complete_date, record, short_name, .. } = report;
    let Report { mail, first_name, last_name, body: _, .. } = report;
    let (guid_fold, mail_fold) = (guid.folded(), Mail::new(mail.as_str()).folded());
    LineRow {
        fingerprint: fingerprint(link, key, *record),
        line: key.dedupe(link),
        date_created: key.completed_at.to_string(),
        course: elm_id.as_str(),
        guid: guid.as_str(),
        enrolment_id: enrolment.to_string(),
        created_ms: ms(key.completed_at),
        person_search: format!("{guid_fold} {mail_fold} {} {}", first_name.to_lowercase(), last_name.to_lowercase()),
        course_search: format!("{elm_id} {short_name} {course_name}").to_lowercase(),
        guid_fold,
        mail_fold,
        short_name,
        mail,
        first_name,
        last_name,
        course_id: key.course.0,
        course_name,
        user_id: key.user.0,
        reason: format!("complete on {complete_date}, to be reported"),
    }
}

/// How a line stands from now on.
pub(super) struct LineState<'a> {
    pub code: OutcomeCode,
    pub reason: &'a str,
    pub attempts: u32,
}

/// Says in a report's line what became of it.
pub(super) async fn settle(
    tx: &mut Tx,
    link: &LinkName,
    report: &Report,
    line_state: &LineState<'_>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let LineState { code, reason, attempts } = line_state;
    let fingerprint = fingerprint(link, &report.key, report.record).to_hex();
    let words = args![code.as_str(), disposition(*code).as_str(), code.status(), bounded(reason), u64::from(*attempts)];
    let place = args![link.as_str(), report.key.dedupe(link)];
    let before = "SELECT course, status FROM record WHERE link = $1 AND fingerprint = $2 AND line = $3";
    let before = tx.row(before, args![link.as_str(), &fingerprint, report.key.dedupe(link)]).await?;
    tx.run(SETTLE, [place, words, args![now, fingerprint]].concat()).await?;
    let mut moves = Moves::default();
    if let Some(row) = before {
        let course = row.text("course")?;
        moves.leave(&course, ACTION, &row.text("status")?);
        moves.enter(&course, ACTION, code.status());
    }
    course_counts::shift(tx, link, &moves).await
}
