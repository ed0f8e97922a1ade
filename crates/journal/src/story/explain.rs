//! A story → what [`rollbook_core::report::explain_with`] folds: command line and pages tell it the same way.

use super::{Person, Story};
use crate::completions::CompletionRow;
use crate::log::LogRow;
use crate::outbox::OutboxRow;
use crate::runs::StoredEvent;
use rollbook_core::model::{ElmCourseId, Field, Guid};
use rollbook_core::report::{
    Applied, Circumstances, Delivered, Explanation, Finished, Known, Moment, NowInMoodle, RecordStory, Reporting,
    explain_with,
};
use rollbook_core::run::EventKind;
use rollbook_core::verdict::Unreported;

/// The original's action word for what was reported about a completion.
const COMPLETE: &str = "Complete";

impl Story {
    /// Why the person is (not) in the course, and whether HR knows of a completion. The story must be that of the course.
    pub fn explain(&self, person: &Person, course: &ElmCourseId, now: NowInMoodle) -> Explanation {
        explain_with(&self.known(person, course, now), &self.circumstances())
    }

    /// The GUID as the feed writes it; the journal's own key is folded.
    pub fn guid(&self, person: &Person) -> Guid {
        let newest = self.records.iter().rev().find(|row| !row.text.get(Field::Guid).is_empty());
        newest.map_or_else(|| person.guid.clone(), |row| Guid::new(row.text.get(Field::Guid)))
    }

    /// The courses that it is about, the one of the latest record first.
    pub fn courses(&self) -> Vec<ElmCourseId> {
        let of_records = self.records.iter().rev().map(course_of);
        let others = self.applied.iter().rev().map(|row| row.course.clone());
        let finished = self.completions.iter().rev().filter_map(|row| row.course.clone());
        let mut courses = Vec::new();
        for course in of_records.chain(others).chain(finished) {
            if !course.as_str().is_empty() && !courses.contains(&course) {
                courses.push(course);
            }
        }
        courses
    }

    /// What of it is about one course.
    pub fn of(&self, course: &ElmCourseId) -> Self {
        let is_it = |named: &Option<ElmCourseId>| named.as_ref() == Some(course);
        Self {
            records: self.records.iter().filter(|row| course_of(row) == *course).cloned().collect(),
            events: self.events.iter().filter(|event| is_it(&event.course)).cloned().collect(),
            applied: self.applied.iter().filter(|row| row.course == *course).cloned().collect(),
            outbox: self.outbox.iter().filter(|row| is_it(&row.course)).cloned().collect(),
            completions: self.completions.iter().filter(|row| is_it(&row.course)).cloned().collect(),
        }
    }

    fn known(&self, person: &Person, course: &ElmCourseId, now: NowInMoodle) -> Known {
        let guid = self.guid(person);
        let newest = self.records.last();
        let name = newest.map(|row| [row.text.get(Field::FirstName), row.text.get(Field::LastName)].join(" "));
        let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
        let title = self.records.iter().rev().map(|row| &row.course_name).find(|title| !title.is_empty());
        Known {
            person: name.map_or_else(|| guid.to_string(), |name| format!("{name} ({guid})")),
            course: title.map_or_else(|| format!("course {course}"), |title| format!("\"{title}\" ({course})")),
            records: self.records.iter().filter(|row| row.action != COMPLETE).map(record_story).collect(),
            delivered: self.outbox.iter().map(delivered).collect(),
            now,
        }
    }

    fn circumstances(&self) -> Circumstances {
        let acts = self.events.iter().filter(|event| event.kind == EventKind::Acted).filter_map(act);
        let seen = self.completions.iter().flat_map(seen);
        let elsewhere = self.records.iter().filter(|row| row.action == COMPLETE && row.line.is_empty());
        let elsewhere = elsewhere.map(|row| Moment { at: row.at, what: format!("reported by hand: {}", row.reason) });
        let finished = self.completions.iter().map(|row| row.seen.key.completed_at).max();
        Circumstances {
            applied: self.applied.last().map(|row| Applied { state: row.state, changed: row.changed }),
            events: acts.chain(seen).chain(elsewhere).collect(),
            finished: finished.map_or(Finished::NotAsked, Finished::At),
            reporting: self.reporting(),
        }
    }

    fn reporting(&self) -> Reporting {
        match self.completions.last() {
            Some(row) if row.code == Unreported::NotOptedIn.code() => Reporting::Off,
            Some(_) => Reporting::On,
            None => Reporting::NotAsked,
        }
    }
}

fn course_of(row: &LogRow) -> ElmCourseId {
    ElmCourseId::new(row.text.get(Field::Course).trim())
}

/// What a person did about it.
fn act(event: &StoredEvent) -> Option<Moment> {
    let act = event.payload.get("act")?.as_str()?;
    let word = |key: &str| event.payload.get(key).and_then(|why| why.as_str()).filter(|why| !why.is_empty());
    let why = word("reason").or_else(|| word("why"));
    let why = why.map(|why| format!(" (\"{why}\")")).unwrap_or_default();
    Some(Moment { at: event.at, what: format!("{} asked for: {act}{why}", event.author) })
}

/// The completion in Moodle, and what Rollbook made of it.
fn seen(row: &CompletionRow) -> Vec<Moment> {
    let key = &row.seen.key;
    let completed = Moment { at: key.completed_at, what: "completed the course in Moodle".to_owned() };
    let made = match row.standing.as_str() {
        "waiting" => format!("is not reported, and waits for a person: {}", row.reason),
        "skipped" => format!("is not reported: {}", row.reason),
        "marked" => "counts as reported elsewhere".to_owned(),
        _ => "is to be reported".to_owned(),
    };
    vec![completed, Moment { at: row.seen_at, what: format!("Rollbook saw the completion; it {made}") }]
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
