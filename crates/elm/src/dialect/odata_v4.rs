//! OData v4 as CData and Microsoft serve it: `{"value": […], "@odata.nextLink": …, "@odata.count": …}`.

use super::envelope::Envelope;
use super::{Dialect, Page, PageError};
use crate::client::Question;

/// `odata-v4`
#[derive(Debug)]
pub struct ODataV4;

impl Dialect for ODataV4 {
    fn name(&self) -> &'static str {
        "odata-v4"
    }

    fn question(&self, question: &Question<'_>) -> Option<Vec<String>> {
        let mut options = question.odata();
        if question.count {
            options.push("$count=true".to_owned());
        }
        Some(options)
    }

    fn read_page(&self, body: &[u8]) -> Result<Page, PageError> {
        let envelope = Envelope::read(body, &["value"])?;
        // OData v4 proper, and the v3 spelling that older CData servers use.
        Ok(Page {
            next_link: envelope.link(&["@odata.nextLink", "odata.nextLink"])?,
            count: envelope.number(&["@odata.count", "odata.count"]),
            rows: envelope.rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::FeedRow;

    fn read(body: &[u8]) -> Result<Page, PageError> {
        ODataV4.read_page(body)
    }

    #[test]
    fn a_page_has_rows_and_perhaps_a_next_link_and_a_count() {
        let page = read(br#"{"value":[{"GUID":"A"},7,null],"@odata.nextLink":"E?x","@odata.count":"9"}"#).unwrap();
        assert_eq!((page.rows.len(), page.next_link.as_deref(), page.count), (3, Some("E?x"), Some(9)));
        assert_eq!(page.rows[2], FeedRow::Malformed { kind: "null" });
        assert_eq!(read(br#"{"value":[]}"#), Ok(Page::default()));
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
            assert!(matches!(read(body), Err(PageError::Malformed(_))), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn an_error_object_inside_a_200_is_a_refusal() {
        let error = read(br#"{"error":{"code":"400","message":"no such field: jane@example.org"}}"#).unwrap_err();
        assert!(matches!(&error, PageError::Refused { code, .. } if code == "400"));
        assert!(!format!("{error:?}").contains("jane"));
        let both = read(br#"{"error":{"message":{"lang":"en","value":"v3"}},"value":[]}"#).unwrap_err();
        assert!(matches!(both, PageError::Refused { words, .. } if words.as_str() == "v3"));
    }
}
