//! One request to a community: permit, signature, GET, judgement, count.
//!
//! It must never send a signed request to another host, and never take an HTML page for an answer. Next: `page.rs`.

use super::auth::{DrupalAuth, Signer};
use super::error::DrupalError;
use super::query::Query;
use super::wire::Document;
use jiff::Timestamp;
use reqwest::header::ACCEPT;
use reqwest::{Client, Url};
use rollbook_clock::{Clock, Timer};
use rollbook_remote::http::{self, Answer, SetupError};
use rollbook_remote::measure::{Called, host_of};
use rollbook_remote::retry::{RetryPolicy, retry_read};
use rollbook_remote::words::{Words, make_excerpt, strip_bom};
use serde::Deserialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Most bytes of one page, unpacked; 50 full members are 0.2 MB.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// How to reach one community.
#[derive(Clone, Debug)]
pub struct DrupalOptions {
    /// By which calls are counted: the site's name.
    pub site: String,
    /// The site's own address, sub-path included.
    pub url: String,
    /// Who Rollbook is there.
    pub auth: DrupalAuth,
    /// For one page.
    pub timeout: Duration,
    /// Pages under way at the same time, at least 1.
    pub concurrency: usize,
    /// Most pages of one list.
    pub pages_max: usize,
    /// For each page.
    pub retry: RetryPolicy,
    /// By which a token's age is measured.
    pub clock: Clock,
}

impl DrupalOptions {
    /// The defaults: 30 s, 2 pages at a time, 100 000 pages, three tries.
    pub fn new(url: impl Into<String>, auth: DrupalAuth, clock: Clock) -> Self {
        let timeout = Duration::from_secs(30);
        let retry = RetryPolicy::default();
        let url = url.into();
        Self { site: host_of(&url), url, auth, timeout, concurrency: 2, pages_max: 100_000, retry, clock }
    }
}

/// One community. Cheap to clone; clones share connections, token and count.
#[derive(Clone)]
pub struct DrupalClient {
    inner: Arc<Inner>,
}

struct Inner {
    site: String,
    http: Client,
    /// `…/jsonapi`
    root: Url,
    signer: Signer,
    permits: Semaphore,
    concurrency: usize,
    pages_max: usize,
    retry: RetryPolicy,
    requests: AtomicU64,
    server_time: Mutex<Option<Timestamp>>,
}

impl std::fmt::Debug for DrupalClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "DrupalClient({})", self.inner.root)
    }
}

