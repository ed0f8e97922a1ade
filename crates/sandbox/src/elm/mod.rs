//! The HR learning system: an OData v4 feed of enrolment records as CData serves it, and the endpoint that receives
//! completions.
//!
//! `feed.rs` answers the feed, `query.rs` reads OData's query options, `completion.rs` takes completions, `row.rs`
//! builds records.

mod completion;
mod feed;
mod filter;
mod query;
mod row;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

pub use completion::Received;
pub use row::FeedRow;
pub(crate) use row::local;

use crate::faults::{Moment, Target};
use crate::server::{Cut, Reply, Shared};

pub(crate) const FEED_PATH: &str = "/api/v1/Enrolments";
pub(crate) const COMPLETION_PATH: &str = "/api/v1/Completions";

/// How the feed writes the link to the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextLink {
    /// With scheme and host.
    Absolute,
    /// Relative to the service root, the collection's parent: `Enrolments?…`.
    RelativeToService,
}

/// The feed's rows, the completions received, and the switches of both.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Elm {
    /// The records, as JSON so that a test can spoil them.
    pub rows: Vec<Value>,
    /// Every completion that was accepted, duplicates included.
    pub completions: Vec<Received>,
    /// Enrolments that take no completion any more: a report of one is refused with 422.
    pub closed: BTreeSet<i64>,
    /// Rows per page, whatever the client asks for.
    pub page_size: usize,
    /// How the next page is linked.
    pub next_link: NextLink,
    /// The time zone of quoted dates without an offset, an IANA name.
    pub time_zone: String,
    /// Refuse `+` for a space, as strict OData servers do.
    pub strict_spaces: bool,
    /// Every page links to itself, for ever.
    pub repeats_page: bool,
    /// Added to every `@odata.count`, to make it wrong.
    pub count_error: i64,
    /// Send `@odata.count` although `$count=true` was not asked for.
    pub always_counts: bool,
}

impl Default for Elm {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            completions: Vec::new(),
            closed: BTreeSet::new(),
            page_size: 100,
            next_link: NextLink::Absolute,
            time_zone: "America/Vancouver".to_owned(),
            strict_spaces: true,
            repeats_page: false,
            count_error: 0,
            always_counts: false,
        }
    }
}

impl Elm {
    /// Adds a record: a [`FeedRow`], or any JSON object for a malformed one.
    pub fn push(&mut self, row: impl Into<Value>) {
        self.rows.push(row.into());
    }

    /// Completions received for one enrolment.
    pub fn completions_of(&self, enrolment_id: i64) -> Vec<&Received> {
        let all = self.completions.iter();
        all.filter(|received| received.body["ENROLMENT_ID"] == enrolment_id).collect()
    }
}

/// A request, read in full.
struct Asked {
    parts: Parts,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }
}

/// Answers one request to the HR system's host.
pub(crate) async fn serve(shared: Arc<Shared>, cut: Cut, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Reply::error_page(400).into_response();
    };
    let body = body.to_vec();
    let asked = Asked { parts, body };
    let posts = asked.parts.method == "POST";
    let (target, function) = match (asked.parts.uri.path(), posts) {
        (FEED_PATH, _) => (Target::Feed, "feed"),
        (COMPLETION_PATH, true) => (Target::Completion, "completion"),
        (COMPLETION_PATH, false) => (Target::Completion, "completion_lookup"),
        _ => return Reply::error_page(404).into_response(),
    };
    shared.calls.note(function, 1);
    let plan = shared.faults.next(target, function, Moment::Request);
    let effect = async move { respond(&shared, &asked, function) };
    plan.answer(&cut, worded, effect).await
}

fn respond(shared: &Shared, asked: &Asked, function: &str) -> Reply {
    if asked.header("x-cdata-authtoken") != Some(crate::ELM_TOKEN) {
        return error(401, "Unauthorized", "The authentication token is missing or wrong");
    }
    let mut world = shared.world();
    let answer = match (function, asked.parts.method.as_str()) {
        ("feed", "GET") => feed::page(&world.elm, asked),
        ("completion_lookup", "GET") => completion::look_up(&world.elm, asked),
        ("completion", "POST") => {
            let now = world.now();
            completion::accept(&mut world.elm, asked, now)
        }
        _ => Err(error(405, "MethodNotAllowed", "Not supported on this resource")),
    };
    answer.unwrap_or_else(|refused| refused)
}

/// OData's error body.
fn error(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({"error": {"code": code, "message": message}});
    Reply::json(status, body.to_string().into_bytes())
}

fn worded(errorcode: &str) -> Reply {
    error(200, errorcode, "Armed fault")
}

fn bad(message: impl AsRef<str>) -> Reply {
    error(400, "BadRequest", message.as_ref())
}
