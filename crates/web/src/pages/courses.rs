//! Courses: per course what its records came to, whether it opted in to completions, and the way into Moodle.

use crate::layout::{Answer, Caller, Choice, Here, Shell, grouped, show};
use askama::Template;
use axum::extract::Query;
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
    shell: Shell,
    wanted: Wanted,
    links: Vec<Choice>,
    rows: Vec<CourseLine>,
    left_out: usize,
    heads: Vec<(&'static str, String, bool)>,
}

struct CourseLine {
    id: String,
    name: String,
    short_name: String,
    moodle: String,
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
pub(super) struct Wanted {
    q: String,
    link: String,
    sort: String,
}

/// Orders of the table besides the name, and the place of each in [`CourseLine::order`].
const ORDERS: [(&str, &str); 5] = [
    ("Enrolments", "enrolled"),
    ("Suspensions", "suspended"),
    ("Completions", "completed"),
    ("Waiting", "waiting"),
    ("Errors", "errors"),
];

pub(super) async fn show_courses(caller: Caller, Query(wanted): Query<Wanted>) -> Answer {
    let journal = &caller.state.journal;
    let link = Some(wanted.link.trim()).filter(|link| !link.is_empty()).map(LinkName::new);
    let mut opted: BTreeSet<String> = BTreeSet::new();
    let mut asks = false;
    for completions in caller.state.settings.completions() {
        asks = true;
        let found = journal.completions().opted_courses(&completions.link.name).await?;
        opted.extend(
            found
                .into_iter()
                .filter(|course| !course.withdrawn)
                .filter_map(|course| course.elm_id)
                .map(|id| id.to_string()),
        );
    }
    let words: Vec<String> = wanted.q.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let tallies = by_course(&caller, journal.records().course_totals(None).await?, link.as_ref());
    let fits = |tally: &&CourseCounts| {
        let text = format!("{} {} {}", tally.course, tally.name, tally.short_name).to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    let mut rows: Vec<CourseLine> =
        tallies.iter().filter(fits).map(|tally| line(&caller, tally, &opted, asks)).collect();
    match ORDERS.iter().position(|(_, word)| *word == wanted.sort) {
        Some(at) => rows.sort_by_key(|row| std::cmp::Reverse(row.order[at])),
        None => rows.sort_by_key(|row| (row.name.to_lowercase(), row.id.clone())),
    }
    let left_out = rows.len().saturating_sub(SHOWN_MAX);
    rows.truncate(SHOWN_MAX);
    let path = |sort: &str| {
        let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        format!("/courses?q={}&link={}&sort={sort}", part(&wanted.q), part(&wanted.link))
    };
    let names = caller.state.settings.intakes().map(|found| found.link.name.to_string());
    let names: Vec<String> = names.collect();
    let all = std::iter::once(("", "all".to_owned()));
    let page = CoursesPage {
        shell: caller.shell("Courses", Here::Courses).await?,
        links: Choice::list(all.chain(names.iter().map(|name| (name.as_str(), name.clone()))), &wanted.link),
        heads: ORDERS.map(|(label, word)| (label, path(word), wanted.sort == word)).to_vec(),
        rows,
        left_out,
        wanted,
    };
    show(&page)
}

/// One tally for each course of a Moodle: what its intakes did with it and what was reported of it belong together.
fn by_course(caller: &Caller, tallies: Vec<CourseCounts>, wanted: Option<&LinkName>) -> Vec<CourseCounts> {
    let links = &caller.state.settings.links;
    let moodle = |link: &LinkName| match links.get(link) {
        Some(Link::Completions(link)) => Some(link.from.as_str().to_owned()),
        Some(link) => Some(link.ends().1.as_str().to_owned()),
        None => None,
    };
    let is_wanted = |tally: &CourseCounts| {
        wanted.is_none_or(|wanted| {
            let reports = matches!(links.get(&tally.link), Some(Link::Completions(_)));
            tally.link == *wanted || reports && moodle(&tally.link) == moodle(wanted)
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

fn line(caller: &Caller, tally: &CourseCounts, opted: &BTreeSet<String>, asks: bool) -> CourseLine {
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
    let base = caller.state.settings.intake(&tally.link).ok().filter(|_| tally.course_id.0 > 0);
    CourseLine {
        moodle: base.map_or_else(String::new, |found| {
            format!("{}/course/view.php?id={}", found.moodle.url.as_str().trim_end_matches('/'), tally.course_id)
        }),
        log: format!("/log?course={course}"),
        error_log: format!("/log?course={course}&status=Error"),
        opted_in: match (asks, opted.contains(&course)) {
            (false, _) => "",
            (true, true) => "yes",
            (true, false) => "no",
        },
        name: match (course.as_str(), tally.name.as_str()) {
            ("", _) => "records that name no course".to_owned(),
            (_, "") => "not known in Moodle".to_owned(),
            (_, name) => name.to_owned(),
        },
        short_name: tally.short_name.clone(),
        id: course,
        enrolled: grouped(enrolled),
        suspended: grouped(suspended),
        completed: grouped(completed),
        waiting,
        errors,
        order: [enrolled, suspended, completed, waiting, errors],
    }
}
