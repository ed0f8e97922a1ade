//! What people read: the answer first, then what it rests on.

use jiff::tz::{TimeZone, offset};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::{
    Account, Age, Course, ElmCourseId, EnrolState, Enrolment, EnrolmentId, Field, Fingerprint, Guid, Mail,
    ManualInstance, MoodleCourseId, MoodleUserId, ProblemKind, RecordProblem, RunId,
};
use rollbook_core::plan::AppliedState;
use rollbook_core::report::{
    Case, Completion, CourseOf, EventStory, MoodleAnswer, MoodleNow, OutboxKind, OutboxState, OutboxStory, PersonOf,
    RecordStory, Reporting, explain, summarise,
};
use rollbook_core::run::{Counts, EventKind, MailHolder, OutcomeCode, RunKind, Step, Verdict};

/// So many minutes after eight in the morning.
fn at(minutes: i64) -> Timestamp {
    let eight: Timestamp = "2026-11-23T16:00:00Z".parse().expect("a moment");
    eight + SignedDuration::from_mins(minutes)
}

fn record(number: u8, state: &str, changed: i64, verdict: Verdict) -> RecordStory {
    RecordStory {
        record: Fingerprint([number; 32]),
        state: state.to_owned(),
        age: Some(Age { changed: at(changed), created: at(changed + 5), number: None }),
        enrolment: Some(EnrolmentId::new(format!("55500{number}"))),
        seen_at: at(changed + 10),
        verdict,
        decided_at: at(changed + 10),
        attempts: 1,
        step: Step::Rest,
    }
}

fn account(id: i64, suspended: bool) -> Account {
    Account {
        id: MoodleUserId(id),
        username: "jane.doe".into(),
        mail: "jane.doe@example.org".into(),
        guid: "G-JANE".into(),
        first_name: "Jane".into(),
        last_name: "Doe".into(),
        suspended,
    }
}

fn answer(enrolment: Option<Enrolment>, completion: Completion) -> MoodleAnswer {
    MoodleAnswer {
        at: at(120),
        accounts: vec![account(7, false)],
        courses: vec![Course {
            id: MoodleCourseId(30),
            elm_id: ElmCourseId::new("930001"),
            full_name: "Fire safety".into(),
            manual: ManualInstance::Usable,
            default_role: None,
            active: None,
        }],
        enrolment,
        completion,
        reporting: Reporting::On,
    }
}

fn case(records: Vec<RecordStory>, moodle: MoodleNow) -> Case {
    Case {
        person: PersonOf {
            asked: "jane.doe@example.org".into(),
            name: Some("Jane Doe".into()),
            guid: Some(Guid::new("G-JANE")),
            mail: Some(Mail::new("jane.doe@example.org")),
        },
        course: CourseOf { elm_id: ElmCourseId::new("930001"), name: Some("Fire safety".into()) },
        records,
        applied: None,
        events: Vec::new(),
        moodle,
        outbox: Vec::new(),
        zone: TimeZone::fixed(offset(-8)),
    }
}

fn asked(enrolment: Enrolment) -> MoodleNow {
    MoodleNow::Asked(answer(Some(enrolment), Completion::NotCompleted))
}

fn report(finished: i64, state: OutboxState) -> OutboxStory {
    OutboxStory { kind: OutboxKind::Completion { finished: at(finished) }, queued_at: at(finished + 1), state }
}

fn told(case: &Case) -> String {
    explain(case).lines().join("\n")
}

fn mismatch() -> Verdict {
    let account = MailHolder {
        id: MoodleUserId(7),
        username: "jane.roe".into(),
        mail: Mail::new("jane.roe@example.org"),
        guid: Guid::new("G-JANE"),
    };
    Verdict::MailMismatch { account: Box::new(account), third: None }
}

#[test]
fn whole_story_is_told_with_the_answer_first() {
    let superseded = Verdict::Superseded { by: Fingerprint([2; 32]) };
    let records = vec![record(1, "Suspend", 0, superseded), record(2, "Enrol", 30, Verdict::Enrolled)];
    let completion = Completion::Completed(at(90));
    let mut case = case(records, MoodleNow::Asked(answer(Some(Enrolment::Active), completion)));
    case.outbox = vec![
        OutboxStory { kind: OutboxKind::WelcomeMail, queued_at: at(40), state: OutboxState::Sent { at: at(41) } },
        report(90, OutboxState::Sent { at: at(92) }),
    ];
    let event = |minutes, kind, words: &str, by: Option<&str>| EventStory {
        at: at(minutes),
        run: RunId::new("0198"),
        kind,
        words: words.to_owned(),
        by: by.map(str::to_owned),
    };
    case.events = vec![
        event(40, EventKind::Applied, "enrol account 7 in course 30: done", None),
        event(39, EventKind::Acted, "approved the plan", Some("ann")),
    ];
    insta::assert_snapshot!(told(&case));
}

