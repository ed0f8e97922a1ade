//! The ELM: is the feed reached, is the token taken, do the clocks agree, can its records be read.

use super::{CLOCK_DIFFERENCE_MAX, Chart, Check};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::counted;
use rollbook_elm::client::{FeedClient, FeedError, FeedQuery};
use rollbook_elm::feed::{FeedFormat, FeedReading, collect_feed};
use rollbook_elm::propose_from_sample;

/// The feed of the last so many hours is read.
const HOURS_READ: i64 = 2;

/// Examines an ELM's feed.
pub async fn examine_elm(site: &str, client: &FeedClient, format: &FeedFormat, now: Timestamp) -> Vec<Check> {
    let mut chart = Chart::new(site);
    let since = now.checked_sub(SignedDuration::from_hours(HOURS_READ)).unwrap_or(Timestamp::MIN);
    let query = FeedQuery { since: Some(since), ..FeedQuery::default() };
    match collect_feed(client, &query, format, now, SignedDuration::ZERO).await {
        Ok(reading) => {
            look_at(&mut chart, &reading, now);
            let is_well = reading.records.value.iter().all(|record| record.reading.is_ok());
            if !is_well || reading.zone_difference.is_some() {
                suggest(&mut chart, client, format).await;
            }
        }
        Err(error) => {
            chart.bad("feed", error.to_string(), mend(&error));
            if matches!(error, FeedError::Unreadable { .. } | FeedError::Refused { .. }) {
                suggest(&mut chart, client, format).await;
            }
        }
    }
    if let Some(words) = format.zone.iana_name().and_then(|name| rollbook_clock::machine_disagrees(name, now)) {
        chart.warn("zone database", words, "update the machine's package tzdata; Rollbook goes by its own");
    }
    chart.into_checks()
}

/// What a sample of the feed says of the configuration.
async fn suggest(chart: &mut Chart, client: &FeedClient, format: &FeedFormat) {
    let Ok(proposal) = propose_from_sample(client, format).await else { return };
    let lines = proposal.lines();
    if !lines.is_empty() {
        let remedy = "compare it with what the feed's keeper says, then write it into the site's section";
        chart.warn("configuration", format!("a sample of the feed suggests {}", lines.join("; ")), remedy);
    }
    let lost: Vec<&str> = proposal
        .names
        .iter()
        .filter(|(_, column)| column.is_none())
        .map(|(field, _)| format.names.get(*field))
        .collect();
    if !lost.is_empty() {
        chart.warn(
            "columns",
            format!("the feed has no {}", lost.join(", ")),
            "name the feed's columns under the site's [fields]",
        );
    }
}

fn look_at(chart: &mut Chart, reading: &FeedReading, now: Timestamp) {
    let count = reading.records.value.len();
    chart.good(
        "feed",
        format!(
            "answers; {} of the last {HOURS_READ} hours on {}",
            counted(count, "record"),
            counted(reading.pages, "page")
        ),
    );
    for gap in &reading.records.gaps {
        chart.warn("completeness", gap.to_string(), "raise pages_max or rows_max, or ask the feed's keeper");
    }
    chart.clock(reading.server_date, now);
    let bad = reading.records.value.iter().filter_map(|record| record.reading.as_ref().err());
    let bad: Vec<String> = bad.map(ToString::to_string).collect();
    if let Some(first) = bad.first() {
        let detail = format!("{} of {count} records cannot be used; the first: {first}", bad.len());
        chart.warn("records", detail, "compare the field names under the site's [fields] with the feed's");
    }
    if let Some(difference) = reading.zone_difference {
        let detail = format!("the offsets in the records differ from the configured zone by {difference:#}");
        chart.warn(
            "time zone",
            detail,
            "set the site's timezone to that of the feed; until then each reading is so much wider",
        );
    }
    let readings = reading.records.value.iter().filter_map(|record| record.reading.as_ref().ok());
    if let Some(newest) = readings.map(|reading| reading.created).max()
        && newest > now + CLOCK_DIFFERENCE_MAX
    {
        let minutes = newest.duration_since(now).as_mins();
        chart.bad(
            "time zone",
            format!("the newest record was created {} from now", counted(minutes, "minute")),
            "set the site's timezone to that of the feed",
        );
    }
}

fn mend(error: &FeedError) -> &'static str {
    match error {
        FeedError::Denied { .. } => "check the token, and the name of the header that carries it",
        FeedError::Misaddressed { .. } => "check feed_url: it must be the collection itself",
        FeedError::Refused { .. } => "check the literal's style and the field names",
        FeedError::Unreadable { .. } => "compare the names under the site's [fields] and [states] with the feed's",
        _ => "check feed_url, and that this machine may reach it",
    }
}
