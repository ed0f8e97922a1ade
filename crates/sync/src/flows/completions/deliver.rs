//! Deliver: reports that are due → the ELM, in the order of completion, each tried at most once in a run.
//!
//! What an answer means is core's to say: [`step`] for the report, [`Circuit`] for the ELM. What was being sent when a process
//! died is in doubt, and under this run's lease nobody else can be sending it.

use super::ask::{ELM, about_elm, refused, stuck};
use super::elm::{ElmAnswer, look_up_report, send_report};
use super::{CompletionsFlow, Sending};
use crate::engine::Write;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use rollbook_core::model::{CompletionKey, Fingerprint};
use rollbook_core::run::{
    Circuit, Delivery, DeliveryEvent, DeliveryState, Jitter, LookupResult, Receipt, SendPace, step,
};
use rollbook_journal::{AttentionFilter, JournalError, NewAttention, OpenReport, ReportMove};
use serde::Serialize;
use std::collections::{HashSet, VecDeque};

/// So many reports are read at once.
const READ: u64 = 500;

/// What became of the reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// Accepted by the ELM now.
    pub accepted: u64,
    /// Of these, found at the ELM after an answer was lost.
    pub found: u64,
    /// Refused by the ELM now.
    pub refused: u64,
    /// Tried, and not accepted yet.
    pub failed: u64,
    /// Not at rest when the run ended.
    pub waiting: u64,
    /// Until when the ELM is left alone, because nothing but failures came.
    pub rests_until: Option<Timestamp>,
    /// The kill switch is off: nothing was sent.
    pub held: bool,
}

/// What a delivery works with.
pub(super) struct Courier<'a> {
    /// The link.
    pub flow: &'a CompletionsFlow,
    /// The right to write; every step is recorded before and after by it, and so proves the lease.
    pub write: &'a Write<'a>,
    /// This report alone, by a person's word: now, however the ELM stands.
    pub only: Option<CompletionKey>,
}

/// What a try came to: what the circuit learns, and the words.
struct Tried {
    answer: Receipt,
    words: String,
    found: bool,
}

/// Sends every report whose turn has come.
///
/// # Errors
/// [`JournalError`]; a report that was sent and could not be recorded is in doubt for the next run.
pub(super) async fn deliver_reports(courier: &Courier<'_>) -> Result<Delivered, JournalError> {
    let Courier { flow, write: Write { journal, clock, lease, .. }, only } = courier;
    let mut delivered = Delivered { held: flow.sending == Sending::Off, ..Delivered::default() };
    courier.take_over_orphans().await?;
    if !delivered.held {
        let before = journal.completions().state(&flow.link).await?.circuit;
        let circuit = if only.is_some() { Circuit::default() } else { before.in_new_run() };
        let mut round = Round { circuit, accepted: false, words: String::new() };
        courier.deliver(&mut round, &mut delivered).await?;
        // One report that a person sends tells something of the ELM only if it gets through.
        if round.circuit != before && (only.is_none() || delivered.accepted > 0) {
            journal.completions().save_circuit(lease.lease(), &round.circuit).await?;
        }
        courier.say_how_the_elm_is(&round).await?;
        delivered.rests_until = round.circuit.rests_until.filter(|until| clock.now() < *until);
    }
    delivered.waiting = journal.completions().count_open_reports(&flow.link).await?;
    Ok(delivered)
}

/// What a run has learnt of the ELM.
struct Round {
    circuit: Circuit,
    /// The ELM accepted a report in this run.
    accepted: bool,
    /// Its last words in a failure.
    words: String,
}

