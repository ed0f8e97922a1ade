//! A record of the feed beside its person, course and enrolment in Moodle.

use super::record::{RecordRow, person_path, record_row};
use crate::layout::{Badge, TimeFormatter, Tone, lower_label};
use rollbook_core::model::{Account, Enrolment, Fingerprint, LinkName};
use rollbook_journal::LogRow;
use rollbook_journal::requests::{FeedCard, FeedTexts, Would};
use rollbook_settings::Settings;

pub struct FeedCardView {
    pub record: String,
    pub heading: String,
    pub badge: Badge,
    pub person_path: String,
    pub feed: Vec<(&'static str, String)>,
    pub accounts: Vec<AccountSide>,
    pub courses: Vec<String>,
    pub enrolment: String,
    pub mismatches: Vec<String>,
    pub would: Vec<String>,
    pub earlier: Vec<RecordRow>,
    pub can_process: bool,
}

/// An account of Moodle, as far as it bears on the record.
pub struct AccountSide {
    pub heading: &'static str,
    pub facts: Vec<(&'static str, String, bool)>,
}

pub fn feed_card(
    settings: &Settings,
    link: &LinkName,
    card: &FeedCard,
    earlier: &[LogRow],
    times: &TimeFormatter,
) -> FeedCardView {
    let FeedCard { record, texts, problem, known, by_guid, by_mail, account, mismatches, courses, enrolment, would } =
        card;
    let mut accounts: Vec<AccountSide> = Vec::new();
    for found in by_guid {
        let is_selected = *account == Some(found.id);
        let heading = if is_selected { "The account of this GUID" } else { "An account of this GUID" };
        accounts.push(side(heading, found, texts));
    }
    for found in by_mail.iter().filter(|found| !by_guid.iter().any(|known| known.id == found.id)) {
        accounts.push(side("An account of this address", found, texts));
    }
    let (lines, can_process) = match would {
        Would::Change { lines } => (lines.clone(), true),
        // Another look settles what only waits; what is settled stays so.
        Would::Leave { code, why } => (vec![format!("nothing ({}): {why}", lower_label(code.as_str()))], true),
    };
    FeedCardView {
        record: record.to_hex(),
        heading: heading(texts),
        badge: match (problem, known) {
            (Some(_), _) => Badge::new(Tone::Bad, "unreadable"),
            (None, Some(code)) => Badge::new(Tone::Plain, format!("known: {}", lower_label(code.as_str()))),
            (None, None) => Badge::new(Tone::Busy, "new"),
        },
        person_path: person_path(link, &texts.guid, &texts.course),
        feed: facts(texts),
        accounts,
        courses: courses.iter().map(|course| format!("{} (course {})", course.full_name, course.id)).collect(),
        enrolment: enrolment.map(enrolment_label).unwrap_or_default().to_owned(),
        mismatches: problem.iter().cloned().chain(mismatches.iter().cloned()).collect(),
        would: lines,
        earlier: earlier.iter().map(|row| record_row(row, settings, times)).collect(),
        can_process: can_process && problem.is_none(),
    }
}

fn heading(texts: &FeedTexts) -> String {
    let name = format!("{} {}", texts.first_name, texts.last_name);
    format!("{}: {} {}", texts.state, name.trim(), texts.short_name)
}

fn facts(texts: &FeedTexts) -> Vec<(&'static str, String)> {
    let FeedTexts {
        date_created,
        course,
        short_name,
        state,
        state_date,
        guid,
        mail,
        first_name,
        last_name,
        enrolment_id,
        record_id,
    } = texts.clone();
    let all = [
        ("Wants", state),
        ("Name", format!("{first_name} {last_name}").trim().to_owned()),
        ("GUID", guid),
        ("Mail", mail),
        ("Course", format!("{course} ({short_name})")),
        ("Enrolment", enrolment_id),
        ("Written", date_created),
        ("Acted", state_date),
        ("Number", record_id),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

fn side(heading: &'static str, account: &Account, texts: &FeedTexts) -> AccountSide {
    let Account { id, username, mail, guid, first_name, last_name, .. } = account;
    let differs = |ours: &str, theirs: &str| !ours.trim().eq_ignore_ascii_case(theirs.trim());
    let mut facts = vec![
        ("Account", id.to_string(), false),
        ("User name", username.clone(), false),
        ("Name", format!("{first_name} {last_name}").trim().to_owned(), false),
        ("GUID", if guid.is_empty() { "none".to_owned() } else { guid.clone() }, differs(&texts.guid, guid)),
        ("Mail", mail.clone(), differs(&texts.mail, mail)),
    ];
    facts.retain(|(_, value, _)| !value.is_empty());
    if let Some(block) = account.sign_in_block() {
        facts.push(("Sign-in", block.to_string(), true));
    }
    AccountSide { heading, facts }
}

fn enrolment_label(enrolment: Enrolment) -> &'static str {
    match enrolment {
        Enrolment::Active => "active in the course",
        Enrolment::Suspended => "suspended in the course",
        Enrolment::Absent => "not in the course",
        Enrolment::NotActive | Enrolment::Inactive => "not active in the course",
        Enrolment::NotStarted => "enrolled from a later day on",
    }
}

/// The fingerprints that a form names.
pub fn parse_fingerprints(texts: &[String]) -> Vec<Fingerprint> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}
