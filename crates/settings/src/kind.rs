//! What a value may be: its type, its bounds, and the text that says so.
//!
//! A kind is pure: it must never read the environment, a file or the time. It checks the form of an address only; `doctor`
//! tries whether anybody is there. Secrets are no kind, see [`super::secret`].

use super::tree::Value;
use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lettre::message::Mailbox;
use reqwest::Url;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// One kind of value.
pub(super) trait Kind {
    /// What a value of this kind becomes.
    type Out;

    /// What is taken, with its bounds, for the help of an error: "a duration from 1s to 10m, such as \"30s\"".
    fn expects(&self) -> String;

    /// Parses a value, or says in a few words what is wrong with it.
    fn read(&self, value: &Value) -> Result<Self::Out, String>;
}

/// The text of a value that must be one.
fn text_of(value: &Value) -> Result<&str, String> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(format!("this is {}, not a text", other.type_name())),
    }
}

/// A text of 1 to `.0` characters, without control characters.
pub(crate) struct Text(pub usize);

impl Kind for Text {
    type Out = String;

    fn expects(&self) -> String {
        format!("a text of 1 to {} characters", self.0)
    }

    fn read(&self, value: &Value) -> Result<String, String> {
        let text = text_of(value)?;
        match text.chars().count() {
            0 => Err("this is empty".to_owned()),
            length if length > self.0 => Err(format!("this has {length} characters, {} are allowed", self.0)),
            _ if text.contains(char::is_control) => Err("this has a control character in it".to_owned()),
            _ => Ok(text.to_owned()),
        }
    }
}

/// A name that goes into a query or a table's name: 0 to `.0` of `A-Z a-z 0-9 _`.
pub(crate) struct Name(pub usize);

impl Kind for Name {
    type Out = String;

    fn expects(&self) -> String {
        format!("at most {} of A-Z, a-z, 0-9 and _", self.0)
    }

    fn read(&self, value: &Value) -> Result<String, String> {
        let text = text_of(value)?;
        match text.chars().find(|letter| !letter.is_ascii_alphanumeric() && *letter != '_') {
            Some(letter) => Err(format!("`{letter}` is not allowed here")),
            None if text.len() > self.0 => Err(format!("this has {} characters, {} are allowed", text.len(), self.0)),
            None => Ok(text.to_owned()),
        }
    }
}

/// A whole number within bounds, both included.
pub(crate) struct Count(pub u32, pub u32);

impl Kind for Count {
    type Out = u32;

    fn expects(&self) -> String {
        format!("a whole number from {} to {}", self.0, self.1)
    }

    fn read(&self, value: &Value) -> Result<u32, String> {
        match value {
            Value::Whole(number) => match u32::try_from(*number) {
                Ok(count) if (self.0..=self.1).contains(&count) => Ok(count),
                _ => Err("this is out of bounds".to_owned()),
            },
            Value::Huge(_) => Err("this is out of bounds".to_owned()),
            other => Err(format!("this is {}, not a whole number", other.type_name())),
        }
    }
}

/// A share from 0 (none) to 1 (all).
pub(crate) struct Share;

impl Kind for Share {
    type Out = f64;

    fn expects(&self) -> String {
        "a share from 0 to 1, such as 0.25 for a quarter".to_owned()
    }

    fn read(&self, value: &Value) -> Result<f64, String> {
        let share = match value {
            Value::Number(number) => *number,
            Value::Whole(0) => 0.0,
            Value::Whole(1) => 1.0,
            Value::Whole(_) => return Err("this is out of bounds".to_owned()),
            other => return Err(format!("this is {}, not a number", other.type_name())),
        };
        if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("this is out of bounds".to_owned()) }
    }
}

/// `true` or `false`.
pub(crate) struct Flag;

impl Kind for Flag {
    type Out = bool;

    fn expects(&self) -> String {
        "true or false".to_owned()
    }

    fn read(&self, value: &Value) -> Result<bool, String> {
        match value {
            Value::Flag(flag) => Ok(*flag),
            other => Err(format!("this is {}, not true or false", other.type_name())),
        }
    }
}

/// One of a few words, each with its meaning.
pub(crate) struct Choice<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Clone> Kind for Choice<T> {
    type Out = T;

    fn expects(&self) -> String {
        let words: Vec<_> = self.0.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        format!("one of {}", words.join(", "))
    }

    fn read(&self, value: &Value) -> Result<T, String> {
        let text = text_of(value)?;
        let meaning = self.0.iter().find(|(word, _)| *word == text).map(|(_, meaning)| meaning.clone());
        meaning.ok_or_else(|| "this is none of the choices".to_owned())
    }
}

/// A duration within bounds, both included and written as in the file.
pub(crate) struct DurationIn(pub &'static str, pub &'static str);

impl Kind for DurationIn {
    type Out = Duration;

    fn expects(&self) -> String {
        format!(
            "a duration from {} to {}: a whole number with ms, s, m, h or d, such as \"{}\"",
            self.0, self.1, self.0
        )
    }

    fn read(&self, value: &Value) -> Result<Duration, String> {
        let lasting = duration(text_of(value)?)?;
        let bound = |text| duration(text).expect("a bound is a duration");
        if (bound(self.0)..=bound(self.1)).contains(&lasting) {
            Ok(lasting)
        } else {
            Err("this is out of bounds".to_owned())
        }
    }
}

/// Parses `90s`, `120m`, `14d`. A day is 24 hours, whatever the clocks do.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" => return Err("the unit is missing".to_owned()),
        _ => return Err("this is no duration".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "this is no duration".to_owned())?;
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(|| "this is out of bounds".to_owned())
}

