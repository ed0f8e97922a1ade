//! `rollbook log`: what became of every record, newest first; searched, filtered, or as CSV.

use super::{format_time, print_zone, zone_of};
use crate::cli::arguments::{StatusFilter, find_link_option, not_empty, read_interval, read_status};
use crate::cli::output::{Output, Sign, Table, shorten};
use crate::cli::{Context, Exit};
use clap::Args;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, WrapErr};
use rollbook_core::model::{ElmCourseId, Field, LinkName};
use rollbook_journal::{LogQuery, LogRow};
use serde_json::{Value, json};

/// Search the log of all records, newest first
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

    /// At this time or later: "2026-11-23 08:00" in the link's zone, 2026-11-23T08:00-08:00, or -2h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,

    /// Before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,

    /// Only this link
    #[arg(long)]
    link: Option<String>,

    /// The most rows to show
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
        let link = find_link_option(&settings, self.link.as_deref())?;
        let zone = zone_of(&settings, link.as_ref());
        let mut query = self.query(link, zone.clone(), context)?;
        let journal = context.journal(&settings).await?;
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

    fn query(&self, link: Option<LinkName>, zone: TimeZone, context: &Context) -> miette::Result<LogQuery> {
        let (since, until) = read_interval(self.since.as_deref(), self.until.as_deref(), &zone, context.clock.now())?;
        let course = not_empty("--course", self.course.clone())?.map(ElmCourseId::new);
        let (status, code) = match self.status.as_deref().map(read_status).transpose()? {
            Some(StatusFilter::Status(status)) => (Some(status.to_owned()), None),
            Some(StatusFilter::Code(code)) => (None, Some(code)),
            None => (None, None),
        };
        let search = self.search.join(" ");
        Ok(LogQuery { link, search, zone, status, code, course, since, until, ..LogQuery::default() })
    }
}

/// From so many columns on, a row of the log fits into one line.
const ONE_LINE: usize = 170;

fn print(rows: &[LogRow], more: bool, zone: &TimeZone, out: &mut Output) {
    match (rows, out.width()) {
        ([], _) => out.sign(Sign::Note, "no record matches"),
        (_, Some(width)) if width < ONE_LINE => rows.iter().for_each(|row| print_record(row, zone, width, out)),
        _ => print_table(rows, zone, out),
    }
    if !rows.is_empty() {
        print_zone(zone, out);
    }
    if more {
        out.sign(Sign::Note, "there is more: raise --limit, or narrow the search");
    }
    out.json(&json!({ "rows": rows.iter().map(as_json).collect::<Vec<_>>(), "more": more }));
}

/// A row in a narrow terminal: what, who by name, who by id, and why.
fn print_record(row: &LogRow, zone: &TimeZone, width: usize, out: &mut Output) {
    let text = |field| row.text.get(field);
    let first = format!(
        "{}  {:<8} {} {}  {}",
        format_time(row.at, zone),
        row.status,
        text(Field::State),
        text(Field::Course),
        name_of(row)
    );
    let bold = anstyle::Style::new().bold();
    out.line(format_args!("{bold}{}{bold:#}", shorten(&first, width)));
    out.line(format_args!("    {}", shorten(&format!("{}  {}", text(Field::Guid), text(Field::Mail)), width - 4)));
    out.hanging(4, format_args!("    {}", shorten(&format!("{}: {}", row.code, row.reason), 3 * (width - 4))));
}

fn print_table(rows: &[LogRow], zone: &TimeZone, out: &mut Output) {
    let head = ["time", "status", "record", "course", "name", "guid", "mail", "outcome", "reason"];
    let mut table = Table::new(head).cut(&[(8, 20), (4, 12), (6, 16)]);
    for row in rows {
        let text = |field| row.text.get(field).to_owned();
        table.row([
            format_time(row.at, zone),
            row.status.clone(),
            text(Field::State),
            text(Field::Course),
            name_of(row),
            text(Field::Guid),
            text(Field::Mail),
            row.code.to_string(),
            row.reason.clone(),
        ]);
    }
    out.table(&table);
}

/// The person's name, without control characters: it comes from outside.
fn name_of(row: &LogRow) -> String {
    let name = format!("{} {}", row.text.get(Field::FirstName), row.text.get(Field::LastName));
    name.trim().replace(char::is_control, "·")
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
