//! Feed records → for each person and course the one that counts.
//!
//! The newest state by the learner's moment, then by the record's creation, then by the feed's own record number wins.
//! Records of equal age that want opposite things are a contradiction, and none of them counts.

use crate::model::{FeedRecord, Field, Reading};
use std::cmp::Ordering;

/// The records of one person and course, oldest first; indices into the list that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// All of them, oldest first, each fingerprint once.
    pub records: &'a [u32],
    /// How many of the last ones are of one age, contradict each other and so do not count; 0 where the last one counts.
    pub contradicting: usize,
}

/// Sorts the good records by person, course and age into `order`, and gives the groups, persons in order.
/// Bad records are left out; a fingerprint that comes again is left out.
pub fn group_records<'a>(records: &[FeedRecord], order: &'a mut Vec<u32>) -> Vec<Group<'a>> {
    order.clear();
    let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
    order.extend((0..count).filter(|index| records[*index as usize].reading.is_ok()));
    order.sort_unstable_by(|left, right| {
        let (left, right) = (&records[*left as usize], &records[*right as usize]);
        same_pair(left, right)
            .then_with(|| by_age(left, right))
            .then_with(|| left.fingerprint.cmp(&right.fingerprint))
            .then_with(|| left.get(Field::EnrolmentId).cmp(right.get(Field::EnrolmentId)))
    });
    order.dedup_by(|later, earlier| {
        let (later, earlier) = (&records[*later as usize], &records[*earlier as usize]);
        later.fingerprint == earlier.fingerprint
    });
    let order: &'a [u32] = order;
    order
        .chunk_by(|left, right| same_pair(&records[*left as usize], &records[*right as usize]) == Ordering::Equal)
        .map(|group| Group { records: group, contradicting: contradicting(records, group) })
        .collect()
}

/// Orders by person (ASCII case does not count), then course.
fn same_pair(left: &FeedRecord, right: &FeedRecord) -> Ordering {
    let left_guid = left.get(Field::Guid).trim().bytes().map(|byte| byte.to_ascii_lowercase());
    let right_guid = right.get(Field::Guid).trim().bytes().map(|byte| byte.to_ascii_lowercase());
    left_guid.cmp(right_guid).then_with(|| left.get(Field::Course).trim().cmp(right.get(Field::Course).trim()))
}

/// Orders by the learner's moment, the record's creation, the feed's own record number.
fn by_age(left: &FeedRecord, right: &FeedRecord) -> Ordering {
    let moments =
        |record: &FeedRecord| record.reading.as_ref().ok().map(|reading: &Reading| (reading.changed, reading.created));
    let number = |record: &FeedRecord| record.get(Field::RecordId).trim().parse::<u64>().ok();
    moments(left).cmp(&moments(right)).then_with(|| number(left).cmp(&number(right)))
}

/// How many records at the end of a group are of one age, if they do not all want the same.
fn contradicting(records: &[FeedRecord], group: &[u32]) -> usize {
    let Some(newest) = group.last().map(|index| &records[*index as usize]) else {
        return 0;
    };
    let of_one_age = group
        .iter()
        .rev()
        .map(|index| &records[*index as usize])
        .take_while(|record| by_age(record, newest) == Ordering::Equal);
    let wants = |record: &FeedRecord| record.reading.as_ref().ok().map(|reading| reading.state);
    let of_one_age: Vec<_> = of_one_age.map(wants).collect();
    if of_one_age.iter().all(|state| *state == wants(newest)) { 0 } else { of_one_age.len() }
}
