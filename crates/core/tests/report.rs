//! What people read: the answer first, then what it rests on.

use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::{EnrolState, Enrolment, Fingerprint, MoodleUserId};
use rollbook_core::report::{
    Applied, Circumstances, Delivered, Explanation, Finished, Known, Moment, NowInMoodle, RecordStory, Reporting,
    explain, explain_with, summarise,
};
use rollbook_core::run::{Counts, OutcomeCode, RunKind};

/// So many minutes after eight in the morning.
fn at(minutes: i64) -> Timestamp {
    let eight: Timestamp = "2026-11-23T16:00:00Z".parse().expect("a moment");
    eight + SignedDuration::from_mins(minutes)
}

fn record(wants: &str, minutes: i64, code: OutcomeCode, reason: &str) -> RecordStory {
    RecordStory {
        record: Fingerprint::of_bytes(&[wants, reason]),
        wants: wants.to_owned(),
        written: at(minutes).to_string(),
        first_seen: at(minutes + 5),
        code,
        reason: reason.to_owned(),
        at: at(minutes + 6),
        attempts: 1,
        next_try: None,
    }
}

fn known(records: Vec<RecordStory>, now: NowInMoodle) -> Known {
    Known {
        person: "Jane Doe (G-JANE)".into(),
        course: "\"Fire safety\" (930001)".into(),
        records,
        delivered: Vec::new(),
        now,
    }
}

fn stands(enrolment: Enrolment) -> NowInMoodle {
    NowInMoodle::Stands { account: MoodleUserId(7), enrolment, site_suspended: false }
}

fn delivered(kind: &str, state: &str, minutes: i64) -> Delivered {
    Delivered {
        kind: kind.into(),
        state: state.into(),
        created: at(minutes),
        settled: (state != "due").then(|| at(minutes + 2)),
        answer: if state == "refused" { "HTTP 400, no such enrolment".into() } else { "accepted".into() },
        attempts: 1,
    }
}

