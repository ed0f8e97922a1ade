//! Record: verdicts → the journal, with the mails they make due, in one transaction each.

use super::IntakeFlow;
use super::apply::Applied;
use super::world::IntakeWorld;
use crate::engine::Write;
use crate::flows::deliver::QueuedMail;
use crate::notify::welcome::{WelcomeError, Welcomed};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::{Course, FeedRecord, Field, Fingerprint, MoodleCourseId, MoodleUserId};
use rollbook_core::plan::{AppliedState, Skip};
use rollbook_core::run::{Counts, OutcomeCode, Step, Verdict, next_step_of};
use rollbook_journal::{Decision, JournalError, OutboxItem, OutboxKind, WaitingRecord};
use std::collections::BTreeMap;

/// Writes what becomes of a run's records.
pub(super) struct Recorder<'a> {
    pub flow: &'a IntakeFlow,
    pub write: &'a Write<'a>,
    pub world: &'a IntakeWorld,
    pub records: BTreeMap<Fingerprint, &'a WaitingRecord>,
    /// More is due than one run takes up: what had its turn goes behind the others.
    pub takes_turns: bool,
    pub counts: Counts,
    pub verdicts: Vec<Verdict>,
}

/// A verdict about one record, with what Moodle calls the person and the course.
struct Ruling {
    record: Fingerprint,
    verdict: Verdict,
    user: Option<MoodleUserId>,
    course: Option<MoodleCourseId>,
}

impl Recorder<'_> {
    /// Records what the plan leaves alone.
    ///
    /// # Errors
    /// [`JournalError`]
    pub(super) async fn record_skips(&mut self, skips: &[Skip]) -> Result<(), JournalError> {
        let rulings = skips.iter().map(|skip| Ruling {
            record: skip.record,
            verdict: skip.verdict.clone(),
            user: None,
            course: None,
        });
        self.record(rulings.collect()).await
    }

    /// Records what applying came to.
    ///
    /// # Errors
    /// [`JournalError`]
    pub(super) async fn record_applied(&mut self, applied: Vec<Applied>) -> Result<(), JournalError> {
        let ruling = |applied: Applied| {
            let Applied { record, verdict, user, course } = applied;
            Ruling { record, verdict, user, course: Some(course) }
        };
        self.record(applied.into_iter().map(ruling).collect()).await
    }

    /// Records that what the plan wanted was not tried, and why.
    ///
    /// # Errors
    /// [`JournalError`]
    pub(super) async fn record_not_tried(&mut self, records: &[Fingerprint], why: &str) -> Result<(), JournalError> {
        let ruling = |record: &Fingerprint| Ruling {
            record: *record,
            verdict: Verdict::NotTried { why: why.into() },
            user: None,
            course: None,
        };
        self.record(records.iter().map(ruling).collect()).await
    }

    async fn record(&mut self, rulings: Vec<Ruling>) -> Result<(), JournalError> {
        let decisions: Vec<Decision> = rulings.iter().filter_map(|ruling| self.decision(ruling)).collect();
        if decisions.is_empty() {
            return Ok(());
        }
        let Write { journal, clock, lease, run } = self.write;
        let decided = journal.records().decide(lease.lease(), run, &decisions, clock.now()).await?;
        self.counts.mails += decided.mails;
        for ruling in rulings {
            self.counts.add(ruling.verdict.code());
            self.verdicts.push(ruling.verdict);
        }
        Ok(())
    }

    fn decision(&self, ruling: &Ruling) -> Option<Decision> {
        let waiting = *self.records.get(&ruling.record)?;
        let record = &waiting.record;
        let code = ruling.verdict.code();
        let now = self.write.clock.now();
        let attempts = waiting.attempts.saturating_add(1);
        let course = self.course_of(record, ruling.course);
        let user = ruling.user.or_else(|| self.world.accounts.get(&record.guid().folded()).copied());
        Some(Decision {
            record: ruling.record,
            verdict: ruling.verdict.clone(),
            next: self.in_turn(next_step_of(
                &ruling.verdict,
                attempts,
                waiting.first_seen,
                now,
                self.flow.policy.course_wait,
            )),
            course_id: course.map_or(MoodleCourseId(0), |course| course.id),
            course_name: course.map(|course| course.full_name.clone()).unwrap_or_default(),
            user_id: user.unwrap_or(MoodleUserId(0)),
            applied: AppliedState::of(record)
                .filter(|_| code.fixes_state())
                .map(|state| AppliedState { decided: code != OutcomeCode::OtherEnrolment, ..state }),
            mail: course.and_then(|course| self.welcome(record, course, &ruling.verdict)),
        })
    }

    /// What is due at every run keeps its place in the queue, unless others wait for their turn.
    fn in_turn(&self, step: Step) -> Step {
        let after = |at: Timestamp| at.max(self.write.clock.now() + SignedDuration::from_millis(1));
        match step {
            Step::TryAt(at) if self.takes_turns => Step::TryAt(after(at)),
            Step::AskAt(at) if self.takes_turns => Step::AskAt(after(at)),
            other => other,
        }
    }

    fn course_of(&self, record: &FeedRecord, id: Option<MoodleCourseId>) -> Option<&Course> {
        let courses = self.world.courses.get(&record.course())?;
        match (id, courses.as_slice()) {
            (Some(id), courses) => courses.iter().find(|course| course.id == id),
            (None, [course]) => Some(course),
            (None, _) => None,
        }
    }

    /// The welcome mail of a new or re-activated enrolment. One that cannot be rendered is logged: it must not keep the
    /// enrolment from being recorded.
    fn welcome(&self, record: &FeedRecord, course: &Course, verdict: &Verdict) -> Option<OutboxItem> {
        if !matches!(verdict, Verdict::Enrolled | Verdict::Reactivated) {
            return None;
        }
        match self.render(record, course)? {
            Ok(mail) => Some(OutboxItem {
                kind: OutboxKind::Mail,
                dedupe: format!("welcome:{}:{}", self.flow.link, record.fingerprint),
                payload: serde_json::to_value(&mail).ok()?,
                next: self.write.clock.now(),
            }),
            Err(error) => {
                tracing::error!(%error, "a welcome mail could not be made");
                None
            }
        }
    }

    fn render(&self, record: &FeedRecord, course: &Course) -> Option<Result<QueuedMail, WelcomeError>> {
        let kit = self.flow.welcome.as_ref()?;
        let url = format!("{}/course/view.php?id={}", self.flow.moodle.site_url(), course.id);
        let rendered = kit.templates.render(&Welcomed {
            first_name: record.get(Field::FirstName),
            last_name: record.get(Field::LastName),
            course_name: &course.full_name,
            course_url: &url,
            help_url: &kit.help_url,
            signature: &kit.signature,
        });
        Some(rendered.map(|mail| QueuedMail {
            to: record.mail().0,
            from: kit.from.to_string(),
            subject: mail.subject,
            html: mail.html,
            text: mail.text,
            message_id: format!("<welcome.{}@rollbook.invalid>", record.fingerprint),
        }))
    }
}
