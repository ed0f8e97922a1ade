//! What can become of a call, named by what the caller may do next.
//!
//! It must never show a token, an address or a body: a remote's message travels as [`Words`], which logs cannot print.
//! The answers that decide between the variants are read beside it.

use crate::client::function::{Function, Kind};
use rollbook_remote::http::{Answer, Fault};
use rollbook_remote::retry::Passing;
use rollbook_remote::words::{Words, make_excerpt, strip_bom};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Code given to a refusal without an `errorcode` (a PHP `Error` inside Moodle).
pub const CODE_NONE: &str = "error_without_code";
/// Code given to a refusal whose `errorcode` is a piece of HTML (the password policy).
pub const CODE_HTML: &str = "errorcode_is_html";
/// Code given when the body was too large for the web server or for PHP: smaller batches succeed.
pub const CODE_BODY_TOO_LARGE: &str = "body_too_large";

/// Code given when PHP dropped form variables (its `max_input_vars` is lower than the site's `input_vars`): nothing was done.
pub const CODE_VARIABLES_DROPPED: &str = "max_input_vars_exceeded";

/// Why a call to Moodle gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoodleError {
    /// Nothing left this machine. Try again whenever.
    #[error("Moodle was not reached: {why}")]
    NotSent {
        /// The network's reason, or the limit that the call would have broken.
        why: String,
    },
    /// A proxy asked for fewer calls (429). Nothing was done.
    #[error("Moodle's server asks for fewer calls")]
    RateLimited {
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The site says that it cannot serve now (maintenance, upgrade, no database) and did nothing. Try again later.
    #[error("Moodle cannot serve now: {code}")]
    Maintenance {
        /// Moodle's `errorcode`, or `http_503`.
        code: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The address is not the site's own: it redirects, or has no web services. Nothing was done. Mend the configuration.
    #[error("the configured address is not the Moodle's own (HTTP {status}, {})", location.as_deref().unwrap_or("no other named"))]
    Misaddressed {
        /// The status: a redirect or 404.
        status: u16,
        /// Where it points, without query.
        location: Option<String>,
    },
    /// The token, its account or its service may not do this at all, whatever the items. Nothing was done.
    #[error("Moodle does not admit {function}: {code}")]
    Denied {
        function: &'static str,
        /// Moodle's `errorcode`, or `http_403` (web services or REST switched off).
        code: String,
        words: Words,
    },
    /// Moodle refused this call and rolled it back: some item of it is at fault, it does not say which.
    #[error("Moodle refused {function}: {code}")]
    Refused {
        function: &'static str,
        /// Moodle's `errorcode`, or one of the `CODE_…` constants. The only thing to match on.
        code: String,
        /// Moodle's message (in its own language; at debug level with the cause).
        words: Words,
    },
    /// The server failed (500, 502, 503, 504). A write may have been, or may yet be, carried out.
    #[error("Moodle's server failed: HTTP {status}, {excerpt}")]
    Unavailable {
        status: u16,
        /// What its page says, bounded.
        excerpt: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The request was sent and no whole answer came. A write may have been, or may yet be, carried out.
    #[error("what became of the call is not known: {why}")]
    Unknown {
        /// The network's reason, or Moodle's code.
        why: String,
    },
    /// An answer came that Moodle would not give. A write may have been carried out.
    #[error("not an answer of Moodle: {excerpt}")]
    Malformed {
        /// What came instead, bounded (see [`rollbook_remote::words::make_excerpt`]).
        excerpt: String,
    },
}

impl MoodleError {
    /// Whether any byte of the request may have arrived.
    pub fn was_sent(&self) -> bool {
        !matches!(self, Self::NotSent { .. })
    }

    /// Whether a write may have had an effect: then re-read before anything else.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::NotSent { .. }
            | Self::RateLimited { .. }
            | Self::Maintenance { .. }
            | Self::Misaddressed { .. }
            | Self::Denied { .. }
            | Self::Refused { .. } => false,
            Self::Unavailable { .. } | Self::Unknown { .. } | Self::Malformed { .. } => true,
        }
    }

    /// Whether the call may succeed a little later (a write: after [`Self::may_have_acted`] was heeded).
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotSent { .. }
            | Self::RateLimited { .. }
            | Self::Maintenance { .. }
            | Self::Unavailable { .. }
            | Self::Unknown { .. } => true,
            Self::Misaddressed { .. } | Self::Denied { .. } | Self::Refused { .. } | Self::Malformed { .. } => false,
        }
    }

    /// Whether a refusal may come from another writer at the same moment (unique key, deadlock): the same code also
    /// stands for a value that is too long, so re-read and try once more, not for ever.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some("dmlwriteexception")
    }

    /// Moodle's `errorcode`, where it gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Maintenance { code, .. } | Self::Denied { code, .. } | Self::Refused { code, .. } => Some(code),
            Self::NotSent { .. }
            | Self::RateLimited { .. }
            | Self::Misaddressed { .. }
            | Self::Unavailable { .. }
            | Self::Unknown { .. }
            | Self::Malformed { .. } => None,
        }
    }

    /// Moodle's own words, for the journal.
    pub fn words(&self) -> Option<&Words> {
        match self {
            Self::Denied { words, .. } | Self::Refused { words, .. } => Some(words),
            _ => None,
        }
    }
}

