//! The lines of a query as CSV, written as they are read: an export of millions of lines holds one page of them at a time.
//!
//! What a spreadsheet would take for a formula gets an apostrophe before it.

use super::query::LogPageQuery;
use crate::layout::{PageContext, PageResult};
use crate::pages::extract::QueryParams;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::IntoResponse;
use futures_util::stream;
use rollbook_core::model::Field;
use rollbook_journal::{Journal, JournalError, LogQuery, LogRow};
use std::io;

/// So many lines are read at once.
const CHUNK: u32 = 1_000;
/// An export ends after so many lines: a spreadsheet holds no more.
const LINES_MAX: u64 = 1_048_575;

const HEAD: [&str; 17] = [
    "time",
    "link",
    "outcome",
    "status",
    "action",
    "reason",
    "guid",
    "mail",
    "first_name",
    "last_name",
    "course",
    "course_name",
    "class_code",
    "enrolment_id",
    "moodle_user",
    "moodle_course",
    "fingerprint",
];

struct Export {
    journal: Journal,
    query: Option<LogQuery>,
    is_begun: bool,
    left: u64,
}

pub(in crate::pages) async fn export_log(
    context: PageContext,
    QueryParams(page): QueryParams<LogPageQuery>,
) -> PageResult {
    let times = context.times(page.link().as_ref());
    let (query, _) = page.query(&times);
    let query = LogQuery { limit: CHUNK, after: None, ..query };
    let journal = context.state.journal.clone();
    let export = Export { journal, query: Some(query), is_begun: false, left: LINES_MAX };
    let lines = stream::try_unfold(export, |mut export| async move {
        Ok::<_, JournalError>(export.next().await?.map(|bytes| (bytes, export)))
    });
    let name = format!("rollbook-log-{}.csv", context.now.to_zoned(times.zone.clone()).strftime("%Y%m%d-%H%M"));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

impl Export {
    /// The next lines, if there are more.
    async fn next(&mut self) -> Result<Option<Bytes>, JournalError> {
        let Some(mut query) = self.query.take().filter(|_| self.left > 0) else { return Ok(None) };
        query.limit = CHUNK.min(u32::try_from(self.left).unwrap_or(CHUNK));
        let page = self.journal.records().log(&query).await?;
        self.left = self.left.saturating_sub(page.rows.len() as u64);
        let text = write(&page.rows, !std::mem::replace(&mut self.is_begun, true));
        self.query = page.next.map(|key| LogQuery { after: Some(key), ..query });
        text.map(|text| Some(Bytes::from(text))).map_err(|error| JournalError::Unreadable { what: error.to_string() })
    }
}

fn write(rows: &[LogRow], with_head: bool) -> io::Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    if with_head {
        csv.write_record(HEAD)?;
    }
    for row in rows {
        let text = |field: Field| row.text.get(field);
        let fields = [
            &row.at.to_string(),
            row.link.as_str(),
            row.code.as_str(),
            &row.status,
            &row.action,
            &row.reason,
            text(Field::Guid),
            text(Field::Mail),
            text(Field::FirstName),
            text(Field::LastName),
            text(Field::Course),
            &row.course_name,
            text(Field::ShortName),
            text(Field::EnrolmentId),
            &row.user_id.to_string(),
            &row.course_id.to_string(),
            &row.fingerprint.to_hex(),
        ];
        csv.write_record(fields.map(harmless))?;
    }
    csv.into_inner().map_err(|error| error.into_error())
}

/// A text that no spreadsheet calculates.
fn harmless(text: &str) -> String {
    let text = text.replace('\0', "");
    if text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']) || text.starts_with(['\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formula_becomes_text() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1"] {
            assert!(harmless(text).starts_with('\''), "{text:?}");
        }
        for text in ["Jane", "O'Brien", "", "a=b", "2026-11-23"] {
            assert_eq!(harmless(text), text);
        }
    }
}
