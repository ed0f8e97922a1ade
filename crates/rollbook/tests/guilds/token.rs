//! OAuth2 client credentials over a whole run: the token ends while pages are read, and nobody is lost by it.

use crate::world::{SENTINEL, Site, changes};
use rollbook_community::client::DrupalAuth;
use rollbook_core::run::RunState;
use rollbook_sandbox::{COMMUNITY_CLIENT_ID, COMMUNITY_CLIENT_SECRET, Clock, Fault, Kind, Target};
use rollbook_sync::flows::guilds::{GuildsError, GuildsQuery, GuildsReport, Purpose};
use std::sync::Arc;
use std::time::Duration;

/// An answer that comes this late leaves time to turn the clocks.
const LATE: Kind = Kind::SlowMs(400);
/// Longer than a token of the stand-in lives.
const LIFE: Duration = Duration::from_secs(301);
const MEMBERS: usize = 170;

/// Enough members for several pages, read by a consumer with a token.
async fn site() -> Site {
    let members: Vec<String> = (0..MEMBERS).map(|n| format!("p{n}")).collect();
    let mut site = Site::new(&format!("Web: ann {}\nDesign: ann", members.join(" "))).await;
    site.flow.community_sentinel = Some(SENTINEL.to_owned());
    site.flow.lease = jiff::SignedDuration::from_hours(9);
    site.auth = DrupalAuth::OAuth2 {
        client_id: COMMUNITY_CLIENT_ID.to_owned(),
        client_secret: COMMUNITY_CLIENT_SECRET.into(),
        scope: None,
    };
    site.sandbox.world().clock = Clock::Fixed(site.clock.now());
    site
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Turned {
    /// Both sides know that the token is over.
    Both,
    /// The community's clock jumps alone: a token is refused that should still count.
    Theirs,
    /// And no further token is to be had.
    TheirsForGood,
}

impl Site {
    /// Runs, and turns the clocks while the `nth` request to the community is under way. Says whether it came to that.
    async fn run_over_the_end(&mut self, nth: u64, turned: Turned) -> (Result<GuildsReport, GuildsError>, bool) {
        let (hand, sandbox) = (self.hand.clone(), Arc::clone(&self.sandbox));
        let over = sandbox.world().now() + jiff::SignedDuration::try_from(LIFE).unwrap();
        sandbox.forget_calls();
        sandbox.faults().clear();
        sandbox.faults().arm(Fault::nth(Target::Community, nth, LATE));
        let before = sandbox.faults().fired().len();
        let turning = async {
            sandbox.faults().until(LATE).await;
            let mut world = sandbox.world();
            world.clock = Clock::Fixed(over);
            match turned {
                Turned::Both => hand.advance(LIFE),
                Turned::Theirs => {}
                Turned::TheirsForGood => world.community.consumers.clear(),
            }
            drop(world);
            std::future::pending::<()>().await;
        };
        let run = tokio::select! {
            run = self.run(GuildsQuery::All, Purpose::Apply) => run,
            () = turning => unreachable!("turning waits for ever once it is done"),
        };
        (run, sandbox.faults().fired().len() > before)
    }

    fn tokens(&self) -> usize {
        self.sandbox.calls().of("community_token")
    }
}

#[tokio::test]
async fn token_that_ends_at_any_request_of_a_run_is_renewed_and_all_is_read() {
    for turned in [Turned::Both, Turned::Theirs] {
        let mut renewed = 0;
        for nth in 2..20 {
            let mut site = site().await;
            let (report, turned_in_time) = site.run_over_the_end(nth, turned).await;
            let report = report.unwrap();
            assert_eq!(report.state, RunState::Done, "{turned:?} at {nth}: {:?}", report.findings);
            let (web, design) = (site.cohorts()["web"].split(' ').count(), site.cohorts()["design"].clone());
            assert_eq!((web, design.as_str()), (MEMBERS + 1, "ann"), "{turned:?} at {nth}");
            if !turned_in_time {
                break;
            }
            renewed += usize::from(site.tokens() > 1);
        }
        assert!(renewed >= 3, "{turned:?}: only {renewed} runs needed a second token");
    }
}

#[tokio::test]
async fn members_who_are_read_before_and_after_the_renewal_stay_where_they_are() {
    let mut site = site().await;
    site.sync().await;
    site.sandbox.world().clock = Clock::Fixed(site.clock.now());
    let (report, _) = site.run_over_the_end(4, Turned::Theirs).await;
    let report = report.unwrap();
    assert_eq!((changes(&report), report.state), (Vec::new(), RunState::Done), "{:?}", report.findings);
    assert_eq!(site.tokens(), 2, "one token, and the one that replaces it");
}

#[tokio::test]
async fn consumer_that_is_removed_in_the_middle_of_a_run_ends_it_and_removes_nobody() {
    let mut site = site().await;
    site.sync().await;
    for nth in [3, 4, 5] {
        let consumers = site.sandbox.world().community.consumers.clone();
        let (run, in_time) = site.run_over_the_end(nth, Turned::TheirsForGood).await;
        assert!(in_time && matches!(run, Err(GuildsError::Community(_))), "request {nth}: {run:?}");
        assert_eq!(site.cohorts()["web"].split(' ').count(), MEMBERS + 1);
        site.sandbox.world().community.consumers = consumers;
    }
    site.sandbox.faults().clear();
    assert!(changes(&site.sync().await).is_empty());
}