impl From<Fault> for MoodleError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NotSent(why) => Self::NotSent { why },
            Fault::Unknown(why) => Self::Unknown { why },
            Fault::TooLong { bytes_max } => {
                Self::Malformed { excerpt: format!("an answer of more than {bytes_max} bytes") }
            }
        }
    }
}

impl Passing for MoodleError {
    /// Two readings at once of somebody whom Moodle has never shown before may refuse one of them: reading makes a row.
    fn is_transient(&self) -> bool {
        Self::is_transient(self) || self.is_conflict()
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after }
            | Self::Maintenance { retry_after, .. }
            | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

// Judges one answer: a value, or a named failure. Moodle answers nearly every failure with HTTP 200.
//
// It must never take an answer for a success that it could not parse to the last byte, and never match on the
// exception's class (renamed in 4.5) or message (translated). Next: [`super::error`] for the meanings.

/// Codes that concern the token, the account or the service, never an item of the call.
const DENIALS: &[&str] = &[
    "invalidtoken",
    "accessexception",
    "forcepasswordchangenotice",
    "wsaccessusersuspended",
    "wsaccessuserunconfirmed",
    "wsaccessuserdeleted",
    "wsaccessusernologin",
    "wsaccessuserexpired",
    "reverseproxyabused",
    "restoredaccountresetpassword",
    "sitepolicynotagreed",
];
/// Codes by which the site says that it cannot serve now.
const PAUSES: &[&str] = &["sitemaintenance", "upgraderunning", "dbconnectionfailed"];

/// The error envelope. `errorcode` is absent for a PHP `Error`, `debuginfo` unless the site debugs.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    exception: Option<String>,
    #[serde(default)]
    errorcode: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    debuginfo: Option<String>,
    /// Of `login/token.php`-like answers, which a proxy in front may borrow.
    #[serde(default)]
    error: Option<String>,
}

/// Reads the answer to `function` as `T`.
///
/// # Errors
/// Every [`MoodleError`] but `NotSent` and `RateLimited`-by-network: see there.
pub(super) fn read_answer<T: DeserializeOwned>(function: Function, answer: &Answer) -> Result<T, MoodleError> {
    let body = strip_bom(&answer.body);
    // An envelope counts under every status; today Moodle sends it with 200.
    if body.first() == Some(&b'{')
        && let Ok(envelope) = serde_json::from_slice::<Envelope>(body)
        && (envelope.exception.is_some() || envelope.errorcode.is_some())
    {
        return Err(classify_envelope(function, envelope, answer));
    }
    if answer.status != 200 {
        return Err(classify_status(function, answer));
    }
    if let Some(code) = find_xml_code(body) {
        return Err(classify_xml(function, code));
    }
    serde_json::from_slice(body).map_err(|error| MoodleError::Malformed {
        excerpt: match error.classify() {
            // The words of serde may quote a value, so only the place is told.
            serde_json::error::Category::Data => {
                format!("JSON of another shape, line {} column {}", error.line(), error.column())
            }
            _ => make_excerpt(body),
        },
    })
}

