//! The plan of intake: feed records, Moodle's accounts, courses and enrolments → changes and skips.

use super::change::{EnrolChange, EnrolKind, IntakeChange, Intended, NewAccount, SuspendChange, Who};
use super::digest::{Digest, digest};
use super::shared_address::Claims;
use crate::desired::{Distinct, Group, distinct_records, group_records, says_otherwise};
use crate::matching::{Directory, PersonMatch, bad_name, match_person};
use crate::model::{
    Age, Course, ElmCourseId, EnrolState, Enrolment, FeedRecord, Field, Fingerprint, LinkName, ManualInstance,
    MoodleCourseId, MoodleUserId,
};
use crate::policy::{IntakePolicy, Welcome};
use crate::snapshot::Snapshot;
use crate::verdict::Verdict;
use jiff::Timestamp;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Courses by the ELM id that was asked for; several where Moodle has several.
pub type Courses = BTreeMap<ElmCourseId, Vec<Course>>;

/// How people stand in courses, for the pairs that were asked.
pub type Enrolments = BTreeMap<(MoodleUserId, MoodleCourseId), Enrolment>;

/// The newest state that earlier runs applied for a person (folded GUID) and course; see `OutcomeCode::tells_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedState {
    /// How new the record was.
    pub age: Age,
    /// What it wanted.
    pub state: EnrolState,
    /// The record.
    pub record: Fingerprint,
}

impl AppliedState {
    /// The state of a record that was applied; `None` where the record could not be read.
    pub fn of(record: &FeedRecord) -> Option<Self> {
        Some(Self { age: record.age()?, state: wanted(record)?, record: record.fingerprint })
    }
}

/// Everything that a plan of intake is made from.
#[derive(Clone, Copy, Debug)]
pub struct IntakeInputs<'a> {
    /// The link.
    pub link: &'a LinkName,
    /// The records to decide: new ones and those that wait.
    pub records: &'a Snapshot<Vec<FeedRecord>>,
    /// Records that an earlier run left in doubt whose plan was cleared, by the checks or by a person.
    pub known_doubts: &'a BTreeSet<Fingerprint>,
    /// What earlier runs applied, by folded GUID and course.
    pub applied: &'a BTreeMap<(String, ElmCourseId), AppliedState>,
    /// The newest record of each person that is stored, by folded GUID, whatever became of it, but for those that a
    /// person decided to ignore. An older record that waited must not bring an old address back. Their addresses
    /// and user names are looked up like those of the records.
    pub newest: &'a BTreeMap<String, FeedRecord>,
    /// The accounts that were looked up.
    pub directory: &'a Directory,
    /// The courses that were looked up.
    pub courses: &'a Courses,
    /// The enrolments that were looked up.
    pub enrolments: &'a Enrolments,
    /// What an earlier run set out to do and did not live to record the end of: where it is so now, it is that run's work,
    /// and who was enrolled is welcomed.
    pub intended: &'a BTreeMap<Fingerprint, Intended>,
}

/// A record that is left alone, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// The record.
    pub record: Fingerprint,
    /// Why.
    pub verdict: Verdict,
}

/// What one run of intake would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IntakePlan {
    /// The link.
    pub link: LinkName,
    /// When it was made; the digest does not cover it.
    pub made_at: Timestamp,
    /// Accounts by GUID, then enrolments and then suspensions by course and person.
    pub changes: Vec<IntakeChange>,
    /// What is left alone, by record.
    pub skips: Vec<Skip>,
    /// How many people the records are about.
    pub people: u64,
    /// How many of them cannot be matched beyond doubt.
    pub doubts: Doubts,
}

/// People who cannot be matched beyond doubt. Those who are known to be must not stop the runs after them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Doubts {
    /// People of whom no record was in doubt before.
    pub people: u64,
    /// How many of those are in doubt.
    pub new: u64,
    /// How many others are in doubt since an earlier run.
    pub known: u64,
}

impl IntakePlan {
    /// What an approval is bound to.
    pub fn digest(&self) -> Digest {
        digest(self.link.as_str(), &self.changes)
    }
}

