//! The doctor: the results of its last checks, and new checks on request.

use super::submit::submit;
use super::views::request::{CheckRow, RequestStatus, check_rows, request_status};
use crate::auth::permissions::Permission;
use crate::layout::{Layout, PageContext, PageLocation, PageResult, SelectOption, ShownTime, show};
use crate::pages::extract::{FormData, QueryParams};
use askama::Template;
use rollbook_core::model::SiteName;
use rollbook_journal::requests::{Job, JobOutcome, RequestFilter, RequestId};
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
    nodes: Vec<NodeRow>,
}

struct NodeRow {
    name: String,
    version: String,
    listens: String,
    started: ShownTime,
    seen: ShownTime,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DoctorPageQuery {
    request: String,
}

pub(super) async fn show_doctor(context: PageContext, QueryParams(query): QueryParams<DoctorPageQuery>) -> PageResult {
    let journal = &context.state.journal;
    let times = context.times(None);
    let filter = RequestFilter { kind: Some("examine".to_owned()), ..RequestFilter::default() };
    let request = match query.request.parse().map(RequestId) {
        Ok(id) => journal.requests().find(id).await?,
        Err(_) => journal.requests().list(&filter, 1).await?.into_iter().next(),
    };
    let checks = match request.as_ref().and_then(|request| request.answer.as_ref()) {
        Some(JobOutcome::Examined { checks }) => check_rows(checks),
        _ => Vec::new(),
    };
    let status = request.as_ref().map(|request| request_status(request, &times));
    let live = if status.as_ref().is_some_and(|status| !status.is_finished) { 1 } else { 0 };
    let names: Vec<&SiteName> = context.state.settings.sites.keys().collect();
    let all = std::iter::once(("", "all".to_owned()));
    let nodes = journal.nodes().list().await?.into_iter().map(|node| NodeRow {
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
        examined: request.as_ref().and_then(|request| times.maybe(request.finished)),
        request: status,
        checks,
        nodes: nodes.collect(),
    };
    show(&page)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChecksForm {
    site: String,
}

pub(super) async fn run_checks(context: PageContext, FormData(form): FormData<ChecksForm>) -> PageResult {
    let site = Some(form.site.trim()).filter(|site| !site.is_empty()).map(SiteName::new);
    let path = submit(&context, &Job::Examine { site }).await?;
    let id = path.rsplit('/').next().unwrap_or_default();
    Ok(context.redirect("The checks are running", &format!("/doctor?request={id}")))
}
