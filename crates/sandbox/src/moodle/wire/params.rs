//! PHP's reading of form variables: `a[0][b]=1` becomes a tree, and what exceeds `max_input_vars` is silently lost.

use std::collections::HashMap;

use crate::server::form;

/// One variable: a text or an array.
#[derive(Clone, Debug)]
pub(crate) enum Param {
    Leaf(String),
    Tree(Fields),
}

/// A PHP array: ordered, keyed by text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    entries: Vec<(String, Param)>,
    places: HashMap<String, usize>,
    next_index: i64,
}

/// Above this many entries a key is looked up by hash.
const SCAN_MAX: usize = 8;

impl Fields {
    pub(crate) fn get(&self, key: &str) -> Option<&Param> {
        self.place(key).map(|place| &self.entries[place].1)
    }

    pub(crate) fn leaf(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Param::Leaf(text) => Some(text),
            Param::Tree(_) => None,
        }
    }

    pub(crate) fn entries(&self) -> &[(String, Param)] {
        &self.entries
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entry under `key`, made empty when absent.
    fn slot(&mut self, key: &str) -> &mut Param {
        let place = match self.place(key) {
            Some(place) => place,
            None => self.append(key),
        };
        &mut self.entries[place].1
    }

    fn place(&self, key: &str) -> Option<usize> {
        // Variables of one element follow each other, so the last entry is the likely one.
        if self.entries.last().is_some_and(|(last, _)| last == key) {
            return Some(self.entries.len() - 1);
        }
        if self.entries.len() > SCAN_MAX {
            return self.places.get(key).copied();
        }
        self.entries.iter().position(|(name, _)| name == key)
    }

    fn append(&mut self, key: &str) -> usize {
        let place = self.entries.len();
        self.entries.push((key.to_owned(), Param::Leaf(String::new())));
        if place == SCAN_MAX {
            let all = self.entries.iter().enumerate();
            self.places = all.map(|(at, (name, _))| (name.clone(), at)).collect();
        } else if place > SCAN_MAX {
            self.places.insert(key.to_owned(), place);
        }
        if let Ok(index) = key.parse::<i64>() {
            self.next_index = self.next_index.max(index + 1);
        }
        place
    }

    fn put(&mut self, path: &[&str], value: String) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let next = self.next_index.to_string();
        let key = if first.is_empty() { &next } else { *first };
        let slot = self.slot(key);
        if rest.is_empty() {
            *slot = Param::Leaf(value);
            return;
        }
        if let Param::Leaf(_) = slot {
            *slot = Param::Tree(Fields::default());
        }
        if let Param::Tree(fields) = slot {
            fields.put(rest, value);
        }
    }

    /// Lays `over` on top: a clash is won by `over`, arrays are not mixed.
    fn overlay(&mut self, over: Fields) {
        for (key, value) in over.entries {
            *self.slot(&key) = value;
        }
    }

    /// Takes out a leaf, as Moodle does with its reserved names.
    pub(crate) fn take(&mut self, key: &str) -> Option<String> {
        let text = self.leaf(key)?.to_owned();
        self.entries.retain(|(name, _)| name != key);
        let all = self.entries.iter().enumerate();
        self.places = all.map(|(at, (name, _))| (name.clone(), at)).collect();
        Some(text)
    }

    /// Keeps the first half of every array at this level, as if the rest had been cut off in transit.
    pub(crate) fn halve(&mut self) {
        for (_, param) in &mut self.entries {
            if let Param::Tree(fields) = param {
                let half = fields.entries.len() / 2;
                fields.entries.truncate(half);
                fields.places.retain(|_, place| *place < half);
            }
        }
    }
}

/// What arrived, decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) fields: Fields,
    /// Some text was not UTF-8.
    pub(crate) broken_utf8: bool,
    /// Elements of the largest array: the size of the batch.
    pub(crate) items: usize,
}

/// Reads query and body. Each may hold `vars_max` variables and one more; later ones vanish without a word.
pub(crate) fn decode(query: &str, content_type: &str, body: &[u8], vars_max: usize) -> Decoded {
    let mut decoded = Decoded::default();
    let mut fields = Fields::default();
    decoded.fill(&mut fields, form::pairs(query.as_bytes()).take(vars_max + 1));
    let mut form = Fields::default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        decoded.fill(&mut form, form::pairs(body).take(vars_max + 1));
    } else if content_type.starts_with("multipart/form-data") {
        let pairs = multipart_fields(content_type, body).into_iter();
        decoded.fill(&mut form, pairs.take(vars_max + 1));
    }
    fields.overlay(form);
    let sizes = fields.entries().iter().map(|(_, param)| match param {
        Param::Leaf(_) => 1,
        Param::Tree(tree) => tree.len(),
    });
    decoded.items = sizes.max().unwrap_or(1);
    decoded.fields = fields;
    decoded
}

impl Decoded {
    fn fill(&mut self, fields: &mut Fields, pairs: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) {
        for (name, value) in pairs {
            let name = self.text(name);
            let value = self.text(value);
            fields.put(&path(&name), value);
        }
    }

    fn text(&mut self, bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap_or_else(|broken| {
            self.broken_utf8 = true;
            String::from_utf8_lossy(broken.as_bytes()).into_owned()
        })
    }
}

/// `a[0][b]` → `a`, `0`, `b`. A bracket that never closes belongs to the name.
fn path(name: &str) -> Vec<&str> {
    let Some((first, mut rest)) = name.split_once('[') else {
        return vec![name];
    };
    let mut path = vec![first];
    while let Some((key, after)) = rest.split_once(']') {
        path.push(key);
        match after.strip_prefix('[') {
            Some(more) => rest = more,
            None => return path,
        }
    }
    if path.len() == 1 { vec![name] } else { path }
}

/// Name and value of every field, in order. Parts without a name are left out.
fn multipart_fields(content_type: &str, body: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let Some((_, boundary)) = content_type.split_once("boundary=") else {
        return Vec::new();
    };
    let boundary = boundary.split(';').next().unwrap_or_default();
    let marker = format!("--{}", boundary.trim().trim_matches('"')).into_bytes();
    let mut starts = positions(body, &marker);
    starts.push(body.len());
    starts.windows(2).filter_map(|window| multipart_field(&body[window[0] + marker.len()..window[1]])).collect()
}

fn multipart_field(part: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let gap = positions(part, b"\r\n\r\n").first().copied()?;
    let head = String::from_utf8_lossy(&part[..gap]);
    let (_, after) = head.split_once("name=\"")?;
    let (name, _) = after.split_once('"')?;
    let value = &part[gap + 4..];
    let value = value.strip_suffix(b"\r\n").unwrap_or(value);
    Some((name.as_bytes().to_vec(), value.to_vec()))
}

fn positions(haystack: &[u8], needle: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + needle.len() <= haystack.len() {
        if &haystack[at..at + needle.len()] == needle {
            found.push(at);
            at += needle.len();
        } else {
            at += 1;
        }
    }
    found
}