/// The same duration in the type in which times are added up; every bound of this module fits.
pub(crate) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// A day of the calendar.
pub(crate) struct Day;

impl Kind for Day {
    type Out = Date;

    fn expects(&self) -> String {
        "a day such as \"2026-12-25\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Date, String> {
        let (Value::Text(text) | Value::Date(text)) = value else {
            return Err(format!("this is {}, not a day", value.type_name()));
        };
        text.parse().map_err(|_| "this is no day".to_owned())
    }
}

/// At most `.1` values of one kind, none twice.
pub(crate) struct List<K>(pub K, pub usize);

impl<K: Kind<Out: PartialEq>> Kind for List<K> {
    type Out = Vec<K::Out>;

    fn expects(&self) -> String {
        format!("a list of at most {}, each {}", self.1, self.0.expects())
    }

    fn read(&self, value: &Value) -> Result<Vec<K::Out>, String> {
        let Value::List(nodes) = value else {
            return Err(format!("this is {}, not a list", value.type_name()));
        };
        if nodes.len() > self.1 {
            return Err(format!("this has {} values, {} are allowed", nodes.len(), self.1));
        }
        let mut all = Vec::with_capacity(nodes.len());
        for node in nodes {
            let one = self.0.read(&node.value).map_err(|reason| format!("`{}`: {reason}", node.value))?;
            if all.contains(&one) {
                return Err(format!("`{}` is there twice", node.value));
            }
            all.push(one);
        }
        Ok(all)
    }
}

/// An `http` or `https` address without credentials, query or fragment.
pub(crate) struct HttpUrl;

impl Kind for HttpUrl {
    type Out = Url;

    fn expects(&self) -> String {
        "an http or https address without user, password, ? and #, such as \"https://moodle.example.org\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Url, String> {
        let url = http_url(value)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err("this has a query or a fragment".to_owned());
        }
        Ok(url)
    }
}

/// An `http` or `https` address for a person's browser: it may have a query and a fragment.
pub(crate) struct PageUrl;

impl Kind for PageUrl {
    type Out = Url;

    fn expects(&self) -> String {
        "an http or https address without user and password, such as \"https://help.example.org/?topic=7\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Url, String> {
        http_url(value)
    }
}

/// A folder, as `file:///var/lib/feed`.
pub(crate) struct FeedUrl;

impl Kind for FeedUrl {
    type Out = Url;

    fn expects(&self) -> String {
        "an http or https address, or a folder such as \"file:///var/lib/feed\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Url, String> {
        let url = Url::parse(text_of(value)?).map_err(|error| format!("this is no address: {error}"))?;
        let is_folder = url.scheme() == "file" && url.host().is_none() && url.path().len() > 1;
        if is_folder { Ok(url) } else { Err("this is no folder: it begins with file:///".to_owned()) }
    }
}

fn http_url(value: &Value) -> Result<Url, String> {
    let url = Url::parse(text_of(value)?).map_err(|error| format!("this is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{}` is neither http nor https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user or a password does not belong in an address: it would end up in logs".to_owned());
    }
    Ok(url)
}

/// The name of an HTTP header.
pub(crate) struct Header;

impl Kind for Header {
    type Out = String;

    fn expects(&self) -> String {
        "the name of an HTTP header, such as \"x-cdata-authtoken\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<String, String> {
        let text = text_of(value)?;
        let name = reqwest::header::HeaderName::from_bytes(text.as_bytes());
        name.map(|name| name.to_string()).map_err(|_| "this is no name of a header".to_owned())
    }
}

/// A mail address, with or without a name before it.
pub(crate) struct MailAddress;

impl Kind for MailAddress {
    type Out = Mailbox;

    fn expects(&self) -> String {
        "a mail address, such as \"Rollbook <rollbook@example.org>\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Mailbox, String> {
        text_of(value)?.parse().map_err(|_| "this is no mail address".to_owned())
    }
}

/// An address and a port to listen on.
pub(crate) struct SocketAddress;

impl Kind for SocketAddress {
    type Out = SocketAddr;

    fn expects(&self) -> String {
        "an IP address and a port, such as \"127.0.0.1:8080\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<SocketAddr, String> {
        text_of(value)?.parse().map_err(|_| "this is no IP address with a port".to_owned())
    }
}

/// An address, or all those with its first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let first = |whole: u128, width: u32| if self.bits == 0 { 0 } else { whole >> (width - u32::from(self.bits)) };
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                first(ours.to_bits().into(), 32) == first(theirs.to_bits().into(), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => first(ours.to_bits(), 128) == first(theirs.to_bits(), 128),
            _ => false,
        }
    }
}

/// A [`Network`].
pub(crate) struct NetworkAddress;

impl Kind for NetworkAddress {
    type Out = Network;

    fn expects(&self) -> String {
        "an IP address, or a network such as \"10.0.0.0/8\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Network, String> {
        let text = text_of(value)?;
        let wrong = || "this is no IP address or network".to_owned();
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most: u8 = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if bits > most { Err(wrong()) } else { Ok(Network { address, bits }) }
    }
}

/// A time zone by its IANA name.
pub(crate) struct Zone;

impl Kind for Zone {
    type Out = TimeZone;

    fn expects(&self) -> String {
        "a time zone by its IANA name, such as \"America/Vancouver\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<TimeZone, String> {
        let name = text_of(value)?;
        rollbook_clock::zone(name).map_err(|error| match error.closest {
            Some(closest) => format!("there is no such time zone, but there is `{closest}`"),
            None => "there is no such time zone".to_owned(),
        })
    }
}
