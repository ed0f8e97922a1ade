//! Feed records → for each person and course the one that counts.
//!
//! The newest state by the learner's moment, then by the record's creation, then by the feed's own record number wins.
//! Records of equal age that want opposite things, or give two mail addresses, are a contradiction, and none of them counts.

use crate::model::{FeedRecord, Field};
use std::cmp::Ordering;

/// The records of one person and course, oldest first; indices into the list that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// All of them, oldest first.
    pub records: &'a [u32],
    /// How many of the last ones are of one age, contradict each other and so do not count; 0 where the last one counts.
    pub contradicting: usize,
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
            let group = |group| Group { records: group, contradicting: contradicting(records, group) };
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

/// How many records at the end of a group are of one age, if they do not all say the same.
fn contradicting(records: &[FeedRecord], group: &[u32]) -> usize {
    let from_the_newest = || group.iter().rev().map(|index| &records[*index as usize]);
    let Some(newest) = from_the_newest().next() else {
        return 0;
    };
    let of_one_age = from_the_newest().take_while(|record| record.age() == newest.age()).count();
    let contradicts = from_the_newest().take(of_one_age).skip(1).any(|record| says_otherwise(record, newest));
    if contradicts { of_one_age } else { 0 }
}

/// Whether two equally new records of one person and course want opposites, or name the person by two addresses.
pub(crate) fn says_otherwise(left: &FeedRecord, right: &FeedRecord) -> bool {
    let wanted = |record: &FeedRecord| record.reading.as_ref().ok().map(|reading| reading.state);
    wanted(left) != wanted(right) || !left.mail().same_as(right.get(Field::Mail))
}
