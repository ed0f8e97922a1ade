//! A sample page → what the configuration should say: names of columns, words for states, zone.
//!
//! It proposes and never decides. The names are guessed by what HR systems usually call a column, the states by the words
//! that PeopleSoft and SuccessFactors use, the zone by the offsets that records name.

use crate::client::{FeedClient, FeedError, FeedRow};
use crate::feed::{FeedFormat, find_zone_difference};
use jiff::SignedDuration;
use rollbook_core::model::{FeedRecord, Field, ProblemKind};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What a site's section should say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Fields whose column is not there, each with the column that looks like it.
    pub names: Vec<(Field, Option<String>)>,
    /// Words of the feed that no state has: the word, and the key of `[states]` that it looks like.
    pub states: Vec<(String, &'static str)>,
    /// How far the feed's clock is ahead of the configured zone.
    pub zone: Option<SignedDuration>,
}

/// What columns are called elsewhere, without strokes and case.
const SYNONYMS: [(Field, &[&str]); Field::ALL.len()] = [
    (Field::DateCreated, &["datecreated", "createddate", "createdon", "createddttm", "dttmcreated", "creationdate"]),
    (Field::Course, &["courseidentifier", "courseid", "coursecode", "lmcrseid", "crseid", "itemid", "activityid"]),
    (Field::ShortName, &["courseshortname", "classcode", "shortname", "lmactcd", "classid", "schedulenbr"]),
    (Field::State, &["coursestate", "enrolmentstate", "enrollmentstatus", "lmenrlstatus", "status", "stts", "state"]),
    (Field::Guid, &["guid", "userguid", "objectguid", "personguid", "oprid", "emplid", "externalid", "userid"]),
    (Field::Mail, &["email", "emailaddr", "emailaddress", "mail", "emailid"]),
    (Field::FirstName, &["firstname", "givenname", "fname"]),
    (Field::LastName, &["lastname", "surname", "familyname", "lname"]),
    (Field::EnrolmentId, &["enrolmentid", "enrollmentid", "lmenrlmtid", "enrlid", "registrationid"]),
    (Field::StateDate, &["coursestatedate", "statusdate", "lmsttschangedt", "statechangedate", "effectivedate"]),
    (Field::RecordId, &["recordenrolid", "recordid", "rowid", "transactionid", "lastchangeid"]),
];

/// What states are called elsewhere.
const STATES: [(&str, &[&str]); 4] = [
    ("enrol", &["enrol", "enroll", "enrl", "enrolled", "enrolment", "registered", "active", "inpo", "inprogress"]),
    (
        "suspend",
        &["suspend", "canc", "cancelled", "canceled", "drop", "dropped", "withdrawn", "decl", "declined", "removed"],
    ),
    ("not_yet", &["wtlt", "waitlisted", "waitlist", "pend", "pending", "pappr", "pendingapproval", "planned", "plan"]),
    ("ignore", &["comp", "complete", "completed", "ncmp", "notcompleted", "waiv", "waived", "noshow", "nshw"]),
];

/// Reads a sample, and says what it suggests.
///
/// # Errors
/// [`FeedError`]
pub async fn propose_from_sample(client: &FeedClient, format: &FeedFormat) -> Result<Proposal, FeedError> {
    let rows = client.fetch_sample().await?;
    let records: Vec<FeedRecord> = rows.iter().map(|row| format.read_row(row.clone())).collect();
    Ok(propose(&rows, &records, format))
}

/// What a sample of a feed suggests.
pub fn propose(rows: &[FeedRow], records: &[FeedRecord], format: &FeedFormat) -> Proposal {
    let columns: BTreeSet<&String> = rows.iter().filter_map(fields_of).flat_map(Map::keys).collect();
    let is_there = |name: &str| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    let taken: BTreeSet<String> = Field::ALL.iter().map(|field| format.names.get(*field).to_lowercase()).collect();
    let names = Field::ALL.into_iter().filter(|field| !columns.is_empty() && !is_there(format.names.get(*field)));
    let names = names.map(|field| {
        let (_, synonyms) = SYNONYMS[field as usize];
        let free = || columns.iter().filter(|column| !taken.contains(&column.to_lowercase()));
        let likely = synonyms.iter().find_map(|synonym| free().find(|column| plain(column) == *synonym));
        (field, likely.map(|column| (*column).clone()))
    });
    let unknown: BTreeSet<&str> = records
        .iter()
        .filter(|record| record.reading.as_ref().is_err_and(|problem| problem.why == ProblemKind::UnknownState))
        .map(|record| record.get(Field::State))
        .collect();
    let states = unknown.into_iter().map(|word| {
        let known = STATES.iter().find(|(_, words)| words.contains(&plain(word).as_str()));
        (word.to_owned(), known.map_or("ignore", |(key, _)| key))
    });
    Proposal { names: names.collect(), states: states.collect(), zone: find_zone_difference(records, &format.zone) }
}

