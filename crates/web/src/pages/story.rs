//! A person, across all links: why they are or are not in a course, whether HR knows that they finished, and all that led there.
//!
//! The answer is the journal's: what was seen and done. Moodle itself is queried by requests only.

use super::views::event::event_summary;
use super::views::moodle::MoodleUrls;
use super::views::record::{RecordRow, person_path, record_row};
use crate::layout::{
    Badge, Layout, PageContext, PageLocation, PageResult, ShownTime, TimeFormatter, Tone, label_of, show,
};
use crate::page_error::PageError;
use crate::pages::extract::{PathParam, QueryParams};
use askama::Template;
use rollbook_core::model::{ElmCourseId, EnrolState, Field, Guid, LinkName, MoodleUserId};
use rollbook_core::report::{Explanation, NowInMoodle};
use rollbook_journal::{JournalError, LogRow, OutboxRow, Person, StoredEvent, Story};
use rollbook_settings::link::Link;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "pages/story.html")]
struct StoryPage {
    layout: Layout,
    person: String,
    guid: String,
    mails: Vec<String>,
    account: String,
    links: Vec<String>,
    all_path: String,
    answer: Option<CourseAnswer>,
    courses: Vec<InCourse>,
    records: Vec<RecordRow>,
    deliveries: Vec<Sent>,
    events: Vec<Event>,
}

/// The answer, and the chain behind it.
struct CourseAnswer {
    explanation: Explanation,
    chain: Vec<(ShownTime, String)>,
}

struct InCourse {
    path: String,
    name: String,
    badge: Badge,
    since: Option<ShownTime>,
    because: String,
    next: String,
    completion: String,
}

struct Sent {
    what: String,
    badge: Badge,
    at: ShownTime,
    answer: String,
    attempts: u64,
}

