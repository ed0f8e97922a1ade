//! Plans: what a run would change, why a guard refused it, and its approval.

use super::{page_of, page_size, reason};
use crate::api::context::{Accepted, ApiContext};
use crate::api::document::{ReadErrors, WriteErrors};
use crate::api::extractors::{JsonBody, PageCursor, PathParam, QueryParams};
use crate::api::problem::Problem;
use axum::Json;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::guard::{Finding, Level};
use rollbook_core::model::LinkName;
use rollbook_journal::requests::Job;
use rollbook_journal::{PlanRow, PlanState};
use rollbook_settings::link::Link;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

/// How long an approval is valid for a link that is no longer configured.
const APPROVAL: Duration = Duration::from_secs(24 * 3600);

/// What a guard found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FindingView {
    /// The check's name.
    check: String,
    /// `block` or `warn`.
    level: &'static str,
    /// What it is about.
    subject: String,
    /// What was found, with the number and the limit.
    message: String,
}

impl FindingView {
    pub(super) fn of(Finding { check, level, subject, message, holds: _ }: &Finding) -> Self {
        let level = match level {
            Level::Block => "block",
            Level::Warn => "warn",
        };
        Self { check: check.clone(), level, subject: subject.clone(), message: message.clone() }
    }
}

/// A plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlanView {
    /// Its number.
    id: i64,
    /// Its link.
    link: String,
    /// The run that made it last.
    run: String,
    /// What an approval is bound to.
    digest: String,
    /// `cleared`, `blocked`, `approved`, `rejected`, `used` or `superseded`.
    state: &'static str,
    /// When it was made last.
    made: Timestamp,
    /// What the guards found.
    findings: Vec<FindingView>,
    /// Who decided about it, when, and why.
    judged: Option<DecisionView>,
    /// Until when an approval is valid.
    expires: Option<Timestamp>,
    /// The run that used the approval up.
    used_by: Option<String>,
    /// The plan itself; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    plan: Option<Value>,
}

/// A decision about a plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionView {
    /// Whose.
    by: String,
    /// When.
    at: Timestamp,
    /// Why.
    why: String,
}

impl PlanView {
    pub(super) fn of(row: &PlanRow) -> Self {
        Self {
            id: row.id,
            link: row.link.to_string(),
            run: row.run.to_string(),
            digest: row.digest.0.clone(),
            state: row.state.as_str(),
            made: row.made,
            findings: row.findings.iter().map(FindingView::of).collect(),
            judged: row.reviewed.clone().map(|(by, at, why)| DecisionView { by, at, why }),
            expires: row.expires,
            used_by: row.used_by.as_ref().map(ToString::to_string),
            plan: serde_json::from_str(&row.body).ok().filter(Value::is_object),
        }
    }
}

/// Plans, the newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Plans {
    /// The plans of this page.
    plans: Vec<PlanView>,
    /// The next page's `before`; none on the last page.
    next: Option<i64>,
}

/// Which plans.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct PlansQuery {
    /// Of this link only.
    link: Option<String>,
    /// In this state only.
    #[param(inline)]
    state: Option<PlanStateFilter>,
    /// Older than this number: the `next` of the previous page.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9007199254740991i64)]
    before: Option<PageCursor>,
    /// Page size, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// How a plan stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanStateFilter {
    /// It may run, and is about to.
    Cleared,
    /// A guard refused it.
    Blocked,
    /// Somebody approved it.
    Approved,
    /// Somebody rejected it.
    Rejected,
    /// Its approval was used by a run.
    Used,
    /// What it wanted waits in a later plan.
    Superseded,
    /// A later run no longer wanted it.
    Lapsed,
}

impl From<PlanStateFilter> for PlanState {
    fn from(state: PlanStateFilter) -> Self {
        match state {
            PlanStateFilter::Cleared => Self::Cleared,
            PlanStateFilter::Blocked => Self::Blocked,
            PlanStateFilter::Approved => Self::Approved,
            PlanStateFilter::Rejected => Self::Rejected,
            PlanStateFilter::Used => Self::Used,
            PlanStateFilter::Superseded => Self::Superseded,
            PlanStateFilter::Lapsed => Self::Lapsed,
        }
    }
}

/// Plans, the newest first; those with `state=blocked` wait for approval
#[utoipa::path(get, path = "/plans", tag = "plans", params(PlansQuery),
    responses((status = 200, body = Plans), ReadErrors))]
pub async fn list_plans(
    context: ApiContext,
    QueryParams(query): QueryParams<PlansQuery>,
) -> Result<Json<Plans>, Problem> {
    let PlansQuery { link, state, before, limit } = query;
    let limit = page_size(limit)?;
    let (link, before) = (link.map(LinkName::new), before.map(|key| key.0));
    let rows = context.state.journal.plans().list(link.as_ref(), state.map(PlanState::from), before, limit + 1).await?;
    let (rows, next) = page_of(rows, limit, |row| row.id);
    Ok(Json(Plans { plans: rows.iter().map(PlanView::of).collect(), next }))
}

/// One plan, with all that it would change and leave alone
#[utoipa::path(get, path = "/plans/{plan}", tag = "plans", params(("plan" = i64, Path)),
    responses((status = 200, body = PlanView), ReadErrors))]
pub async fn show_plan(context: ApiContext, PathParam(id): PathParam<i64>) -> Result<Json<PlanView>, Problem> {
    Ok(Json(PlanView::of(&context.state.journal.plans().find(id).await?)))
}

/// A decision about a plan.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionReason {
    /// The reason; required.
    #[schema(pattern = r"\S", max_length = 2000)]
    why: String,
}

/// Approve a blocked plan: it may run once, and a run that makes it again is requested
#[utoipa::path(post, path = "/plans/{plan}/approve", tag = "plans", params(("plan" = i64, Path)),
    request_body = DecisionReason,
    responses((status = 202, description = "Approved; poll the request", body = Accepted), WriteErrors))]
pub async fn approve_plan(
    context: ApiContext,
    PathParam(id): PathParam<i64>,
    JsonBody(decision): JsonBody<DecisionReason>,
) -> Result<Accepted, Problem> {
    let why = reason(&decision.why)?;
    let journal = &context.state.journal;
    let link = journal.plans().find(id).await?.link;
    let lasts = context.state.settings.links.get(&link).map_or(APPROVAL, Link::approval);
    let lasts = SignedDuration::try_from(lasts).unwrap_or(SignedDuration::MAX);
    let until = context.now.checked_add(lasts).unwrap_or(context.now);
    journal.plans().approve(id, &context.author, why, until, context.now).await?;
    context.submit(&Job::ApplyPlan { link, plan: id }).await
}

/// Reject a blocked plan: the same one, made again, is not asked about again
#[utoipa::path(post, path = "/plans/{plan}/reject", tag = "plans", params(("plan" = i64, Path)),
    request_body = DecisionReason,
    responses((status = 200, description = "Rejected", body = PlanView), WriteErrors))]
pub async fn reject_plan(
    context: ApiContext,
    PathParam(id): PathParam<i64>,
    JsonBody(decision): JsonBody<DecisionReason>,
) -> Result<Json<PlanView>, Problem> {
    let why = reason(&decision.why)?;
    let journal = &context.state.journal;
    journal.plans().reject(id, &context.author, why, context.now).await?;
    Ok(Json(PlanView::of(&journal.plans().find(id).await?)))
}
