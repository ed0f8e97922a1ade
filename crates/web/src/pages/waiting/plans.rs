//! Plans that a guard refused: what they would do, and a person's word on them. An approval holds for one run of the same plan.

use crate::auth::Permission;
use crate::incident::Failure;
use crate::layout::{Answer, Badge, Caller, Here, More, Shell, TimeFormatter, When, lasting, show};
use crate::pages::links::put;
use crate::pages::runs::{PlanView, plan_badge, plan_view};
use askama::Template;
use axum::extract::{Form, Path, Query};
use jiff::SignedDuration;
use rollbook_core::guard::Level;
use rollbook_core::model::LinkName;
use rollbook_journal::requests::Job;
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
    shell: Shell,
    waiting: Vec<PlanLine>,
    earlier: Vec<PlanLine>,
    next: Option<More>,
}

struct PlanLine {
    path: String,
    id: i64,
    link: String,
    badge: Badge,
    made: When,
    why: String,
    judged: String,
}

#[derive(Template)]
#[template(path = "pages/plan.html")]
struct PlanPage {
    shell: Shell,
    line: PlanLine,
    plan: PlanView,
    run: String,
    expires: Option<When>,
    is_open: bool,
    is_approved: bool,
    may_judge: bool,
    lasts: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wanted {
    before: String,
}

pub(in crate::pages) async fn show_plans(caller: Caller, Query(wanted): Query<Wanted>) -> Answer {
    let journal = &caller.state.journal;
    let mut waiting = Vec::new();
    for state in [PlanState::Blocked, PlanState::Approved] {
        waiting.extend(journal.plans().list(None, Some(state), None, PLANS).await?);
    }
    let mut earlier = journal.plans().list(None, None, wanted.before.parse().ok(), PLANS + 1).await?;
    let more = earlier.len() > PLANS as usize;
    earlier.truncate(PLANS as usize);
    let next = earlier.last().filter(|_| more).map(|last| More { path: format!("/plans?before={}", last.id) });
    let line = |row: &PlanRow| plan_line(row, &caller.clockwork(Some(&row.link)));
    let page = PlansPage {
        shell: Shell { live: 5, ..caller.shell("Plans", Here::Plans).await? },
        waiting: waiting.iter().map(line).collect(),
        earlier: earlier.iter().map(line).collect(),
        next,
    };
    show(&page)
}

fn plan_line(row: &PlanRow, clockwork: &TimeFormatter) -> PlanLine {
    let why = row.findings.iter().find(|finding| finding.level == Level::Block);
    let judged = row.reviewed.as_ref().map(|(by, at, why)| {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        format!("by {by}, {}{why}", clockwork.ago(*at).told)
    });
    PlanLine {
        path: format!("/plans/{}", row.id),
        id: row.id,
        link: row.link.to_string(),
        badge: plan_badge(row.state),
        made: clockwork.ago(row.made),
        why: why.map(|finding| finding.message.clone()).unwrap_or_default(),
        judged: judged.unwrap_or_default(),
    }
}

pub(in crate::pages) async fn show_plan(caller: Caller, Path(id): Path<i64>) -> Answer {
    let row = caller.state.journal.plans().find(id).await?;
    let clockwork = caller.clockwork(Some(&row.link));
    let page = PlanPage {
        shell: caller.shell(format!("Plan {id}"), Here::Plans).await?,
        line: plan_line(&row, &clockwork),
        plan: plan_view(&row),
        run: format!("/runs/{}", row.run),
        expires: clockwork.maybe(row.expires),
        is_open: row.state == PlanState::Blocked,
        is_approved: row.state == PlanState::Approved,
        may_judge: caller.may(Permission::Judge),
        lasts: lasting(lasts(&caller, &row.link)),
    };
    show(&page)
}

/// How long an approval holds.
fn lasts(caller: &Caller, link: &LinkName) -> Duration {
    caller.state.settings.links.get(link).map_or(APPROVAL, Link::approval)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Word {
    word: String,
    why: String,
}

pub(in crate::pages) async fn judge_plan(caller: Caller, Path(id): Path<i64>, Form(form): Form<Word>) -> Answer {
    let journal = &caller.state.journal;
    let (by, why, now) = (&caller.visitor.name, form.why.trim(), caller.now);
    if why.is_empty() {
        return Err(Failure::Invalid("Whoever judges a plan says why".to_owned()));
    }
    let row = journal.plans().find(id).await?;
    match form.word.as_str() {
        "approve" => {
            let lasts = SignedDuration::try_from(lasts(&caller, &row.link)).unwrap_or(SignedDuration::MAX);
            let until = now.checked_add(lasts).unwrap_or(now);
            journal.plans().approve(id, by, why, until, now).await?;
            let path = put(&caller, &Job::ApplyPlan { link: row.link, plan: id }).await?;
            Ok(caller.done(&format!("Plan {id} is approved; a run that makes the same plan was asked for"), &path))
        }
        "reject" => {
            journal.plans().reject(id, by, why, now).await?;
            Ok(caller.done(&format!("Plan {id} is rejected"), &format!("/plans/{id}")))
        }
        other => Err(Failure::Invalid(format!("\"{other}\" is no word on a plan"))),
    }
}
