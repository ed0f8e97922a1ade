//! Plans that a guard refused: what they would change, and their approval. An approval is valid for one run of the same plan.

use super::submit::submit;
use super::views::plan::{PlanView, plan_badge, plan_view};
use crate::auth::permissions::Permission;
use crate::layout::{
    Badge, Layout, NextPage, PageContext, PageLocation, PageResult, ShownTime, TimeFormatter, format_duration, show,
};
use crate::page_error::PageError;
use crate::pages::extract::{FormData, PathParam, QueryParams};
use askama::Template;
use jiff::SignedDuration;
use rollbook_core::guard::Level;
use rollbook_core::model::LinkName;
use rollbook_journal::requests::Job;
use rollbook_journal::{PlanRow, PlanState};
use rollbook_settings::link::Link;
use serde::Deserialize;
use std::time::Duration;

const PLANS: u32 = 50;
/// How long an approval is valid for a link that is no longer configured.
const APPROVAL: Duration = Duration::from_secs(24 * 3600);

#[derive(Template)]
#[template(path = "pages/plans.html")]
struct PlansPage {
    layout: Layout,
    waiting: Vec<PlanRowView>,
    earlier: Vec<PlanRowView>,
    next: Option<NextPage>,
}

struct PlanRowView {
    path: String,
    id: i64,
    link: String,
    badge: Badge,
    made: ShownTime,
    why: String,
    decided: String,
}

#[derive(Template)]
#[template(path = "pages/plan.html")]
struct PlanPage {
    layout: Layout,
    line: PlanRowView,
    plan: PlanView,
    run: String,
    expires: Option<ShownTime>,
    is_open: bool,
    is_approved: bool,
    may_approve: bool,
    valid_for: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct PlansPageQuery {
    before: String,
}

pub(in crate::pages) async fn show_plans(
    context: PageContext,
    QueryParams(query): QueryParams<PlansPageQuery>,
) -> PageResult {
    let journal = &context.state.journal;
    let mut waiting = Vec::new();
    for state in [PlanState::Blocked, PlanState::Approved] {
        waiting.extend(journal.plans().list(None, Some(state), None, PLANS).await?);
    }
    let mut earlier = journal.plans().list(None, None, query.before.parse().ok(), PLANS + 1).await?;
    let more = earlier.len() > PLANS as usize;
    earlier.truncate(PLANS as usize);
    let next = earlier.last().filter(|_| more).map(|last| NextPage { path: format!("/plans?before={}", last.id) });
    let line = |row: &PlanRow| plan_row(row, &context.times(Some(&row.link)));
    let page = PlansPage {
        layout: Layout { live: 5, ..context.layout("Plans", PageLocation::Plans).await? },
        waiting: waiting.iter().map(line).collect(),
        earlier: earlier.iter().map(line).collect(),
        next,
    };
    show(&page)
}

fn plan_row(row: &PlanRow, times: &TimeFormatter) -> PlanRowView {
    let why = row.findings.iter().find(|finding| finding.level == Level::Block);
    let decided = row.reviewed.as_ref().map(|(by, at, why)| {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        format!("by {by}, {}{why}", times.ago(*at).text)
    });
    PlanRowView {
        path: format!("/plans/{}", row.id),
        id: row.id,
        link: row.link.to_string(),
        badge: plan_badge(row.state),
        made: times.ago(row.made),
        why: why.map(|finding| finding.message.clone()).unwrap_or_default(),
        decided: decided.unwrap_or_default(),
    }
}

pub(in crate::pages) async fn show_plan(context: PageContext, PathParam(id): PathParam<i64>) -> PageResult {
    let row = context.state.journal.plans().find(id).await?;
    let times = context.times(Some(&row.link));
    let page = PlanPage {
        layout: context.layout(format!("Plan {id}"), PageLocation::Plans).await?,
        line: plan_row(&row, &times),
        plan: plan_view(&context, &row).await?,
        run: format!("/runs/{}", row.run),
        expires: times.maybe(row.expires),
        is_open: row.state == PlanState::Blocked,
        is_approved: row.state == PlanState::Approved,
        may_approve: context.may(Permission::Approve),
        valid_for: format_duration(validity(&context, &row.link)),
    };
    show(&page)
}

/// How long an approval is valid.
fn validity(context: &PageContext, link: &LinkName) -> Duration {
    context.state.settings.links.get(link).map_or(APPROVAL, Link::approval)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct PlanDecisionForm {
    decision: String,
    why: String,
}

pub(in crate::pages) async fn decide_plan(
    context: PageContext,
    PathParam(id): PathParam<i64>,
    FormData(form): FormData<PlanDecisionForm>,
) -> PageResult {
    let journal = &context.state.journal;
    let (by, why, now) = (&context.user.name, form.why.trim(), context.now);
    if why.is_empty() {
        return Err(PageError::Invalid("A decision about a plan requires a reason".to_owned()));
    }
    let row = journal.plans().find(id).await?;
    match form.decision.as_str() {
        "approve" => {
            let valid_for = SignedDuration::try_from(validity(&context, &row.link)).unwrap_or(SignedDuration::MAX);
            let until = now.checked_add(valid_for).unwrap_or(now);
            journal.plans().approve(id, by, why, until, now).await?;
            let path = submit(&context, &Job::ApplyPlan { link: row.link, plan: id }).await?;
            Ok(context.redirect(&format!("Plan {id} is approved; a run that makes the same plan was requested"), &path))
        }
        "reject" => {
            journal.plans().reject(id, by, why, now).await?;
            Ok(context.redirect(&format!("Plan {id} is rejected"), &format!("/plans/{id}")))
        }
        other => Err(PageError::Invalid(format!("\"{other}\" is not a decision about a plan"))),
    }
}
