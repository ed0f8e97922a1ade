//! Faults that a test arms: which stand-in fails, at which call, and how.
//!
//! A fault counts the calls of its own target from the moment of arming. When several fire on one call, all delays
//! add up and the earliest armed of the others decides. `plan.rs` carries a fault out on an HTTP answer.

mod plan;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;

use crate::random::Random;

pub(crate) use plan::Plan;

/// How long a held request waits for its client to give up, before the stand-in answers 504 as a proxy would.
pub const HOLD_MAX: Duration = Duration::from_secs(60);

/// Which stand-in a fault belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Moodle's REST endpoint: one function, or every call.
    Moodle(Option<&'static str>),
    /// The ELM feed, counted per page.
    Feed,
    /// The completion endpoint, posts and look-ups together.
    Completion,
    /// The mail server, counted per mail (`MAIL FROM`); [`Kind::RefuseConnection`] per connection.
    Smtp,
    /// The community's JSON:API and token endpoint.
    Community,
}

/// At which call of its target a fault fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Only the nth call, counted from 1.
    Nth(u64),
    /// The first n calls.
    First(u64),
    /// Every call until [`Faults::clear`].
    Every,
    /// About `permille` of 1,000 calls, the same ones for the same seed.
    Seeded {
        /// Share of calls that fail.
        permille: u16,
        /// Start of the sequence.
        seed: u64,
    },
}

/// How a call fails. *Before effect* means that the world is unchanged, *after effect* that the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The connection is reset without an answer, before effect.
    RefuseConnection,
    /// The same once the request has arrived in full (SMTP: after the final dot), before effect.
    ResetBeforeEffect,
    /// No answer until the client gives up ([`HOLD_MAX`] at most), before effect.
    TimeoutBeforeEffect,
    /// No answer until the client gives up ([`HOLD_MAX`] at most), after effect.
    TimeoutAfterEffect,
    /// The connection is reset without an answer, after effect.
    ResetAfterEffect,
    /// Half of the body arrives, then the connection is reset; after effect.
    ResetMidBody,
    /// An HTTP status with an HTML body (SMTP: a reply to the final dot) instead of the work.
    HttpBeforeEffect(u16),
    /// An HTTP status with an HTML body, although the work was done.
    HttpAfterEffect(u16),
    /// Status 200 with a proxy's HTML page instead of the work.
    Html200,
    /// A complete HTTP answer whose JSON lacks its second half; after effect.
    TruncatedJson,
    /// Moodle's error envelope in a 200 (elsewhere the server's own error form), before effect.
    ExceptionIn200 {
        /// What the envelope says, such as `dmlwriteexception`.
        errorcode: &'static str,
    },
    /// The same after effect.
    ExceptionAfterEffect {
        /// What the envelope says.
        errorcode: &'static str,
    },
    /// Status 200 without any body, after effect.
    EmptyBody200,
    /// The work starts this many milliseconds late, and is done even if the client has gone by then.
    SlowMs(u64),
    /// Moodle only: the second half of the batch is lost on the way, and the token is not.
    HalfBatch,
    /// SMTP only: `550` to `RCPT TO`.
    RefuseRecipient,
    /// SMTP only: `451` to `RCPT TO`.
    Temporary,
}

impl Kind {
    /// Every way in which a call to Moodle can fail, but silence and the loss of half a batch.
    pub const LOUD: [Self; 15] = [
        Self::RefuseConnection,
        Self::ResetBeforeEffect,
        Self::ResetAfterEffect,
        Self::ResetMidBody,
        Self::HttpBeforeEffect(500),
        Self::HttpAfterEffect(500),
        Self::HttpBeforeEffect(503),
        Self::HttpAfterEffect(504),
        Self::Html200,
        Self::TruncatedJson,
        Self::EmptyBody200,
        Self::ExceptionIn200 { errorcode: "dmlwriteexception" },
        Self::ExceptionAfterEffect { errorcode: "dmlwriteexception" },
        Self::ExceptionIn200 { errorcode: "sitemaintenance" },
        Self::ExceptionIn200 { errorcode: "accessexception" },
    ];
    /// Nobody answers.
    pub const SILENT: [Self; 2] = [Self::TimeoutBeforeEffect, Self::TimeoutAfterEffect];
}

