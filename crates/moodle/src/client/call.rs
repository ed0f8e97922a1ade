//! One call: permit, POST, judgement, count. All of [`super::read`] and [`super::write`] goes through here.
//!
//! It must never repeat a write and never send more variables than the budget.

use crate::client::error::{CODE_VARIABLES_DROPPED, MoodleError, read_answer};
use crate::client::function::{Function, Kind};
use crate::client::{MoodleReader, MoodleWriter};
use jiff::Timestamp;
use reqwest::{Client, Url};
use rollbook_clock::Timer;
use rollbook_remote::http::{self, MOODLE_BYTES_MAX, SetupError};
use rollbook_remote::measure::{Called, host_of};
use rollbook_remote::retry::{RetryPolicy, retry_read};
use rollbook_remote::words::Words;
use secrecy::{ExposeSecret, SecretString};
use serde::de::{DeserializeOwned, IgnoredAny};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How to reach one Moodle.
#[derive(Clone, Debug)]
pub struct MoodleOptions {
    /// By which calls are counted: the site's name.
    pub site: String,
    /// The site's own address (`$CFG->wwwroot`), sub-path included; a trailing slash does not matter.
    pub url: String,
    /// The token of the service account.
    pub token: SecretString,
    /// For one call, connection and answer included. Moodle goes on working after we give up.
    pub timeout: Duration,
    /// Calls under way at the same time, at least 1.
    pub concurrency: usize,
    /// Form variables per call, ours included. PHP's own default limit is 1000, past which it drops the rest.
    pub input_vars_max: usize,
    /// Items per call; more only enlarges what a refusal rolls back.
    pub batch_max: usize,
    pub retry: RetryPolicy,
}

impl MoodleOptions {
    /// The defaults: 60 s, 3 calls at a time, 900 variables, 100 items, three tries for a read.
    pub fn new(url: impl Into<String>, token: SecretString) -> Self {
        let url = url.into();
        Self {
            site: host_of(&url),
            url,
            token,
            timeout: Duration::from_secs(60),
            concurrency: 3,
            input_vars_max: 900,
            batch_max: 100,
            retry: RetryPolicy::default(),
        }
    }
}

/// How often a function was called, for a run's summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallCount {
    pub function: Function,
    /// Calls, repeated reads included.
    pub calls: u64,
    /// Of these, calls that gave no result.
    pub failed: u64,
    /// Items in all calls together; a call without items counts 1.
    pub items: u64,
    /// Time in all calls together, waiting for a permit not included.
    pub total_ms: u64,
    pub longest_ms: u64,
}

/// One Moodle. Cheap to clone; clones share the connections, the permits and the counts.
#[derive(Clone)]
pub struct MoodleClient {
    inner: Arc<Inner>,
}

struct Inner {
    http: Client,
    site: Url,
    endpoint: Url,
    options: MoodleOptions,
    permits: Semaphore,
    counts: Mutex<BTreeMap<Function, CallCount>>,
    server_time: Mutex<Option<Timestamp>>,
}

impl std::fmt::Debug for MoodleClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "MoodleClient({})", self.inner.site)
    }
}

