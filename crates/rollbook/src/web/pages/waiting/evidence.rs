//! An attention item's evidence as sides beside each other: what the feed says, what Moodle has, and where they differ.

use super::super::story::plain;
use crate::journal::{AttentionItem, LogRow};
use rollbook_core::model::{Field, MoodleUserId};
use rollbook_core::run::{MailHolder, Verdict};
use serde_json::Value;

/// One side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Side {
    pub heading: String,
    pub facts: Vec<Fact>,
    /// The account to use, where this side is one that can be chosen.
    pub account: Option<MoodleUserId>,
}

/// A fact of a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fact {
    pub label: &'static str,
    pub value: String,
    /// Whether the other side says otherwise.
    pub differs: bool,
}

/// What can be decided besides another try and an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Remedies {
    /// One of the accounts is the person.
    pub use_account: bool,
    /// The account gets the feed's address.
    pub update_mail: bool,
}

/// The sides, what can be decided, and what else is known, in words.
pub(super) fn sides(item: &AttentionItem, record: Option<&LogRow>) -> (Vec<Side>, Remedies, String) {
    let Ok(verdict) = serde_json::from_value::<Verdict>(item.evidence.clone()) else {
        return (record.map(feed_side).into_iter().collect(), Remedies::default(), words(&item.evidence));
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

fn words(evidence: &Value) -> String {
    plain(evidence)
}
