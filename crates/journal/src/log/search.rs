//! Free text → the paths into the log, each by an index.
//!
//! The original looked through every line for every search. Here the text is first looked for among people and courses,
//! which are few; a text that fits very many of them is so common that the newest lines are simply walked through.

use super::query::{LogQuery, Where};
use crate::JournalError;
use crate::store::{Arg, Engine, Store, args};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::LinkName;

/// The original searched so far around a time.
const AROUND: SignedDuration = SignedDuration::from_mins(2);
/// Above so many people, or courses, walking through the newest lines is quicker than looking each of them up.
const MATCHES_MAX: usize = 2_000;
/// A text that is so long and somebody's GUID is meant as one; what is shorter may also be a part of something.
const GUID_MIN: usize = 16;
/// A text has so many words; the rest are ignored.
const WORDS_MAX: usize = 6;

/// People by the place where SQLite keeps them.
const FIRST_HALF: &str = " AND rowid <= (SELECT MAX(rowid) FROM person) / 2";
const SECOND_HALF: &str = " AND rowid > (SELECT MAX(rowid) FROM person) / 2";

const STATUSES: [&str; 4] = ["Success", "Error", "Waiting", "Skipped"];
const ACTIONS: [&str; 9] = [
    "Enrol",
    "Suspend",
    "Complete",
    "Manual Enrol",
    "Manual Suspend",
    "Course not found",
    "User create failure",
    "Email Mistatch",
    "Imported",
];

/// The filters that a query's free text opens on one link; without free text the one that lets all through.
pub(super) async fn filters(store: &Store, query: &LogQuery, link: &LinkName) -> Result<Vec<Where>, JournalError> {
    let text = query.search.trim();
    if text.is_empty() {
        return Ok(vec![Where::default()]);
    }
    if let Some((from, to)) = moments(text, &query.zone) {
        return Ok(vec![Where::default().and("at_ms BETWEEN ? AND ?", vec![from.into(), to.into()])]);
    }
    let folded = text.to_lowercase();
    let mut filters = vec![
        Where::default().and("enrolment_id = ?", vec![text.into()]),
        Where::default().and("mail_fold = ?", vec![folded.as_str().into()]),
    ];
    if text.len() == 64 {
        filters.push(Where::default().and("fingerprint = ?", vec![folded.as_str().into()]));
    }
    for status in STATUSES.into_iter().filter(|status| status.to_lowercase().contains(&folded)) {
        let is_rare = if status == "Success" { "" } else { "status <> 'Success' AND " };
        filters.push(Where::default().and(&format!("{is_rare}status = ?"), vec![status.into()]));
    }
    for action in ACTIONS.into_iter().filter(|action| action.to_lowercase().contains(&folded)) {
        let is_rare =
            if matches!(action, "Enrol" | "Suspend") { "" } else { "action NOT IN ('Enrol', 'Suspend') AND " };
        filters.push(Where::default().and(&format!("{is_rare}action = ?"), vec![action.into()]));
    }
    let people = async {
        match whole_name(store, link, &folded).await? {
            Some(found) => Ok(Some(found)),
            None => owners(store, link, "person", "guid_fold", &folded).await,
        }
    };
    let courses = owners(store, link, "course", "course", &folded);
    let (people, courses) = tokio::try_join!(people, courses)?;
    filters.extend(people.into_iter().chain(courses));
    Ok(filters)
}

/// The way to the lines of the people whose GUID, or whose mail address then or now, is the whole text: they are meant, and an
/// index knows them. Nobody else has to be read.
async fn whole_name(store: &Store, link: &LinkName, folded: &str) -> Result<Option<Where>, JournalError> {
    let sql = if folded.contains('@') {
        "SELECT DISTINCT guid_fold AS guid FROM record WHERE link = $1 AND mail_fold = $2 AND guid_fold <> '' LIMIT 100"
    } else if folded.len() >= GUID_MIN {
        "SELECT guid_fold AS guid FROM person WHERE link = $1 AND guid_fold = $2"
    } else {
        return Ok(None);
    };
    let rows = store.rows(sql, args![link.as_str(), folded]).await?;
    let guids = rows.iter().map(|row| row.text("guid")).collect::<Result<Vec<_>, _>>()?;
    Ok((!guids.is_empty()).then(|| Where::default().and_one_of("guid_fold", &guids)))
}