/// Makes the plan. Nothing doubtful becomes a change.
pub fn plan_intake(inputs: &IntakeInputs<'_>, policy: &IntakePolicy, now: Timestamp) -> IntakePlan {
    let Distinct { mut usable, bad } = distinct_records(&inputs.records.value);
    let groups = group_records(&inputs.records.value, &mut usable);
    let (claims, changes, skips) = (Claims::default(), Vec::new(), Vec::new());
    let mut planner = Planner { inputs, policy, claims, changes, skips, doubts: Doubts::default() };
    for (index, problem) in bad {
        planner.skip(planner.record(index), Verdict::Invalid { problem });
    }
    let people: Vec<Person<'_>> = groups
        .chunk_by(|left, right| planner.guid(left) == planner.guid(right))
        .map(|groups| planner.person(groups))
        .collect();
    planner.note_claims(&people);
    for person in &people {
        planner.plan_person(person);
    }
    let Planner { mut changes, mut skips, doubts, .. } = planner;
    changes.sort_by(|left, right| order_of(left).cmp(&order_of(right)));
    skips.sort_by_key(|skip| skip.record);
    let people = people.len() as u64;
    IntakePlan { link: inputs.link.clone(), made_at: now, changes, skips, people, doubts }
}

/// Additions before removals; inside, by what Moodle locks: course, then person.
fn order_of(change: &IntakeChange) -> (u8, MoodleCourseId, Option<&Who>, MoodleUserId, &str) {
    match change {
        IntakeChange::CreateAccount(account) => (0, MoodleCourseId(0), None, MoodleUserId(0), account.guid.as_str()),
        IntakeChange::Enrol(change) => (1, change.course, Some(&change.who), MoodleUserId(0), ""),
        IntakeChange::Suspend(change) => (2, change.course, None, change.user, ""),
    }
}

/// One person of the feed: the groups of their courses, and what the newest record says of them.
struct Person<'a> {
    groups: &'a [Group<'a>],
    newest: &'a FeedRecord,
    /// A record that is as new and gives another mail address.
    rival: Option<&'a FeedRecord>,
    matched: PersonMatch<'a>,
}

struct Planner<'a> {
    inputs: &'a IntakeInputs<'a>,
    policy: &'a IntakePolicy,
    claims: Claims,
    changes: Vec<IntakeChange>,
    skips: Vec<Skip>,
    doubts: Doubts,
}

