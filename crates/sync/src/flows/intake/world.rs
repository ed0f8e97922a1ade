//! Collect Moodle's side → plan → check.

use super::IntakeFlow;
use super::report::IntakeError;
use crate::engine::{FIRST_ADMINISTRATOR, protect};
use jiff::Timestamp;
use rollbook_core::guard::{Finding, IntakeView, check_intake};
use rollbook_core::matching::{Directory, PersonMatch, match_leaver, match_person};
use rollbook_core::model::{
    ElmCourseId, EnrolState, FeedRecord, Fingerprint, Guid, LinkName, MoodleCourseId, MoodleUserId,
};
use rollbook_core::plan::{
    AppliedState, Courses, Enrolments, IntakeChange, IntakeInputs, IntakePlan, Intended, plan_intake,
};
use rollbook_core::policy::IntakePolicy;
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::{Journal, JournalError};
use rollbook_moodle::snapshot::{
    CanaryAccount, LISTED_FROM, MoodleSourceError, Preflight, collect_courses, collect_participations, collect_people,
    complete_courses, read_enrolments, run_preflight,
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a plan of intake is made from.
pub(super) struct IntakeWorld {
    pub records: Snapshot<Vec<FeedRecord>>,
    pub directory: Directory,
    pub courses: Courses,
    pub enrolments: Enrolments,
    /// The account of each person of the records, by folded GUID, where one was found.
    pub accounts: BTreeMap<String, MoodleUserId>,
    /// The account that each person had before, by folded GUID.
    had: BTreeMap<String, MoodleUserId>,
    made: BTreeSet<(String, ElmCourseId)>,
    /// Proof that the token sees enough; none where no record could be read, so that nothing rests on what it sees.
    pub preflight: Option<Preflight>,
    policy: IntakePolicy,
    known_doubts: BTreeSet<Fingerprint>,
    applied: BTreeMap<(String, ElmCourseId), Vec<AppliedState>>,
    newest: BTreeMap<String, FeedRecord>,
    intended: BTreeMap<Fingerprint, Intended>,
}

impl IntakeWorld {
    /// What the journal knows about the records' people, and what Moodle says about every person and course.
    pub async fn collect(
        flow: &IntakeFlow,
        journal: &Journal,
        records: Snapshot<Vec<FeedRecord>>,
        known_doubts: BTreeSet<Fingerprint>,
        now: Timestamp,
    ) -> Result<Self, IntakeError> {
        let readable = || records.value.iter().filter(|record| record.reading.is_ok());
        let people: Vec<Guid> = readable().map(FeedRecord::guid).collect();
        let applied = journal.records().applied(&flow.link, &people).await?;
        let made = journal.records().made(&flow.link, &people).await?;
        let had = journal.records().accounts(&flow.link, &people).await?;
        let intended = intended(journal, &flow.link).await?;
        let newest = journal.records().newest(&flow.link, &people, &flow.format.zone).await?;
        let reader = flow.moodle.reader();
        let known = records.value.iter().chain(newest.values());
        let (directory, mut courses) = tokio::try_join!(
            collect_people(&reader, known, &had, &flow.policy),
            collect_courses(&reader, &records.value)
        )?;
        let accounts = match_accounts(readable(), &newest, &directory, &had, &flow.policy);
        let pairs = readable().filter_map(|record| {
            let account = accounts.get(&record.guid().folded())?;
            match courses.get(&record.course()).map(Vec::as_slice) {
                Some([course]) => Some((*account, course.id)),
                Some(_) | None => None,
            }
        });
        let pairs: BTreeSet<_> = pairs.collect();
        let enrolments = match &flow.database {
            Some(database) => {
                complete_courses(database, &mut courses).await.map_err(MoodleSourceError::from)?;
                read_enrolments(database, &pairs, now).await.map_err(MoodleSourceError::from)?
            }
            None => {
                // A guard that watches shares from fewer people on needs to know how many there are.
                let exempt = usize::try_from(flow.policy.limits.exempt_under).unwrap_or(LISTED_FROM);
                let left = left_courses(readable(), &courses);
                let listed_from = exempt.clamp(1, LISTED_FROM);
                let (enrolments, active) = collect_participations(&reader, &pairs, listed_from, &left).await?;
                for course in courses.values_mut().flatten() {
                    course.active = active.get(&course.id).copied();
                }
                enrolments
            }
        };
        let mut policy = flow.policy.clone();
        let preflight = if people.is_empty() {
            None
        } else {
            // To a token that sees too little everybody is absent, and records would be settled for ever.
            let met = directory.accounts().find(|account| !account.guid.is_empty()).map(|account| account.id);
            let canary = match &flow.sentinel {
                Some(word) => CanaryAccount::Named(word.clone()),
                None => CanaryAccount::Account(met.unwrap_or(FIRST_ADMINISTRATOR)),
            };
            let preflight = run_preflight(&reader, &canary).await?;
            let protected = protect(&policy.protected, preflight.service_account(), flow.database.as_ref());
            policy.protected = protected.await.map_err(MoodleSourceError::from)?;
            Some(preflight)
        };
        Ok(Self {
            records,
            directory,
            courses,
            enrolments,
            accounts,
            had,
            made,
            preflight,
            policy,
            known_doubts,
            applied,
            newest,
            intended,
        })
    }

    /// The plan.
    pub fn plan(&self, link: &LinkName, now: Timestamp) -> IntakePlan {
        plan_intake(&self.inputs(link), &self.policy, now)
    }

    /// What the checks say of the plan, or of a part of it.
    pub fn check(&self, plan: &IntakePlan, link: &LinkName, now: Timestamp) -> Vec<Finding> {
        let feed = &self.inputs(link);
        check_intake(&IntakeView { plan, feed, courses: &self.courses, policy: &self.policy, now })
    }

    fn inputs<'a>(&'a self, link: &'a LinkName) -> IntakeInputs<'a> {
        IntakeInputs {
            link,
            records: &self.records,
            known_doubts: &self.known_doubts,
            applied: &self.applied,
            made: &self.made,
            accounts: &self.had,
            newest: &self.newest,
            directory: &self.directory,
            courses: &self.courses,
            enrolments: &self.enrolments,
            intended: &self.intended,
        }
    }
}

/// Each person's account, by the newest word about them.
fn match_accounts<'a>(
    records: impl Iterator<Item = &'a FeedRecord>,
    stored: &'a BTreeMap<String, FeedRecord>,
    directory: &Directory,
    had: &BTreeMap<String, MoodleUserId>,
    policy: &IntakePolicy,
) -> BTreeMap<String, MoodleUserId> {
    let mut newest = BTreeMap::<String, &FeedRecord>::new();
    let mut leavers = BTreeSet::new();
    for record in records.chain(stored.values()) {
        if is_suspend(record) {
            leavers.insert(record.guid().folded());
        }
        let known = newest.entry(record.guid().folded()).or_insert(record);
        let rank = |record: &FeedRecord| (!record.mail().as_str().is_empty(), record.age(), record.fingerprint);
        if rank(known) < rank(record) {
            *known = record;
        }
    }
    let matched = newest.into_iter().filter_map(|(guid, record)| {
        let matched = match_person(record, directory, had, policy);
        let matched = match matched {
            PersonMatch::Doubt(_) if leavers.contains(&guid) => match_leaver(record, &matched, directory, had),
            matched => matched,
        };
        match matched {
            PersonMatch::Found(account) => Some((guid, account.id)),
            PersonMatch::Free { .. } | PersonMatch::Doubt(_) => None,
        }
    });
    matched.collect()
}

