//! The one recorder of the process: what clients, events and pages count arrives here.

use metrics::{Unit, describe_counter, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

/// Upper bounds of how long calls to a remote system take, in seconds.
const CALL_SECONDS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Upper bounds of how long an answer of ours takes, in seconds.
const ANSWER_SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 10.0];
/// Between two readings of a histogram its values pile up: so somebody looks, whether or not anybody asks for them.
const UPKEEP: Duration = Duration::from_secs(5);

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The recorder. Every one of a process is the same.
#[derive(Clone, Debug)]
pub struct Recorder(Option<PrometheusHandle>);

impl Recorder {
    /// The recorder of this process, made at the first call.
    pub fn of_process() -> Self {
        Self(HANDLE.get_or_init(install).clone())
    }

    /// What was pluralise, as Prometheus reads it.
    pub fn render(&self) -> String {
        self.0.as_ref().map(PrometheusHandle::render).unwrap_or_default()
    }
}

fn install() -> Option<PrometheusHandle> {
    let full = |name: &str| Matcher::Full(name.to_owned());
    let built = PrometheusBuilder::new()
        .set_buckets_for_metric(full("rollbook_call_duration_seconds"), &CALL_SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(full("rollbook_http_request_duration_seconds"), &ANSWER_SECONDS)
        })
        .and_then(PrometheusBuilder::install_recorder);
    match built {
        Ok(handle) => {
            describe();
            keep_up(handle.clone());
            Some(handle)
        }
        Err(error) => {
            tracing::error!(%error, "calls and requests are not pluralise");
            None
        }
    }
}

fn describe() {
    let calls = "How long calls to remote systems took, by site, function and outcome";
    describe_histogram!("rollbook_call_duration_seconds", Unit::Seconds, calls);
    describe_counter!("rollbook_call_retries_total", "Calls that repeated one which had failed for a passing reason");
    describe_counter!("rollbook_http_requests_total", "Requests to Rollbook, by method, route and status");
    let answers = "How long Rollbook took to answer, by method and route";
    describe_histogram!("rollbook_http_request_duration_seconds", Unit::Seconds, answers);
    describe_counter!("rollbook_events_total", "Pushed events, by kind and what became of them");
}

#[expect(clippy::disallowed_methods, reason = "a thread of its own, which does nothing else")]
fn keep_up(handle: PrometheusHandle) {
    let upkeep = move || {
        loop {
            thread::sleep(UPKEEP);
            handle.run_upkeep();
        }
    };
    if let Err(error) = thread::Builder::new().name("metrics".to_owned()).spawn(upkeep) {
        tracing::warn!(%error, "numbers are only tidied up when they are asked for");
    }
}
