//! Feed records → each fingerprint once: the usable ones, and those that no change may follow from.

use crate::model::{FeedRecord, Field, Fingerprint, ProblemKind, RecordProblem};

/// The records of a feed, each fingerprint once; indices into the list that was given, by fingerprint.
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
    let mut found = Distinct { usable: Vec::with_capacity(order.len()), bad: Vec::new() };
    for same in order.chunk_by(|left, right| left.0 == right.0) {
        let all = || same.iter().map(|(_, index)| (*index, &records[*index as usize]));
        let newest = all().max_by(|(_, left), (_, right)| {
            // A readable record is newer than one that is not.
            left.age().cmp(&right.age()).then_with(|| left.text.cmp(&right.text))
        });
        let Some((index, newest)) = newest else { continue };
        let collides = || all().any(|(_, other)| other.reading.is_ok() && !other.same_pair(newest));
        match &newest.reading {
            Err(problem) => found.bad.push((index, problem.clone())),
            Ok(_) if collides() => {
                let problem = RecordProblem { field: Field::Course, why: ProblemKind::SameFingerprint };
                found.bad.push((index, problem));
            }
            Ok(_) => found.usable.push(index),
        }
    }
    found
}