#[test]
fn each_way_of_being_in_a_course_or_not_has_its_answer() {
    let enrolled = || vec![record(1, "Enrol", 0, Verdict::Enrolled)];
    let suspended = || vec![record(1, "Suspend", 0, Verdict::Suspended)];
    let waits = |verdict| {
        let mut story = record(1, "Enrol", 0, verdict);
        (story.attempts, story.step) = (3, Step::TryAt(at(140)));
        vec![story]
    };
    let mut in_doubt = record(1, "Enrol", 0, mismatch());
    in_doubt.step = Step::AskAt(at(10));
    let mut unreadable = record(
        1,
        "enrol",
        0,
        Verdict::Invalid { problem: RecordProblem { field: Field::State, why: ProblemKind::UnknownState } },
    );
    (unreadable.age, unreadable.step) = (None, Step::AskAt(at(10)));
    let ignored = vec![
        record(2, "Suspend", 20, Verdict::Ignored { why: "typed by mistake".into() }),
        record(1, "Enrol", 0, Verdict::Enrolled),
    ];
    let mut gone = case(Vec::new(), asked(Enrolment::Suspended));
    let age = Age { changed: at(0), created: at(0), number: None };
    gone.applied = Some(AppliedState { age, state: EnrolState::Suspend, record: Fingerprint([1; 32]) });
    let with_answer = |change: fn(&mut MoodleAnswer)| {
        let mut answer = answer(Some(Enrolment::Active), Completion::NotAsked);
        change(&mut answer);
        case(enrolled(), MoodleNow::Asked(answer))
    };
    let cases = [
        ("enrolled and active", case(enrolled(), asked(Enrolment::Active))),
        ("enrolled, and suspended by somebody else", case(enrolled(), asked(Enrolment::Suspended))),
        ("enrolled, and removed by somebody else", case(enrolled(), asked(Enrolment::Absent))),
        ("suspended", case(suspended(), asked(Enrolment::Suspended))),
        ("suspended, and active again", case(suspended(), asked(Enrolment::Active))),
        ("was active already", case(vec![record(1, "Enrol", 0, Verdict::AlreadyEnrolled)], asked(Enrolment::Active))),
        ("taken over", case(vec![record(1, "Enrol", 0, Verdict::Imported)], asked(Enrolment::NotActive))),
        ("course missing", case(waits(Verdict::CourseNotFound), asked(Enrolment::Absent))),
        ("answer lost", case(waits(Verdict::Unknown { step: "enrol account 7".into() }), asked(Enrolment::Active))),
        ("in doubt", case(vec![in_doubt], asked(Enrolment::Absent))),
        ("unreadable", case(vec![unreadable], asked(Enrolment::Absent))),
        ("newest ignored", case(ignored, asked(Enrolment::Active))),
        ("nothing said", case(Vec::new(), asked(Enrolment::Active))),
        ("records gone", gone),
        ("no account", with_answer(|answer| answer.accounts.clear())),
        ("two accounts", with_answer(|answer| answer.accounts.push(account(8, false)))),
        ("account closed", with_answer(|answer| answer.accounts = vec![account(7, true)])),
        ("no course", with_answer(|answer| answer.courses.clear())),
        ("two courses", with_answer(|answer| answer.courses.push(answer.courses[0].clone()))),
        ("standing not asked", with_answer(|answer| answer.enrolment = None)),
        ("Moodle not asked", case(enrolled(), MoodleNow::NotAsked { why: "it is in maintenance".into() })),
    ];
    let text: Vec<_> = cases.iter().map(|(name, case)| format!("## {name}\n{}\n", told(case))).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn whether_hr_knows_is_said_in_every_case() {
    let waiting = |attempts| OutboxState::Waiting {
        attempts,
        next_at: at(200),
        trouble: (attempts > 0).then(|| "the ELM answered 503".to_owned()),
    };
    let stopped = || OutboxState::Stopped { attempts: 12, why: "the ELM does not know the enrolment".into() };
    let sent = || OutboxState::Sent { at: at(95) };
    let completed = || Completion::Completed(at(90));
    let cases = [
        ("not finished", Completion::NotCompleted, vec![]),
        ("finished and reported", completed(), vec![report(90, sent())]),
        ("finished, report waits", completed(), vec![report(90, waiting(0))]),
        ("finished, report failed so far", completed(), vec![report(90, waiting(1))]),
        ("finished, report given up", completed(), vec![report(90, stopped())]),
        ("finished, nothing queued", completed(), vec![]),
        ("finished again after a report", completed(), vec![report(10, sent())]),
        ("reported, and the completion was reset", Completion::NotCompleted, vec![report(10, sent())]),
        ("not asked, reported", Completion::NotAsked, vec![report(10, sent())]),
        ("not asked", Completion::NotAsked, vec![]),
    ];
    let mut text = Vec::new();
    for (name, completion, outbox) in cases {
        let moodle = MoodleNow::Asked(answer(Some(Enrolment::Active), completion));
        let mut case = case(vec![record(1, "Enrol", 0, Verdict::Enrolled)], moodle);
        case.outbox = outbox;
        let told = explain(&case);
        text.push(format!("## {name}\n{}\n{}\n", told.answer, told.outbox.join("\n")));
    }
    let mut opted_out = answer(Some(Enrolment::Active), completed());
    opted_out.reporting = Reporting::Off;
    let case = case(vec![record(1, "Enrol", 0, Verdict::Enrolled)], MoodleNow::Asked(opted_out));
    text.push(format!("## course not opted in\n{}\n", explain(&case).answer));
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
