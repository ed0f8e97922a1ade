//! Takes the tree apart, key by key, and gathers whatever is wrong with it.
//!
//! A [`Section`] is one table of the file. Each key is asked for by name and [`Kind`]; what nobody asked for is an
//! unknown key. A problem never stops the reading: its caller gets `None` and the load fails at the end, with everything
//! that was found. It must never show a secret. Next: [`super::kind`], what a value may be.

use super::env::{Env, OVERLAID};
use super::error::{Problem, Shown};
use super::kind::{Kind, Zone};
use super::tree::{Entry, Node, Table, Value};
use super::{Origin, Setting};
use jiff::tz::TimeZone;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

/// What all sections of one load share.
pub(super) struct Reader {
    pub shown: Shown,
    pub env: Env,
    /// Where relative paths begin.
    pub folder: PathBuf,
    /// Whether accounts other than the owner's may read the file.
    pub open_to_others: bool,
    pub found: RefCell<Found>,
}

/// What the reading brought to light.
#[derive(Default)]
pub(super) struct Found {
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
    pub settings: Vec<Setting>,
}

/// One table of the file, being read.
pub(super) struct Section<'r> {
    pub reader: &'r Reader,
    /// `site.learning`; empty for the file itself.
    pub path: String,
    pub header: Range<usize>,
    entries: Table,
    pub asked: Vec<String>,
    present: BTreeSet<String>,
}

/// A value that was found, and where.
pub(super) struct Taken {
    pub value: Value,
    pub origin: Origin,
    pub place: Range<usize>,
}

impl<'r> Section<'r> {
    /// Reads the whole file with `read`, then refuses what it did not ask for.
    pub fn whole<T>(reader: &'r Reader, entries: Table, read: impl FnOnce(&mut Self) -> T) -> T {
        Self::new(reader, String::new(), 0..0, entries).run(read)
    }

    fn new(reader: &'r Reader, path: String, header: Range<usize>, entries: Table) -> Self {
        let present = entries.keys().cloned().collect();
        Self { reader, path, header, entries, asked: Vec::new(), present }
    }

