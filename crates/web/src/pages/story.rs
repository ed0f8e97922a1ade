//! A person's story: why they are or are not in a course, whether HR knows that they finished, and all that led there.
//!
//! The answer is the journal's: what was seen and done. Moodle itself is asked by requests only.

use super::log::{LogLine, line, story_path};
use crate::incident::Failure;
use crate::layout::{Answer, Badge, Caller, Here, Shell, TimeFormatter, Tone, When, show, word_label};
use askama::Template;
use axum::extract::{Path, Query};
use rollbook_core::model::{ElmCourseId, EnrolState, Field, Guid, LinkName, MoodleUserId};
use rollbook_core::report::{Explanation, NowInMoodle};
use rollbook_journal::{LogRow, OutboxRow, Person, StoredEvent, Story};
use serde::Deserialize;
use serde_json::Value;

#[derive(Template)]
#[template(path = "pages/story.html")]
struct StoryPage {
    shell: Shell,
    person: String,
    guid: String,
    mails: Vec<String>,
    account: String,
    link: String,
    all_path: String,
    told: Option<Told>,
    courses: Vec<InCourse>,
    records: Vec<LogLine>,
    deliveries: Vec<Sent>,
    events: Vec<Event>,
}

/// The answer, and the chain behind it.
struct Told {
    explanation: Explanation,
    chain: Vec<(When, String)>,
}

struct InCourse {
    path: String,
    name: String,
    badge: Badge,
    since: Option<When>,
    because: String,
    next: String,
    completion: String,
}

struct Sent {
    what: String,
    badge: Badge,
    at: When,
    answer: String,
    attempts: u64,
}

