//! Fetches the feed, page after page, each page tried up to three times.
//!
//! It must never give fewer rows than the feed without saying so: what cannot be proved complete carries its reasons, and
//! what cannot be read is an error. Next: `query.rs`.

use super::error::{FeedError, read_error};
use super::options::FeedOptions;
use super::query::{FeedQuery, Grammar, make_first_url, resolve_next};
use super::wire::{Page, read_page};
use jiff::Timestamp;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use rollbook_remote::http::{self, Answer, SetupError};
use rollbook_remote::measure::Called;
use rollbook_remote::retry::{RetryPolicy, retry_read};
use rollbook_remote::words::make_excerpt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// One element of the feed.
#[derive(Clone, PartialEq)]
pub enum FeedRow {
    /// An object, as it came.
    Record(Map<String, Value>),
    /// Something else: a row that nobody can use, kept so that it is counted and told of.
    Malformed {
        /// What it is: `null`, `a text`, `a number`, `a boolean`, `a list`.
        kind: &'static str,
    },
}

impl std::fmt::Debug for FeedRow {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record(fields) => write!(out, "Record({} fields)", fields.len()),
            Self::Malformed { kind } => write!(out, "Malformed({kind})"),
        }
    }
}

/// Why the rows may not be all that the feed has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncompleteReason {
    /// A page led back to one already read, or came twice: the rest cannot be reached.
    PageRepeated,
    /// More pages than `pages_max`; the rest was not read.
    PagesMax,
    /// More rows than `rows_max`; the rest was not read.
    RowsMax,
    /// The feed said another number of records than it gave: someone wrote meanwhile, or pages overlap.
    CountDisagrees {
        /// `@odata.count` of the first page.
        said: u64,
        /// Rows that came.
        got: u64,
    },
    /// A count was asked for and not given.
    CountMissing,
}

/// What the feed gave.
#[derive(Clone, PartialEq)]
pub struct FeedPages {
    /// The rows, in the feed's order.
    pub rows: Vec<FeedRow>,
    /// Pages read.
    pub pages: usize,
    /// The first page's address: without secrets, but perhaps with a person's address, so for the journal only.
    pub first_url: String,
    /// The feed's clock when it answered the first page.
    pub server_date: Option<Timestamp>,
    /// Empty when the last page was reached and nothing disagreed.
    pub completeness: Vec<IncompleteReason>,
}

impl std::fmt::Debug for FeedPages {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "FeedPages({} rows, {} pages, {:?})", self.rows.len(), self.pages, self.completeness)
    }
}

impl FeedPages {
    /// Whether these are proved to be all rows. Only then may an absence mean anything.
    pub fn is_complete(&self) -> bool {
        self.completeness.is_empty()
    }
}

/// Reads one feed.
#[derive(Clone)]
pub struct FeedClient {
    site: String,
    http: Client,
    collection: Url,
    header: (HeaderName, HeaderValue),
    grammar: Grammar,
    pages_max: usize,
    rows_max: usize,
    bytes_max: usize,
    retry: RetryPolicy,
}

impl std::fmt::Debug for FeedClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "FeedClient({}{})", self.collection.host_str().unwrap_or_default(), self.collection.path())
    }
}

impl FeedClient {
    /// Prepares the client; nothing is sent.
    ///
    /// # Errors
    /// An unusable address, header name or token.
    pub fn new(options: FeedOptions) -> Result<Self, SetupError> {
        let FeedOptions { url, header_name, token, literal, zone, fields, count, .. } = options;
        let mut collection = http::parse_url("the feed's address", &url)?;
        let path = collection.path().trim_end_matches('/').to_owned();
        collection.set_path(&path);
        let name = http::parse_header_name("the feed's token header", &header_name)?;
        Ok(Self {
            site: options.site,
            http: http::make_client(&collection, options.timeout)?,
            header: (name, make_secret_value("the feed's token", &token)?),
            collection,
            grammar: Grammar { style: literal, zone, fields, count },
            pages_max: options.pages_max.max(1),
            rows_max: options.rows_max,
            bytes_max: options.bytes_max,
            retry: options.retry,
        })
    }

    /// The first page's address for a question: without secrets, but perhaps with a person's address.
    pub fn make_url(&self, query: &FeedQuery) -> String {
        make_first_url(&self.collection, &self.grammar, query).to_string()
    }

