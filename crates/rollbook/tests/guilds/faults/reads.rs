//! Sites that are gone, and a community that fails in the middle of being read.

use crate::world::Site;
use rollbook_sandbox::{Fault, Kind, Target};
use rollbook_sync::flows::guilds::{GuildsQuery, Purpose};

#[tokio::test]
async fn site_that_is_gone_stops_the_run_and_nothing_is_guessed() {
    let mut site = Site::new("Web: ann ben").await;
    site.sandbox.take_down(rollbook_sandbox::Server::Moodle).await;
    assert!(site.run(GuildsQuery::All, Purpose::Apply).await.is_err());
    site.sandbox.bring_up(rollbook_sandbox::Server::Moodle).await.unwrap();
    site.sandbox.take_down(rollbook_sandbox::Server::Community).await;
    assert!(site.run(GuildsQuery::All, Purpose::Apply).await.is_err());
    assert!(site.cohorts().is_empty());
}

#[tokio::test]
async fn community_that_fails_in_the_middle_removes_nobody() {
    let members: Vec<String> = (0..120).map(|n| format!("p{n}")).collect();
    let mut site = Site::new(&format!("Web: {}", members.join(" "))).await;
    site.sync().await;
    for nth in 1..=4 {
        for kind in [Kind::HttpBeforeEffect(500), Kind::Html200, Kind::TruncatedJson, Kind::ResetMidBody] {
            site.sandbox.faults().arm(Fault::nth(Target::Community, nth, kind));
            let tried = site.run(GuildsQuery::All, Purpose::Apply).await;
            site.sandbox.faults().clear();
            assert!(tried.is_err(), "page {nth} {kind:?}");
        }
    }
    assert_eq!(site.cohorts()["web"].split(' ').count(), 120);
}
