//! What is known of completions: what was reported, what waits, whom to look at, and the enrolment records behind them.

use crate::store::{Bulk, Row, args, row};
use crate::{Completions, JournalError, ms};
use jiff::Timestamp;
use rollbook_core::desired::Candidate;
use rollbook_core::model::{
    CompletionKey, ElmCourseId, EnrolmentId, EnrolmentRecord, Guid, LinkName, MoodleCourseId, MoodleUserId, SeenBy,
    SeenCompletion,
};
use rollbook_core::plan::KnownCompletion;
use std::collections::BTreeMap;

/// A completion that was seen and is not reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingCompletion {
    pub seen: SeenCompletion,
    /// The enrolment id that a person supplied.
    pub supplied: Option<EnrolmentId>,
}

/// A pair of whom the reported completions are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownQuery {
    pub user: MoodleUserId,
    pub course: MoodleCourseId,
    /// The person: the folded GUID.
    pub guid: String,
    /// The course, as the ELM names it, where it does.
    pub elm_id: Option<ElmCourseId>,
}

/// Somebody whom web services are asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolledCandidate {
    /// Who, in which course, since when.
    pub candidate: Candidate,
    /// The person: the folded GUID.
    pub guid: String,
    /// The course, as the ELM names it.
    pub elm_id: ElmCourseId,
}

row! {
    struct PairRow<'a> {
        user_id: i64,
        course_id: i64,
        guid_fold: &'a str,
        course: Option<&'a str>,
    }
}

const KNOWN: &str = "
    SELECT c.user_id, c.course_id, c.completed_ms, c.guid_fold, c.course FROM {rows}
    {join} completion c ON c.link = $2 AND c.user_id = r.user_id AND c.course_id = r.course_id
    WHERE c.state IN ('reported', 'marked')
    UNION
    SELECT c.user_id, c.course_id, c.completed_ms, c.guid_fold, c.course FROM {rows}
    {join} completion c ON c.link = $2 AND c.guid_fold = r.guid_fold AND c.course = r.course
    WHERE c.state IN ('reported', 'marked') AND r.guid_fold <> ''";

const SEEN: &str = "
    SELECT user_id, course_id, completed_ms, seen_by, guid, mail, first_name, last_name, supplied FROM completion";

row! {
    struct PersonCourse<'a> {
        link: &'a str,
        guid_fold: &'a str,
        course: &'a str,
    }
}

/// What a person decided to ignore, and what could not be read, is no enrolment.
const RECORDS: &str = "
    SELECT record.fingerprint, record.enrolment_id, record.changed_ms, record.created_ms, record.short_name, record.guid,
        record.mail, record.first_name, record.last_name, record.guid_fold, record.course FROM {rows}
    {join} record ON record.guid_fold = r.guid_fold AND record.course = r.course AND record.link = r.link
    WHERE record.line = '' AND record.state = 'Enrol' AND record.code <> 'ignored'
        AND record.changed_ms IS NOT NULL AND record.created_ms IS NOT NULL";

/// A completion that was seen since the enrolment ends the looking, whatever became of it.
const CANDIDATES: &str = "
    SELECT a.user_id, a.course_id, a.guid_fold, a.course, a.at_ms, look.looked_ms FROM applied a
    LEFT JOIN completion_look look ON look.link = $2 AND look.user_id = a.user_id AND look.course_id = a.course_id
    WHERE a.link = $3 AND a.state = 'Enrol' AND a.user_id > 0 AND a.course_id IN (SELECT r.course_id FROM {rows})
        AND NOT EXISTS (SELECT 1 FROM completion c WHERE c.link = $2 AND c.user_id = a.user_id
            AND c.course_id = a.course_id AND c.completed_ms >= a.changed_ms)";

row! {
    struct CourseRow {
        course_id: i64,
    }
}

const COURSES: &str = "
    SELECT DISTINCT a.course_id, a.course FROM {rows}
    {join} applied a ON a.link = r.link AND a.state = 'Enrol' AND a.course_id > 0 ORDER BY a.course_id";

row! {
    struct LinkRow<'a> {
        link: &'a str,
    }
}

fn links(links: &[LinkName]) -> Bulk {
    let rows: Vec<LinkRow<'_>> = links.iter().map(|link| LinkRow { link: link.as_str() }).collect();
    Bulk::pack(&rows)
}

pub(super) fn key(row: &Row) -> Result<CompletionKey, JournalError> {
    Ok(CompletionKey {
        user: MoodleUserId(row.int("user_id")?),
        course: MoodleCourseId(row.int("course_id")?),
        completed_at: row.time("completed_ms")?,
    })
}

pub(super) fn seen(row: &Row) -> Result<SeenCompletion, JournalError> {
    Ok(SeenCompletion {
        key: key(row)?,
        guid: Guid::new(row.text("guid")?),
        mail: row.text("mail")?,
        first_name: row.text("first_name")?,
        last_name: row.text("last_name")?,
        by: row.word("seen_by", SeenBy::read)?,
    })
}

