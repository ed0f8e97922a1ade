//! `[link.NAME.push]`: signed events from outside, which wake a link.
//!
//! Next: the page of the API that takes them.

use crate::kind::Lasting;
use crate::read::Section;
use secrecy::SecretString;
use std::time::Duration;

/// How pushed events are believed.
#[derive(Clone, Debug)]
pub struct Push {
    /// The key of the HMAC over an event.
    pub secret: SecretString,
    /// An event whose time is further away, before or after, is refused; within it, none is taken twice.
    pub window: Duration,
}

pub(super) fn read(section: &mut Section<'_>) -> Option<Push> {
    let secret = section.secret("secret");
    let window = section.or("window", "5m", Lasting("10s", "1h"));
    Some(Push { secret: secret?, window })
}
