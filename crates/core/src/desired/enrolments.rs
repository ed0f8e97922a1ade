//! Feed records → for each person and course the one that counts.
//!
//! The newest state by the learner's moment, then by the record's creation, then by the feed's own record number wins.
//! Records of equal age that want opposite things, or give two mail addresses, are a contradiction, and none of them counts.

use crate::model::{FeedRecord, Field};

/// The records of one person and course, oldest first; indices into the list that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// All of them, oldest first.
    pub records: &'a [u32],
    /// How many of the last ones are of one age, contradict each other and so do not count; 0 where the last one counts.
    pub contradicting: usize,
}

/// Sorts usable records by person, course and age in `order`, and gives the groups, persons in order.
pub fn group_records<'a>(records: &[FeedRecord], order: &'a mut [u32]) -> Vec<Group<'a>> {
    order.sort_unstable_by(|left, right| {
        let (left, right) = (&records[*left as usize], &records[*right as usize]);
        left.pair_order(right)
            .then_with(|| left.age().cmp(&right.age()))
            .then_with(|| left.fingerprint.cmp(&right.fingerprint))
    });
    let order: &'a [u32] = order;
    order
        .chunk_by(|left, right| records[*left as usize].same_pair(&records[*right as usize]))
        .map(|group| Group { records: group, contradicting: contradicting(records, group) })
        .collect()
}

/// How many records at the end of a group are of one age, if they do not all say the same.
fn contradicting(records: &[FeedRecord], group: &[u32]) -> usize {
    let from_the_newest = || group.iter().rev().map(|index| &records[*index as usize]);
    let Some(newest) = from_the_newest().next() else {
        return 0;
    };
    let of_one_age = from_the_newest().take_while(|record| record.age() == newest.age()).count();
    let contradicts = from_the_newest().take(of_one_age).any(|record| says_otherwise(record, newest));
    if contradicts { of_one_age } else { 0 }
}

/// Whether two equally new records of one person and course want opposites, or name the person by two addresses.
pub(crate) fn says_otherwise(left: &FeedRecord, right: &FeedRecord) -> bool {
    let wanted = |record: &FeedRecord| record.reading.as_ref().ok().map(|reading| reading.state);
    wanted(left) != wanted(right) || !left.mail().same_as(right.get(Field::Mail))
}
