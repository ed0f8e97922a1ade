//! One person of the feed: what becomes of each of their records.

use crate::desired::{Group, contradicts};
use crate::matching::{PersonMatch, bad_name, match_person};
use crate::model::{
    Course, EnrolState, Enrolment, FeedRecord, Field, Guid, ManualInstance, MoodleCourseId, MoodleUserId,
};
use crate::plan::intake::{EnrolChange, EnrolKind, IntakeChange, Intended, NewAccount, SuspendChange, Who};
use crate::plan::intake::{IntakeInputs, Skip};
use crate::policy::{IntakePolicy, Welcome};
use crate::verdict::{Disposition, Verdict, disposition};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What a plan is made by.
pub(super) struct Decider<'a> {
    pub(super) inputs: &'a IntakeInputs<'a>,
    pub(super) policy: &'a IntakePolicy,
}

/// What the newest record says of a person, which counts for all of their records.
struct Person<'a> {
    newest: &'a FeedRecord,
    /// A record that is as new and gives another mail address.
    rival: Option<&'a FeedRecord>,
    matched: PersonMatch<'a>,
}

/// What one person's records come to.
pub(super) struct Decided<'a> {
    person: Person<'a>,
    pub(super) changes: Vec<IntakeChange>,
    pub(super) skips: Vec<Skip>,
    /// A run before this one left them in doubt.
    pub(super) known_doubt: bool,
}

impl Decided<'_> {
    /// Whether something of theirs is left to do, now or later.
    fn is_open(&self) -> bool {
        let waits = |skip: &Skip| disposition(skip.verdict.code()) != Disposition::Settled;
        !self.changes.is_empty() || self.skips.iter().any(waits)
    }

    /// The addresses that are theirs by the feed's word. Somebody who is done with claims none, or a later run, in which
    /// they are not, would decide otherwise.
    pub(super) fn claims(&self) -> impl Iterator<Item = &FeedRecord> {
        let Person { newest, rival, matched: _ } = &self.person;
        [Some(*newest), *rival].into_iter().flatten().filter(|_| self.is_open())
    }

    fn skip(&mut self, record: &FeedRecord, verdict: Verdict) {
        self.skips.push(Skip { record: record.fingerprint, verdict });
    }
}