    fn run<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let outcome = read(&mut self);
        for (key, entry) in std::mem::take(&mut self.entries) {
            self.refuse_unknown(&key, entry.key_place);
        }
        outcome
    }

    /// A key that must be there. `None` after a problem was noted.
    pub fn required<K: Kind>(&mut self, key: &str, kind: K) -> Option<K::Out> {
        let help = format!("write `{key} = …`: {}", kind.wants());
        match self.take(key) {
            Some(taken) => self.understand(key, taken, &kind),
            None => {
                self.miss(key, help);
                None
            }
        }
    }

    /// A key that may be absent. `None` then, and after a problem was noted.
    pub fn optional<K: Kind>(&mut self, key: &str, kind: K) -> Option<K::Out> {
        let taken = self.take(key)?;
        self.understand(key, taken, &kind)
    }

    /// A key with a default, which is written as the file would write it.
    pub fn or<K: Kind>(&mut self, key: &str, default: impl Into<Value>, kind: K) -> K::Out {
        let default = default.into();
        let known = kind.read(&default).expect("a default is of its own kind, which the example's test shows");
        match self.take(key) {
            Some(taken) => self.understand(key, taken, &kind).unwrap_or(known),
            None => {
                self.note(key, default.to_string(), Origin::Default);
                known
            }
        }
    }

    /// The key `timezone`, or the zone of what is around.
    pub fn zone_or(&mut self, around: &TimeZone) -> TimeZone {
        let name = around.iana_name().unwrap_or("UTC").to_owned();
        self.or("timezone", name.as_str(), Zone)
    }

    /// A table that may be absent; `None` then, and when `read` gives `None`.
    pub fn table<T>(&mut self, key: &str, read: impl FnOnce(&mut Section<'r>) -> Option<T>) -> Option<T> {
        let taken = self.take(key)?;
        let entries = self.entries_of(key, &taken)?;
        self.inner(key, taken.place, entries).run(read)
    }

    /// A table whose keys all have defaults: it is read even when it is absent.
    pub fn defaults<T>(&mut self, key: &str, read: impl FnOnce(&mut Section<'r>) -> T) -> T {
        let (place, entries) = match self.take(key) {
            None => (self.header.clone(), Table::new()),
            Some(taken) => (taken.place.clone(), self.entries_of(key, &taken).unwrap_or_default()),
        };
        self.inner(key, place, entries).run(read)
    }

    /// The tables of `[key.NAME]`, each read on its own. A name is 1 to 40 of `a-z 0-9 - _`.
    pub fn named<T>(&mut self, key: &str, mut read: impl FnMut(&str, &mut Section<'r>) -> T) -> BTreeMap<String, T> {
        let Some(taken) = self.take(key) else { return BTreeMap::new() };
        let mut all = BTreeMap::new();
        for (name, entry) in self.entries_of(key, &taken).unwrap_or_default() {
            let path = format!("{key}.{name}");
            if name.is_empty()
                || name.len() > 40
                || !name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
            {
                let label = "1 to 40 of a-z, 0-9, - and _";
                self.problem(format!("`{name}` cannot be the name of a {key}"), entry.key_place, label, None);
                continue;
            }
            let Entry { node: Node { value, place }, .. } = entry;
            let taken = Taken { value, origin: Origin::Default, place };
            if let Some(entries) = self.entries_of(&path, &taken) {
                let section = self.inner(&path, taken.place, entries);
                all.insert(name.clone(), section.run(|section| read(&name, section)));
            }
        }
        all
    }

    /// The tables of `[[key]]`, in their order.
    pub fn each<T>(&mut self, key: &str, mut read: impl FnMut(&mut Section<'r>) -> Option<T>) -> Vec<T> {
        let Some(taken) = self.take(key) else { return Vec::new() };
        let Value::List(nodes) = taken.value else {
            self.problem(
                format!("`{key}` is {}", taken.value.type_name()),
                taken.place,
                "here",
                Some(format!("write [[{}]]", self.name_of(key))),
            );
            return Vec::new();
        };
        let tables = nodes.into_iter().filter_map(|Node { value, place }| {
            let taken = Taken { value, origin: Origin::Default, place };
            let entries = self.entries_of(key, &taken)?;
            self.inner(key, taken.place, entries).run(&mut read)
        });
        tables.collect()
    }

    /// Takes all keys that are left as known: a section of unknown kind has one problem, not ten.
    pub fn pass_over(&mut self) {
        self.entries.clear();
    }

    /// Where the value of a key stands that was not taken yet; the section's head when it is absent.
    pub fn place_of(&self, key: &str) -> Range<usize> {
        self.entries.get(key).map_or(self.header.clone(), |entry| entry.node.place.clone())
    }

    /// Whether an environment variable sets this key.
    pub fn overlaid(&self, key: &str) -> bool {
        self.variable(key).is_some()
    }

    /// Whether the file has this key.
    pub fn has(&self, key: &str) -> bool {
        self.present.contains(key)
    }

    /// Takes a key's value: from its variable where one is named for it, else from the file.
    pub fn take(&mut self, key: &str) -> Option<Taken> {
        self.asked.push(key.to_owned());
        let entry = self.entries.remove(key);
        if let Some((variable, text)) = self.variable(key) {
            return Some(Taken {
                value: Value::Text(text),
                origin: Origin::Variable(variable.to_owned()),
                place: 0..0,
            });
        }
        let Node { value, place } = entry?.node;
        let line = self.reader.shown.inner()[..place.start].matches('\n').count() + 1;
        Some(Taken { value, origin: Origin::Line(line), place })
    }

    fn understand<K: Kind>(&self, key: &str, taken: Taken, kind: &K) -> Option<K::Out> {
        match kind.read(&taken.value) {
            Ok(out) => {
                self.note(key, taken.value.to_string(), taken.origin);
                Some(out)
            }
            Err(label) => {
                self.wrong(key, &taken, label, Some(format!("`{key}` takes {}", kind.wants())));
                None
            }
        }
    }

    fn entries_of(&self, key: &str, taken: &Taken) -> Option<Table> {
        if let Value::Table(entries) = &taken.value {
            return Some(entries.clone());
        }
        let help = Some(format!("write [{}]", self.name_of(key)));
        self.wrong(key, taken, format!("this is {}, not a table", taken.value.type_name()), help);
        None
    }

    fn inner(&self, key: &str, header: Range<usize>, entries: Table) -> Section<'r> {
        Section::new(self.reader, self.name_of(key), header, entries)
    }

    fn variable(&self, key: &str) -> Option<(&'static str, String)> {
        let name = self.name_of(key);
        let (_, variable) = OVERLAID.iter().find(|(overlaid, _)| *overlaid == name)?;
        Some((variable, self.reader.env.get(variable)?))
    }

    /// The key with its path: `site.learning.url`.
    pub fn name_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}
