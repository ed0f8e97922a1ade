//! Plays the lines of a scenario: a page of test code stands for Moodle and for the journal.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::desired::{OptedCourse, follow_opt_ins};
use rollbook_core::guard::{CompletionsView, check_completions, decide};
use rollbook_core::model::{
    CompletionKey, ElmCourseId, EnrolmentId, EnrolmentRecord, Fingerprint, Guid, LinkName, MoodleCourseId,
    MoodleUserId, OptIn, OptInCourse, SeenBy, SeenCompletion,
};
use rollbook_core::plan::{
    CompletionInputs, CompletionSkip, KnownCompletion, KnownCompletions, Report, plan_completions,
};
use rollbook_core::policy::{CompletionLimits, CompletionsPolicy, DeliveryRules, ReportTemplate};
use rollbook_core::snapshot::{Gap, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// What stays from run to run of one rule.
pub struct Scene {
    now: Timestamp,
    checked: Option<Timestamp>,
    policy: CompletionsPolicy,
    moodle: BTreeMap<MoodleCourseId, OptInCourse>,
    opted: Vec<OptedCourse>,
    records: BTreeMap<(String, ElmCourseId), Vec<EnrolmentRecord>>,
    known: Vec<KnownCompletion>,
    waiting: Vec<SeenCompletion>,
    supplied: BTreeMap<CompletionKey, EnrolmentId>,
    shows_bodies: bool,
}

impl Default for Scene {
    fn default() -> Self {
        let policy = CompletionsPolicy {
            zone: TimeZone::UTC,
            report_from: None,
            words: ReportTemplate::default(),
            delivery: DeliveryRules::default(),
            limits: CompletionLimits::default(),
        };
        Self {
            now: moment("2026-11-23", "12:00"),
            checked: None,
            policy,
            moodle: BTreeMap::new(),
            opted: Vec::new(),
            records: BTreeMap::new(),
            known: Vec::new(),
            waiting: Vec::new(),
            supplied: BTreeMap::new(),
            shows_bodies: false,
        }
    }
}

/// What one run alone is about.
#[derive(Default)]
struct Run {
    seen: Vec<SeenCompletion>,
    gaps: Vec<Gap>,
    plan_waits: SignedDuration,
}

impl Scene {
    /// One run: the lines that set it up, then what was planned and found.
    pub fn play(&mut self, statements: &[String]) -> Vec<String> {
        let mut run = Run::default();
        for statement in statements {
            self.take(&mut run, &words(statement));
        }
        let looked = Snapshot::complete(self.now, self.moodle.values().cloned().collect());
        self.opted = follow_opt_ins(&self.opted, &looked, self.checked);
        self.checked = Some(self.now);
        let courses = self.opted.iter().map(|course| (course.id, course.clone())).collect();
        let value = run.seen.into_iter().chain(self.waiting.drain(..)).collect();
        let seen = Snapshot { taken_at: self.now, gaps: run.gaps, value };
        let link = LinkName::new("done");
        let known = KnownCompletions::new(self.known.iter().cloned());
        let (records, supplied) = (&self.records, &self.supplied);
        let inputs = CompletionInputs { link: &link, seen: &seen, courses: &courses, records, known: &known, supplied };
        let plan = plan_completions(&inputs, &self.policy, self.now);
        let now = self.now + run.plan_waits;
        let view = CompletionsView {
            plan: &plan,
            gaps: &seen.gaps,
            courses: &looked,
            queued_before: 0,
            policy: &self.policy,
            now,
        };
        let findings = check_completions(&view);
        let mut lines: Vec<String> = plan.reports.iter().flat_map(|report| self.show(report)).collect();
        lines.extend(plan.skips.iter().map(show_skip));
        let again = plan.recertifications.iter().map(|skip| show_skip(skip).replacen("skip    ", "again   ", 1));
        lines.extend(again);
        lines.extend(findings.iter().map(|finding| format!("finding {finding}")));
        let decision = decide(&plan, |_| findings.clone(), &[], &BTreeSet::new(), now);
        if decision.waiting.is_some() {
            lines.push("plan    refused".to_owned());
        } else {
            self.known.extend(plan.reports.iter().map(known_of));
        }
        self.waiting = plan.skips.into_iter().map(|skip| skip.seen).collect();
        lines
    }

    fn show(&self, report: &Report) -> Vec<String> {
        let line = format!("report  {report}");
        if self.shows_bodies { vec![line, format!("body    {}", report.body)] } else { vec![line] }
    }

    fn take(&mut self, run: &mut Run, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["now", day, time] => self.now = moment(day, time),
            ["zone", name] => self.policy.zone = jiff::tz::TimeZoneDatabase::bundled().get(name).expect("a zone"),
            ["report_from", day] => self.policy.report_from = Some(day.parse().expect("a day")),
            ["limit", "reports", count] => self.policy.limits.reports = count.parse().expect("a number"),
            ["show", "bodies"] => self.shows_bodies = true,
            ["plan", "waits", minutes, "minutes"] => {
                run.plan_waits = SignedDuration::from_mins(minutes.parse().expect("a number"));
            }
            ["gap", "calls", left] => run.gaps.push(Gap::CallsLimit { left: left.parse().expect("a number") }),
            ["course", id, elm_id, name, opt_in] => self.course(id, elm_id, name, opt_in),
            ["record", person, course, rest @ ..] => self.record(person, course, rest),
            ["reported", user, "in", course, "at", day, time, "as", guid, elm_id] => self.known.push(KnownCompletion {
                key: key(user, course, day, time),
                guid: Guid::new(*guid).folded(),
                elm_id: ElmCourseId::new(*elm_id),
            }),
            ["supplied", id, "for", user, "in", course, "at", day, time] => {
                self.supplied.insert(key(user, course, day, time), EnrolmentId::new(*id));
            }
            ["seen", user, "in", course, "at", day, time, by, guid, rest @ ..] => {
                run.seen.push(seen(key(user, course, day, time), by, guid, rest));
            }
            other => panic!("not a statement: {other:?}"),
        }
    }

    fn course(&mut self, id: &str, elm_id: &str, name: &str, opt_in: &str) {
        let id = MoodleCourseId(id.parse().expect("a course id"));
        let opt_in = match opt_in {
            "in" => OptIn::In,
            "out" => OptIn::Out,
            _ => OptIn::Hidden,
        };
        let elm_id = (elm_id != "-").then(|| ElmCourseId::new(elm_id));
        self.moodle.insert(id, OptInCourse { id, elm_id, full_name: name.to_owned(), opt_in });
    }

    /// `record G-JANE 930001 2026-11-02 09:00 "Jane Doe" jane@example.org ITEM-1 555001`; `-` for what is missing.
    fn record(&mut self, person: &str, course: &str, rest: &[&str]) {
        let [day, time, name, mail, short_name, enrolment] = rest else { panic!("a record has eight words") };
        let text = |word: &str| if word == "-" { String::new() } else { word.to_owned() };
        let (first_name, last_name) = name.split_once(' ').unwrap_or((name, ""));
        let changed = moment(day, time);
        let of_pair = self.records.entry((Guid::new(person).folded(), ElmCourseId::new(course))).or_default();
        of_pair.push(EnrolmentRecord {
            fingerprint: Fingerprint::of_bytes(&[person, course, enrolment]),
            enrolment: Some(text(enrolment)).filter(|id| !id.is_empty()).map(EnrolmentId::new),
            changed,
            created: changed,
            short_name: text(short_name),
            guid: Guid::new(person),
            mail: text(mail),
            first_name: text(first_name),
            last_name: text(last_name),
        });
    }
}

