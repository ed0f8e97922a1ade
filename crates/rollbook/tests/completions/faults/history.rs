//! One history: people complete a course, the ELM fails at random, and the process that reports is killed again and again.
//!
//! A killed process is a run that is dropped at a point where it waits, together with its clients: that is what `kill -9`
//! leaves behind. The next process comes minutes later, when whatever the dead one had sent has long arrived.

use crate::world::{Learner, Lookups, Stage, done, minutes, patient_flow};
use rollbook_sandbox::random::Random;
use rollbook_sandbox::{At, Fault, Kind, Target, cut};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ELM: Target = Target::Completion;
/// Every way in which the ELM fails, but a refusal for good, which is for a human.
pub const KINDS: [Kind; 16] = [
    Kind::RefuseConnection,
    Kind::ResetBeforeEffect,
    Kind::ResetAfterEffect,
    Kind::ResetMidBody,
    Kind::HttpBeforeEffect(500),
    Kind::HttpAfterEffect(500),
    Kind::HttpBeforeEffect(429),
    Kind::HttpBeforeEffect(503),
    Kind::HttpAfterEffect(504),
    Kind::HttpBeforeEffect(401),
    Kind::HttpBeforeEffect(303),
    Kind::Html200,
    Kind::TruncatedJson,
    Kind::EmptyBody200,
    Kind::ExceptionIn200 { errorcode: "Internal" },
    Kind::ExceptionAfterEffect { errorcode: "Internal" },
];
/// More processes than this, and something turns in circles.
const PROCESSES_MAX: u64 = 5_000;
/// A run that looks at nobody and reports one completion is polled about so often.
const POLLS_OF_ONE: u64 = 90;

/// No client gives up by itself: that would be a failure more, and on a busy machine.
const PATIENCE: Duration = Duration::from_secs(50);

/// Where a process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Not all completions were recorded yet.
    Looking,
    /// Between two reports.
    Between,
    /// A report was claimed, and the ELM does not have it.
    Claimed,
    /// The ELM has a report, and no answer of it was recorded.
    Arrived,
}

impl Place {
    pub const ALL: [Self; 4] = [Self::Looking, Self::Between, Self::Claimed, Self::Arrived];
}

/// What a history came to.
#[derive(Debug, Default)]
pub struct Told {
    /// Processes that were started.
    pub processes: u64,
    /// Those that were killed.
    pub deaths: u64,
    /// Where.
    pub places: BTreeMap<Place, u64>,
    /// Calls to the ELM that failed.
    pub failures: u64,
    /// Completions that the ELM does not have in the end.
    pub missing: u64,
    /// Completions that it has more than once.
    pub doubled: u64,
    /// What the journal does not call sent, by its word; and what a human is still asked.
    pub unsettled: Vec<String>,
}

impl Told {
    pub fn deaths_at(&self, place: Place) -> u64 {
        self.places.get(&place).copied().unwrap_or_default()
    }
}

pub struct History {
    stage: Stage,
    learners: Vec<Learner>,
    random: Random,
    told: Told,
    /// Tasks that are alive when no process is.
    idle: usize,
}

impl History {
    /// People who have completed a course of which nothing is reported yet.
    pub async fn new(seed: u64, people: i64) -> Self {
        let mut stage = Stage::new().await;
        let learners = stage.enrol(1..people + 1).await;
        for (minute, learner) in (10..).zip(&learners) {
            stage.complete(learner, minute);
        }
        renew(&mut stage);
        let idle = alive();
        Self { stage, learners, random: Random::new(seed), told: Told::default(), idle }
    }

    /// Dies while the ELM is silent: at a report that it has not got, at one that it has, at a look-up.
    pub async fn silence(mut self) -> Told {
        self.stage.flow.concurrency = 1;
        while self.is_under_way().await {
            let life = self.told.processes;
            self.stage.sandbox.faults().clear();
            // Which of its calls it dies at differs from life to life, or a look-up could keep it from ever going on.
            self.die_in_silence(1 + life % 3, Kind::SILENT[usize::from(life % 6 < 3)]).await;
            self.stage.pass(minutes(3));
        }
        self.end().await
    }

    /// Dies after each number of steps in turn, while the ELM fails at random, until all is reported.
    pub async fn sweep(mut self, by: u64) -> Told {
        self.stage.flow.concurrency = 1;
        let mut polls = 1;
        while self.is_under_way().await {
            self.arm(self.told.processes);
            self.die_after(polls).await;
            // Once all is recorded, what follows is the steps of one report and of its neighbours.
            polls = if self.is_recorded().await && polls > POLLS_OF_ONE { 1 } else { polls + by };
            self.stage.pass(minutes(7));
        }
        self.end().await
    }

