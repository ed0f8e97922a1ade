//! One history: days of half hours, each with something that happens, perhaps something that fails, and the runs that are due.

use crate::sites::{Process, Sites};
use crate::town::Town;
use crate::truth::find_wrong;
use jiff::SignedDuration;
use rollbook_sandbox::random::Random;
use rollbook_sandbox::{At, Fault, Kind, Target, cut};

/// Days of a history.
pub const DAYS: u64 = 5;
/// Then nothing fails any more, and what was put off is done within so many half hours.
const QUIET: usize = 60;

const KINDS: [Kind; 14] = [
    Kind::RefuseConnection,
    Kind::ResetBeforeEffect,
    Kind::ResetAfterEffect,
    Kind::ResetMidBody,
    Kind::HttpBeforeEffect(500),
    Kind::HttpAfterEffect(500),
    Kind::HttpBeforeEffect(503),
    Kind::HttpAfterEffect(504),
    Kind::Html200,
    Kind::TruncatedJson,
    Kind::EmptyBody200,
    Kind::TimeoutBeforeEffect,
    Kind::TimeoutAfterEffect,
    Kind::ExceptionIn200 { errorcode: "sitemaintenance" },
];

/// What a history came to.
#[derive(Default)]
pub struct Told {
    pub runs: u64,
    pub failed: u64,
    pub killed: u64,
    pub faults: usize,
    pub records: usize,
    pub completions: usize,
    pub memberships: usize,
    pub wrong: Vec<String>,
}

impl Told {
    pub fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.failed += other.failed;
        self.killed += other.killed;
        self.faults += other.faults;
        self.records += other.records;
        self.completions += other.completions;
        self.memberships += other.memberships;
        self.wrong.extend(other.wrong);
    }
}

pub struct History {
    seed: u64,
    random: Random,
    town: Town,
    told: Told,
}

impl History {
    pub fn new(seed: u64) -> Self {
        Self { seed, random: Random::new(seed), town: Town::default(), told: Told::default() }
    }

    pub async fn play(mut self) -> Told {
        let sites = Sites::start(|world| self.town.found(world)).await;
        for half_hour in 0..DAYS * 48 {
            let hour = half_hour % 48 / 2;
            self.town.live(&mut sites.sandbox.world(), &mut self.random, (6..19).contains(&hour));
            if self.random.chance(600) {
                self.arm(&sites);
            }
            let death = self.random.chance(150).then(|| 5 + self.random.below(160));
            self.work(&sites, half_hour % 48, death).await;
            sites.sandbox.faults().clear();
            sites.pass(SignedDuration::from_mins(30));
        }
        for half_hour in 0..QUIET {
            self.work(&sites, u64::try_from(half_hour % 48).unwrap(), None).await;
            // The last steps are far apart: what Moodle refused is tried again a day later.
            let last = half_hour + 4 > QUIET;
            sites.pass(if last { SignedDuration::from_hours(25) } else { SignedDuration::from_mins(30) });
        }
        let process = sites.process().await;
        process.guilds().await.unwrap();
        let Self { town, mut told, .. } = self;
        told.wrong = find_wrong(&town, &sites, process.journal()).await;
        told.faults = sites.sandbox.faults().fired().len();
        told.records = town.records;
        told.completions = town.completed.len();
        told.memberships = town.guilds.values().map(std::collections::BTreeSet::len).sum();
        sites.sandbox.stop().await;
        told
    }

    fn arm(&mut self, sites: &Sites) {
        for number in 0..=self.random.below(2) {
            let targets = [Target::Moodle(None), Target::Feed, Target::Completion, Target::Community, Target::Smtp];
            let target = *self.random.pick(&targets);
            let kind = match target {
                Target::Smtp => *self.random.pick(&[Kind::ResetAfterEffect, Kind::HttpBeforeEffect(451)]),
                _ => *self.random.pick(&KINDS),
            };
            let at = At::Seeded { permille: 200, seed: self.seed * 1_000 + self.random.below(1_000) + number };
            sites.sandbox.faults().arm(Fault { target, at, kind });
        }
    }

    /// What the schedule would run, by one process; it dies after so many steps, wherever it stands.
    async fn work(&mut self, sites: &Sites, half_hour: u64, death: Option<u64>) {
        let process = sites.process().await;
        let mut runs = 0;
        let mut failed = 0;
        let ended = cut(all_runs(&process, half_hour, &mut runs, &mut failed), death.unwrap_or(u64::MAX)).await;
        self.told.runs += runs;
        self.told.failed += failed;
        self.told.killed += u64::from(!ended);
    }
}

async fn all_runs(process: &Process<'_>, half_hour: u64, runs: &mut u64, failed: &mut u64) {
    let mut count = |went_well: bool| {
        *runs += 1;
        *failed += u64::from(!went_well);
    };
    if (12..38).contains(&half_hour) {
        count(process.intake().await.is_ok());
    }
    process.mails().await;
    count(process.completions().await.is_ok());
    if half_hour == 4 || half_hour == 26 {
        count(process.guilds().await.is_ok());
    }
}
