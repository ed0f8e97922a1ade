//! What hurt the users of other tools, each as a test over the whole way. The numbers are those of docs/THREATS.md's list.

use crate::world::{SENTINEL, Site, changes, cohorts};
use rollbook_core::model::{GuildRole, RoleContext, RoleId};
use rollbook_core::policy::{RoleGiver, RoleRule};
use rollbook_core::run::{EventKind, RunState};
use rollbook_sandbox::community::Rights;
use rollbook_sandbox::moodle::GUILD_MENTOR_ROLE;
use rollbook_sandbox::{Fault, Kind, Target};
use rollbook_sync::flows::guilds::{GuildsQuery, Purpose};
use std::sync::Arc;

#[tokio::test]
async fn pain_1_a_lost_permission_or_a_wrong_password_removes_nobody() {
    let mut site = Site::new("Web: ann ben cat").await;
    site.flow.community_sentinel = Some(SENTINEL.to_owned());
    site.sync().await;
    let before = site.cohorts();
    let full = Rights::least();
    let blind = [
        Rights { view_memberships: false, ..full },
        Rights { view_group: false, ..full },
        Rights { view_group: false, view_memberships: false, ..full },
        Rights { access_profiles: false, administer_users: false, view_mail: false, ..full },
    ];
    for rights in blind {
        site.sandbox.world().community.service_account().unwrap().rights = rights;
        let report = site.sync().await;
        assert_ne!(report.state, RunState::Done, "{rights:?}");
        assert_eq!(site.cohorts(), before, "{rights:?}");
    }
    site.sandbox.world().community.service_account().unwrap().rights = full;
    site.sandbox.world().community.service_account().unwrap().password = Some("changed".to_owned());
    assert!(site.run(GuildsQuery::All, Purpose::Apply).await.is_err(), "who is nobody reads nothing");
    assert_eq!(site.cohorts(), before);
}

/// More leavers than the limits allow wait for a person; the person's word lets the big change through, once.
#[tokio::test]
async fn pain_2_too_many_removals_wait_for_a_person_who_can_let_them_through() {
    let mut site = Site::new("Web: ann ben cat dan eve fay gus hal").await;
    site.sync().await;
    let before = site.cohorts();
    site.community("Web: ann");
    let refused = site.sync().await;
    assert_eq!((refused.state, site.cohorts()), (RunState::GuardRefused, before));
    let (now, plan) = (site.clock.now(), refused.waiting.unwrap());
    site.journal.plans().approve(plan, "Jo", "closed", now + jiff::SignedDuration::from_hours(1), now).await.unwrap();
    let approved = site.sync().await;
    assert_eq!((approved.state, approved.approved_by.as_deref()), (RunState::Done, Some("Jo")));
    assert_eq!(site.cohorts(), cohorts(&[("web", "ann")]));
}

#[tokio::test]
async fn pain_3_a_cohort_that_rollbook_never_made_survives_everything() {
    let mut site = Site::new("Web: ann ben").await;
    {
        let mut world = site.sandbox.world();
        let picnic = world.moodle.add_cohort("picnic", "Picnic");
        let ben = world.moodle.users_by_username("ben")[0].id;
        world.moodle.add_member(picnic, ben);
    }
    site.sync().await;
    site.community("Web: ann");
    site.sync().await;
    assert_eq!(site.cohorts(), cohorts(&[("web", "ann"), ("picnic", "ben")]));
}

#[tokio::test]
async fn pain_4_one_bad_member_stops_no_other() {
    let mut site = Site::new("Web: ann ben cat\nDesign: dan").await;
    let ben = site.user("ben");
    // Deleted in Moodle between the look-up and the call: a member whom nothing can add.
    let late = Kind::SlowMs(300);
    let sandbox = Arc::clone(&site.sandbox);
    sandbox.faults().arm(Fault::nth(Target::Moodle(Some("core_cohort_add_cohort_members")), 1, late));
    let deleting = async {
        sandbox.faults().until(late).await;
        sandbox.world().moodle.delete_user(ben, 1);
    };
    let (report, ()) = tokio::join!(site.sync(), deleting);
    assert_eq!((report.state, report.counts.refused, report.counts.added), (RunState::Partly, 1, 3));
    assert_eq!(site.cohorts(), cohorts(&[("web", "ann cat"), ("design", "dan")]));
    let again = site.sync().await;
    assert_eq!((again.state, changes(&again)), (RunState::Done, Vec::new()), "he has no account now, which is told");
    assert!(again.plan.skips.iter().any(|skip| skip.reason.to_string() == "no Moodle account"));
}

