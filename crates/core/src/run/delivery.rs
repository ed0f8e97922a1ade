//! What becomes of a report on its way to the ELM: sent until it is accepted, counted once, never lost.
//!
//! [`step`] is the state machine of one report, [`Circuit`] that of the ELM as a whole. Both are pure: the time and the
//! jitter's draw come in as values.

use crate::policy::DeliveryRules;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

// The state machine of one report.
//
// ```text
// due ──claim──▶ sending ──accepted──▶ sent
// ▲                │ ├────refused───▶ refused ──a person──▶ due
// ├─not sent, rate limited, denied─┘ │
// │                └─no answer, or the process died─▶ unknown ──found──▶ sent
// └───────────────────────── not found, or no way to ask ──┘
// ```
// A report in doubt is never sent before it was looked for, where it can be looked for.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Due,
    /// Being sent, or cut off while it was.
    Sending,
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
    pub state: DeliveryState,
    /// How often it was sent, or may have been.
    pub attempts: u32,
    /// When it may be taken up next.
    pub next: Timestamp,
}

/// What happens to a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryEvent {
    /// It is about to be sent.
    Claimed,
    /// The ELM answered, or did not.
    Answered(Receipt),
    /// Whoever claimed it is gone without a word.
    Orphaned,
    /// The ELM was asked whether it has it.
    LookedUp(LookupResult),
    /// A person wants it sent again.
    Again,
    /// A person decided that it shall not be sent.
    Cancelled,
}

/// A move that a report in this state cannot make: a defect of the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a report that is {from} cannot take {by:?}")]
pub struct IllegalEvent {
    pub from: DeliveryState,
    pub by: DeliveryEvent,
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
/// [`IllegalEvent`]; the report stays as it is.
pub fn step(
    report: Delivery,
    by: DeliveryEvent,
    rules: &DeliveryRules,
    now: Timestamp,
    draw: Jitter,
) -> Result<Delivery, IllegalEvent> {
    use DeliveryState as S;
    let wait = |asked| after(now, back_off(report.attempts, asked, rules, draw));
    let (state, attempts, next) = match (report.state, &by) {
        (S::Due, DeliveryEvent::Claimed) => (S::Sending, report.attempts.saturating_add(1), now),
        (S::Sending, DeliveryEvent::Answered(answer)) => {
            let asked = answer.retry_after();
            match answer {
                Receipt::Accepted => (S::Sent, report.attempts, now),
                Receipt::Refused { .. } => (S::Refused, report.attempts, now),
                Receipt::Unknown { .. } => (S::Unknown, report.attempts, wait(asked)),
                Receipt::NotSent | Receipt::RateLimited { .. } | Receipt::Denied { .. } => {
                    (S::Due, report.attempts, wait(asked))
                }
            }
        }
        // The dead process may have sent it a moment ago, and the ELM may still be at work on it.
        (S::Sending, DeliveryEvent::Orphaned) => (S::Unknown, report.attempts, wait(None)),
        (S::Unknown, DeliveryEvent::LookedUp(LookupResult::Found)) => (S::Sent, report.attempts, now),
        (S::Unknown, DeliveryEvent::LookedUp(LookupResult::Nothing | LookupResult::Unsupported)) => {
            (S::Due, report.attempts, now)
        }
        (S::Unknown, DeliveryEvent::LookedUp(LookupResult::NoAnswer)) => (S::Unknown, report.attempts, wait(None)),
        (S::Unknown, DeliveryEvent::Again) => (S::Unknown, report.attempts, now),
        (S::Due | S::Refused | S::Cancelled, DeliveryEvent::Again) => (S::Due, report.attempts, now),
        (S::Due | S::Refused | S::Unknown, DeliveryEvent::Cancelled) => (S::Cancelled, report.attempts, now),
        (from, _) => return Err(IllegalEvent { from, by }),
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

// What the ELM answers to a report and to a look-up, named by what it proves.

/// What came of sending one report once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Receipt {
    Accepted,
    NotSent,
    /// The ELM asks for fewer requests, and took nothing.
    RateLimited {
        /// How long it wants to be left alone.
        retry_after: Option<SignedDuration>,
    },
    /// The ELM admits nobody here (401, 403, 404, a redirect): token or address are wrong, perhaps.
    Denied {
        status: u16,
    },
    /// The ELM refused this very report.
    Refused {
        status: u16,
    },
    /// It was sent, and no answer came that says whether it was taken.
    Unknown {
        /// How long the ELM wants to be left alone.
        retry_after: Option<SignedDuration>,
    },
}

impl Receipt {
    /// A denial amid acceptances is about this report, not about us: a wrong token or address would have stopped the
    /// others too. (A token can be withdrawn at any moment, so that 401 stays what it is; a redirect is never about one.)
    #[must_use]
    pub fn amid_acceptances(self) -> Self {
        match self {
            Self::Denied { status: status @ (403..=405) } => Self::Refused { status },
            other => other,
        }
    }

    /// A conflict after a try whose answer was lost is with that very try: it was accepted.
    #[must_use]
    pub fn after_doubt(self) -> Self {
        match self {
            Self::Refused { status: 409 } => Self::Accepted,
            other => other,
        }
    }

    /// Whether it says that the ELM is there, admits us and reads what it gets.
    pub fn is_sign_of_life(&self) -> bool {
        match self {
            Self::Accepted | Self::Refused { .. } => true,
            Self::NotSent | Self::RateLimited { .. } | Self::Denied { .. } | Self::Unknown { .. } => false,
        }
    }

    /// How long the ELM wants to be left alone.
    pub fn retry_after(&self) -> Option<SignedDuration> {
        match self {
            Self::RateLimited { retry_after } | Self::Unknown { retry_after } => *retry_after,
            Self::Accepted | Self::NotSent | Self::Denied { .. } | Self::Refused { .. } => None,
        }
    }
}

/// What came of asking the ELM whether it has a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookupResult {
    Found,
    Nothing,
    /// The question was not answered.
    NoAnswer,
    /// There is no way to ask.
    Unsupported,
}

// How long to wait before the next try: twice as long each time, bounded, a little different each time.

/// A number drawn by the caller, 0 to 999: the jitter comes in as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter(u16);

/// The jitter's share of a wait, in per cent.
const JITTER_PERCENT: i64 = 20;

impl Jitter {
    /// Takes the last three digits.
    pub fn new(number: u64) -> Self {
        Self(u16::try_from(number % 1_000).unwrap_or(0))
    }