impl<'a> Decider<'a> {
    fn record(&self, index: u32) -> &'a FeedRecord {
        &self.inputs.records.value[index as usize]
    }

    /// Decides all records of one person. A newcomer's enrolments still want an account: see [`Self::admit`].
    pub(super) fn decide_person(&self, groups: &[Group<'_>]) -> Decided<'a> {
        let records = || groups.iter().flat_map(|group| group.records).map(|index| self.record(*index));
        let person = self.identify(groups);
        let known_doubt = records().any(|record| self.inputs.known_doubts.contains(&record.fingerprint));
        let mut decided = Decided { person, changes: Vec::new(), skips: Vec::new(), known_doubt };
        for group in groups {
            let Some(winner) = self.winner(group, &mut decided) else {
                continue;
            };
            match self.decide(winner, &decided.person) {
                Ok(change) => decided.changes.push(change),
                Err(verdict) => decided.skip(winner, verdict),
            }
        }
        decided
    }

    /// Adds the account of a newcomer, or takes the enrolments back where it cannot be made.
    pub(super) fn admit(&self, decided: &mut Decided<'_>, claims: &Claims) {
        let Person { newest, rival: _, matched } = &decided.person;
        let PersonMatch::Free { username } = matched else {
            return;
        };
        if decided.changes.is_empty() {
            return;
        }
        match self.new_account(newest, username.as_deref(), claims) {
            Ok(account) => decided.changes.push(IntakeChange::CreateAccount(account)),
            Err(verdict) => {
                let records: Vec<_> = decided.changes.drain(..).filter_map(|change| change.record()).collect();
                decided.skips.extend(records.into_iter().map(|record| Skip { record, verdict: verdict.clone() }));
            }
        }
    }

    fn new_account(
        &self,
        record: &FeedRecord,
        username: Result<&str, &String>,
        claims: &Claims,
    ) -> Result<NewAccount, Verdict> {
        if let Some(ambiguous_matches) = claims.ambiguous_matches(&record.mail().folded()) {
            return Err(Verdict::SharedAddress { guids: ambiguous_matches.into() });
        }
        let username = username.map_err(|refused| Verdict::UsernameRefused { username: refused.as_str().into() })?;
        if let Some(field) = bad_name(record) {
            return Err(Verdict::NameMissing { field });
        }
        let name = |field| record.get(field).trim().to_owned();
        Ok(NewAccount {
            guid: record.guid(),
            username: username.to_owned(),
            mail: record.mail(),
            first_name: name(Field::FirstName),
            last_name: name(Field::LastName),
            auth: self.policy.auth.clone(),
        })
    }

    fn identify(&self, groups: &[Group<'_>]) -> Person<'a> {
        let of_run = || groups.iter().flat_map(|group| group.records).map(|index| self.record(*index));
        let stored = of_run().next().and_then(|record| self.inputs.newest.get(&record.guid().folded()));
        let newest = of_run().chain(stored).max_by_key(|record| (record.age(), record.fingerprint));
        let newest = newest.expect("a group holds at least one record");
        let as_new = |other: &&FeedRecord| other.age() == newest.age();
        let rival = of_run().chain(stored).filter(as_new).find(|other| !newest.mail().same_as(other.get(Field::Mail)));
        Person { newest, rival, matched: match_person(newest, self.inputs.directory, self.policy) }
    }

    /// The record of a group that counts, once all the others have their verdict.
    fn winner(&self, group: &Group<'_>, decided: &mut Decided<'_>) -> Option<&'a FeedRecord> {
        let (older, newest) = group.records.split_at(group.records.len() - group.contradicting.max(1));
        let last = self.record(*newest.last()?);
        for index in older {
            decided.skip(self.record(*index), Verdict::Superseded { by: last.fingerprint });
        }
        if group.contradicting == 0 {
            return Some(last);
        }
        let first = self.record(newest[0]);
        let other = newest.iter().map(|index| self.record(*index)).find(|record| contradicts(record, first));
        for index in newest {
            let record = self.record(*index);
            let with = if contradicts(record, first) { first } else { other.unwrap_or(last) };
            decided.skip(record, Verdict::Contradiction { with: with.fingerprint });
        }
        None
    }

    /// The change that a record which counts wants, or why there is none.
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
        let by_newest = || if std::ptr::eq(record, person.newest) { None } else { protected(person.newest) };
        if let Some(entry) = protected(record).or_else(by_newest) {
            return Err(Verdict::Protected { entry: entry.into() });
        }
        match (state, account) {
            (EnrolState::Suspend, None) => Err(Verdict::NoAccount),
            (EnrolState::Suspend, Some(account)) => self.suspend(record, account.id),
            (EnrolState::Enrol, Some(account)) => self.enrol(record, Who::Account(account.id)),
            (EnrolState::Enrol, None) => self.enrol(record, Who::New(person.newest.guid())),
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
        let asked = record.course();
        let Some(courses) = self.inputs.courses.get(&asked) else {
            return Err(Verdict::NotTried { why: "the course was not looked up in Moodle".into() });
        };
        // Moodle compares by its collation, which finds "elm-1" for "ELM-1": two courses to the ELM, and one here.
        let exact = || courses.iter().filter(|course| course.elm_id.as_str().trim() == asked.as_str());
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

// Two people of the feed who claim one mail address: neither gets an account with it.

/// The GUIDs that claim each address, by folded address.
pub(super) struct Claims(BTreeMap<String, Vec<Guid>>);

impl Claims {
    /// What all people of a feed claim.
    pub(super) fn of(people: &[Decided<'_>]) -> Self {
        let mut claims = BTreeMap::<_, Vec<_>>::new();
        for record in people.iter().flat_map(Decided::claims) {
            claims.entry(record.mail().folded()).or_default().push(record.guid());
        }
        claims.values_mut().for_each(|guids| guids.sort());
        Self(claims)
    }

    /// The GUIDs that claim an address, where there are several.
    pub(super) fn ambiguous_matches(&self, address: &str) -> Option<&[Guid]> {
        self.0.get(address).map(Vec::as_slice).filter(|guids| guids.len() > 1)
    }
}
