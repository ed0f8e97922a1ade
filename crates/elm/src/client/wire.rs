//! The feed's pages, in the ELM's own names.
//!
//! It must never drop a row: an element that is no object stays as a malformed row. Next: `read.rs`.

use super::error::{FeedError, find_error_object};
use rollbook_remote::http::Answer;
use rollbook_remote::words::{make_excerpt, strip_bom};
use serde_json::{Map, Value};

/// One page as it came.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    pub(super) rows: Vec<Value>,
    pub(super) next_link: Option<String>,
    pub(super) count: Option<u64>,
}

/// Reads a 200 as a page.
pub(super) fn read_page(answer: &Answer) -> Result<Page, FeedError> {
    let body = strip_bom(&answer.body);
    let malformed = |excerpt: &str| FeedError::Malformed { excerpt: excerpt.to_owned() };
    let object: Map<String, Value> = match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Err(malformed("JSON that is not an object")),
        Err(_) => return Err(malformed(&make_excerpt(body))),
    };
    if let Some((code, words)) = find_error_object(body) {
        return Err(FeedError::Refused { status: answer.status, code, words });
    }
    take_page(object).map_err(malformed)
}

fn take_page(mut object: Map<String, Value>) -> Result<Page, &'static str> {
    let rows = match object.remove("value") {
        Some(Value::Array(rows)) => rows,
        Some(_) => return Err("JSON whose “value” is not a list"),
        None => return Err("JSON without “value”"),
    };
    // OData v4 proper, and the v3 spelling that older CData servers use.
    let link = object.remove("@odata.nextLink").or_else(|| object.remove("odata.nextLink"));
    let next_link = match link {
        None | Some(Value::Null) => None,
        Some(Value::String(link)) if link.trim().is_empty() => None,
        Some(Value::String(link)) => Some(link),
        Some(_) => return Err("JSON whose next link is not a text"),
    };
    let count = match object.remove("@odata.count").or_else(|| object.remove("odata.count")) {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    Ok(Page { rows, next_link, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Result<Page, FeedError> {
        read_page(&Answer {
            status: 200,
            content_type: "application/json".to_owned(),
            retry_after: None,
            location: None,
            date: None,
            body: body.to_vec(),
        })
    }

    #[test]
    fn a_page_has_rows_and_perhaps_a_next_link_and_a_count() {
        let page = read(
            b"\xEF\xBB\xBF{\"value\":[{\"GUID\":\"A\"},7,null],\"@odata.nextLink\":\"E?x\",\"@odata.count\":\"9\"}",
        );
        let page = page.unwrap();
        assert_eq!((page.rows.len(), page.next_link.as_deref(), page.count), (3, Some("E?x"), Some(9)));
        assert_eq!(read(b"{\"value\":[]}").unwrap(), Page { rows: vec![], next_link: None, count: None });
    }

    #[test]
    fn nothing_but_a_page_reads_as_a_page() {
        let bodies: [&[u8]; 10] = [
            b"",
            b"null",
            b"[]",
            b"{}",
            b"{\"value\":null}",
            b"{\"value\":{}}",
            b"{\"value\":[{\"GUID\":\"A\"},",
            b"<html><title>Sign in</title></html>",
            b"{\"value\":[],\"@odata.nextLink\":5}",
            b"Warning: x{\"value\":[]}",
        ];
        for body in bodies {
            assert!(matches!(read(body), Err(FeedError::Malformed { .. })), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn an_error_object_inside_a_200_is_a_refusal() {
        let error = read(br#"{"error":{"code":"400","message":"no such field: jane@example.org"}}"#).unwrap_err();
        assert_eq!(error.to_string(), "the feed refused the question: HTTP 200, 400");
        assert!(!format!("{error:?}").contains("jane"));
        let both = read(br#"{"error":{"message":{"lang":"en","value":"v3"}},"value":[]}"#).unwrap_err();
        assert!(matches!(both, FeedError::Refused { words, .. } if words.as_str() == "v3"));
    }
}
