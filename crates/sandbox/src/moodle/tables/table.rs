//! A table with an auto-increment id, an index, and an undo list for the transaction under way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A row that knows how to keep its table's index.
pub trait Row: Clone + Debug {
    /// What the table can be searched by.
    type Index: Clone + Debug + Default;

    /// The row's id.
    fn id(&self) -> i64;
    /// Gives the row its id.
    fn set_id(&mut self, id: i64);
    /// Adds this row to the index.
    fn enter(&self, index: &mut Self::Index);
    /// Takes this row out of the index.
    fn leave(&self, index: &mut Self::Index);
}

/// Rows by id, with an index that is kept on every change.
#[derive(Clone, Debug)]
pub struct Table<R: Row> {
    rows: BTreeMap<i64, R>,
    index: R::Index,
    next_id: i64,
    undo: Option<Vec<(i64, Option<R>)>>,
}

impl<R: Row> Default for Table<R> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), index: R::Index::default(), next_id: 1, undo: None }
    }
}

impl<R: Row> Table<R> {
    /// Stores a new row under the next free id, which is returned.
    pub fn insert(&mut self, mut row: R) -> i64 {
        let id = self.next_id;
        row.set_id(id);
        self.put(row);
        id
    }

    /// Stores a row under the id that it carries, in place of any other.
    pub fn put(&mut self, row: R) {
        let id = row.id();
        self.next_id = self.next_id.max(id + 1);
        self.replace(id, Some(row));
    }

    /// Changes one row. False when there is none with this id.
    pub fn edit(&mut self, id: i64, change: impl FnOnce(&mut R)) -> bool {
        let Some(mut row) = self.rows.get(&id).cloned() else {
            return false;
        };
        change(&mut row);
        row.set_id(id);
        self.replace(id, Some(row));
        true
    }

    /// Deletes one row. False when there was none.
    pub fn remove(&mut self, id: i64) -> bool {
        let present = self.rows.contains_key(&id);
        if present {
            self.replace(id, None);
        }
        present
    }

    /// The row with this id.
    pub fn get(&self, id: i64) -> Option<&R> {
        self.rows.get(&id)
    }

    /// All rows by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = &R> {
        self.rows.values()
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The id that the next new row will get. Like a real database it is not rolled back.
    pub fn next_id(&self) -> i64 {
        self.next_id
    }

    pub(crate) fn index(&self) -> &R::Index {
        &self.index
    }

    pub(crate) fn begin(&mut self) {
        self.undo = Some(Vec::new());
    }

    pub(crate) fn commit(&mut self) {
        self.undo = None;
    }

    pub(crate) fn roll_back(&mut self) {
        for (id, before) in self.undo.take().unwrap_or_default().into_iter().rev() {
            self.replace(id, before);
        }
    }

    fn replace(&mut self, id: i64, row: Option<R>) {
        if let Some(row) = &row {
            // The old entry goes first: both may share index keys.
            if let Some(old) = self.rows.get(&id) {
                old.leave(&mut self.index);
            }
            row.enter(&mut self.index);
        }
        let before = match row {
            Some(row) => self.rows.insert(id, row),
            None => {
                let old = self.rows.remove(&id);
                if let Some(old) = &old {
                    old.leave(&mut self.index);
                }
                old
            }
        };
        if let Some(undo) = &mut self.undo {
            undo.push((id, before));
        }
    }
}

/// An index from a key to any number of ids, in ascending order.
#[derive(Clone, Debug)]
pub struct Pairs<K>(BTreeSet<(K, i64)>);

impl<K> Default for Pairs<K> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<K: Ord + Clone> Pairs<K> {
    pub(crate) fn enter(&mut self, key: K, id: i64) {
        self.0.insert((key, id));
    }

    pub(crate) fn leave(&mut self, key: K, id: i64) {
        self.0.remove(&(key, id));
    }

    pub(crate) fn ids_within(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = i64> + '_ {
        let (from, to) = keys.into_inner();
        self.0.range((from, i64::MIN)..=(to, i64::MAX)).map(|(_, id)| *id)
    }

    pub(crate) fn ids(&self, key: K) -> impl Iterator<Item = i64> + '_ {
        let from = (key.clone(), i64::MIN);
        let to = (key, i64::MAX);
        self.0.range(from..=to).map(|(_, id)| *id)
    }
}

/// The form under which utf8mb4_unicode_ci takes two texts for equal: case, accents and trailing spaces do not
/// count, leading spaces do.
pub(crate) fn fold(text: &str) -> String {
    let trimmed = text.trim_end_matches(' ');
    if trimmed.is_ascii() {
        return trimmed.to_ascii_lowercase();
    }
    trimmed.nfd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase).collect()
}
