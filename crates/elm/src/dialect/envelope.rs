//! A JSON body → the rows of its list, and what stands around the list.

use super::salvage::{Split, place_of, repair, split};
use super::{FeedRow, PageError};
use crate::client::find_error_object;
use rollbook_remote::words::make_excerpt;
use serde_json::{Map, Value};

/// A list of rows with what stands around it.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub rows: Vec<FeedRow>,
    /// The objects around the list, the outermost first, without the list.
    pub around: Vec<Map<String, Value>>,
}

impl Envelope {
    /// Reads the list at `path`; an empty path is a list by itself. One damaged row is no reason to lose the others.
    ///
    /// # Errors
    /// [`PageError`]
    pub fn read(body: &[u8], path: &[&str]) -> Result<Self, PageError> {
        let broken = match serde_json::from_slice::<Value>(body) {
            Ok(value) => {
                refuse_error(body)?;
                let (rows, around) = take_list(value, path)?;
                return Ok(Self { rows: rows.into_iter().map(FeedRow::from).collect(), around });
            }
            Err(broken) => broken,
        };
        let lost = || PageError::Malformed(format!("{}{}", make_excerpt(body), place_text(body, &broken)));
        let Some(Split { envelope, rows }) = split(body, path) else { return Err(lost()) };
        let around = serde_json::from_slice::<Value>(&envelope).map_err(|_| lost())?;
        refuse_error(&envelope)?;
        let (_, around) = take_list(around, path)?;
        let rows = rows.into_iter().map(|(from, row)| match serde_json::from_slice::<Value>(row) {
            Ok(value) => FeedRow::from(value),
            Err(broken) => {
                let row = repair(row).unwrap_or(Value::String(String::from_utf8_lossy(row).into_owned()));
                FeedRow::Damaged { row, place: place_of(body, from + offset(&body[from..], &broken)) }
            }
        });
        Ok(Self { rows: rows.collect(), around })
    }

    /// A text of one of the objects around the list; blank is none.
    ///
    /// # Errors
    /// [`PageError::Malformed`] where it is no text.
    pub fn link(&self, names: &[&str]) -> Result<Option<String>, PageError> {
        match self.find(names) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(link)) if link.trim().is_empty() => Ok(None),
            Some(Value::String(link)) => Ok(Some(link.clone())),
            Some(_) => Err(PageError::Malformed("JSON whose next link is not a text".to_owned())),
        }
    }

    /// A number of one of the objects around the list, written as number or text.
    pub fn number(&self, names: &[&str]) -> Option<u64> {
        match self.find(names)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn find(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.around.iter().find_map(|object| object.get(*name)))
    }
}

fn refuse_error(body: &[u8]) -> Result<(), PageError> {
    match find_error_object(body) {
        Some((code, words)) => Err(PageError::Refused { code, words }),
        None => Ok(()),
    }
}

type List = (Vec<Value>, Vec<Map<String, Value>>);

fn take_list(value: Value, path: &[&str]) -> Result<List, PageError> {
    let malformed = |what: String| Err(PageError::Malformed(what));
    let mut around = Vec::new();
    let mut here = value;
    for (depth, name) in path.iter().enumerate() {
        let Value::Object(mut object) = here else {
            return malformed(match depth {
                0 => "JSON that is not an object".to_owned(),
                _ => format!("JSON whose “{}” is not an object", path[depth - 1]),
            });
        };
        let Some(inner) = object.remove(*name) else { return malformed(format!("JSON without “{name}”")) };
        around.push(object);
        here = inner;
    }
    match here {
        Value::Array(rows) => Ok((rows, around)),
        _ => malformed(match path.last() {
            Some(name) => format!("JSON whose “{name}” is not a list"),
            None => "JSON that is not a list".to_owned(),
        }),
    }
}

/// Where the text breaks, for a body that begins like JSON and goes on.
fn place_text(body: &[u8], broken: &serde_json::Error) -> String {
    let is_json = body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"[");
    if !is_json || broken.is_eof() {
        return String::new();
    }
    format!(", {}", place_of(body, offset(body, broken)))
}

