//! The history of the original plugin, local_psaelmsync: its log as CSV with a head, or its table in Moodle's database.
//!
//! A line that cannot be used is told with its number; the others go on.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollbook_core::model::{FeedRecord, Field, MoodleCourseId, MoodleUserId, RawTexts, RecordText, read_texts};
use rollbook_remote::database::{Arg, Database, DatabaseError};
use std::io::Read;

/// The columns that are used, in the order of [`TABLE`].
const COLUMNS: [&str; 15] = [
    "id",
    "sha256hash",
    "record_date_created",
    "course_id",
    "elm_course_id",
    "course_name",
    "class_code",
    "user_id",
    "user_firstname",
    "user_lastname",
    "user_guid",
    "user_email",
    "elm_enrolment_id",
    "action",
    "status",
];

/// The last column: Unix seconds.
const TIME: &str = "timestamp";

const TABLE: &str = "
    SELECT {text:id}, {text:sha256hash}, {text:record_date_created}, {text:course_id}, {text:elm_course_id}, {text:course_name},
        {text:class_code}, {text:user_id}, {text:user_firstname}, {text:user_lastname}, {text:user_guid}, {text:user_email},
        {text:elm_enrolment_id}, {text:action}, {text:status}, {text:timestamp}
    FROM {p}local_psaelmsync_logs WHERE id > ? ORDER BY id LIMIT 5000";

/// One line of the original's log.
#[derive(Clone, Debug, PartialEq)]
pub struct OldLine {
    /// The record, with the fingerprint that was logged.
    pub record: FeedRecord,
    pub action: String,
    pub status: String,
    pub at: Timestamp,
    /// The Moodle course, 0 where it was not found.
    pub course_id: MoodleCourseId,
    pub course_name: String,
    /// The account, 0 where there was none.
    pub user_id: MoodleUserId,
}

/// A line that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The line of the file, or the row's id.
    pub number: u64,
    /// What is wrong with it.
    pub why: String,
}

/// Why a history cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The head lacks a column.
    #[error("the head lacks the column {column}")]
    Column { column: &'static str },
    /// The file cannot be read as CSV.
    #[error("the file cannot be read as CSV")]
    Csv(#[from] csv::Error),
    /// The table cannot be read.
    #[error("the table local_psaelmsync_logs cannot be read")]
    Table(#[from] DatabaseError),
}

/// Reads a CSV file; `take` gets each line, good or bad.
///
/// # Errors
/// [`HistoryError`]; lines before it were given already.
pub fn read_csv(
    from: impl Read,
    zone: &TimeZone,
    mut take: impl FnMut(Result<OldLine, BadLine>),
) -> Result<(), HistoryError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(from);
    let head = reader.headers()?.clone();
    let place = |column: &'static str| {
        let found =
            head.iter().position(|name| name.trim().trim_start_matches('\u{feff}').eq_ignore_ascii_case(column));
        found.ok_or(HistoryError::Column { column })
    };
    let places = COLUMNS.iter().chain([&TIME]).map(|column| place(column)).collect::<Result<Vec<usize>, _>>()?;
    for (row, number) in reader.records().zip(2_u64..) {
        let row = row?;
        let cells: Vec<&str> = places.iter().map(|place| row.get(*place).unwrap_or_default()).collect();
        take(read_line(&cells, zone).map_err(|why| BadLine { number, why }));
    }
    Ok(())
}

/// Reads up to 5,000 rows of the table after `id`; gives the last id, or none at the end.
///
/// # Errors
/// [`HistoryError`]
pub async fn read_table(
    database: &Database,
    after: i64,
    zone: &TimeZone,
) -> Result<(Vec<Result<OldLine, BadLine>>, Option<i64>), HistoryError> {
    let rows = database.rows("reading the original plugin's log", TABLE, &[Arg::Int(after)]).await?;
    let mut lines = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in &rows {
        let cells = (0..=COLUMNS.len()).map(|column| Ok(row.maybe_text(column)?.unwrap_or_default()));
        let cells = cells.collect::<Result<Vec<String>, DatabaseError>>()?;
        let id: i64 = cells[0].parse().unwrap_or(after);
        last = Some(id);
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        lines.push(
            read_line(&cells, zone).map_err(|why| BadLine { number: u64::try_from(id).unwrap_or_default(), why }),
        );
    }
    Ok((lines, last))
}