fn show_skip(skip: &CompletionSkip) -> String {
    let (user, course) = (skip.seen.key.user, skip.seen.key.course);
    format!("skip    {user} in {course} {} ({:?}): {}", skip.why.code(), skip.why.disposition(), skip.why)
}

fn known_of(report: &Report) -> KnownCompletion {
    KnownCompletion { key: report.key, guid: report.guid.folded(), elm_id: report.elm_id.clone() }
}

fn seen(key: CompletionKey, by: &str, guid: &str, rest: &[&str]) -> SeenCompletion {
    let by = match by {
        "database" => SeenBy::Database,
        "hand" => SeenBy::ManualClock,
        _ => SeenBy::WebServices,
    };
    let text = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
    let guid = Guid::new(if guid == "-" { "" } else { guid });
    SeenCompletion { key, guid, mail: text(0), first_name: text(1), last_name: text(2), by }
}

fn key(user: &str, course: &str, day: &str, time: &str) -> CompletionKey {
    CompletionKey {
        user: MoodleUserId(user.parse().expect("an account id")),
        course: MoodleCourseId(course.parse().expect("a course id")),
        completed_at: moment(day, time),
    }
}

fn moment(day: &str, time: &str) -> Timestamp {
    let text = if time.len() == 5 { format!("{day}T{time}:00") } else { format!("{day}T{time}") };
    let moment: DateTime = text.parse().expect("a moment");
    moment.to_zoned(TimeZone::UTC).expect("a moment").timestamp()
}

/// The words of a line; quotes hold several together.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}
