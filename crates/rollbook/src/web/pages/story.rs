//! A person's story: why they are or are not in a course, whether HR knows that they finished, and all that led there.
//!
//! The answer is the journal's: what was seen and done. Moodle itself is asked by requests only.

use super::log::{LogLine, line, story_path};
use crate::journal::{AppliedRow, LogRow, OutboxRow, StoredEvent, Story};
use crate::web::incident::Failure;
use crate::web::shell::{Answer, Badge, Caller, Clockwork, Here, Shell, Tone, When, show, word_label};
use askama::Template;
use axum::extract::{Path, Query};
use rollbook_core::model::{ElmCourseId, EnrolState, Field, Guid, LinkName};
use rollbook_core::report::{Delivered, Explanation, Known, NowInMoodle, RecordStory, explain};
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
    since: When,
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
    let story = caller.state.journal.story(&link, &guid, course.as_ref()).await?;
    if story.records.is_empty() && story.events.is_empty() && story.outbox.is_empty() {
        return Err(Failure::NotFound(format!("person with the GUID {guid} on {link}")));
    }
    let clockwork = caller.clockwork(Some(&link));
    let newest = story.records.last();
    let person = newest.map(name_of).unwrap_or_else(|| guid.to_string());
    let told = course.as_ref().map(|course| tell(&story, &guid, course, &clockwork));
    let page = StoryPage {
        shell: caller.shell(person.clone(), Here::Log).await?,
        guid: newest.map_or_else(|| guid.to_string(), |row| row.text.get(Field::Guid).to_owned()),
        mails: mails(&story.records),
        account: account(&caller, &link, newest),
        all_path: story_path(&link, guid.as_str(), ""),
        told,
        courses: courses(&story, &link, &guid, &clockwork),
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

fn tell(story: &Story, guid: &Guid, course: &ElmCourseId, clockwork: &Clockwork) -> Told {
    let newest = story.records.last();
    let title = newest.map(|row| row.course_name.clone()).filter(|title| !title.is_empty());
    let known = Known {
        person: newest.map_or_else(|| guid.to_string(), name_of),
        course: title.map_or_else(|| format!("course {course}"), |title| format!("\"{title}\" ({course})")),
        records: story.records.iter().map(record_story).collect(),
        delivered: story.outbox.iter().map(delivered).collect(),
        now: NowInMoodle::NotAsked,
    };
    let explanation = explain(&known);
    let chain = explanation.chain.iter().map(|moment| (clockwork.exactly(moment.at), moment.what.clone())).collect();
    Told { explanation, chain }
}

fn record_story(row: &LogRow) -> RecordStory {
    RecordStory {
        record: row.fingerprint,
        wants: row.text.get(Field::State).to_owned(),
        written: row.text.get(Field::DateCreated).to_owned(),
        first_seen: row.first_seen,
        code: row.code,
        reason: row.reason.clone(),
        at: row.at,
        attempts: row.attempts,
        next_try: row.next_try,
    }
}

fn delivered(row: &OutboxRow) -> Delivered {
    Delivered {
        kind: row.kind.as_str().to_owned(),
        state: row.state.clone(),
        created: row.created,
        settled: row.settled,
        answer: row.last_answer.clone(),
        attempts: row.attempts,
    }
}

fn courses(story: &Story, link: &LinkName, guid: &Guid, clockwork: &Clockwork) -> Vec<InCourse> {
    let name = |row: &AppliedRow| {
        let named = story.records.iter().rev().find(|record| record.text.get(Field::Course) == row.course.as_str());
        let name = named.map(|record| record.course_name.clone()).filter(|name| !name.is_empty());
        name.unwrap_or_else(|| row.course.to_string())
    };
    let course = |row: &AppliedRow| InCourse {
        path: story_path(link, guid.as_str(), row.course.as_str()),
        name: name(row),
        badge: match row.state {
            EnrolState::Enrol => Badge::new(Tone::Good, "enrolled"),
            EnrolState::Suspend => Badge::new(Tone::Plain, "suspended"),
        },
        since: clockwork.ago(row.changed),
    };
    story.applied.iter().rev().map(course).collect()
}

fn sent(row: &OutboxRow, clockwork: &Clockwork) -> Sent {
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

fn told_event(event: &StoredEvent, clockwork: &Clockwork) -> Event {
    Event {
        at: clockwork.exactly(event.at),
        kind: word_label(event.kind.as_str()),
        author: event.author.clone(),
        run: event.run.as_ref().map(|run| format!("/runs/{run}")).unwrap_or_default(),
        told: plain(&event.payload),
    }
}

/// An event's particulars as `name: value` pairs: nobody should have to read JSON.
pub(super) fn plain(payload: &Value) -> String {
    match payload {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let told = fields.iter().filter(|(_, value)| !value.is_null() && value.as_str() != Some(""));
            let pairs: Vec<String> = told
                .map(|(name, value)| match value {
                    Value::Object(_) => format!("{}: ({})", name.replace('_', " "), plain(value)),
                    _ => format!("{}: {}", name.replace('_', " "), plain(value)),
                })
                .collect();
            pairs.join(", ")
        }
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}