fn classify_envelope(function: Function, envelope: Envelope, answer: &Answer) -> MoodleError {
    let Envelope { exception: _, errorcode, message, debuginfo, error } = envelope;
    let code = make_code(errorcode.as_deref());
    let words = [message, error, debuginfo].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let (function, kind, words) = (function.name(), function.kind(), Words::new(&words));
    if PAUSES.contains(&code.as_str()) {
        MoodleError::Maintenance { code, retry_after: answer.retry_after }
    } else if DENIALS.contains(&code.as_str()) {
        MoodleError::Denied { function, code, words }
    } else if code == "invalidresponse" && kind == Kind::Write {
        // The result is checked after the work was committed.
        MoodleError::Unknown { why: "invalidresponse: the work was done, its result could not be told".to_owned() }
    } else {
        MoodleError::Refused { function, code, words }
    }
}

fn make_code(code: Option<&str>) -> String {
    match code {
        None | Some("") => CODE_NONE.to_owned(),
        Some(code) if code.contains('<') => CODE_HTML.to_owned(),
        Some(code) => code.chars().filter(|c| c.is_ascii_graphic()).take(80).collect(),
    }
}

fn classify_status(function: Function, answer: &Answer) -> MoodleError {
    let excerpt = make_excerpt(&answer.body);
    let name = function.name();
    let code = format!("http_{}", answer.status);
    match answer.status {
        // Moodle redirects to its own address when called by another; 404 is another site or a wrong path.
        300..=399 | 404 => MoodleError::Misaddressed { status: answer.status, location: answer.location.clone() },
        // 403 with an empty body: web services, or their REST protocol, are switched off.
        401 | 403 => MoodleError::Denied { function: name, code, words: Words::new(&excerpt) },
        413 | 414 => {
            MoodleError::Refused { function: name, code: CODE_BODY_TOO_LARGE.to_owned(), words: Words::new(&excerpt) }
        }
        429 => MoodleError::RateLimited { retry_after: answer.retry_after },
        400..=499 => MoodleError::Refused { function: name, code, words: Words::new(&excerpt) },
        // Moodle's own maintenance page (CLI maintenance) names a time; a proxy's 503 proves nothing.
        503 if answer.retry_after.is_some() => MoodleError::Maintenance { code, retry_after: answer.retry_after },
        500.. => MoodleError::Unavailable { status: answer.status, excerpt, retry_after: answer.retry_after },
        _ => MoodleError::Malformed { excerpt: format!("HTTP {}, {excerpt}", answer.status) },
    }
}

/// The code of an XML error, empty for XML without one; `None` when the body is not XML.
fn find_xml_code(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?.trim_start();
    if !text.starts_with("<?xml") {
        return None;
    }
    let code = text.split("<ERRORCODE>").nth(1).and_then(|rest| rest.split("</ERRORCODE>").next());
    Some(code.unwrap_or_default())
}

/// XML means that the format parameter was lost. Token, function and format stand first in the body, so with
/// `invalidtoken` the whole body was lost: it exceeded PHP's `post_max_size`, and nothing was done.
fn classify_xml(function: Function, code: &str) -> MoodleError {
    if code == "invalidtoken" {
        let words = Words::new("the body was lost on the way (post_max_size)");
        MoodleError::Refused { function: function.name(), code: CODE_BODY_TOO_LARGE.to_owned(), words }
    } else {
        MoodleError::Malformed { excerpt: "XML instead of JSON".to_owned() }
    }
}
