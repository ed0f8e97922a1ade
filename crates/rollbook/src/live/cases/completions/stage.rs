//! People whom intake has enrolled, an ELM of our own, and completions from the site under test to that ELM.
//!
//! Next: `mod.rs`, the rules.

use crate::live::Bench;
use crate::live::cases::intake::stage::{LINK, Stage as Intake, ZONE};
use crate::live::difference::{Checked, same, while_doing};
use crate::live::made::{Person, Place};
use jiff::SignedDuration;
use rollbook_core::model::{LinkName, MoodleUserId};
use rollbook_core::policy::{CompletionLimits, CompletionsPolicy, DeliveryRules, ReportTemplate};
use rollbook_elm::client::{CompletionClient, CompletionOptions};
use rollbook_journal::{PushedEvent, Received};
use rollbook_moodle::client::read::UserField;
use rollbook_sandbox::ELM_TOKEN;
use rollbook_sync::flows::completions::{
    CompletionsFlow, CompletionsReport, CompletionsRequest, FoundBy, Purpose, Reach, Sending, run_completions,
};
use tokio_util::sync::CancellationToken;

/// So many calls are enough for any case.
const CALLS_MAX: u64 = 100;

/// Somebody whom intake has enrolled.
pub(super) struct Learner {
    pub(super) person: Person,
    pub(super) user: MoodleUserId,
}

/// Completions from the site under test to an ELM of our own.
pub(super) struct Stage<'a> {
    bench: &'a Bench,
    intake: Intake<'a>,
    link: LinkName,
}

impl<'a> Stage<'a> {
    /// Nobody is enrolled yet.
    pub(super) async fn new(bench: &'a Bench) -> Checked<Self> {
        Ok(Self { bench, intake: Intake::new(bench).await?, link: LinkName::new("live-completions") })
    }

    /// A visible course that has opted in.
    pub(super) async fn course(&self) -> Checked<Place> {
        let course = self.bench.course().await?;
        self.bench.opt_in(&course).await?;
        Ok(course)
    }

    /// One that learners do not see.
    pub(super) async fn hidden_course(&self) -> Checked<Place> {
        let course = self.bench.hidden_course().await?;
        self.bench.opt_in(&course).await?;
        Ok(course)
    }

    /// Intake enrols so many new people in all of these courses.
    pub(super) async fn enrol(&self, people: usize, courses: &[&Place]) -> Checked<Vec<Learner>> {
        let people: Vec<Person> = (0..people).map(|_| self.bench.person()).collect();
        for person in &people {
            courses.iter().for_each(|course| self.intake.enrol(person, course));
        }
        let report = self.intake.run().await?;
        same("enrolments that intake made", &report.counts.enrolled, &((people.len() * courses.len()) as u64))?;
        let mut learners = Vec::new();
        for person in people {
            let found = self.bench.found(UserField::IdNumber, &person.guid).await?;
            same("accounts of a learner", &found.len(), &1)?;
            learners.push(Learner { user: found[0], person });
        }
        Ok(learners)
    }

    /// Looks for completions in this way, and reports them.
    pub(super) async fn run(&self, way: FoundBy) -> Checked<CompletionsReport> {
        self.run_for(way, Reach::Full).await
    }

    /// The same, as far as asked.
    pub(super) async fn run_for(&self, way: FoundBy, reach: Reach) -> Checked<CompletionsReport> {
        let request = CompletionsRequest { purpose: Purpose::Apply, reach, author: "live suite".to_owned() };
        let (flow, stop) = (self.flow(way)?, CancellationToken::new());
        let ran = run_completions(&flow, self.intake.journal(), &self.bench.clock, &request, &stop).await;
        ran.map_err(while_doing("running completions"))
    }

    /// By the site's database.
    pub(super) fn database(&self) -> Checked<FoundBy> {
        Ok(FoundBy::Database(self.bench.database()?.clone()))
    }

    /// An event about somebody and a course, as it is kept once its signature was believed.
    pub(super) async fn push(&self, learner: &Learner, course: &Place) -> Checked {
        let now = self.bench.clock.now();
        let signature = format!("{}-{}-{}", learner.user, course.id, now.as_nanosecond());
        let event = PushedEvent { signature, user: learner.user, course: course.id };
        let taken = self.intake.journal().completions().accept_event(&self.link, &event, now, now).await;
        same("what became of the event", &taken.map_err(while_doing("keeping an event"))?, &Received::New)
    }

    /// GUIDs and courses of the reports that the ELM has, in the order of arrival.
    pub(super) fn received(&self) -> Vec<(String, i64)> {
        let text = |body: &serde_json::Value| body["GUID"].as_str().unwrap_or_default().to_owned();
        let reports = self.intake.received();
        reports.iter().map(|body| (text(body), body["COURSE_IDENTIFIER"].as_i64().unwrap_or_default())).collect()
    }

    /// The days of completion that were reported.
    pub(super) fn days(&self) -> Vec<String> {
        let day = |body: &serde_json::Value| body["COURSE_COMPLETE_DATE"].as_str().unwrap_or_default().to_owned();
        self.intake.received().iter().map(day).collect()
    }

    fn flow(&self, way: FoundBy) -> Checked<CompletionsFlow> {
        let url = self.intake.completion_url();
        let mut elm = CompletionOptions::new(&url, ELM_TOKEN.into());
        elm.lookup_url = Some(format!("{url}?$filter=ENROLMENT_ID%20eq%20{{enrolment}}"));
        let zone = rollbook_clock::zone(ZONE).map_err(while_doing("finding the ELM's zone"))?;
        let began = self.bench.clock.now().to_zoned(zone.clone()).date();
        Ok(CompletionsFlow {
            link: self.link.clone(),
            intakes: vec![LinkName::new(LINK)],
            method: way,
            moodle: self.bench.client_with(|_| {})?,
            moodle_concurrency: 2,
            calls_max: CALLS_MAX,
            opt_in_field: "completion_opt_in".to_owned(),
            elm: CompletionClient::new(elm).map_err(while_doing("preparing the ELM's client"))?,
            concurrency: 2,
            sending: Sending::On,
            policy: CompletionsPolicy {
                zone,
                report_from: began.yesterday().ok(),
                words: ReportTemplate::default(),
                delivery: DeliveryRules::default(),
                limits: CompletionLimits::default(),
            },
            overlap: SignedDuration::from_hours(48),
            lease: SignedDuration::from_secs(30),
            limit: None,
        })
    }
}