struct Event {
    at: When,
    kind: String,
    author: String,
    run: String,
    told: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InWhat {
    course: String,
}

pub(super) async fn show_story(
    caller: Caller,
    Path((link, guid)): Path<(String, String)>,
    Query(wanted): Query<InWhat>,
) -> Answer {
    let link = super::links::find_link(&caller, &link)?.name().clone();
    let guid = Guid::new(&guid);
    let course = Some(wanted.course.trim()).filter(|course| !course.is_empty()).map(ElmCourseId::new);
    let story = caller.state.journal.people().story(&link, &guid, course.as_ref()).await?;
    if story.records.is_empty() && story.events.is_empty() && story.outbox.is_empty() {
        return Err(Failure::NotFound(format!("person with the GUID {guid} on {link}")));
    }
    let clockwork = caller.clockwork(Some(&link));
    let newest = story.records.last();
    let person = newest.map(name_of).unwrap_or_else(|| guid.to_string());
    let who = Person { guid: guid.clone(), words: String::new(), user_id: MoodleUserId(0) };
    let told = course.as_ref().map(|course| tell(&story, &who, course, &clockwork));
    let page = StoryPage {
        shell: caller.shell(person.clone(), Here::Log).await?,
        guid: newest.map_or_else(|| guid.to_string(), |row| row.text.get(Field::Guid).to_owned()),
        mails: mails(&story.records),
        account: account(&caller, &link, newest),
        all_path: story_path(&link, guid.as_str(), ""),
        told,
        courses: courses(&story, &who, &link, &clockwork),
        records: story.records.iter().rev().map(|row| line(row, &clockwork)).collect(),
        deliveries: story.outbox.iter().rev().map(|row| sent(row, &clockwork)).collect(),
        events: story.events.iter().rev().map(|event| told_event(event, &clockwork)).collect(),
        link: link.to_string(),
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

/// Where the account is in Moodle.
fn account(caller: &Caller, link: &LinkName, newest: Option<&LogRow>) -> String {
    let Some(row) = newest.filter(|row| row.user_id.0 > 0) else { return String::new() };
    let found = caller.state.settings.intake(link).ok();
    found.map_or_else(String::new, |found| {
        format!("{}/user/profile.php?id={}", found.moodle.url.as_str().trim_end_matches('/'), row.user_id)
    })
}

/// The journal's answer; Moodle itself is not asked.
fn tell(story: &Story, person: &Person, course: &ElmCourseId, clockwork: &TimeFormatter) -> Told {
    let explanation = story.explain(person, course, NowInMoodle::NotAsked);
    let chain = explanation.chain.iter().map(|moment| (clockwork.exactly(moment.at), moment.what.clone())).collect();
    Told { explanation, chain }
}

/// How it stands in each course, whether anything was done there or not.
fn courses(story: &Story, person: &Person, link: &LinkName, clockwork: &TimeFormatter) -> Vec<InCourse> {
    let one = |course: ElmCourseId| {
        let told = story.of(&course);
        let Explanation { because, completion, next, .. } = told.explain(person, &course, NowInMoodle::NotAsked);
        let applied = told.applied.last();
        let title = told.records.iter().rev().map(|row| &row.course_name).find(|title| !title.is_empty());
        InCourse {
            path: story_path(link, person.guid.as_str(), course.as_str()),
            name: title.map_or_else(|| course.to_string(), String::clone),
            badge: match applied.map(|row| row.state) {
                Some(EnrolState::Enrol) => Badge::new(Tone::Good, "enrolled"),
                Some(EnrolState::Suspend) => Badge::new(Tone::Plain, "suspended"),
                None => Badge::new(if next.is_empty() { Tone::Plain } else { Tone::Bad }, "nothing done"),
            },
            since: applied.map(|row| clockwork.ago(row.changed)),
            because,
            next,
            completion,
        }
    };
    story.courses().into_iter().map(one).collect()
}

fn sent(row: &OutboxRow, clockwork: &TimeFormatter) -> Sent {
    let tone = match row.state.as_str() {
        "sent" => Tone::Good,
        "refused" => Tone::Bad,
        "cancelled" => Tone::Plain,
        _ => Tone::Busy,
    };
    Sent {
        what: word_label(row.kind.as_str()),
        badge: Badge::new(tone, row.state.clone()),
        at: clockwork.ago(row.settled.unwrap_or(row.created)),
        answer: row.last_answer.clone(),
        attempts: row.attempts,
    }
}

fn told_event(event: &StoredEvent, clockwork: &TimeFormatter) -> Event {
    Event {
        at: clockwork.exactly(event.at),
        kind: word_label(event.kind.as_str()),
        author: event.author.clone(),
        run: event.run.as_ref().map(|run| format!("/runs/{run}")).unwrap_or_default(),
        told: brief(&event.payload),
    }
}

/// What an event says, in the words that it has for people; else all its particulars.
pub(super) fn brief(payload: &Value) -> String {
    let word = |name: &str| payload.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
    match (word("words"), word("step")) {
        (Some(words), _) => match word("verdict").or_else(|| payload["verdict"]["verdict"].as_str()) {
            Some(verdict) => format!("{}: {words}", word_label(verdict)),
            None => words.to_owned(),
        },
        (None, Some(step)) => match payload.get("outcome") {
            Some(outcome) => format!("{step}: {}", plain(outcome)),
            None => step.to_owned(),
        },
        (None, None) => plain(payload),
    }
}

/// An event's particulars as `name: value` pairs: nobody should have to read JSON.
pub(super) fn plain(payload: &Value) -> String {
    match payload {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            // What was done comes first, whatever the order of the letters.
            let act = fields.get("act").and_then(Value::as_str);
            let fields = fields.iter().filter(|(name, _)| *name != "act");
            let told = fields.filter(|(_, value)| !value.is_null() && value.as_str() != Some(""));
            let pairs: Vec<String> = told
                .map(|(name, value)| match value {
                    Value::Object(_) => format!("{}: ({})", name.replace('_', " "), plain(value)),
                    _ => format!("{}: {}", name.replace('_', " "), plain(value)),
                })
                .collect();
            match (act, pairs.is_empty()) {
                (None, _) => pairs.join(", "),
                (Some(act), true) => act.to_owned(),
                (Some(act), false) => format!("{act} ({})", pairs.join(", ")),
            }
        }
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}
