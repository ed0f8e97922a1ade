//! The plan of completions: what Moodle shows, what the ELM enrolled, what was reported → reports and skips.

use crate::desired::{OptedCourse, enrolment_at, enrolment_number, newest_enrolment};
use crate::model::{
    CompletionKey, ElmCourseId, EnrolmentId, EnrolmentRecord, Fingerprint, Guid, LinkName, MoodleCourseId,
    MoodleUserId, SeenBy, SeenCompletion,
};
use crate::plan::{Digest, digest};
use crate::policy::{CompletionsPolicy, ReportFields, ReportTemplate};
use crate::snapshot::Snapshot;
use crate::verdict::Unreported;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

// Decides, completion by completion in the order in which people completed.

/// Everything that a plan of completions is made from.
#[derive(Clone, Copy, Debug)]
pub struct CompletionInputs<'a> {
    pub link: &'a LinkName,
    /// The completions: new ones, and those that wait for a human or for other settings.
    pub seen: &'a Snapshot<Vec<SeenCompletion>>,
    /// The courses that opted in, now or before.
    pub courses: &'a BTreeMap<MoodleCourseId, OptedCourse>,
    /// The Enrol records by folded GUID and course, for every completion of which they were looked up.
    pub records: &'a BTreeMap<(String, ElmCourseId), Vec<EnrolmentRecord>>,
    pub known: &'a KnownCompletions,
    /// Enrolment ids that a person supplied.
    pub supplied: &'a BTreeMap<CompletionKey, EnrolmentId>,
}

/// A completion that is not reported, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompletionSkip {
    pub seen: SeenCompletion,
    /// The course, as the ELM names it, where it does.
    pub elm_id: Option<ElmCourseId>,
    pub why: Unreported,
}

/// What one run of completions would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompletionsPlan {
    pub link: LinkName,
    /// When it was made; the digest does not cover it.
    pub made_at: Timestamp,
    /// The reports, in the order of completion.
    pub reports: Vec<Report>,
    /// What is not reported, in the order of completion.
    pub skips: Vec<CompletionSkip>,
    /// Completions that stand in the way of a newer enrolment: HR has enrolled the person again, and Moodle still shows the
    /// course as complete. They are reported, or were, for the enrolment of their time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recertifications: Vec<CompletionSkip>,
}

impl CompletionsPlan {
    /// The digest of its reports.
    pub fn digest(&self) -> Digest {
        digest(self.link.as_str(), &self.reports)
    }
}

/// Decides which of the completions are reported. The same inputs, in whatever order, give the same plan.
pub fn plan_completions(inputs: &CompletionInputs<'_>, policy: &CompletionsPolicy, now: Timestamp) -> CompletionsPlan {
    let mut seen: Vec<&SeenCompletion> = inputs.seen.value.iter().collect();
    // Of two sightings of one completion the database's counts, then the one that knows more of the person.
    seen.sort_by(|left, right| order(left).cmp(&order(right)));
    seen.dedup_by_key(|completion| completion.key);
    let mut planner = Planner { inputs, policy, known: inputs.known.clone() };
    let (mut reports, mut skips) = (Vec::new(), Vec::new());
    for completion in &seen {
        match planner.decide(completion) {
            Ok(report) => reports.push(report),
            Err(why) => skips.push(planner.skip(completion, why)),
        }
    }
    let recertifications = seen.iter().filter_map(|completion| planner.recertification(completion)).collect();
    CompletionsPlan { link: inputs.link.clone(), made_at: now, reports, skips, recertifications }
}

fn order(seen: &SeenCompletion) -> impl Ord {
    let by = match seen.by {
        SeenBy::ManualClock => 0,
        SeenBy::Database => 1,
        SeenBy::WebServices => 2,
    };
    let CompletionKey { user, course, completed_at } = seen.key;
    let person = [&seen.guid.0, &seen.mail, &seen.first_name, &seen.last_name];
    let unknown = person.iter().filter(|text| text.is_empty()).count();
    (completed_at, user, course, by, unknown, person.map(Clone::clone))
}

