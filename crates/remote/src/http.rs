//! Builds every HTTP client of Rollbook and performs one exchange: a request in, a whole bounded answer out.
//!
//! It must never follow a redirect (the body and the token would go astray), never repeat a request on its own, and
//! never put a URL into an error (a filter may carry a mail address). It does not judge status codes: each client's
//! `answer` or `read` module does. Next: [`crate::retry`] for waiting, [`crate::words`] for quoting an answer safely.

use crate::words::{root_cause, strip_bom};
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Url, redirect};
use std::borrow::Cow;
use std::sync::Once;
use std::time::Duration;

/// Most bytes of one answer that a feed page may have, unpacked.
pub const FEED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most bytes of one answer that a Moodle may give, unpacked.
pub const MOODLE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a connection may take to be made, name resolution and TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept. Below the 5 s after which Apache closes one by default: a connection closed
/// just as a write goes out would leave that write's outcome unknown.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// Longest `Retry-After` that is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// Why a client could not be set up: a configuration error, found before anything was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct SetupError {
    /// Which setting is wrong, in words.
    pub what: &'static str,
    /// What is wrong with it; never its value where that is a secret.
    pub why: String,
}

impl SetupError {
    /// Names the setting and its fault.
    pub fn new(what: &'static str, why: impl Into<String>) -> Self {
        Self { what, why: why.into() }
    }
}

/// No whole answer came. The variants differ in what they prove about the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Proven: no byte of the request reached the remote (name resolution, connection or TLS failed).
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request was, or may have been, received; what became of it is not known (time-out, reset).
    #[error("no whole answer: {0}")]
    Unknown(String),
    /// The answer was longer than `bytes_max`; the rest was not read. The request was carried out.
    #[error("the answer exceeds {bytes_max} bytes")]
    TooLong {
        /// The limit that was passed.
        bytes_max: usize,
    },
}

/// One whole answer, judged by nobody yet.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`, lower case, without parameters; empty when absent.
    pub content_type: String,
    /// The `charset` of `Content-Type`, lower case.
    pub charset: Option<String>,
    /// `Retry-After`, in seconds or as a date (then counted from the answer's own `Date`); at most a day.
    pub retry_after: Option<Duration>,
    /// `Location`, cut to scheme, host and path: a query could carry a secret.
    pub location: Option<String>,
    /// `Date`: the remote's clock.
    pub date: Option<Timestamp>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Answer({} {}, {} bytes)", self.status, self.content_type, self.body.len())
    }
}