struct Event {
    at: ShownTime,
    kind: String,
    author: String,
    run: String,
    summary: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StoryPageQuery {
    course: String,
}

pub(super) async fn show_story(
    context: PageContext,
    PathParam((link, guid)): PathParam<(String, String)>,
    QueryParams(query): QueryParams<StoryPageQuery>,
) -> PageResult {
    // An old address, or a record of the completions link: the person is the same on every link.
    super::submit::find_link(&context, &link)?;
    let guid = Guid::new(&guid);
    let course = Some(query.course.trim()).filter(|course| !course.is_empty()).map(ElmCourseId::new);
    let (story, links) = story_across_links(&context, &guid, course.as_ref()).await?;
    if story.records.is_empty() && story.events.is_empty() && story.outbox.is_empty() {
        return Err(PageError::NotFound(format!("person with the GUID {guid}")));
    }
    let link = links.first().cloned().unwrap_or_else(|| LinkName::new(&link));
    let times = context.times(Some(&link));
    let newest = story.records.last();
    let person = newest.map(name_of).unwrap_or_else(|| guid.to_string());
    let who = Person { guid: guid.clone(), words: String::new(), user_id: MoodleUserId(0) };
    let answer = course.as_ref().map(|course| explain(&story, &who, course, &times));
    let page = StoryPage {
        layout: context.layout(person.clone(), PageLocation::Log).await?,
        guid: newest.map_or_else(|| guid.to_string(), |row| row.text.get(Field::Guid).to_owned()),
        mails: mails(&story.records),
        account: account(&context, &story.records),
        all_path: person_path(&link, guid.as_str(), ""),
        answer,
        courses: courses(&story, &who, &link, &times),
        records: story.records.iter().rev().map(|row| record_row(row, &context.state.settings, &times)).collect(),
        deliveries: story.outbox.iter().rev().map(|row| sent(row, &times)).collect(),
        events: story.events.iter().rev().map(|event| event_row(event, &times)).collect(),
        links: links.iter().map(ToString::to_string).collect(),
        person,
    };
    show(&page)
}

fn name_of(row: &LogRow) -> String {
    let name = format!("{} {}", row.text.get(Field::FirstName), row.text.get(Field::LastName));
    if name.trim().is_empty() { row.text.get(Field::Guid).to_owned() } else { name.trim().to_owned() }
}

/// Every address that the feed gave, the newest first.
fn mails(records: &[LogRow]) -> Vec<String> {
    let mut mails: Vec<String> = Vec::new();
    for row in records.iter().rev() {
        let mail = row.text.get(Field::Mail);
        if !mail.is_empty() && !mails.iter().any(|known| known.eq_ignore_ascii_case(mail)) {
            mails.push(mail.to_owned());
        }
    }
    mails
}

/// The account in Moodle, of the newest record that knows it.
fn account(context: &PageContext, records: &[LogRow]) -> String {
    let known = records.iter().rev().find(|row| row.user_id.0 > 0);
    known.map_or_else(String::new, |row| MoodleUrls::of(&context.state.settings, &row.link).account(row.user_id))
}

/// Everything about a person, with the links that know them, intake first. Mails and completions are of all links already.
async fn story_across_links(
    context: &PageContext,
    guid: &Guid,
    course: Option<&ElmCourseId>,
) -> Result<(Story, Vec<LinkName>), JournalError> {
    let mut links: Vec<&Link> =
        context.state.settings.links.values().filter(|link| !matches!(link, Link::Guilds(_))).collect();
    links.sort_by_key(|link| !matches!(link, Link::Intake(_)));
    let mut whole: Option<Story> = None;
    let mut known = Vec::new();
    for link in links {
        let story = context.state.journal.people().story(link.name(), guid, course).await?;
        if !story.records.is_empty() || !story.applied.is_empty() {
            known.push(link.name().clone());
        }
        match &mut whole {
            None => whole = Some(story),
            Some(whole) => {
                whole.records.extend(story.records);
                whole.events.extend(story.events);
                whole.applied.extend(story.applied);
            }
        }
    }
    let mut story = whole.unwrap_or_default();
    story.records.sort_by_key(|row| (row.at, row.id));
    story.events.sort_by_key(|event| event.id);
    story.events.dedup_by_key(|event| event.id);
    story.applied.sort_by_key(|row| row.changed);
    Ok((story, known))
}

/// The journal's answer; Moodle itself is not asked.
fn explain(story: &Story, person: &Person, course: &ElmCourseId, times: &TimeFormatter) -> CourseAnswer {
    let explanation = story.explain(person, course, NowInMoodle::NotAsked);
    let chain = explanation.chain.iter().map(|moment| (times.exactly(moment.at), moment.what.clone())).collect();
    CourseAnswer { explanation, chain }
}

/// How it stands in each course, whether anything was done there or not.
fn courses(story: &Story, person: &Person, link: &LinkName, times: &TimeFormatter) -> Vec<InCourse> {
    let one = |course: ElmCourseId| {
        let part = story.of(&course);
        let Explanation { because, completion, next, .. } = part.explain(person, &course, NowInMoodle::NotAsked);
        let applied = part.applied.last();
        let title = part.records.iter().rev().map(|row| &row.course_name).find(|title| !title.is_empty());
        InCourse {
            path: person_path(link, person.guid.as_str(), course.as_str()),
            name: title.map_or_else(|| course.to_string(), String::clone),
            badge: match applied.map(|row| row.state) {
                Some(EnrolState::Enrol) => Badge::new(Tone::Good, "enrolled"),
                Some(EnrolState::Suspend) => Badge::new(Tone::Plain, "suspended"),
                None => Badge::new(if next.is_empty() { Tone::Plain } else { Tone::Bad }, "nothing done"),
            },
            since: applied.map(|row| times.ago(row.changed)),
            because,
            next,
            completion,
        }
    };
    story.courses().into_iter().map(one).collect()
}

fn sent(row: &OutboxRow, times: &TimeFormatter) -> Sent {
    let tone = match row.state.as_str() {
        "sent" => Tone::Good,
        "refused" => Tone::Bad,
        "cancelled" => Tone::Plain,
        _ => Tone::Busy,
    };
    Sent {
        what: label_of(row.kind.as_str()),
        badge: Badge::new(tone, row.state.clone()),
        at: times.ago(row.settled.unwrap_or(row.created)),
        answer: row.last_answer.clone(),
        attempts: row.attempts,
    }
}

fn event_row(event: &StoredEvent, times: &TimeFormatter) -> Event {
    Event {
        at: times.exactly(event.at),
        kind: label_of(event.kind.as_str()),
        author: event.author.clone(),
        run: event.run.as_ref().map(|run| format!("/runs/{run}")).unwrap_or_default(),
        summary: event_summary(&event.payload),
    }
}
