//! The doctor: its last round, and another one on request.

use super::links::put;
use super::waiting::{RequestStatus, standing};
use crate::auth::Permission;
use crate::layout::{Answer, Badge, Caller, Choice, Here, Shell, Tone, When, show};
use askama::Template;
use axum::extract::{Form, Query};
use rollbook_core::model::SiteName;
use rollbook_journal::requests::{CheckLine, Job, JobOutcome, RequestFilter, RequestId};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "pages/doctor.html")]
struct DoctorPage {
    shell: Shell,
    may_ask: bool,
    sites: Vec<Choice>,
    request: Option<RequestStatus>,
    checks: Vec<CheckRow>,
    examined: Option<When>,
    nodes: Vec<Node>,
}

struct Node {
    name: String,
    version: String,
    listens: String,
    started: When,
    seen: When,
}

/// A check as a row.
pub(in crate::pages) struct CheckRow {
    pub site: String,
    pub name: String,
    pub badge: Badge,
    pub detail: String,
    pub mend: String,
}

pub(in crate::pages) fn check_rows(checks: &[CheckLine]) -> Vec<CheckRow> {
    let row = |check: &CheckLine| CheckRow {
        site: check.site.clone(),
        name: check.name.clone(),
        badge: match check.health.as_str() {
            "good" => Badge::new(Tone::Good, "good"),
            "warning" => Badge::new(Tone::Warn, "warning"),
            other => Badge::new(Tone::Bad, other.to_owned()),
        },
        detail: check.detail.clone(),
        mend: check.mend.clone(),
    };
    checks.iter().map(row).collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    request: String,
}

pub(super) async fn show_doctor(caller: Caller, Query(wanted): Query<Wanted>) -> Answer {
    let journal = &caller.state.journal;
    let clockwork = caller.clockwork(None);
    let filter = RequestFilter { kind: Some("examine".to_owned()), ..RequestFilter::default() };
    let asked = match wanted.request.parse().map(RequestId) {
        Ok(id) => journal.requests().find(id).await?,
        Err(_) => journal.requests().list(&filter, 1).await?.into_iter().next(),
    };
    let checks = match asked.as_ref().and_then(|asked| asked.answer.as_ref()) {
        Some(JobOutcome::Examined { checks }) => check_rows(checks),
        _ => Vec::new(),
    };
    let request = asked.as_ref().map(|asked| standing(asked, &clockwork));
    let live = if request.as_ref().is_some_and(|request| !request.is_finished) { 1 } else { 0 };
    let names: Vec<&SiteName> = caller.state.settings.sites.keys().collect();
    let all = std::iter::once(("", "all of them".to_owned()));
    let nodes = journal.nodes().list().await?.into_iter().map(|node| Node {
        started: clockwork.ago(node.started),
        seen: clockwork.ago(node.seen),
        name: node.name,
        version: node.version,
        listens: node.listens,
    });
    let page = DoctorPage {
        shell: Shell { live, ..caller.shell("Doctor", Here::Doctor).await? },
        may_ask: caller.may(Permission::Ask),
        sites: Choice::list(all.chain(names.iter().map(|name| (name.as_str(), name.to_string()))), ""),
        examined: asked.as_ref().and_then(|asked| clockwork.maybe(asked.finished)),
        request,
        checks,
        nodes: nodes.collect(),
    };
    show(&page)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Whom {
    site: String,
}

pub(super) async fn examine(caller: Caller, Form(whom): Form<Whom>) -> Answer {
    let site = Some(whom.site.trim()).filter(|site| !site.is_empty()).map(SiteName::new);
    let path = put(&caller, &Job::Examine { site }).await?;
    let id = path.rsplit('/').next().unwrap_or_default();
    Ok(caller.done("The doctor makes a round", &format!("/doctor?request={id}")))
}
