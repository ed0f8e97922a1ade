//! When a feed is silent and why; which trouble begins, goes on and ends; and how that is worded.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use jiff::civil::{Weekday, date, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::notice::{
    Alert, AlertKind, BusinessHours, EpisodeChange, FeedWatch, LastRead, OpenEpisode, Phase, ScheduleState,
    SilenceCause, SilenceRules, classify_silence, follow, make_digest,
};
use std::collections::BTreeSet;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// 06:00 to 18:00 on weekdays, in a zone whose clocks change by rules of its own: no database is needed.
fn hours(holidays: &[(i16, i8, i8)]) -> BusinessHours {
    BusinessHours {
        from: time(6, 0, 0, 0),
        until: time(18, 0, 0, 0),
        weekdays: [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday].into(),
        holidays: holidays.iter().map(|(year, month, day)| date(*year, *month, *day)).collect(),
        zone: TimeZone::posix("PST8PDT,M3.2.0,M11.1.0").unwrap(),
    }
}

const HOUR: SilenceRules = SilenceRules { after: SignedDuration::from_hours(1), off_hours_after: None };

fn quiet_since(last: &str) -> FeedWatch {
    let last_record = at(last);
    let last_read = LastRead::Answered { since: last_record };
    FeedWatch { last_record, last_read, schedule: ScheduleState::Runs, is_told: false }
}

fn is_silent(last: &str, now: &str, hours: &BusinessHours) -> bool {
    classify_silence(&quiet_since(last), &HOUR, hours, at(now)).is_some()
}

#[test]
fn silence_counts_business_hours_only() {
    let hours = hours(&[]);
    assert!(!is_silent("2026-11-23T09:00-08:00", "2026-11-23T09:59-08:00", &hours));
    assert!(is_silent("2026-11-23T09:00-08:00", "2026-11-23T10:00-08:00", &hours));
    // Half an hour on Friday evening and half an hour on Monday morning.
    assert!(!is_silent("2026-11-20T17:30-08:00", "2026-11-20T23:00-08:00", &hours));
    assert!(!is_silent("2026-11-20T17:30-08:00", "2026-11-22T12:00-08:00", &hours));
    assert!(!is_silent("2026-11-20T17:30-08:00", "2026-11-23T06:29-08:00", &hours));
    assert!(is_silent("2026-11-20T17:30-08:00", "2026-11-23T06:30-08:00", &hours));
}

#[test]
fn holiday_is_no_business_day() {
    let with = hours(&[(2026, 12, 25)]);
    assert!(!is_silent("2026-12-24T17:30-08:00", "2026-12-25T12:00-08:00", &with));
    assert!(is_silent("2026-12-24T17:30-08:00", "2026-12-25T12:00-08:00", &hours(&[])));
    assert!(!is_silent("2026-12-24T17:30-08:00", "2026-12-28T06:29-08:00", &with));
    assert!(is_silent("2026-12-24T17:30-08:00", "2026-12-28T06:30-08:00", &with));
}

#[test]
fn business_time_is_real_time_through_both_changes_of_the_clocks() {
    let hours = BusinessHours { weekdays: vec![Weekday::Sunday], from: time(0, 0, 0, 0), ..hours(&[]) };
    let day = |from: &str, until: &str| hours.between(at(from), at(until)).as_hours();
    assert_eq!(day("2026-03-08T00:00-08:00", "2026-03-09T00:00-07:00"), 17, "an hour is missing");
    assert_eq!(day("2026-11-01T00:00-07:00", "2026-11-02T00:00-08:00"), 19, "an hour is there twice");
    assert_eq!(day("2026-11-08T00:00-08:00", "2026-11-09T00:00-08:00"), 18);
    // Opening hours are local: on both sides of a change 06:00 is 06:00.
    let week = self::hours(&[]);
    assert!(!week.is_open(at("2026-10-30T05:59-07:00")) && week.is_open(at("2026-10-30T06:00-07:00")));
    assert!(!week.is_open(at("2026-11-02T05:59-08:00")) && week.is_open(at("2026-11-02T06:00-08:00")));
}