fn read_line(cells: &[&str], zone: &TimeZone) -> Result<OldLine, String> {
    let [
        _,
        hash,
        created,
        course_id,
        course,
        course_name,
        class_code,
        user_id,
        first,
        last,
        guid,
        mail,
        enrolment,
        action,
        status,
        at,
    ] = cells
    else {
        return Err("it has too few columns".to_owned());
    };
    let fingerprint = hash.trim().parse().map_err(|_| "sha256hash is not 64 hexadecimal digits".to_owned())?;
    let seconds: i64 = at.trim().parse().map_err(|_| "timestamp is not a number of seconds".to_owned())?;
    let at = Timestamp::from_second(seconds).map_err(|_| "timestamp is out of bounds".to_owned())?;
    let state = if action.contains("Suspend") { "Suspend" } else { "Enrol" };
    let text = RecordText::pack(|field| match field {
        Field::DateCreated => created,
        Field::Course => course,
        Field::ShortName => class_code,
        Field::State => state,
        Field::Guid => guid,
        Field::Mail => mail,
        Field::FirstName => first,
        Field::LastName => last,
        // The original wrote 0 where the feed gave none.
        Field::EnrolmentId if enrolment.trim() == "0" => "",
        Field::EnrolmentId => enrolment,
        Field::StateDate | Field::RecordId => "",
    });
    let reading = read_texts(|field| text.get(field), zone);
    let number = |cell: &str| cell.trim().parse().unwrap_or_default();
    Ok(OldLine {
        record: FeedRecord { fingerprint, text, raw: RawTexts::default(), reading },
        action: action.trim().to_owned(),
        status: status.trim().to_owned(),
        at,
        course_id: MoodleCourseId(number(course_id)),
        course_name: (*course_name).to_owned(),
        user_id: MoodleUserId(number(user_id)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "id,sha256hash,record_id,record_date_created,course_id,elm_course_id,course_name,class_code,user_id,user_firstname,user_lastname,user_guid,user_email,elm_enrolment_id,action,status,timestamp\n";

    fn read(lines: &str) -> Vec<Result<OldLine, BadLine>> {
        let mut all = Vec::new();
        read_csv(format!("{HEAD}{lines}").as_bytes(), &TimeZone::UTC, |line| all.push(line)).unwrap();
        all
    }

    #[test]
    fn line_keeps_the_logged_fingerprint_and_words() {
        let hash = "8a6d40cf99651430bfae09be9eeeff1be2118e81cca2e149200024667c5e27e7";
        let lines = read(&format!(
            "1,{hash},17,2026-11-23T09:00:00.000-08:00,5,930001,\"Fire, and more\",ITEM-1-1,9,Ps,One,HFPS1,HF.Ps1@Example.org,0,Enrol,Success,1795425260\n"
        ));
        let line = lines[0].clone().unwrap();
        assert_eq!(line.record.fingerprint.to_hex(), hash);
        assert_eq!((line.action.as_str(), line.status.as_str(), line.user_id.0), ("Enrol", "Success", 9));
        assert_eq!(line.record.enrolment_id(), None);
        assert!(line.record.reading.is_ok());
    }

    #[test]
    fn bad_line_is_told_with_its_number_and_the_others_go_on() {
        let hash = "0".repeat(64);
        let lines = read(&format!("1,xyz,,,,,,,,,,,,,Enrol,Success,1\n2,{hash},,,,,,,,,,,,,Enrol,Error,1\n3,{hash}\n"));
        assert_eq!(lines[0].clone().unwrap_err().number, 2);
        assert!(lines[1].is_ok());
        assert_eq!(lines[2].clone().unwrap_err().why, "timestamp is not a number of seconds");
    }

    #[test]
    fn file_without_a_needed_column_is_refused() {
        let error = read_csv(&b"id,action\n1,Enrol\n"[..], &TimeZone::UTC, |_| {}).unwrap_err();
        assert_eq!(error.to_string(), "the head lacks the column sha256hash");
    }
}
