//! When a link is due: over weekends, outages, and both changes of the clocks, in zones of whole and of half hours.

use jiff::Timestamp;
use rollbook_harness::Config;
use rollbook_settings::link::Schedule;
use rollbook_sync::scheduler::{latest_due, next_due};

fn schedule(cron: &str, zone: &str) -> Schedule {
    let link = format!("link.psa.schedule = \"{cron}\"\nlink.psa.timezone = \"{zone}\"");
    let settings = Config::over_nothing().intake("psa").with(&link).settings(tempfile::tempdir().unwrap().path());
    settings.links.values().next().unwrap().schedule().clone()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Every slot between two moments, in local words.
fn slots(schedule: &Schedule, from: &str, until: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut now = at(from);
    while let Some(next) = next_due(schedule, now).filter(|next| *next <= at(until)) {
        found.push(next.to_zoned(schedule.timezone.clone()).strftime("%H:%M%:z").to_string());
        now = next;
    }
    found
}

#[test]
fn many_missed_slots_are_one_and_it_is_the_newest() {
    let every_ten = schedule("5,15,25,35,45,55 6-18 * * 1-5", "America/Vancouver");
    // Friday noon to Monday noon: the last slot of all of them.
    let due = latest_due(&every_ten, at("2026-11-20T12:00:00-08:00"), at("2026-11-23T12:07:00-08:00"));
    assert_eq!(due, Some(at("2026-11-23T12:05:00-08:00")));
    // The weekend itself has none after Friday evening's.
    let due = latest_due(&every_ten, at("2026-11-20T12:00:00-08:00"), at("2026-11-22T12:00:00-08:00"));
    assert_eq!(due.unwrap().to_zoned(every_ten.timezone.clone()).strftime("%a %H:%M").to_string(), "Fri 18:55");
    assert_eq!(latest_due(&every_ten, at("2026-11-23T12:05:00-08:00"), at("2026-11-23T12:07:00-08:00")), None);
}

#[test]
fn slot_that_was_covered_is_not_due_again_and_a_clock_set_back_makes_nothing_due() {
    let hourly = schedule("0 * * * *", "UTC");
    let covered = at("2026-11-23T12:00:00Z");
    assert_eq!(latest_due(&hourly, covered, covered), None);
    assert_eq!(latest_due(&hourly, covered, at("2026-11-23T10:30:00Z")), None);
    assert_eq!(latest_due(&hourly, covered, at("2026-11-23T13:00:00Z")), Some(at("2026-11-23T13:00:00Z")));
}

#[test]
fn yearly_slot_is_found_after_an_outage_of_years_and_a_minutely_one_soon() {
    let yearly = schedule("0 0 1 1 *", "UTC");
    assert_eq!(
        latest_due(&yearly, at("2020-06-01T00:00:00Z"), at("2026-11-23T00:00:00Z")),
        Some(at("2026-01-01T00:00:00Z"))
    );
    let minutely = schedule("* * * * *", "UTC");
    let due = latest_due(&minutely, at("2000-01-01T00:00:00Z"), at("2026-11-23T10:30:30Z"));
    assert_eq!(due, Some(at("2026-11-23T10:30:00Z")));
}

#[test]
fn fixed_time_comes_once_a_day_through_both_changes_of_the_clocks() {
    for (zone, gap, fold) in [
        // 02:00 does not exist; 01:30 is there twice.
        (
            "America/New_York",
            ("2026-03-08T00:00:00-05:00", "2026-03-08T12:00:00-04:00"),
            ("2026-11-01T00:00:00-04:00", "2026-11-01T12:00:00-05:00"),
        ),
        // Half an hour: 02:00 to 02:29 do not exist; 01:30 to 01:59 are there twice.
        (
            "Australia/Lord_Howe",
            ("2026-10-04T00:00:00+10:30", "2026-10-04T12:00:00+11:00"),
            ("2026-04-05T00:00:00+11:00", "2026-04-05T12:00:00+10:30"),
        ),
    ] {
        assert_eq!(slots(&schedule("15 2 * * *", zone), gap.0, gap.1).len(), 1, "{zone}: the gap");
        assert_eq!(slots(&schedule("45 1 * * *", zone), fold.0, fold.1).len(), 1, "{zone}: the fold");
        assert_eq!(slots(&schedule("0 5 * * *", zone), gap.0, gap.1).len(), 1, "{zone}: after the gap");
    }
}

#[test]
fn slot_in_the_gap_comes_at_its_end() {
    let hour =
        slots(&schedule("15 2 * * *", "America/New_York"), "2026-03-08T00:00:00-05:00", "2026-03-08T12:00:00-04:00");
    assert_eq!(hour, ["03:00-04:00"]);
    let half =
        slots(&schedule("15 2 * * *", "Australia/Lord_Howe"), "2026-10-04T00:00:00+10:30", "2026-10-04T12:00:00+11:00");
    assert_eq!(half, ["02:30+11:00"]);
}

#[test]
fn interval_goes_on_through_both_changes_without_a_hole_or_a_double() {
    for (zone, from, until, wanted) in [
        ("America/New_York", "2026-03-08T00:00:00-05:00", "2026-03-08T05:00:00-04:00", 24),
        ("America/New_York", "2026-11-01T00:00:00-04:00", "2026-11-01T05:00:00-05:00", 36),
        ("Australia/Lord_Howe", "2026-10-04T00:00:00+10:30", "2026-10-04T05:00:00+11:00", 27),
        ("Australia/Lord_Howe", "2026-04-05T00:00:00+11:00", "2026-04-05T05:00:00+10:30", 33),
    ] {
        let every_ten = schedule("*/10 * * * *", zone);
        let mut now = at(from);
        let mut count = 0;
        while let Some(next) = next_due(&every_ten, now).filter(|next| *next <= at(until)) {
            assert_eq!(next.duration_since(now).as_mins(), 10, "{zone}: {now} → {next}");
            (now, count) = (next, count + 1);
        }
        assert_eq!(count, wanted, "{zone} from {from}");
    }
}