impl DrupalClient {
    /// Prepares the client; nothing is sent.
    ///
    /// # Errors
    /// An unusable address.
    pub fn new(options: DrupalOptions) -> Result<Self, SetupError> {
        const WHAT: &str = "the community's address";
        let DrupalOptions { site: name, url, auth, timeout, concurrency, pages_max, retry, clock } = options;
        let mut site = http::parse_url(WHAT, &url)?;
        site.set_query(None);
        let below = |path: &str| http::parse_url(WHAT, &format!("{}/{path}", site.as_str().trim_end_matches('/')));
        let (root, token_url) = (below("jsonapi")?, below("oauth/token")?);
        let inner = Inner {
            site: name,
            http: http::make_client(&site, timeout)?,
            root,
            signer: Signer::new(auth, token_url, clock),
            permits: Semaphore::new(concurrency.max(1)),
            concurrency: concurrency.max(1),
            pages_max: pages_max.max(1),
            retry,
            requests: AtomicU64::new(0),
            server_time: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Requests made since the client was, repeated ones included, those for tokens not.
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// What the server's clock said with its last answer; `None` where it does not tell.
    pub fn server_time(&self) -> Option<Timestamp> {
        *self.server_time_now()
    }

    fn server_time_now(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.inner.server_time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn concurrency(&self) -> usize {
        self.inner.concurrency
    }

    pub(super) fn pages_max(&self) -> usize {
        self.inner.pages_max
    }

    /// The entry document: what there is, and who we are.
    pub(super) async fn fetch_entry(&self) -> Result<Document, DrupalError> {
        self.fetch(&[], &Query::new().to_text()).await
    }

    /// The document at `root/segments?query`; tried up to three times, and anew with a fresh token when refused with 401.
    pub(super) async fn fetch(&self, segments: &[&str], query: &str) -> Result<Document, DrupalError> {
        let mut url = self.inner.root.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(segments);
        }
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        retry_read(self.inner.retry, self.called(), || self.fetch_once(&url)).await
    }

    fn called(&self) -> Called<'_> {
        Called { site: &self.inner.site, function: "fetch_page" }
    }

    async fn fetch_once(&self, url: &Url) -> Result<Document, DrupalError> {
        let _permit = self.inner.permits.acquire().await.expect("the semaphore is never closed");
        self.called().measure(self.ask(url)).await
    }

    async fn ask(&self, url: &Url) -> Result<Document, DrupalError> {
        let (answer, token) = self.send(url).await?;
        let answer = match answer.status {
            401 if self.inner.signer.renew_after(token).await => self.send(url).await?.0,
            _ => answer,
        };
        read_document(&answer)
    }

    async fn send(&self, url: &Url) -> Result<(Answer, u64), DrupalError> {
        let Inner { http, signer, requests, .. } = &*self.inner;
        let request = http.get(url.clone()).header(ACCEPT, "application/vnd.api+json");
        let (request, token) = signer.sign(http, request).await?;
        requests.fetch_add(1, Ordering::Relaxed);
        let timer = Timer::start();
        let answer = http::exchange(request, BYTES_MAX).await;
        let (path, duration_ms, status) = (url.path(), timer.elapsed_ms(), answer.as_ref().map_or(0, |it| it.status));
        tracing::debug!(path, status, duration_ms, "asked the community");
        let answer = answer?;
        *self.server_time_now() = answer.date;
        Ok((answer, token))
    }
}

fn read_document(answer: &Answer) -> Result<Document, DrupalError> {
    if answer.status != 200 {
        return Err(judge_status(answer));
    }
    let body = strip_bom(&answer.body);
    let document: Document =
        serde_json::from_slice(body).map_err(|_| DrupalError::Malformed { excerpt: make_excerpt(body) })?;
    // Every document of JSON:API has `data`, be it empty or null; only an object without it parses to this.
    if document.data.is_null() {
        return Err(DrupalError::Malformed { excerpt: "JSON without “data”".to_owned() });
    }
    Ok(document)
}

/// What a status other than 200 means.
pub(super) fn judge_status(answer: &Answer) -> DrupalError {
    let Answer { status, retry_after, .. } = *answer;
    let words = find_words(&answer.body);
    match (status, words) {
        (404, Some(_)) => DrupalError::NotFound,
        // Drupal's own 404 page: there is no such path, hence no JSON:API or no such resource type.
        (300..=399 | 404, _) => DrupalError::Misaddressed { status, location: answer.location.clone() },
        (401 | 403, words) => {
            DrupalError::Denied { status, words: words.unwrap_or_else(|| Words::new(&make_excerpt(&answer.body))) }
        }
        (429, _) => DrupalError::RateLimited { retry_after },
        (400..=499, words) => {
            DrupalError::Refused { status, words: words.unwrap_or_else(|| Words::new(&make_excerpt(&answer.body))) }
        }
        (503, _) if retry_after.is_some() => DrupalError::Maintenance { retry_after },
        (500.., _) => DrupalError::Unavailable { status, excerpt: make_excerpt(&answer.body), retry_after },
        _ => DrupalError::Malformed { excerpt: format!("HTTP {status}, {}", make_excerpt(&answer.body)) },
    }
}

/// The title and detail of a JSON:API error; `None` when the body is not one.
fn find_words(body: &[u8]) -> Option<Words> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<OneError>,
    }
    #[derive(Deserialize)]
    struct OneError {
        #[serde(default)]
        title: String,
        #[serde(default)]
        detail: String,
    }
    let errors: Errors = serde_json::from_slice(strip_bom(body)).ok()?;
    let first = errors.errors.first()?;
    Some(Words::new(&format!("{}: {}", first.title, first.detail)))
}
