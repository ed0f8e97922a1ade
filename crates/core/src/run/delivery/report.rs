//! The state machine of one report.
//!
//! ```text
//! due ──claim──▶ sending ──accepted──▶ sent
//!  ▲                │ ├────refused───▶ refused ──a person──▶ due
//!  ├─not sent, rate limited, denied─┘ │
//!  │                └─no answer, or the process died─▶ unknown ──found──▶ sent
//!  └───────────────────────── not found, or no way to ask ──┘
//! ```
//! A report in doubt is never sent before it was looked for, where it can be looked for.

use super::answer::{Answer, LookUp};
use super::back_off::{Draw, after, back_off};
use crate::policy::DeliveryRules;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// To be sent.
    Due,
    /// Being sent, or cut off while it was.
    Sending,
    /// The ELM has it.
    Sent,
    /// The ELM refused it; a human must look.
    Refused,
    /// It was sent, and nobody knows whether the ELM has it.
    Unknown,
    /// A person decided that it shall not be sent.
    Cancelled,
}

/// One report on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was sent, or may have been.
    pub attempts: u32,
    /// When it may be taken up next.
    pub next: Timestamp,
}

/// What happens to a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// It is about to be sent.
    Claimed,
    /// The ELM answered, or did not.
    Answered(Answer),
    /// Whoever claimed it is gone without a word.
    Orphaned,
    /// The ELM was asked whether it has it.
    LookedUp(LookUp),
    /// A person wants it sent again.
    Again,
    /// A person decided that it shall not be sent.
    Cancelled,
}

/// A move that a report in this state cannot make: a defect of the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a report that is {from} cannot take {by:?}")]
pub struct IllegalMove {
    /// Where it stood.
    pub from: DeliveryState,
    /// What was tried.
    pub by: Move,
}

impl Delivery {
    /// A report that was just queued; it is due at once.
    pub fn queued(now: Timestamp) -> Self {
        Self { state: DeliveryState::Due, attempts: 0, next: now }
    }
}

/// What a move makes of a report.
///
/// # Errors
/// [`IllegalMove`]; the report stays as it is.
pub fn step(
    report: Delivery,
    by: Move,
    rules: &DeliveryRules,
    now: Timestamp,
    draw: Draw,
) -> Result<Delivery, IllegalMove> {
    use DeliveryState as S;
    let wait = |asked| after(now, back_off(report.attempts, asked, rules, draw));
    let (state, attempts, next) = match (report.state, &by) {
        (S::Due, Move::Claimed) => (S::Sending, report.attempts.saturating_add(1), now),
        (S::Sending, Move::Answered(answer)) => {
            let asked = answer.retry_after();
            match answer {
                Answer::Accepted => (S::Sent, report.attempts, now),
                Answer::Refused { .. } => (S::Refused, report.attempts, now),
                Answer::Unknown { .. } => (S::Unknown, report.attempts, wait(asked)),
                Answer::NotSent | Answer::RateLimited { .. } | Answer::Denied { .. } => {
                    (S::Due, report.attempts, wait(asked))
                }
            }
        }
        // The dead process may have sent it a moment ago, and the ELM may still be at work on it.
        (S::Sending, Move::Orphaned) => (S::Unknown, report.attempts, wait(None)),
        (S::Unknown, Move::LookedUp(LookUp::Found)) => (S::Sent, report.attempts, now),
        (S::Unknown, Move::LookedUp(LookUp::Nothing | LookUp::Unsupported)) => (S::Due, report.attempts, now),
        (S::Unknown, Move::LookedUp(LookUp::NoAnswer)) => (S::Unknown, report.attempts, wait(None)),
        (S::Unknown, Move::Again) => (S::Unknown, report.attempts, now),
        (S::Due | S::Refused | S::Cancelled, Move::Again) => (S::Due, report.attempts, now),
        (S::Due | S::Refused | S::Unknown, Move::Cancelled) => (S::Cancelled, report.attempts, now),
        (from, _) => return Err(IllegalMove { from, by }),
    };
    Ok(Delivery { state, attempts, next })
}

impl DeliveryState {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }

    /// The value of a stored word.
    pub fn read(text: &str) -> Option<Self> {
        let all = [Self::Due, Self::Sending, Self::Sent, Self::Refused, Self::Unknown, Self::Cancelled];
        all.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing more happens to it by itself.
    pub fn is_at_rest(self) -> bool {
        matches!(self, Self::Sent | Self::Refused | Self::Cancelled)
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}
