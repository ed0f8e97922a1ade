//! Runs of links: as the schedule does them, or of a part.

use super::super::node::Node;
use super::told::{of_completions, of_guilds, of_intake};
use super::{Trouble, intake as intake_flow, no_such_link};
use crate::flows::completions::{self, CompletionsFlow, CompletionsRequest, Reach, make_completions, run_completions};
use crate::flows::guilds::{self, GuildsRequest, make_guilds, run_guilds};
use crate::flows::intake::{self, IntakeRequest, run_intake};
use rollbook_core::model::{Fingerprint, LinkName, RunId};
use rollbook_core::plan::{IntakeChange, Scope};
use rollbook_core::run::RunKind;
use rollbook_journal::PlanState;
use rollbook_journal::requests::{FeedQuery, Narrow, Purpose, Ran};
use rollbook_settings::link::Link;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

/// Runs a link of any flow.
pub(super) async fn run_link(
    node: &Node,
    link: &LinkName,
    purpose: Purpose,
    narrow: &Narrow,
    by: &str,
    stop: &CancellationToken,
) -> Result<Ran, Trouble> {
    let configured = node.settings.links.get(link).ok_or_else(|| {
        Trouble::failed(format!("there is no link {link}"), "the configuration changed: load the page again")
    })?;
    let unfit = || Trouble::failed(format!("a link of {} has no such part", configured.flow()), "");
    match (configured, narrow) {
        (Link::Intake(_), Narrow::Usual) => run_records(node, link, intake::IntakeQuery::New, purpose, by, stop).await,
        (Link::Intake(_), Narrow::Records { records }) => {
            run_records(node, link, intake::IntakeQuery::Stored(records.clone()), purpose, by, stop).await
        }
        (Link::Intake(_), Narrow::Feed { question }) => {
            run_records(node, link, to_query(question, None)?, purpose, by, stop).await
        }
        (Link::Completions(_), Narrow::Usual) => run_reports(node, link, Reach::Usual, purpose, by, stop).await,
        (Link::Completions(_), Narrow::Full) => run_reports(node, link, Reach::Full, purpose, by, stop).await,
        (Link::Guilds(_), Narrow::Usual | Narrow::Full) => {
            run_members(node, link, guilds::GuildsQuery::All, purpose, by, stop).await
        }
        (Link::Guilds(_), Narrow::Guild { guild }) => {
            run_members(node, link, guilds::GuildsQuery::Guild(guild.clone()), purpose, by, stop).await
        }
        (Link::Guilds(_), Narrow::User { user }) => {
            run_members(node, link, guilds::GuildsQuery::Person(user.clone()), purpose, by, stop).await
        }
        (Link::Intake(_) | Link::Completions(_) | Link::Guilds(_), _) => Err(unfit()),
    }
}

/// The records of the feed that a person picked, by the ordinary pipeline.
pub(super) async fn process(
    node: &Node,
    link: &LinkName,
    question: &FeedQuery,
    records: &[Fingerprint],
    by: &str,
    stop: &CancellationToken,
) -> Result<Ran, Trouble> {
    run_records(node, link, to_query(question, Some(records))?, Purpose::Apply, by, stop).await
}

/// Looks into the pushed events, and sends what is due.
pub(super) async fn check_completions(
    node: &Node,
    link: &LinkName,
    by: &str,
    stop: &CancellationToken,
) -> Result<Ran, Trouble> {
    run_reports(node, link, Reach::Pushed, Purpose::Apply, by, stop).await
}

/// Synchronises one member.
pub(super) async fn sync_member(
    node: &Node,
    link: &LinkName,
    user: &str,
    by: &str,
    stop: &CancellationToken,
) -> Result<Ran, Trouble> {
    run_members(node, link, guilds::GuildsQuery::Person(user.to_owned()), Purpose::Apply, by, stop).await
}

