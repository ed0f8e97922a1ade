//! `rollbook completions list`: completions with what became of them.

use super::mark::{Past, find_past};
use super::prepare;
use super::print::{at, some};
use crate::cli::output::{Output, Sign, Table};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::model::{ElmCourseId, Guid, LinkName};
use rollbook_journal::{CompletionQuery, CompletionRow, Journal};
use serde_json::json;

/// List completions and their reports, newest first
#[derive(Debug, Args)]
pub(super) struct List {
    /// The link's name in the configuration
    link: String,

    /// Only this person (a GUID)
    #[arg(long, value_name = "GUID")]
    user: Option<String>,

    /// Only this course (its id in the ELM)
    #[arg(long, value_name = "ID")]
    course: Option<String>,

    /// Only this state
    #[arg(long, value_parser = ["due", "sending", "unknown", "sent", "refused", "cancelled", "waiting", "skipped", "marked"])]
    state: Option<String>,

    /// Completed on or after this day
    #[arg(long, value_name = "DAY")]
    since: Option<Date>,

    /// Completed before this day (with --historic)
    #[arg(long, value_name = "DAY", requires = "historic")]
    until: Option<Date>,

    /// Completions in Moodle's database that Rollbook has never reported
    #[arg(long, conflicts_with_all = ["state", "user"])]
    historic: bool,

    /// The most rows to show
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: u64,
}

impl List {
    pub(super) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        if self.historic {
            return self.list_past(context).await;
        }
        let settings = context.settings()?;
        let found = settings.completion(&LinkName::new(&self.link))?;
        let (link, zone) = (found.link.name.clone(), found.link.schedule.timezone.clone());
        let journal = context.journal(&settings).await?;
        let query = CompletionQuery {
            guid: self.user.as_ref().map(|guid| Guid::new(guid).folded()),
            course: self.course.as_ref().map(ElmCourseId::new),
            standing: self.state.clone(),
            since: self.since.and_then(|day| day.to_zoned(zone.clone()).ok()).map(|begins| begins.timestamp()),
            limit: self.limit,
            ..CompletionQuery::default()
        };
        let rows =
            journal.completions().list(&link, &query).await.into_diagnostic().wrap_err("while reading the journal")?;
        print_rows(&rows, &zone, &mut context.out);
        print_totals(&journal, &link, &rows, &mut context.out).await?;
        Ok(Exit::Fine)
    }

    async fn list_past(self, context: &mut Context) -> miette::Result<Exit> {
        let (_, flow, journal) = prepare(context, &self.link).await?;
        let past = Past { course: self.course.map(ElmCourseId::new), since: self.since, until: self.until };
        let found = find_past(&flow, &journal, &past).await?;
        let zone = &flow.policy.zone;
        let mut table = Table::new(["completed", "GUID", "course", "account"]);
        let shown = usize::try_from(self.limit).unwrap_or(usize::MAX);
        for (seen, course) in found.iter().rev().take(shown) {
            let course = course.as_ref().map_or_else(|| seen.key.course.to_string(), ToString::to_string);
            table.row([at(seen.key.completed_at, zone), seen.guid.to_string(), course, seen.key.user.to_string()]);
        }
        if !found.is_empty() {
            context.out.table(&table);
        }
        context.out.sign(
            Sign::Note,
            format_args!(
                "never reported by Rollbook: {}; mark them with `completions mark`",
                some(found.len() as u64, "completion")
            ),
        );
        let rows: Vec<_> =
            found.iter().take(shown).map(|(seen, course)| json!({"seen": seen, "course": course})).collect();
        context.out.json(&json!({"total": found.len(), "completions": rows}));
        Ok(Exit::Fine)
    }
}

fn print_rows(rows: &[CompletionRow], zone: &TimeZone, out: &mut Output) {
    if rows.is_empty() {
        return out.sign(Sign::Note, "no completions");
    }
    let mut table = Table::new(["no.", "completed", "GUID", "course", "state", "reason or answer"]);
    for row in rows {
        let report = row.report.as_ref();
        let words = report.map_or_else(|| row.reason.clone(), |report| report.answer.clone());
        table.row([
            report.map(|report| report.id.to_string()).unwrap_or_default(),
            at(row.seen.key.completed_at, zone),
            row.seen.guid.to_string(),
            row.course.as_ref().map_or_else(|| row.seen.key.course.to_string(), ToString::to_string),
            row.standing.clone(),
            shortened(&words),
        ]);
    }
    out.table(&table);
}

/// An answer can be a whole entity; `explain` and `--json` have all of it.
fn shortened(words: &str) -> String {
    const LONGEST: usize = 110;
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words.to_owned(),
    }
}

async fn print_totals(
    journal: &Journal,
    link: &LinkName,
    rows: &[CompletionRow],
    out: &mut Output,
) -> miette::Result<()> {
    let totals = journal.completions().totals(link).await.into_diagnostic().wrap_err("while counting completions")?;
    let words: Vec<String> = totals.iter().map(|(standing, total)| format!("{total} {standing}")).collect();
    if !words.is_empty() {
        out.sign(Sign::Note, format_args!("total: {}", words.join(", ")));
    }
    out.json(&json!({"totals": totals, "completions": rows}));
    Ok(())
}
