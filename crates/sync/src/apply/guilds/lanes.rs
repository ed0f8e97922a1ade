//! Parts changes into lanes that share nothing, so that several can be under way at once.

use std::collections::BTreeMap;

/// Lanes of items: those of one key are in one lane, in their order; small keys share a lane until it holds `most` items, or
/// less where there would be too few lanes to keep `lanes` busy.
pub(super) fn part<K: Ord, T>(items: impl IntoIterator<Item = (K, T)>, most: usize, lanes: usize) -> Vec<Vec<T>> {
    let mut groups = BTreeMap::<K, Vec<T>>::new();
    for (key, item) in items {
        groups.entry(key).or_default().push(item);
    }
    let count: usize = groups.values().map(Vec::len).sum();
    let most = count.div_ceil(lanes.max(1)).clamp(1, most.max(1));
    let mut parts = Vec::new();
    let mut lane = Vec::new();
    for group in groups.into_values() {
        if !lane.is_empty() && lane.len() + group.len() > most {
            parts.push(std::mem::take(&mut lane));
        }
        lane.extend(group);
    }
    if !lane.is_empty() {
        parts.push(lane);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn a_key_is_never_in_two_lanes() {
        let items = (0..100).map(|n| (n % 7, n));
        let lanes = part(items, 20, 2);
        for (index, lane) in lanes.iter().enumerate() {
            let others = lanes.iter().skip(index + 1).flatten();
            assert!(others.into_iter().all(|other| lane.iter().all(|item| item % 7 != other % 7)));
        }
        assert_eq!(lanes.iter().map(Vec::len).sum::<usize>(), 100);
    }

    #[test]
    fn few_items_still_keep_every_lane_busy() {
        assert_eq!(part((0..10).map(|n| (n, n)), 100, 2).len(), 2);
        assert_eq!(part((0..10).map(|n| (0, n)), 4, 2).len(), 1, "one key is one lane, however long");
    }
}