    /// Fetches what `query` asks for, all pages.
    ///
    /// # Errors
    /// [`FeedError`]: some page could not be read; the others are then worth nothing.
    pub async fn fetch(&self, query: &FeedQuery) -> Result<FeedPages, FeedError> {
        let mut url = make_first_url(&self.collection, &self.grammar, query);
        let mut fetched = FeedPages {
            rows: Vec::new(),
            pages: 0,
            first_url: url.to_string(),
            server_date: None,
            completeness: Vec::new(),
        };
        let mut seen = BTreeSet::from([url.to_string()]);
        let (mut count, mut last_page) = (None, 0);
        loop {
            let (page, date) = retry_read(self.retry, self.called(), || self.fetch_page(&url)).await?;
            let rows: Vec<FeedRow> = page.rows.into_iter().map(make_row).collect();
            fetched.pages += 1;
            if fetched.pages == 1 {
                (count, fetched.server_date) = (page.count, date);
            } else if !rows.is_empty() && rows == fetched.rows[last_page..] {
                fetched.completeness.push(IncompleteReason::PageRepeated);
                break;
            }
            last_page = fetched.rows.len();
            fetched.rows.extend(rows);
            let Some(link) = page.next_link else { break };
            url = resolve_next(&self.collection, &link)
                .map_err(|why| FeedError::Malformed { excerpt: why.to_owned() })?;
            if let Some(reason) = self.find_stop(&fetched, !seen.insert(url.to_string())) {
                fetched.completeness.push(reason);
                break;
            }
        }
        if self.grammar.count && fetched.completeness.is_empty() {
            fetched.completeness.extend(compare_count(count, fetched.rows.len() as u64));
        }
        Ok(fetched)
    }

    /// Why the next page is not to be read, if so.
    fn find_stop(&self, fetched: &FeedPages, repeated: bool) -> Option<IncompleteReason> {
        if repeated {
            Some(IncompleteReason::PageRepeated)
        } else if fetched.pages >= self.pages_max {
            Some(IncompleteReason::PagesMax)
        } else if fetched.rows.len() >= self.rows_max {
            Some(IncompleteReason::RowsMax)
        } else {
            None
        }
    }

    fn called(&self) -> Called<'_> {
        Called { site: &self.site, function: "fetch_page" }
    }

    async fn fetch_page(&self, url: &Url) -> Result<(Page, Option<Timestamp>), FeedError> {
        let (name, value) = &self.header;
        let request = self.http.get(url.clone()).header(name, value).header(ACCEPT, "application/json");
        let call = async {
            let answer = http::exchange(request, self.bytes_max).await?;
            if answer.status != 200 {
                return Err(judge_status(&answer));
            }
            Ok((read_page(&answer)?, answer.date))
        };
        self.called().measure(call).await
    }
}

/// A header value that `Debug` does not show.
pub(super) fn make_secret_value(what: &'static str, token: &SecretString) -> Result<HeaderValue, SetupError> {
    let text = token.expose_secret().trim();
    if text.is_empty() {
        return Err(SetupError::new(what, "is empty"));
    }
    let mut value = HeaderValue::from_str(text).map_err(|_| SetupError::new(what, "has characters no header takes"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn judge_status(answer: &Answer) -> FeedError {
    let status = answer.status;
    match status {
        300..=399 | 404 | 410 => FeedError::Misaddressed { status, location: answer.location.clone() },
        401 | 403 => FeedError::Denied { status },
        429 => FeedError::RateLimited { retry_after: answer.retry_after },
        400..=499 => {
            let (code, words) = read_error(answer);
            FeedError::Refused { status, code, words }
        }
        500.. => {
            let excerpt = make_excerpt(&answer.body);
            FeedError::Unavailable { status, excerpt, retry_after: answer.retry_after }
        }
        _ => FeedError::Malformed { excerpt: format!("HTTP {status}, {}", make_excerpt(&answer.body)) },
    }
}

fn make_row(value: Value) -> FeedRow {
    let kind = match value {
        Value::Object(fields) => return FeedRow::Record(fields),
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
    };
    FeedRow::Malformed { kind }
}

fn compare_count(said: Option<u64>, got: u64) -> Option<IncompleteReason> {
    match said {
        None => Some(IncompleteReason::CountMissing),
        Some(said) if said != got => Some(IncompleteReason::CountDisagrees { said, got }),
        Some(_) => None,
    }
}
