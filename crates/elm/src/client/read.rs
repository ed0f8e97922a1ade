//! Fetches the feed, page after page, each page tried up to three times; a folder's files are its pages.
//!
//! It must never give fewer rows than the feed without saying so: what cannot be proved complete carries its reasons, and
//! what cannot be read is an error. Next: `question.rs`.

use super::auth::Signer;
use super::error::{FeedError, read_error};
use super::options::FeedOptions;
use super::question::{FeedFields, FeedQuery, Question, make_first_url, resolve_next, skip_to};
use crate::dialect::{Dialect, FeedRow, Literal, Page, PageError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::ACCEPT;
use reqwest::{Client, Url};
use rollbook_remote::http::{self, Answer, SetupError};
use rollbook_remote::measure::Called;
use rollbook_remote::retry::{RetryPolicy, retry_read};
use rollbook_remote::words::make_excerpt;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Rows that are asked for as a sample.
const SAMPLE_ROWS: usize = 50;

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
    fn begin(first_url: String) -> Self {
        Self { rows: Vec::new(), pages: 0, first_url, server_date: None, completeness: Vec::new() }
    }

    /// Whether these are proved to be all rows. Only then may an absence mean anything.
    pub fn is_complete(&self) -> bool {
        self.completeness.is_empty()
    }
}

/// Reads one feed.
#[derive(Clone)]
pub struct FeedClient {
    site: String,
    source: Source,
    dialect: &'static dyn Dialect,
    literal: Literal,
    zone: TimeZone,
    fields: FeedFields,
    charset: Option<String>,
    page_size: Option<usize>,
    count: bool,
    pages_max: usize,
    rows_max: usize,
    bytes_max: usize,
    retry: RetryPolicy,
}

/// Where pages come from.
#[derive(Clone)]
enum Source {
    Http { http: Client, collection: Url, signer: Signer },
    Folder(PathBuf),
}

impl std::fmt::Debug for FeedClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.source {
            Source::Http { collection, .. } => {
                write!(out, "FeedClient({}{})", collection.host_str().unwrap_or_default(), collection.path())
            }
            Source::Folder(path) => write!(out, "FeedClient({})", path.display()),
        }
    }
}

impl FeedClient {
    /// Prepares the client; nothing is sent.
    ///
    /// # Errors
    /// An unusable address, header name or token.
    pub fn new(options: FeedOptions) -> Result<Self, SetupError> {
        let source = match options.url.strip_prefix("file://") {
            Some(path) => Source::Folder(PathBuf::from(path)),
            None => {
                let mut collection = http::parse_url("the feed's address", &options.url)?;
                let path = collection.path().trim_end_matches('/').to_owned();
                collection.set_path(&path);
                let http = http::make_client(&collection, options.timeout)?;
                Source::Http { http, signer: Signer::new("the feed's token", &options.auth)?, collection }
            }
        };
        Ok(Self {
            site: options.site,
            source,
            literal: options.literal.unwrap_or(options.dialect.literal()),
            dialect: options.dialect,
            zone: options.zone,
            fields: options.fields,
            charset: options.charset,
            page_size: options.page_size.filter(|size| *size > 0),
            count: options.count,
            pages_max: options.pages_max.max(1),
            rows_max: options.rows_max,
            bytes_max: options.bytes_max,
            retry: options.retry,
        })
    }

    /// Whether the source is asked for what is wanted; otherwise it gives all it has.
    pub(crate) fn is_asked(&self) -> bool {
        match &self.source {
            Source::Http { .. } => {
                self.dialect.question(&self.question(&FeedQuery::default(), SignedDuration::ZERO)).is_some()
            }
            Source::Folder(_) => false,
        }
    }

    /// Whether the source is asked in local times, which mean another moment where its zone is another.
    pub fn asks_local_times(&self) -> bool {
        let is_local =
            matches!(self.literal, Literal::QuotedLocal | Literal::DateTimeLocal | Literal::Date | Literal::Us);
        is_local && self.is_asked()
    }