/// The byte at which a text stopped to be JSON.
fn offset(text: &[u8], broken: &serde_json::Error) -> usize {
    let lines = text.split_inclusive(|byte| *byte == b'\n').take(broken.line().saturating_sub(1));
    (lines.map(<[u8]>::len).sum::<usize>() + broken.column().saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(last_name: &[u8]) -> Vec<u8> {
        [
            &b"{\"value\":[{\"GUID\":\"A\"},{\"GUID\":\"B\",\"LAST_NAME\":\""[..],
            last_name,
            b"\"},{\"GUID\":\"C\"}],\"next\":\"x\"}",
        ]
        .concat()
    }

    #[test]
    fn one_bad_byte_costs_one_record_and_its_place_is_told() {
        for (damage, reads) in [
            (&b"Love\\ud83dlace"[..], "Love\u{fffd}lace"),
            (b"Love\tlace", "Love\tlace"),
            (b"DOMAIN\\lovelace", "DOMAIN\\lovelace"),
            (b"L\xf3velace", "L\u{fffd}velace"),
            (b"Love\\u12lace", "Love\\u12lace"),
        ] {
            let body = page(damage);
            let read = Envelope::read(&body, &["value"]).unwrap();
            assert_eq!(read.rows.len(), 3, "{reads}");
            assert!(matches!((&read.rows[0], &read.rows[2]), (FeedRow::Record(_), FeedRow::Record(_))), "{reads}");
            let FeedRow::Damaged { row, place } = &read.rows[1] else { panic!("{reads}: {:?}", read.rows) };
            assert_eq!((row["GUID"].as_str(), row["LAST_NAME"].as_str()), (Some("B"), Some(reads)));
            let byte: usize = place.strip_prefix("byte ").unwrap().split(':').next().unwrap().parse().unwrap();
            let name = body.windows(9).position(|nine| nine == b"LAST_NAME").unwrap();
            assert!(byte > name && byte < name + 40 && place.contains("LAST_NAME"), "{place}");
            assert_eq!(read.link(&["next"]), Ok(Some("x".to_owned())));
        }
    }

    #[test]
    fn what_cannot_be_saved_says_byte_and_text() {
        let body = b"{\"value\":[{\"GUID\":\"A\"},{\"GUID\":\"B\" \"EMAIL\":\"b@example.org\"}],\"x\":}";
        let Err(PageError::Malformed(text)) = Envelope::read(body, &["value"]) else { panic!("it was read") };
        assert!(text.starts_with("JSON that cannot be read (66 bytes), byte 35: “"), "{text}");
        assert!(text.contains("\"EMAIL\"") || text.contains("…"), "{text}");
        for cut in [
            &b"{\"value\":[{\"GUID\":\"A\"}"[..],
            b"{\"value\":[{\"GUID\":\"A\"},",
            b"{\"value\":[{\"GUID\":\"A",
            b"{\"value\":[}]}",
        ] {
            assert!(matches!(Envelope::read(cut, &["value"]), Err(PageError::Malformed(_))));
        }
    }

    #[test]
    fn list_is_found_where_its_path_leads() {
        let nested = br#"{"d":{"results":[{"GUID":"A"},7],"__count":"2"}}"#;
        let read = Envelope::read(nested, &["d", "results"]).unwrap();
        assert_eq!((read.rows.len(), read.number(&["__count"])), (2, Some(2)));
        assert_eq!(Envelope::read(b"[{},{}]", &[]).unwrap().rows.len(), 2);
        let error = Envelope::read(br#"{"d":[]}"#, &["d", "results"]).unwrap_err();
        assert_eq!(error, PageError::Malformed("JSON whose “d” is not an object".to_owned()));
        let damaged = b"{\"d\":{\"x\":\"[\",\"results\":[{\"GUID\":\"A\",\"N\":\"\\x\"},{\"GUID\":\"B\"}]}}";
        let read = Envelope::read(damaged, &["d", "results"]).unwrap();
        assert!(matches!(&read.rows[..], [FeedRow::Damaged { .. }, FeedRow::Record(_)]), "{:?}", read.rows);
    }
}
