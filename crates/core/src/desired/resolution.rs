//! The records of one person and course → what HR wants there now, enrolment by enrolment.
//!
//! A record has three times: when it was said (`created`), from when it holds (`changed`), and when we saw it. Of one
//! enrolment the newest by `changed` counts, then by `created`, then by the feed's own number. A record that held only
//! from a later day than the one on which the next was said was still a plan then, and that next one took it back. A
//! person is in a course while any of their enrolments there lives. A record without an enrolment id ends every enrolment,
//! and a Suspend of any enrolment ends one without id, so that nobody stays in whom HR has ended.

use super::enrolments::contradicts;
use crate::model::{Age, EnrolState, EnrolmentId, FeedRecord, Fingerprint};
use crate::policy::{EnrolmentIds, FutureDates};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The newest state that earlier runs applied for one enrolment; see `OutcomeCode::fixes_state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedState {
    /// How new the record was.
    pub age: Age,
    pub state: EnrolState,
    pub record: Fingerprint,
    /// The ELM's id; empty where the record had none.
    pub enrolment: EnrolmentId,
    /// Whether it decided the pair; a state that another enrolment of the same person and course outweighed did not.
    pub decided: bool,
}

impl AppliedState {
    /// The state of a record that was applied; `None` where the record could not be read.
    pub fn of(record: &FeedRecord) -> Option<Self> {
        let enrolment = record.enrolment_id().unwrap_or_else(|| EnrolmentId::new(""));
        let state = record.reading.as_ref().ok()?.state;
        Some(Self { age: record.age()?, state, record: record.fingerprint, enrolment, decided: true })
    }
}

/// How the records of one pair are weighed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub ids: EnrolmentIds,
    pub future: FutureDates,
    pub now: Timestamp,
}

/// What becomes of one record among the others of its pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// It decides how the person stands.
    Decides,
    /// Its own enrolment stands so; this record, of another enrolment, decides.
    OtherDecides(Fingerprint),
    Superseded(Fingerprint),
    /// Something newer was applied before.
    Stale(Timestamp),
    Contradicts(Fingerprint),
    /// It holds from a day that has not come.
    Planned(Timestamp),
}

/// Two systems' clocks may differ by so much: a record that holds from a moment so shortly after it was said is no plan.
const SKEW: SignedDuration = SignedDuration::from_hours(1);

/// A state of one enrolment, from this run or an earlier one.
#[derive(Clone, Copy)]
struct Claim<'a> {
    enrolment: &'a str,
    age: Age,
    state: EnrolState,
    record: Fingerprint,
}

impl Claim<'_> {
    /// Whether it speaks about the other's enrolment.
    fn concerns(&self, other: &Self) -> bool {
        let ends_all = self.state == EnrolState::Suspend && (self.enrolment.is_empty() || other.enrolment.is_empty());
        self.enrolment == other.enrolment || (ends_all && other.state == EnrolState::Enrol)
    }

    /// Whether the other was still a plan when this was said.
    fn takes_back(&self, other: &Self) -> bool {
        let said_later = (self.age.created, self.age.number) > (other.age.created, other.age.number);
        self.concerns(other) && said_later && other.is_dated_ahead() && self.age.created < other.age.changed
    }

    fn is_dated_ahead(&self) -> bool {
        self.age.changed.duration_since(self.age.created) > SKEW
    }

    fn outweighs(&self, other: &Self) -> bool {
        self.concerns(other) && self.age > other.age
    }
}

/// Weighs the records of one pair, oldest first, against each other and against what was applied.
pub(crate) fn resolve(
    records: &[&FeedRecord],
    applied: &[AppliedState],
    rules: Rules,
) -> Vec<(Fingerprint, Resolution)> {
    let applied: Vec<Claim<'_>> = applied.iter().map(|state| claim_of_applied(state, rules.ids)).collect();
    let claims: Vec<(&FeedRecord, Claim<'_>)> =
        records.iter().filter_map(|record| Some((*record, claim_of(record, rules.ids)?))).collect();
    let mut resolved = Vec::with_capacity(records.len());
    let mut classes: BTreeMap<&str, Vec<(&FeedRecord, Claim<'_>)>> = BTreeMap::new();
    for (record, claim) in &claims {
        let waits = rules.future == FutureDates::Wait;
        let later = claims.iter().map(|(_, other)| other).chain(&applied);
        if waits && let Some(by) = later.filter(|other| other.takes_back(claim)).max_by_key(|other| other.age) {
            resolved.push((claim.record, Resolution::Superseded(by.record)));
        } else if waits && claim.age.changed > rules.now && claim.is_dated_ahead() {
            resolved.push((claim.record, Resolution::Planned(claim.age.changed)));
        } else {
            classes.entry(claim.enrolment).or_default().push((record, *claim));
        }
    }
    let newest: Vec<Claim<'_>> = classes.values().filter_map(|class| newest_of(class, &mut resolved)).collect();
    let standing: Vec<Claim<'_>> =
        newest.iter().copied().filter(|claim| stands(claim, &newest, &applied, &mut resolved)).collect();
    decide(&standing, &applied, &mut resolved);
    resolved
}

/// The claim of a class that counts; the others of the class are resolved.
fn newest_of<'a>(
    class: &[(&FeedRecord, Claim<'a>)],
    resolved: &mut Vec<(Fingerprint, Resolution)>,
) -> Option<Claim<'a>> {
    let (newest_record, newest) = class.last()?;
    let first_of_age = class.iter().position(|(_, claim)| claim.age == newest.age)?;
    let (older, equal) = class.split_at(first_of_age);
    let (first, _) = equal[0];
    let rival = equal.iter().find(|(record, _)| contradicts(record, first));
    resolved.extend(older.iter().map(|(_, claim)| (claim.record, Resolution::Superseded(newest.record))));
    let Some((rival, _)) = rival else {
        let same = equal.iter().filter(|(record, _)| record.fingerprint != newest_record.fingerprint);
        resolved.extend(same.map(|(_, claim)| (claim.record, Resolution::Superseded(newest.record))));
        return Some(*newest);
    };
    resolved.extend(equal.iter().map(|(record, claim)| {
        let with = if contradicts(record, first) { first } else { rival };
        (claim.record, Resolution::Contradicts(with.fingerprint))
    }));
    None
}

/// Whether a claim stands against those of other enrolments that concern it, and against what was applied.
fn stands(
    claim: &Claim<'_>,
    newest: &[Claim<'_>],
    applied: &[Claim<'_>],
    resolved: &mut Vec<(Fingerprint, Resolution)>,
) -> bool {
    let by_run = newest.iter().find(|other| other.outweighs(claim));
    let by_past = applied.iter().filter(|past| past.outweighs(claim)).max_by_key(|past| past.age);
    let equal =
        |past: &&Claim<'_>| past.enrolment == claim.enrolment && past.age == claim.age && past.state != claim.state;
    let resolution = match (by_run, by_past, applied.iter().find(equal)) {
        (Some(other), ..) => Resolution::Superseded(other.record),
        (None, Some(past), _) => Resolution::Stale(past.age.changed),
        (None, None, Some(past)) => Resolution::Contradicts(past.record),
        (None, None, None) => return true,
    };
    resolved.push((claim.record, resolution));
    false
}

/// The person is in while any enrolment lives: the newest that lives decides, else the newest that ended.
fn decide(standing: &[Claim<'_>], applied: &[Claim<'_>], resolved: &mut Vec<(Fingerprint, Resolution)>) {
    let newest =
        |state| standing.iter().filter(|claim| claim.state == state).max_by_key(|claim| (claim.age, claim.record));
    let lives = |past: &&Claim<'_>| {
        let ended = |claim: &Claim<'_>| claim.enrolment == past.enrolment || claim.outweighs(past);
        past.state == EnrolState::Enrol
            && !standing.iter().any(ended)
            && !applied.iter().any(|other| other.outweighs(past))
    };
    let decider = match (newest(EnrolState::Enrol), applied.iter().find(lives)) {
        (Some(claim), _) => claim.record,
        (None, Some(past)) => past.record,
        (None, None) => match newest(EnrolState::Suspend) {
            Some(claim) => claim.record,
            None => return,
        },
    };
    resolved.extend(standing.iter().map(|claim| {
        let decides = claim.record == decider;
        (claim.record, if decides { Resolution::Decides } else { Resolution::OtherDecides(decider) })
    }));
}

fn claim_of(record: &FeedRecord, ids: EnrolmentIds) -> Option<Claim<'_>> {
    let enrolment = match ids {
        EnrolmentIds::Apart => record.get(crate::model::Field::EnrolmentId).trim(),
        EnrolmentIds::Ignored => "",
    };
    let state = record.reading.as_ref().ok()?.state;
    Some(Claim { enrolment, age: record.age()?, state, record: record.fingerprint })
}

fn claim_of_applied(applied: &AppliedState, ids: EnrolmentIds) -> Claim<'_> {
    let AppliedState { age, state, record, enrolment, decided: _ } = applied;
    let enrolment = match ids {
        EnrolmentIds::Apart => enrolment.as_str().trim(),
        EnrolmentIds::Ignored => "",
    };
    Claim { enrolment, age: *age, state: *state, record: *record }
}
