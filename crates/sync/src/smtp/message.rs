//! Makes the mail: text and HTML side by side, marked as written by a machine.
//!
//! It must never let a value end its header line and begin another. Pure. Next: `session.rs`.

use super::error::SmtpError;
use jiff::Timestamp;
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use std::fmt;
use std::time::SystemTime;

/// Longest text or HTML, in bytes.
const BODY_MAX: usize = 1024 * 1024;
/// Longest header value, in bytes.
const HEADER_MAX: usize = 900;
/// Headers that are made here and cannot be given.
const OWN_HEADERS: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "return-path",
    "received",
    "auto-submitted",
];

/// One mail to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// `jane@example.org` or `Jane Doe <jane@example.org>`.
    pub to: String,
    /// As `to`.
    pub from: String,
    /// One line.
    pub subject: String,
    /// At most 1 MiB; plain text alone when absent.
    pub html: Option<String>,
    /// At most 1 MiB.
    pub text: String,
    /// `<unique@host>`, the same for every attempt at this mail, so that a mailbox can drop a repeat.
    pub message_id: String,
    /// The mail's date.
    pub date: Timestamp,
    /// Further headers, such as `Reply-To` or `List-Id`.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Mail({})", self.message_id)
    }
}

/// Makes the message, or says what is wrong with the mail.
pub(super) fn make_message(mail: &Mail) -> Result<Message, SmtpError> {
    let Mail { to, from, subject, html, text, message_id, date, headers } = mail;
    if !is_line(subject) {
        return Err(invalid("the subject is not one line"));
    }
    if !is_message_id(message_id) {
        return Err(invalid("the Message-ID is not of the form <unique@host>"));
    }
    if text.len() > BODY_MAX || html.as_ref().is_some_and(|html| html.len() > BODY_MAX) {
        return Err(invalid("the text is longer than 1 MiB"));
    }
    let mut builder = Message::builder()
        .to(parse_mailbox(to, "the recipient's address is unusable")?)
        .from(parse_mailbox(from, "the sender's address is unusable")?)
        .subject(subject)
        .message_id(Some(message_id.clone()))
        .date(SystemTime::from(*date))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    for (name, value) in headers {
        builder = builder.raw_header(make_header(name, value)?);
    }
    let message = match html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(text.clone(), html.clone())),
        None => builder.singlepart(SinglePart::plain(text.clone())),
    };
    message.map_err(|_| invalid("the mail cannot be put together"))
}

fn make_header(name: &str, value: &str) -> Result<HeaderValue, SmtpError> {
    let is_token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_token || OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(invalid("a further header has a name that cannot be given"));
    }
    if !is_line(value) {
        return Err(invalid("a further header is not one line"));
    }
    let name =
        HeaderName::new_from_ascii(name.to_owned()).map_err(|_| invalid("a further header has too long a name"))?;
    Ok(HeaderValue::new(name, value.to_owned()))
}

fn parse_mailbox(text: &str, why: &'static str) -> Result<Mailbox, SmtpError> {
    if !is_line(text) {
        return Err(invalid(why));
    }
    text.trim().parse().map_err(|_| invalid(why))
}

/// No line break, no control character of any kind, no Unicode line separator, and not endless.
fn is_line(text: &str) -> bool {
    text.len() <= HEADER_MAX && !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

fn is_message_id(text: &str) -> bool {
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or_default();
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'@' | b'"' | b'\\'))
    };
    text.len() <= 250 && inner.split_once('@').is_some_and(|(left, right)| is_part(left) && is_part(right))
}

fn invalid(why: &'static str) -> SmtpError {
    SmtpError::Invalid { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            to: "Zoë Doe <zoe@example.org>".to_owned(),
            from: "Learning <noreply@example.org>".to_owned(),
            subject: "Welcome to Café & Co".to_owned(),
            html: Some("<p>Hello</p>".to_owned()),
            text: "Hello\n.\nBye".to_owned(),
            message_id: "<r1.42@rollbook.example.org>".to_owned(),
            date: "2026-11-23T10:00:00Z".parse().unwrap(),
            headers: vec![("Reply-To".to_owned(), "help@example.org".to_owned())],
        }
    }

    fn format(mail: &Mail) -> String {
        String::from_utf8(make_message(mail).unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_mail_has_both_texts_and_says_that_a_machine_wrote_it() {
        let text = format(&mail());
        for line in [
            "Message-ID: <r1.42@rollbook.example.org>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Reply-To: help@example.org\r\n",
            "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(text.is_ascii());
        assert!(format(&Mail { html: None, ..mail() }).contains("Content-Type: text/plain"));
    }

    #[test]
    fn no_value_can_begin_another_header() {
        let break_in = "x\r\nBcc: everybody@example.org";
        let cases = [
            Mail { subject: break_in.to_owned(), ..mail() },
            Mail { subject: "x\u{2028}Bcc: y".to_owned(), ..mail() },
            Mail { to: format!("zoe@example.org{break_in}"), ..mail() },
            Mail { to: "a@example.org, b@example.org".to_owned(), ..mail() },
            Mail { to: "nobody".to_owned(), ..mail() },
            Mail { from: "N\nBcc: b@example.org <noreply@example.org>".to_owned(), ..mail() },
            Mail { message_id: "<a@b>\r\nBcc: c@d".to_owned(), ..mail() },
            Mail { message_id: "a@b".to_owned(), ..mail() },
            Mail { headers: vec![("X-A".to_owned(), break_in.to_owned())], ..mail() },
            Mail { headers: vec![("X-A: y\r\nBcc".to_owned(), "z".to_owned())], ..mail() },
            Mail { headers: vec![("bCC".to_owned(), "b@example.org".to_owned())], ..mail() },
            Mail { text: "x".repeat(BODY_MAX + 1), ..mail() },
        ];
        for (index, mail) in cases.iter().enumerate() {
            let error = make_message(mail).map(|message| String::from_utf8(message.formatted()));
            assert!(matches!(error, Err(SmtpError::Invalid { .. })), "{index}: {error:?}");
        }
    }
}
