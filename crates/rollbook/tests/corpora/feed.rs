//! A page of the ELM's feed: every row becomes a record, and what is not whole says so.

use crate::far::{Far, ONCE, TIMEOUT, is_raw, must_be_harmless};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollbook_elm::client::{FeedClient, FeedError, FeedOptions, FeedQuery};
use rollbook_elm::feed::{FeedFormat, collect_feed};
use rollbook_remote::words::strip_bom;
use serde_json::Value;
use std::sync::LazyLock;

static FAR: LazyLock<(Far, FeedClient)> = LazyLock::new(|| {
    let far = Far::start();
    let url = format!("{}/api.rsc/Enrolments", far.url);
    let options =
        FeedOptions { pages_max: 3, timeout: TIMEOUT, retry: ONCE, ..FeedOptions::new(url, "t".into(), TimeZone::UTC) };
    let client = FeedClient::new(options).unwrap();
    (far, client)
});

pub fn check(input: &[u8]) {
    let (far, client) = &*FAR;
    let format = FeedFormat { unusable_share: 1.0, ..FeedFormat::new(TimeZone::UTC) };
    let query = FeedQuery::default();
    let told = far.ask(input, collect_feed(client, &query, &format, Timestamp::UNIX_EPOCH, SignedDuration::ZERO));
    let page = serde_json::from_slice::<Value>(strip_bom(input)).ok().filter(|_| !is_raw(input));
    let rows = page.as_ref().and_then(|page| page.get("value")?.as_array()).map(Vec::len);
    match told {
        Ok(reading) => {
            let read = reading.records.value.len();
            // A page that comes again is not counted again.
            // Of a page that is no JSON what can be saved is, and what was damaged is not used.
            let saved = page.is_none() && reading.records.value.iter().any(|record| record.reading.is_err());
            assert!(is_raw(input) || saved || Some(read) == rows, "{read} records of {rows:?} rows");
            // The page comes again and again, so that one that leads on is never read to its end.
            let link = page.as_ref().and_then(|page| page.get("@odata.nextLink")?.as_str());
            let leads_on = link.is_some_and(|link| !link.trim().is_empty());
            assert!(!leads_on || !reading.records.is_complete(), "a page without end was taken for all");
        }
        Err(error) => {
            let whole = page.as_ref().is_some_and(|page| page.get("error").is_none());
            let leads_on = |key: &str| page.as_ref().is_some_and(|page| page.get(key).is_some());
            let plain = whole && !leads_on("@odata.nextLink") && !leads_on("odata.nextLink");
            let judged = !matches!(error, FeedError::NotSent { .. } | FeedError::Unknown { .. });
            assert!(!(plain && judged && rows.is_some()), "a page that is well was refused: {error}");
            must_be_harmless(&error);
        }
    }
}