impl<'a> Planner<'a> {
    fn record(&self, index: u32) -> &'a FeedRecord {
        &self.inputs.records.value[index as usize]
    }

    fn guid(&self, group: &Group<'_>) -> String {
        group.records.first().map(|index| self.record(*index).guid().folded()).unwrap_or_default()
    }

    fn skip(&mut self, record: &FeedRecord, verdict: Verdict) {
        self.skips.push(Skip { record: record.fingerprint, verdict });
    }

    /// What the newest record says of a person counts for all of that person's records.
    fn person(&self, groups: &'a [Group<'a>]) -> Person<'a> {
        let stored = groups.first().and_then(|group| self.inputs.newest.get(&self.guid(group)));
        let of_run = || groups.iter().flat_map(|group| group.records).map(|index| self.record(*index));
        let winners = groups.iter().filter_map(|group| group.records.last()).map(|index| self.record(*index));
        let newest = stored.into_iter().chain(winners).max_by_key(|record| record.age());
        let newest = newest.expect("a group holds at least one record");
        let as_new = |other: &&FeedRecord| other.age() == newest.age();
        let rival = of_run().chain(stored).filter(as_new).find(|other| !newest.mail().same_as(other.get(Field::Mail)));
        Person { groups, newest, rival, matched: match_person(newest, self.inputs.directory, self.policy) }
    }

    /// Everybody in the feed claims their addresses, but for those who have no account and want none.
    fn note_claims(&mut self, people: &[Person<'_>]) {
        for person in people {
            let free = matches!(person.matched, PersonMatch::Free { .. });
            if !free || person.groups.iter().any(|group| self.wants_enrolment(group)) {
                for record in [Some(person.newest), person.rival].into_iter().flatten() {
                    self.claims.add(record.mail().folded(), person.newest.guid());
                }
            }
        }
    }

    fn wants_enrolment(&self, group: &Group<'_>) -> bool {
        let newest = group.records.last().and_then(|index| self.record(*index).reading.as_ref().ok());
        group.contradicting == 0 && newest.is_some_and(|reading| reading.state == EnrolState::Enrol)
    }

    fn plan_person(&mut self, person: &Person<'_>) {
        let (before, skipped_before) = (self.changes.len(), self.skips.len());
        for group in person.groups {
            if let Some(winner) = self.winner(group) {
                match self.decide(winner, person) {
                    Ok(change) => self.changes.push(change),
                    Err(verdict) => self.skip(winner, verdict),
                }
            }
        }
        if let PersonMatch::Free { username: Ok(username) } = &person.matched
            && self.changes.len() > before
        {
            self.changes.push(IntakeChange::CreateAccount(self.new_account(person.newest, username)));
        }
        let in_doubt = self.skips[skipped_before..].iter().any(|skip| skip.verdict.code().doubts_identity());
        let known = self.is_known_doubt(person);
        self.doubts.people += u64::from(!known);
        self.doubts.new += u64::from(in_doubt && !known);
        self.doubts.known += u64::from(in_doubt && known);
    }

    fn is_known_doubt(&self, person: &Person<'_>) -> bool {
        let mut records = person.groups.iter().flat_map(|group| group.records).map(|index| self.record(*index));
        records.any(|record| self.inputs.known_doubts.contains(&record.fingerprint))
    }

    fn new_account(&self, record: &FeedRecord, username: &str) -> NewAccount {
        let name = |field| record.get(field).trim().to_owned();
        NewAccount {
            guid: record.guid(),
            username: username.to_owned(),
            mail: record.mail(),
            first_name: name(Field::FirstName),
            last_name: name(Field::LastName),
            auth: self.policy.auth.clone(),
        }
    }

    /// The record of a group that counts, once all the others have their verdict.
    fn winner(&mut self, group: &Group<'_>) -> Option<&'a FeedRecord> {
        let (older, newest) = group.records.split_at(group.records.len() - group.contradicting.max(1));
        let last = self.record(*newest.last()?);
        for index in older {
            self.skip(self.record(*index), Verdict::Superseded { by: last.fingerprint });
        }
        if group.contradicting == 0 {
            return Some(last);
        }
        let first = self.record(newest[0]);
        let other = newest.iter().map(|index| self.record(*index)).find(|record| says_otherwise(record, first));
        for index in newest {
            let record = self.record(*index);
            let with = if says_otherwise(record, first) { first } else { other.unwrap_or(last) };
            self.skip(record, Verdict::Contradiction { with: with.fingerprint });
        }
        None
    }

    /// The change that a winning record wants, or why there is none.
    fn decide(&self, record: &FeedRecord, person: &Person<'_>) -> Result<IntakeChange, Verdict> {
        let state = wanted(record).ok_or_else(|| Verdict::NotTried { why: "the record could not be read".into() })?;
        self.refuse_stale(record)?;
        if let Some(rival) = person.rival {
            let with = if rival.fingerprint == record.fingerprint { person.newest } else { rival };
            return Err(Verdict::Contradiction { with: with.fingerprint });
        }
        let account = match &person.matched {
            PersonMatch::Found(account) => Some(*account),
            PersonMatch::Free { .. } => None,
            PersonMatch::Doubt(doubt) => return Err(doubt.clone()),
        };
        let protected = |record| self.policy.protected.entry_for(record, account);
        // An account would be made from the newest record, whatever this one says.
        if let Some(entry) = protected(record).or_else(|| protected(person.newest)) {
            return Err(Verdict::Protected { entry: entry.into() });
        }
        match (state, account) {
            (EnrolState::Suspend, None) => Err(Verdict::NoAccount),
            (EnrolState::Suspend, Some(account)) => self.suspend(record, account.id),
            (EnrolState::Enrol, Some(account)) => self.enrol(record, Who::Account(account.id)),
            (EnrolState::Enrol, None) => self.enrol_newcomer(record, person),
        }
    }

    /// What earlier runs applied counts as the records of this run do: the newer wins, and equals must not contradict.
    fn refuse_stale(&self, record: &FeedRecord) -> Result<(), Verdict> {
        let applied = self.inputs.applied.get(&(record.guid().folded(), record.course()));
        let (Some(applied), Some(age)) = (applied, record.age()) else {
            return Ok(());
        };
        match applied.age.cmp(&age) {
            Ordering::Greater => Err(Verdict::Stale { applied: applied.age.changed }),
            Ordering::Equal if wanted(record) != Some(applied.state) => {
                Err(Verdict::Contradiction { with: applied.record })
            }
            Ordering::Equal | Ordering::Less => Ok(()),
        }
    }

    fn course(&self, record: &FeedRecord) -> Result<&'a Course, Verdict> {
        let Some(courses) = self.inputs.courses.get(&record.course()) else {
            return Err(Verdict::NotTried { why: "the course was not looked up in Moodle".into() });
        };
        // Moodle compares by its collation, which finds "elm-1" for "ELM-1": two courses to the ELM, and one here.
        let exact = || courses.iter().filter(|course| course.elm_id.as_str().trim() == record.course().as_str());
        match (exact().next(), exact().nth(1)) {
            (None, _) => Err(Verdict::CourseNotFound),
            (Some(course), None) => Ok(course),
            (Some(_), Some(_)) => Err(Verdict::CourseAmbiguous { courses: exact().map(|course| course.id).collect() }),
        }
    }

    fn usable_course(&self, record: &FeedRecord) -> Result<&'a Course, Verdict> {
        let course = self.course(record)?;
        match course.manual {
            ManualInstance::Usable => Ok(course),
            ManualInstance::Missing => Err(Verdict::NoManualInstance { course: course.id }),
        }
    }

    fn enrol_newcomer(&self, record: &FeedRecord, person: &Person<'_>) -> Result<IntakeChange, Verdict> {
        let change = self.enrol(record, Who::New(person.newest.guid()))?;
        if let Some(rivals) = self.claims.rivals(&person.newest.mail().folded()) {
            return Err(Verdict::SharedAddress { guids: rivals.into() });
        }
        if let PersonMatch::Free { username: Err(refused) } = &person.matched {
            return Err(Verdict::UsernameRefused { username: refused.as_str().into() });
        }
        bad_name(person.newest).map_or(Ok(change), |field| Err(Verdict::NameMissing { field }))
    }

    fn enrol(&self, record: &FeedRecord, who: Who) -> Result<IntakeChange, Verdict> {
        let course = self.usable_course(record)?;
        let kind = match &who {
            Who::New(_) => EnrolKind::Enrol,
            Who::Account(id) => match self.standing_in(*id, course.id)? {
                Enrolment::Active => return Err(self.active_already(record)),
                Enrolment::Suspended => EnrolKind::Reactivate,
                Enrolment::Absent => EnrolKind::Enrol,
                // Which of the two was not asked this time; an earlier run may have known.
                Enrolment::NotActive => match self.inputs.intended.get(&record.fingerprint) {
                    Some(Intended::Enrol(kind)) => *kind,
                    Some(Intended::Suspend) | None => EnrolKind::Enrol,
                },
            },
        };
        let role = course.default_role.unwrap_or(self.policy.role);
        let welcome = self.policy.welcome == Welcome::Rollbook;
        Ok(IntakeChange::Enrol(EnrolChange { record: record.fingerprint, who, course: course.id, role, kind, welcome }))
    }

    fn active_already(&self, record: &FeedRecord) -> Verdict {
        match self.inputs.intended.get(&record.fingerprint) {
            Some(Intended::Enrol(EnrolKind::Enrol)) => Verdict::Enrolled,
            Some(Intended::Enrol(EnrolKind::Reactivate)) => Verdict::Reactivated,
            Some(Intended::Suspend) | None => Verdict::AlreadyEnrolled,
        }
    }

    fn suspended_already(&self, record: &FeedRecord) -> Verdict {
        match self.inputs.intended.get(&record.fingerprint) {
            Some(Intended::Suspend) => Verdict::Suspended,
            Some(Intended::Enrol(_)) | None => Verdict::AlreadySuspended,
        }
    }

    fn suspend(&self, record: &FeedRecord, user: MoodleUserId) -> Result<IntakeChange, Verdict> {
        let course = self.course(record)?;
        match self.standing_in(user, course.id)? {
            Enrolment::Absent => return Err(Verdict::NotEnrolled),
            Enrolment::Suspended | Enrolment::NotActive => return Err(self.suspended_already(record)),
            Enrolment::Active => {}
        }
        if course.manual == ManualInstance::Missing {
            return Err(Verdict::NoManualInstance { course: course.id });
        }
        if !self.inputs.records.is_complete() {
            return Err(Verdict::HeldBack);
        }
        let role = course.default_role.unwrap_or(self.policy.role);
        Ok(IntakeChange::Suspend(SuspendChange { record: record.fingerprint, user, course: course.id, role }))
    }

    fn standing_in(&self, user: MoodleUserId, course: MoodleCourseId) -> Result<Enrolment, Verdict> {
        let known = self.inputs.enrolments.get(&(user, course)).copied();
        known.ok_or_else(|| Verdict::NotTried { why: "the enrolment was not looked up in Moodle".into() })
    }
}

fn wanted(record: &FeedRecord) -> Option<EnrolState> {
    record.reading.as_ref().ok().map(|reading| reading.state)
}