#[tokio::test]
async fn pain_4_one_bad_guild_stops_no_other() {
    let mut site = Site::new("Web: ann\nDesign: ben\nMore: cat").await;
    for group in site.sandbox.world().community.groups.values_mut().filter(|group| group.label != "More") {
        group.machine_name = Some("same".to_owned());
    }
    let report = site.sync().await;
    assert_eq!(report.state, RunState::Partly, "the guilds without a cohort are told");
    assert_eq!(site.cohorts(), cohorts(&[("more", "cat")]), "which of the two is meant is nobody's guess");
    let told = report.findings.iter().filter(|finding| finding.check == "machine_names").count();
    assert_eq!(told, 2, "{:?}", report.findings);
}

#[tokio::test]
async fn pain_7_a_dry_run_says_what_the_real_run_then_does() {
    let mut site = Site::new("Web: ann ben\nDesign: cat").await;
    let dry = site.dry_run().await;
    assert!(site.cohorts().is_empty(), "a dry run changes nothing");
    let writes = ["create", "add", "delete", "update", "assign", "unassign"];
    let calls = site.sandbox.calls();
    assert!(!calls.list().iter().any(|call| writes.iter().any(|verb| call.function.contains(verb))));
    let real = site.sync().await;
    assert_eq!(dry.plan.digest(), real.plan.digest());
    assert_eq!(changes(&dry), changes(&real));
    assert_eq!(real.state, RunState::Done);
}

#[tokio::test]
async fn pain_9_one_person_is_synchronised_alone_in_few_calls() {
    let mut site = Site::new("Web: ann ben").await;
    site.sync().await;
    site.community("Web: ann ben cat");
    let report = site.run(GuildsQuery::Person("cat".to_owned()), Purpose::Apply).await.unwrap();
    assert_eq!(
        changes(&report),
        [format!("add cat (account {}) to cohort {}: User joined guild", site.user("cat"), site.cohort("web"))]
    );
    assert!(report.counts.calls <= 8, "{:?}", report.calls);
}

#[tokio::test]
async fn pain_10_the_journal_says_why_somebody_was_removed() {
    let mut site = Site::new("Web: ann ben").await;
    site.sync().await;
    site.community("Web: ann");
    let report = site.sync().await;
    let events = site.journal.runs().events(&report.run.unwrap(), 0, 100).await.unwrap();
    let texts: Vec<_> = events
        .iter()
        .filter(|event| event.kind == EventKind::Applied)
        .map(|event| event.payload["text"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(texts.len(), 1);
    assert!(texts[0].starts_with("remove ben") && texts[0].ends_with("User left guild"), "{texts:?}");
}

#[tokio::test]
async fn pain_14_members_are_added_before_any_is_removed() {
    let mut site = Site::new("Web: ann ben\nDesign: cat").await;
    site.sync().await;
    site.community("Web: ann cat\nDesign: ben");
    site.sandbox.forget_calls();
    site.sync().await;
    let calls = site.sandbox.calls();
    let place = |name: &str| calls.list().iter().position(|call| call.function == name);
    let last = |name: &str| calls.list().iter().rposition(|call| call.function == name);
    assert!(last("core_cohort_add_cohort_members") < place("core_cohort_delete_cohort_members"));
}

/// PHP's `max_input_vars` is far below what the site's `input_vars` says: each call that lost something is refused as a whole, and
/// done in halves.
#[tokio::test]
async fn nothing_is_lost_where_php_reads_few_variables() {
    let mentors: Vec<String> = (10..40).map(|n| format!("u{n}[guild-mentor]")).collect();
    let mut site = Site::new(&format!("Web: {}", mentors.join(" "))).await;
    site.sandbox.world().moodle.site.max_input_vars = 60;
    let giver = RoleGiver::Role(GuildRole::new("guild-mentor"));
    site.flow.policy.roles = vec![RoleRule { giver, role: RoleId(GUILD_MENTOR_ROLE), context: RoleContext::System }];
    let report = site.sync().await;
    assert_eq!((report.state, report.counts.added, report.counts.roles_assigned), (RunState::Done, 30, 30));
    let given = site.sandbox.world().moodle.assignments.iter().count();
    assert_eq!(given, 30, "each has the role in Moodle, too");
    site.sandbox.forget_calls();
    assert!(changes(&site.sync().await).is_empty());
}