#[test]
fn off_hours_have_their_own_grace_or_none() {
    let (hours, night) = (hours(&[]), quiet_since("2026-11-20T18:00-08:00"));
    let with = SilenceRules { off_hours_after: Some(SignedDuration::from_hours(14)), ..HOUR };
    let judge = |rules: &SilenceRules, now: &str| classify_silence(&night, rules, &hours, at(now)).is_some();
    assert!(!judge(&with, "2026-11-21T07:59-08:00") && judge(&with, "2026-11-21T08:00-08:00"));
    assert!(!judge(&HOUR, "2026-11-22T23:00-08:00"));
}

#[test]
fn told_silence_lasts_until_a_record_comes_also_when_people_go_home() {
    let told = FeedWatch { is_told: true, ..quiet_since("2026-11-20T16:00-08:00") };
    let judge = |watch: &FeedWatch, now: &str| classify_silence(watch, &HOUR, &hours(&[]), at(now)).is_some();
    assert!(judge(&told, "2026-11-20T22:00-08:00") && judge(&told, "2026-11-21T12:00-08:00"));
    assert!(!judge(&quiet_since("2026-11-20T17:59-08:00"), "2026-11-20T22:00-08:00"));
}

#[test]
fn three_kinds_of_silence_are_told_apart() {
    let cause = |schedule, last_read| {
        let watch = FeedWatch { schedule, last_read, ..quiet_since("2026-11-23T09:00-08:00") };
        classify_silence(&watch, &HOUR, &hours(&[]), at("2026-11-23T11:00-08:00")).unwrap()
    };
    let (since, last) = (at("2026-11-23T09:30-08:00"), at("2026-11-23T09:00-08:00"));
    let answered = LastRead::Answered { since: last };
    assert_eq!(cause(ScheduleState::Runs, answered), SilenceCause::FeedQuiet { since: last });
    assert_eq!(cause(ScheduleState::Runs, LastRead::Failed { since }), SilenceCause::FeedUnreachable { since });
    let late = SilenceCause::ScheduleStands { since, paused_by: None };
    assert_eq!(cause(ScheduleState::Late { due: since }, LastRead::Failed { since }), late);
    let paused = cause(ScheduleState::Paused { since, by: "jo".to_owned() }, answered);
    assert_eq!(paused.to_string(), "our schedule stands still: the link was paused by jo");
}

fn trouble(subject: &str) -> Alert {
    Alert {
        kind: AlertKind::Identity,
        subject: subject.to_owned(),
        title: format!("{subject}: mail mismatch"),
        remedy: "update the mail".to_owned(),
        path: format!("/attention/{subject}"),
        since: at("2026-11-23T17:00Z"),
        cause_since: None,
    }
}

