//! One guild, one person.

use crate::world::{SENTINEL, Site, changes, cohorts};
use rollbook_core::run::RunState;
use rollbook_sync::flows::guilds::{GuildsError, GuildsQuery, Purpose};

#[tokio::test]
async fn one_guild_by_any_of_its_names() {
    let mut site = Site::new("Web Dev: ann\nDesign: ann").await;
    site.flow.community_sentinel = Some(SENTINEL.to_owned());
    for word in ["web-dev", "WEB-DEV", "Web Dev", "1"] {
        let report = site.run(GuildsQuery::Guild(word.to_owned()), Purpose::DryRun).await.unwrap();
        assert_eq!(report.plan.guilds[0].label, "Web Dev", "{word}");
    }
    let report = site.run(GuildsQuery::Guild("web-dev".to_owned()), Purpose::Apply).await.unwrap();
    assert_eq!(report.state, RunState::Done, "{:?}", report.findings);
    assert_eq!(site.cohorts(), cohorts(&[("web-dev", "ann")]));
}

#[tokio::test]
async fn unknown_guild_is_told_with_the_closest_names() {
    let mut site = Site::new("Web Dev: ann\nDesign: ann").await;
    let error = site.run(GuildsQuery::Guild("wed-dev".to_owned()), Purpose::DryRun).await.unwrap_err();
    assert!(matches!(error, GuildsError::NoSuchGuild { closest, .. } if closest == ["web-dev"]));
}

#[tokio::test]
async fn one_person_by_number_name_or_address() {
    let mut site = Site::new("Web: ann ben\nDesign: ann").await;
    site.flow.community_sentinel = Some(SENTINEL.to_owned());
    site.sync().await;
    site.community("Web: ann cat\nDesign: ann ben");
    let number = {
        let world = site.sandbox.world();
        world.community.accounts.values().find(|account| account.name == "ben").unwrap().uid
    };
    for word in [number.to_string(), "ben".to_owned(), "ben@example.org".to_owned()] {
        let report = site.run(GuildsQuery::Person(word), Purpose::DryRun).await.unwrap();
        assert_eq!(changes(&report).len(), 2);
    }
    let report = site.run(GuildsQuery::Person("ben".to_owned()), Purpose::Apply).await.unwrap();
    assert_eq!((report.counts.added, report.counts.removed), (1, 1));
    assert_eq!(site.cohorts(), cohorts(&[("web", "ann"), ("design", "ann ben")]), "and nothing is done for cat");
}

#[tokio::test]
async fn person_who_is_gone_from_the_community_is_removed_by_number() {
    let mut site = Site::new("Web: ann ben").await;
    site.flow.community_sentinel = Some(SENTINEL.to_owned());
    site.sync().await;
    let number = {
        let mut world = site.sandbox.world();
        let uid = world.community.accounts.values().find(|account| account.name == "ben").unwrap().uid;
        world.community.memberships.retain(|_, membership| membership.uid != uid);
        world.community.accounts.remove(&uid);
        uid
    };
    let report = site.run(GuildsQuery::Person(number.to_string()), Purpose::Apply).await.unwrap();
    assert_eq!(
        changes(&report),
        [format!("remove ben (account {}) from cohort {}: User left guild", site.user("ben"), site.cohort("web"))]
    );
    let error = site.run(GuildsQuery::Person("nobody".to_owned()), Purpose::DryRun).await.unwrap_err();
    assert!(matches!(error, GuildsError::NoSuchPerson { .. }));
}

#[tokio::test]
async fn scoped_runs_add_and_do_not_remove_while_a_full_plan_waits() {
    let mut site = Site::new("Web: ann ben cat dan eve fay").await;
    site.sync().await;
    site.community("Web: ann gus");
    assert_eq!(site.sync().await.state, RunState::GuardRefused);
    site.community("Web: ann gus hal");
    let report = site.run(GuildsQuery::Guild("web".to_owned()), Purpose::Apply).await.unwrap();
    assert_eq!((report.state, report.counts.added, report.counts.removed), (RunState::GuardRefused, 1, 0));
    assert_eq!(site.cohorts()["web"], "ann ben cat dan eve fay gus hal");
}

#[tokio::test]
async fn account_that_fits_somebody_of_another_guild_too_is_nobodys_in_a_scoped_run() {
    let mut site = Site::new("Web: ann\nDesign: ben!").await;
    let doubt = |site: &Site, mail: &str| {
        let mut world = site.sandbox.world();
        let ben = world.community.accounts.values_mut().find(|account| account.name == "ben").unwrap();
        ben.mail = Some(mail.to_owned());
    };
    doubt(&site, "Ann@Example.org");
    for query in [GuildsQuery::Guild("web".to_owned()), GuildsQuery::Person("ann".to_owned()), GuildsQuery::All] {
        let report = site.run(query.clone(), Purpose::DryRun).await.unwrap();
        assert!(!changes(&report).iter().any(|change| change.starts_with("add")), "{query:?}: {:?}", changes(&report));
        let doubtful = report.plan.skips.iter().any(|skip| skip.reason.to_string().contains("also fits"));
        assert!(doubtful || matches!(query, GuildsQuery::Person(_)), "{query:?}: one person makes no cohort");
    }
    doubt(&site, "ben@example.org");
    let report = site.run(GuildsQuery::Guild("web".to_owned()), Purpose::DryRun).await.unwrap();
    assert!(changes(&report).iter().any(|change| change.starts_with("add ann")));
}
