//! Sends traces to a collector, as OTLP over HTTP: what was asked, what was carried out, and every call to a site.
//!
//! A collector that is slow or away costs the spans, and never holds anything else up. Next: the binary, which listens to spans.

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use reqwest::{Client, Url};
use rollbook_remote::http::{self, SetupError};
use std::pin::Pin;
use std::time::Duration;
use tokio::runtime::Handle;

/// A collector that takes longer is away.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the end of the process waits for the last spans.
const FLUSH: Duration = Duration::from_secs(5);
/// Most bytes of a collector's answer.
const BYTES_MAX: usize = 64 * 1024;

/// Where spans go.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send spans to the collector at `url`; to be called on a runtime, which sends them.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn start(url: &Url) -> Result<Self, SetupError> {
        let wrong = |why: String| SetupError::new("server.otlp_url", why);
        let endpoint = format!("{}/v1/traces", url.as_str().trim_end_matches('/'));
        let sender = Sender { client: http::make_client(url, TIMEOUT)?, runtime: Handle::current() };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(sender)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_timeout(TIMEOUT)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let resource = Resource::builder_empty()
            .with_service_name("rollbook")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self(SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build()))
    }

    /// What spans are given to.
    pub fn tracer(&self) -> SdkTracer {
        self.0.tracer("rollbook")
    }

    /// Sends what is left, and ends.
    pub fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH) {
            tracing::debug!(%error, "the last spans were not sent");
        }
    }
}

/// Our own client: with our time-outs, no redirects, and one TLS provider. The exporter's thread has no runtime of its own.
#[derive(Debug)]
struct Sender {
    client: Client,
    runtime: Handle,
}

impl HttpClient for Sender {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let (parts, body) = request.into_parts();
            let request = client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
            let answer = http::exchange(request, BYTES_MAX).await?;
            let answer = Response::builder().status(answer.status).body(Bytes::from(answer.body))?;
            Ok::<_, HttpError>(answer)
        });
        Box::pin(async move { sent.await? })
    }
}