fn open(subject: &str, told: &str) -> OpenEpisode {
    let Alert { kind, subject, title, since, .. } = trouble(subject);
    OpenEpisode { id: 1, kind, subject, title, began: since, told: at(told) }
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[test]
fn episode_is_told_when_it_begins_once_a_day_and_when_it_ends() {
    let looked: BTreeSet<_> = AlertKind::ALL.into();
    let noon = at("2026-11-23T20:00Z");
    let turns = |open: &[OpenEpisode], now: &[Alert], at: Timestamp| follow(open, now, &looked, DAY, at);
    assert_eq!(turns(&[], &[trouble("a")], noon), [EpisodeChange::Begins(trouble("a"))]);
    let told = open("a", "2026-11-23T20:00Z");
    assert_eq!(turns(std::slice::from_ref(&told), &[trouble("a")], noon), []);
    let tomorrow = noon + DAY;
    assert_eq!(
        turns(std::slice::from_ref(&told), &[trouble("a")], tomorrow),
        [EpisodeChange::Reminds(told.clone(), trouble("a"))]
    );
    assert_eq!(turns(std::slice::from_ref(&told), &[], noon), [EpisodeChange::Ends(told.clone())]);
    // What could not be looked at has not ended.
    assert_eq!(follow(&[told], &[], &BTreeSet::new(), DAY, tomorrow), []);
}

#[test]
fn another_cause_is_told_once_it_has_lasted_and_one_that_comes_and_goes_is_not() {
    let looked: BTreeSet<_> = AlertKind::ALL.into();
    let told = open("a", "2026-11-23T20:00Z");
    let because =
        |title: &str, since: &str| Alert { title: title.to_owned(), cause_since: Some(at(since)), ..trouble("a") };
    let turns = |trouble: &Alert, now: &str| {
        follow(std::slice::from_ref(&told), std::slice::from_ref(trouble), &looked, DAY, at(now))
    };
    let other = because("a: it is away", "2026-11-23T20:30Z");
    assert_eq!(turns(&other, "2026-11-23T20:49Z"), []);
    assert_eq!(turns(&other, "2026-11-23T20:50Z"), [EpisodeChange::Changes(told.clone(), other.clone())]);
    // Gone after a while, and there again: it has to last anew.
    assert_eq!(turns(&because("a: it is away", "2026-11-23T20:55Z"), "2026-11-23T21:00Z"), []);
    assert_eq!(turns(&because(&told.title, "2026-11-23T20:30Z"), "2026-11-23T23:00Z"), [], "it was told so");
    // Counts in a title are no other cause.
    let counted = Alert { title: "a: 7 wait".to_owned(), ..trouble("a") };
    assert_eq!(turns(&counted, "2026-11-23T23:00Z"), []);
    let digest = make_digest("psa", &turns(&other, "2026-11-23T20:50Z"), None, &TimeZone::UTC).unwrap();
    assert_eq!(digest.title, "psa: another cause: Mail mismatch or changed GUID");
    assert!(digest.text.contains("  * a: it is away (told before: a: mail mismatch)\n"), "{}", digest.text);
    assert_eq!(digest.lines[0].phase, Phase::Changed);
}

#[test]
fn notice_says_what_who_since_when_what_to_do_and_where_to_look() {
    let turns = [EpisodeChange::Begins(trouble("g1")), EpisodeChange::Ends(open("g2", "2026-11-23T20:00Z"))];
    let digest = make_digest("psa", &turns, Some("https://rollbook.example.org/"), &TimeZone::UTC).unwrap();
    assert_eq!(digest.title, "psa: 1 new, 1 over");
    let wanted = "NEW\n\nMail mismatch or changed GUID\n  * g1: mail mismatch\n    since Mon 2026-11-23 17:00 UTC\n    \
        what to do: update the mail\n    https://rollbook.example.org/attention/g1\n\nOVER\n\n\
        Mail mismatch or changed GUID\n  * g2: mail mismatch\n    since Mon 2026-11-23 17:00 UTC\n";
    assert_eq!(digest.text, wanted);
    assert_eq!(make_digest("psa", &[], None, &TimeZone::UTC), None);
    let alone = make_digest("psa", &turns[..1], None, &TimeZone::UTC).unwrap();
    assert_eq!((alone.title.as_str(), alone.lines[0].url.as_str()), ("psa: Mail mismatch or changed GUID", ""));
}

#[test]
fn hundred_troubles_are_one_notice_that_counts_what_it_leaves_out() {
    let turns: Vec<EpisodeChange> = (0..100).map(|n| EpisodeChange::Begins(trouble(&format!("g{n:03}")))).collect();
    let digest = make_digest("psa", &turns, None, &TimeZone::UTC).unwrap();
    assert_eq!((digest.title.as_str(), digest.lines.len(), digest.left_out), ("psa: 100 new", 20, 80));
    assert!(digest.text.ends_with("  and 80 more\n"));
    assert!(digest.lines.iter().all(|line| line.phase == Phase::New));
}

#[test]
fn every_attention_kind_has_a_trouble_and_a_remedy() {
    let kind = |word: &str| AlertKind::of_attention(word).0;
    for (word, wanted) in [
        ("course_not_found", AlertKind::CourseLookup),
        ("course_ambiguous", AlertKind::CourseLookup),
        ("no_manual_instance", AlertKind::CourseLookup),
        ("account_refused", AlertKind::AccountCreation),
        ("username_refused", AlertKind::AccountCreation),
        ("name_missing", AlertKind::AccountCreation),
        ("mail_mismatch", AlertKind::Identity),
        ("guid_changed", AlertKind::Identity),
        ("two_accounts", AlertKind::Identity),
        ("shared_address", AlertKind::Identity),
        ("completion_refused", AlertKind::CompletionRefused),
        ("completion_elm", AlertKind::CompletionRefused),
        ("completion_no_record", AlertKind::NoEnrolmentRecord),
        ("invalid", AlertKind::Attention),
    ] {
        assert_eq!(kind(word), wanted, "{word}");
        assert!(!AlertKind::of_attention(word).1.is_empty());
    }
    for kind in AlertKind::ALL {
        assert_eq!(AlertKind::read(kind.as_str()), Some(kind));
    }
}