struct Planner<'a> {
    inputs: &'a CompletionInputs<'a>,
    policy: &'a CompletionsPolicy,
    known: KnownCompletions,
}

impl Planner<'_> {
    fn decide(&mut self, seen: &SeenCompletion) -> Result<Report, Unreported> {
        let course = self.inputs.courses.get(&seen.key.course).filter(|course| !course.withdrawn);
        let course = course.ok_or(Unreported::NotOptedIn)?;
        let from = course.reports_from(self.policy);
        if seen.key.completed_at < from {
            return Err(Unreported::BeforeStart { from });
        }
        let guid = seen.guid.folded();
        let records = course.elm_id.clone().and_then(|elm_id| self.inputs.records.get(&(guid.clone(), elm_id)));
        let newest = records.and_then(|records| newest_enrolment(records));
        let alive = records.and_then(|records| enrolment_at(records, seen.key.completed_at));
        self.refuse_reported_account(seen, newest)?;
        let elm_id = course.elm_id.as_ref().ok_or(Unreported::NoCourseNumber)?;
        if guid.is_empty() {
            return Err(Unreported::NoGuid);
        }
        self.refuse_reported_person(seen, &guid, elm_id, newest)?;
        let report = self.report(seen, elm_id, alive)?;
        self.known.add(KnownCompletion { key: seen.key, guid, elm_id: elm_id.clone() });
        Ok(report)
    }

    /// A later time is another completion, except to web services: there a criterion that was met later moves the time,
    /// so that only a new enrolment in between proves one.
    fn refuse_reported_account(
        &self,
        seen: &SeenCompletion,
        newest: Option<&EnrolmentRecord>,
    ) -> Result<(), Unreported> {
        let CompletionKey { user, course, completed_at } = seen.key;
        let Some(reported) = self.known.of_account(user, course) else {
            return Ok(());
        };
        let again = match seen.by {
            SeenBy::Database | SeenBy::ManualClock => true,
            SeenBy::WebServices => {
                newest.is_some_and(|record| reported < record.changed && record.changed <= completed_at)
            }
        };
        if completed_at > reported && again {
            return Ok(());
        }
        Err(Unreported::AlreadyReported { completed_at: reported })
    }

    /// Two accounts of one person: what the one completed, the other does not complete again, unless the ELM enrolled the
    /// person anew in between.
    fn refuse_reported_person(
        &self,
        seen: &SeenCompletion,
        guid: &str,
        elm_id: &ElmCourseId,
        newest: Option<&EnrolmentRecord>,
    ) -> Result<(), Unreported> {
        let reported = self.known.of_person(guid, elm_id).filter(|reported| reported.user != seen.key.user);
        let Some(reported) = reported else {
            return Ok(());
        };
        if seen.key.completed_at <= reported.completed_at {
            return Err(Unreported::AlreadyReported { completed_at: reported.completed_at });
        }
        if newest.is_some_and(|record| record.changed > reported.completed_at) || seen.by == SeenBy::ManualClock {
            return Ok(());
        }
        Err(Unreported::OtherAccount { reported: reported.user })
    }

    fn skip(&self, seen: &SeenCompletion, why: Unreported) -> CompletionSkip {
        let elm_id = self.inputs.courses.get(&seen.key.course).and_then(|course| course.elm_id.clone());
        CompletionSkip { seen: seen.clone(), elm_id, why }
    }

    /// A completion that was reported, where HR has enrolled the person again since: Moodle shows the course as complete,
    /// so that the person cannot complete it for the new enrolment.
    fn recertification(&self, seen: &SeenCompletion) -> Option<CompletionSkip> {
        let elm_id = self.inputs.courses.get(&seen.key.course).filter(|course| !course.withdrawn)?.elm_id.clone()?;
        let guid = seen.guid.folded();
        let reported = self.known.of_person(&guid, &elm_id)?.completed_at;
        let records = self.inputs.records.get(&(guid, elm_id))?;
        let (newest, alive) = (newest_enrolment(records)?, enrolment_at(records, reported)?);
        // Only the completion that stands in the way asks, not those before it.
        if seen.key.completed_at != reported || newest.changed <= reported || newest.enrolment == alive.enrolment {
            return None;
        }
        let enrolment = newest.enrolment.clone()?;
        Some(self.skip(seen, Unreported::NeedsReset { completed_at: reported, enrolment }))
    }

    fn report(
        &self,
        seen: &SeenCompletion,
        elm_id: &ElmCourseId,
        newest: Option<&EnrolmentRecord>,
    ) -> Result<Report, Unreported> {
        let supplied = self.inputs.supplied.get(&seen.key);
        let (enrolment, record) = match supplied {
            Some(id) => (number(id)?, None),
            None => from_record(newest)?,
        };
        let complete_date = seen.key.completed_at.to_zoned(self.policy.zone.clone()).date();
        // The ELM gets its own words back; the account fills in what the record does not say.
        let said = |of_record: fn(&EnrolmentRecord) -> &str, of_account: &'_ str| {
            let said = newest.map(of_record).map(str::trim).filter(|text| !text.is_empty());
            said.unwrap_or_else(|| of_account.trim()).to_owned()
        };
        let guid = Guid::new(said(|record| record.guid.as_str(), seen.guid.as_str()));
        let short_name = newest.map(|record| record.short_name.clone()).unwrap_or_default();
        let mail = said(|record| &record.mail, &seen.mail);
        let first_name = said(|record| &record.first_name, &seen.first_name);
        let last_name = said(|record| &record.last_name, &seen.last_name);
        let parts = ReportParts {
            complete_date,
            enrolment,
            elm_id,
            short_name: &short_name,
            mail: &mail,
            guid: &guid,
            first_name: &first_name,
            last_name: &last_name,
        };
        let body = parts.body(&self.policy.words);
        let (key, elm_id) = (seen.key, elm_id.clone());
        Ok(Report {
            key,
            guid,
            elm_id,
            enrolment,
            complete_date,
            record,
            short_name,
            mail,
            first_name,
            last_name,
            body,
        })
    }
}

