//! Completions: what was reported to the ELM and what waits; send reports again, give the enrolment id that one waits for.

use super::page_size;
use crate::api::context::{Accepted, ApiContext};
use crate::api::document::{ReadErrors, WriteErrors};
use crate::api::extractors::{Integer, JsonBody, QueryParams};
use crate::api::problem::Problem;
use axum::Json;
use jiff::Timestamp;
use rollbook_core::model::{CompletionKey, ElmCourseId, EnrolmentId, Guid, LinkName, MoodleCourseId, MoodleUserId};
use rollbook_journal::requests::Job;
use rollbook_journal::{CompletionKeyset, CompletionQuery, CompletionRow};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Reports that are sent again at once.
const REPORTS_MAX: usize = 500;

/// A completion, and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CompletionView {
    /// The Moodle account.
    user: i64,
    /// The Moodle course.
    course: i64,
    /// When it was completed.
    completed: Timestamp,
    /// The account's GUID; empty where it has none.
    guid: String,
    /// The account's mail address.
    mail: String,
    /// The given name.
    first_name: String,
    /// The family name.
    last_name: String,
    /// The course, as the ELM names it.
    elm_course: Option<String>,
    /// Its full name.
    course_name: String,
    /// `waiting`, `skipped` or `marked`; of a report `due`, `sending`, `unknown`, `sent`, `refused` or `cancelled`.
    standing: String,
    /// Why it is not reported, as one word; empty where it is.
    code: String,
    /// Why, in words; of a report what it says.
    reason: String,
    /// The enrolment id that a person supplied.
    supplied: Option<String>,
    /// When it was seen first.
    seen: Timestamp,
    /// When the ELM accepted it.
    accepted: Option<Timestamp>,
    /// Its report.
    report: Option<ReportView>,
}

/// A report to the ELM.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReportView {
    /// Its number, by which it is sent again.
    id: i64,
    /// How often it was sent, or may have been.
    attempts: u32,
    /// When it may be taken up next.
    next: Timestamp,
    /// When it was queued.
    queued: Timestamp,
    /// The ELM's last answer.
    answer: String,
}

impl CompletionView {
    fn of(row: &CompletionRow) -> Self {
        let CompletionKey { user, course, completed_at } = row.seen.key;
        Self {
            user: user.0,
            course: course.0,
            completed: completed_at,
            guid: row.seen.guid.to_string(),
            mail: row.seen.mail.clone(),
            first_name: row.seen.first_name.clone(),
            last_name: row.seen.last_name.clone(),
            elm_course: row.course.as_ref().map(ToString::to_string),
            course_name: row.course_name.clone(),
            standing: row.standing.clone(),
            code: row.code.clone(),
            reason: row.reason.clone(),
            supplied: row.supplied.as_ref().map(ToString::to_string),
            seen: row.seen_at,
            accepted: row.accepted_at,
            report: row.report.as_ref().map(|report| ReportView {
                id: report.id,
                attempts: report.delivery.attempts,
                next: report.delivery.next,
                queued: report.queued_at,
                answer: report.answer.clone(),
            }),
        }
    }
}

/// Completions, the latest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Completions {
    /// How many stand how, on the whole link.
    totals: BTreeMap<String, u64>,
    /// The completions of this page.
    completions: Vec<CompletionView>,
    /// The next page's `after`; none on the last page.
    next: Option<String>,
}

/// Which completions.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CompletionsQuery {
    /// Of this completions link.
    link: String,
    /// Of this person only.
    guid: Option<String>,
    /// Of this course only, as the ELM names it.
    course: Option<String>,
    /// In this standing only.
    standing: Option<String>,
    /// Completed at this moment or later.
    since: Option<Timestamp>,
    /// The `next` of the previous page; keep the other parameters.
    #[param(pattern = r"^-?[0-9]{1,14}\.[0-9]{1,18}$")]
    after: Option<String>,
    /// Page size, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Completions with what became of them, the latest completed first
