//! `[site.NAME.completion]`: where an ELM takes completions, and in which words.
//!
//! Next: [`crate::link`], whose completions flow sends them.

use crate::kind::{Day, Header, Lasting, Name, Text, Web};
use crate::read::Section;
use jiff::civil::Date;
use reqwest::Url;
use secrecy::SecretString;
use std::time::Duration;

/// Where completions go.
#[derive(Clone, Debug)]
pub struct CompletionTarget {
    /// Each completion is POSTed here.
    pub url: Url,
    /// What the feed's header carries here; the feed's own token when `None`.
    pub token: Option<SecretString>,
    /// The collection in which a sent completion can be found again after an answer was lost.
    pub lookup_url: Option<Url>,
    /// The header that carries the same key each time one completion is sent.
    pub idempotency_header: String,
    /// The time one call may take.
    pub timeout: Duration,
    /// What the body calls things.
    pub fields: CompletionFields,
    /// What the body says of every completion.
    pub constants: CompletionConstants,
}

/// What the body calls each field, in the order in which it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named as what it holds; rollbook.example.toml explains them to the operator")]
pub struct CompletionFields {
    pub complete_date: String,
    pub course_state: String,
    pub enrolment_id: String,
    pub user_state: String,
    pub user_effective_date: String,
    pub course: String,
    pub short_name: String,
    pub mail: String,
    pub guid: String,
    pub first_name: String,
    pub last_name: String,
}

/// What the body says of every completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionConstants {
    /// `Complete`
    pub course_state: String,
    /// `Active`
    pub user_state: String,
    /// A day that the ELM wants and does not use.
    pub user_effective_date: Date,
}

pub(super) fn read(section: &mut Section<'_>) -> Option<CompletionTarget> {
    let url = super::address("url", section);
    let token = section.optional_secret("token");
    let lookup_url = section.optional("lookup_url", Web);
    let idempotency_header = section.or("idempotency_header", "idempotency-key", Header);
    let timeout = section.or("timeout", "30s", Lasting("1s", "10m"));
    let fields = section.defaults("fields", fields);
    let constants = section.defaults("constants", |section| CompletionConstants {
        course_state: section.or("course_state", "Complete", Text(40)),
        user_state: section.or("user_state", "Active", Text(40)),
        user_effective_date: section.or("user_effective_date", "2017-02-14", Day),
    });
    Some(CompletionTarget { url: url?, token, lookup_url, idempotency_header, timeout, fields, constants })
}

fn fields(section: &mut Section<'_>) -> CompletionFields {
    let mut field = |key: &str, default: &str| section.or(key, default, Name(64));
    CompletionFields {
        complete_date: field("complete_date", "COURSE_COMPLETE_DATE"),
        course_state: field("course_state", "COURSE_STATE"),
        enrolment_id: field("enrolment_id", "ENROLMENT_ID"),
        user_state: field("user_state", "USER_STATE"),
        user_effective_date: field("user_effective_date", "USER_EFFECTIVE_DATE"),
        course: field("course", "COURSE_IDENTIFIER"),
        short_name: field("short_name", "COURSE_SHORTNAME"),
        mail: field("mail", "EMAIL"),
        guid: field("guid", "GUID"),
        first_name: field("first_name", "FIRST_NAME"),
        last_name: field("last_name", "LAST_NAME"),
    }
}
