//! The HR learning system: an OData v4 feed of enrolment records as CData serves it, and the endpoint that receives
//! completions.
//!
//! `feed.rs` answers the feed, `query.rs` reads OData's query options, `completion.rs` takes completions, `row.rs`
//! builds records, `dialect.rs` writes them in other ways, `auth.rs` asks who is there.

mod auth;
mod completion;
mod dialect;
mod feed;
mod filter;
mod query;
mod row;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use auth::Auth;
pub use completion::{Receipt, Received};
pub use dialect::{ColumnCase, CsvStyle, Damage, Dates, Dialect};
pub use feed::{INNER_HOST, NextLink};
pub(crate) use query::zone as feed_zone;
pub use row::FeedRow;
pub(crate) use row::{local, written_at};

use crate::faults::{FaultPoint, Target};
use crate::server::{Cut, HttpRequest, Reply, Shared};

/// The service root.
const SERVICE_PATH: &str = "/api/v1";
pub(crate) const FEED_PATH: &str = "/api/v1/Enrolments";
pub(crate) const COMPLETION_PATH: &str = "/api/v1/Completions";
pub(crate) const TOKEN_PATH: &str = "/oauth/token";
pub(crate) const JSON_FILE_PATH: &str = "/files/enrolments.json";
pub(crate) const CSV_FILE_PATH: &str = "/files/enrolments.csv";

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
    /// Enrolments that the HR system does not know: how a report of one is refused follows from [`Elm::receipt`].
    pub unregistered: BTreeSet<i64>,
    /// How reports are answered.
    pub receipt: Receipt,
    /// A second report of one enrolment is refused with 409.
    pub completions_unique: bool,
    /// The completions can be asked for; otherwise the answer is 405.
    pub lists_completions: bool,
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
    /// The page with this number, counted from 0, is empty and leads on.
    pub empty_page: Option<usize>,
    /// By how many rows each page begins later than the one before ended: -1 shows a row twice, 1 loses one, as when
    /// rows come or go between two requests.
    pub page_slip: i64,
    /// The protocol.
    pub dialect: Dialect,
    /// How points in time are written and compared.
    pub dates: Dates,
    /// How the names of columns are written.
    pub column_case: ColumnCase,
    /// Texts are padded with spaces to this length, as CHAR columns are.
    pub padding: usize,
    /// Numbers are texts, all but `COURSE_IDENTIFIER`.
    pub ids_as_text: bool,
    /// Bodies are in ISO-8859-1 and say so.
    pub latin1: bool,
    /// How the CSV file is written.
    pub csv: CsvStyle,
    /// What clients must show.
    pub auth: Auth,
    /// Lifetime of access tokens in seconds.
    pub token_seconds: i64,
    /// Access tokens that were issued, with their ends.
    tokens: BTreeMap<String, Timestamp>,
    /// Damage in the order in which it was done; the rows hold the numbers.
    damages: Vec<Damage>,
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
            unregistered: BTreeSet::new(),
            receipt: Receipt::Entity,
            completions_unique: false,
            lists_completions: true,
            empty_page: None,
            page_slip: 0,
            dialect: Dialect::V4,
            dates: Dates::Iso,
            column_case: ColumnCase::AsIs,
            padding: 0,
            ids_as_text: false,
            latin1: false,
            csv: CsvStyle { delimiter: ',', bom: false },
            auth: Auth::Header,
            token_seconds: 3600,
            tokens: BTreeMap::new(),
            damages: Vec::new(),
        }
    }
}

impl Elm {
    /// Adds a record: a [`FeedRow`], or any JSON object for a malformed one.
    pub fn push(&mut self, row: impl Into<Value>) {
        self.rows.push(row.into());
    }

    /// Sets one column of a row, counted from 0, to a text of which a part cannot be read: `before`, the damage,
    /// `after`.
    pub fn spoil(&mut self, row: usize, column: &str, before: &str, damage: Damage, after: &str) {
        let marker = dialect::marker(self.damages.len());
        self.damages.push(damage);
        self.rows[row][column] = json!(format!("{before}{marker}{after}"));
    }

    /// Speaks OData v2, dates included.
    pub fn speak_v2(&mut self) {
        self.dialect = Dialect::V2;
        self.dates = Dates::Microsoft;
    }

    /// Completions received for one enrolment.
    pub fn completions_of(&self, enrolment_id: i64) -> Vec<&Received> {
        let all = self.completions.iter();
        all.filter(|received| received.body["ENROLMENT_ID"] == enrolment_id).collect()
    }
}

/// Answers one request to the HR system's host.
pub(crate) async fn serve(shared: Arc<Shared>, cut: Cut, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Reply::error_page(400).into_response();
    };
    let body = body.to_vec();
    let request = HttpRequest { parts, body };
    let posts = request.parts.method == "POST";
    let (target, function) = match (request.parts.uri.path(), posts) {
        (FEED_PATH, _) => (Target::Feed, "feed"),
        (COMPLETION_PATH, true) => (Target::Completion, "completion"),
        (COMPLETION_PATH, false) => (Target::Completion, "completion_lookup"),
        (TOKEN_PATH, _) => (Target::Feed, "elm_token"),
        (JSON_FILE_PATH | CSV_FILE_PATH, _) => (Target::Feed, "feed_file"),
        _ => return Reply::error_page(404).into_response(),
    };
    shared.calls.note(function, 1);
    let plan = shared.faults.next(target, function, FaultPoint::Request);
    let effect = async move { respond(&shared, &request, function) };
    plan.answer(&cut, error_reply, effect).await
}

fn respond(shared: &Shared, request: &HttpRequest, function: &str) -> Reply {
    let mut world = shared.world();
    let now = world.now();
    let elm = &mut world.elm;
    if function == "elm_token" {
        return auth::issue(elm, request, now);
    }
    if let Err(refused) = auth::check(elm, request, now) {
        return refused;
    }
    let answer = match (function, request.parts.method.as_str()) {
        ("feed", "GET") => feed::page(elm, request),
        ("feed_file", "GET") if request.parts.uri.path() == CSV_FILE_PATH => Ok(dialect::csv_file(elm)),
        ("feed_file", "GET") => Ok(dialect::json_file(elm)),
        ("completion_lookup", "GET") if elm.lists_completions => completion::look_up(elm, request),
        ("completion", "POST") => completion::accept(elm, request, now),
        _ => Err(error(405, "MethodNotAllowed", "Not supported on this resource")),
    };
    answer.unwrap_or_else(|refused| refused)
}

/// OData's error body.
fn error(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({"error": {"code": code, "message": message}});
    Reply::json(status, body.to_string().into_bytes())
}

fn error_reply(errorcode: &str) -> Reply {
    error(200, errorcode, "Armed fault")
}

fn bad(message: impl AsRef<str>) -> Reply {
    error(400, "BadRequest", message.as_ref())
}
