//! How one feed is reached.
//!
//! Next: `read.rs`.

use super::auth::FeedAuth;
use super::question::FeedFields;
use crate::dialect::{Dialect, Literal, ODataV4};
use jiff::tz::TimeZone;
use rollbook_remote::http::FEED_BYTES_MAX;
use rollbook_remote::measure::host_of;
use rollbook_remote::retry::RetryPolicy;
use secrecy::SecretString;
use std::time::Duration;

/// How to reach one feed.
#[derive(Clone, Debug)]
pub struct FeedOptions {
    /// By which calls are counted: the site's name.
    pub site: String,
    /// The collection's address, such as `https://elm.example.org/api.rsc/Enrolments`, which may have a query of its own;
    /// or a folder, as `file:///var/lib/feed`.
    pub url: String,
    /// Who Rollbook is there.
    pub auth: FeedAuth,
    /// How it is asked and read.
    pub dialect: &'static dyn Dialect,
    /// How points in time are written; the dialect's own way where `None`.
    pub literal: Option<Literal>,
    /// The zone of local times.
    pub zone: TimeZone,
    /// The feed's field names.
    pub fields: FeedFields,
    /// What the bytes are, where no header says it.
    pub charset: Option<String>,
    /// Rows to ask for at once by `$top` and `$skip`, of a source that gives no links; `None` where it gives them.
    pub page_size: Option<usize>,
    /// Whether to ask for a count and compare it; not every feed can.
    pub count: bool,
    /// Most pages of one fetch.
    pub pages_max: usize,
    /// Most rows of one fetch.
    pub rows_max: usize,
    /// Most bytes of one page, unpacked.
    pub bytes_max: usize,
    /// For one page, connection and answer included.
    pub timeout: Duration,
    /// For each page.
    pub retry: RetryPolicy,
}

impl FeedOptions {
    /// The defaults: OData v4, CData's header and literals, no count, 1000 pages, 200 000 rows, 64 MiB and 60 s a page.
    pub fn new(url: impl Into<String>, token: SecretString, zone: TimeZone) -> Self {
        let url = url.into();
        Self {
            site: host_of(&url),
            url,
            auth: FeedAuth::Header { name: "x-cdata-authtoken".to_owned(), token },
            dialect: &ODataV4,
            literal: None,
            zone,
            fields: FeedFields::default(),
            charset: None,
            page_size: None,
            count: false,
            pages_max: 1000,
            rows_max: 200_000,
            bytes_max: FEED_BYTES_MAX,
            timeout: Duration::from_secs(60),
            retry: RetryPolicy::default(),
        }
    }
}