#[utoipa::path(get, path = "/completions", tag = "completions", params(CompletionsQuery),
    responses((status = 200, body = Completions), ReadErrors))]
pub async fn list_completions(
    context: ApiContext,
    QueryParams(query): QueryParams<CompletionsQuery>,
) -> Result<Json<Completions>, Problem> {
    let CompletionsQuery { link, guid, course, standing, since, after, limit } = query;
    let limit = page_size(limit)?;
    let after =
        after.map(|key| key.parse::<CompletionKeyset>().map_err(|_| Problem::invalid("invalid cursor in `after`")));
    let after = after.transpose()?;
    let link = completions_link(&context, &link)?;
    let query = CompletionQuery {
        guid: guid.map(|guid| Guid::new(&guid).folded()),
        course: course.map(ElmCourseId::new),
        standing,
        since,
        after,
        limit: u64::from(limit) + 1,
    };
    let journal = &context.state.journal;
    let mut rows = journal.completions().list(&link, &query).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Json(Completions {
        totals: journal.completions().totals(&link).await?,
        next: rows.last().filter(|_| more).map(|row| row.keyset().to_string()),
        completions: rows.iter().map(CompletionView::of).collect(),
    }))
}

fn completions_link(context: &ApiContext, name: &str) -> Result<LinkName, Problem> {
    let link = LinkName::new(name);
    let found = context.state.settings.completion(&link);
    found.map(|_| link).map_err(|_| Problem::not_found(format!("completions link called {name}")))
}

/// Which reports are sent again.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Again {
    /// The completions link.
    link: String,
    /// The reports' numbers.
    #[schema(value_type = Vec<i64>, min_items = 1, max_items = 500)]
    reports: Vec<Integer>,
}

/// Send reports again that the ELM refused, or that are due later
#[utoipa::path(post, path = "/completions/retry", tag = "completions", request_body = Again,
    responses((status = 202, description = "Accepted; poll the request", body = Accepted), WriteErrors))]
pub async fn retry_completions(context: ApiContext, JsonBody(again): JsonBody<Again>) -> Result<Accepted, Problem> {
    let Again { link, reports } = again;
    if !(1..=REPORTS_MAX).contains(&reports.len()) {
        return Err(Problem::invalid(format!("reports are 1 to {REPORTS_MAX} numbers")));
    }
    let link = completions_link(&context, &link)?;
    let reports = reports.into_iter().map(|report| report.0).collect();
    context.submit(&Job::RetryCompletions { link, reports }).await
}

/// An enrolment id for a completion.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Supplied {
    /// The completions link.
    link: String,
    /// The Moodle account of the completion.
    #[schema(value_type = i64)]
    user: Integer,
    /// The Moodle course of the completion.
    #[schema(value_type = i64)]
    course: Integer,
    /// When it was completed, as the list says.
    completed: Timestamp,
    /// The ELM's id of the enrolment.
    #[schema(pattern = r"\S", max_length = 300)]
    enrolment: String,
}

/// Give the enrolment id that a completion waits for, and report it
#[utoipa::path(post, path = "/completions/supply", tag = "completions", request_body = Supplied,
    responses((status = 202, description = "Accepted; poll the request", body = Accepted), WriteErrors))]
pub async fn supply_enrolment(
    context: ApiContext,
    JsonBody(supplied): JsonBody<Supplied>,
) -> Result<Accepted, Problem> {
    let Supplied { link, user, course, completed, enrolment } = supplied;
    if enrolment.trim().is_empty() || enrolment.chars().count() > 300 {
        return Err(Problem::invalid("an enrolment id has 1 to 300 characters, and not only blanks"));
    }
    let link = completions_link(&context, &link)?;
    let completion =
        CompletionKey { user: MoodleUserId(user.0), course: MoodleCourseId(course.0), completed_at: completed };
    let enrolment = EnrolmentId::new(enrolment.trim());
    context.submit(&Job::SupplyEnrolment { link, completion, enrolment }).await
}
