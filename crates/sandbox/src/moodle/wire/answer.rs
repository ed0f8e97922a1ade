//! JSON as PHP writes it, and the XML that Moodle falls back to when the format parameter was lost.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use super::Exception;
use crate::moodle::Site;

/// PHP's `json_encode`: compact, non-ASCII as `\uXXXX`, `/` as `\/`.
pub(crate) fn php_json(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, Php);
    match value.serialize(&mut serializer) {
        Ok(()) => out,
        Err(_never_for_a_vec) => Vec::new(),
    }
}

struct Php;

impl Formatter for Php {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut plain = 0;
        for (at, letter) in fragment.char_indices() {
            if letter.is_ascii() && letter != '/' {
                continue;
            }
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            plain = at + letter.len_utf8();
            if letter == '/' {
                writer.write_all(b"\\/")?;
                continue;
            }
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }
}

/// The result in Moodle's XML.
pub(crate) fn xml_result(value: &Value) -> Vec<u8> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<RESPONSE>\n");
    if !value.is_null() {
        element(value, &mut out);
    }
    out.push_str("</RESPONSE>\n");
    out.into_bytes()
}

fn element(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push_str("<MULTIPLE>\n");
            for item in items {
                element(item, out);
            }
            out.push_str("</MULTIPLE>\n");
        }
        Value::Object(fields) => {
            out.push_str("<SINGLE>\n");
            for (name, field) in fields {
                out.push_str(&format!("<KEY name=\"{name}\">"));
                element(field, out);
                out.push_str("</KEY>\n");
            }
            out.push_str("</SINGLE>\n");
        }
        Value::Null => out.push_str("<VALUE null=\"null\"/>\n"),
        Value::Bool(flag) => out.push_str(&format!("<VALUE>{}</VALUE>\n", i32::from(*flag))),
        Value::Number(number) => out.push_str(&format!("<VALUE>{number}</VALUE>\n")),
        Value::String(text) => {
            out.push_str(&format!("<VALUE>{}</VALUE>\n", escape(text)));
        }
    }
}

impl Exception {
    /// The error in Moodle's XML.
    pub(crate) fn xml(&self, site: &Site) -> Vec<u8> {
        let envelope = self.envelope(site);
        let text = |key: &str| envelope[key].as_str().map(escape);
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<EXCEPTION class=\"{}\">\n",
            text("exception").unwrap_or_default()
        );
        for (key, tag) in [("errorcode", "ERRORCODE"), ("message", "MESSAGE"), ("debuginfo", "DEBUGINFO")] {
            if let Some(text) = text(key) {
                out.push_str(&format!("<{tag}>{text}</{tag}>\n"));
            }
        }
        out.push_str("</EXCEPTION>\n");
        out.into_bytes()
    }
}

/// Escapes text for HTML and XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
