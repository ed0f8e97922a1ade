//! Feed records → the groups of one person and course each. What counts in a group: `resolution`.

use crate::model::{EnrolState, FeedRecord, Field, Fingerprint, ProblemKind, RecordProblem};
use std::cmp::Ordering;

/// The records of one person and course, oldest first; indices into the list that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// All of them, oldest first.
    pub records: &'a [u32],
}

/// Hands each person's groups to `act`, persons in an order that depends on nothing but their GUIDs.
///
/// A million records lie all over the memory. They are sorted by a hash of the GUID, which stands beside the index; then
/// each handful is fetched once, sorted by all that counts, and acted upon.
pub fn for_each_person(records: &[FeedRecord], usable: &[u32], mut act: impl FnMut(&[Group<'_>])) {
    let record = |index: &u32| &records[*index as usize];
    let mut keyed: Vec<(u64, u32)> = usable.iter().map(|index| (record(index).person_hash(), *index)).collect();
    keyed.sort_unstable();
    let mut handful = Vec::new();
    for same_hash in keyed.chunk_by(|(left, _), (right, _)| left == right) {
        handful.clear();
        handful.extend(same_hash.iter().map(|(_, index)| *index));
        handful.sort_unstable_by(|left, right| order_in_person(record(left), record(right)));
        for person in handful.chunk_by(|left, right| record(left).same_person(record(right))) {
            let groups = person.chunk_by(|left, right| record(left).same_pair(record(right)));
            let group = |records| Group { records };
            act(&groups.map(group).collect::<Vec<_>>());
        }
    }
}

/// By person, course and age; the fingerprint makes the order whole.
fn order_in_person(left: &FeedRecord, right: &FeedRecord) -> Ordering {
    left.pair_order(right)
        .then_with(|| left.age().cmp(&right.age()))
        .then_with(|| left.fingerprint.cmp(&right.fingerprint))
}

/// Whether two equally new records of one enrolment want opposites, or enrol the person by two addresses. A Suspend goes
/// by the GUID alone.
pub(crate) fn contradicts(left: &FeedRecord, right: &FeedRecord) -> bool {
    let wanted = |record: &FeedRecord| record.reading.as_ref().ok().map(|reading| reading.state);
    let addresses = || wanted(left) == Some(EnrolState::Enrol) && !left.mail().same_as(right.get(Field::Mail));
    wanted(left) != wanted(right) || addresses()
}

// Feed records → each fingerprint once: the usable ones, and those that no change may follow from.

/// The records of a feed, each fingerprint once; indices into the list that was given, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distinct {
    /// The usable ones. Where a fingerprint came several times, the newest.
    pub usable: Vec<u32>,
    /// The others, each with its problem.
    pub bad: Vec<(u32, RecordProblem)>,
}

/// Takes each fingerprint once, whatever the order in which the records came.
pub fn distinct_records(records: &[FeedRecord]) -> Distinct {
    let indices = 0..u32::try_from(records.len()).unwrap_or(u32::MAX);
    let mut order: Vec<(Fingerprint, u32)> =
        indices.zip(records).map(|(index, record)| (record.fingerprint, index)).collect();
    order.sort_unstable();
    let mut chosen: Vec<(u32, AmbiguousMatches)> =
        order.chunk_by(|left, right| left.0 == right.0).map(|same| choose(records, same)).collect();
    drop(order);
    chosen.sort_unstable_by_key(|(index, _)| *index);
    let mut found = Distinct { usable: Vec::with_capacity(chosen.len()), bad: Vec::new() };
    for (index, ambiguous_matches) in chosen {
        match (&records[index as usize].reading, ambiguous_matches) {
            (Ok(_), AmbiguousMatches::None) => found.usable.push(index),
            (Ok(_), AmbiguousMatches::OfAnotherPair) => {
                let problem = RecordProblem::new(Field::Course, ProblemKind::SameFingerprint);
                found.bad.push((index, problem));
            }
            (Err(problem), _) => found.bad.push((index, problem.clone())),
        }
    }
    found
}

/// Whether a fingerprint came with another person or course, too.
#[derive(Clone, Copy)]
enum AmbiguousMatches {
    None,
    OfAnotherPair,
}

/// The newest record of those of one fingerprint.
fn choose(records: &[FeedRecord], same: &[(Fingerprint, u32)]) -> (u32, AmbiguousMatches) {
    let (_, first) = same[0];
    if same.len() == 1 {
        return (first, AmbiguousMatches::None);
    }
    let record = |index: u32| &records[index as usize];
    // A readable record is newer than one that is not.
    let rank = |index: u32| (record(index).age(), &record(index).text);
    let newest = same.iter().map(|(_, index)| *index).max_by(|left, right| rank(*left).cmp(&rank(*right)));
    let newest = newest.unwrap_or(first);
    let is_rival = |index: u32| record(index).reading.is_ok() && !record(index).same_pair(record(newest));
    let ambiguous_matches = same.iter().any(|(_, index)| is_rival(*index));
    (newest, if ambiguous_matches { AmbiguousMatches::OfAnotherPair } else { AmbiguousMatches::None })
}
