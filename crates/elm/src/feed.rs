//! What an ELM's feed says: rows → records, with the gaps that the reading left.

use crate::client::{FeedClient, FeedError, FeedPages, FeedQuery, FeedRow, IncompleteReason};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollbook_core::model::{FeedRecord, FieldNames, read_record};
use rollbook_core::snapshot::{Gap, Snapshot};
use serde_json::Value;

/// What one reading of a feed gave.
#[derive(Clone, Debug)]
pub struct FeedReading {
    /// The records, in the feed's order, and what may be missing.
    pub records: Snapshot<Vec<FeedRecord>>,
    /// The first page's address, without secrets; it may hold a person's address, so it is for the journal only.
    pub url: String,
    /// The pages read.
    pub pages: usize,
    /// The feed's clock when it answered.
    pub server_date: Option<Timestamp>,
}

/// How the feed's rows are read.
#[derive(Clone, Debug)]
pub struct FeedFormat {
    /// What the fields are called.
    pub names: FieldNames,
    /// The zone of dates without offset.
    pub zone: TimeZone,
}

/// Reads the feed. `now` is when the asking began.
///
/// # Errors
/// [`FeedError`]: nothing is known then, least of all that there are no records.
pub async fn collect_feed(
    client: &FeedClient,
    query: &FeedQuery,
    format: &FeedFormat,
    now: Timestamp,
) -> Result<FeedReading, FeedError> {
    let FeedPages { rows, pages, first_url, server_date, completeness } = client.fetch(query).await?;
    let gaps = completeness.into_iter().map(|reason| read_gap(reason, pages, rows.len())).collect();
    let value = rows.into_iter().map(|row| read_row(row, format)).collect();
    Ok(FeedReading { records: Snapshot { taken_at: now, gaps, value }, url: first_url, pages, server_date })
}

fn read_row(row: FeedRow, format: &FeedFormat) -> FeedRecord {
    let row = match row {
        FeedRow::Record(fields) => Value::Object(fields),
        FeedRow::Malformed { kind } => Value::String(kind.to_owned()),
    };
    read_record(&row, &format.names, &format.zone)
}

fn read_gap(reason: IncompleteReason, pages: usize, rows: usize) -> Gap {
    match reason {
        IncompleteReason::PageRepeated => Gap::PageRepeated,
        IncompleteReason::PagesMax => Gap::PagesLimit { limit: pages as u64 },
        IncompleteReason::RowsMax => Gap::RowsLimit { limit: rows as u64 },
        IncompleteReason::CountDisagrees { said, got } => Gap::CountDisagrees { said, read: got },
        IncompleteReason::CountMissing => Gap::Withheld { what: "the count that was asked for".to_owned() },
    }
}