/// The way to the lines of the people or courses that the text fits.
async fn owners(
    store: &Store,
    link: &LinkName,
    table: &str,
    key: &str,
    folded: &str,
) -> Result<Option<Where>, JournalError> {
    let words: Vec<String> = folded.split_whitespace().take(WORDS_MAX).map(contains).collect();
    let fits = |table: &str, from: usize| -> String {
        (from..from + words.len()).map(|n| format!(" AND {table}.search LIKE ${n} ESCAPE '\\'")).collect()
    };
    let mut args: Vec<Arg> = args![link.as_str()];
    args.extend(words.iter().map(Arg::from));
    let find = async |part: &str| {
        let sql =
            format!("SELECT {key} FROM {table} WHERE link = $1{part}{} LIMIT {}", fits(table, 2), MATCHES_MAX + 1);
        store.rows(&sql, args.clone()).await
    };
    // Whoever contains a text anywhere is found by reading all: on two cores in half the time.
    let rows = match store.engine() {
        Engine::Sqlite if table == "person" => {
            let (mut rows, others) = tokio::try_join!(find(FIRST_HALF), find(SECOND_HALF))?;
            rows.extend(others);
            rows
        }
        Engine::Sqlite | Engine::Pg => find("").await?,
    };
    let found = rows.iter().map(|row| row.text(key)).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() {
        return Ok(None);
    }
    if found.len() <= MATCHES_MAX {
        return Ok(Some(Where::default().and_one_of(key, &found)));
    }
    let fits: String = words.iter().map(|_| format!(" AND {table}.search LIKE ? ESCAPE '\\'")).collect();
    let walk = format!(
        "EXISTS (SELECT 1 FROM {table} WHERE {table}.link = record.link AND {table}.{key} = record.{key}{fits})"
    );
    Ok(Some(Where::default().and(&walk, words.iter().map(Arg::from).collect())))
}

/// The pattern of a text that contains a word.
fn contains(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len() + 2);
    pattern.push('%');
    for c in word.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The moments that a text means, if it reads as a time: both ends are included.
fn moments(text: &str, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    // Compact forms such as 20261123 are numbers to everybody who searches.
    if !text.contains('-') || text.len() > 40 {
        return None;
    }
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        let start = zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok()?;
        let end = zone.to_timestamp(date.tomorrow().ok()?.to_datetime(jiff::civil::Time::midnight())).ok()?;
        return Some((start, end.checked_sub(SignedDuration::from_millis(1)).ok()?));
    }
    let moment = match text.parse::<Timestamp>() {
        Ok(moment) => moment,
        Err(_) => zone.to_timestamp(text.parse::<DateTime>().ok()?).ok()?,
    };
    Some((moment.checked_sub(AROUND).ok()?, moment.checked_add(AROUND).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_finds_two_minutes_around_it_and_a_date_its_day() {
        let zone = TimeZone::fixed(jiff::tz::offset(-7));
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let around = (at("2026-11-23T15:58:00Z"), at("2026-11-23T16:02:00Z"));
        for text in ["2026-11-23T16:00:00Z", "2026-11-23 09:00", "2026-11-23T09:00:00", "2026-11-23T09:00:00-07:00"] {
            assert_eq!(moments(text, &zone), Some(around), "{text}");
        }
        let day = (at("2026-11-23T07:00:00Z"), at("2026-11-24T06:59:59.999Z"));
        assert_eq!(moments("2026-11-23", &zone), Some(day));
        for text in ["20261123", "ITEM-1-1", "jane", "930001", "2026-13-01", "0000DE73-07A2", "-", "12:00"] {
            assert_eq!(moments(text, &zone), None, "{text}");
        }
    }

    #[test]
    fn wildcards_in_a_search_are_plain_characters() {
        assert_eq!(contains(r"50%_\"), r"%50\%\_\\%");
    }
}
