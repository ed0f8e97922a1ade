//! The learner log: every record with its outcome, searched, filtered, sorted and paged by the address alone.
//!
//! Reading order: `query`, how an address and a query become each other, and `export`, the same as CSV.

mod export;
mod query;

pub(super) use export::export_log;

use super::views::record::{RecordRow, action_label, record_row};
use crate::layout::{Layout, NextPage, PageContext, PageLocation, PageResult, SelectOption, code_label, show};
use crate::pages::extract::QueryParams;

use askama::Template;
use query::LogPageQuery;
use rollbook_core::model::LinkName;
use rollbook_core::run::OutcomeCode;

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
    layout: Layout,
    query: LogPageQuery,
    is_filtered: bool,
    error: String,
    links: Vec<SelectOption>,
    statuses: Vec<SelectOption>,
    actions: Vec<SelectOption>,
    codes: Vec<SelectOption>,
    heads: Vec<ColumnHead>,
    rows: Vec<RecordRow>,
    next: Option<NextPage>,
    first: String,
    csv: String,
    /// The filters that apply, each with the address without it.
    chips: Vec<Chip>,
}

struct Chip {
    label: String,
    path: String,
}

/// The head of a column, perhaps with the way to sort by it.
struct ColumnHead {
    label: &'static str,
    path: String,
    /// `ascending`, `descending` or empty.
    sorted: &'static str,
}

pub(super) async fn show_log(context: PageContext, QueryParams(query): QueryParams<LogPageQuery>) -> PageResult {
    let times = context.times(query.link().as_ref());
    let (log_query, error) = query.query(&times);
    let page = context.state.journal.records().log(&log_query).await?;
    let next = page.next.map(|key| NextPage { path: query.path_with(&[("after", &key.to_string())]) });
    let names: Vec<&LinkName> = context.state.settings.links.keys().collect();
    let any = |label: &str| ("", label.to_owned());
    let links = names.iter().map(|name| (name.as_str(), name.to_string()));
    let codes = OutcomeCode::ALL.iter().map(|code| (code.as_str(), code_label(*code)));
    let view = LogPage {
        layout: context.layout("Learner log", PageLocation::Log).await?,
        is_filtered: query.is_filtered(),
        error,
        links: SelectOption::list(std::iter::once(any("all")).chain(links), &query.link),
        statuses: SelectOption::list(
            std::iter::once(any("any")).chain(STATUSES.map(|word| (word, word.to_owned()))),
            &query.status,
        ),
        actions: SelectOption::list(
            std::iter::once(any("any")).chain(ACTIONS.map(|word| (word, action_label(word)))),
            &query.action,
        ),
        codes: SelectOption::list(std::iter::once(any("any")).chain(codes), &query.code),
        heads: heads(&query),
        rows: page.rows.iter().map(|row| record_row(row, &context.state.settings, &times)).collect(),
        next,
        first: if query.after.is_empty() { String::new() } else { query.path_with(&[("after", "")]) },
        csv: query.csv_path(),
        chips: query
            .filters()
            .into_iter()
            .map(|(label, name)| Chip { label, path: query.path_with(&[(name, ""), ("after", "")]) })
            .collect(),
        query,
    };
    show(&view)
}

fn heads(query: &LogPageQuery) -> Vec<ColumnHead> {
    let columns: [(&str, &str); 7] = [
        ("When", "time"),
        ("Outcome", ""),
        ("Action", ""),
        ("Person", "guid"),
        ("Mail", "mail"),
        ("Course", "course"),
        ("Enrolment", "enrolment"),
    ];
    let head = |(label, sort): (&'static str, &str)| {
        let is_sorted = !sort.is_empty() && query.sort_word() == sort && query.q.trim().is_empty();
        let next = if is_sorted && !query.is_ascending() { "up" } else { "" };
        let path = query.path_with(&[("sort", sort), ("order", next), ("after", "")]);
        ColumnHead {
            label,
            path: if sort.is_empty() || !query.q.trim().is_empty() { String::new() } else { path },
            sorted: match (is_sorted, query.is_ascending()) {
                (false, _) => "",
                (true, true) => "ascending",
                (true, false) => "descending",
            },
        }
    };
    columns.map(head).into_iter().collect()
}
