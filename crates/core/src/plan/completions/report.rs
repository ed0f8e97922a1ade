//! One report to the ELM: the body that is sent, byte for byte, and what it is recognised by.

use crate::model::{CompletionKey, ElmCourseId, Fingerprint, Guid};
use crate::policy::{ReportFields, ReportWords};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// One completion to be reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who, of what, when.
    pub key: CompletionKey,
    /// The person.
    pub guid: Guid,
    /// The course, as the ELM names it.
    pub elm_id: ElmCourseId,
    /// The ELM's number of the enrolment.
    pub enrolment: i64,
    /// The day of completion in the link's zone.
    pub complete_date: Date,
    /// The enrolment record that the enrolment's number came from; `None` where a person supplied it.
    pub record: Option<Fingerprint>,
    /// The class code.
    pub short_name: String,
    /// The person's address.
    pub mail: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// The JSON that is sent.
    pub body: String,
}

/// What a report's body is made from.
#[derive(Clone, Copy, Debug)]
pub struct ReportParts<'a> {
    /// The day of completion.
    pub complete_date: Date,
    /// The ELM's number of the enrolment.
    pub enrolment: i64,
    /// The course, as the ELM names it.
    pub elm_id: &'a ElmCourseId,
    /// The class code.
    pub short_name: &'a str,
    /// The person's address.
    pub mail: &'a str,
    /// The person.
    pub guid: &'a Guid,
    /// Given name.
    pub first_name: &'a str,
    /// Family name.
    pub last_name: &'a str,
}

impl ReportParts<'_> {
    /// The body: compact JSON, its keys in the order in which the original plugin writes them.
    pub fn body(&self, words: &ReportWords) -> String {
        let Self { complete_date, enrolment, elm_id, short_name, mail, guid, first_name, last_name } = *self;
        let ReportWords { fields, course_state, user_state, user_effective_date } = words;
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
        assert_eq!(parts(&course, &guid).body(&ReportWords::default()), ORIGINAL);
    }

    #[test]
    fn names_and_constants_are_the_operators_and_texts_are_escaped() {
        let mut words = ReportWords { user_state: "A \"B\"".into(), ..ReportWords::default() };
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
        let fields = ReportWords::default().fields;
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
