//! Plans that a guard refused: what they would do, and a person's word on them. An approval holds for one run of the same plan.

use crate::auth::Permission;
use crate::incident::PageError;
use crate::layout::{Answer, Badge, PageContext, PageLocation, NextPage, Layout, TimeFormatter, ShownTime, format_duration, show};
use crate::pages::links::submit;
use crate::pages::runs::{PlanView, plan_badge, plan_view};
use askama::Template;
use axum::extract::{Form, Path, Query};
use jiff::SignedDuration;
use rollbook_core::guard::Level;
use rollbook_core::model::LinkName;
use rollbook_journal::requests::Ask;
use rollbook_journal::{PlanRow, PlanState};
use rollbook_settings::link::Link;
use serde::Deserialize;
use std::time::Duration;

const PLANS: u32 = 50;
/// How long an approval holds for a link that is configured no more.
const APPROVAL: Duration = Duration::from_secs(24 * 3600);

#[derive(Template)]
#[template(path = "pages/plans.html")]
struct PlansPage {
    layout: Layout,
    waiting: Vec<PlanLine>,
    earlier: Vec<PlanLine>,
    next: Option<NextPage>,
}

struct PlanLine {
    path: String,
    id: i64,
    link: String,
    badge: Badge,
    made: ShownTime,
    why: String,
    judged: String,
}

#[derive(Template)]
#[template(path = "pages/plan.html")]
struct PlanPage {
    layout: Layout,
    line: PlanLine,
    plan: PlanView,
    run: String,
    expires: Option<ShownTime>,
    is_open: bool,
    is_approved: bool,
    may_approve: bool,
    lasts: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wanted {
    before: String,
}

pub(in crate::pages) async fn show_plans(context: PageContext, Query(wanted): Query<Wanted>) -> Answer {
    let journal = &context.state.journal;
    let mut waiting = Vec::new();
    for state in [PlanState::Blocked, PlanState::Approved] {
        waiting.extend(journal.plans(None, Some(state), None, PLANS).await?);
    }
    let mut earlier = journal.plans(None, None, wanted.before.parse().ok(), PLANS + 1).await?;
    let more = earlier.len() > PLANS as usize;
    earlier.truncate(PLANS as usize);
    let next = earlier.last().filter(|_| more).map(|last| NextPage { path: format!("/plans?before={}", last.id) });
    let line = |row: &PlanRow| plan_line(row, &context.times(Some(&row.link)));
    let page = PlansPage {
        layout: Layout { live: 5, ..context.layout("Plans", PageLocation::Plans).await? },
        waiting: waiting.iter().map(line).collect(),
        earlier: earlier.iter().map(line).collect(),
        next,
    };
    show(&page)
}

fn plan_line(row: &PlanRow, times: &TimeFormatter) -> PlanLine {
    let why = row.findings.iter().find(|finding| finding.level == Level::Block);
    let judged = row.judged.as_ref().map(|(by, at, why)| {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        format!("by {by}, {}{why}", times.ago(*at).told)
    });
    PlanLine {
        path: format!("/plans/{}", row.id),
        id: row.id,
        link: row.link.to_string(),
        badge: plan_badge(row.state),
        made: times.ago(row.made),
        why: why.map(|finding| finding.message.clone()).unwrap_or_default(),
        judged: judged.unwrap_or_default(),
    }
}

pub(in crate::pages) async fn show_plan(context: PageContext, Path(id): Path<i64>) -> Answer {
    let row = context.state.journal.plan(id).await?;
    let times = context.times(Some(&row.link));
    let page = PlanPage {
        layout: context.layout(format!("Plan {id}"), PageLocation::Plans).await?,
        line: plan_line(&row, &times),
        plan: plan_view(&row),
        run: format!("/runs/{}", row.run),
        expires: times.maybe(row.expires),
        is_open: row.state == PlanState::Blocked,
        is_approved: row.state == PlanState::Approved,
        may_approve: context.may(Permission::Approve),
        lasts: format_duration(lasts(&context, &row.link)),
    };
    show(&page)
}

/// How long an approval holds.
fn lasts(context: &PageContext, link: &LinkName) -> Duration {
    context.state.settings.links.get(link).map_or(APPROVAL, Link::approval)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Word {
    word: String,
    why: String,
}

pub(in crate::pages) async fn judge_plan(context: PageContext, Path(id): Path<i64>, Form(form): Form<Word>) -> Answer {
    let journal = &context.state.journal;
    let (by, why, now) = (&context.user.name, form.why.trim(), context.now);
    if why.is_empty() {
        return Err(PageError::Invalid("Whoever judges a plan says why".to_owned()));
    }
    let row = journal.plan(id).await?;
    match form.word.as_str() {
        "approve" => {
            let lasts = SignedDuration::try_from(lasts(&context, &row.link)).unwrap_or(SignedDuration::MAX);
            let until = now.checked_add(lasts).unwrap_or(now);
            journal.approve_plan(id, by, why, until, now).await?;
            let path = submit(&context, &Ask::ApplyPlan { link: row.link, plan: id }).await?;
            Ok(context.done(&format!("Plan {id} is approved; a run that makes the same plan was asked for"), &path))
        }
        "reject" => {
            journal.reject_plan(id, by, why, now).await?;
            Ok(context.done(&format!("Plan {id} is rejected"), &format!("/plans/{id}")))
        }
        other => Err(PageError::Invalid(format!("\"{other}\" is no word on a plan"))),
    }
}