fn from_record(newest: Option<&EnrolmentRecord>) -> Result<(i64, Option<Fingerprint>), Unreported> {
    let record = newest.ok_or(Unreported::NoEnrolmentRecord)?;
    let id = record.enrolment.as_ref().ok_or(Unreported::NoEnrolmentId { record: record.fingerprint })?;
    Ok((number(id)?, Some(record.fingerprint)))
}

fn number(id: &EnrolmentId) -> Result<i64, Unreported> {
    enrolment_number(id).ok_or_else(|| Unreported::EnrolmentIdNotANumber { id: id.clone() })
}

// Completions that were reported, or marked as reported, by account and by person.

/// A completion that was queued, sent, refused, or marked as reported elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownCompletion {
    /// Who, of what, when.
    pub key: CompletionKey,
    /// The person: the folded GUID.
    pub guid: String,
    /// The course, as the ELM names it.
    pub elm_id: ElmCourseId,
}

/// The latest known completion of each account and of each person in each course.
#[derive(Clone, Debug, Default)]
pub struct KnownCompletions {
    by_account: BTreeMap<(MoodleUserId, MoodleCourseId), Timestamp>,
    by_person: BTreeMap<(String, ElmCourseId), CompletionKey>,
}

impl KnownCompletions {
    pub fn new(known: impl IntoIterator<Item = KnownCompletion>) -> Self {
        let mut all = Self::default();
        for completion in known {
            all.add(completion);
        }
        all
    }