/// Makes the client for one remote. Total time-out, no redirects, no repeats, our user agent; a proxy from the
/// environment is used except towards loopback.
///
/// # Errors
/// Only when the TLS set-up of this machine is unusable.
pub fn make_client(url: &Url, timeout: Duration) -> Result<Client, SetupError> {
    install_tls();
    let builder = Client::builder()
        .user_agent(concat!("Rollbook/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .timeout(timeout)
        .pool_idle_timeout(IDLE_TIMEOUT);
    let builder = if is_loopback(url) { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| SetupError::new("TLS", root_cause(&error.without_url())))
}

/// Installs the one TLS provider of the process; later calls do nothing.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    // An error means that a provider stands already, which is what is wanted.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

/// Parses a configured address: http or https, with a host, without user info or fragment.
///
/// # Errors
/// A [`SetupError`] that names `what` and does not repeat the address.
pub fn parse_url(what: &'static str, text: &str) -> Result<Url, SetupError> {
    let url = Url::parse(text.trim()).map_err(|error| SetupError::new(what, error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(SetupError::new(what, "must be an http or https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SetupError::new(what, "must not contain a user name or password"));
    }
    if url.fragment().is_some() {
        return Err(SetupError::new(what, "must not contain a fragment (#…)"));
    }
    Ok(url)
}

/// Parses a configured header name.
///
/// # Errors
/// A [`SetupError`] that names `what`.
pub fn parse_header_name(what: &'static str, text: &str) -> Result<HeaderName, SetupError> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| SetupError::new(what, "is not a header name"))
}

/// Sends one request, once, and reads at most `bytes_max` bytes of its answer.
///
/// # Errors
/// A [`Fault`]; an HTTP error status is not one.
pub async fn exchange(request: RequestBuilder, bytes_max: usize) -> Result<Answer, Fault> {
    let mut response = request.send().await.map_err(make_fault)?;
    if response.content_length().is_some_and(|length| length > bytes_max as u64) {
        return Err(Fault::TooLong { bytes_max });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(make_body_fault)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(Fault::TooLong { bytes_max });
        }
        body.extend_from_slice(&chunk);
    }
    let headers = response.headers();
    let date = header_text(headers, DATE).and_then(parse_http_date);
    Ok(Answer {
        status: response.status().as_u16(),
        content_type: header_text(headers, CONTENT_TYPE).map(make_media_type).unwrap_or_default(),
        charset: header_text(headers, CONTENT_TYPE).and_then(find_charset),
        retry_after: header_text(headers, RETRY_AFTER).and_then(|text| parse_retry_after(text, date)),
        location: header_text(headers, LOCATION).map(cut_location),
        date,
        body,
    })
}

/// A body as UTF-8, from the charset that was declared; one that says nothing, or UTF-8, stays as it is but for its byte
/// order mark, since it may be damaged.
pub fn decode_body<'b>(body: &'b [u8], charset: Option<&str>) -> Cow<'b, [u8]> {
    let marked = encoding_rs::Encoding::for_bom(body).map(|(encoding, _)| encoding);
    let declared = charset.and_then(|charset| encoding_rs::Encoding::for_label(charset.as_bytes()));
    match marked.or(declared) {
        Some(encoding) if encoding != encoding_rs::UTF_8 => {
            Cow::Owned(encoding.decode(body).0.into_owned().into_bytes())
        }
        _ => Cow::Borrowed(strip_bom(body)),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn make_fault(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    let cause = root_cause(&error);
    if error.is_connect() || error.is_builder() {
        Fault::NotSent(cause)
    } else if error.is_timeout() {
        Fault::Unknown("no answer within the time-out".to_owned())
    } else {
        Fault::Unknown(cause)
    }
}

/// The head of an answer has been read: the request was received, whatever the error says.
fn make_body_fault(error: reqwest::Error) -> Fault {
    if error.is_timeout() {
        Fault::Unknown("the answer did not end within the time-out".to_owned())
    } else {
        Fault::Unknown(format!("the answer broke off: {}", root_cause(&error.without_url())))
    }
}

fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn make_media_type(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn find_charset(text: &str) -> Option<String> {
    let parameters = text.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let found = parameters.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    found.map(|(_, charset)| charset.trim().trim_matches('"').to_ascii_lowercase())
}

fn cut_location(text: &str) -> String {
    text.split(['?', '#']).next().unwrap_or_default().chars().take(200).collect()
}

fn parse_http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

fn parse_retry_after(text: &str, date: Option<Timestamp>) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::try_from(parse_http_date(text)?.duration_since(date?)).unwrap_or(Duration::ZERO),
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let date = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(date.is_some());
        assert_eq!(parse_retry_after("300", None), Some(Duration::from_secs(300)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", date), Some(Duration::from_secs(60)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", date), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", None), None);
        assert_eq!(parse_retry_after("999999999", None), Some(RETRY_AFTER_MAX));
        assert_eq!(parse_retry_after("soon", date), None);
    }

    #[test]
    fn an_address_with_a_password_is_refused_without_repeating_it() {
        let error = parse_url("feed.url", "https://me:hunter2@example.org/x").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
        assert!(parse_url("feed.url", "ftp://example.org/").is_err());
        assert!(parse_url("feed.url", " https://example.org/api/Enrolments ").is_ok());
    }

    #[test]
    fn loopback_is_recognised_in_every_spelling() {
        for text in ["http://127.0.0.1:8/", "http://[::1]/", "http://localhost/"] {
            assert!(is_loopback(&Url::parse(text).unwrap()), "{text}");
        }
        assert!(!is_loopback(&Url::parse("http://10.0.0.1/").unwrap()));
    }

    #[test]
    fn a_declared_charset_is_read_and_an_undeclared_one_is_not_guessed() {
        let latin1 = find_charset("application/json; odata.metadata=minimal; charset=\"ISO-8859-1\"");
        assert_eq!(latin1.as_deref(), Some("iso-8859-1"));
        assert_eq!(decode_body(b"\xf3", latin1.as_deref()), "ó".as_bytes());
        assert_eq!(decode_body(b"\xf3", None).as_ref(), b"\xf3");
        assert_eq!(decode_body(b"\xef\xbb\xbfx", Some("utf-8")).as_ref(), b"x");
        assert_eq!(decode_body(b"\xff\xfex\0", None).as_ref(), b"x");
        assert_eq!(find_charset("text/csv"), None);
    }

    #[test]
    fn a_location_loses_its_query() {
        assert_eq!(cut_location("https://example.org/login?token=abc#x"), "https://example.org/login");
    }
}
