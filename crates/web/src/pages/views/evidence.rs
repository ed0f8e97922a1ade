//! An attention item's evidence as sides beside each other: what the feed says, what Moodle has, and where they differ.

use rollbook_core::model::{CompletionKey, Field, MoodleCourseId, MoodleUserId};
use rollbook_core::run::{MailHolder, Verdict};
use rollbook_journal::{AttentionItem, LogRow};
use serde_json::Value;

/// One side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub heading: String,
    pub facts: Vec<Fact>,
    /// The account to use, where this side is one that can be chosen.
    pub account: Option<MoodleUserId>,
}

/// A fact of a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub label: &'static str,
    pub value: String,
    /// Whether the other side says otherwise.
    pub differs: bool,
}

/// What can be decided besides another try and an end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remedies {
    /// One of the accounts is the person.
    pub use_account: bool,
    /// The account gets the feed's address.
    pub update_mail: bool,
    /// The completion gets an enrolment id.
    pub supply: Option<Supply>,
    /// The report of this number is sent again.
    pub send_again: Option<i64>,
}

/// The completion that an enrolment id would be given for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supply {
    pub user: MoodleUserId,
    pub course: MoodleCourseId,
    pub completed: String,
}

/// The sides, what can be decided, and what else is known, in words.
pub fn sides(item: &AttentionItem, record: Option<&LogRow>) -> (Vec<Side>, Remedies, String) {
    if let Ok(key) = serde_json::from_value::<CompletionKey>(item.evidence["completion"].clone()) {
        let (sides, remedies) = completion_sides(&item.evidence, &key);
        return (sides, remedies, item.title.clone());
    }
    let Ok(verdict) = serde_json::from_value::<Verdict>(item.evidence.clone()) else {
        return (record.map(feed_side).into_iter().collect(), Remedies::default(), item.title.clone());
    };
    let mut sides: Vec<Side> = record.map(feed_side).into_iter().collect();
    let mut remedies = Remedies::default();
    match &verdict {
        Verdict::MailMismatch { account, third } => {
            sides.push(holder_side("Moodle: the account of this GUID", account, record));
            match third {
                Some(third) => sides.push(holder_side("Moodle: the account of the feed's address", third, record)),
                None => remedies.update_mail = true,
            }
        }
        Verdict::GuidChanged { holders } => {
            remedies.use_account = true;
            for holder in holders {
                let side = holder_side("Moodle: an account with this address or name", holder, record);
                sides.push(Side { account: Some(holder.id), ..side });
            }
        }
        Verdict::TwoAccounts { accounts } => sides.extend(accounts.iter().map(|id| account_side(*id))),
        _ => {}
    }
    (sides, remedies, verdict.to_string())
}

fn feed_side(row: &LogRow) -> Side {
    let text = |field: Field| row.text.get(field).to_owned();
    let fact = |label, value| Fact { label, value, differs: false };
    let facts = vec![
        fact("Name", format!("{} {}", text(Field::FirstName), text(Field::LastName)).trim().to_owned()),
        fact("GUID", text(Field::Guid)),
        fact("Mail", text(Field::Mail)),
        fact("Course", format!("{} ({})", text(Field::Course), text(Field::ShortName))),
        fact("Wants", text(Field::State)),
        fact("Written", text(Field::DateCreated)),
    ];
    Side { heading: "The feed".to_owned(), facts, account: None }
}

fn holder_side(heading: &str, holder: &MailHolder, record: Option<&LogRow>) -> Side {
    let MailHolder { id, username, mail, guid } = holder;
    let differs = |field: Field, value: &str| {
        record.is_some_and(|row| !row.text.get(field).trim().eq_ignore_ascii_case(value.trim()))
    };
    let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let facts = vec![
        Fact { label: "Account", value: id.to_string(), differs: false },
        Fact { label: "User name", value: shown(username), differs: false },
        Fact { label: "GUID", value: shown(guid.as_str()), differs: differs(Field::Guid, guid.as_str()) },
        Fact { label: "Mail", value: shown(mail.as_str()), differs: differs(Field::Mail, mail.as_str()) },
    ];
    Side { heading: heading.to_owned(), facts, account: None }
}

fn account_side(id: MoodleUserId) -> Side {
    let facts = vec![Fact { label: "Account", value: id.to_string(), differs: false }];
    Side { heading: "Moodle: an account of this GUID".to_owned(), facts, account: None }
}

/// What Moodle says of a completion beside what the ELM does, or would get.
fn completion_sides(evidence: &Value, key: &CompletionKey) -> (Vec<Side>, Remedies) {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let facts = |pairs: Vec<(&'static str, String)>| {
        let told = pairs.into_iter().filter(|(_, value)| !value.trim().is_empty());
        told.map(|(label, value)| Fact { label, value, differs: false }).collect()
    };
    // A report's body is kept as the very text that was sent.
    let body: Value = evidence["body"].as_str().and_then(|sent| serde_json::from_str(sent).ok()).unwrap_or_default();
    let of = |name: &str| text(&evidence[name]);
    let name = |first: String, last: String| format!("{first} {last}").trim().to_owned();
    let moodle = vec![
        ("Account", key.user.to_string()),
        ("Name", name(of("first_name"), of("last_name"))),
        ("GUID", of("guid")),
        ("Mail", of("mail")),
        ("Course", of("course_name")),
        ("Its ID number", of("course")),
        ("Completed", format!("{:.0}", key.completed_at)),
    ];
    let mut sides = vec![Side { heading: "Moodle".to_owned(), facts: facts(moodle), account: None }];
    if body.is_object() {
        let elm = vec![
            ("Name", name(text(&body["FIRST_NAME"]), text(&body["LAST_NAME"]))),
            ("GUID", text(&body["GUID"])),
            ("Mail", text(&body["EMAIL"])),
            ("Course", text(&body["COURSE_IDENTIFIER"])),
            ("Enrolment", text(&body["ENROLMENT_ID"])),
            ("Day", text(&body["COURSE_COMPLETE_DATE"])),
            ("Its answer", of("answer")),
            ("Tries", of("attempts")),
        ];
        sides.push(Side { heading: "What the ELM was sent".to_owned(), facts: facts(elm), account: None });
    }
    let takes_id = evidence["takes_enrolment_id"] == true;
    let supply =
        takes_id.then(|| Supply { user: key.user, course: key.course, completed: key.completed_at.to_string() });
    (sides, Remedies { supply, send_again: evidence["report"].as_i64(), ..Remedies::default() })
}
