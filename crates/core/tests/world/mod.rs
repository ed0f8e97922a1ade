//! The world around core in a test: a small Moodle, and the memory of a journal. It makes whole runs: look up, plan, check,
//! clear, apply, remember. It decides nothing that core decides.

#![allow(dead_code, reason = "each suite uses its part of it")]

mod moodle;

pub use moodle::{Moodle, Seen};

use jiff::{SignedDuration, Timestamp};
use rollbook_core::guard::{Approval, Decision, Finding, Guarded, IntakeView, check_intake, decide};
use rollbook_core::model::{ElmCourseId, FeedRecord, Fingerprint, LinkName, MoodleUserId, RoleId};
use rollbook_core::plan::{AppliedState, IntakeChange, IntakeInputs, IntakePlan, Intended, Who, plan_intake};
use rollbook_core::policy::{
    EnrolmentPolicy, IntakeLimits, IntakePolicy, Protected, UsernameCharacters, UsernameRule, Welcome,
};
use rollbook_core::run::{Disposition, Outcome, OutcomeCode, Step, Verdict, disposition, next_step_of, verdict_of};
use rollbook_core::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// What the runs so far left behind.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    pub settled: BTreeSet<Fingerprint>,
    pub waiting: BTreeMap<Fingerprint, Waiting>,
    pub applied: BTreeMap<(String, ElmCourseId), Vec<AppliedState>>,
    /// What this link enrolled.
    pub made: BTreeSet<(String, ElmCourseId)>,
    /// The account that each folded GUID had.
    pub accounts: BTreeMap<String, MoodleUserId>,
    pub intended: BTreeMap<Fingerprint, Intended>,
    pub newest: BTreeMap<String, FeedRecord>,
    pub known_doubts: BTreeSet<Fingerprint>,
}

/// A record that is not settled.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub record: FeedRecord,
    pub attempts: u32,
    pub first_seen: Timestamp,
}

impl Journal {
    /// Remembers the newest settled record of a person.
    pub fn note_newest(&mut self, record: &FeedRecord) {
        if record.reading.is_err() {
            return;
        }
        let newest = self.newest.entry(record.guid().folded()).or_insert_with(|| record.clone());
        if (newest.age(), newest.fingerprint) < (record.age(), record.fingerprint) {
            *newest = record.clone();
        }
    }
}

#[derive(Clone, Debug)]
pub struct World {
    pub now: Timestamp,
    pub policy: IntakePolicy,
    pub moodle: Moodle,
    pub journal: Journal,
    /// What no look-up asks for: `guid g-jane`, `mail …`, `username …`, `course …`, `enrolment 7 in 30`.
    pub unasked: BTreeSet<String>,
    /// How long a plan lies about before it is checked.
    pub plan_waits: SignedDuration,
}

/// What the remote system shall answer to one change, instead of doing it.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It answers so, and does nothing.
    Answers(Outcome),
    /// It does it, and the answer is lost.
    DoneWithoutAnswer,
}

/// One run, as it went.
#[derive(Clone, Debug)]
pub struct Run {
    pub plan: IntakePlan,
    pub findings: Vec<Finding>,
    /// Whether it was applied, and who approved it.
    pub cleared: Option<Option<String>>,
    /// Records that were settled before, and so were not planned.
    pub known: Vec<Fingerprint>,
    /// What became of the records that wanted a change.
    pub verdicts: Vec<(Fingerprint, Verdict)>,
    /// What happens next with each record of the run.
    pub steps: BTreeMap<Fingerprint, Step>,
}

pub fn policy() -> IntakePolicy {
    IntakePolicy {
        role: RoleId(5),
        auth: "oauth2".into(),
        username: UsernameRule::Mail,
        username_characters: UsernameCharacters::Plain,
        missing_name: None,
        protected: Protected::default(),
        welcome: Welcome::Rollbook,
        enrolments: EnrolmentPolicy::default(),
        limits: IntakeLimits::default(),
        course_wait: SignedDuration::from_hours(14 * 24),
    }
}