    pub fn add(&mut self, known: KnownCompletion) {
        let KnownCompletion { key, guid, elm_id } = known;
        let latest = self.by_account.entry((key.user, key.course)).or_insert(key.completed_at);
        *latest = (*latest).max(key.completed_at);
        if !guid.is_empty() {
            let latest = self.by_person.entry((guid, elm_id)).or_insert(key);
            if (latest.completed_at, latest.user) < (key.completed_at, key.user) {
                *latest = key;
            }
        }
    }

    /// The latest of this account.
    fn of_account(&self, user: MoodleUserId, course: MoodleCourseId) -> Option<Timestamp> {
        self.by_account.get(&(user, course)).copied()
    }

    /// The latest of this person, whatever the account.
    fn of_person(&self, guid: &str, elm_id: &ElmCourseId) -> Option<CompletionKey> {
        self.by_person.get(&(guid.to_owned(), elm_id.clone())).copied()
    }
}

// One report to the ELM: the body that is sent, byte for byte, and what it is recognised by.

/// One completion to be reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who, of what, when.
    pub key: CompletionKey,
    pub guid: Guid,
    /// The course, as the ELM names it.
    pub elm_id: ElmCourseId,
    /// The ELM's number of the enrolment.
    pub enrolment: i64,
    /// The day of completion in the link's zone.
    pub complete_date: Date,
    /// The enrolment record that the enrolment's number came from; `None` where a person supplied it.
    pub record: Option<Fingerprint>,
    pub short_name: String,
    pub mail: String,
    pub first_name: String,
    pub last_name: String,
    /// The JSON that is sent.
    pub body: String,
}

/// What a report's body is made from.
#[derive(Clone, Copy, Debug)]
pub struct ReportParts<'a> {
    pub complete_date: Date,
    /// The ELM's number of the enrolment.
    pub enrolment: i64,
    /// The course, as the ELM names it.
    pub elm_id: &'a ElmCourseId,
    pub short_name: &'a str,
    pub mail: &'a str,
    pub guid: &'a Guid,
    pub first_name: &'a str,
    pub last_name: &'a str,
}

impl ReportParts<'_> {
    /// The body: compact JSON, its keys in the order in which the original plugin writes them.
    pub fn body(&self, words: &ReportTemplate) -> String {
        let Self { complete_date, enrolment, elm_id, short_name, mail, guid, first_name, last_name } = *self;
        let ReportTemplate { fields, course_state, user_state, user_effective_date } = words;
        let ReportFields { complete_date: date_name, course_state: course_state_name, enrolment_id, .. } = fields;
        let ReportFields { user_state: user_state_name, user_effective_date: effective_name, course, .. } = fields;
        let ReportFields { short_name: short_name_name, mail: mail_name, guid: guid_name, .. } = fields;
        let ReportFields { first_name: first_name_name, last_name: last_name_name, .. } = fields;
        let text = |text: &str| Value::from(text);
        let pairs = [
            (date_name, Value::from(complete_date.to_string())),
            (course_state_name, text(course_state)),
            (enrolment_id, Value::from(enrolment)),
            (user_state_name, text(user_state)),
            (effective_name, Value::from(user_effective_date.to_string())),
            (course, course_number(elm_id)),
            (short_name_name, text(short_name)),
            (mail_name, text(mail)),
            (guid_name, text(guid.as_str())),
            (first_name_name, text(first_name)),
            (last_name_name, text(last_name)),
        ];
        let pairs = pairs.map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
        format!("{{{}}}", pairs.join(","))
    }
}

/// The course's number as the ELM wants it: a JSON integer where that says the same, else the text (a leading zero counts).
fn course_number(id: &ElmCourseId) -> Value {
    match id.as_str().parse::<u64>() {
        Ok(number) if number.to_string() == id.as_str() => Value::from(number),
        _ => Value::from(id.as_str()),
    }
}