impl Courier<'_> {
    /// What a dead process was sending is in doubt now.
    async fn take_over_orphans(&self) -> Result<(), JournalError> {
        for report in self.write.journal.completions().claimed_reports(&self.flow.link).await? {
            let words = "the process that was sending it ended without a word";
            self.go(&report, DeliveryEvent::Orphaned, "left behind", words, None).await?;
        }
        Ok(())
    }

    async fn deliver(&self, round: &mut Round, delivered: &mut Delivered) -> Result<(), JournalError> {
        let mut tried = HashSet::new();
        loop {
            let read = if self.only.is_some() { u64::MAX } else { READ + tried.len() as u64 };
            let open = self.write.journal.completions().open_reports(&self.flow.link, read).await?;
            let now = self.write.clock.now();
            let turn = |report: &OpenReport| match self.only {
                Some(key) => key == report.report.key && report.delivery.state != DeliveryState::Sending,
                None => round.circuit.is_turn_of(&report.delivery, now),
            };
            let mut queue: VecDeque<OpenReport> =
                open.into_iter().filter(|report| !tried.contains(&report.id) && turn(report)).collect();
            if queue.is_empty() {
                return Ok(());
            }
            tried.extend(queue.iter().map(|report| report.id));
            if !self.work_off(&mut queue, round, delivered).await? {
                return Ok(());
            }
        }
    }

    /// Works off a queue, as many at a time as the circuit lets pass. Says whether there is a point in going on.
    async fn work_off(
        &self,
        queue: &mut VecDeque<OpenReport>,
        round: &mut Round,
        delivered: &mut Delivered,
    ) -> Result<bool, JournalError> {
        let mut under_way = FuturesUnordered::new();
        loop {
            let width = match round.circuit.pass(self.write.clock.now()) {
                _ if self.write.lease.stop().is_cancelled() => 0,
                SendPace::Freely => self.flow.concurrency.max(1),
                SendPace::OneByOne => 1,
                SendPace::NotBefore(_) => 0,
            };
            while under_way.len() < width
                && let Some(report) = queue.pop_front()
            {
                let accepted = round.accepted;
                under_way.push(async move { self.attend(&report, accepted).await });
            }
            match under_way.next().await {
                Some(tried) => self.learn(tried?, round, delivered),
                None => return Ok(queue.is_empty()),
            }
        }
    }

    fn learn(&self, tried: Option<Tried>, round: &mut Round, delivered: &mut Delivered) {
        let Some(Tried { answer, words, found }) = tried else {
            return;
        };
        match answer {
            Receipt::Accepted => {
                round.accepted = true;
                delivered.accepted += 1;
                delivered.found += u64::from(found);
            }
            Receipt::Refused { .. } => delivered.refused += 1,
            Receipt::NotSent | Receipt::RateLimited { .. } | Receipt::Denied { .. } | Receipt::Unknown { .. } => {
                delivered.failed += 1;
                round.words = words;
            }
        }
        let now = self.write.clock.now();
        let draw = self.draw(&format!("{} {now}", round.circuit.rests));
        round.circuit = round.circuit.learn(&answer, &self.flow.policy.delivery, now, draw);
    }

    /// One report: looked for where it is in doubt, then sent. `None` where a person moved it in the meantime.
    async fn attend(&self, report: &OpenReport, accepted: bool) -> Result<Option<Tried>, JournalError> {
        match self.try_one(report, accepted).await {
            Err(JournalError::Conflict { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    async fn try_one(&self, report: &OpenReport, accepted: bool) -> Result<Tried, JournalError> {
        let Self { flow, .. } = self;
        let mut report = report.clone();
        let in_doubt = report.delivery.state == DeliveryState::Unknown;
        if in_doubt {
            let ElmAnswer { answer, words } =
                look_up_report(&flow.elm, &report.report, &flow.policy.words.fields).await;
            let ask = (answer == LookupResult::NoAnswer).then(|| self.overdue(&report, &words)).flatten();
            report = self.go(&report, DeliveryEvent::LookedUp(answer), "looked up", &words, ask).await?;
            match answer {
                LookupResult::Found => return Ok(Tried { answer: Receipt::Accepted, words, found: true }),
                LookupResult::NoAnswer => {
                    return Ok(Tried { answer: Receipt::Unknown { retry_after: None }, words, found: false });
                }
                LookupResult::Nothing | LookupResult::Unsupported => {}
            }
        }
        let report = self.go(&report, DeliveryEvent::Claimed, "claimed", "", None).await?;
        let ElmAnswer { answer, words } = send_report(&flow.elm, &flow.link, &report.report).await;
        let answer = if accepted { answer.amid_acceptances() } else { answer };
        let answer = if in_doubt { answer.after_doubt() } else { answer };
        let (what, ask) = match answer {
            Receipt::Accepted => ("accepted", None),
            Receipt::Refused { .. } => ("refused", Some(refused(&report, &words))),
            Receipt::Denied { .. } => ("not admitted", self.overdue(&report, &words)),
            Receipt::RateLimited { .. } => ("asked to wait", None),
            Receipt::NotSent => ("not sent", self.overdue(&report, &words)),
            Receipt::Unknown { .. } => ("no answer that counts", self.overdue(&report, &words)),
        };
        self.go(&report, DeliveryEvent::Answered(answer), what, &words, ask).await?;
        Ok(Tried { answer, words, found: false })
    }

    /// The question about a report that fails for too long. While the ELM as a whole fails, one question is asked about that.
    fn overdue(&self, report: &OpenReport, words: &str) -> Option<NewAttention> {
        let waits = self.write.clock.now().duration_since(report.queued);
        (waits >= self.flow.policy.delivery.attention_after).then(|| stuck(report, words))
    }

    async fn go(
        &self,
        report: &OpenReport,
        by: DeliveryEvent,
        what: &str,
        answer: &str,
        ask: Option<NewAttention>,
    ) -> Result<OpenReport, JournalError> {
        let now = self.write.clock.now();
        let draw = self.draw(&format!("{} {}", report.id, report.delivery.attempts));
        let to: Delivery = step(report.delivery, by, &self.flow.policy.delivery, now, draw)
            .map_err(|error| JournalError::Conflict { what: error.to_string() })?;
        let moved = ReportMove { report, to, what, answer, attention: ask };
        self.write.journal.completions().move_report(self.write.lease.lease(), &self.write.run, &moved, now).await?;
        Ok(OpenReport { delivery: to, ..report.clone() })
    }

    /// The ELM as a whole: asked about while it fails for long, and no longer once there is a sign of life.
    async fn say_how_the_elm_is(&self, round: &Round) -> Result<(), JournalError> {
        let (link, now) = (&self.flow.link, self.write.clock.now());
        let filter = AttentionFilter { link: Some(link.clone()), kind: Some(ELM.to_owned()), ..Default::default() };
        let is_asked = !self.write.journal.attention().list(&filter, 1).await?.is_empty();
        let needs = round.circuit.needs_a_human(&self.flow.policy.delivery, now);
        if needs && (!is_asked || !round.words.is_empty()) {
            let (title, evidence) = about_elm(&round.circuit, &round.words);
            self.write.journal.attention().open(link, ELM, link.as_str(), &title, &evidence, now).await?;
        } else if is_asked && round.circuit.failing_since.is_none() {
            self.write.journal.attention().close(link, ELM, link.as_str(), now).await?;
        }
        Ok(())
    }

    /// A draw that differs between links and tries and needs no randomness.
    fn draw(&self, what: &str) -> Jitter {
        let Fingerprint(bytes) = Fingerprint::of_bytes(&[self.flow.link.as_str(), " ", what]);
        Jitter::new(u64::from(bytes[0]) << 8 | u64::from(bytes[1]))
    }
}