fn is_suspend(record: &FeedRecord) -> bool {
    record.reading.as_ref().is_ok_and(|reading| reading.state == EnrolState::Suspend)
}

/// The courses that somebody leaves: there it matters in which role people are.
fn left_courses<'a>(records: impl Iterator<Item = &'a FeedRecord>, courses: &Courses) -> BTreeSet<MoodleCourseId> {
    let left = records.filter(|record| is_suspend(record)).map(FeedRecord::course);
    left.filter_map(|course| courses.get(&course)).flatten().map(|course| course.id).collect()
}

/// What an earlier run set out to do and did not record the end of.
async fn intended(journal: &Journal, link: &LinkName) -> Result<BTreeMap<Fingerprint, Intended>, JournalError> {
    let intents = journal.plans().unsettled_intents(link).await?;
    let changes = intents.into_iter().filter_map(|intent| match serde_json::from_value(intent.change) {
        Ok(IntakeChange::Enrol(enrol)) => Some((intent.record, Intended::Enrol(enrol.kind))),
        Ok(IntakeChange::Suspend(_)) => Some((intent.record, Intended::Suspend)),
        // What an older Rollbook meant in other words is looked at like any other record.
        Ok(IntakeChange::CreateAccount(_)) | Err(_) => None,
    });
    Ok(changes.collect())
}
