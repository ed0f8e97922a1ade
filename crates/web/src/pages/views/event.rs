//! An event as text.

use crate::layout::label_of;
use serde_json::Value;

/// An event in its own words; else all its fields.
pub fn event_summary(payload: &Value) -> String {
    let word = |name: &str| payload.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
    match (word("words"), word("step")) {
        (Some(words), _) => match word("verdict").or_else(|| payload["verdict"]["verdict"].as_str()) {
            Some(verdict) => format!("{}: {words}", label_of(verdict)),
            None => words.to_owned(),
        },
        (None, Some(step)) => match payload.get("outcome") {
            Some(outcome) => format!("{step}: {}", describe_payload(outcome)),
            None => step.to_owned(),
        },
        (None, None) => describe_payload(payload),
    }
}

/// The fields of an event as `name: value` pairs: nobody should have to read JSON.
pub fn describe_payload(payload: &Value) -> String {
    match payload {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            // What was done comes first, whatever the order of the letters.
            let act = fields.get("act").and_then(Value::as_str);
            let fields = fields.iter().filter(|(name, _)| *name != "act");
            let shown = fields.filter(|(_, value)| !value.is_null() && value.as_str() != Some(""));
            let pairs: Vec<String> = shown
                .map(|(name, value)| match value {
                    Value::Object(_) => format!("{}: ({})", name.replace('_', " "), describe_payload(value)),
                    _ => format!("{}: {}", name.replace('_', " "), describe_payload(value)),
                })
                .collect();
            match (act, pairs.is_empty()) {
                (None, _) => pairs.join(", "),
                (Some(act), true) => act.to_owned(),
                (Some(act), false) => format!("{act} ({})", pairs.join(", ")),
            }
        }
        Value::Array(items) => items.iter().map(describe_payload).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}
