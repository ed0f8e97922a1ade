//! A Moodle, an ELM and a journal in which intake has enrolled people, and the clock that all of them believe.

use jiff::{SignedDuration, Timestamp};
use rollbook_clock::{Clock, ManualClock};
use rollbook_core::model::{FieldNames, LinkName, MoodleCourseId, MoodleUserId, read_record};
use rollbook_core::plan::AppliedState;
use rollbook_core::policy::{CompletionLimits, CompletionsPolicy, DeliveryRules, ReportTemplate};
use rollbook_core::run::{RunKind, Step, Verdict};
use rollbook_elm::client::{CompletionClient, CompletionOptions};
use rollbook_harness::QUICK;
use rollbook_journal::{
    AttentionFilter, CompletionQuery, CompletionRow, Decision, FeedRead, Journal, NewRun, OpenOptions,
};
use rollbook_moodle::client::{MoodleClient, MoodleOptions};
use rollbook_sandbox::{ELM_TOKEN, FeedRow, MOODLE_TOKEN, Sandbox, World, world};
use rollbook_sync::flows::completions::{
    CompletionsFlow, CompletionsReport, CompletionsRequest, FoundBy, Purpose, Reach, Sending, run_completions,
};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The ELM's number of the first course.
pub const COURSE: i64 = 930_001;

pub struct Stage {
    pub sandbox: Sandbox,
    pub journal: Journal,
    pub clock: Clock,
    pub hand: ManualClock,
    pub flow: CompletionsFlow,
    pub dir: tempfile::TempDir,
}

/// Somebody who was enrolled.
#[derive(Clone, Copy, Debug)]
pub struct Learner {
    pub user: i64,
    pub course: i64,
    pub enrolment: i64,
}

pub fn start() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

pub fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

impl Stage {
    /// A course that has opted in, nobody enrolled, and everything since the first of the month counts.
    pub async fn new() -> Self {
        let mut world = World::empty();
        world.clock = world::Clock::Fixed(start());
        let course = world.moodle.add_course(&COURSE.to_string(), "Fire safety");
        world.moodle.courses.edit(course, |course| {
            course.opt_in = Some(true);
            course.has_criteria = true;
            course.self_completion = true;
        });
        let sandbox = Sandbox::start(world).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(&path(&dir).display().to_string(), &OpenOptions::default()).await.unwrap();
        let (clock, hand) = Clock::manual(start());
        let flow = flow(&sandbox.moodle_url(), &sandbox.completion_url(), Lookups::Yes);
        Self { sandbox, journal, clock, hand, flow, dir }
    }

    pub fn journal_path(&self) -> PathBuf {
        path(&self.dir)
    }

    /// Another course that has opted in; gives Moodle's id.
    pub fn add_course(&self, number: i64) -> i64 {
        let mut world = self.sandbox.world();
        let id = world.moodle.add_course(&number.to_string(), "Another course");
        world.moodle.courses.edit(id, |course| {
            course.opt_in = Some(true);
            course.has_criteria = true;
        });
        id
    }

    /// Enrols people in the first course, as intake does: in Moodle and in the journal.
    pub async fn enrol(&self, people: std::ops::Range<i64>) -> Vec<Learner> {
        self.enrol_in(people, COURSE).await
    }

    /// The same in another course. Person `n` is the same account in all.
    pub async fn enrol_in(&self, people: std::ops::Range<i64>, number: i64) -> Vec<Learner> {
        let mut learners = Vec::new();
        let mut rows = Vec::new();
        {
            let mut world = self.sandbox.world();
            let course = world.moodle.courses_by_idnumber(&number.to_string())[0].id;
            for n in people {
                let (guid, mail) = (format!("GUID{n:06}"), format!("Person.{n}@Example.org"));
                let known = world.moodle.users.iter().find(|user| user.idnumber == guid).map(|user| user.id);
                let user = known.unwrap_or_else(|| world.moodle.add_user(&guid, &mail, "Jane", &format!("Doe{n}")));
                world.moodle.enrol(user, course);
                let enrolment = (number - COURSE + 1) * 1_000_000 + n;
                let mut row = FeedRow::enrol(&guid, &mail, number, start() - minutes(600));
                (row.enrolment_id, row.last_name) = (enrolment, format!("Doe{n}"));
                rows.push((Value::from(row), user, course));
                learners.push(Learner { user, course, enrolment });
            }
        }
        self.remember(&rows).await;
        learners
    }

    /// Somebody whose record has this enrolment id, which may be no number.
    pub async fn enrol_as(&self, n: i64, enrolment: &str) -> Learner {
        let (guid, mail) = (format!("GUID{n:06}"), format!("Person.{n}@Example.org"));
        let (user, course) = {
            let mut world = self.sandbox.world();
            let course = world.moodle.courses_by_idnumber(&COURSE.to_string())[0].id;
            let user = world.moodle.add_user(&guid, &mail, "Jane", &format!("Doe{n}"));
            world.moodle.enrol(user, course);
            (user, course)
        };
        let mut row = Value::from(FeedRow::enrol(&guid, &mail, COURSE, start() - minutes(600)));
        row["ENROLMENT_ID"] = enrolment.into();
        self.remember(&[(row, user, course)]).await;
        Learner { user, course, enrolment: 0 }
    }