    fn of(self, whole: SignedDuration) -> SignedDuration {
        let millis = whole.as_millis() * i128::from(JITTER_PERCENT) * i128::from(self.0) / 100_000;
        SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

/// The wait after so many failures, from 1: the first wait doubled each time, at most the longest, less up to a fifth by
/// the draw. What the ELM asks for counts where it is longer.
pub fn back_off(failures: u32, asked: Option<SignedDuration>, rules: &DeliveryRules, draw: Jitter) -> SignedDuration {
    let doublings = failures.saturating_sub(1).min(30);
    let wait = rules.first.checked_mul(1 << doublings).unwrap_or(rules.longest).min(rules.longest);
    let wait = wait - draw.of(wait);
    wait.max(asked.unwrap_or(SignedDuration::ZERO))
}

/// A moment after another; the end of time is as late as it gets.
fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

// The ELM as a whole: whether it is worth the try.
//
// Several failures in a row, of different reports, mean that the ELM is in trouble, not the reports: the rest of them waits
// untried, and so arrives in the order of completion once the ELM is back. A single report that fails while others are
// accepted waits alone.

/// How the ELM stands with one link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Circuit {
    /// Failures in a row in this run, each of another report, since the last sign of life or rest.
    pub failures: u32,
    /// Rests in a row: each is longer than the one before.
    pub rests: u32,
    /// Until when it is left alone.
    pub rests_until: Option<Timestamp>,
    /// Since when nothing but failures came.
    pub failing_since: Option<Timestamp>,
    /// The last failure was a denial: the token or the address may be wrong.
    pub denied: bool,
}

/// Whether reports may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendPace {
    /// All that are due, several at a time.
    Freely,
    /// One after the other, until there is a sign of life.
    OneByOne,
    NotBefore(Timestamp),
}

impl Circuit {
    /// The same at the beginning of a run: a report that failed in each of the last runs, alone, says nothing of the ELM.
    #[must_use]
    pub fn in_new_run(self) -> Self {
        Self { failures: 0, ..self }
    }

    /// Whether reports may be sent now.
    pub fn pass(&self, now: Timestamp) -> SendPace {
        match self.rests_until {
            Some(until) if now < until => SendPace::NotBefore(until),
            Some(_) => SendPace::OneByOne,
            None if self.failures > 0 => SendPace::OneByOne,
            None => SendPace::Freely,
        }
    }

    /// Whether a report's turn has come. Right after a rest every report's has: what failed because the ELM was away does not
    /// wait longer than the ELM, so that the order of completion is kept.
    pub fn is_turn_of(&self, report: &Delivery, now: Timestamp) -> bool {
        let rested = self.rests_until.is_some_and(|until| until <= now);
        matches!(report.state, DeliveryState::Due | DeliveryState::Unknown) && (rested || report.next <= now)
    }

    #[must_use]
    pub fn learn(self, answer: &Receipt, rules: &DeliveryRules, now: Timestamp, draw: Jitter) -> Self {
        if answer.is_sign_of_life() {
            return Self::default();
        }
        let failures = self.failures.saturating_add(1);
        let failing = Self {
            failures,
            failing_since: self.failing_since.or(Some(now)),
            denied: matches!(answer, Receipt::Denied { .. }),
            ..self
        };
        let asked = answer.retry_after();
        if failures < rules.failures_max && asked.is_none() && !matches!(answer, Receipt::RateLimited { .. }) {
            return failing;
        }
        let rests = self.rests.saturating_add(1);
        let until = after(now, back_off(rests, asked, rules, draw));
        // An answer that was under way when the rest began does not shorten it.
        let rests_until = self.rests_until.filter(|before| now < *before).map_or(until, |before| before.max(until));
        Self { failures: 0, rests, rests_until: Some(rests_until), ..failing }
    }

