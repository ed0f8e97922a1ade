//! The learner log: every record with what became of it, searched, filtered, sorted and paged by the address alone.
//!
//! Next: `wanted`, how an address and a query become each other, and `export`, the same as CSV.

mod export;
mod wanted;

pub(super) use export::export_log;

use crate::layout::{
    Answer, Badge, Caller, Choice, Here, More, Shell, TimeFormatter, When, code_label, in_short, show, standing_badge,
};
use askama::Template;
use axum::extract::Query;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rollbook_core::model::{Field, Guid, LinkName};
use rollbook_core::run::OutcomeCode;
use rollbook_journal::LogRow;
pub(super) use wanted::Wanted;

const STATUSES: [&str; 4] = ["Success", "Error", "Waiting", "Skipped"];
const ACTIONS: [&str; 9] = [
    "Enrol",
    "Suspend",
    "Complete",
    "Manual Enrol",
    "Manual Suspend",
    "Course not found",
    "User create failure",
    "Email Mistatch",
    "Imported",
];

#[derive(Template)]
#[template(path = "pages/log.html")]
struct LogPage {
    shell: Shell,
    wanted: Wanted,
    is_filtered: bool,
    trouble: String,
    links: Vec<Choice>,
    statuses: Vec<Choice>,
    actions: Vec<Choice>,
    codes: Vec<Choice>,
    heads: Vec<Head>,
    rows: Vec<LogLine>,
    next: Option<More>,
    first: String,
    csv: String,
}

/// The head of a column, perhaps with the way to sort by it.
struct Head {
    label: &'static str,
    path: String,
    /// `ascending`, `descending` or empty.
    sorted: &'static str,
}

/// A line as the page shows it.
pub(super) struct LogLine {
    pub at: When,
    pub badge: Badge,
    pub action: String,
    pub person: String,
    pub guid: String,
    pub mail: Address,
    pub story: String,
    pub course: String,
    pub course_id: String,
    pub enrolment: String,
    pub reason: String,
    pub waits: Option<Waits>,
    pub attention: String,
}

pub(super) async fn show_log(caller: Caller, Query(wanted): Query<Wanted>) -> Answer {
    let clockwork = caller.clockwork(wanted.link().as_ref());
    let (query, trouble) = wanted.query(&clockwork);
    let page = caller.state.journal.records().log(&query).await?;
    let next = page.next.map(|key| More { path: wanted.path_with(&[("after", &key.to_string())]) });
    let names: Vec<&LinkName> = caller.state.settings.links.keys().collect();
    let any = |label: &str| ("", label.to_owned());
    let links = names.iter().map(|name| (name.as_str(), name.to_string()));
    let codes = OutcomeCode::ALL.iter().map(|code| (code.as_str(), code_label(*code)));
    let view = LogPage {
        shell: caller.shell("Learner log", Here::Log).await?,
        is_filtered: wanted.is_filtered(),
        trouble,
        links: Choice::list(std::iter::once(any("all")).chain(links), &wanted.link),
        statuses: Choice::list(
            std::iter::once(any("any")).chain(STATUSES.map(|word| (word, word.to_owned()))),
            &wanted.status,
        ),
        actions: Choice::list(
            std::iter::once(any("any")).chain(ACTIONS.map(|word| (word, shown(word)))),
            &wanted.action,
        ),
        codes: Choice::list(std::iter::once(any("any")).chain(codes), &wanted.code),
        heads: heads(&wanted),
        rows: page.rows.iter().map(|row| line(row, &clockwork)).collect(),
        next,
        first: if wanted.after.is_empty() { String::new() } else { wanted.path_with(&[("after", "")]) },
        csv: wanted.csv_path(),
        wanted,
    };
    show(&view)
}

/// The original misspelt one of its words; reports were written for that spelling, so it is only put right for the eye.
fn shown(action: &str) -> String {
    if action == "Email Mistatch" { "Email mismatch".to_owned() } else { action.to_owned() }
}

fn heads(wanted: &Wanted) -> Vec<Head> {
    let columns: [(&str, &str); 7] = [
        ("When", "time"),
        ("What became of it", ""),
        ("Action", ""),
        ("Person", "guid"),
        ("Mail", "mail"),
        ("Course", "course"),
        ("Enrolment", "enrolment"),
    ];
    let head = |(label, sort): (&'static str, &str)| {
        let is_sorted = !sort.is_empty() && wanted.sort_word() == sort && wanted.q.trim().is_empty();
        let next = if is_sorted && !wanted.is_ascending() { "up" } else { "" };
        let path = wanted.path_with(&[("sort", sort), ("order", next), ("after", "")]);
        Head {
            label,
            path: if sort.is_empty() || !wanted.q.trim().is_empty() { String::new() } else { path },
            sorted: match (is_sorted, wanted.is_ascending()) {
                (false, _) => "",
                (true, true) => "ascending",
                (true, false) => "descending",
            },
        }
    };
    columns.map(head).into_iter().collect()
}

/// A line of the log.
pub(super) fn line(row: &LogRow, clockwork: &TimeFormatter) -> LogLine {
    let text = |field: Field| row.text.get(field).to_owned();
    let name = format!("{} {}", text(Field::FirstName), text(Field::LastName));
    LogLine {
        at: clockwork.ago(row.at),
        badge: standing_badge(row.code, &row.standing, &row.status),
        action: shown(&row.action),
        person: name.trim().to_owned(),
        guid: text(Field::Guid),
        mail: Address::of(&text(Field::Mail)),
        story: story_path(&row.link, &text(Field::Guid), &text(Field::Course)),
        course: if row.course_name.is_empty() { text(Field::ShortName) } else { row.course_name.clone() },
        course_id: text(Field::Course),
        enrolment: text(Field::EnrolmentId),
        reason: if says_no_more(row) { String::new() } else { in_short(&row.reason) },
        waits: waits(row, clockwork),
        attention: row.attention.map(|item| format!("/attention/{item}")).unwrap_or_default(),
    }
}

/// Whether the reason repeats what the badge says.
fn says_no_more(row: &LogRow) -> bool {
    row.status == "Success" && matches!(row.code, OutcomeCode::Enrolled | OutcomeCode::Suspended)
}

/// A mail address; where it has no room in one line it goes on with its @ in the next.
#[derive(Template)]
#[template(path = "parts/address.html")]
pub(super) struct Address {
    name: String,
    place: String,
}

impl askama::filters::HtmlSafe for Address {}

impl Address {
    fn of(text: &str) -> Self {
        let at = text.find('@').unwrap_or(text.len());
        let (name, place) = text.split_at(at);
        Self { name: name.to_owned(), place: place.to_owned() }
    }
}

/// When a record is tried again: at a time to come, or by the next run.
#[derive(Template)]
#[template(path = "parts/waits.html")]
pub(super) struct Waits {
    at: Option<When>,
}

impl askama::filters::HtmlSafe for Waits {}

fn waits(row: &LogRow, clockwork: &TimeFormatter) -> Option<Waits> {
    let is_tried_again = matches!(row.standing.as_str(), "transient" | "awaited");
    let at = row.next_try.filter(|at| *at > clockwork.now);
    is_tried_again.then(|| Waits { at: clockwork.maybe(at) })
}

/// Where the story of a person is; empty where the record names nobody.
pub(super) fn story_path(link: &LinkName, guid: &str, course: &str) -> String {
    let guid = Guid::new(guid);
    if guid.folded().is_empty() {
        return String::new();
    }
    let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let course = if course.is_empty() { String::new() } else { format!("?course={}", part(course)) };
    format!("/people/{}/{}{course}", part(link.as_str()), part(guid.as_str()))
}