impl Proposal {
    /// The lines for the site's section, in the order of the file.
    pub fn lines(&self) -> Vec<String> {
        let names = self.names.iter().filter_map(|(field, column)| {
            let key = Field::KEYS.iter().find(|(_, known)| known == field).map(|(key, _)| *key)?;
            Some(format!("[fields] {key} = \"{}\"", column.as_deref()?))
        });
        let keys = STATES.iter().map(|(key, _)| *key);
        let states = keys.filter_map(|key| {
            let words: Vec<String> =
                self.states.iter().filter(|(_, of)| *of == key).map(|(word, _)| format!("\"{word}\"")).collect();
            (!words.is_empty()).then(|| format!("[states] {key} = [{}]", words.join(", ")))
        });
        let zone = self.zone.map(|ahead| {
            let direction = if ahead.is_negative() { "behind" } else { "ahead of" };
            format!("timezone: the feed's clock is {:#} {direction} the configured zone", ahead.abs())
        });
        names.chain(states).chain(zone).collect()
    }

    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn fields_of(row: &FeedRow) -> Option<&Map<String, Value>> {
    match row {
        FeedRow::Record(fields) | FeedRow::Damaged { row: Value::Object(fields), .. } => Some(fields),
        FeedRow::Malformed { .. } | FeedRow::Damaged { .. } => None,
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::{TimeZone, offset};
    use serde_json::json;

    #[test]
    fn sample_of_another_system_proposes_names_states_and_zone() {
        let row = |state: &str, created: &str| {
            json!({
                "CREATED_DTTM": created, "LM_CRSE_ID": 7, "CLASS_CODE": "X", "LM_ENRL_STATUS": state, "GUID": "A",
                "EMAIL_ADDR": "a@example.org", "FIRST_NAME": "A", "LAST_NAME": "B", "ENROLLMENT_ID": 1,
            })
        };
        let rows = [row("ENRL", "2026-11-23T09:00:00-05:00"), row("WTLT", "2026-11-23T09:01:00-05:00")];
        let mut format = FeedFormat::new(TimeZone::fixed(offset(-8)));
        let rows: Vec<FeedRow> = rows.into_iter().map(FeedRow::from).collect();
        let names = propose(&rows, &[], &format).names;
        let likely = |field| names.iter().find(|(named, _)| *named == field).and_then(|(_, column)| column.clone());
        assert_eq!(likely(Field::DateCreated).as_deref(), Some("CREATED_DTTM"));
        assert_eq!(likely(Field::Course).as_deref(), Some("LM_CRSE_ID"));
        assert_eq!(likely(Field::State).as_deref(), Some("LM_ENRL_STATUS"));
        assert_eq!(likely(Field::Mail).as_deref(), Some("EMAIL_ADDR"));
        assert_eq!(likely(Field::EnrolmentId).as_deref(), Some("ENROLLMENT_ID"));
        assert_eq!(names.iter().find(|(field, _)| *field == Field::StateDate), Some(&(Field::StateDate, None)));
        for (field, column) in names {
            if let Some(column) = column {
                format.names = format.names.with(field, column);
            }
        }
        let fields = rows.iter().filter_map(fields_of).map(|fields| Value::Object(fields.clone()));
        let records: Vec<FeedRecord> = fields.map(|row| format.read(&row)).collect();
        let proposal = propose(&rows, &records, &format);
        assert_eq!(proposal.states, [("ENRL".to_owned(), "enrol"), ("WTLT".to_owned(), "not_yet")]);
        assert_eq!(proposal.lines(), ["[states] enrol = [\"ENRL\"]", "[states] not_yet = [\"WTLT\"]"]);
        assert_eq!(proposal.zone, None, "of records that cannot be read nothing is known");
        format.states.enrol = vec!["ENRL".to_owned()];
        let fields = rows.iter().filter_map(fields_of).map(|fields| Value::Object(fields.clone()));
        let records: Vec<FeedRecord> = fields.map(|row| format.read(&row)).collect();
        assert_eq!(propose(&rows, &records, &format).zone, Some(SignedDuration::from_hours(3)));
    }
}
