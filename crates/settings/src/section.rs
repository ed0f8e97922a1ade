//! Takes the tree apart, key by key, and gathers whatever is wrong with it.
//!
//! A [`Section`] is one table of the file. Each key is read by name and [`Kind`]; a key that nothing reads is an
//! unknown key. A problem never stops the reading: its caller gets `None` and the load fails at the end, with everything
//! that was found. It must never show a secret. Next: [`super::kind`], what a value may be.

use super::env::{Env, OVERLAID};
use super::error::{Problem, Shown};
use super::kind::{Kind, Zone};
use super::tree::{Entry, Node, Table, Value};
use jiff::tz::TimeZone;
use miette::Severity;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
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
    pub found: RefCell<Findings>,
}

/// What the reading brought to light.
#[derive(Default)]
pub(super) struct Findings {
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
    pub known_keys: Vec<String>,
    present: BTreeSet<String>,
}

/// A value that was found, and where.
pub(super) struct RawValue {
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
        Self { reader, path, header, entries, known_keys: Vec::new(), present }
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
        let help = format!("write `{key} = …`: {}", kind.expects());
        match self.remove(key) {
            Some(taken) => self.parse(key, taken, &kind),
            None => {
                self.missing(key, help);
                None
            }
        }
    }

    /// A key that may be absent. `None` then, and after a problem was noted.
    pub fn optional<K: Kind>(&mut self, key: &str, kind: K) -> Option<K::Out> {
        let taken = self.remove(key)?;
        self.parse(key, taken, &kind)
    }

    /// A key with a default, which is written as the file would write it.
    pub fn or<K: Kind>(&mut self, key: &str, default: impl Into<Value>, kind: K) -> K::Out {
        let default = default.into();
        let known = kind.read(&default).expect("a default is of its own kind, which the example's test shows");
        match self.remove(key) {
            Some(taken) => self.parse(key, taken, &kind).unwrap_or(known),
            None => {
                self.record(key, default.to_string(), Origin::Default);
                known
            }
        }
    }

    /// The key `timezone`, or that of the enclosing section.
    pub fn zone_or(&mut self, outer: &TimeZone) -> TimeZone {
        let name = outer.iana_name().unwrap_or("UTC").to_owned();
        self.or("timezone", name.as_str(), Zone)
    }

    /// A table that may be absent; `None` then, and when `read` gives `None`.
    pub fn table<T>(&mut self, key: &str, read: impl FnOnce(&mut Section<'r>) -> Option<T>) -> Option<T> {
        let taken = self.remove(key)?;
        let entries = self.entries_of(key, &taken)?;
        self.inner(key, taken.place, entries).run(read)
    }

    /// A table whose keys all have defaults: it is read even when it is absent.
    pub fn defaults<T>(&mut self, key: &str, read: impl FnOnce(&mut Section<'r>) -> T) -> T {
        let (place, entries) = match self.remove(key) {
            None => (self.header.clone(), Table::new()),
            Some(taken) => (taken.place.clone(), self.entries_of(key, &taken).unwrap_or_default()),
        };
        self.inner(key, place, entries).run(read)
    }

    /// The tables of `[key.NAME]`, each read on its own. A name is 1 to 40 of `a-z 0-9 - _`.
    pub fn named<T>(&mut self, key: &str, mut read: impl FnMut(&str, &mut Section<'r>) -> T) -> BTreeMap<String, T> {
        let Some(taken) = self.remove(key) else { return BTreeMap::new() };
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
            let taken = RawValue { value, origin: Origin::Default, place };
            if let Some(entries) = self.entries_of(&path, &taken) {
                let section = self.inner(&path, taken.place, entries);
                all.insert(name.clone(), section.run(|section| read(&name, section)));
            }
        }
        all
    }

    /// The tables of `[[key]]`, in their order.
    pub fn each<T>(&mut self, key: &str, mut read: impl FnMut(&mut Section<'r>) -> Option<T>) -> Vec<T> {
        let Some(taken) = self.remove(key) else { return Vec::new() };
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
            let taken = RawValue { value, origin: Origin::Default, place };
            let entries = self.entries_of(key, &taken)?;
            self.inner(key, taken.place, entries).run(&mut read)
        });
        tables.collect()
    }

    /// Takes all keys that are left as known: a section of unknown kind has one problem, not ten.
    pub fn ignore_rest(&mut self) {
        self.entries.clear();
    }

    /// Where the value of a key stands that was not taken yet; the section's head when it is absent.
    pub fn place_of(&self, key: &str) -> Range<usize> {
        self.entries.get(key).map_or(self.header.clone(), |entry| entry.node.place.clone())
    }

    /// The text of a key that was not read yet, where it is one.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        match &self.entries.get(key)?.node.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
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
    pub fn remove(&mut self, key: &str) -> Option<RawValue> {
        self.known_keys.push(key.to_owned());
        let entry = self.entries.remove(key);
        if let Some((variable, text)) = self.variable(key) {
            return Some(RawValue {
                value: Value::Text(text),
                origin: Origin::Variable(variable.to_owned()),
                place: 0..0,
            });
        }
        let Node { value, place } = entry?.node;
        let line = self.reader.shown.inner()[..place.start].matches('\n').count() + 1;
        Some(RawValue { value, origin: Origin::Line(line), place })
    }

    fn parse<K: Kind>(&self, key: &str, taken: RawValue, kind: &K) -> Option<K::Out> {
        match kind.read(&taken.value) {
            Ok(out) => {
                self.record(key, taken.value.to_string(), taken.origin);
                Some(out)
            }
            Err(label) => {
                self.invalid(key, &taken, label, Some(format!("`{key}` takes {}", kind.expects())));
                None
            }
        }
    }

    fn entries_of(&self, key: &str, taken: &RawValue) -> Option<Table> {
        if let Value::Table(entries) = &taken.value {
            return Some(entries.clone());
        }
        let help = Some(format!("write [{}]", self.name_of(key)));
        self.invalid(key, taken, format!("this is {}, not a table", taken.value.type_name()), help);
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

impl Section<'_> {
    /// Notes the value for the page of the effective settings.
    pub fn record(&self, key: &str, value: String, origin: Origin) {
        self.reader.found.borrow_mut().settings.push(Setting { key: self.name_of(key), value, origin });
    }

    /// Notes what is wrong with a value that was taken.
    pub fn invalid(&self, key: &str, taken: &RawValue, label: impl Into<String>, help: Option<String>) {
        match &taken.origin {
            Origin::Variable(variable) => {
                let message = format!(
                    "the environment variable {variable} is wrong for `{}`: {}",
                    self.name_of(key),
                    label.into()
                );
                self.problem(message, 0..0, "", help);
            }
            _ => self.problem(format!("`{key}` is wrong in {}", self.title()), taken.place.clone(), label, help),
        }
    }

    /// Notes a problem at a place of the file; an empty label means that there is none.
    pub fn problem(&self, message: String, place: Range<usize>, label: impl Into<String>, help: Option<String>) {
        let (label, mut problem) = (label.into(), Problem::new(&self.reader.shown, Severity::Error, message));
        if !label.is_empty() {
            problem = problem.at(place, label);
        }
        if let Some(help) = help {
            problem = problem.help(help);
        }
        self.reader.found.borrow_mut().problems.push(problem);
    }

    /// Notes something that works but should be changed.
    pub fn warn(&self, message: impl Into<String>, place: Range<usize>, label: &str, help: impl Into<String>) {
        let warning = Problem::new(&self.reader.shown, Severity::Warning, message).at(place, label).help(help);
        self.reader.found.borrow_mut().warnings.push(warning);
    }

    /// Notes that a key is missing.
    pub fn missing(&self, key: &str, help: String) {
        let message = format!("`{key}` is missing in {}", self.title());
        let label = if self.header.is_empty() { "" } else { "this section" };
        self.problem(message, self.header.clone(), label, Some(help));
    }

    /// Refuses a key that nothing reads.
    pub(super) fn refuse_unknown(&self, key: &str, place: Range<usize>) {
        let known = self.known_keys.iter().map(|known| (strsim::jaro_winkler(known, key), known));
        let closest = known.filter(|(likeness, _)| *likeness > 0.8).max_by(|one, other| one.0.total_cmp(&other.0));
        let help = match closest {
            Some((_, known)) => format!("did you mean `{known}`?"),
            None => format!("known here: {}", self.known_keys.join(", ")),
        };
        self.problem(format!("unknown key `{key}` in {}", self.title()), place, "nothing reads this", Some(help));
    }

    fn title(&self) -> String {
        if self.path.is_empty() { "the file".to_owned() } else { format!("[{}]", self.path) }
    }
}

/// One key of the effective settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `site.learning.timeout`
    pub key: String,
    /// The value as the file would write it.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This line of the file, counted from 1.
    Line(usize),
    /// This environment variable.
    Variable(String),
    /// Nobody set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(out, "line {line}"),
            Self::Variable(name) => write!(out, "variable {name}"),
            Self::Default => out.write_str("default"),
        }
    }
}
