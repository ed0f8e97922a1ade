//! Request → flow → answer. It decides nothing: it calls the pipeline as the command line would, and tells what came of it.
//!
//! Next: `run` for runs of links, `completions` for reports by hand, `attend` for attention items, `told` for the words.

mod attend;
mod completions;
mod run;
mod told;

use super::node::Node;
use crate::flows::doctor::{Check, Health, examine};
use crate::flows::intake::{IntakeFlow, query_feed};
use crate::flows::setup::make_intake;
use jiff::Timestamp;
use rollbook_core::model::LinkName;
use rollbook_core::report::with_causes;
use rollbook_journal::JournalError;
use rollbook_journal::requests::{CheckLine, FeedQuery, Job, JobOutcome, TakenRequest};
use rollbook_settings::NoSuchLink;
use std::error::Error;
use tokio_util::sync::CancellationToken;

/// Why a request was not carried out.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The link is being run: later.
    Held {
        /// When its lease ends, unless renewed.
        until: Timestamp,
    },
    /// It cannot be done.
    Failed {
        /// What went wrong.
        words: String,
        /// What to do.
        remedy: String,
    },
}

impl Trouble {
    pub(super) fn failed(words: String, remedy: &str) -> Self {
        Self::Failed { words, remedy: remedy.to_owned() }
    }

    /// Of an error with its causes; a lease that somebody holds is no failure.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(this) = cause {
            if let Some(JournalError::LeaseHeld { until, .. }) = this.downcast_ref() {
                return Self::Held { until: *until };
            }
            cause = this.source();
        }
        Self::failed(with_causes(error), "")
    }
}

impl<E: Error + 'static> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

/// Carries a request out, whatever it is.
pub(super) async fn execute(
    node: &Node,
    taken: &TakenRequest,
    stop: &CancellationToken,
) -> Result<JobOutcome, Trouble> {
    let by = taken.asked_by.as_str();
    if let Some(link) = taken.job.link().filter(|_| !taken.job.only_looks()) {
        refuse_paused(node, link).await?;
        // Cheaper than making a flow ready to be told the same.
        if let Some(until) = node.journal.leases().held_until(link, node.clock.now()).await? {
            return Err(Trouble::Held { until });
        }
    }
    match &taken.job {
        Job::RunLink { link, purpose, narrow } => {
            run::run_link(node, link, *purpose, narrow, by, stop).await.map(JobOutcome::Ran)
        }
        Job::ApplyPlan { link, plan } => run::apply_plan(node, link, *plan, by, stop).await.map(JobOutcome::Ran),
        Job::ProcessRecords { link, question, records } => {
            run::process(node, link, question, records, by, stop).await.map(JobOutcome::Ran)
        }
        Job::CheckCompletions { link } => run::check_completions(node, link, by, stop).await.map(JobOutcome::Ran),
        Job::SyncMember { link, user } => run::sync_member(node, link, user, by, stop).await.map(JobOutcome::Ran),
        Job::QueryFeed { link, question } => look_at_feed(node, link, question).await,
        Job::Attend { link, item, act } => {
            attend::attend(node, link, *item, act, by, stop).await.map(JobOutcome::Attended)
        }
        Job::PreviewCompletion { link, named } => completions::preview(node, link, named).await,
        Job::SendCompletion { link, named } => completions::send(node, link, named, by, stop).await,
        Job::RetryCompletions { link, reports } => completions::retry(node, link, reports, by, stop).await,
        Job::MarkCompletions { link, completions } => completions::mark(node, link, completions, by).await,
        Job::SupplyEnrolment { link, completion, enrolment } => {
            completions::supply(node, link, *completion, enrolment, by, stop).await
        }
        Job::Examine { site } => {
            let checks = examine(&node.settings, site.as_ref(), &node.clock).await;
            Ok(JobOutcome::Examined { checks: checks.into_iter().map(check_line).collect() })
        }
    }
}

/// A paused link is left alone until it goes on, whoever asks.
async fn refuse_paused(node: &Node, link: &LinkName) -> Result<(), Trouble> {
    match node.journal.links().state(link).await?.paused {
        None => Ok(()),
        Some((since, by, why)) => Err(Trouble::failed(
            format!("link {link} is paused since {since:.0} by {by}: {why}"),
            "let it go on first: rollbook links resume, or the link's page",
        )),
    }
}

/// An intake link, ready to run.
fn intake(node: &Node, link: &LinkName) -> Result<IntakeFlow, Trouble> {
    let found = node.settings.intake(link).map_err(no_such_link)?;
    let mut flow = make_intake(&found, node.settings.mail.as_ref())?;
    flow.lease = node.lease();
    flow.limit = node.run_limit(link);
    Ok(flow)
}

fn no_such_link(error: NoSuchLink) -> Trouble {
    Trouble::failed(error.to_string(), "the configuration changed since the page was made: load it again")
}

async fn look_at_feed(node: &Node, link: &LinkName, question: &FeedQuery) -> Result<JobOutcome, Trouble> {
    if !question.is_bounded() {
        return Err(Trouble::failed("the question is for the whole feed".to_owned(), "give a time, a mail or a GUID"));
    }
    let flow = intake(node, link)?;
    Ok(JobOutcome::Feed(query_feed(&flow, &node.journal, &node.clock, question).await?))
}

fn check_line(check: Check) -> CheckLine {
    let Check { site, name, health, detail, mend } = check;
    let health = match health {
        Health::Good => "good",
        Health::Warning => "warning",
        Health::Bad => "bad",
    };
    CheckLine { site, name, health: health.to_owned(), detail, mend }
}
