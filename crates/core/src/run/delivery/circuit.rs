//! The ELM as a whole: whether it is worth the try.
//!
//! Several failures in a row, of different reports, mean that the ELM is in trouble, not the reports: the rest of them waits
//! untried, and so arrives in the order of completion once the ELM is back. A single report that fails while others are
//! accepted waits alone.

use super::answer::Answer;
use super::back_off::{Draw, after, back_off};
use super::report::{Delivery, DeliveryState};
use crate::policy::DeliveryRules;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How the ELM stands with one link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Circuit {
    /// Failures in a row since the last sign of life, or since the last rest.
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
pub enum Pass {
    /// All that are due, several at a time.
    Freely,
    /// One after the other, until there is a sign of life.
    OneByOne,
    /// None before this moment.
    NotBefore(Timestamp),
}

impl Circuit {
    /// Whether reports may be sent now.
    pub fn pass(&self, now: Timestamp) -> Pass {
        match self.rests_until {
            Some(until) if now < until => Pass::NotBefore(until),
            Some(_) => Pass::OneByOne,
            None if self.failures > 0 => Pass::OneByOne,
            None => Pass::Freely,
        }
    }

    /// Whether a report's turn has come. Right after a rest every report's has: what failed because the ELM was away does not
    /// wait longer than the ELM, so that the order of completion is kept.
    pub fn is_turn_of(&self, report: &Delivery, now: Timestamp) -> bool {
        let rested = self.rests_until.is_some_and(|until| until <= now);
        matches!(report.state, DeliveryState::Due | DeliveryState::Unknown) && (rested || report.next <= now)
    }

    /// Takes in one answer.
    #[must_use]
    pub fn learn(self, answer: &Answer, rules: &DeliveryRules, now: Timestamp, draw: Draw) -> Self {
        if answer.is_sign_of_life() {
            return Self::default();
        }
        let failures = self.failures.saturating_add(1);
        let failing = Self {
            failures,
            failing_since: self.failing_since.or(Some(now)),
            denied: matches!(answer, Answer::Denied { .. }),
            ..self
        };
        let asked = answer.retry_after();
        if failures < rules.failures_max && asked.is_none() && !matches!(answer, Answer::RateLimited { .. }) {
            return failing;
        }
        let rests = self.rests.saturating_add(1);
        let until = after(now, back_off(rests, asked, rules, draw));
        // An answer that was under way when the rest began does not shorten it.
        let rests_until = self.rests_until.filter(|before| now < *before).map_or(until, |before| before.max(until));
        Self { failures: 0, rests, rests_until: Some(rests_until), ..failing }
    }

    /// Whether it has failed for so long that a human must be told.
    pub fn needs_a_human(&self, rules: &DeliveryRules, now: Timestamp) -> bool {
        let since = self.failing_since.filter(|_| self.rests > 0);
        since.is_some_and(|since| self.denied || now.duration_since(since) >= rules.attention_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes * 60).unwrap()
    }

    fn learn(circuit: Circuit, answers: &[Answer], minutes: i64) -> Circuit {
        let rules = DeliveryRules::default();
        answers.iter().fold(circuit, |circuit, answer| circuit.learn(answer, &rules, at(minutes), Draw::new(0)))
    }

    const LOST: Answer = Answer::Unknown { retry_after: None };

    #[test]
    fn three_failures_in_a_row_let_the_elm_rest_longer_each_time_until_a_sign_of_life() {
        let two = learn(Circuit::default(), &[LOST, Answer::NotSent], 0);
        assert_eq!(two.pass(at(0)), Pass::OneByOne);
        let open = learn(two, &[LOST], 0);
        assert_eq!((open.pass(at(0)), open.pass(at(1))), (Pass::NotBefore(at(1)), Pass::OneByOne));
        let again = learn(open, &[LOST, LOST, LOST], 1);
        assert_eq!(again.pass(at(2)), Pass::NotBefore(at(3)));
        assert_eq!(
            learn(again, &[Answer::Refused { status: 400 }], 3),
            Circuit::default(),
            "a refusal is a sign of life"
        );
    }

    #[test]
    fn report_that_fails_among_others_that_are_accepted_stops_nobody() {
        let mixed = [LOST, LOST, Answer::Accepted, LOST, LOST, Answer::Accepted];
        assert_eq!(learn(Circuit::default(), &mixed, 0).pass(at(0)), Pass::Freely);
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
        let limited = learn(Circuit::default(), &[Answer::RateLimited { retry_after: asked }], 0);
        assert_eq!(limited.pass(at(29)), Pass::NotBefore(at(30)));
        let late = learn(limited, &[LOST, LOST, LOST], 1);
        assert_eq!(late.pass(at(29)), Pass::NotBefore(at(30)), "what comes in late does not shorten the rest");
    }

    #[test]
    fn human_is_told_of_a_denial_at_once_and_of_silence_after_two_days() {
        let rules = DeliveryRules::default();
        let silent = learn(Circuit::default(), &[LOST, LOST, LOST], 0);
        assert!(!silent.needs_a_human(&rules, at(60)));
        assert!(silent.needs_a_human(&rules, at(48 * 60)));
        let denied = learn(Circuit::default(), &[Answer::Denied { status: 401 }; 3], 0);
        assert!(denied.needs_a_human(&rules, at(0)));
    }
}