    /// Whether it has failed for so long that a human must be told; of a denial at once.
    pub fn needs_a_human(&self, rules: &DeliveryRules, now: Timestamp) -> bool {
        self.failing_since
            .is_some_and(|since| self.denied || (self.rests > 0 && now.duration_since(since) >= rules.attention_after))
    }
}

#[cfg(test)]
mod back_off_tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_only_shortens() {
        let rules = DeliveryRules::default();
        let wait = |failures, draw| back_off(failures, None, &rules, Jitter::new(draw)).as_secs();
        assert_eq!(
            [0, 1, 2, 3, 9, 10, u32::MAX].map(|failures| wait(failures, 0)),
            [60, 60, 120, 240, 15_360, 21_600, 21_600]
        );
        assert_eq!(wait(1, 500), 54);
        assert!(wait(1, 999) >= 48);
    }

    #[test]
    fn what_the_elm_asks_for_counts_even_beyond_the_longest() {
        let rules = DeliveryRules::default();
        let day = SignedDuration::from_hours(24);
        assert_eq!(back_off(1, Some(day), &rules, Jitter::new(0)), day);
        assert_eq!(back_off(1, Some(SignedDuration::from_secs(1)), &rules, Jitter::new(0)).as_secs(), 60);
    }
}

#[cfg(test)]
mod circuit_tests {
    use super::*;
    use jiff::SignedDuration;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes * 60).unwrap()
    }

    fn learn(circuit: Circuit, answers: &[Receipt], minutes: i64) -> Circuit {
        let rules = DeliveryRules::default();
        answers.iter().fold(circuit, |circuit, answer| circuit.learn(answer, &rules, at(minutes), Jitter::new(0)))
    }

    const LOST: Receipt = Receipt::Unknown { retry_after: None };

    #[test]
    fn three_failures_in_a_row_let_the_elm_rest_longer_each_time_until_a_sign_of_life() {
        let two = learn(Circuit::default(), &[LOST, Receipt::NotSent], 0);
        assert_eq!(two.pass(at(0)), SendPace::OneByOne);
        let open = learn(two, &[LOST], 0);
        assert_eq!((open.pass(at(0)), open.pass(at(1))), (SendPace::NotBefore(at(1)), SendPace::OneByOne));
        let again = learn(open, &[LOST, LOST, LOST], 1);
        assert_eq!(again.pass(at(2)), SendPace::NotBefore(at(3)));
        assert_eq!(
            learn(again, &[Receipt::Refused { status: 400 }], 3),
            Circuit::default(),
            "a refusal is a sign of life"
        );
    }

    #[test]
    fn report_that_fails_among_others_that_are_accepted_stops_nobody() {
        let mixed = [LOST, LOST, Receipt::Accepted, LOST, LOST, Receipt::Accepted];
        assert_eq!(learn(Circuit::default(), &mixed, 0).pass(at(0)), SendPace::Freely);
    }

    #[test]
    fn after_a_rest_it_is_everybodys_turn_so_that_the_order_is_kept() {
        let open = learn(Circuit::default(), &[LOST, LOST, LOST], 0);
        let report = |state, next| Delivery { state, attempts: 9, next: at(next) };
        let failed = report(DeliveryState::Unknown, 300);
        assert!(!open.is_turn_of(&failed, at(0)) && open.is_turn_of(&failed, at(1)));
        let alone = Circuit::default();
        assert!(!alone.is_turn_of(&failed, at(299)) && alone.is_turn_of(&failed, at(300)));
        assert!(!open.is_turn_of(&report(DeliveryState::Refused, 0), at(1)));
    }

    #[test]
    fn rate_limit_is_honoured_at_once() {
        let asked = Some(SignedDuration::from_mins(30));
        let limited = learn(Circuit::default(), &[Receipt::RateLimited { retry_after: asked }], 0);
        assert_eq!(limited.pass(at(29)), SendPace::NotBefore(at(30)));
        let late = learn(limited, &[LOST, LOST, LOST], 1);
        assert_eq!(late.pass(at(29)), SendPace::NotBefore(at(30)), "what comes in late does not shorten the rest");
    }

    #[test]
    fn human_is_told_of_a_denial_at_once_and_of_silence_after_two_days() {
        let rules = DeliveryRules::default();
        let silent = learn(Circuit::default(), &[LOST, LOST, LOST], 0);
        assert!(!silent.needs_a_human(&rules, at(60)));
        assert!(silent.needs_a_human(&rules, at(48 * 60)));
        let denied = learn(Circuit::default(), &[Receipt::Denied { status: 401 }; 3], 0);
        assert!(denied.needs_a_human(&rules, at(0)));
    }
}