    fn question<'a>(&'a self, query: &'a FeedQuery, widened: SignedDuration) -> Question<'a> {
        let Self { fields, literal, zone, count, .. } = self;
        Question { query, fields, literal: *literal, zone, widened, count: *count }
    }

    /// The first page's address for a question: without secrets, but perhaps with a person's address.
    pub fn make_url(&self, query: &FeedQuery, widened: SignedDuration) -> String {
        match &self.source {
            Source::Http { collection, .. } => self.first_url(collection, query, widened).to_string(),
            Source::Folder(path) => format!("file://{}", path.display()),
        }
    }

    fn first_url(&self, collection: &Url, query: &FeedQuery, widened: SignedDuration) -> Url {
        let options = self.dialect.question(&self.question(query, widened)).unwrap_or_default();
        let first = make_first_url(collection, options);
        self.page_size.map_or(first.clone(), |size| skip_to(&first, 0, size))
    }

    /// Fetches what `query` asks for, all pages.
    ///
    /// # Errors
    /// [`FeedError`]: some page could not be read; the others are then worth nothing.
    pub async fn fetch(&self, query: &FeedQuery) -> Result<FeedPages, FeedError> {
        self.fetch_widened(query, SignedDuration::ZERO).await
    }

    /// As [`Self::fetch`], with a window that is wider by so much on both sides.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub(crate) async fn fetch_widened(
        &self,
        query: &FeedQuery,
        widened: SignedDuration,
    ) -> Result<FeedPages, FeedError> {
        match &self.source {
            Source::Http { collection, .. } => {
                let first = self.first_url(collection, query, widened);
                self.fetch_http(collection, first, query, widened).await
            }
            Source::Folder(folder) => self.fetch_folder(folder).await,
        }
    }

    async fn fetch_http(
        &self,
        collection: &Url,
        first: Url,
        query: &FeedQuery,
        widened: SignedDuration,
    ) -> Result<FeedPages, FeedError> {
        let mut fetched = FeedPages::begin(first.to_string());
        let mut seen = BTreeSet::from([first.to_string()]);
        let (mut url, mut count, mut last_page) = (first, None, 0);
        loop {
            let number = fetched.pages + 1;
            let (page, date) = retry_read(self.retry, self.called(), || self.fetch_page(&url, number)).await?;
            let Page { rows, next_link, count: said } = page;
            fetched.pages = number;
            if number == 1 {
                (count, fetched.server_date) = (said, date);
            } else if !rows.is_empty() && rows == fetched.rows[last_page..] {
                fetched.completeness.push(IncompleteReason::PageRepeated);
                break;
            }
            let is_full = self.page_size.is_some_and(|size| rows.len() >= size);
            last_page = fetched.rows.len();
            fetched.rows.extend(rows);
            url = match (next_link, self.page_size) {
                (Some(link), _) => {
                    resolve_next(collection, &link).map_err(|why| FeedError::Malformed { excerpt: why.to_owned() })?
                }
                (None, Some(size)) if is_full => {
                    let options = self.dialect.question(&self.question(query, widened)).unwrap_or_default();
                    skip_to(&make_first_url(collection, options), fetched.rows.len(), size)
                }
                (None, _) => break,
            };
            if let Some(reason) = self.find_stop(&fetched, !seen.insert(url.to_string())) {
                fetched.completeness.push(reason);
                break;
            }
        }
        if self.count && fetched.completeness.is_empty() {
            fetched.completeness.extend(compare_count(count, fetched.rows.len() as u64));
        }
        Ok(fetched)
    }

    /// The files of a folder, by name; hidden ones and those that are still being written (`.tmp`, `.part`) are left out.
    async fn fetch_folder(&self, folder: &Path) -> Result<FeedPages, FeedError> {
        let lost = |path: &Path, error: std::io::Error| FeedError::NotSent {
            why: format!("{} cannot be read: {error}", path.display()),
        };
        let mut names = Vec::new();
        let mut entries = tokio::fs::read_dir(folder).await.map_err(|error| lost(folder, error))?;
        while let Some(entry) = entries.next_entry().await.map_err(|error| lost(folder, error))? {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_whole = !name.starts_with('.') && !name.ends_with(".tmp") && !name.ends_with(".part");
            if is_whole && path.is_file() {
                names.push(path);
            }
        }
        names.sort();
        let mut fetched = FeedPages::begin(format!("file://{}", folder.display()));
        for path in names {
            if let Some(reason) = self.find_stop(&fetched, false).filter(|_| fetched.pages > 0) {
                fetched.completeness.push(reason);
                break;
            }
            let bytes_max = self.bytes_max as u64;
            let length = tokio::fs::metadata(&path).await.map_err(|error| lost(&path, error))?.len();
            if length > bytes_max {
                return Err(FeedError::Malformed {
                    excerpt: format!("{} has more than {bytes_max} bytes", path.display()),
                });
            }
            let body = tokio::fs::read(&path).await.map_err(|error| lost(&path, error))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            fetched.pages += 1;
            fetched.rows.extend(self.read_page(&body, None, &name)?.rows);
        }
        Ok(fetched)
    }

    /// The first rows that the source gives when it is asked for nothing in particular, whatever they are called.
    ///
    /// # Errors
    /// [`FeedError`]
    pub(crate) async fn fetch_sample(&self) -> Result<Vec<FeedRow>, FeedError> {
        match &self.source {
            Source::Http { collection, .. } => {
                let options = if self.is_asked() { vec![format!("$top={SAMPLE_ROWS}")] } else { Vec::new() };
                let (page, _) = self.fetch_page(&make_first_url(collection, options), 1).await?;
                Ok(page.rows)
            }
            Source::Folder(folder) => Ok(self.fetch_folder(folder).await?.rows),
        }
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

    async fn fetch_page(&self, url: &Url, number: usize) -> Result<(Page, Option<Timestamp>), FeedError> {
        let call = async {
            let (answer, token) = self.send(url).await?;
            let answer = match (&self.source, answer.status) {
                (Source::Http { signer, .. }, 401) if signer.renew_after(token).await => self.send(url).await?.0,
                _ => answer,
            };
            if answer.status != 200 {
                return Err(classify_status(&answer));
            }
            let page = self.read_page(&answer.body, answer.charset.as_deref(), &format!("page {number}"))?;
            Ok((page, answer.date))
        };
        self.called().measure(call).await
    }

    async fn send(&self, url: &Url) -> Result<(Answer, u64), FeedError> {
        let Source::Http { http, signer, .. } = &self.source else {
            return Err(FeedError::NotSent { why: "a folder is not asked over HTTP".to_owned() });
        };
        let request = http.get(url.clone()).header(ACCEPT, self.dialect.accept());
        let (request, token) = signer.sign(http, request).await?;
        Ok((http::exchange(request, self.bytes_max).await?, token))
    }

    /// Reads a page's bytes; `place` names it where something is damaged.
    fn read_page(&self, body: &[u8], charset: Option<&str>, place: &str) -> Result<Page, FeedError> {
        let body = http::decode_body(body, charset.or(self.charset.as_deref()));
        let mut page = self.dialect.read_page(&body).map_err(|error| match error {
            PageError::Malformed(excerpt) => FeedError::Malformed { excerpt: format!("{place}: {excerpt}") },
            PageError::Refused { code, words } => FeedError::Refused { status: 200, code, words },
        })?;
        for row in &mut page.rows {
            if let FeedRow::Damaged { place: at, .. } = row {
                *at = format!("{place}, {at}");
            }
        }
        Ok(page)
    }
}

fn classify_status(answer: &Answer) -> FeedError {
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

fn compare_count(said: Option<u64>, got: u64) -> Option<IncompleteReason> {
    match said {
        None => Some(IncompleteReason::CountMissing),
        Some(said) if said != got => Some(IncompleteReason::CountDisagrees { said, got }),
        Some(_) => None,
    }
}
