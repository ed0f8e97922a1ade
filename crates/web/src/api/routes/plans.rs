//! Plans: what a run would do, why a guard refused it, and a word on it.

use super::runs::{cut, page};
use crate::api::auth::{Accepted, Asker};
use crate::api::document::{Acting, Reading};
use crate::api::extractors::{Asked, Key, Named, Told};
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

/// How long an approval holds for a link that is configured no more.
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
    /// Who judged it, when, and why.
    judged: Option<JudgedView>,
    /// Until when an approval holds.
    expires: Option<Timestamp>,
    /// The run that used the approval up.
    used_by: Option<String>,
    /// The plan itself; left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    plan: Option<Value>,
}

/// A word on a plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JudgedView {
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
            judged: row.reviewed.clone().map(|(by, at, why)| JudgedView { by, at, why }),
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
    /// The next page's `before`; none where there is no more.
    next: Option<i64>,
}

/// Which plans.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub struct PlansWanted {
    /// Of this link only.
    link: Option<String>,
    /// In this state only.
    #[param(inline)]
    state: Option<StateWanted>,
    /// Older than this number: the `next` of the page before.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9007199254740991i64)]
    before: Option<Key>,
    /// So many, 50 where nothing is said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// How a plan stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateWanted {
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

impl From<StateWanted> for PlanState {
    fn from(state: StateWanted) -> Self {
        match state {
            StateWanted::Cleared => Self::Cleared,
            StateWanted::Blocked => Self::Blocked,
            StateWanted::Approved => Self::Approved,
            StateWanted::Rejected => Self::Rejected,
            StateWanted::Used => Self::Used,
            StateWanted::Superseded => Self::Superseded,
            StateWanted::Lapsed => Self::Lapsed,
        }
    }
}

/// Plans, the newest first; those with `state=blocked` wait for a word
#[utoipa::path(get, path = "/plans", tag = "plans", params(PlansWanted),
    responses((status = 200, body = Plans), Reading))]
pub async fn list_plans(asker: Asker, Asked(wanted): Asked<PlansWanted>) -> Result<Json<Plans>, Problem> {
    let PlansWanted { link, state, before, limit } = wanted;
    let limit = page(limit, 500)?;
    let (link, before) = (link.map(LinkName::new), before.map(|key| key.0));
    let rows = asker.state.journal.plans().list(link.as_ref(), state.map(PlanState::from), before, limit + 1).await?;
    let (rows, next) = cut(rows, limit, |row| row.id);
    Ok(Json(Plans { plans: rows.iter().map(PlanView::of).collect(), next }))
}

/// One plan, with all that it would change and leave alone
#[utoipa::path(get, path = "/plans/{plan}", tag = "plans", params(("plan" = i64, Path)),
    responses((status = 200, body = PlanView), Reading))]
pub async fn show_plan(asker: Asker, Named(id): Named<i64>) -> Result<Json<PlanView>, Problem> {
    Ok(Json(PlanView::of(&asker.state.journal.plans().find(id).await?)))
}

/// A word on a plan.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Why; never blank.
    #[schema(pattern = r"\S", max_length = 2000)]
    why: String,
}

/// A reason that says something.
pub(super) fn reason(text: &str) -> Result<&str, Problem> {
    let said = text.trim();
    if said.is_empty() || text.chars().count() > 2_000 {
        return Err(Problem::invalid("a reason has 1 to 2000 characters, and not only blanks"));
    }
    Ok(said)
}

/// Approve a blocked plan: it may run once, and a run that makes it again is asked for
#[utoipa::path(post, path = "/plans/{plan}/approve", tag = "plans", params(("plan" = i64, Path)),
    request_body = Judgement,
    responses((status = 202, description = "Approved; look at the request", body = Accepted), Acting))]
pub async fn approve_plan(
    asker: Asker,
    Named(id): Named<i64>,
    Told(judgement): Told<Judgement>,
) -> Result<Accepted, Problem> {
    let why = reason(&judgement.why)?;
    let journal = &asker.state.journal;
    let link = journal.plans().find(id).await?.link;
    let lasts = asker.state.settings.links.get(&link).map_or(APPROVAL, Link::approval);
    let lasts = SignedDuration::try_from(lasts).unwrap_or(SignedDuration::MAX);
    let until = asker.now.checked_add(lasts).unwrap_or(asker.now);
    journal.plans().approve(id, &asker.by, why, until, asker.now).await?;
    asker.put(&Job::ApplyPlan { link, plan: id }).await
}

/// Reject a blocked plan: the same one, made again, is not asked about again
#[utoipa::path(post, path = "/plans/{plan}/reject", tag = "plans", params(("plan" = i64, Path)),
    request_body = Judgement,
    responses((status = 200, description = "Rejected", body = PlanView), Acting))]
pub async fn reject_plan(
    asker: Asker,
    Named(id): Named<i64>,
    Told(judgement): Told<Judgement>,
) -> Result<Json<PlanView>, Problem> {
    let why = reason(&judgement.why)?;
    let journal = &asker.state.journal;
    journal.plans().reject(id, &asker.by, why, asker.now).await?;
    Ok(Json(PlanView::of(&journal.plans().find(id).await?)))
}
