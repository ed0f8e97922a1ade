//! What an ELM's feed says: rows → records, with the gaps that the reading left.

use crate::client::{FeedClient, FeedError, FeedPages, FeedQuery, FeedRow, IncompleteReason};
use crate::dialect::DateStyle;
use crate::dialect::dates::to_iso;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::{FeedRecord, Field, FieldNames, RecordFormat, StateWords, counted, normal};
use rollbook_core::snapshot::{Gap, Snapshot};
use serde_json::{Map, Value};

/// So many unusable records at least make a source unreadable as a whole: a few bad ones are nobody's reason to stop.
const UNREADABLE_MIN: usize = 10;
/// What a record must have.
const NEEDED: [Field; 4] = [Field::DateCreated, Field::Course, Field::State, Field::Guid];

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
    /// By how much the offsets in the records differ from the configured zone, at most; the sign is that of the feed's
    /// clock less ours. The window was read so much wider.
    pub zone_difference: Option<SignedDuration>,
}

/// How the feed's rows are read.
#[derive(Clone, Debug)]
pub struct FeedFormat {
    /// What the fields are called.
    pub names: FieldNames,
    /// What the states are called.
    pub states: StateWords,
    /// The zone of dates without offset.
    pub zone: TimeZone,
    /// How dates of figures and strokes are read.
    pub dates: DateStyle,
    /// The share of unusable records, 0 to 1, above which the source as a whole counts as unreadable.
    pub unusable_share: f64,
}

impl FeedFormat {
    /// The usual names and states, ISO dates, half.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            names: FieldNames::default(),
            states: StateWords::default(),
            zone,
            dates: DateStyle::Iso,
            unusable_share: 0.5,
        }
    }

    /// Reads one row.
    pub fn read(&self, row: &Value) -> FeedRecord {
        match row {
            Value::Object(fields) => self.read_row(FeedRow::Record(fields.clone())),
            other => self.records().read(other),
        }
    }

    pub(crate) fn read_row(&self, row: FeedRow) -> FeedRecord {
        match row {
            FeedRow::Record(fields) => self.records().read(&Value::Object(self.with_iso_dates(fields))),
            FeedRow::Malformed { kind } => self.records().read(&Value::String(kind.to_owned())),
            FeedRow::Damaged { row, place } => self.records().read_damaged(&row, &place),
        }
    }

    fn records(&self) -> RecordFormat<'_> {
        RecordFormat { names: &self.names, states: &self.states, zone: &self.zone }
    }

    fn with_iso_dates(&self, mut fields: Map<String, Value>) -> Map<String, Value> {
        for field in [Field::DateCreated, Field::StateDate] {
            let entry = self.names.find_entry(&fields, field);
            let iso = entry.and_then(|(name, value)| Some((name.clone(), to_iso(value, self.dates)?)));
            if let Some((name, iso)) = iso {
                fields.insert(name, Value::String(iso));
            }
        }
        fields
    }
}

/// Reads the feed. `now` is when the asking began; `widened` is by how much the feed's clock is known to differ from the
/// zone, so that the window is as much wider.
///
/// # Errors
/// [`FeedError`]: nothing is known then, least of all that there are no records.
pub async fn collect_feed(
    client: &FeedClient,
    query: &FeedQuery,
    format: &FeedFormat,
    now: Timestamp,
    widened: SignedDuration,
) -> Result<FeedReading, FeedError> {
    let mut reading = read_once(client, query, format, now, widened).await?;
    // The feed's own local times are not those of the zone: at the edges of the window it was asked the wrong hour.
    let asked_wrongly =
        |difference: &SignedDuration| difference.abs() > widened && query.has_window() && client.asks_local_times();
    if let Some(difference) = reading.zone_difference.filter(asked_wrongly) {
        let wider = read_once(client, query, format, now, difference.abs()).await?;
        reading = FeedReading { zone_difference: Some(difference), ..wider };
    }
    Ok(reading)
}

