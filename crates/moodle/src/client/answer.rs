//! Judges one answer: a value, or a named failure. Moodle answers nearly every failure with HTTP 200.
//!
//! It must never take an answer for a success that it could not parse to the last byte, and never match on the
//! exception's class (renamed in 4.5) or message (translated). Next: [`super::error`] for the meanings.

use super::error::{CODE_BODY_TOO_LARGE, CODE_HTML, CODE_NONE, MoodleError};
use super::function::{Function, Kind};
use rollbook_remote::http::Answer;
use rollbook_remote::words::{Words, make_excerpt, strip_bom};
use serde::Deserialize;
use serde::de::DeserializeOwned;

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
        return Err(judge_envelope(function, envelope, answer));
    }
    if answer.status != 200 {
        return Err(judge_status(function, answer));
    }
    if let Some(code) = find_xml_code(body) {
        return Err(judge_xml(function, code));
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

fn judge_envelope(function: Function, envelope: Envelope, answer: &Answer) -> MoodleError {
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

fn judge_status(function: Function, answer: &Answer) -> MoodleError {
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
fn judge_xml(function: Function, code: &str) -> MoodleError {
    if code == "invalidtoken" {
        let words = Words::new("the body was lost on the way (post_max_size)");
        MoodleError::Refused { function: function.name(), code: CODE_BODY_TOO_LARGE.to_owned(), words }
    } else {
        MoodleError::Malformed { excerpt: "XML instead of JSON".to_owned() }
    }
}
