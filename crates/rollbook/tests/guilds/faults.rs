//! Every write of the flow, failed before or after its effect: run again, and all is as it should be and owned.

use crate::world::{Site, changes, cohorts};
use rollbook::pipeline::guilds::{Ask, Purpose};
use rollbook_core::model::{GuildRole, RoleContext, RoleId};
use rollbook_core::policy::{MemberAccounts, NewMemberRule, RoleGiver, RoleRule};
use rollbook_core::run::RunState;
use rollbook_sandbox::moodle::{Context, GUILD_MENTOR_ROLE};
use rollbook_sandbox::{Fault, Kind, Target};

const KINDS: [Kind; 13] = [
    Kind::TimeoutBeforeEffect,
    Kind::TimeoutAfterEffect,
    Kind::RefuseConnection,
    Kind::ResetBeforeEffect,
    Kind::ResetAfterEffect,
    Kind::ResetMidBody,
    Kind::HttpBeforeEffect(500),
    Kind::HttpAfterEffect(500),
    Kind::HttpAfterEffect(504),
    Kind::Html200,
    Kind::TruncatedJson,
    Kind::ExceptionIn200 { errorcode: "dmlwriteexception" },
    Kind::EmptyBody200,
];

/// So long is an answer waited for that does not come.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(1_200);

fn rule() -> RoleRule {
    let giver = RoleGiver::Role(GuildRole::new("guild-mentor"));
    RoleRule { giver, role: RoleId(GUILD_MENTOR_ROLE), context: RoleContext::System }
}

/// After at most two further runs nothing is left to do, and everything that is there is owned: it can be removed again.
async fn comes_right(site: &mut Site, why: &str) {
    for _ in 0..3 {
        let report = site.sync().await;
        if report.state == RunState::Done && changes(&report).is_empty() {
            break;
        }
    }
    let report = site.dry_run().await;
    assert_eq!(changes(&report), Vec::<String>::new(), "{why}");
    let foreign = report.plan.skips.iter().filter(|skip| skip.reason.to_string().contains("not added by Rollbook"));
    assert_eq!(foreign.count(), 0, "{why}: {:?}", report.plan.skips);
}

#[tokio::test]
async fn every_adding_write_may_fail_in_every_way() {
    let functions = [
        "core_user_create_users",
        "core_cohort_create_cohorts",
        "core_cohort_add_cohort_members",
        "core_role_assign_roles",
    ];
    for function in functions {
        for kind in KINDS {
            let why = format!("{function} {kind:?}");
            let mut site = Site::new("Web: ann[guild-mentor] ben eve!\nDesign: ann cat").await;
            site.flow.policy.roles = vec![rule()];
            site.flow.policy.accounts =
                MemberAccounts::Create(NewMemberRule { auth: "oauth2".into(), last_name: "-".into() });
            site.patience = PATIENCE;
            site.arm(function, kind);
            let _first = site.run(Ask::All, Purpose::Apply).await;
            site.sandbox.faults().clear();
            site.patience = std::time::Duration::from_secs(20);
            comes_right(&mut site, &why).await;
            let expected = cohorts(&[("web", "ann ben eve@example.org"), ("design", "ann cat")]);
            assert_eq!(site.cohorts(), expected, "{why}");
            assert_eq!(site.sandbox.world().moodle.users_by_email("eve@example.org").len(), 1, "{why}");
            let ann = site.user("ann");
            let roles = site.sandbox.world().moodle.roles_of(ann, Context::System).count();
            assert_eq!(roles, 1, "{why}");
        }
    }
}

#[tokio::test]
async fn every_removing_or_changing_write_may_fail_in_every_way() {
    let functions = ["core_cohort_delete_cohort_members", "core_cohort_update_cohorts", "core_role_unassign_roles"];
    for function in functions {
        for kind in KINDS {
            let why = format!("{function} {kind:?}");
            let mut site = Site::new("Web: ann[guild-mentor] ben\nDesign: ann cat\nOld: ben").await;
            site.flow.policy.roles = vec![rule()];
            site.flow.policy.limits.exempt_under = 50;
            site.sync().await;
            site.community("Web: ann dan\nDesign: ann cat");
            site.patience = PATIENCE;
            site.arm(function, kind);
            let first = site.sync().await;
            site.sandbox.faults().clear();
            site.patience = std::time::Duration::from_secs(20);
            comes_right(&mut site, &why).await;
            assert_eq!(
                site.cohorts(),
                cohorts(&[("web", "ann dan"), ("design", "ann cat"), ("old", "")]),
                "{why} {first:?}"
            );
            let ann = site.user("ann");
            let roles = site.sandbox.world().moodle.roles_of(ann, Context::System).count();
            assert_eq!(roles, 0, "{why}");
        }
    }
}

#[tokio::test]
async fn half_a_batch_is_made_whole_by_the_next_run() {
    let mut site = Site::new("Web: ann ben cat dan").await;
    site.arm("core_cohort_add_cohort_members", Kind::HalfBatch);
    site.sync().await;
    site.sandbox.faults().clear();
    comes_right(&mut site, "half a batch").await;
    assert_eq!(site.cohorts()["web"], "ann ben cat dan");
}

#[tokio::test]
async fn dead_process_is_repaired_by_the_next_run() {
    for after in [1, 2, 3, 4] {
        let mut site = Site::new("Web: ann ben\nDesign: cat dan\nMore: ann").await;
        let target = Target::Moodle(None);
        // The run is dropped in the middle of a call, as a killed process is.
        let slow = Fault::nth(target, 6 + after, Kind::SlowMs(400));
        site.sandbox.faults().arm(slow);
        {
            let run = site.sync();
            let limit = std::time::Duration::from_millis(900);
            let _cut_off = tokio::time::timeout(limit, run).await;
        }
        site.sandbox.faults().clear();
        site.hand.advance(std::time::Duration::from_secs(120));
        comes_right(&mut site, &format!("killed at call {after}")).await;
        assert_eq!(site.cohorts(), cohorts(&[("web", "ann ben"), ("design", "cat dan"), ("more", "ann")]));
    }
}

#[tokio::test]
async fn site_that_is_gone_stops_the_run_and_nothing_is_guessed() {
    let mut site = Site::new("Web: ann ben").await;
    site.sandbox.take_down(rollbook_sandbox::Server::Moodle).await;
    assert!(site.run(Ask::All, Purpose::Apply).await.is_err());
    site.sandbox.bring_up(rollbook_sandbox::Server::Moodle).await.unwrap();
    site.sandbox.take_down(rollbook_sandbox::Server::Community).await;
    assert!(site.run(Ask::All, Purpose::Apply).await.is_err());
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
            let tried = site.run(Ask::All, Purpose::Apply).await;
            site.sandbox.faults().clear();
            assert!(tried.is_err(), "page {nth} {kind:?}");
        }
    }
    assert_eq!(site.cohorts()["web"].split(' ').count(), 120);
}
