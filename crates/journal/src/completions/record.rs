//! A plan of completions → the journal: what was seen, the reports, their lines and events, and what a human is asked.

use super::attention::{self, NewAttention};
use super::line::{self, NewLine};
use super::opted;
use crate::runs::{NewEvent, append};
use crate::store::{Bulk, Tx, args, row};
use crate::{Completions, JournalError, Lease, ms};
use jiff::Timestamp;
use rollbook_core::desired::OptedCourse;
use rollbook_core::model::{CompletionKey, ElmCourseId, LinkName, MoodleCourseId, MoodleUserId, RunId, SeenCompletion};
use rollbook_core::plan::{CompletionsPlan, Report};
use rollbook_core::run::{Disposition, EventKind};
use rollbook_core::verdict::Unreported;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What one part of a run of completions came to.
#[derive(Debug)]
pub struct CompletionsRecord<'a> {
    /// The plan: the reports are those that may be sent.
    pub plan: &'a CompletionsPlan,
    /// The completions that it was made from.
    pub seen: &'a BTreeMap<CompletionKey, SeenCompletion>,
    /// The opted courses as they are from now on.
    pub courses: &'a [OptedCourse],
    /// When the opt-ins were looked at, if they were.
    pub checked: Option<Timestamp>,
    /// Up to which completion time the database was read, if it was.
    pub covered: Option<Timestamp>,
    /// When the database was read whole, if it was.
    pub full: Option<Timestamp>,
    /// Whom the web services were asked about.
    pub looked: &'a [(MoodleUserId, MoodleCourseId)],
    /// What a human is asked because of the plan.
    pub attention: &'a [NewAttention],
    /// Which open questions the plan has looked at again.
    pub reviewed: Reviewed<'a>,
}

/// Which open questions a plan has looked at again: those that it no longer asks are closed.
#[derive(Clone, Copy, Debug)]
pub enum Reviewed<'a> {
    All,
    About(&'a BTreeSet<String>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queued {
    /// Reports that are due now and were not known before.
    pub reports: u64,
}

row! {
    struct SeenRow<'a> {
        user_id: i64,
        course_id: i64,
        completed_ms: i64,
        seen_by: &'static str,
        guid: &'a str,
        guid_fold: String,
        mail: &'a str,
        first_name: &'a str,
        last_name: &'a str,
        course: Option<&'a str>,
        state: &'static str,
        code: &'static str,
        reason: String,
        outbox: Option<i64>,
    }
}

/// What was reported or marked stays so.
const STORE_SEEN: &str = "
    INSERT INTO completion (link, seen_ms, {columns})
    SELECT $2, $3, {values} FROM {rows} WHERE true
    ON CONFLICT (link, user_id, course_id, completed_ms) DO UPDATE SET seen_by = excluded.seen_by, guid = excluded.guid,
        guid_fold = excluded.guid_fold, mail = excluded.mail, first_name = excluded.first_name,
        last_name = excluded.last_name, course = excluded.course, state = excluded.state, code = excluded.code,
        reason = excluded.reason, outbox = excluded.outbox
    WHERE completion.state IN ('waiting', 'skipped')";

row! {
    struct ReportRow<'a> {
        dedupe: String,
        record: Option<String>,
        guid_fold: String,
        course: &'a str,
        payload: String,
    }
}

const QUEUE: &str = "
    INSERT INTO outbox (link, run, kind, state, next_ms, created_ms, {columns})
    SELECT $2, $3, 'completion', 'due', $4, $4, {values} FROM {rows} WHERE true
    ON CONFLICT (dedupe) DO NOTHING RETURNING id, dedupe";

row! {
    struct LookRow {
        user_id: i64,
        course_id: i64,
    }
}

const LOOKED: &str = "
    INSERT INTO completion_look (link, looked_ms, {columns})
    SELECT $2, $3, {values} FROM {rows} WHERE true
    ON CONFLICT (link, user_id, course_id) DO UPDATE SET looked_ms = excluded.looked_ms";

impl Completions<'_> {
    /// Records what one part of a run of completions came to, all or nothing: a report exists from here on, whatever happens
    /// to the process. What the plan skips because it was reported leaves no trace.
    ///
    /// # Errors
    /// [`JournalError::LeaseLost`].
    pub async fn record(
        self,
        lease: &Lease,
        run: &RunId,
        record: &CompletionsRecord<'_>,
        now: Timestamp,
    ) -> Result<Queued, JournalError> {
        let link = lease.link();
        let mut tx = self.store.begin().await?;
        lease.prove(&mut tx).await?;
        opted::store(&mut tx, link, record.courses).await?;
        opted::advance(&mut tx, link, record.checked, record.covered, record.full).await?;
        let looked: Vec<LookRow> =
            record.looked.iter().map(|(user, course)| LookRow { user_id: user.0, course_id: course.0 }).collect();
        tx.bulk_run(LOOKED, &Bulk::pack(&looked), args![link.as_str(), now]).await?;
        let queued = queue(&mut tx, link, run, record, now).await?;
        store_seen(&mut tx, link, record, &queued, now).await?;
        attention::open(&mut tx, link, record.attention, now).await?;
        let kinds: Vec<String> = ASKED.iter().map(|code| format!("{}{code}", attention::PREFIX)).collect();
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let about = match record.reviewed {
            Reviewed::All => None,
            Reviewed::About(subjects) => Some(subjects),
        };
        attention::close_others(&mut tx, link, &kinds, record.attention, about, now).await?;
        tx.commit().await?;
        Ok(Queued { reports: queued.len() as u64 })
    }
}

