//! Reports completions to the ELM, one POST each.
//!
//! It must never send one twice by itself: a time-out or a server's failure is [`CompletionError::Unknown`], to be
//! settled by a lookup or by a person. Next: `wire.rs` for the body.

use super::error::{CompletionError, read_error};
use super::read::make_secret_value;
use super::wire::{WireCompletion, make_id};
use crate::clients::http::{self, Answer, SetupError};
use crate::clients::words::{Words, make_excerpt, strip_bom};
use jiff::civil::Date;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Url};
use rollbook_core::model::{ElmCourseId, EnrolmentId, Guid};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::time::Duration;

/// Most bytes of an answer.
const BYTES_MAX: usize = 1024 * 1024;

/// How to reach the completion endpoint.
#[derive(Clone, Debug)]
pub struct CompletionOptions {
    /// Where completions are posted.
    pub url: String,
    /// The header that carries the token.
    pub header_name: String,
    /// The token.
    pub token: SecretString,
    /// The header that carries the key of one completion, the same for every attempt, so that an ELM that knows it can
    /// tell a repeat.
    pub key_header: String,
    /// Where a completion can be looked up, if anywhere: an address with `{enrolment}`, `{course}` or `{guid}` in
    /// its query or path, which are filled in escaped, quotes doubled.
    pub lookup_url: Option<String>,
    /// For one request.
    pub timeout: Duration,
}

/// A completion to be reported.
#[derive(Clone, PartialEq)]
pub struct Completion {
    /// The day of completion, in the ELM's zone.
    pub complete_date: Date,
    /// `Complete`.
    pub course_state: String,
    /// The ELM's own id of the enrolment. Sent as a number where it is one.
    pub enrolment: EnrolmentId,
    /// `Active`.
    pub user_state: String,
    /// A constant that the ELM wants.
    pub user_effective_date: Date,
    /// The ELM's id of the course. Sent as a number where it is one.
    pub course: ElmCourseId,
    /// The class code.
    pub course_shortname: String,
    /// The person's address.
    pub mail: String,
    /// The person's GUID.
    pub guid: Guid,
    /// The person's first name.
    pub first_name: String,
    /// The person's last name.
    pub last_name: String,
}

impl std::fmt::Debug for Completion {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Completion(enrolment {}, course {})", self.enrolment, self.course)
    }
}

/// The ELM took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// 200 to 299.
    pub status: u16,
    /// What the ELM answered: for the journal.
    pub words: Words,
}

/// What a lookup found.
#[derive(Clone, PartialEq)]
pub enum Lookup {
    /// No lookup is configured: nothing can be said.
    Unsupported,
    /// The ELM has none.
    Nothing,
    /// The ELM has these records.
    Found(Vec<Map<String, Value>>),
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsupported => out.write_str("Unsupported"),
            Self::Nothing => out.write_str("Nothing"),
            Self::Found(records) => write!(out, "Found({} records)", records.len()),
        }
    }
}

/// Reports completions to one ELM.
#[derive(Clone)]
pub struct CompletionClient {
    http: Client,
    url: Url,
    header: (HeaderName, HeaderValue),
    key_header: HeaderName,
    lookup_url: Option<String>,
}

impl std::fmt::Debug for CompletionClient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "CompletionClient({}{})", self.url.host_str().unwrap_or_default(), self.url.path())
    }
}

impl CompletionOptions {
    /// The defaults: CData's header, `Idempotency-Key`, no lookup, 30 s.
    pub fn new(url: impl Into<String>, token: SecretString) -> Self {
        Self {
            url: url.into(),
            header_name: "x-cdata-authtoken".to_owned(),
            token,
            key_header: "Idempotency-Key".to_owned(),
            lookup_url: None,
            timeout: Duration::from_secs(30),
        }
    }
}

impl CompletionClient {
    /// Prepares the client; nothing is sent.
    ///
    /// # Errors
    /// An unusable address, header name, token or lookup address.
    pub fn new(options: CompletionOptions) -> Result<Self, SetupError> {
        let CompletionOptions { url, header_name, token, key_header, lookup_url, timeout } = options;
        let url = http::parse_url("the completion address", &url)?;
        if let Some(template) = &lookup_url {
            http::parse_url("the completion lookup address", &fill_template(template, ["1", "1", "1"]))?;
        }
        let name = http::parse_header_name("the completion token header", &header_name)?;
        Ok(Self {
            http: http::make_client(&url, timeout)?,
            header: (name, make_secret_value("the completion token", &token)?),
            key_header: http::parse_header_name("the completion key header", &key_header)?,
            url,
            lookup_url,
        })
    }

    /// Sends one completion, once. `key` names it in all attempts; visible ASCII.
    ///
    /// # Errors
    /// [`CompletionError`]; a success is any 2xx and nothing else (the original also took a redirect for one).
    pub async fn send(&self, completion: &Completion, key: &str) -> Result<Receipt, CompletionError> {
        let body = make_body(completion);
        let request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        let answer = http::exchange(self.admit(request).header(&self.key_header, key), BYTES_MAX).await?;
        match answer.status {
            200..=299 => {
                Ok(Receipt { status: answer.status, words: Words::new(&String::from_utf8_lossy(&answer.body)) })
            }
            _ => Err(judge_refusal(&answer)),
        }
    }

    /// Asks whether the ELM has a completion.
    ///
    /// # Errors
    /// [`CompletionError`]: then nothing is known.
    pub async fn fetch_lookup(&self, completion: &Completion) -> Result<Lookup, CompletionError> {
        let Some(template) = &self.lookup_url else { return Ok(Lookup::Unsupported) };
        let Completion { enrolment, course, guid, .. } = completion;
        let filled = fill_template(template, [enrolment.as_str(), course.as_str(), guid.as_str()]);
        let url = Url::parse(&filled)
            .map_err(|_| CompletionError::NotSent { why: "the lookup address cannot be filled in".to_owned() })?;
        let answer = http::exchange(self.admit(self.http.get(url)), BYTES_MAX).await?;
        match answer.status {
            200 => read_lookup(&answer.body),
            204 | 404 => Ok(Lookup::Nothing),
            _ => Err(judge_refusal(&answer)),
        }
    }

