//! A full synchronisation, from nothing and afterwards.

use crate::world::{SENTINEL, Site, changes, cohorts};
use rollbook_core::guard::Level;
use rollbook_core::model::{CategoryId, GuildRole, MoodleCourseId, RoleContext, RoleId};
use rollbook_core::policy::{Adopt, RoleGiver, RoleRule};
use rollbook_core::run::RunState;
use rollbook_sandbox::moodle::{Context, GUILD_MENTOR_ROLE};

#[tokio::test]
async fn from_nothing_and_then_nothing_to_do() {
    let mut site = Site::new("Web Dev: ann ben -cat eve!\nDesign: ann").await;
    site.flow.community_sentinel = Some(SENTINEL.to_owned());
    let report = site.sync().await;
    assert_eq!(report.state, RunState::Done, "{:?}", report.findings);
    assert_eq!(site.cohorts(), cohorts(&[("web-dev", "ann ben"), ("design", "ann")]));
    assert_eq!((report.counts.cohorts, report.counts.added), (2, 3));
    let again = site.sync().await;
    assert_eq!(changes(&again), Vec::<String>::new());
    assert_eq!((again.counts.unchanged, again.state), (3, RunState::Done));
}

#[tokio::test]
async fn leavers_go_and_renamed_guilds_keep_their_cohorts() {
    let mut site = Site::new("Web: ann ben cat dan eve fay").await;
    site.sync().await;
    let cohort = site.cohort("web");
    site.community("Web: ann ben cat dan eve gus");
    for group in site.sandbox.world().community.groups.values_mut() {
        group.label = "Web Development".to_owned();
    }
    let report = site.sync().await;
    assert_eq!(report.state, RunState::Done);
    assert_eq!(site.cohorts(), cohorts(&[("web", "ann ben cat dan eve gus")]), "the idnumber stays as it was given");
    assert_eq!(site.cohort("web"), cohort);
}

#[tokio::test]
async fn deleted_guild_is_archived_and_a_guild_that_may_not_be_seen_is_not() {
    let mut site = Site::new("Web: ann ben\nDesign: cat\nOther: ann ben cat dan eve fay gus hal").await;
    site.sync().await;
    {
        let mut world = site.sandbox.world();
        let hidden = world.community.groups.values_mut().find(|group| group.label == "Design").unwrap();
        hidden.published = false;
        let web = world.community.groups.values().find(|group| group.label == "Web").unwrap().id;
        world.community.groups.remove(&web);
        world.community.memberships.retain(|_, membership| membership.group_id != web);
    }
    let report = site.sync().await;
    assert_eq!(report.state, RunState::Partly, "the guild that is not seen is told");
    let cohorts = site.cohorts();
    assert_eq!((cohorts["web"].as_str(), cohorts["design"].as_str()), ("", "cat"));
    let world = site.sandbox.world();
    let web = world.moodle.cohorts_by_idnumber("web")[0];
    assert_eq!((web.name.as_str(), web.visible), ("AVC - Web (archived)", false));
}

#[tokio::test]
async fn foreign_cohort_is_neither_looked_at_nor_changed_and_adopted_only_when_told_to() {
    let mut site = Site::new("Web: ann ben").await;
    let (web, picnic) = {
        let mut world = site.sandbox.world();
        let web = world.moodle.add_cohort("web", "By hand");
        let picnic = world.moodle.add_cohort("picnic", "Picnic");
        let ann = world.moodle.users_by_username("ann")[0].id;
        world.moodle.add_member(web, ann);
        world.moodle.add_member(picnic, ann);
        (web, picnic)
    };
    let report = site.sync().await;
    assert_eq!((report.state, changes(&report)), (RunState::Partly, Vec::new()));
    site.flow.policy.adopt = Adopt::Any;
    let report = site.sync().await;
    assert_eq!(report.state, RunState::Done, "{:?}", report.plan.skips);
    assert_eq!(site.cohorts(), cohorts(&[("web", "ann ben"), ("picnic", "ann")]));
    let world = site.sandbox.world();
    assert_eq!(world.moodle.cohorts.get(web).unwrap().name, "AVC - Web");
    assert_eq!(world.moodle.cohorts.get(picnic).unwrap().name, "Picnic");
}

