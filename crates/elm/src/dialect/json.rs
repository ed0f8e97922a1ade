//! JSON that knows no question: a list, an object with a list under a usual name, or one object a line.

use super::envelope::Envelope;
use super::{Dialect, FeedRow, Page, PageError};
use crate::client::Question;
use serde_json::Value;

/// `json`
#[derive(Debug)]
pub struct Json;

/// Where a list may be.
const PATHS: [&[&str]; 7] = [&[], &["value"], &["d", "results"], &["results"], &["items"], &["records"], &["data"]];

impl Dialect for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn question(&self, _question: &Question<'_>) -> Option<Vec<String>> {
        None
    }

    fn read_page(&self, body: &[u8]) -> Result<Page, PageError> {
        if let Some(rows) = read_lines(body) {
            return Ok(Page { rows, ..Page::default() });
        }
        let mut first = None;
        for path in PATHS {
            match Envelope::read(body, path) {
                Ok(envelope) => {
                    let next_link = envelope.link(&["@odata.nextLink", "nextLink", "next"])?;
                    return Ok(Page { next_link, count: None, rows: envelope.rows });
                }
                Err(refused @ PageError::Refused { .. }) => return Err(refused),
                Err(malformed) => first = first.or(Some(malformed)),
            }
        }
        Err(first.unwrap_or_else(|| PageError::Malformed("JSON without a list".to_owned())))
    }
}

/// One object a line, at least two lines.
fn read_lines(body: &[u8]) -> Option<Vec<FeedRow>> {
    let lines: Vec<&[u8]> =
        body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    let is_row = |line: &&[u8]| line.starts_with(b"{") && line.ends_with(b"}");
    if lines.len() < 2 || !lines.iter().all(is_row) {
        return None;
    }
    let rows = lines.into_iter().map(|line| serde_json::from_slice::<Value>(line).map(FeedRow::from));
    rows.collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_found_wherever_they_usually_are() {
        let rows = |body: &[u8]| Json.read_page(body).map(|page| page.rows.len());
        assert_eq!(rows(b"[{},{}]"), Ok(2));
        assert_eq!(rows(br#"{"items":[{}],"next":null}"#), Ok(1));
        assert_eq!(rows(br#"{"d":{"results":[{},{},{}]}}"#), Ok(3));
        assert_eq!(rows(b"{\"GUID\":\"A\"}\n{\"GUID\":\"B\"}\n"), Ok(2));
        assert!(rows(b"{\"GUID\":\"A\"}").is_err() && rows(b"<html>").is_err() && rows(b"").is_err());
        assert!(matches!(Json.read_page(br#"{"error":"no"}"#), Err(PageError::Refused { .. })));
    }
}