    fn admit(&self, request: RequestBuilder) -> RequestBuilder {
        let (name, value) = &self.header;
        request.header(name, value).header(ACCEPT, "application/json")
    }
}

fn make_body(completion: &Completion) -> String {
    let Completion { complete_date, course_state, enrolment, user_state, user_effective_date, course, .. } = completion;
    let Completion { course_shortname, mail, guid, first_name, last_name, .. } = completion;
    let wire = WireCompletion {
        COURSE_COMPLETE_DATE: complete_date.to_string(),
        COURSE_STATE: course_state,
        ENROLMENT_ID: make_id(enrolment.as_str()),
        USER_STATE: user_state,
        USER_EFFECTIVE_DATE: user_effective_date.to_string(),
        COURSE_IDENTIFIER: make_id(course.as_str()),
        COURSE_SHORTNAME: course_shortname,
        EMAIL: mail,
        GUID: guid.as_str(),
        FIRST_NAME: first_name,
        LAST_NAME: last_name,
    };
    serde_json::to_string(&wire).expect("texts and numbers always serialise")
}

fn judge_refusal(answer: &Answer) -> CompletionError {
    let (status, retry_after) = (answer.status, answer.retry_after);
    match status {
        429 => CompletionError::RateLimited { retry_after },
        // Nothing was processed: 307 and 308 say so, the others by their nature. A 303 may thank for what was taken.
        304..=399 | 401 | 403 | 404 | 405 => CompletionError::Denied { status },
        400..=499 => {
            let (code, words) = read_error(answer);
            CompletionError::Refused { status, code, words }
        }
        _ => CompletionError::Unknown { why: format!("HTTP {status}, {}", make_excerpt(&answer.body)), retry_after },
    }
}

/// A collection (`{"value": […]}`), or one record.
fn read_lookup(body: &[u8]) -> Result<Lookup, CompletionError> {
    let body = strip_bom(body);
    let malformed = || CompletionError::Malformed { excerpt: make_excerpt(body) };
    let mut object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| malformed())?;
    if object.contains_key("error") {
        return Err(malformed());
    }
    let records = match object.remove("value") {
        Some(Value::Array(rows)) => rows
            .into_iter()
            .map(|row| match row {
                Value::Object(record) => Ok(record),
                _ => Err(malformed()),
            })
            .collect::<Result<Vec<_>, _>>()?,
        Some(_) => return Err(malformed()),
        None => vec![object],
    };
    Ok(if records.is_empty() { Lookup::Nothing } else { Lookup::Found(records) })
}

fn fill_template(template: &str, [enrolment, course, guid]: [&str; 3]) -> String {
    let escape = |text: &str| utf8_percent_encode(&text.replace('\'', "''"), NON_ALPHANUMERIC).to_string();
    template
        .replace("{enrolment}", &escape(enrolment))
        .replace("{course}", &escape(course))
        .replace("{guid}", &escape(guid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completion() -> Completion {
        Completion {
            complete_date: jiff::civil::date(2026, 11, 23),
            course_state: "Complete".to_owned(),
            enrolment: EnrolmentId::new("555001"),
            user_state: "Active".to_owned(),
            user_effective_date: jiff::civil::date(2017, 2, 14),
            course: ElmCourseId::new("930001"),
            course_shortname: "ITEM-1-1".to_owned(),
            mail: "HF.Ps1@Example.org".to_owned(),
            guid: Guid::new("HFPS1"),
            first_name: "Ps".to_owned(),
            last_name: "One".to_owned(),
        }
    }

    #[test]
    fn the_body_is_what_the_elm_has_always_been_sent() {
        assert_eq!(
            make_body(&completion()),
            r#"{"COURSE_COMPLETE_DATE":"2026-11-23","COURSE_STATE":"Complete","ENROLMENT_ID":555001,"USER_STATE":"Active","USER_EFFECTIVE_DATE":"2017-02-14","COURSE_IDENTIFIER":930001,"COURSE_SHORTNAME":"ITEM-1-1","EMAIL":"HF.Ps1@Example.org","GUID":"HFPS1","FIRST_NAME":"Ps","LAST_NAME":"One"}"#
        );
    }

    #[test]
    fn a_lookup_address_is_filled_in_escaped() {
        let filled =
            fill_template("https://e/C?$filter=ID%20eq%20{enrolment}%20and%20G%20eq%20'{guid}'", ["5", "", "O'B &"]);
        assert_eq!(filled, "https://e/C?$filter=ID%20eq%205%20and%20G%20eq%20'O%27%27B%20%26'");
    }

    #[test]
    fn a_lookup_finds_a_list_or_one_record_and_never_reads_an_error_as_nothing() {
        assert_eq!(read_lookup(b"{\"value\":[]}"), Ok(Lookup::Nothing));
        assert!(
            matches!(read_lookup(b"{\"value\":[{\"GUID\":\"A\"}]}"), Ok(Lookup::Found(records)) if records.len() == 1)
        );
        assert!(matches!(read_lookup(b"{\"GUID\":\"A\"}"), Ok(Lookup::Found(_))));
        for body in [&b"{\"error\":{\"code\":\"1\"}}"[..], b"[]", b"", b"<html>", b"{\"value\":[1]}"] {
            assert!(matches!(read_lookup(body), Err(CompletionError::Malformed { .. })));
        }
    }
}
