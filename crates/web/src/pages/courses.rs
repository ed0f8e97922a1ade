//! Courses: the outcomes of each course's records, whether it opted in to completions, and the link into Moodle.

use super::views::moodle::MoodleUrls;
use super::views::record::log_path;
use crate::layout::{Layout, PageContext, PageLocation, PageResult, SelectOption, format_count, show};
use crate::pages::extract::QueryParams;
use askama::Template;
use form_urlencoded::byte_serialize;
use rollbook_core::model::LinkName;
use rollbook_journal::CourseCounts;
use rollbook_settings::link::Link;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A page shows so many courses; a search finds the others.
const SHOWN_MAX: usize = 500;

#[derive(Template)]
#[template(path = "pages/courses.html")]
struct CoursesPage {
    layout: Layout,
    query: CoursesPageQuery,
    links: Vec<SelectOption>,
    rows: Vec<CourseRow>,
    left_out: usize,
    heads: Vec<(&'static str, String, bool)>,
}

struct CourseRow {
    id: String,
    name: String,
    short_name: String,
    moodle: String,
    participants: String,
    log: String,
    opted_in: &'static str,
    enrolled: String,
    suspended: String,
    completed: String,
    waiting: u64,
    errors: u64,
    error_log: String,
    order: [u64; 5],
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CoursesPageQuery {
    q: String,
    link: String,
    sort: String,
}

/// Orders of the table besides the name, and the place of each in [`CourseRow::order`].
const ORDERS: [(&str, &str); 5] = [
    ("Enrolments", "enrolled"),
    ("Suspensions", "suspended"),
    ("Completions", "completed"),
    ("Waiting", "waiting"),
    ("Errors", "errors"),
];

pub(super) async fn show_courses(
    context: PageContext,
    QueryParams(query): QueryParams<CoursesPageQuery>,
) -> PageResult {
    let journal = &context.state.journal;
    let link = Some(query.link.trim()).filter(|link| !link.is_empty()).map(LinkName::new);
    let mut opted: BTreeSet<String> = BTreeSet::new();
    let mut has_completions = false;
    for completions in context.state.settings.completions() {
        has_completions = true;
        let found = journal.completions().opted_courses(&completions.link.name).await?;
        opted.extend(
            found
                .into_iter()
                .filter(|course| !course.withdrawn)
                .filter_map(|course| course.elm_id)
                .map(|id| id.to_string()),
        );
    }
    let words: Vec<String> = query.q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let tallies = by_course(&context, journal.records().course_totals(None).await?, link.as_ref());
    let fits = |tally: &&CourseCounts| {
        let text = format!("{} {} {}", tally.course, tally.name, tally.short_name).to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    let mut rows: Vec<CourseRow> =
        tallies.iter().filter(fits).map(|tally| course_row(&context, tally, &opted, has_completions)).collect();
    match ORDERS.iter().position(|(_, word)| *word == query.sort) {
        Some(at) => rows.sort_by_key(|row| std::cmp::Reverse(row.order[at])),
        None => rows.sort_by_key(|row| (row.name.to_lowercase(), row.id.clone())),
    }
    let left_out = rows.len().saturating_sub(SHOWN_MAX);
    rows.truncate(SHOWN_MAX);
    let path = |sort: &str| {
        let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        format!("/courses?q={}&link={}&sort={sort}", part(&query.q), part(&query.link))
    };
    let names = context.state.settings.intakes().map(|found| found.link.name.to_string());
    let names: Vec<String> = names.collect();
    let all = std::iter::once(("", "all".to_owned()));
    let page = CoursesPage {
        layout: context.layout("Courses", PageLocation::Courses).await?,
        links: SelectOption::list(all.chain(names.iter().map(|name| (name.as_str(), name.clone()))), &query.link),
        heads: ORDERS.map(|(label, word)| (label, path(word), query.sort == word)).to_vec(),
        rows,
        left_out,
        query,
    };
    show(&page)
}

/// One tally for each course of a Moodle: what its intakes did with it and what was reported of it belong together.
fn by_course(context: &PageContext, tallies: Vec<CourseCounts>, query: Option<&LinkName>) -> Vec<CourseCounts> {
    let links = &context.state.settings.links;
    let moodle = |link: &LinkName| match links.get(link) {
        Some(Link::Completions(link)) => Some(link.from.as_str().to_owned()),
        Some(link) => Some(link.ends().1.as_str().to_owned()),
        None => None,
    };
    let is_wanted = |tally: &CourseCounts| {
        query.is_none_or(|query| {
            let reports = matches!(links.get(&tally.link), Some(Link::Completions(_)));
            tally.link == *query || reports && moodle(&tally.link) == moodle(query)
        })
    };
    let mut courses = BTreeMap::<(Option<String>, String), CourseCounts>::new();
    for tally in tallies.into_iter().filter(is_wanted) {
        let key = (moodle(&tally.link), tally.course.to_string());
        let Some(known) = courses.get_mut(&key) else {
            courses.insert(key, tally);
            continue;
        };
        for (of, total) in &tally.totals {
            *known.totals.entry(of.clone()).or_default() += total;
        }
        // An intake knows where the course is in Moodle.
        if known.course_id.0 == 0 && tally.course_id.0 > 0 {
            *known = CourseCounts { totals: std::mem::take(&mut known.totals), ..tally };
        }
    }
    courses.into_values().collect()
}

fn course_row(
    context: &PageContext,
    tally: &CourseCounts,
    opted: &BTreeSet<String>,
    has_completions: bool,
) -> CourseRow {
    let sum = |fits: &dyn Fn(&str, &str) -> bool| -> u64 {
        let totals: &BTreeMap<(String, String), u64> = &tally.totals;
        totals.iter().filter(|((action, status), _)| fits(action, status)).map(|(_, total)| total).sum()
    };
    let enrolled = sum(&|action, status| action.contains("Enrol") && status == "Success");
    let suspended = sum(&|action, status| action.contains("Suspend") && status == "Success");
    let completed = sum(&|action, status| action == "Complete" && status == "Success");
    let waiting = sum(&|_, status| status == "Waiting");
    let errors = sum(&|_, status| status == "Error");
    let course = tally.course.to_string();
    let moodle = MoodleUrls::of(&context.state.settings, &tally.link);
    CourseRow {
        moodle: moodle.course(tally.course_id),
        participants: moodle.participants(tally.course_id),
        log: log_path(&[("course", &course)]),
        error_log: log_path(&[("course", &course), ("status", "Error")]),
        opted_in: match (has_completions, opted.contains(&course)) {
            (false, _) => "",
            (true, true) => "yes",
            (true, false) => "no",
        },
        name: match (course.as_str(), tally.name.as_str()) {
            ("", _) => "Records without a course".to_owned(),
            (_, "") => "Not in Moodle".to_owned(),
            (_, name) => name.to_owned(),
        },
        short_name: tally.short_name.clone(),
        id: course,
        enrolled: format_count(enrolled),
        suspended: format_count(suspended),
        completed: format_count(completed),
        waiting,
        errors,
        order: [enrolled, suspended, completed, waiting, errors],
    }
}
