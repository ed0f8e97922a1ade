//! What becomes of the cohort of a guild that is gone, in each of the three ways; and how the dashboard stands meanwhile.

use crate::world::{Site, changes, cohorts};
use jiff::SignedDuration;
use rollbook_core::model::PairState;
use rollbook_core::policy::ArchiveRule;
use rollbook_core::run::RunState;
use rollbook_sandbox::Server;
use rollbook_sync::flows::guilds::{GuildsStatus, Reach, SiteStatus, look_at_guilds};
use std::time::Duration;

/// Two guilds, of which one is deleted in the community after the first synchronisation.
async fn site(archive: ArchiveRule) -> Site {
    let mut site = Site::new("Web: ann ben\nDesign: ann cat dan eve fay gus").await;
    site.flow.policy.archive = archive;
    site.sync().await;
    site.community("Design: ann cat dan eve fay gus");
    site
}

impl Site {
    fn add_by_hand(&self, name: &str) {
        let (cohort, user) = (self.cohort("web").0, self.user(name));
        self.sandbox.world().moodle.add_member(cohort, user);
    }

    async fn look(&self, reach: Reach) -> GuildsStatus {
        look_at_guilds(&self.flow, &self.journal, &self.clock, reach).await.unwrap()
    }

    /// Name and visibility of the cohort of the guild that is gone.
    fn web(&self) -> Option<(String, bool)> {
        let world = self.sandbox.world();
        world.moodle.cohorts_by_idnumber("web").first().map(|cohort| (cohort.name.clone(), cohort.visible))
    }
}

#[tokio::test]
async fn hidden_cohort_is_emptied_marked_and_taken_up_again_when_the_guild_comes_back() {
    let mut site = site(ArchiveRule::Hide).await;
    let report = site.sync().await;
    assert_eq!(report.state, RunState::Done, "{:?}", report.findings);
    assert_eq!((site.cohorts()["web"].as_str(), site.web()), ("", Some(("AVC - Web (archived)".to_owned(), false))));
    let status = site.look(Reach::JournalOnly).await;
    assert_eq!((status.cohorts, status.archived), (1, 1));
    assert!(changes(&site.sync().await).is_empty(), "archived once");
    site.community("Web: ann ben\nDesign: ann cat dan eve fay gus");
    site.flow.policy.adopt = rollbook_core::policy::Adopt::Any;
    site.sync().await;
    assert_eq!((site.cohorts()["web"].as_str(), site.web()), ("ann ben", Some(("AVC - Web".to_owned(), true))));
}

#[tokio::test]
async fn kept_cohort_stays_with_its_members() {
    let mut site = site(ArchiveRule::Keep).await;
    let report = site.sync().await;
    assert_eq!(report.state, RunState::Done, "{:?}", report.findings);
    assert_eq!((site.cohorts()["web"].as_str(), site.web()), ("ann ben", Some(("AVC - Web".to_owned(), true))));
    assert!(changes(&site.sync().await).is_empty());
    let pairs = site.journal.guilds().owned(&site.flow.link).await.unwrap().pairs;
    assert_eq!(
        pairs.values().filter(|pair| pair.state == PairState::Archived).count(),
        1,
        "known as the cohort of a guild that is gone"
    );
}

#[tokio::test]
async fn deleted_cohort_is_gone_and_owned_no_more() {
    let mut site = site(ArchiveRule::Delete).await;
    let report = site.sync().await;
    assert_eq!(report.state, RunState::Done, "{:?}", report.findings);
    assert_eq!(site.cohorts(), cohorts(&[("design", "ann cat dan eve fay gus")]));
    let owned = site.journal.guilds().owned(&site.flow.link).await.unwrap();
    assert_eq!((owned.pairs.len(), owned.members.len()), (1, 1));
    assert!(changes(&site.sync().await).is_empty());
}

#[tokio::test]
async fn cohort_with_other_peoples_members_is_hidden_and_not_deleted() {
    let mut site = site(ArchiveRule::Delete).await;
    site.add_by_hand("gus");
    site.sync().await;
    assert_eq!((site.cohorts()["web"].as_str(), site.web()), ("gus", Some(("AVC - Web (archived)".to_owned(), false))));
}

#[tokio::test]
async fn dashboard_tells_reachability_age_failures_and_what_waits() {
    let mut site = Site::new("Web: ann ben cat dan eve fay").await;
    let fresh = site.look(Reach::Sites).await;
    assert!(fresh.stale && fresh.last.is_none(), "never synchronised is stale");
    assert!(matches!(fresh.sites, Some(SiteStatus::Reached(_))));
    site.sync().await;
    let status = site.look(Reach::Sites).await;
    assert_eq!((status.users, status.memberships, status.cohorts, status.archived), (6, 6, 1, 0));
    assert!(!status.stale && status.failure.is_none() && status.waiting.is_empty());

    site.hand.advance(Duration::from_secs(24 * 3600 - 1));
    assert!(!site.look(Reach::JournalOnly).await.stale);
    site.hand.advance(Duration::from_secs(2));
    let status = site.look(Reach::JournalOnly).await;
    assert!(status.stale, "stale after 24 hours");
    assert!(status.last.unwrap().age > SignedDuration::from_hours(24));

    site.community("Web: ann");
    site.sync().await;
    let status = site.look(Reach::JournalOnly).await;
    assert_eq!((status.waiting.len(), status.failure.unwrap().run.state), (1, RunState::GuardRefused));
    site.sandbox.take_down(Server::Community).await;
    let status = site.look(Reach::Sites).await;
    assert!(matches!(status.sites, Some(SiteStatus::Unreached(_))), "{:?}", status.sites);
    assert_eq!(status.users, 6, "what the journal knows is told all the same");
}
