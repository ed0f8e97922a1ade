//! A record of the log as a row, on whichever page shows it.

use super::moodle::MoodleUrls;
use crate::layout::{Badge, ShownTime, TimeFormatter, outcome_badge, summarise_response};
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rollbook_core::model::{Field, Guid, LinkName};
use rollbook_core::run::OutcomeCode;
use rollbook_journal::LogRow;
use rollbook_settings::Settings;

pub struct RecordRow {
    pub at: ShownTime,
    pub badge: Badge,
    pub action: String,
    pub person: String,
    pub guid: String,
    pub mail: MailAddress,
    pub person_path: String,
    pub course: String,
    pub course_id: String,
    /// The account and the participants of the course in Moodle; empty where they are not known.
    pub account_url: String,
    pub course_url: String,
    pub enrolment: String,
    pub reason: String,
    pub next_try: Option<NextTry>,
    pub attention: String,
}

/// The original misspelt one of its words; reports were written for that spelling, so it is only put right for the eye.
pub fn action_label(action: &str) -> String {
    if action == "Email Mistatch" { "Email mismatch".to_owned() } else { action.to_owned() }
}

pub fn record_row(row: &LogRow, settings: &Settings, times: &TimeFormatter) -> RecordRow {
    let moodle = MoodleUrls::of(settings, &row.link);
    let text = |field: Field| row.text.get(field).to_owned();
    let name = format!("{} {}", text(Field::FirstName), text(Field::LastName));
    RecordRow {
        at: times.ago(row.at),
        badge: outcome_badge(row.code, &row.standing, &row.status),
        action: action_label(&row.action),
        person: name.trim().to_owned(),
        guid: text(Field::Guid),
        mail: MailAddress::of(&text(Field::Mail)),
        person_path: person_path(&row.link, &text(Field::Guid), &text(Field::Course)),
        course: if row.course_name.is_empty() { text(Field::ShortName) } else { row.course_name.clone() },
        course_id: text(Field::Course),
        account_url: moodle.account(row.user_id),
        course_url: moodle.participants(row.course_id),
        enrolment: text(Field::EnrolmentId),
        reason: if repeats_badge(row) { String::new() } else { summarise_response(&row.reason) },
        next_try: next_try(row, times),
        attention: row.attention.map(|item| format!("/attention/{item}")).unwrap_or_default(),
    }
}

/// Whether the reason repeats what the badge says.
fn repeats_badge(row: &LogRow) -> bool {
    row.status == "Success" && matches!(row.code, OutcomeCode::Enrolled | OutcomeCode::Suspended)
}

/// A mail address; where it has no room in one line it goes on with its @ in the next.
#[derive(Template)]
#[template(path = "parts/mail_address.html")]
pub struct MailAddress {
    local_part: String,
    domain: String,
}

impl askama::filters::HtmlSafe for MailAddress {}

impl MailAddress {
    fn of(text: &str) -> Self {
        let at = text.find('@').unwrap_or(text.len());
        let (local_part, domain) = text.split_at(at);
        Self { local_part: local_part.to_owned(), domain: domain.to_owned() }
    }
}

/// When a record is tried again: at a time to come, or by the next run.
#[derive(Template)]
#[template(path = "parts/retry.html")]
pub struct NextTry {
    at: Option<ShownTime>,
}

impl askama::filters::HtmlSafe for NextTry {}

fn next_try(row: &LogRow, times: &TimeFormatter) -> Option<NextTry> {
    let is_tried_again = matches!(row.standing.as_str(), "transient" | "awaited");
    let at = row.next_try.filter(|at| *at > times.now);
    is_tried_again.then(|| NextTry { at: times.maybe(at) })
}

/// The log with these filters.
pub fn log_path(filters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(filters).finish();
    format!("/log?{query}")
}

/// The page of a person; empty where the record names nobody.
pub fn person_path(link: &LinkName, guid: &str, course: &str) -> String {
    let guid = Guid::new(guid);
    if guid.folded().is_empty() {
        return String::new();
    }
    let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let course = if course.is_empty() { String::new() } else { format!("?course={}", part(course)) };
    format!("/people/{}/{}{course}", part(link.as_str()), part(guid.as_str()))
}
