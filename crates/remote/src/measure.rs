//! How long each call took and how it ended, for those who watch from outside: a number by site and function, and a span.
//!
//! It must never see what a call says. Next: [`crate::http`].

use reqwest::Url;
use rollbook_clock::Timer;
use tracing::Instrument;

/// What a call is counted under. Both words come from the configuration and the code, never from data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called<'a> {
    /// The site's name.
    pub site: &'a str,
    /// What is called.
    pub function: &'static str,
}

impl Called<'_> {
    /// Makes a call, and tells how long it took and whether it gave a result.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn measure<T, E>(self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let Self { site, function } = self;
        let span = tracing::info_span!("call", otel.name = format!("{site} {function}"), site, function);
        let timer = Timer::start();
        let result = call.instrument(span).await;
        let outcome = if result.is_ok() { "done" } else { "failed" };
        let labels = [("site", site.to_owned()), ("function", function.to_owned()), ("outcome", outcome.to_owned())];
        metrics::histogram!("rollbook_call_duration_seconds", &labels).record(timer.elapsed());
        result
    }

    /// Counts that it is made once more.
    pub fn count_retry(self) {
        let labels = [("site", self.site.to_owned()), ("function", self.function.to_owned())];
        metrics::counter!("rollbook_call_retries_total", &labels).increment(1);
    }
}

/// The name of a site that nobody named: its host.
pub fn host_of(url: &str) -> String {
    let host = Url::parse(url.trim()).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "unnamed".to_owned())
}