impl Completions<'_> {
    /// What was reported, or marked as reported, of these accounts and people in these courses.
    pub async fn known(self, link: &LinkName, asked: &[KnownQuery]) -> Result<Vec<KnownCompletion>, JournalError> {
        let rows: Vec<PairRow<'_>> = asked
            .iter()
            .map(|KnownQuery { user, course, guid, elm_id }| PairRow {
                user_id: user.0,
                course_id: course.0,
                guid_fold: guid,
                course: elm_id.as_ref().map(ElmCourseId::as_str),
            })
            .collect();
        let rows = self.store.bulk_rows(KNOWN, &Bulk::pack(&rows), args![link.as_str()]).await?;
        rows.iter()
            .map(|row| {
                let elm_id = ElmCourseId::new(row.maybe_text("course")?.unwrap_or_default());
                Ok(KnownCompletion { key: key(row)?, guid: row.text("guid_fold")?, elm_id })
            })
            .collect()
    }

    /// What waits for a human, the oldest first, at most `limit`; and, when the settings have changed, what was skipped until
    /// then and was completed at `skipped_from` or later.
    pub async fn waiting(
        self,
        link: &LinkName,
        skipped_from: Option<Timestamp>,
        limit: u64,
    ) -> Result<Vec<WaitingCompletion>, JournalError> {
        let sql = format!(
            "{SEEN} WHERE link = $1 AND state IN ('waiting', 'skipped') AND (state = 'waiting' OR completed_ms >= $2)
             ORDER BY id LIMIT $3"
        );
        let from = skipped_from.map_or(i64::MAX, ms);
        let rows = self.store.rows(&sql, args![link.as_str(), from, limit]).await?;
        rows.iter()
            .map(|row| {
                let supplied = row.maybe_text("supplied")?.map(EnrolmentId::new);
                Ok(WaitingCompletion { seen: seen(row)?, supplied })
            })
            .collect()
    }

    /// The Enrol records of people in courses, of these intake links.
    pub async fn enrolment_records(
        self,
        intakes: &[LinkName],
        pairs: &[(String, ElmCourseId)],
    ) -> Result<BTreeMap<(String, ElmCourseId), Vec<EnrolmentRecord>>, JournalError> {
        let of_link = |link: &'_ LinkName| link.as_str().to_owned();
        let mut records: BTreeMap<_, Vec<EnrolmentRecord>> = BTreeMap::new();
        for link in intakes.iter().map(of_link) {
            let row = |(guid, course): &'_ (String, ElmCourseId)| (guid.clone(), course.clone());
            let asked: Vec<_> = pairs.iter().map(row).collect();
            let rows: Vec<PersonCourse<'_>> = asked
                .iter()
                .map(|(guid, course)| PersonCourse { link: &link, guid_fold: guid, course: course.as_str() })
                .collect();
            for row in &self.store.bulk_rows(RECORDS, &Bulk::pack(&rows), args![]).await? {
                let pair = (row.text("guid_fold")?, ElmCourseId::new(row.text("course")?));
                records.entry(pair).or_default().push(enrolment(row)?);
            }
        }
        Ok(records)
    }

    /// The courses in which these intake links have enrolled somebody, with the ELM's names of them.
    pub async fn intake_courses(
        self,
        intakes: &[LinkName],
    ) -> Result<BTreeMap<MoodleCourseId, ElmCourseId>, JournalError> {
        let rows = self.store.bulk_rows(COURSES, &links(intakes), args![]).await?;
        rows.iter()
            .map(|row| Ok((MoodleCourseId(row.int("course_id")?), ElmCourseId::new(row.text("course")?))))
            .collect()
    }

    /// Whom web services are asked about: enrolled by these intake links in one of these courses, and not seen to have
    /// completed it since.
    pub async fn candidates(
        self,
        link: &LinkName,
        intakes: &[LinkName],
        courses: &[MoodleCourseId],
    ) -> Result<Vec<PolledCandidate>, JournalError> {
        let rows: Vec<CourseRow> = courses.iter().map(|course| CourseRow { course_id: course.0 }).collect();
        let courses = Bulk::pack(&rows);
        let mut candidates = Vec::new();
        for intake in intakes {
            let rows = self.store.bulk_rows(CANDIDATES, &courses, args![link.as_str(), intake.as_str()]).await?;
            for row in &rows {
                candidates.push(candidate(row)?);
            }
        }
        Ok(candidates)
    }
}

fn candidate(row: &Row) -> Result<PolledCandidate, JournalError> {
    let candidate = Candidate {
        user: MoodleUserId(row.int("user_id")?),
        course: MoodleCourseId(row.int("course_id")?),
        enrolled_at: row.time("at_ms")?,
        looked_at: row.maybe_time("looked_ms")?,
    };
    let elm_id = ElmCourseId::new(row.text("course")?);
    Ok(PolledCandidate { candidate, guid: row.text("guid_fold")?, elm_id })
}

fn enrolment(row: &Row) -> Result<EnrolmentRecord, JournalError> {
    let id = row.text("enrolment_id")?;
    Ok(EnrolmentRecord {
        fingerprint: row.word("fingerprint", |hex| hex.parse().ok())?,
        enrolment: Some(id.trim()).filter(|id| !id.is_empty()).map(EnrolmentId::new),
        changed: row.time("changed_ms")?,
        created: row.time("created_ms")?,
        short_name: row.text("short_name")?,
        guid: Guid::new(row.text("guid")?.trim()),
        mail: row.text("mail")?,
        first_name: row.text("first_name")?,
        last_name: row.text("last_name")?,
    })
}
