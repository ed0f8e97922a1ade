//! Completions by hand: what a person names, sends again, marks, or gives the enrolment of.

use super::super::node::Node;
use super::Trouble;
use super::run::reports;
use crate::flows::completions::{
    CompletionsFlow, CompletionsRequest, Delivered, ManualReport, Purpose, Reach, prepare_manual, run_completions,
    send_manual,
};
use rollbook_core::model::{CompletionKey, EnrolmentId, LinkName};
use rollbook_journal::CompletionQuery;
use rollbook_journal::requests::{CompletionCard, JobOutcome, NamedCompletion, Reported};
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

/// At most so many completions of the journal are looked through for those that a person marks.
const LOOKED_THROUGH_MAX: u64 = 1_000_000;

/// What would be sent for a completion; nothing is recorded.
pub(super) async fn preview(node: &Node, link: &LinkName, named: &NamedCompletion) -> Result<JobOutcome, Trouble> {
    let flow = reports(node, link)?;
    let prepared = prepare_manual(&flow, &node.journal, &node.clock, &manual(named, "")).await?;
    let report = prepared.plan.reports.first();
    let skip = prepared.plan.skips.first();
    Ok(JobOutcome::Completion(CompletionCard {
        completion: prepared.key(),
        account: prepared.account.clone(),
        course: named.course.clone(),
        course_name: prepared.course_name().to_owned(),
        enrolment: report.map(|report| EnrolmentId::new(report.enrolment.to_string())),
        body: report.map(|report| serde_json::from_str(&report.body)).transpose()?,
        why_not: skip.map(|skip| skip.why.to_string()),
        remedy: skip.map(|skip| skip.why.remedy().to_owned()),
    }))
}

/// Records and sends one completion.
pub(super) async fn send(
    node: &Node,
    link: &LinkName,
    named: &NamedCompletion,
    by: &str,
    stop: &CancellationToken,
) -> Result<JobOutcome, Trouble> {
    let flow = reports(node, link)?;
    let prepared = prepare_manual(&flow, &node.journal, &node.clock, &manual(named, by)).await?;
    if let Some(skip) = prepared.plan.skips.first() {
        return Err(Trouble::failed(format!("{}: {}", skip.seen.key, skip.why), skip.why.remedy()));
    }
    let queued = prepared.plan.reports.len() as u64;
    let delivered = send_manual(&flow, &node.journal, &node.clock, &prepared, by, stop).await?;
    Ok(JobOutcome::Reported(reported(queued, &delivered)))
}

/// Makes reports due again and sends them.
pub(super) async fn retry(
    node: &Node,
    link: &LinkName,
    numbers: &[i64],
    by: &str,
    stop: &CancellationToken,
) -> Result<JobOutcome, Trouble> {
    let flow = reports(node, link)?;
    let queued = node.journal.completions().resend(link, numbers, by, node.clock.now()).await?;
    if queued == 0 {
        return Err(Trouble::failed("none of these reports can be sent again".to_owned(), "load the page again"));
    }
    deliver(node, &flow, Reach::Pushed, queued, by, stop).await
}

/// Remembers that completions were reported elsewhere.
pub(super) async fn mark(
    node: &Node,
    link: &LinkName,
    completions: &[CompletionKey],
    by: &str,
) -> Result<JobOutcome, Trouble> {
    let wanted: BTreeSet<&CompletionKey> = completions.iter().collect();
    let mut found = Vec::new();
    for standing in ["skipped", "waiting"] {
        let query = CompletionQuery {
            standing: Some(standing.to_owned()),
            since: completions.iter().map(|key| key.completed_at).min(),
            limit: LOOKED_THROUGH_MAX,
            ..CompletionQuery::default()
        };
        let rows = node.journal.completions().list(link, &query).await?;
        found.extend(rows.into_iter().filter(|row| wanted.contains(&row.seen.key)).map(|row| (row.seen, row.course)));
    }
    if found.is_empty() {
        let words = "none of these completions waits or was skipped".to_owned();
        return Err(Trouble::failed(words, "load the page again"));
    }
    let marked = node.journal.completions().mark_reported(link, &found, by, node.clock.now()).await?;
    Ok(JobOutcome::Marked { marked: marked.marked, known: marked.known })
}

/// Takes the enrolment id that a completion waits for, and reports it.
pub(super) async fn supply(
    node: &Node,
    link: &LinkName,
    completion: CompletionKey,
    enrolment: &EnrolmentId,
    by: &str,
    stop: &CancellationToken,
) -> Result<JobOutcome, Trouble> {
    let flow = reports(node, link)?;
    node.journal.completions().supply_enrolment(link, completion, enrolment, by, node.clock.now()).await?;
    deliver(node, &flow, Reach::Pushed, 0, by, stop).await
}

/// A run that weighs what waits, looks into events, and sends what is due.
async fn deliver(
    node: &Node,
    flow: &CompletionsFlow,
    reach: Reach,
    queued: u64,
    by: &str,
    stop: &CancellationToken,
) -> Result<JobOutcome, Trouble> {
    let request = CompletionsRequest { purpose: Purpose::Apply, reach, author: by.to_owned() };
    let report = run_completions(flow, &node.journal, &node.clock, &request, stop).await?;
    Ok(JobOutcome::Reported(reported(queued + report.queued, &report.delivered)))
}

fn manual(named: &NamedCompletion, author: &str) -> ManualReport {
    let NamedCompletion { user, course, date, enrolment } = named.clone();
    ManualReport { user, course, date, enrolment, author: author.to_owned() }
}

fn reported(queued: u64, delivered: &Delivered) -> Reported {
    let Delivered { accepted, refused, failed, .. } = *delivered;
    Reported { queued, accepted, refused, failed }
}
