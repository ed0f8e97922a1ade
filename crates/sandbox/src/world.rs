//! The state behind all stand-ins: what a test prepares before, and looks at after.

use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;

use jiff::Timestamp;

use crate::community::Community;
use crate::elm::Elm;
use crate::mail::Mailbox;
use crate::moodle::Moodle;

/// Everything the stand-ins know. Build it, hand it to [`crate::Sandbox::start`], then look through
/// [`crate::Sandbox::world`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct World {
    /// The time that the servers believe in.
    pub clock: Clock,
    /// The learning platform.
    pub moodle: Moodle,
    /// The HR learning system: its feed and the completions it received.
    pub elm: Elm,
    /// The community site.
    pub community: Community,
    /// The mail server.
    pub mail: Mailbox,
}

impl World {
    /// A Moodle with the guest, one administrator and the service account; no courses, an empty feed.
    pub fn empty() -> Self {
        Self {
            clock: Clock::Real,
            moodle: Moodle::fresh(),
            elm: Elm::default(),
            community: Community::default(),
            mail: Mailbox::default(),
        }
    }

    /// The time that the servers believe in.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// A settable clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's time.
    Real,
    /// A time that stands still until the test sets another.
    Fixed(Timestamp),
}

impl Clock {
    /// What this clock shows.
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "the servers live in the machine's time unless a test sets it"
            )]
            Clock::Real => Timestamp::now(),
            Clock::Fixed(at) => *at,
        }
    }
}

/// The locked world. The servers wait while it is held: drop it before the next request, and never hold it across
/// an `.await`.
#[derive(Debug)]
pub struct WorldGuard<'a>(pub(crate) MutexGuard<'a, World>);

impl Deref for WorldGuard<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl DerefMut for WorldGuard<'_> {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0
    }
}
