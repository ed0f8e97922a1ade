//! One page of the feed, and the ways in which it leads on to the next one.

use serde_json::Value;

use super::dialect::{Page, answer};
use super::query::Query;
use super::{Dialect, Elm, FEED_PATH, SERVICE_PATH};
use crate::server::{HttpRequest, Reply};

/// How the feed writes the link to the next page. The address itself always works at the feed's own origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextLink {
    /// With scheme and host, as the client sees them.
    Absolute,
    /// Relative to the service root, the collection's parent: `Enrolments?…`.
    RelativeToService,
    /// A path from the host's root: `/api/v1/Enrolments?…`.
    PathOnly,
    /// `//127.0.0.1:…/api/v1/Enrolments?…`: the scheme is the page's own.
    WithoutScheme,
    /// `https://` although the feed is read by `http://`, as behind a proxy that ends TLS elsewhere.
    OtherScheme,
    /// As the server sees itself behind its proxy: `http://elm-inner.example.org:8080/api/v1/Enrolments?…`.
    InnerHost,
    /// The feed's own host, but an address outside the service root.
    OutsideService,
    /// None at all: `$skip` and `$top` page, and a page with fewer rows than asked for is the last one.
    Skip,
}

/// The host of [`NextLink::InnerHost`], which does not exist.
pub const INNER_HOST: &str = "elm-inner.example.org:8080";

pub(super) fn page(elm: &Elm, request: &HttpRequest) -> Result<Reply, Reply> {
    let query = Query::read(elm, request)?;
    let passing = query.select(elm, &elm.rows);
    let total = passing.len();
    let size = elm.page_size.max(1);
    let index = query.skip / size;
    let skipped = elm.empty_page.filter(|empty| index > *empty).map_or(0, |_| size as i64);
    let from = query.skip as i64 - skipped + elm.page_slip * index as i64;
    let from = usize::try_from(from).unwrap_or(0);
    let empty = elm.empty_page == Some(index);
    let rows: Vec<Value> = if empty {
        Vec::new()
    } else {
        passing.into_iter().skip(from).take(query.top.unwrap_or(size).min(size)).cloned().collect()
    };
    let host = request.header("host").unwrap_or_default();
    let count = (query.count || elm.always_counts).then(|| total as i64 + elm.count_error);
    let next = if elm.repeats_page && total > 0 {
        Some(link(elm, &query, query.skip, host))
    } else {
        let leads_on = elm.next_link != NextLink::Skip && (empty || from + size < total);
        leads_on.then(|| link(elm, &query, query.skip + size, host))
    };
    let page = Page { collection: "Enrolments", rows, count, next, host: host.to_owned() };
    Ok(answer(elm, page, wants_json(elm, request, &query)))
}

/// OData v2 answers in Atom unless JSON is asked for, by `$format` or `Accept`.
pub(super) fn wants_json(elm: &Elm, request: &HttpRequest, query: &Query) -> bool {
    let accepts = request.header("accept").is_some_and(|accept| accept.contains("application/json"));
    elm.dialect == Dialect::V4 || query.json || accepts
}

fn link(elm: &Elm, query: &Query, skip: usize, host: &str) -> String {
    let collection = FEED_PATH.rsplit('/').next().unwrap_or_default();
    let joint = if query.rest.is_empty() { "" } else { "&" };
    let relative = format!("{collection}?{}{joint}$skiptoken={skip}", query.rest);
    match elm.next_link {
        NextLink::Absolute | NextLink::Skip => format!("http://{host}{SERVICE_PATH}/{relative}"),
        NextLink::RelativeToService => relative,
        NextLink::PathOnly => format!("{SERVICE_PATH}/{relative}"),
        NextLink::WithoutScheme => format!("//{host}{SERVICE_PATH}/{relative}"),
        NextLink::OtherScheme => format!("https://{host}{SERVICE_PATH}/{relative}"),
        NextLink::InnerHost => format!("http://{INNER_HOST}{SERVICE_PATH}/{relative}"),
        NextLink::OutsideService => format!("http://{host}/admin/{relative}"),
    }
}