/// Whether a record that the ELM gave to a look-up is the report with this body: the same enrolment and, where the ELM
/// tells it, the same day. Another day is another completion of the same enrolment.
pub fn is_same_report(body: &str, record: &Map<String, Value>, fields: &ReportFields) -> bool {
    let Ok(Value::Object(sent)) = serde_json::from_str(body) else {
        return false;
    };
    let same = |name: &str, shown: fn(&Value) -> String| match (sent.get(name), record.get(name)) {
        (Some(sent), Some(there)) => Some(shown(sent) == shown(there)),
        _ => None,
    };
    let whole = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // The ELM may give a day as a moment.
    let day = |value: &Value| value.as_str().unwrap_or_default().chars().take(10).collect();
    same(&fields.enrolment_id, whole) == Some(true) && same(&fields.complete_date, day) != Some(false)
}

impl fmt::Display for Report {
    /// A line of the printed plan.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, guid, elm_id, enrolment, complete_date, .. } = self;
        let (user, course) = (key.user, key.course);
        write!(out, "report {guid} (account {user}) in course {elm_id} ({course})")?;
        write!(out, " as enrolment {enrolment}, complete on {complete_date}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn parts<'a>(elm_id: &'a ElmCourseId, guid: &'a Guid) -> ReportParts<'a> {
        ReportParts {
            complete_date: date(2026, 11, 23),
            enrolment: 555_001,
            elm_id,
            short_name: "ITEM-1-1",
            mail: "HF.Ps1@Example.org",
            guid,
            first_name: "Ps",
            last_name: "One",
        }
    }

    const ORIGINAL: &str = r#"{"COURSE_COMPLETE_DATE":"2026-11-23","COURSE_STATE":"Complete","ENROLMENT_ID":555001,"USER_STATE":"Active","USER_EFFECTIVE_DATE":"2017-02-14","COURSE_IDENTIFIER":930001,"COURSE_SHORTNAME":"ITEM-1-1","EMAIL":"HF.Ps1@Example.org","GUID":"HFPS1","FIRST_NAME":"Ps","LAST_NAME":"One"}"#;

    #[test]
    fn body_is_what_the_elm_has_always_been_sent() {
        let (course, guid) = (ElmCourseId::new("930001"), Guid::new("HFPS1"));
        assert_eq!(parts(&course, &guid).body(&ReportTemplate::default()), ORIGINAL);
    }

    #[test]
    fn names_and_constants_are_the_operators_and_texts_are_escaped() {
        let mut words = ReportTemplate { user_state: "A \"B\"".into(), ..ReportTemplate::default() };
        words.fields.mail = "Mail".into();
        let (course, guid) = (ElmCourseId::new("0930"), Guid::new("O\\\n"));
        let body = parts(&course, &guid).body(&words);
        let read: Map<String, Value> = serde_json::from_str(&body).unwrap();
        assert_eq!(read.len(), 11);
        assert_eq!((read["USER_STATE"].as_str(), read["GUID"].as_str()), (Some("A \"B\""), Some("O\\\n")));
        assert_eq!((read["COURSE_IDENTIFIER"].as_str(), read["Mail"].is_string()), (Some("0930"), true));
    }

    #[test]
    fn look_up_recognises_the_enrolment_and_the_day() {
        let fields = ReportTemplate::default().fields;
        let is = |record: Value| is_same_report(ORIGINAL, record.as_object().unwrap(), &fields);
        let record = |id: Value, date: &str| serde_json::json!({"ENROLMENT_ID": id, "COURSE_COMPLETE_DATE": date});
        assert!(is(record(Value::from(555_001), "2026-11-23")));
        assert!(is(record(Value::from("555001"), "2026-11-23T00:00:00Z")));
        assert!(is(serde_json::json!({"ENROLMENT_ID": 555_001})), "an ELM that tells no day");
        assert!(!is(record(Value::from(555_001), "2025-11-23")), "completed once before");
        assert!(!is(record(Value::from(555_002), "2026-11-23")));
        assert!(!is(serde_json::json!({"GUID": "HFPS1"})));
    }
}
