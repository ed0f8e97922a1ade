//! One page of the feed.

use serde_json::{Map, Value};

use super::query::Query;
use super::{Asked, Elm, FEED_PATH, NextLink};
use crate::server::Reply;

pub(super) fn page(elm: &Elm, asked: &Asked) -> Result<Reply, Reply> {
    let query = Query::read(elm, asked)?;
    let passing = query.select(elm, &elm.rows);
    let total = passing.len();
    let rows: Vec<Value> = passing.into_iter().skip(query.skip).take(elm.page_size).cloned().collect();
    let mut body = Map::new();
    let service = FEED_PATH.rsplit_once('/').map_or("", |(parent, _)| parent);
    let host = asked.header("host").unwrap_or_default();
    let context = format!("http://{host}{service}/$metadata#Enrolments");
    body.insert("@odata.context".to_owned(), context.into());
    if query.count || elm.always_counts {
        let told = total as i64 + elm.count_error;
        body.insert("@odata.count".to_owned(), told.into());
    }
    let end = query.skip + elm.page_size;
    if end < total || (elm.repeats_page && total > 0) {
        let next = if elm.repeats_page { query.skip } else { end };
        let link = link(elm, &query, next, &format!("http://{host}{service}/"));
        body.insert("@odata.nextLink".to_owned(), link.into());
    }
    body.insert("value".to_owned(), rows.into());
    let body = Value::Object(body).to_string().into_bytes();
    let content_type = "application/json; odata.metadata=minimal";
    Ok(Reply::new(200, content_type, body).with("odata-version", "4.0"))
}

fn link(elm: &Elm, query: &Query, skip: usize, service: &str) -> String {
    let collection = FEED_PATH.rsplit('/').next().unwrap_or_default();
    let joint = if query.rest.is_empty() { "" } else { "&" };
    let relative = format!("{collection}?{}{joint}$skiptoken={skip}", query.rest);
    match elm.next_link {
        NextLink::Absolute => format!("{service}{relative}"),
        NextLink::RelativeToService => relative,
    }
}
