//! CSV with the names of the columns in its first line, delimited by comma, semicolon, tab or bar.

use super::salvage::place_of;
use super::{Dialect, FeedRow, Page, PageError};
use crate::client::Question;
use csv::{ByteRecord, ReaderBuilder};
use rollbook_remote::words::make_excerpt;
use serde_json::{Map, Value};

/// `csv`
#[derive(Debug)]
pub struct Csv;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

impl Dialect for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn accept(&self) -> &'static str {
        "text/csv"
    }

    fn question(&self, _question: &Question<'_>) -> Option<Vec<String>> {
        None
    }

    fn read_page(&self, body: &[u8]) -> Result<Page, PageError> {
        let malformed = || PageError::Malformed(format!("no CSV with names of columns: {}", make_excerpt(body)));
        let first = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let count = |delimiter: &u8| first.iter().filter(|byte| *byte == delimiter).count();
        let delimiter = DELIMITERS.into_iter().max_by_key(|delimiter| (count(delimiter), *delimiter == b','));
        let delimiter = delimiter.filter(|delimiter| count(delimiter) > 0).ok_or_else(malformed)?;
        let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(body);
        let names = reader.byte_headers().map_err(|_| malformed())?.clone();
        let names: Vec<String> = names.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        if names.iter().any(|name| name.contains(['<', '{'])) {
            return Err(malformed());
        }
        let mut rows = Vec::new();
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|_| malformed())? {
            rows.push(read_row(body, &names, &record));
        }
        Ok(Page { rows, ..Page::default() })
    }
}

fn read_row(body: &[u8], names: &[String], record: &ByteRecord) -> FeedRow {
    let cells = record.iter().map(|cell| Value::String(String::from_utf8_lossy(cell).into_owned()));
    let row: Map<String, Value> = names.iter().cloned().zip(cells).collect();
    let is_whole = record.len() == names.len() && record.iter().all(|cell| std::str::from_utf8(cell).is_ok());
    if is_whole {
        return FeedRow::Record(row);
    }
    let start = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
    FeedRow::Damaged { row: Value::Object(row), place: place_of(body, start) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_read_by_its_header_whatever_delimits_it() {
        for text in
            ["GUID,N\r\nA,\"x, \"\"y\"\"\"\r\n", "GUID;N\nA;\"x, \"\"y\"\"\"\n", "GUID\tN\nA\t\"x, \"\"y\"\"\"\n"]
        {
            let page = Csv.read_page(text.as_bytes()).unwrap();
            let FeedRow::Record(row) = &page.rows[0] else { panic!("{text}") };
            assert_eq!((row["GUID"].as_str(), row["N"].as_str()), (Some("A"), Some("x, \"y\"")));
        }
        assert_eq!(Csv.read_page(b"GUID,N\n").unwrap().rows.len(), 0);
    }

    #[test]
    fn line_with_too_few_cells_or_a_bad_byte_is_damaged_and_the_others_arrive() {
        let page = Csv.read_page(b"GUID,N\nA,1\nB\nC,\xf3\nD,4\n").unwrap();
        assert!(matches!(
            &page.rows[..],
            [FeedRow::Record(_), FeedRow::Damaged { .. }, FeedRow::Damaged { .. }, FeedRow::Record(_)]
        ));
    }

    #[test]
    fn page_of_html_is_no_csv() {
        for text in ["<html><title>Sign in, please</title>", "", "{\"a\":1,\"b\":2}", "nothing"] {
            assert!(Csv.read_page(text.as_bytes()).is_err(), "{text}");
        }
    }
}
