//! Records: the learner log, searched with the same query as its page.

use super::page_size;
use crate::api::context::ApiContext;
use crate::api::document::ReadErrors;
use crate::api::extractors::QueryParams;
use crate::api::problem::Problem;
use crate::layout::zone_of;
use axum::Json;
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, EnrolmentId, Field, Guid, LinkName, Mail};
use rollbook_core::run::OutcomeCode;
use rollbook_journal::{LogOrder, LogQuery, LogRow, LogSort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Free text has so many characters at most.
const SEARCH_MAX: usize = 300;

/// A record, and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecordView {
    /// Its number.
    id: i64,
    /// Its link.
    link: String,
    /// The SHA-256 by which it is known.
    fingerprint: String,
    /// When its outcome changed last.
    at: Timestamp,
    /// When it was stored.
    first_seen: Timestamp,
    /// The outcome code.
    code: String,
    /// `settled`, `transient`, `awaited` or `attention`.
    standing: String,
    /// The original's status word.
    status: String,
    /// The original's action word.
    action: String,
    /// Why, in words.
    reason: String,
    /// How often it was tried.
    attempts: u64,
    /// When it is tried again.
    next_try: Option<Timestamp>,
    /// The attention item that it waits behind.
    attention: Option<i64>,
    /// The run that decided it last.
    run: String,
    /// The person, as the feed says.
    person: PersonView,
    /// The course, as the feed and Moodle say.
    course: CourseView,
    /// The ELM's id of the enrolment.
    enrolment: String,
    /// What the feed wants: `Enrol` or `Suspend`.
    wants: String,
    /// When the ELM wrote it, in its words.
    written: String,
}

/// A person of a record.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PersonView {
    /// The directory's id.
    guid: String,
    /// The mail address.
    mail: String,
    /// The given name.
    first_name: String,
    /// The family name.
    last_name: String,
    /// The Moodle account; none where it is not known.
    account: Option<i64>,
}

/// A course of a record.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CourseView {
    /// The ELM's id, which is Moodle's ID number.
    id: String,
    /// The class code.
    class_code: String,
    /// Moodle's name of it; empty where it was not found.
    name: String,
    /// Moodle's own number; none where it was not found.
    moodle: Option<i64>,
}

impl RecordView {
    pub(super) fn of(row: &LogRow) -> Self {
        let text = |field: Field| row.text.get(field).to_owned();
        let known = |number: i64| Some(number).filter(|number| *number > 0);
        Self {
            id: row.id,
            link: row.link.to_string(),
            fingerprint: row.fingerprint.to_hex(),
            at: row.at,
            first_seen: row.first_seen,
            code: row.code.as_str().to_owned(),
            standing: row.standing.clone(),
            status: row.status.clone(),
            action: row.action.clone(),
            reason: row.reason.clone(),
            attempts: row.attempts,
            next_try: row.next_try,
            attention: row.attention,
            run: row.run.to_string(),
            person: PersonView {
                guid: text(Field::Guid),
                mail: text(Field::Mail),
                first_name: text(Field::FirstName),
                last_name: text(Field::LastName),
                account: known(row.user_id.0),
            },
            course: CourseView {
                id: text(Field::Course),
                class_code: text(Field::ShortName),
                name: row.course_name.clone(),
                moodle: known(row.course_id.0),
            },
            enrolment: text(Field::EnrolmentId),
            wants: text(Field::State),
            written: text(Field::DateCreated),
        }
    }
}

/// Records.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Records {
    /// The records of this page.
    records: Vec<RecordView>,
    /// The next page's `after`; none on the last page.
    next: Option<String>,
}

/// Which records. Every filter narrows.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct RecordsQuery {
    /// Free text: a time finds two minutes around it, a date its day; anything else is looked for in GUID, mail, names,
    /// course, class code, enrolment id, status and action. The order is by time then.
    #[param(max_length = 300)]
    q: Option<String>,
    /// Of this link only.
    link: Option<String>,
    /// With this status word only.
    status: Option<String>,
    /// With this action word only.
    action: Option<String>,
    /// With this outcome code only.
    code: Option<String>,
    /// Of this course only, as the ELM names it.
    course: Option<String>,
    /// Of this person only.
    guid: Option<String>,
    /// With this mail address only.
    mail: Option<String>,
    /// With this enrolment id only.
    enrolment: Option<String>,
    /// At this moment or later.
    since: Option<Timestamp>,
    /// Before this moment.
    until: Option<Timestamp>,
    /// What they are ordered by; equal ones by time.
    #[param(inline)]
    sort: Option<Sort>,
    /// The direction; `down` by default.
    #[param(inline)]
    order: Option<Order>,
    /// The `next` of the previous page; keep the other parameters.
    #[param(pattern = r"^-?[0-9]{1,14}\.[0-9]{1,18}\.")]
    after: Option<String>,
    /// Page size, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// An order.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// When their outcome changed last.
    Time,
    /// The person.
    Guid,
    /// The mail address.
    Mail,
    /// The course.
    Course,
    /// The enrolment id.
    Enrolment,
}

/// A direction.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The oldest or first first.
    Up,
    /// The newest or last first.
    Down,
}

impl RecordsQuery {
    fn query(self) -> Result<LogQuery, Problem> {
        let search = self.q.unwrap_or_default();
        if search.chars().count() > SEARCH_MAX {
            return Err(Problem::invalid(format!("q has at most {SEARCH_MAX} characters")));
        }
        let after = self.after.map(|key| key.parse().map_err(|_| Problem::invalid("invalid cursor in `after`")));
        // A code that nobody knows finds nothing; but a slip should not pass for that.
        let code = self
            .code
            .map(|word| OutcomeCode::read(&word).ok_or_else(|| Problem::not_found(format!("outcome code {word}"))));
        Ok(LogQuery {
            link: self.link.map(LinkName::new),
            search,
            status: self.status,
            action: self.action,
            code: code.transpose()?,
            course: self.course.map(ElmCourseId::new),
            guid: self.guid.as_deref().map(Guid::new),
            mail: self.mail.as_deref().map(Mail::new),
            enrolment_id: self.enrolment.map(EnrolmentId::new),
            since: self.since,
            until: self.until,
            sort: match self.sort {
                None | Some(Sort::Time) => LogSort::Time,
                Some(Sort::Guid) => LogSort::Guid,
                Some(Sort::Mail) => LogSort::Mail,
                Some(Sort::Course) => LogSort::Course,
                Some(Sort::Enrolment) => LogSort::EnrolmentId,
            },
            order: match self.order {
                Some(Order::Up) => LogOrder::Ascending,
                None | Some(Order::Down) => LogOrder::Descending,
            },
            after: after.transpose()?,
            limit: page_size(self.limit)?,
            ..LogQuery::default()
        })
    }
}

/// Search the learner log: every record with what became of it
#[utoipa::path(get, path = "/records", tag = "records", params(RecordsQuery),
    responses((status = 200, body = Records), ReadErrors))]
pub async fn search_records(
    context: ApiContext,
    QueryParams(query): QueryParams<RecordsQuery>,
) -> Result<Json<Records>, Problem> {
    let link = query.link.as_ref().map(LinkName::new);
    let query = LogQuery { zone: zone_of(&context.state.settings, link.as_ref()), ..query.query()? };
    let page = context.state.journal.records().log(&query).await?;
    Ok(Json(Records {
        records: page.rows.iter().map(RecordView::of).collect(),
        next: page.next.map(|key| key.to_string()),
    }))
}
