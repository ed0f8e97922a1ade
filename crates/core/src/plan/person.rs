//! One person of the feed: what becomes of each of their records.

use crate::desired::{AppliedState, Group, Resolution, Rules, resolve};
use crate::matching::{PersonMatch, account_names, match_leaver, match_person};
use crate::model::{
    Account, Course, EnrolState, Enrolment, FeedRecord, Field, Guid, ManualInstance, MoodleCourseId, MoodleUserId,
    Participation, RoleId,
};
use crate::plan::intake::{Dates, EnrolChange, EnrolKind, IntakeChange, Intended, NewAccount, SuspendChange, Who};
use crate::plan::intake::{IntakeInputs, Skip};
use crate::policy::{BlockedAccounts, IntakePolicy, Unproven, Welcome};
use crate::verdict::{Disposition, Verdict, disposition};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What a plan is made by.
pub(super) struct Decider<'a> {
    pub(super) inputs: &'a IntakeInputs<'a>,
    pub(super) policy: &'a IntakePolicy,
    pub(super) now: Timestamp,
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
            let Some(decider) = self.weigh(group, &mut decided) else {
                continue;
            };
            match self.decide(decider, &decided.person) {
                Ok(change) => decided.changes.push(change),
                Err(verdict) => decided.skip(decider, verdict),
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
        let [first_name, last_name] = account_names(record, self.policy.missing_name.as_deref())?;
        Ok(NewAccount {
            guid: record.guid(),
            username: username.to_owned(),
            mail: record.mail(),
            first_name,
            last_name,
            auth: self.policy.auth.clone(),
        })
    }

    fn identify(&self, groups: &[Group<'_>]) -> Person<'a> {
        let of_run = || groups.iter().flat_map(|group| group.records).map(|index| self.record(*index));
        let stored = of_run().next().and_then(|record| self.inputs.newest.get(&record.guid().folded()));
        // A Suspend may say nothing of the address, and then it says nothing against it.
        let says = |record: &FeedRecord| !record.mail().as_str().is_empty();
        let newest = of_run().chain(stored).max_by_key(|record| (says(record), record.age(), record.fingerprint));
        let newest = newest.expect("a group holds at least one record");
        // A Suspend goes by the GUID, so that its address contradicts nobody.
        let enrols = |other: &FeedRecord| wanted(other) == Some(EnrolState::Enrol);
        let as_new = |other: &&FeedRecord| enrols(other) && other.age() == newest.age();
        let rival = of_run().chain(stored).filter(as_new).find(|other| !newest.mail().same_as(other.get(Field::Mail)));
        let matched = match_person(newest, self.inputs.directory, self.inputs.accounts, self.policy);
        Person { newest, rival, matched }
    }

    /// The record of a group that decides, if one does; the others get their verdicts.
    fn weigh(&self, group: &Group<'_>, decided: &mut Decided<'_>) -> Option<&'a FeedRecord> {
        let records: Vec<&FeedRecord> = group.records.iter().map(|index| self.record(*index)).collect();
        let enrolments = &self.policy.enrolments;
        let rules = Rules { ids: enrolments.ids, future: enrolments.future, now: self.now };
        let resolved = resolve(&records, self.applied(records.first()?), rules);
        let mut decider = None;
        for (record, resolution) in resolved {
            let record = records.iter().copied().find(|other| other.fingerprint == record);
            let Some(record) = record else { continue };
            let verdict = match resolution {
                Resolution::Decides => {
                    decider = Some(record);
                    continue;
                }
                Resolution::OtherDecides(with) => Verdict::OtherEnrolment { with },
                Resolution::Superseded(by) => Verdict::Superseded { by },
                Resolution::Stale(applied) => Verdict::Stale { applied },
                Resolution::Contradicts(with) => Verdict::Contradiction { with },
                Resolution::Planned(from) => match wanted(record) {
                    Some(state) => Verdict::Planned { from, state },
                    None => continue,
                },
            };
            decided.skip(record, verdict);
        }
        let decider = decider?;
        group.records.iter().map(|index| self.record(*index)).find(|record| std::ptr::eq(*record, decider))
    }

    fn applied(&self, record: &FeedRecord) -> &'a [AppliedState] {
        self.inputs.applied.get(&(record.guid().folded(), record.course())).map_or(&[], Vec::as_slice)
    }

    /// The change that a record which decides wants, or why there is none.
    fn decide(&self, record: &FeedRecord, person: &Person<'_>) -> Result<IntakeChange, Verdict> {
        let state = wanted(record).ok_or_else(|| Verdict::NotTried { why: "the record could not be read".into() })?;
        let leaver;
        let matched = match state {
            EnrolState::Enrol => {
                if let Some(rival) = person.rival {
                    let with = if rival.fingerprint == record.fingerprint { person.newest } else { rival };
                    return Err(Verdict::Contradiction { with: with.fingerprint });
                }
                &person.matched
            }
            EnrolState::Suspend => {
                leaver = match_leaver(record, &person.matched, self.inputs.directory, self.inputs.accounts);
                &leaver
            }
        };
        let account = match matched {
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
            (EnrolState::Enrol, Some(account)) => self.enrol_account(record, account),
            (EnrolState::Enrol, None) => self.enrol_new(record, person.newest.guid()),
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

    fn enrol_new(&self, record: &FeedRecord, guid: Guid) -> Result<IntakeChange, Verdict> {
        let course = self.usable_course(record)?;
        let change = EnrolChange {
            record: record.fingerprint,
            who: Who::New(guid),
            course: course.id,
            role: self.role_in(course),
            kind: EnrolKind::Enrol,
            welcome: self.policy.welcome == Welcome::Rollbook,
            dates: self.new_dates(course),
            blocked: None,
        };
        Ok(IntakeChange::Enrol(change))
    }

    fn enrol_account(&self, record: &FeedRecord, account: &Account) -> Result<IntakeChange, Verdict> {
        let course = self.usable_course(record)?;
        let there = self.participation(account.id, course.id)?;
        let kind = match there.state {
            Enrolment::Active => return Err(self.active_already(record, account)),
            Enrolment::NotStarted => return Err(starts_later(there)),
            Enrolment::Suspended | Enrolment::Inactive => EnrolKind::Reactivate,
            Enrolment::Absent => EnrolKind::Enrol,
            // Which of the two was not asked this time; an earlier run may have known.
            Enrolment::NotActive => match self.inputs.intended.get(&record.fingerprint) {
                Some(Intended::Enrol(kind)) => *kind,
                Some(Intended::Suspend) | None => EnrolKind::Enrol,
            },
        };
        let blocked = account.sign_in_block();
        if let Some(why) = blocked.filter(|_| self.policy.enrolments.blocked_accounts == BlockedAccounts::Ask) {
            return Err(Verdict::AccountBlocked { why });
        }
        let dates = match kind {
            EnrolKind::Enrol => self.new_dates(course),
            EnrolKind::Reactivate => {
                self.refuse_other_role(record, course, there)?;
                self.standing_dates(record, course, there)
            }
        };
        if dates == Dates::Unknown && self.policy.enrolments.unknown_dates == Unproven::Ask {
            return Err(Verdict::DatesUnknown);
        }
        let change = EnrolChange {
            record: record.fingerprint,
            who: Who::Account(account.id),
            course: course.id,
            role: self.role_in(course),
            kind,
            // Nobody is welcomed who cannot come in.
            welcome: self.policy.welcome == Welcome::Rollbook && blocked.is_none(),
            dates,
            blocked,
        };
        Ok(IntakeChange::Enrol(change))
    }

    fn role_in(&self, course: &Course) -> RoleId {
        course.default_role.unwrap_or(self.policy.role)
    }

    /// The dates of a new enrolment: what the method gives when a person enrols somebody, else what is configured.
    fn new_dates(&self, course: &Course) -> Dates {
        let rules = &self.policy.enrolments;
        let configured = rules.duration.map(|duration| duration.as_secs());
        match course.duration.or(configured) {
            Some(seconds) if seconds > 0 => Dates::FromNow { seconds },
            _ if rules.starts_now => Dates::FromNow { seconds: 0 },
            _ => Dates::None,
        }
    }

    /// The dates to write with an enrolment that is there already, so that they stand afterwards.
    fn standing_dates(&self, record: &FeedRecord, course: &Course, there: &Participation) -> Dates {
        let now = self.now.as_second();
        match there.manual() {
            // One that has run out is begun anew; else the learner would be active and not come in.
            Some(manual) if manual.end > 0 && manual.end <= now => self.new_dates(course),
            Some(manual) if manual.start == 0 && manual.end == 0 => Dates::None,
            Some(manual) => Dates::Kept { start: manual.start, end: manual.end },
            // What Rollbook made has the dates that Rollbook gives.
            None if self.made(record) => self.new_dates(course),
            None if there.enrolments.is_some() => self.new_dates(course),
            None => Dates::Unknown,
        }
    }

    /// Whether Rollbook made the person's enrolment.
    fn made(&self, record: &FeedRecord) -> bool {
        self.inputs.made.contains(&(record.guid().folded(), record.course()))
    }

    /// An enrolment that somebody else made in another role is left alone: the write would add a role, and end a teacher's
    /// access.
    fn refuse_other_role(&self, record: &FeedRecord, course: &Course, there: &Participation) -> Result<(), Verdict> {
        let Some(roles) = there.roles.as_deref().filter(|_| !self.made(record)) else {
            return Ok(());
        };
        let own = self.role_in(course);
        match roles.iter().all(|role| *role == own) {
            true => Ok(()),
            false => Err(Verdict::RoleDiffers { roles: roles.into() }),
        }
    }

    fn active_already(&self, record: &FeedRecord, account: &Account) -> Verdict {
        match (self.inputs.intended.get(&record.fingerprint), account.sign_in_block()) {
            (Some(Intended::Enrol(_)), Some(why)) => Verdict::EnrolledBlocked { why },
            (Some(Intended::Enrol(EnrolKind::Enrol)), None) => Verdict::Enrolled,
            (Some(Intended::Enrol(EnrolKind::Reactivate)), None) => Verdict::Reactivated,
            (Some(Intended::Suspend) | None, _) => Verdict::AlreadyEnrolled,
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
        let there = self.participation(user, course.id)?;
        match there.state {
            Enrolment::Absent => return Err(Verdict::NotEnrolled),
            Enrolment::Suspended | Enrolment::NotActive => return Err(self.suspended_already(record)),
            Enrolment::Inactive if self.suspended_before(record) => return Err(self.suspended_already(record)),
            // It may begin by itself, so that only a suspension keeps the person out.
            Enrolment::Inactive | Enrolment::NotStarted | Enrolment::Active => {}
        }
        self.refuse_other_method(record, course, there)?;
        self.refuse_other_role(record, course, there)?;
        if course.manual == ManualInstance::Missing {
            return Err(Verdict::NoManualInstance { course: course.id });
        }
        if !self.inputs.records.is_complete() {
            return Err(Verdict::HeldBack);
        }
        let own = self.role_in(course);
        let role = there.roles.as_ref().filter(|roles| !roles.contains(&own)).and_then(|roles| roles.first().copied());
        let dates = match self.standing_dates(record, course, there) {
            // Nobody is active by a suspended enrolment, and a re-activation gives new dates.
            Dates::FromNow { .. } => Dates::None,
            dates => dates,
        };
        let (record, course, role) = (record.fingerprint, course.id, role.unwrap_or(own));
        Ok(IntakeChange::Suspend(SuspendChange { record, user, course, role, dates }))
    }

    /// Whether an earlier run has suspended the person, and nothing has enrolled them since.
    fn suspended_before(&self, record: &FeedRecord) -> bool {
        let newest = self.applied(record).iter().filter(|state| state.decided).max_by_key(|state| state.age);
        newest.is_some_and(|state| state.state == EnrolState::Suspend)
            || self.inputs.intended.get(&record.fingerprint) == Some(&Intended::Suspend)
    }

    /// Only a manual enrolment can be suspended; over another method a second one would be made beside it.
    fn refuse_other_method(&self, record: &FeedRecord, course: &Course, there: &Participation) -> Result<(), Verdict> {
        let Some(enrolments) = &there.enrolments else {
            let asks = self.policy.enrolments.unknown_method == Unproven::Ask;
            let unknown = asks && !self.made(record) && !course.enrols_only_by_hand();
            return if unknown { Err(Verdict::MethodUnknown) } else { Ok(()) };
        };
        if there.manual().is_some_and(|manual| manual.enabled) {
            return Ok(());
        }
        let live = enrolments.iter().filter(|enrolment| enrolment.enabled);
        let methods: BTreeSet<&str> = live.map(|enrolment| enrolment.method.as_str()).collect();
        Err(Verdict::OtherMethod { methods: methods.into_iter().map(Into::into).collect() })
    }

    fn participation(&self, user: MoodleUserId, course: MoodleCourseId) -> Result<&'a Participation, Verdict> {
        let known = self.inputs.enrolments.get(&(user, course));
        known.ok_or_else(|| Verdict::NotTried { why: "the enrolment was not looked up in Moodle".into() })
    }
}

fn starts_later(there: &Participation) -> Verdict {
    let start =
        there.enrolments.iter().flatten().filter(|enrolment| enrolment.enabled).map(|enrolment| enrolment.start);
    let at = start.min().and_then(|second| Timestamp::from_second(second).ok());
    at.map_or(Verdict::AlreadyEnrolled, |at| Verdict::StartsLater { at })
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