async fn read_once(
    client: &FeedClient,
    query: &FeedQuery,
    format: &FeedFormat,
    now: Timestamp,
    widened: SignedDuration,
) -> Result<FeedReading, FeedError> {
    let fetched = client.fetch_widened(query, widened).await?;
    let FeedPages { rows, pages, first_url, server_date, completeness } = fetched;
    refuse_missing_columns(&rows, format)?;
    let gaps = completeness.into_iter().map(|reason| read_gap(reason, pages, rows.len())).collect();
    let mut value: Vec<FeedRecord> = rows.into_iter().map(|row| format.read_row(row)).collect();
    refuse_unusable(&value, format)?;
    if !client.is_asked() {
        value.retain(|record| query.takes(record));
    }
    let zone_difference = find_zone_difference(&value, &format.zone);
    let records = Snapshot { taken_at: now, gaps, value };
    Ok(FeedReading { records, url: first_url, pages, server_date, zone_difference })
}

/// A column that no row has at all was renamed, or never was.
fn refuse_missing_columns(rows: &[FeedRow], format: &FeedFormat) -> Result<(), FeedError> {
    let objects = || {
        rows.iter().filter_map(|row| match row {
            FeedRow::Record(fields) => Some(fields),
            FeedRow::Malformed { .. } | FeedRow::Damaged { .. } => None,
        })
    };
    let Some(first) = objects().next() else { return Ok(()) };
    let names = &format.names;
    let is_missing = |field: &Field| objects().all(|fields| names.find(fields, *field).is_none());
    let missing: Vec<&str> = NEEDED.into_iter().filter(is_missing).map(|field| names.get(field)).collect();
    if missing.is_empty() || first.is_empty() {
        return Ok(());
    }
    let there: Vec<&str> = first.keys().map(String::as_str).take(30).collect();
    let why = format!(
        "no column {} in {}; there are {}",
        missing.join(", "),
        counted(rows.len(), "record"),
        there.join(", ")
    );
    Err(FeedError::Unreadable { why: clean(&why) })
}

/// Records of which most are unusable are no record of what happened.
fn refuse_unusable(records: &[FeedRecord], format: &FeedFormat) -> Result<(), FeedError> {
    let problems: Vec<_> = records
        .iter()
        .filter_map(|record| record.reading.as_ref().err())
        .filter(|problem| !problem.is_set_aside())
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = problems.len() as f64 / records.len().max(1) as f64;
    match problems.first() {
        Some(first) if problems.len() >= UNREADABLE_MIN && share > format.unusable_share => {
            let why = format!(
                "{} of {} cannot be used; the first: {first}",
                problems.len(),
                counted(records.len(), "record")
            );
            Err(FeedError::Unreadable { why: clean(&why) })
        }
        _ => Ok(()),
    }
}

fn clean(why: &str) -> String {
    let line: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(600).collect();
    normal(&line).into_owned()
}

/// The greatest difference between the offsets that records name and that of the zone at the same moment.
pub fn find_zone_difference(records: &[FeedRecord], zone: &TimeZone) -> Option<SignedDuration> {
    let differences = records.iter().filter_map(|record| {
        let (created, text) = (record.reading.as_ref().ok()?.created, record.get(Field::DateCreated));
        let theirs = offset_of(text)?;
        let ours = zone.to_offset(created);
        let seconds = i64::from(theirs.seconds() - ours.seconds());
        (seconds != 0).then(|| SignedDuration::from_secs(seconds))
    });
    differences.max_by_key(|difference| difference.abs())
}

/// The offset that a time names. `Z` names none: it is how systems write UTC, whatever their clocks show.
fn offset_of(text: &str) -> Option<Offset> {
    if text.ends_with(['Z', 'z']) {
        return None;
    }
    Pieces::parse(text).ok()?.to_numeric_offset()
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
