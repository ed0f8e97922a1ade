//! A JSON body that does not parse → its rows, one by one, so that one bad byte costs one record.
//!
//! It only cuts and mends text; what is saved is marked as damaged by the caller and never used as it stands.

use rollbook_remote::words::quote;
use serde_json::Value;

/// Bytes shown on each side of a place.
const AROUND: usize = 40;

/// A body cut at its list.
pub(super) struct Split<'b> {
    /// The body with an empty list.
    pub envelope: Vec<u8>,
    /// Each row with the byte at which it begins.
    pub rows: Vec<(usize, &'b [u8])>,
}

/// Cuts the list at `path` out of a body. `None` where there is no such list, or where it does not end.
pub(super) fn split<'b>(body: &'b [u8], path: &[&str]) -> Option<Split<'b>> {
    let open = find_list(body, path)?;
    let mut rows = Vec::new();
    let mut at = open + 1;
    loop {
        while matches!(body.get(at)?, b' ' | b'\t' | b'\r' | b'\n' | b',') {
            at += 1;
        }
        if body[at] == b']' {
            let envelope = [&body[..open], b"[]", &body[at + 1..]].concat();
            return Some(Split { envelope, rows });
        }
        let end = end_of_value(body, at)?;
        if end == at {
            // A bracket that closes nothing: this is no list.
            return None;
        }
        rows.push((at, &body[at..end]));
        at = end;
    }
}

/// Where the list at `path` opens.
fn find_list(body: &[u8], path: &[&str]) -> Option<usize> {
    // The key under which each open object or list stands; `None` inside of a list.
    let mut stack: Vec<Option<&[u8]>> = Vec::new();
    let mut key: Option<&[u8]> = None;
    let mut at = 0;
    while at < body.len() {
        match body[at] {
            b'"' => {
                let end = end_of_string(body, at)?;
                let after = body[end..].trim_ascii_start();
                if after.first() == Some(&b':') {
                    key = Some(&body[at + 1..end - 1]);
                }
                at = end;
                continue;
            }
            open @ (b'{' | b'[') => {
                let here = stack.iter().skip(1).copied().chain((!stack.is_empty()).then_some(key));
                let is_path = here.eq(path.iter().map(|name| Some(name.as_bytes())));
                if open == b'[' && is_path {
                    return Some(at);
                }
                stack.push(key.take());
            }
            b'}' | b']' => {
                stack.pop()?;
                key = None;
            }
            b',' => key = None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The end of the value that begins at `at`.
fn end_of_value(body: &[u8], at: usize) -> Option<usize> {
    let (mut at, mut depth) = (at, 0_usize);
    loop {
        match body.get(at)? {
            b'"' => {
                at = end_of_string(body, at)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

/// The byte after the quote that closes the string that opens at `at`.
fn end_of_string(body: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match body.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// What can be read of a damaged value: broken escapes stand as they were written, lone halves of a character and bytes of
/// another encoding become U+FFFD. `None` where that is not enough.
pub(super) fn repair(text: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(text);
    let mut mended = String::with_capacity(text.len() + 8);
    let mut rest = text.as_ref();
    let mut in_string = false;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        match letter {
            '"' => {
                in_string = !in_string;
                mended.push('"');
                rest = after;
            }
            '\\' if in_string => rest = mend_escape(&mut mended, after),
            control if in_string && control.is_control() => {
                mended.push_str(&format!("\\u{:04x}", u32::from(control)));
                rest = after;
            }
            other => {
                mended.push(other);
                rest = after;
            }
        }
    }
    serde_json::from_str(&mended).ok()
}

/// Mends what follows a backslash; gives the rest.
fn mend_escape<'t>(mended: &mut String, rest: &'t str) -> &'t str {
    let unit = |text: &str| text.strip_prefix('u')?.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    match (rest.chars().next(), unit(rest)) {
        (Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't'), _) => {
            mended.push('\\');
            mended.push_str(&rest[..1]);
            &rest[1..]
        }
        (_, Some(0xd800..=0xdbff)) => {
            let low = rest.get(5..).and_then(|rest| unit(rest.strip_prefix('\\')?));
            if matches!(low, Some(0xdc00..=0xdfff)) {
                mended.push('\\');
                mended.push_str(&rest[..11]);
                return &rest[11..];
            }
            mended.push('\u{fffd}');
            &rest[5..]
        }
        (_, Some(0xdc00..=0xdfff)) => {
            mended.push('\u{fffd}');
            &rest[5..]
        }
        (_, Some(_)) => {
            mended.push('\\');
            mended.push_str(&rest[..5]);
            &rest[5..]
        }
        _ => {
            mended.push_str("\\\\");
            rest
        }
    }
}

/// A byte of a body with the text around it, for people: bounded, without control characters and without addresses.
pub(super) fn place_of(body: &[u8], at: usize) -> String {
    let around = &body[at.saturating_sub(AROUND).min(body.len())..at.saturating_add(AROUND).min(body.len())];
    format!("byte {at}: “{}”", quote(&String::from_utf8_lossy(around)))
}
