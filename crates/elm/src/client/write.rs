//! Reports completions to the ELM, one POST each.
//!
//! It must never send one twice by itself: a time-out or a server's failure is [`CompletionError::Unknown`], to be
//! settled by a lookup or by a person. The body is made by `rollbook_core`, byte for byte.

use super::auth::{FeedAuth, Signer};
use super::error::{CompletionError, read_error};
use super::receipt::{Verdict, read_receipt};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use reqwest::{Client, RequestBuilder, Url};
use rollbook_core::policy::ReceiptRules;
use rollbook_remote::http::{self, Answer, SetupError};
use rollbook_remote::measure::{Called, host_of};
use rollbook_remote::words::{Words, make_excerpt, strip_bom};
use secrecy::SecretString;
use serde_json::{Map, Value};
use std::time::Duration;

/// Most bytes of an answer.
const BYTES_MAX: usize = 1024 * 1024;

/// How to reach the completion endpoint.
#[derive(Clone, Debug)]
pub struct CompletionOptions {
    /// By which calls are counted: the site's name.
    pub site: String,
    /// Where completions are posted.
    pub url: String,
    /// Who Rollbook is there.
    pub auth: FeedAuth,
    /// What its answers mean.
    pub receipts: ReceiptRules,
    /// The header that carries the key of one completion, the same for every attempt, so that an ELM that knows it can
    /// tell a repeat.
    pub key_header: String,
    /// Where a completion can be looked up, if anywhere: an address with `{enrolment}`, `{course}` or `{guid}` in
    /// its query or path, which are filled in escaped, quotes doubled.
    pub lookup_url: Option<String>,
    /// For one request.
    pub timeout: Duration,
}