/// One armed fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Who fails.
    pub target: Target,
    /// When.
    pub at: At,
    /// How.
    pub kind: Kind,
}

impl Fault {
    /// A fault at every call.
    pub fn every(target: Target, kind: Kind) -> Self {
        let at = At::Every;
        Self { target, at, kind }
    }

    /// A fault at the nth call from now, counted from 1.
    pub fn nth(target: Target, nth: u64, kind: Kind) -> Self {
        let at = At::Nth(nth);
        Self { target, at, kind }
    }
}

/// A fault that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The fault as armed.
    pub fault: Fault,
    /// The function or endpoint that it hit, named as in [`crate::Calls`].
    pub function: String,
}

/// The switchboard of faults; shared by all stand-ins.
#[derive(Debug, Default)]
pub struct Faults {
    board: Mutex<Board>,
    fired_signal: Notify,
}

#[derive(Debug, Default)]
struct Board {
    armed: Vec<Armed>,
    fired: Vec<Fired>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    calls: u64,
    random: Random,
}

impl Faults {
    /// Arms a fault; its count starts now.
    pub fn arm(&self, fault: Fault) {
        let seed = match fault.at {
            At::Seeded { seed, .. } => seed,
            At::Nth(_) | At::First(_) | At::Every => 0,
        };
        self.lock().armed.push(Armed { fault, calls: 0, random: Random::new(seed) });
    }

    /// Disarms all faults; what fired so far stays recorded.
    pub fn clear(&self) {
        self.lock().armed.clear();
    }

    /// Every fault that fired, in order.
    pub fn fired(&self) -> Vec<Fired> {
        self.lock().fired.clone()
    }

    /// Waits until a fault of this kind fires; those that fired before do not count.
    pub fn until(&self, kind: Kind) -> impl Future<Output = ()> + '_ {
        let count = move || self.lock().fired.iter().filter(|fired| fired.fault.kind == kind).count();
        let before = count();
        async move {
            loop {
                let fired_signal = self.fired_signal.notified();
                if count() > before {
                    return;
                }
                fired_signal.await;
            }
        }
    }

    /// Counts one call and says what shall go wrong with it. `opening` asks for connection faults only (SMTP).
    pub(crate) fn next(&self, target: Target, function: &str, point: FaultPoint) -> Plan {
        let mut board = self.lock();
        let mut kinds = Vec::new();
        let mut fired = Vec::new();
        for armed in &mut board.armed {
            if !hits(armed.fault.target, target, function) || !point.includes(armed.fault.kind) {
                continue;
            }
            if armed.fires() {
                kinds.push(armed.fault.kind);
                fired.push(Fired { fault: armed.fault, function: function.to_owned() });
            }
        }
        board.fired.extend(fired);
        drop(board);
        self.fired_signal.notify_waiters();
        Plan::new(&kinds)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is being counted: an SMTP connection and the mails on it are separate calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultPoint {
    Request,
    SmtpConnection,
    SmtpMail,
}

impl FaultPoint {
    fn includes(self, kind: Kind) -> bool {
        match self {
            FaultPoint::Request => true,
            FaultPoint::SmtpConnection => kind == Kind::RefuseConnection,
            FaultPoint::SmtpMail => kind != Kind::RefuseConnection,
        }
    }
}

impl Armed {
    fn fires(&mut self) -> bool {
        self.calls += 1;
        match self.fault.at {
            At::Nth(nth) => self.calls == nth,
            At::First(count) => self.calls <= count,
            At::Every => true,
            At::Seeded { permille, .. } => self.random.chance(permille),
        }
    }
}

fn hits(armed: Target, called: Target, function: &str) -> bool {
    match (armed, called) {
        (Target::Moodle(Some(name)), Target::Moodle(_)) => name == function,
        (Target::Moodle(None), Target::Moodle(_)) => true,
        (armed, called) => armed == called,
    }
}

/// Drops a future after so many polls, wherever it waits, which is all that `kill -9` leaves behind. Says whether it had ended
/// before.
pub async fn cut<F: Future>(future: F, polls: u64) -> bool {
    let mut future = pin!(future);
    let mut polled = 0;
    poll_fn(|context| {
        if polled == polls {
            return Poll::Ready(false);
        }
        polled += 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}
