//! A record of the feed beside what Moodle says about its person, course and enrolment.

use crate::layout::{Badge, TimeFormatter, Tone, words};
use crate::pages::log::{LogLine, line, story_path};
use rollbook_core::model::{Account, Enrolment, Fingerprint, LinkName};
use rollbook_journal::LogRow;
use rollbook_journal::requests::{FeedCard, FeedTexts, Would};

/// A card.
pub(super) struct Card {
    pub record: String,
    pub heading: String,
    pub badge: Badge,
    pub story: String,
    pub feed: Vec<(&'static str, String)>,
    pub accounts: Vec<AccountSide>,
    pub courses: Vec<String>,
    pub enrolment: String,
    pub mismatches: Vec<String>,
    pub would: Vec<String>,
    pub earlier: Vec<LogLine>,
    pub can_process: bool,
}

/// An account of Moodle, as far as it bears on the record.
pub(super) struct AccountSide {
    pub heading: &'static str,
    pub facts: Vec<(&'static str, String, bool)>,
}

pub(super) fn card(link: &LinkName, card: &FeedCard, earlier: &[LogRow], clockwork: &TimeFormatter) -> Card {
    let FeedCard { record, texts, problem, known, by_guid, by_mail, account, mismatches, courses, enrolment, would } =
        card;
    let mut accounts: Vec<AccountSide> = Vec::new();
    for found in by_guid {
        let is_chosen = *account == Some(found.id);
        let heading = if is_chosen { "The account of this GUID" } else { "An account of this GUID" };
        accounts.push(side(heading, found, texts));
    }
    for found in by_mail.iter().filter(|found| !by_guid.iter().any(|known| known.id == found.id)) {
        accounts.push(side("An account of this address", found, texts));
    }
    let (lines, can_process) = match would {
        Would::Change { lines } => (lines.clone(), true),
        // Another look settles what only waits; what is settled stays so.
        Would::Leave { code, why } => (vec![format!("nothing ({}): {why}", words(code.as_str()))], true),
    };
    Card {
        record: record.to_hex(),
        heading: heading(texts),
        badge: match (problem, known) {
            (Some(_), _) => Badge::new(Tone::Bad, "cannot be read"),
            (None, Some(code)) => Badge::new(Tone::Plain, format!("known: {}", words(code.as_str()))),
            (None, None) => Badge::new(Tone::Busy, "new"),
        },
        story: story_path(link, &texts.guid, &texts.course),
        feed: facts(texts),
        accounts,
        courses: courses.iter().map(|course| format!("{} (course {})", course.full_name, course.id)).collect(),
        enrolment: enrolment.map(enrolment_words).unwrap_or_default().to_owned(),
        mismatches: problem.iter().cloned().chain(mismatches.iter().cloned()).collect(),
        would: lines,
        earlier: earlier.iter().map(|row| line(row, clockwork)).collect(),
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

fn enrolment_words(enrolment: Enrolment) -> &'static str {
    match enrolment {
        Enrolment::Active => "active in the course",
        Enrolment::Suspended => "suspended in the course",
        Enrolment::Absent => "not in the course",
        Enrolment::NotActive | Enrolment::Inactive => "not active in the course",
        Enrolment::NotStarted => "enrolled from a later day on",
    }
}

/// The fingerprints that a form names.
pub(super) fn read_records(texts: &[String]) -> Vec<Fingerprint> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}