impl MoodleClient {
    /// Prepares the client; nothing is sent.
    ///
    /// # Errors
    /// An unusable address, an empty token, or a budget too small for one item of the costliest function.
    pub fn new(options: MoodleOptions) -> Result<Self, SetupError> {
        let mut site = http::parse_url("the Moodle address", options.url.trim().trim_end_matches('/'))?;
        site.set_query(None);
        let endpoint = format!("{}/webservice/rest/server.php", site.as_str().trim_end_matches('/'));
        let endpoint = http::parse_url("the Moodle address", &endpoint)?;
        if options.token.expose_secret().trim().is_empty() {
            return Err(SetupError::new("the Moodle token", "is empty"));
        }
        let least = FIXED_LEAVES + Function::ALL.iter().map(|f| f.leaves_per_item()).max().unwrap_or(0);
        if options.input_vars_max < least {
            return Err(SetupError::new("the form variables per call", format!("must be at least {least}")));
        }
        let permits = Semaphore::new(options.concurrency.max(1));
        let http = http::make_client(&site, options.timeout)?;
        let inner =
            Inner { http, site, endpoint, options, permits, counts: Mutex::default(), server_time: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The half that cannot change the site.
    pub fn reader(&self) -> MoodleReader {
        MoodleReader::new(self.clone())
    }

    pub fn writer(&self) -> MoodleWriter {
        MoodleWriter::new(self.clone())
    }

    /// The configured address, to be compared with what the site says of itself.
    pub fn site_url(&self) -> &str {
        self.inner.site.as_str().trim_end_matches('/')
    }

    /// Most items that one call of `function` takes: the batch limit, or what the variable budget allows for the
    /// costliest item, whichever is less; never 0.
    pub fn items_max(&self, function: Function) -> usize {
        let MoodleOptions { batch_max, input_vars_max, .. } = self.inner.options;
        let room = (input_vars_max - FIXED_LEAVES) / function.leaves_per_item().max(1);
        batch_max.min(room).max(1)
    }

    /// What was called since the client was made, in the order of [`Function::ALL`].
    pub fn call_counts(&self) -> Vec<CallCount> {
        self.inner.counts.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }

    /// What the server's clock said with its last answer; `None` where it does not tell.
    pub fn server_time(&self) -> Option<Timestamp> {
        *self.server_time_now()
    }

    fn server_time_now(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.inner.server_time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Splits the items of a read so that every permit gets a share, within [`Self::items_max`].
    pub(super) fn chunk_len(&self, function: Function, items: usize) -> usize {
        let share = items.div_ceil(self.inner.options.concurrency.max(1));
        share.max(20).min(self.items_max(function))
    }

    /// Calls a reading function, repeatedly if need be.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        function: Function,
        items: usize,
        form: &Form,
    ) -> Result<T, MoodleError> {
        debug_assert_eq!(function.kind(), Kind::Read);
        retry_read(self.inner.options.retry, self.called(function), || self.call_once(function, items, form)).await
    }

    fn called(&self, function: Function) -> Called<'_> {
        Called { site: &self.inner.options.site, function: function.name() }
    }

    /// Calls a writing function, once.
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        function: Function,
        items: usize,
        form: &Form,
    ) -> Result<T, MoodleError> {
        debug_assert_eq!(function.kind(), Kind::Write);
        let items_max = self.items_max(function);
        if items > items_max {
            let why = format!("{items} items of {} exceed the {items_max} allowed per call", function.name());
            return Err(MoodleError::NotSent { why });
        }
        self.call_once(function, items, form).await
    }

    /// Calls a writing function with what it is certain to refuse.
    pub(super) async fn probe<T: DeserializeOwned>(&self, function: Function, form: &Form) -> Result<T, MoodleError> {
        self.call_once(function, 1, form).await
    }

    async fn call_once<T: DeserializeOwned>(
        &self,
        function: Function,
        items: usize,
        form: &Form,
    ) -> Result<T, MoodleError> {
        let (leaves, limit) = (form.leaves(), self.inner.options.input_vars_max);
        if leaves > limit {
            return Err(MoodleError::NotSent { why: format!("{leaves} form variables exceed the {limit} allowed") });
        }
        let answer = self.exchange(function, items, form).await;
        if answer.as_ref().is_err_and(is_unknown_token) && leaves > FIXED_LEAVES && self.is_token_known().await {
            let words = format!(
                "PHP dropped some of {leaves} form variables: its max_input_vars is below the site's input_vars"
            );
            let code = CODE_VARIABLES_DROPPED.to_owned();
            return Err(MoodleError::Refused { function: function.name(), code, words: Words::new(&words) });
        }
        answer
    }