/// What a look-up asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookUpKey<'a> {
    /// The ELM's id of the enrolment.
    pub enrolment: &'a str,
    /// The ELM's id of the course.
    pub course: &'a str,
    /// The person's GUID.
    pub guid: &'a str,
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
    site: String,
    http: Client,
    url: Url,
    signer: Signer,
    receipts: ReceiptRules,
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
        let url = url.into();
        Self {
            site: host_of(&url),
            url,
            auth: FeedAuth::Header { name: "x-cdata-authtoken".to_owned(), token },
            receipts: ReceiptRules::default(),
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
        let CompletionOptions { site, url, auth, receipts, key_header, lookup_url, timeout } = options;
        let url = http::parse_url("the completion address", &url)?;
        if let Some(template) = &lookup_url {
            http::parse_url("the completion lookup address", &fill_template(template, ["1", "1", "1"]))?;
        }
        Ok(Self {
            site,
            http: http::make_client(&url, timeout)?,
            signer: Signer::new("the completion token", &auth)?,
            receipts,
            key_header: http::parse_header_name("the completion key header", &key_header)?,
            url,
            lookup_url,
        })
    }

    /// Whether the ELM can be asked if it has a completion.
    pub fn can_look_up(&self) -> bool {
        self.lookup_url.is_some()
    }

    /// Sends one completion, once: `body` as it is. `key` names it in all attempts; visible ASCII.
    ///
    /// # Errors
    /// [`CompletionError`]; a success is a 2xx whose body does not say otherwise (the original took a redirect for one, too).
    pub async fn send(&self, body: &str, key: &str) -> Result<Receipt, CompletionError> {
        let request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body.to_owned());
        let call = async {
            let answer = self.exchange(request.header(&self.key_header, key)).await?;
            match answer.status {
                200..=299 => self.read_receipt(&answer),
                _ => Err(self.classify_refusal(&answer)),
            }
        };
        Called { site: &self.site, function: "send_completion" }.measure(call).await
    }

    /// Asks whether the ELM has a completion.
    ///
    /// # Errors
    /// [`CompletionError`]: then nothing is known.
    pub async fn fetch_lookup(&self, key: LookUpKey<'_>) -> Result<Lookup, CompletionError> {
        let Some(template) = &self.lookup_url else { return Ok(Lookup::Unsupported) };
        let LookUpKey { enrolment, course, guid } = key;
        let filled = fill_template(template, [enrolment, course, guid]);
        let url = Url::parse(&filled)
            .map_err(|_| CompletionError::NotSent { why: "the lookup address cannot be filled in".to_owned() })?;
        let call = async {
            let answer = self.exchange(self.http.get(url)).await?;
            match answer.status {
                200 => read_lookup(&answer.body),
                204 | 404 => Ok(Lookup::Nothing),
                _ => Err(self.classify_refusal(&answer)),
            }
        };
        Called { site: &self.site, function: "look_up_completion" }.measure(call).await
    }

    /// A 2xx is believed, unless its body is a proxy's page, breaks off, or says otherwise. An empty one is believed only
    /// where nobody can look.
    fn read_receipt(&self, answer: &Answer) -> Result<Receipt, CompletionError> {
        let body = strip_bom(&answer.body).trim_ascii();
        let verdict = match body.first() {
            None if answer.status == 200 && self.can_look_up() => Verdict::Doubtful,
            None => Verdict::Accepted,
            Some(b'{' | b'[') => match serde_json::from_slice::<Value>(body) {
                Ok(value) => read_receipt(&self.receipts, &value),
                Err(_) => Verdict::Doubtful,
            },
            Some(b'<') if !body.starts_with(b"<?xml") => Verdict::Doubtful,
            Some(b'<') => Verdict::Accepted,
            Some(_) if answer.content_type == "text/html" => Verdict::Doubtful,
            Some(_) => Verdict::Accepted,
        };
        let status = answer.status;
        match verdict {
            Verdict::Accepted => Ok(Receipt { status, words: Words::new(&String::from_utf8_lossy(body)) }),
            Verdict::Refused(code, message) => {
                Err(CompletionError::Refused { status, code, words: Words::new(&message) })
            }
            Verdict::Doubtful => {
                let why = format!("HTTP {status} with {}", make_excerpt(&answer.body));
                Err(CompletionError::Unknown { why, retry_after: answer.retry_after })
            }
        }
    }

    fn classify_refusal(&self, answer: &Answer) -> CompletionError {
        let (status, retry_after) = (answer.status, answer.retry_after);
        let unknown = || {
            let why = format!("HTTP {status}, {}", make_excerpt(&answer.body));
            CompletionError::Unknown { why, retry_after }
        };
        match status {
            // Too slow, too early, too many: nothing was taken.
            408 | 425 | 429 => CompletionError::RateLimited { retry_after },
            // Nothing was processed: 307 and 308 say so, the others by their nature. A 303 may thank for what was taken.
            304..=399 | 401 | 403 | 404 | 405 => CompletionError::Denied { status },
            // A conflict may be with the same completion, taken before: whoever sent it knows whether an answer was lost.
            409 if self.can_look_up() => unknown(),
            400..=499 => {
                let (code, words) = read_error(answer);
                CompletionError::Refused { status, code, words }
            }
            _ => unknown(),
        }
    }

    /// Sends a request, once. A token that was refused is renewed for the next one: a report is never sent twice here.
    async fn exchange(&self, request: RequestBuilder) -> Result<Answer, CompletionError> {
        let (request, token) = self.signer.sign(&self.http, request.header(ACCEPT, "application/json")).await?;
        let answer = http::exchange(request, BYTES_MAX).await?;
        if answer.status == 401 {
            self.signer.renew_after(token).await;
        }
        Ok(answer)
    }
}

/// A collection (`{"value": […]}`, or `{"d": {"results": […]}}`), or one record.
fn read_lookup(body: &[u8]) -> Result<Lookup, CompletionError> {
    let body = strip_bom(body);
    let malformed = || CompletionError::Malformed { excerpt: make_excerpt(body) };
    let mut object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| malformed())?;
    if object.contains_key("error") {
        return Err(malformed());
    }
    if let Some(Value::Object(inner)) = object.remove("d") {
        object = inner;
    }
    let records = match object.remove("value").or_else(|| object.remove("results")) {
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