/// All of it but the chain.
fn told(explained: &Explanation) -> String {
    let Explanation { answer, because, completion, next, chain: _ } = explained;
    let lines = [answer, because, completion, next].into_iter().filter(|line| !line.is_empty());
    lines.cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn whole_story_is_told_from_its_beginning() {
    let records = vec![
        record("Suspend", 0, OutcomeCode::Superseded, "a newer record of this person and course counts"),
        record("Enrol", 30, OutcomeCode::Enrolled, "enrolled in the course"),
    ];
    let mut known = known(records, stands(Enrolment::Active));
    known.delivered = vec![delivered("mail", "sent", 40), delivered("completion", "sent", 90)];
    let approved = Moment { at: at(35), what: "ann approved the plan".into() };
    let circumstances =
        Circumstances { events: vec![approved], finished: Finished::At(at(89)), ..Circumstances::default() };
    let explained = explain_with(&known, &circumstances);
    let chain: Vec<_> = explained.chain.iter().map(|moment| format!("{}  {}", moment.at, moment.what)).collect();
    insta::assert_snapshot!(format!("{}\n\n{}", told(&explained), chain.join("\n")));
}

#[test]
fn each_way_of_being_in_a_course_or_not_has_its_answer() {
    let enrolled = || vec![record("Enrol", 0, OutcomeCode::Enrolled, "enrolled in the course")];
    let suspended = || vec![record("Suspend", 0, OutcomeCode::Suspended, "suspended in the course")];
    let waits = |code, reason: &str| vec![record("Enrol", 0, code, reason)];
    let mut later = waits(OutcomeCode::CourseNotFound, "no Moodle course has this ID number");
    later[0].next_try = Some(at(140));
    let ignored = vec![
        record("Enrol", 0, OutcomeCode::Enrolled, "enrolled in the course"),
        record("Suspend", 20, OutcomeCode::Ignored, "ignored by decision: typed by mistake"),
    ];
    let late = vec![
        record("Enrol", 0, OutcomeCode::Enrolled, "enrolled in the course"),
        record("Suspend", 20, OutcomeCode::Suspended, "suspended in the course"),
        record("Enrol", 10, OutcomeCode::Stale, "a newer state was applied before"),
    ];
    let closed = NowInMoodle::Stands { account: MoodleUserId(7), enrolment: Enrolment::Active, site_suspended: true };
    let several = NowInMoodle::SeveralAccounts(vec![MoodleUserId(7), MoodleUserId(8)]);
    let unknown = "no answer came to: enrol account 7; it is looked up before the next try";
    let cases = [
        ("enrolled and active", known(enrolled(), stands(Enrolment::Active))),
        ("enrolled, and suspended by somebody else", known(enrolled(), stands(Enrolment::Suspended))),
        ("enrolled, and removed by somebody else", known(enrolled(), stands(Enrolment::Absent))),
        ("enrolled, and the account is gone", known(enrolled(), NowInMoodle::NoAccount)),
        ("suspended", known(suspended(), stands(Enrolment::Suspended))),
        ("suspended, and active again", known(suspended(), stands(Enrolment::Active))),
        ("course missing", known(later, NowInMoodle::NoCourse)),
        ("answer lost", known(waits(OutcomeCode::Unknown, unknown), stands(Enrolment::Active))),
        ("in doubt", known(waits(OutcomeCode::MailMismatch, "mail mismatch"), stands(Enrolment::Absent))),
        ("newest ignored", known(ignored, stands(Enrolment::Active))),
        ("newest came late and is stale", known(late, stands(Enrolment::Suspended))),
        ("nothing said", known(Vec::new(), stands(Enrolment::Active))),
        ("two accounts", known(enrolled(), several)),
        ("account closed", known(enrolled(), closed)),
        ("Moodle not asked", known(suspended(), NowInMoodle::NotAsked)),
        ("nothing known", known(Vec::new(), NowInMoodle::NotAsked)),
    ];
    let mut text: Vec<_> =
        cases.iter().map(|(name, known)| format!("## {name}\n{}\n", told(&explain(known)))).collect();
    for (name, state, now) in [
        ("records gone", EnrolState::Suspend, Enrolment::Suspended),
        ("records gone, and changed since", EnrolState::Enrol, Enrolment::Suspended),
    ] {
        let applied = Some(Applied { state, changed: at(0) });
        let circumstances = Circumstances { applied, ..Circumstances::default() };
        let explained = explain_with(&known(Vec::new(), stands(now)), &circumstances);
        text.push(format!("## {name}\n{}\n", told(&explained)));
    }
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn whether_hr_knows_is_said_in_every_case() {
    let report = |state: &str| vec![delivered("mail", "sent", 1), delivered("completion", state, 91)];
    let finished = Finished::At(at(90));
    let cases = [
        ("not finished", Finished::NotYet, Reporting::On, vec![]),
        ("not asked", Finished::NotAsked, Reporting::On, vec![]),
        ("finished and reported", finished, Reporting::On, report("sent")),
        ("finished, report is due", finished, Reporting::On, report("due")),
        ("finished, report refused", finished, Reporting::On, report("refused")),
        ("finished, no answer", finished, Reporting::On, report("unknown")),
        ("finished, cancelled", finished, Reporting::On, report("cancelled")),
        ("finished, nothing is due", finished, Reporting::On, vec![]),
        ("finished, course not opted in", finished, Reporting::Off, vec![]),
        ("finished again after a report", Finished::At(at(300)), Reporting::On, report("sent")),
        ("reported, and the completion was reset", Finished::NotYet, Reporting::On, report("sent")),
    ];
    let text = cases.map(|(name, finished, reporting, delivered)| {
        let mut known = known(Vec::new(), stands(Enrolment::Active));
        known.delivered = delivered;
        let circumstances = Circumstances { finished, reporting, ..Circumstances::default() };
        format!("{name}: {}", explain_with(&known, &circumstances).completion)
    });
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn numbers_of_a_run_are_lines_and_a_dry_run_says_so_in_each() {
    let mut counts = Counts { records: 1_234, accounts: 1, mails: 1_100, calls: 40, ..Counts::default() };
    for (code, times) in [
        (OutcomeCode::Enrolled, 1_000),
        (OutcomeCode::Reactivated, 100),
        (OutcomeCode::Suspended, 1),
        (OutcomeCode::AlreadyEnrolled, 100),
        (OutcomeCode::CourseNotFound, 30),
        (OutcomeCode::MailMismatch, 3),
    ] {
        (0..times).for_each(|_| counts.add(code));
    }
    let told = |counts: &Counts, kind| summarise(counts, kind).join("\n");
    let kinds = [RunKind::Normal, RunKind::DryRun].map(|kind| told(&counts, kind));
    insta::assert_snapshot!(format!("{}\n\n{}\n\n{}", kinds[0], kinds[1], told(&Counts::default(), RunKind::Normal)));
}
