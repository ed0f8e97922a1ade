//! Runs cases one after the other, and cleans up after each, whatever became of it.
//!
//! It must never run two cases at once: they would see each other's load. Next: `report.rs`.

use super::bench::Bench;
use super::difference::{Checked, Difference};
use super::report::{CaseResult, LiveReport, System, Verdict};
use futures_util::future::LocalBoxFuture;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A case that takes longer has hung.
const CASE_MAX: Duration = Duration::from_secs(300);

/// What a case cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A token that makes and deletes accounts and courses.
    Fixtures,
    /// A token that sees nothing.
    WeakToken,
    /// Moodle's database.
    Database,
    /// A role that guilds give.
    GuildRole,
    /// A community.
    Community,
    /// A community, as a user with a password and as a consumer.
    BothLogins,
    /// A community's account without rights.
    WeakMember,
    /// A community's database.
    CommunityDatabase,
    /// What lets somebody complete a course.
    Completer,
}

/// One thing that Rollbook believes of a Moodle.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it is about.
    pub area: &'static str,
    /// The rule, with `_` for spaces.
    pub name: &'static str,
    /// What it cannot do without.
    pub needs: &'static [Need],
    /// Looks whether it is so.
    pub run: for<'a> fn(&'a Bench) -> LocalBoxFuture<'a, Checked>,
}

impl Need {
    /// Why a case without it did not run.
    fn words(self) -> &'static str {
        match self {
            Self::Fixtures => "no fixture token",
            Self::WeakToken => "no weak token",
            Self::Database => "no database",
            Self::GuildRole => "no role for guilds",
            Self::Community => "no community",
            Self::BothLogins => "no community, or only one way to log in",
            Self::WeakMember => "no community, or no account without rights",
            Self::CommunityDatabase => "no community, or not its database",
            Self::Completer => "nothing to complete courses with",
        }
    }

    fn is_met(self, bench: &Bench) -> bool {
        let community = bench.options.community.as_ref();
        match self {
            Self::Fixtures => bench.fixture.is_some(),
            Self::WeakToken => bench.weak.is_some(),
            Self::Database => bench.database.is_some(),
            Self::GuildRole => bench.options.guild_role.is_some(),
            Self::Community => community.is_some_and(|community| community.service().is_some()),
            Self::BothLogins => {
                community.is_some_and(|community| community.basic.is_some() && community.oauth.is_some())
            }
            Self::WeakMember => community.is_some_and(|community| community.weak.is_some()),
            Self::CommunityDatabase => community.is_some_and(|community| community.database.is_some()),
            Self::Completer => bench.options.completer.is_some(),
        }
    }
}

/// Runs `cases` in their order, telling each result as it comes. After `stop` no further case begins.
pub async fn run_suite(
    bench: &Bench,
    cases: &[Case],
    stop: &CancellationToken,
    mut tell: impl FnMut(&CaseResult),
) -> LiveReport {
    let began = bench.clock.now();
    let system = match bench.reader().fetch_site_info().await {
        Ok(info) => System { url: info.siteurl, name: info.sitename, release: info.release },
        Err(error) => System { url: bench.options.url.clone(), name: String::new(), release: error.to_string() },
    };
    let mut results = Vec::new();
    for case in cases {
        let result = match case.needs.iter().find(|need| !need.is_met(bench)) {
            _ if stop.is_cancelled() => not_run(case, "stopped"),
            Some(need) => not_run(case, need.words()),
            None => run_case(bench, case).await,
        };
        tell(&result);
        results.push(result);
    }
    LiveReport { system, began, results }
}

async fn run_case(bench: &Bench, case: &Case) -> CaseResult {
    let timer = bench.clock.timer();
    let outcome = tokio::time::timeout(CASE_MAX, (case.run)(bench)).await;
    let duration_ms = timer.elapsed_ms();
    let (notes, left) = bench.clean_up().await;
    let mut differences = match outcome {
        Ok(Ok(())) => Vec::new(),
        Ok(Err(difference)) => vec![difference],
        Err(_) => vec![Difference::Failed {
            doing: "the case".to_owned(),
            why: format!("it was not done after {} s", CASE_MAX.as_secs()),
        }],
    };
    differences.extend(left.into_iter().map(|why| Difference::Failed { doing: "cleaning up".to_owned(), why }));
    let verdict = if differences.is_empty() {
        Verdict::Passed
    } else {
        Verdict::Failed(differences.iter().map(ToString::to_string).collect())
    };
    CaseResult { area: case.area, name: case.name, verdict, notes, duration_ms }
}

fn not_run(case: &Case, why: &str) -> CaseResult {
    let verdict = Verdict::NotRun(why.to_owned());
    CaseResult { area: case.area, name: case.name, verdict, notes: Vec::new(), duration_ms: 0 }
}
