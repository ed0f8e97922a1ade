//! The doctor: its last round, and another one on request.

use super::links::submit;
use super::waiting::{RequestStatus, standing};
use crate::auth::Permission;
use crate::layout::{Answer, Badge, PageContext, SelectOption, PageLocation, Layout, Tone, ShownTime, show};
use askama::Template;
use axum::extract::{Form, Query};
use rollbook_core::model::SiteName;
use rollbook_journal::requests::{Answer as Came, Ask, CheckLine, RequestFilter, RequestId};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "pages/doctor.html")]
struct DoctorPage {
    layout: Layout,
    may_query: bool,
    sites: Vec<SelectOption>,
    request: Option<RequestStatus>,
    checks: Vec<CheckRow>,
    examined: Option<ShownTime>,
    nodes: Vec<Node>,
}

struct Node {
    name: String,
    version: String,
    listens: String,
    started: ShownTime,
    seen: ShownTime,
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

pub(super) async fn show_doctor(context: PageContext, Query(wanted): Query<Wanted>) -> Answer {
    let journal = &context.state.journal;
    let times = context.times(None);
    let filter = RequestFilter { kind: Some("examine".to_owned()), ..RequestFilter::default() };
    let asked = match wanted.request.parse().map(RequestId) {
        Ok(id) => journal.request(id).await?,
        Err(_) => journal.requests(&filter, 1).await?.into_iter().next(),
    };
    let checks = match asked.as_ref().and_then(|asked| asked.answer.as_ref()) {
        Some(Came::Examined { checks }) => check_rows(checks),
        _ => Vec::new(),
    };
    let request = asked.as_ref().map(|asked| standing(asked, &times));
    let live = if request.as_ref().is_some_and(|request| !request.is_finished) { 1 } else { 0 };
    let names: Vec<&SiteName> = context.state.settings.sites.keys().collect();
    let all = std::iter::once(("", "all of them".to_owned()));
    let nodes = journal.nodes().await?.into_iter().map(|node| Node {
        started: times.ago(node.started),
        seen: times.ago(node.seen),
        name: node.name,
        version: node.version,
        listens: node.listens,
    });
    let page = DoctorPage {
        layout: Layout { live, ..context.layout("Doctor", PageLocation::Doctor).await? },
        may_query: context.may(Permission::Query),
        sites: SelectOption::list(all.chain(names.iter().map(|name| (name.as_str(), name.to_string()))), ""),
        examined: asked.as_ref().and_then(|asked| times.maybe(asked.finished)),
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

pub(super) async fn examine(context: PageContext, Form(whom): Form<Whom>) -> Answer {
    let site = Some(whom.site.trim()).filter(|site| !site.is_empty()).map(SiteName::new);
    let path = submit(&context, &Ask::Examine { site }).await?;
    let id = path.rsplit('/').next().unwrap_or_default();
    Ok(context.done("The doctor makes a round", &format!("/doctor?request={id}")))
}
