//! `rollbook completions mark`: history that was reported before Rollbook is marked, so that it is never reported again.

use super::prepare;
use super::print::some;
use crate::cli::output::Sign;
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use miette::{IntoDiagnostic, WrapErr, miette};
use rollbook_core::model::{CompletionKey, ElmCourseId, MoodleCourseId, SeenCompletion};
use rollbook_journal::{CompletionQuery, Journal, KnownQuery};
use rollbook_sync::flows::completions::{CompletionsFlow, FoundBy, find_historic};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The most rows to show are taken from the journal at once.
const SEEN_MAX: u64 = 1_000_000;

/// Mark old completions as reported
#[derive(Debug, Args)]
pub(super) struct Mark {
    /// The link's name in the configuration
    link: String,

    /// Completed on or after this day
    #[arg(long, value_name = "DAY")]
    since: Option<Date>,

    /// Completed before this day
    #[arg(long, value_name = "DAY")]
    until: Date,

    /// Only this course (its id in the ELM)
    #[arg(long, value_name = "ID")]
    course: Option<String>,

    /// Only count them
    #[arg(long)]
    dry_run: bool,
}

/// Which part of the past is meant.
pub(super) struct Past {
    pub course: Option<ElmCourseId>,
    pub since: Option<Date>,
    pub until: Option<Date>,
}

impl Mark {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let (_, flow, journal) = prepare(context, &self.link).await?;
        let past = Past { course: self.course.map(ElmCourseId::new), since: self.since, until: Some(self.until) };
        let found = find_past(&flow, &journal, &past).await?;
        if self.dry_run {
            context
                .out
                .sign(Sign::Note, format_args!("DRY RUN: would mark {}", some(found.len() as u64, "completion")));
            context.out.json(&json!({"dry_run": true, "completions": found.len()}));
            return Ok(Exit::Fine);
        }
        let marked =
            journal.completions().mark_reported(&flow.link, &found, &context.author(), context.clock.now()).await;
        let marked = marked.into_diagnostic().wrap_err("while marking completions")?;
        context.out.sign(Sign::Done, format_args!("marked as reported: {}", some(marked.marked, "completion")));
        context.out.json(&json!({"dry_run": false, "marked": marked.marked, "known": marked.known}));
        Ok(Exit::Fine)
    }
}

/// Completions of opted-in courses that were never reported from here, the earliest first: from Moodle's database, else those
/// that the journal has seen, since the web services show no history.
pub(super) async fn find_past(
    flow: &CompletionsFlow,
    journal: &Journal,
    past: &Past,
) -> miette::Result<Vec<(SeenCompletion, Option<ElmCourseId>)>> {
    let opted = journal
        .completions()
        .opted_courses(&flow.link)
        .await
        .into_diagnostic()
        .wrap_err("while reading the journal")?;
    let meant = opted.iter().filter(|course| past.course.is_none() || course.elm_id == past.course);
    let courses: BTreeMap<MoodleCourseId, Option<ElmCourseId>> =
        meant.map(|course| (course.id, course.elm_id.clone())).collect();
    if courses.is_empty() {
        return Err(miette!(
            help = "run the link once, so that it reads which courses have opted in",
            "no matching course has opted in"
        ));
    }
    let begins = |day: Date| day.to_zoned(flow.policy.zone.clone()).map(|begins| begins.timestamp()).into_diagnostic();
    let since = past.since.map(begins).transpose()?.unwrap_or(Timestamp::UNIX_EPOCH);
    let until = past.until.map(begins).transpose()?;
    if !matches!(flow.method, FoundBy::Database(_)) {
        return find_seen(flow, journal, past, since, until).await;
    }
    let ids: Vec<MoodleCourseId> = courses.keys().copied().collect();
    let all = find_historic(flow, &ids, since, until).await.into_diagnostic().wrap_err("while reading Moodle")?;
    let asked: Vec<KnownQuery> = all.iter().map(|seen| question(seen, &courses)).collect();
    let known = journal.completions().known(&flow.link, &asked).await.into_diagnostic()?;
    let known: BTreeSet<CompletionKey> = known.into_iter().map(|known| known.key).collect();
    let unknown = all.into_iter().filter(|seen| !known.contains(&seen.key));
    Ok(unknown
        .map(|seen| (courses.get(&seen.key.course).cloned().flatten(), seen))
        .map(|(id, seen)| (seen, id))
        .collect())
}

/// What earlier runs saw and left alone.
async fn find_seen(
    flow: &CompletionsFlow,
    journal: &Journal,
    past: &Past,
    since: Timestamp,
    until: Option<Timestamp>,
) -> miette::Result<Vec<(SeenCompletion, Option<ElmCourseId>)>> {
    let mut found = Vec::new();
    for standing in ["skipped", "waiting"] {
        let query = CompletionQuery {
            course: past.course.clone(),
            standing: Some(standing.to_owned()),
            since: Some(since),
            limit: SEEN_MAX,
            ..CompletionQuery::default()
        };
        found.extend(journal.completions().list(&flow.link, &query).await.into_diagnostic()?);
    }
    let mut found: Vec<_> = found
        .into_iter()
        .filter(|row| until.is_none_or(|until| row.seen.key.completed_at < until))
        .map(|row| (row.seen, row.course))
        .collect();
    found.sort_by_key(|(seen, _)| (seen.key.completed_at, seen.key));
    Ok(found)
}

fn question(seen: &SeenCompletion, courses: &BTreeMap<MoodleCourseId, Option<ElmCourseId>>) -> KnownQuery {
    let elm_id = courses.get(&seen.key.course).cloned().flatten();
    KnownQuery { user: seen.key.user, course: seen.key.course, guid: seen.guid.folded(), elm_id }
}
