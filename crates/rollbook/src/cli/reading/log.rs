//! `rollbook log`: what became of every record, newest first; searched, filtered, or as CSV.

use super::{shown, zone_of};
use crate::cli::output::{Output, Sign, Table};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::model::{ElmCourseId, Field, LinkName};
use rollbook_core::run::OutcomeCode;
use rollbook_journal::{LogQuery, LogRow};
use serde_json::{Value, json};

/// What became of every record, newest first
#[derive(Debug, Args)]
pub(in crate::cli) struct Log {
    /// A name, mail address, GUID, course, enrolment id, or a time (two minutes around it)
    search: Vec<String>,

    /// Success, Error, Waiting, Skipped; or an outcome such as mail_mismatch
    #[arg(long)]
    status: Option<String>,

    /// The ELM's course id
    #[arg(long, value_name = "ID")]
    course: Option<String>,

    /// At this moment or later
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,

    /// Before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,

    /// Of this link only
    #[arg(long)]
    link: Option<String>,

    /// So many lines
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,

    /// As CSV, for a spreadsheet
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// Lines that are read at once.
const PAGE: u32 = 1_000;

impl Log {
    pub(in crate::cli) async fn run(self, context: &mut Context) -> miette::Result<Exit> {
        let settings = context.settings()?;
        let zone = zone_of(&settings, self.link.as_deref());
        let journal = context.journal(&settings).await?;
        let mut query = self.query(zone.clone());
        let mut rows: Vec<LogRow> = Vec::new();
        loop {
            let left = self.limit - u32::try_from(rows.len()).unwrap_or(self.limit);
            query.limit = left.min(PAGE);
            let page = journal.records().log(&query).await.into_diagnostic().wrap_err("while reading the log")?;
            rows.extend(page.rows);
            query.after = page.next;
            if query.after.is_none() || rows.len() >= self.limit as usize {
                break;
            }
        }
        if self.csv {
            context.out.raw(&as_csv(&rows)?);
        } else {
            print(&rows, query.after.is_some(), &zone, &mut context.out);
        }
        Ok(Exit::Fine)
    }

    fn query(&self, zone: TimeZone) -> LogQuery {
        let word = self.status.as_deref().map(str::to_lowercase);
        let code = word.as_deref().and_then(|word| OutcomeCode::read(&word.replace([' ', '-'], "_")));
        let status = if code.is_some() { None } else { word.map(|word| capitalised(&word)) };
        LogQuery {
            link: self.link.as_ref().map(LinkName::new),
            search: self.search.join(" "),
            zone,
            status,
            code,
            course: self.course.as_ref().map(ElmCourseId::new),
            since: self.since,
            until: self.until,
            ..LogQuery::default()
        }
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

fn print(rows: &[LogRow], more: bool, zone: &TimeZone, out: &mut Output) {
    if rows.is_empty() {
        out.sign(Sign::Note, "no record fits");
    } else {
        let mut table = Table::new(["time", "wants", "status", "person", "course", "what became of it"]);
        for row in rows {
            let person = format!("{} {}", row.text.get(Field::FirstName), row.text.get(Field::LastName));
            let wants = row.text.get(Field::State).to_owned();
            let course = row.text.get(Field::Course).to_owned();
            table.row([shown(row.at, zone), wants, row.status.clone(), person, course, row.reason.clone()]);
        }
        out.table(&table);
        if more {
            out.sign(Sign::Note, "there is more: --limit shows it, a search narrows it");
        }
    }
    out.json(&json!({ "rows": rows.iter().map(as_json).collect::<Vec<_>>(), "more": more }));
}

fn as_json(row: &LogRow) -> Value {
    let text = |field| row.text.get(field);
    json!({
        "id": row.id, "link": row.link, "time": row.at, "run": row.run, "fingerprint": row.fingerprint, "line": row.line,
        "record_date": text(Field::DateCreated), "state_date": text(Field::StateDate), "state": text(Field::State),
        "guid": text(Field::Guid), "mail": text(Field::Mail), "first_name": text(Field::FirstName),
        "last_name": text(Field::LastName), "course": text(Field::Course), "class_code": text(Field::ShortName),
        "course_id": row.course_id, "course_name": row.course_name, "user_id": row.user_id,
        "enrolment_id": text(Field::EnrolmentId), "action": row.action, "status": row.status, "code": row.code,
        "reason": row.reason, "attempts": row.attempts, "first_seen": row.first_seen, "next_try": row.next_try,
    })
}

const CSV_HEAD: [&str; 19] = [
    "time",
    "action",
    "status",
    "outcome",
    "reason",
    "guid",
    "mail",
    "first_name",
    "last_name",
    "user_id",
    "course",
    "course_id",
    "course_name",
    "class_code",
    "enrolment_id",
    "record_date",
    "fingerprint",
    "attempts",
    "run",
];

fn as_csv(rows: &[LogRow]) -> miette::Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(CSV_HEAD).into_diagnostic()?;
    for row in rows {
        let text = |field| row.text.get(field).to_owned();
        let cells = [
            row.at.to_string(),
            row.action.clone(),
            row.status.clone(),
            row.code.to_string(),
            row.reason.clone(),
            text(Field::Guid),
            text(Field::Mail),
            text(Field::FirstName),
            text(Field::LastName),
            row.user_id.to_string(),
            text(Field::Course),
            row.course_id.to_string(),
            row.course_name.clone(),
            text(Field::ShortName),
            text(Field::EnrolmentId),
            text(Field::DateCreated),
            row.fingerprint.to_hex(),
            row.attempts.to_string(),
            row.run.to_string(),
        ];
        csv.write_record(cells.map(harmless)).into_diagnostic()?;
    }
    let bytes = csv.into_inner().into_diagnostic()?;
    String::from_utf8(bytes).into_diagnostic()
}

/// A text that a spreadsheet takes for a text: one that begins like a formula gets an apostrophe before it.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formula_in_a_field_is_only_text() {
        assert_eq!(harmless("=HYPERLINK(\"x\")".into()), "'=HYPERLINK(\"x\")");
        assert_eq!(harmless("-1+2".into()), "'-1+2");
        assert_eq!(harmless("Anne-Marie".into()), "Anne-Marie");
    }
}