    /// Dies at random, lives at random, until all is reported.
    pub async fn play(mut self) -> Told {
        while self.is_under_way().await {
            let life = self.random.draw() % 1_000_000;
            self.arm(life);
            self.stage.flow.concurrency = 1 + usize::try_from(self.random.below(3)).unwrap_or(0);
            let (soon, late) = (1 + self.random.below(2 * POLLS_OF_ONE), 1 + self.random.below(12 * POLLS_OF_ONE));
            let (nth, wait) = (1 + self.random.below(9), 1 + self.random.below(90));
            match self.random.below(8) {
                0 => self.die_in_silence(nth, Kind::SILENT[0]).await,
                1 => self.die_in_silence(nth, Kind::SILENT[1]).await,
                2..5 => self.die_after(soon).await,
                5..7 => self.die_after(late).await,
                _ => self.die_after(u64::MAX).await,
            }
            self.stage.pass(minutes(i64::try_from(wait).unwrap_or(1)));
        }
        self.end().await
    }

    /// About one call in four fails, each kind in its turn.
    fn arm(&self, life: u64) {
        let faults = self.stage.sandbox.faults();
        faults.clear();
        let first = usize::try_from(life).unwrap_or(0) * 3;
        for number in 0..3 {
            let kind = KINDS[(first + number) % KINDS.len()];
            let at = At::Seeded { permille: 90, seed: life * 10 + number as u64 };
            faults.arm(Fault { target: ELM, at, kind });
        }
    }

    async fn is_under_way(&mut self) -> bool {
        assert!(self.told.processes < PROCESSES_MAX, "it never ends: {:?}", self.told);
        let totals = self.stage.journal.completions().totals(&done()).await.unwrap();
        totals.get("sent").copied().unwrap_or_default() < self.learners.len() as u64
    }

    /// A process that is killed after so many steps, if it lives that long.
    async fn die_after(&mut self, polls: u64) {
        self.told.processes += 1;
        let ended = cut(self.stage.run(), polls).await;
        self.bury(ended).await;
    }

    /// A process that is killed while it waits for the ELM's answer to its `nth` call, if it comes that far.
    async fn die_in_silence(&mut self, nth: u64, kind: Kind) {
        self.told.processes += 1;
        let faults = self.stage.sandbox.faults();
        faults.arm(Fault::nth(ELM, nth, kind));
        let fell_silent = faults.until(kind);
        let ended = tokio::select! {
            _ = self.stage.run() => true,
            () = fell_silent => false,
        };
        self.bury(ended).await;
    }

    /// Waits until whatever a dead process had sent has arrived, and looks where it died.
    async fn bury(&mut self, ended: bool) {
        renew(&mut self.stage);
        self.settle().await;
        if ended {
            return;
        }
        self.told.deaths += 1;
        let place = self.place().await;
        *self.told.places.entry(place).or_default() += 1;
    }

    async fn is_recorded(&self) -> bool {
        let totals = self.stage.journal.completions().totals(&done()).await.unwrap();
        totals.values().sum::<u64>() == self.learners.len() as u64
    }

    async fn place(&self) -> Place {
        if !self.is_recorded().await {
            return Place::Looking;
        }
        let claimed = self.stage.journal.completions().claimed_reports(&done()).await.unwrap();
        let there = self.stage.enrolments();
        match claimed.iter().any(|report| there.contains(&report.report.enrolment)) {
            true => Place::Arrived,
            false if claimed.is_empty() => Place::Between,
            false => Place::Claimed,
        }
    }

    /// Knocks at the ELM, whose connections are served in the order in which they came, and waits until nobody works.
    async fn settle(&self) {
        let url = self.stage.sandbox.completion_url();
        let host = url.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
        let waited = async {
            let mut knock = tokio::net::TcpStream::connect(&host).await.unwrap();
            knock.write_all(b"GET /nobody HTTP/1.0\r\n\r\n").await.unwrap();
            let mut answer = Vec::new();
            let _whatever = knock.read_to_end(&mut answer).await;
            drop(knock);
            while alive() > self.idle {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waited).await.expect("the ELM is done with what it was sent");
    }

    /// Lets the ELM be well, and counts.
    async fn end(mut self) -> Told {
        self.stage.sandbox.faults().clear();
        for _ in 0..50 {
            if self.stage.run().await.delivered.waiting == 0 {
                break;
            }
            self.stage.pass(minutes(7 * 60));
        }
        let mut there = BTreeMap::<i64, u64>::new();
        self.stage.enrolments().into_iter().for_each(|enrolment| *there.entry(enrolment).or_default() += 1);
        let wanted = self.learners.iter().map(|learner| learner.enrolment);
        self.told.missing = wanted.filter(|enrolment| !there.contains_key(enrolment)).count() as u64;
        self.told.doubled = there.values().filter(|count| **count > 1).count() as u64;
        self.told.failures = self.stage.sandbox.faults().fired().len() as u64;
        let totals = self.stage.journal.completions().totals(&done()).await.unwrap();
        self.told.unsettled = totals.into_keys().filter(|standing| standing != "sent").collect();
        self.told.unsettled.extend(self.stage.asked().await);
        self.told
    }
}

/// A new process has new clients; the connections of the old one end.
fn renew(stage: &mut Stage) {
    let concurrency = stage.flow.concurrency;
    let (moodle, elm) = (stage.sandbox.moodle_url(), stage.sandbox.completion_url());
    stage.flow = patient_flow(&moodle, &elm, Lookups::Yes, PATIENCE);
    stage.flow.concurrency = concurrency;
}

fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}
