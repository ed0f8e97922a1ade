//! Dates as sources write them → ISO 8601, which is all that core reads.
//!
//! ISO texts pass as they are, with or without offset or time. Read besides: `/Date(1795425260000)/`, seconds and
//! milliseconds since 1970, and, where the configuration says so, days that begin with the month or with the day.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::Value;

/// How a date of figures and strokes is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateStyle {
    /// Not at all.
    #[default]
    Iso,
    /// `11/23/2026`, with or without `1:05:09 PM` or `13:05`.
    Us,
    /// `23/11/2026` or `23.11.2026`, with or without a time.
    European,
}

impl DateStyle {
    /// Every style, by its word in the configuration.
    pub const ALL: [(&'static str, Self); 3] = [("iso", Self::Iso), ("us", Self::Us), ("european", Self::European)];

    /// The style of a word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == word).map(|(_, style)| style)
    }
}

/// The date as ISO 8601 writes it; `None` where it is that already, or none that is known.
pub(crate) fn to_iso(value: &Value, style: DateStyle) -> Option<String> {
    let text = match value {
        Value::Number(number) => return from_epoch(&number.to_string()),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    from_microsoft(text).or_else(|| from_epoch(text)).or_else(|| from_strokes(text, style))
}

/// `/Date(1795425260000)/`, `/Date(1795425260000+0060)/`: milliseconds of UTC; the offset only says how to show it.
fn from_microsoft(text: &str) -> Option<String> {
    let inner = text.trim_matches('/').strip_prefix("Date(")?.strip_suffix(')')?;
    let digits = inner.char_indices().skip(1).find(|(_, letter)| matches!(letter, '+' | '-'));
    let milliseconds = &inner[..digits.map_or(inner.len(), |(at, _)| at)];
    Some(Timestamp::from_millisecond(milliseconds.parse().ok()?).ok()?.to_string())
}

/// 9 or 10 digits are seconds (1973 to 2286), 12 or 13 milliseconds.
fn from_epoch(text: &str) -> Option<String> {
    let whole = text.strip_suffix(".0").unwrap_or(text);
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let moment = match whole.len() {
        9 | 10 => Timestamp::from_second(number),
        12 | 13 => Timestamp::from_millisecond(number),
        _ => return None,
    };
    Some(moment.ok()?.to_string())
}

fn from_strokes(text: &str, style: DateStyle) -> Option<String> {
    let day = match style {
        DateStyle::Iso => return None,
        DateStyle::Us => "%m/%d/%Y",
        DateStyle::European if text.contains('.') => "%d.%m.%Y",
        DateStyle::European => "%d/%m/%Y",
    };
    let times = ["%I:%M:%S %p", "%I:%M %p", "%H:%M:%S", "%H:%M"];
    let read = times.iter().find_map(|time| DateTime::strptime(format!("{day} {time}"), text).ok());
    let read = read.or_else(|| Date::strptime(day, text).ok().map(|day| day.at(0, 0, 0, 0)))?;
    Some(read.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dates_of_every_kind_become_iso() {
        for (value, style, iso) in [
            (json!("2026-11-23T09:00:00.000-08:00"), DateStyle::Iso, None),
            (json!("2026-11-23"), DateStyle::Us, None),
            (json!("/Date(1795425260000)/"), DateStyle::Iso, Some("2026-11-23T09:14:20Z")),
            (json!("/Date(1795425260000+0060)/"), DateStyle::Iso, Some("2026-11-23T09:14:20Z")),
            (json!("/Date(-1000)/"), DateStyle::Iso, Some("1969-12-31T23:59:59Z")),
            (json!(1_795_425_260), DateStyle::Iso, Some("2026-11-23T09:14:20Z")),
            (json!("1795425260000"), DateStyle::Iso, Some("2026-11-23T09:14:20Z")),
            (json!(20_261_123), DateStyle::Iso, None),
            (json!("11/23/2026 1:05:09 PM"), DateStyle::Us, Some("2026-11-23T13:05:09")),
            (json!("11/23/2026 13:05"), DateStyle::Us, Some("2026-11-23T13:05:00")),
            (json!("11/23/2026"), DateStyle::Us, Some("2026-11-23T00:00:00")),
            (json!("11/23/2026"), DateStyle::Iso, None),
            (json!("23.11.2026 13:05"), DateStyle::European, Some("2026-11-23T13:05:00")),
            (json!("23/11/2026"), DateStyle::Us, None),
            (json!(null), DateStyle::Us, None),
        ] {
            assert_eq!(to_iso(&value, style).as_deref(), iso, "{value}");
        }
    }
}
