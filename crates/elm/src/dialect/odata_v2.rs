//! OData v2 as SAP and older PeopleSoft gateways serve it: `{"d": {"results": […], "__next": …, "__count": …}}`, JSON on
//! request only, literals that name their type.

use super::envelope::Envelope;
use super::{Dialect, Literal, Page, PageError};
use crate::client::Question;

/// `odata-v2`
#[derive(Debug)]
pub struct ODataV2;

impl Dialect for ODataV2 {
    fn name(&self) -> &'static str {
        "odata-v2"
    }

    fn literal(&self) -> Literal {
        Literal::DateTimeUtc
    }

    fn question(&self, question: &Question<'_>) -> Option<Vec<String>> {
        let mut options = question.odata();
        if question.count {
            options.push("$inlinecount=allpages".to_owned());
        }
        options.push("$format=json".to_owned());
        Some(options)
    }

    fn read_page(&self, body: &[u8]) -> Result<Page, PageError> {
        // OData v1 has the list in `d` itself.
        let envelope = Envelope::read(body, &["d", "results"]).or_else(|error| match error {
            PageError::Malformed(what) => Envelope::read(body, &["d"]).map_err(|_| PageError::Malformed(what)),
            refused @ PageError::Refused { .. } => Err(refused),
        })?;
        Ok(Page { next_link: envelope.link(&["__next"])?, count: envelope.number(&["__count"]), rows: envelope.rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_of_v2_has_its_list_in_d() {
        let page = ODataV2.read_page(br#"{"d":{"results":[{"GUID":"A"}],"__count":"7","__next":"E?$skiptoken=1"}}"#);
        let page = page.unwrap();
        assert_eq!((page.rows.len(), page.count, page.next_link.as_deref()), (1, Some(7), Some("E?$skiptoken=1")));
        assert_eq!(ODataV2.read_page(br#"{"d":[{"GUID":"A"}]}"#).unwrap().rows.len(), 1);
        assert!(ODataV2.read_page(b"<feed xmlns=\"http://www.w3.org/2005/Atom\"/>").is_err());
    }
}