    /// Whether Moodle knows the token in a call that is too small for PHP to drop anything of.
    async fn is_token_known(&self) -> bool {
        match self.exchange::<IgnoredAny>(Function::SiteInfo, 0, &Form::new()).await {
            Ok(_) => true,
            Err(error) => matches!(error, MoodleError::Denied { .. }) && !is_unknown_token(&error),
        }
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        function: Function,
        items: usize,
        form: &Form,
    ) -> Result<T, MoodleError> {
        let Inner { http, endpoint, options, permits, .. } = &*self.inner;
        let _permit = permits.acquire().await.expect("the semaphore is never closed");
        // PHP drops what is past its limit without a word, and Moodle does the rest as if it were all. So the token stands
        // last: a call that lost anything lost that, too, and is refused as a whole.
        let fixed = [("wsfunction", function.name()), ("moodlewsrestformat", "json"), ("moodlewssettingraw", "1")];
        let rest = form.pairs().iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let token = ("wstoken", options.token.expose_secret().trim());
        let pairs: Vec<(&str, &str)> = fixed.into_iter().chain(rest).chain([token]).collect();
        let timer = Timer::start();
        let call = async {
            let answer = http::exchange(http.post(endpoint.clone()).form(&pairs), MOODLE_BYTES_MAX).await?;
            *self.server_time_now() = answer.date;
            read_answer(function, &answer)
        };
        let result = self.called(function).measure(call).await;
        self.count(function, items, timer.elapsed(), result.is_ok());
        result
    }

    fn count(&self, function: Function, items: usize, took: Duration, succeeded: bool) {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(function = function.name(), items, duration_ms = took_ms, succeeded, "called Moodle");
        let mut counts = self.inner.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = CallCount { function, calls: 0, failed: 0, items: 0, total_ms: 0, longest_ms: 0 };
        let count = counts.entry(function).or_insert(fresh);
        count.calls += 1;
        count.failed += u64::from(!succeeded);
        count.items += items.max(1) as u64;
        count.total_ms += took_ms;
        count.longest_ms = count.longest_ms.max(took_ms);
    }
}

fn is_unknown_token(error: &MoodleError) -> bool {
    matches!(error, MoodleError::Denied { code, .. } if code == "invalidtoken")
}

// Builds the parameters of one call and counts them.
//
// It must never reorder what it was given: PHP reads variables from the front and drops those past its limit. So `suspend`
// stands first in each enrolment, and `call.rs`, which is next, puts the token behind all of it.

/// Variables that `call.rs` puts around these: function, format, raw texts; token.
pub(super) const FIXED_LEAVES: usize = 4;

/// The parameters of one call, in sending order.
#[derive(Default)]
pub(super) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// `key=value`
    pub(super) fn add(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.pairs.push((key.to_owned(), value.to_string()));
        self
    }

    /// `list[index]=value`
    pub(super) fn add_value(&mut self, list: &str, index: usize, value: impl Display) -> &mut Self {
        self.pairs.push((format!("{list}[{index}]"), value.to_string()));
        self
    }

    /// `list[index][key]=value`; `key` may be nested already, as in `cohorttype][type`.
    pub(super) fn add_field(&mut self, list: &str, index: usize, key: &str, value: impl Display) -> &mut Self {
        self.pairs.push((format!("{list}[{index}][{key}]"), value.to_string()));
        self
    }

    /// As [`Self::add_field`], left out when there is no value: Moodle refuses an empty text for a number.
    pub(super) fn add_optional(&mut self, list: &str, index: usize, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.add_field(list, index, key, value);
        }
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Variables that PHP will count, those of `call.rs` included.
    pub(super) fn leaves(&self) -> usize {
        self.pairs.len() + FIXED_LEAVES
    }
}

/// A flag as Moodle takes it: words such as `true` are refused.
pub(super) fn flag(value: bool) -> &'static str {
    if value { "1" } else { "0" }
}