    async fn remember(&self, rows: &[(Value, i64, i64)]) {
        let (journal, now) = (&self.journal, self.clock.now());
        let lease = journal.leases().acquire(&intake(), "intake", minutes(5), now).await.unwrap();
        let new = NewRun { flow: "intake".into(), kind: RunKind::Normal, url: String::new(), author: "test".into() };
        let run = journal.runs().start(&lease, &new, now).await.unwrap();
        let zone = jiff::tz::TimeZone::UTC;
        let records: Vec<_> = rows.iter().map(|(row, ..)| read_record(row, &FieldNames::default(), &zone)).collect();
        let read = FeedRead { records: &records, covered: None, watermark: None };
        journal.records().ingest(&lease, &run, &read, now).await.unwrap();
        let decisions: Vec<_> = records
            .iter()
            .zip(rows)
            .map(|(record, (_, user, course))| Decision {
                record: record.fingerprint,
                verdict: Verdict::Enrolled,
                next: Step::Rest,
                course_id: MoodleCourseId(*course),
                course_name: "Fire safety".into(),
                user_id: MoodleUserId(*user),
                applied: AppliedState::of(record),
                mail: None,
            })
            .collect();
        journal.records().decide(&lease, &run, &decisions, now).await.unwrap();
        journal.leases().release(lease).await.unwrap();
    }

    /// So many minutes pass, for everybody.
    pub fn pass(&self, by: SignedDuration) {
        let now = self.clock.now() + by;
        self.hand.set(now);
        self.sandbox.world().clock = world::Clock::Fixed(now);
    }

    /// A learner completes the course, so many minutes ago.
    pub fn complete(&self, learner: &Learner, ago: i64) {
        let at = self.clock.now() - minutes(ago);
        self.sandbox.world().moodle.complete(learner.user, learner.course, at);
    }

    pub async fn run(&self) -> CompletionsReport {
        self.ask(Purpose::Apply, Reach::Usual).await
    }

    pub async fn ask(&self, purpose: Purpose, reach: Reach) -> CompletionsReport {
        let request = CompletionsRequest { purpose, reach, author: "test".into() };
        run_completions(&self.flow, &self.journal, &self.clock, &request, &CancellationToken::new()).await.unwrap()
    }

    /// The bodies that the ELM has, in the order of arrival.
    pub fn received(&self) -> Vec<Value> {
        self.sandbox.world().elm.completions.iter().map(|received| received.body.clone()).collect()
    }

    /// The enrolments that the ELM has, in the order of arrival.
    pub fn enrolments(&self) -> Vec<i64> {
        self.received().iter().map(|body| body["ENROLMENT_ID"].as_i64().unwrap()).collect()
    }

    /// What the journal says of completions, the latest completed first.
    pub async fn rows(&self) -> Vec<CompletionRow> {
        let query = CompletionQuery { limit: 100_000, ..CompletionQuery::default() };
        self.journal.completions().list(&done(), &query).await.unwrap()
    }

    /// The kinds of what waits for a human.
    pub async fn asked(&self) -> Vec<String> {
        let items = self.journal.attention().list(&AttentionFilter::default(), 100).await.unwrap();
        let mut kinds: Vec<String> = items.into_iter().map(|item| item.kind).collect();
        kinds.sort();
        kinds
    }
}

fn path(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("journal.db")
}

pub fn done() -> LinkName {
    LinkName::new("done")
}

pub fn intake() -> LinkName {
    LinkName::new("psa")
}

pub enum Lookups {
    Yes,
    No,
}

/// A link that polls, ready to run.
pub fn flow(moodle_url: &str, completion_url: &str, lookups: Lookups) -> CompletionsFlow {
    patient_flow(moodle_url, completion_url, lookups, Duration::from_millis(400))
}

/// The same, waiting so long for the ELM.
pub fn patient_flow(moodle_url: &str, completion_url: &str, lookups: Lookups, timeout: Duration) -> CompletionsFlow {
    let moodle = MoodleOptions { retry: QUICK, ..MoodleOptions::new(moodle_url, MOODLE_TOKEN.into()) };
    let elm = CompletionOptions::new(completion_url, ELM_TOKEN.into());
    let lookup_url = match lookups {
        Lookups::Yes => Some(format!("{completion_url}?$filter=ENROLMENT_ID%20eq%20{{enrolment}}")),
        Lookups::No => None,
    };
    let policy = CompletionsPolicy {
        zone: jiff::tz::TimeZoneDatabase::bundled().get("America/Toronto").unwrap(),
        report_from: Some(jiff::civil::date(2026, 11, 1)),
        words: ReportTemplate::default(),
        delivery: DeliveryRules::default(),
        limits: CompletionLimits::default(),
    };
    CompletionsFlow {
        link: done(),
        intakes: vec![intake()],
        method: FoundBy::Poll,
        moodle: MoodleClient::new(moodle).unwrap(),
        moodle_concurrency: 3,
        calls_max: 2_000,
        opt_in_field: "completion_opt_in".into(),
        elm: CompletionClient::new(CompletionOptions { lookup_url, timeout, ..elm }).unwrap(),
        concurrency: 2,
        sending: Sending::On,
        policy,
        overlap: SignedDuration::from_hours(48),
        lease: SignedDuration::from_secs(30),
        limit: None,
    }
}
