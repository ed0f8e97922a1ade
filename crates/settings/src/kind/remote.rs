//! What names another system: addresses of the web and of mail, headers, zones.
//!
//! It checks the form only; `doctor` tries whether anybody is there. Next: [`crate::secret`].

use super::{Kind, text_of};
use crate::tree::Value;
use jiff::tz::TimeZone;
use lettre::message::Mailbox;
use reqwest::Url;
use std::net::{IpAddr, SocketAddr};

/// An `http` or `https` address without credentials, query or fragment.
pub(crate) struct Web;

impl Kind for Web {
    type Out = Url;

    fn wants(&self) -> String {
        "an http or https address without user, password, ? and #, such as \"https://moodle.example.org\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Url, String> {
        let text = text_of(value)?;
        let url = Url::parse(text).map_err(|error| format!("this is no address: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("`{}` is neither http nor https", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a user or a password does not belong in an address: it would end up in logs".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("this has a query or a fragment".to_owned());
        }
        Ok(url)
    }
}

/// The name of an HTTP header.
pub(crate) struct Header;

impl Kind for Header {
    type Out = String;

    fn wants(&self) -> String {
        "the name of an HTTP header, such as \"x-cdata-authtoken\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<String, String> {
        let text = text_of(value)?;
        let name = reqwest::header::HeaderName::from_bytes(text.as_bytes());
        name.map(|name| name.to_string()).map_err(|_| "this is no name of a header".to_owned())
    }
}

/// A mail address, with or without a name before it.
pub(crate) struct Mail;

impl Kind for Mail {
    type Out = Mailbox;

    fn wants(&self) -> String {
        "a mail address, such as \"Rollbook <rollbook@example.org>\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Mailbox, String> {
        text_of(value)?.parse().map_err(|_| "this is no mail address".to_owned())
    }
}

/// An address and a port to listen on.
pub(crate) struct Socket;

impl Kind for Socket {
    type Out = SocketAddr;

    fn wants(&self) -> String {
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
pub(crate) struct Networks;

impl Kind for Networks {
    type Out = Network;

    fn wants(&self) -> String {
        "an IP address, or a network such as \"10.0.0.0/8\"".to_owned()
    }

    fn read(&self, value: &Value) -> Result<Network, String> {
        let text = text_of(value)?;
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let wrong = |_| "this is no IP address or network".to_owned();
        let address: IpAddr = address.parse().map_err(wrong)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse);
        let bits =
            bits.ok().filter(|bits| *bits <= most).ok_or_else(|| "this is no IP address or network".to_owned())?;
        Ok(Network { address, bits })
    }
}

/// A time zone by its IANA name.
pub(crate) struct Zone;

impl Kind for Zone {
    type Out = TimeZone;

    fn wants(&self) -> String {
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