#[tokio::test]
async fn roles_are_assigned_and_taken_away() {
    let mut site = Site::new("Web: ann[guild-mentor] ben\nDesign: ann[guild-mentor]").await;
    let role = RoleId(GUILD_MENTOR_ROLE);
    let giver = RoleGiver::Role(GuildRole::new("guild-mentor"));
    let course = site.sandbox.world().moodle.add_course("930001", "Fire safety");
    // A role that can be given in courses only.
    let (student, in_course) = (RoleId(5), RoleContext::Course(MoodleCourseId(course)));
    let rules = [(role, RoleContext::System), (role, RoleContext::Category(CategoryId(1))), (student, in_course)];
    site.flow.policy.roles =
        rules.into_iter().map(|(role, context)| RoleRule { giver: giver.clone(), role, context }).collect();
    let report = site.sync().await;
    assert_eq!(report.state, RunState::Done, "{:?}", report.applied);
    let ann = site.user("ann");
    let has = |context| site.sandbox.world().moodle.roles_of(ann, context).count();
    assert_eq!([Context::System, Context::Category(1), Context::Course(course)].map(has), [1, 1, 1]);
    site.community("Web: ann ben\nDesign: ann[guild-mentor]");
    site.sync().await;
    let has = |context| site.sandbox.world().moodle.roles_of(ann, context).count();
    assert_eq!(has(Context::System), 1, "Design still gives it");
    site.community("Web: ann ben\nDesign: ann");
    let report = site.sync().await;
    let has = |context| site.sandbox.world().moodle.roles_of(ann, context).count();
    assert_eq!([Context::System, Context::Category(1), Context::Course(course)].map(has), [0, 0, 0]);
    assert_eq!(report.counts.roles_unassigned, 3);
    assert!(changes(&site.sync().await).is_empty());
}

#[tokio::test]
async fn refused_plan_waits_is_approved_and_used_up() {
    let mut site = Site::new("Web: ann ben cat dan eve fay").await;
    site.sync().await;
    site.community("Web: ann ben");
    let refused = site.sync().await;
    assert_eq!(refused.state, RunState::GuardRefused);
    assert_eq!(site.cohorts()["web"], "ann ben cat dan eve fay");
    let plan = refused.waiting.unwrap();
    let now = site.clock.now();
    let until = now + jiff::SignedDuration::from_hours(24);
    site.journal.plans().approve(plan, "Jo", "they left", until, now).await.unwrap();
    // Somebody else has joined meanwhile: the word is about those who left.
    site.community("Web: ann ben gus");
    let report = site.sync().await;
    assert_eq!((report.state, report.approved_by.as_deref()), (RunState::Done, Some("Jo")));
    assert_eq!(site.cohorts()["web"], "ann ben gus");
    site.community("Web: ann ben cat dan eve fay");
    site.sync().await;
    site.community("Web: ann ben");
    assert_eq!(site.sync().await.state, RunState::GuardRefused, "the approval was used up");
}

#[tokio::test]
async fn demonstration_world_synchronises_whole() {
    let world = rollbook_sandbox::World::demo(7, "2026-11-23T10:00:00Z".parse().unwrap());
    let mut site = Site::over(world).await;
    let report = site.sync().await;
    let blocks: Vec<_> = report.findings.iter().filter(|finding| finding.level == Level::Block).collect();
    assert!(blocks.is_empty(), "{blocks:?}");
    assert_eq!(report.seen.guilds, 5);
    assert_eq!(report.counts.cohorts, 5);
    assert!(report.counts.calls < 30, "{} calls", report.counts.calls);
    assert!(changes(&site.sync().await).is_empty());
}