/// Runs what an approved plan was made for: of intake the records that it would change, of guilds its scope.
pub(super) async fn apply_plan(
    node: &Node,
    link: &LinkName,
    plan: i64,
    by: &str,
    stop: &CancellationToken,
) -> Result<Ran, Trouble> {
    let row = node.journal.plans().find(plan).await?;
    if row.link != *link || row.state != PlanState::Approved {
        let words = format!("plan {plan} of link {} is {}, not approved", row.link, row.state.as_str());
        return Err(Trouble::failed(words, "approve it first; look at the plan's page"));
    }
    match node.settings.links.get(link) {
        Some(Link::Intake(_)) => {
            #[derive(Deserialize)]
            struct Changes {
                changes: Vec<IntakeChange>,
            }
            let Changes { changes } = serde_json::from_str(&row.body)?;
            let records = changes.iter().filter_map(IntakeChange::record).collect();
            run_records(node, link, intake::IntakeQuery::Stored(records), Purpose::Apply, by, stop).await
        }
        Some(Link::Guilds(_)) => {
            #[derive(Deserialize)]
            struct Scoped {
                scope: Scope,
            }
            let Scoped { scope } = serde_json::from_str(&row.body)?;
            let query = match scope {
                Scope::All => guilds::GuildsQuery::All,
                Scope::Guild(uuid) => guilds::GuildsQuery::Guild(uuid.to_string()),
                Scope::Person(id) => guilds::GuildsQuery::Person(id.to_string()),
            };
            run_members(node, link, query, Purpose::Apply, by, stop).await
        }
        Some(Link::Completions(_)) => {
            let kind = node.journal.runs().find(row.run.as_str()).await?.kind;
            let reach = if kind == RunKind::Normal { Reach::Usual } else { Reach::Pushed };
            run_reports(node, link, reach, Purpose::Apply, by, stop).await
        }
        None => Err(Trouble::failed(format!("there is no link {link}"), "")),
    }
}

fn to_query(question: &FeedQuery, only: Option<&[Fingerprint]>) -> Result<intake::IntakeQuery, Trouble> {
    if !question.is_bounded() {
        return Err(Trouble::failed("the question is for the whole feed".to_owned(), "give a time, a mail or a GUID"));
    }
    let FeedQuery { from, until, mail, guid } = question.clone();
    let only = only.map(|records| records.iter().copied().collect());
    Ok(intake::IntakeQuery::Question { since: from, until, mail, guid, only })
}

pub(super) async fn run_records(
    node: &Node,
    link: &LinkName,
    query: intake::IntakeQuery,
    purpose: Purpose,
    by: &str,
    stop: &CancellationToken,
) -> Result<Ran, Trouble> {
    let flow = intake_flow(node, link)?;
    let purpose = match purpose {
        Purpose::Apply => intake::Purpose::Apply,
        Purpose::DryRun => intake::Purpose::DryRun,
    };
    let request = IntakeRequest { purpose, query, author: by.to_owned() };
    let report = run_intake(&flow, &node.journal, &node.clock, &request, stop).await?;
    let waiting = waiting(node, report.run.as_ref()).await?;
    // The mails are not waited for: the answer is there when the run is.
    node.due.notify_one();
    Ok(of_intake(report, waiting))
}

/// A completions link, ready to run.
pub(super) fn reports(node: &Node, link: &LinkName) -> Result<CompletionsFlow, Trouble> {
    let found = node.settings.completion(link).map_err(no_such_link)?;
    let mut flow = make_completions(&found, &node.settings)?;
    flow.lease = node.lease();
    flow.limit = node.run_limit(link);
    Ok(flow)
}

async fn run_reports(
    node: &Node,
    link: &LinkName,
    reach: Reach,
    purpose: Purpose,
    by: &str,
    stop: &CancellationToken,
) -> Result<Ran, Trouble> {
    let flow = reports(node, link)?;
    let purpose = match purpose {
        Purpose::Apply => completions::Purpose::Apply,
        Purpose::DryRun => completions::Purpose::DryRun,
    };
    let request = CompletionsRequest { purpose, reach, author: by.to_owned() };
    let report = run_completions(&flow, &node.journal, &node.clock, &request, stop).await?;
    let waiting = waiting(node, report.run.as_ref()).await?;
    Ok(of_completions(report, waiting))
}

async fn run_members(
    node: &Node,
    link: &LinkName,
    query: guilds::GuildsQuery,
    purpose: Purpose,
    by: &str,
    stop: &CancellationToken,
) -> Result<Ran, Trouble> {
    let found = node.settings.guilds().find(|found| found.link.name == *link);
    let found = found.ok_or_else(|| Trouble::failed(format!("there is no guilds link {link}"), ""))?;
    let mut flow = make_guilds(&found, &node.clock)?;
    flow.lease = node.lease();
    flow.limit = node.run_limit(link);
    let purpose = match purpose {
        Purpose::Apply => guilds::Purpose::Apply,
        Purpose::DryRun => guilds::Purpose::DryRun,
    };
    let request = GuildsRequest { query, purpose, author: by.to_owned() };
    let report = run_guilds(&flow, &node.journal, &node.clock, &request, stop, &mut |_| {}).await?;
    Ok(of_guilds(report))
}

/// The plan of a run that waits for a person.
async fn waiting(node: &Node, run: Option<&RunId>) -> Result<Option<i64>, Trouble> {
    let Some(run) = run else { return Ok(None) };
    let plan = node.journal.plans().of_run(run).await?;
    Ok(plan.filter(|plan| plan.state == PlanState::Blocked).map(|plan| plan.id))
}
