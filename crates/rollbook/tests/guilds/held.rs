//! What a guard holds back: its own changes, until a person approves them or nobody wants them any more.

use crate::world::{Site, changes};
use jiff::SignedDuration;
use rollbook_core::run::RunState;
use rollbook_journal::PlanState;
use rollbook_sync::flows::guilds::{GuildsQuery, Purpose};

const BEFORE: &str = "A: ann ben cat dan eve fay\nB: gus\nC: c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 ca cb cc cd ce cf cg ch";
const AFTER: &str = "A: ann ben cat dan\nB: gus hal\nC: c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 ca cb cc cd ce cf cg ch";

/// CASES G1: guild A loses 2 of 6, guild B gains 1.
#[tokio::test]
async fn case_g1_one_guild_waits_and_the_other_goes_on() {
    let mut site = Site::new(BEFORE).await;
    site.sync().await;
    site.community(AFTER);
    let dry = site.dry_run().await;
    let report = site.sync().await;
    assert_eq!(report.state, RunState::GuardRefused);
    assert_eq!((dry.findings, dry.held), (report.findings, report.held), "a dry run says the same");
    assert_eq!((report.counts.added, report.counts.removed, report.counts.waiting), (1, 0, 2));
    let now = site.cohorts();
    assert_eq!((now["a"].as_str(), now["b"].as_str()), ("ann ben cat dan eve fay", "gus hal"));
    // Once approved, the two go at once, although somebody else has joined meanwhile.
    let (at, plan) = (site.clock.now(), report.waiting.unwrap());
    let until = at + SignedDuration::from_hours(1);
    site.journal.plans().approve(plan, "Jo", "they left", until, at).await.unwrap();
    site.community(&AFTER.replace("hal", "hal ida"));
    let report = site.sync().await;
    assert_eq!((report.state, report.approved_by.as_deref()), (RunState::Done, Some("Jo")));
    assert_eq!((report.counts.added, report.counts.removed), (1, 2));
    assert_eq!(site.cohorts()["a"], "ann ben cat dan");
    assert!(site.journal.plans().open(&site.flow.link).await.unwrap().is_empty());
}

/// CASES G2: the guild is restored, and the plan lapses at the next look; a scoped removal is free again.
#[tokio::test]
async fn case_g2_a_plan_that_is_no_longer_wanted_lapses_by_itself() {
    let mut site = Site::new(BEFORE).await;
    site.sync().await;
    site.community(AFTER);
    let plan = site.sync().await.waiting.unwrap();
    site.community(BEFORE);
    let report = site.sync().await;
    assert_ne!(report.state, RunState::GuardRefused);
    assert_eq!(site.journal.plans().find(plan).await.unwrap().state, PlanState::Lapsed);
    site.community(&BEFORE.replace(" ch", ""));
    let scoped = site.run(GuildsQuery::Guild("c".to_owned()), Purpose::Apply).await.unwrap();
    assert_eq!((scoped.state, scoped.counts.removed), (RunState::Done, 1));
}

/// What waits in a full plan is not done guild by guild or person by person meanwhile; anything else is.
#[tokio::test]
async fn scoped_runs_leave_alone_what_waits_and_do_the_rest() {
    let mut site = Site::new(BEFORE).await;
    site.sync().await;
    site.community(AFTER);
    let plan = site.sync().await.waiting.unwrap();
    let person = site.run(GuildsQuery::Person("eve".to_owned()), Purpose::Apply).await.unwrap();
    assert_eq!((person.state, person.counts.removed), (RunState::GuardRefused, 0), "{:?}", changes(&person));
    site.community(&AFTER.replace(" ch", ""));
    let guild = site.run(GuildsQuery::Guild("c".to_owned()), Purpose::Apply).await.unwrap();
    assert_eq!((guild.state, guild.counts.removed), (RunState::Done, 1));
    assert_eq!(site.journal.plans().find(plan).await.unwrap().state, PlanState::Blocked);
    assert_eq!(site.cohorts()["a"], "ann ben cat dan eve fay");
}