/// The reasons by which a plan asks a human.
const ASKED: [&str; 7] = [
    "needs_reset",
    "no_course_number",
    "no_guid",
    "other_account",
    "no_enrolment_record",
    "no_enrolment_id",
    "enrolment_id_not_a_number",
];

/// Puts the reports into the outbox, each with its line and its event. Gives the rows that are new.
async fn queue(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    record: &CompletionsRecord<'_>,
    now: Timestamp,
) -> Result<BTreeMap<CompletionKey, i64>, JournalError> {
    let reports = &record.plan.reports;
    let rows: Vec<ReportRow<'_>> = reports
        .iter()
        .map(|report| ReportRow {
            dedupe: report.key.dedupe(link),
            record: report.record.map(|record| record.to_hex()),
            guid_fold: report.guid.folded(),
            course: report.elm_id.as_str(),
            payload: json!(report).to_string(),
        })
        .collect();
    let found = tx.bulk_rows(QUEUE, &Bulk::pack(&rows), args![link.as_str(), run.as_str(), now]).await?;
    let mut ids = BTreeMap::new();
    for row in &found {
        ids.insert(row.text("dedupe")?, row.int("id")?);
    }
    let new = reports.iter().filter_map(|report| Some((report, *ids.get(&report.key.dedupe(link))?)));
    let new: Vec<(&Report, i64)> = new.collect();
    let name = |course: MoodleCourseId| record.courses.iter().find(|opted| opted.id == course);
    let lines = new.iter().map(|(report, _)| NewLine {
        report,
        course_name: name(report.key.course).map_or("", |course| &course.full_name),
    });
    line::insert(tx, link, run, &lines.collect::<Vec<_>>(), now).await?;
    let events: Vec<NewEvent> = new.iter().map(|(report, id)| intended(report, *id)).collect();
    append(tx, Some(run), link, &events, now).await?;
    Ok(new.into_iter().map(|(report, id)| (report.key, id)).collect())
}

fn intended(report: &Report, outbox: i64) -> NewEvent {
    let payload = json!({"step": report.to_string(), "outbox": outbox, "completed_at": report.key.completed_at,
        "enrolment": report.enrolment, "body": report.body});
    NewEvent {
        record: report.record,
        guid: Some(report.guid.clone()),
        course: Some(report.elm_id.clone()),
        ..NewEvent::of(EventKind::Intended, payload)
    }
}

async fn store_seen(
    tx: &mut Tx,
    link: &LinkName,
    record: &CompletionsRecord<'_>,
    queued: &BTreeMap<CompletionKey, i64>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let row = |seen: &'_ SeenCompletion| {
        let SeenCompletion { key, guid, mail, first_name, last_name, by } = seen.clone();
        (key, guid.folded(), guid.0, mail, first_name, last_name, by.as_str())
    };
    let reported = record.plan.reports.iter().filter_map(|report| {
        let (id, seen) = (*queued.get(&report.key)?, record.seen.get(&report.key)?);
        Some((seen, Some(report.elm_id.clone()), "reported", "", report.to_string(), Some(id)))
    });
    let skipped = record.plan.skips.iter().filter_map(|skip| {
        let state = match (skip.why.disposition(), &skip.why) {
            (_, Unreported::AlreadyReported { .. }) => return None,
            (Disposition::Attention, _) => "waiting",
            _ => "skipped",
        };
        Some((&skip.seen, skip.elm_id.clone(), state, skip.why.code(), skip.why.to_string(), None))
    });
    let all: Vec<_> = reported
        .chain(skipped)
        .map(|(seen, course, state, code, reason, outbox)| (row(seen), course, state, code, reason, outbox))
        .collect();
    let rows: Vec<SeenRow<'_>> = all
        .iter()
        .map(|((key, guid_fold, guid, mail, first_name, last_name, by), course, state, code, reason, outbox)| SeenRow {
            user_id: key.user.0,
            course_id: key.course.0,
            completed_ms: ms(key.completed_at),
            seen_by: by,
            guid,
            guid_fold: guid_fold.clone(),
            mail,
            first_name,
            last_name,
            course: course.as_ref().map(ElmCourseId::as_str),
            state,
            code,
            reason: reason.clone(),
            outbox: *outbox,
        })
        .collect();
    tx.bulk_run(STORE_SEEN, &Bulk::pack(&rows), args![link.as_str(), now]).await?;
    Ok(())
}