impl World {
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            policy: policy(),
            moodle: Moodle::default(),
            journal: Journal::default(),
            unasked: BTreeSet::new(),
            plan_waits: SignedDuration::ZERO,
        }
    }

    /// The plan that the feed and the waiting records ask for.
    pub fn plan(&self, records: &Snapshot<Vec<FeedRecord>>) -> (IntakePlan, Vec<Finding>) {
        let (plan, decision) = self.decide(records, None);
        (plan, decision.findings)
    }

    /// The plan, and what of it may be applied, where somebody approves all of it or nobody anything.
    pub fn decide(
        &self,
        records: &Snapshot<Vec<FeedRecord>>,
        approved_by: Option<&str>,
    ) -> (IntakePlan, Decision<IntakePlan>) {
        let people: Vec<FeedRecord> = records.value.iter().chain(self.journal.newest.values()).cloned().collect();
        let Seen { directory, courses, enrolments } =
            self.moodle.look_up(&people, &self.policy, &self.unasked, &self.journal.accounts);
        let inputs = IntakeInputs {
            link: &LinkName::new("elm"),
            records,
            known_doubts: &self.journal.known_doubts,
            applied: &self.journal.applied,
            made: &self.journal.made,
            accounts: &self.journal.accounts,
            newest: &self.journal.newest,
            directory: &directory,
            courses: &courses,
            enrolments: &enrolments,
            intended: &self.journal.intended,
        };
        let accepted;
        let mut plan = plan_intake(&inputs, &self.policy, self.now);
        let mut inputs = inputs;
        if approved_by.is_some() {
            // Who approves accepts the people in doubt, too.
            let doubts = plan.skips.iter().filter(|skip| skip.verdict.code().doubts_identity()).map(|skip| skip.record);
            accepted = doubts.chain(self.journal.known_doubts.iter().copied()).collect();
            inputs.known_doubts = &accepted;
            plan = plan_intake(&inputs, &self.policy, self.now);
        }
        let now = self.now + self.plan_waits;
        let check = |plan: &IntakePlan| {
            check_intake(&IntakeView { plan, feed: &inputs, courses: &courses, policy: &self.policy, now })
        };
        let approval = approved_by.map(|by| Approval {
            plan: 1,
            keys: plan.keys().into_iter().collect(),
            by: by.to_owned(),
            expires_at: self.now + SignedDuration::from_hours(1),
        });
        let decision = decide(&plan, check, approval.as_slice(), &BTreeSet::new(), self.now);
        (plan, decision)
    }

    /// The feed without what is settled, with what waits.
    pub fn records(&self, feed: &Snapshot<Vec<FeedRecord>>) -> Snapshot<Vec<FeedRecord>> {
        let new = feed.value.iter().filter(|record| !self.journal.settled.contains(&record.fingerprint));
        let came: BTreeSet<_> = feed.value.iter().map(|record| record.fingerprint).collect();
        let waiting = self.journal.waiting.values().map(|waiting| &waiting.record);
        let waiting = waiting.filter(|record| !came.contains(&record.fingerprint));
        let value = new.chain(waiting).cloned().collect();
        Snapshot { taken_at: feed.taken_at, gaps: feed.gaps.clone(), value }
    }

    pub fn run(
        &mut self,
        feed: &Snapshot<Vec<FeedRecord>>,
        approved_by: Option<&str>,
        fate: impl Fn(&IntakeChange) -> Option<Fate>,
    ) -> Run {
        let records = self.records(feed);
        let settled = |record: &&FeedRecord| self.journal.settled.contains(&record.fingerprint);
        let known = feed.value.iter().filter(settled).map(|record| record.fingerprint).collect();
        let (plan, decision) = self.decide(&records, approved_by);
        let mut verdicts = self.apply(decision.cleared.plan(), fate);
        if let Some(waiting) = &decision.waiting {
            verdicts.extend(refuse(waiting));
        }
        let waiting: BTreeSet<_> =
            decision.waiting.iter().flat_map(|plan| &plan.skips).map(|skip| skip.record).collect();
        let in_doubt = plan.skips.iter().filter(|skip| skip.verdict.code().doubts_identity());
        self.journal.known_doubts.extend(in_doubt.map(|skip| skip.record).filter(|record| !waiting.contains(record)));
        let approved_by = decision.cleared.approved_by().map(str::to_owned);
        let cleared = decision.waiting.is_none().then_some(approved_by);
        let findings = decision.findings;
        let steps = self.remember(&records.value, &plan, &verdicts);
        Run { plan, findings, cleared, known, verdicts, steps }
    }

    fn apply(
        &mut self,
        plan: &IntakePlan,
        fate: impl Fn(&IntakeChange) -> Option<Fate>,
    ) -> Vec<(Fingerprint, Verdict)> {
        let mut without_account = BTreeMap::new();
        let mut verdicts = Vec::new();
        for change in &plan.changes {
            if let IntakeChange::Enrol(enrol) = change
                && let Who::New(guid) = &enrol.who
                && let Some(verdict) = without_account.get(guid)
            {
                verdicts.push((enrol.record, Verdict::clone(verdict)));
                continue;
            }
            let outcome = match fate(change) {
                None => self.moodle.apply(change),
                Some(Fate::Answers(outcome)) => outcome,
                Some(Fate::DoneWithoutAnswer) => {
                    self.moodle.apply(change);
                    Outcome::Unknown
                }
            };
            let verdict = verdict_of(change, &outcome);
            match (change, verdict) {
                (IntakeChange::CreateAccount(account), Some(verdict)) => {
                    without_account.insert(account.guid.clone(), verdict);
                }
                (IntakeChange::Enrol(enrol), Some(verdict)) => {
                    if outcome == Outcome::Unknown {
                        self.journal.intended.insert(enrol.record, Intended::Enrol(enrol.kind));
                    }
                    verdicts.push((enrol.record, verdict));
                }
                (IntakeChange::Suspend(suspend), Some(verdict)) => {
                    if outcome == Outcome::Unknown {
                        self.journal.intended.insert(suspend.record, Intended::Suspend);
                    }
                    verdicts.push((suspend.record, verdict));
                }
                (_, None) => {}
            }
        }
        verdicts
    }

    /// Keeps what became of each record, and says what happens next with it.
    fn remember(
        &mut self,
        records: &[FeedRecord],
        plan: &IntakePlan,
        verdicts: &[(Fingerprint, Verdict)],
    ) -> BTreeMap<Fingerprint, Step> {
        let skipped = plan.skips.iter().map(|skip| (skip.record, &skip.verdict));
        // Of rows of one fingerprint, the newest is kept.
        let mut rows: Vec<_> = records.iter().collect();
        rows.sort_by(|left, right| (left.age(), &left.text).cmp(&(right.age(), &right.text)));
        let by_print: BTreeMap<_, _> = rows.into_iter().map(|record| (record.fingerprint, record)).collect();
        let mut steps = BTreeMap::new();
        for (print, verdict) in skipped.chain(verdicts.iter().map(|(print, verdict)| (*print, verdict))) {
            let code = verdict.code();
            let before = self.journal.waiting.remove(&print);
            let attempts = before.as_ref().map_or(0, |waiting| waiting.attempts) + 1;
            let first_seen = before.map_or(self.now, |waiting| waiting.first_seen);
            steps.insert(print, next_step_of(verdict, attempts, first_seen, self.now, self.policy.course_wait));
            let record = by_print[&print];
            if disposition(code) == Disposition::Settled {
                self.journal.settled.insert(print);
                self.journal.note_newest(record);
            } else {
                self.journal.waiting.insert(print, Waiting { record: record.clone(), attempts, first_seen });
            }
            if code.fixes_state() {
                self.note_applied(record, code);
            }
            if matches!(code, OutcomeCode::Enrolled | OutcomeCode::EnrolledBlocked) {
                self.journal.made.insert((record.guid().folded(), record.course()));
            }
        }
        steps
    }

    fn note_applied(&mut self, record: &FeedRecord, code: OutcomeCode) {
        if let Some(state) = AppliedState::of(record) {
            let states = self.journal.applied.entry((record.guid().folded(), record.course())).or_default();
            states.retain(|other| other.enrolment != state.enrolment);
            states.push(AppliedState { decided: code != OutcomeCode::OtherEnrolment, ..state });
        }
    }
}

/// What is said of records whose changes a guard holds back.
fn refuse(plan: &IntakePlan) -> Vec<(Fingerprint, Verdict)> {
    let waits = |record| (record, Verdict::NotTried { why: "a guard holds it back".into() });
    plan.changes.iter().filter_map(IntakeChange::record).map(waits).collect()
}
