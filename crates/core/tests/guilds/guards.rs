//! What stops a plan, and what only warns.

use crate::world::{Timestamp, World};
use jiff::SignedDuration;
use rollbook_core::guard::{Approval, Guarded, GuildView, Level, check_guilds};
use rollbook_core::model::{Absence, CanaryAccount, GuildUuid, Identity};
use rollbook_core::plan::{GuildChange, Scope};
use rollbook_core::snapshot::Gap;

const TEN: &str = "web: a b c d e f g h i j";

fn blocks(world: &World) -> Vec<String> {
    let (_, findings) = world.plan(&Scope::All);
    findings.into_iter().filter(|finding| finding.level == Level::Block).map(|finding| finding.check).collect()
}

fn removes(world: &World) -> bool {
    world.plan(&Scope::All).0.changes.iter().any(GuildChange::removes)
}

#[test]
fn a_quarter_of_a_guild_may_go_and_no_more() {
    let mut world = World::new(TEN);
    world.sync().community("web: a b c d e f g h");
    assert_eq!(blocks(&world), Vec::<String>::new());
    world.community("web: a b c d e f g");
    assert_eq!(blocks(&world), ["removals_share", "removals_share"], "of the run, and of the guild");
}

#[test]
fn small_guilds_are_exempt_from_the_share() {
    let mut world = World::new("small: a b c d\nbig: e f g h i j k l m n o p q r s t");
    world.sync().community("small: a\nbig: e f g h i j k l m n o p q r s t");
    assert_eq!(blocks(&world), Vec::<String>::new());
}

#[test]
fn fifty_may_go_in_one_run_and_no_more() {
    let people = |count: usize| (0..count).map(|n| format!("p{n}")).collect::<Vec<_>>().join(" ");
    let mut world = World::new(&format!("web: {}", people(400)));
    world.sync().community(&format!("web: {}", people(350)));
    let (_, findings) = world.plan(&Scope::All);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].to_string(), "warning: removals (run): memberships would be removed: 50, the limit is 50");
    world.community(&format!("web: {}", people(349)));
    assert_eq!(blocks(&world), ["removals"]);
}

#[test]
fn incomplete_answer_adds_and_does_not_remove() {
    let mut world = World::new("web: ann ben");
    world.sync().community("web: ann cat");
    world.gaps = vec![Gap::PagesLimit { limit: 3 }];
    assert_eq!(blocks(&world), Vec::<String>::new());
    assert!(!removes(&world));
    assert!(world.show().contains("add cat"));
}

#[test]
fn unseen_sentinel_or_unproven_identity_blocks_and_removes_nothing() {
    let mut world = World::new(TEN);
    world.sync().community("web: a b c d e f g h i k");
    world.sentinel = CanaryAccount::Unseen;
    assert_eq!(blocks(&world), ["sentinel"]);
    assert!(!removes(&world));
    world.sentinel = CanaryAccount::NotConfigured;
    world.identity = Identity::Anonymous;
    assert_eq!(blocks(&world), ["identity"]);
    assert!(!removes(&world));
}

#[test]
fn two_hundred_with_no_members_blocks() {
    let mut world = World::new("web: a b");
    world.sync().community("web:");
    assert_eq!(blocks(&world), ["empty_source"], "even where the guild is small enough to be exempt from the share");
}

#[test]
fn guild_that_is_not_to_be_seen_puts_all_absence_in_doubt() {
    let mut world = World::new("web: a b c d e\ndesign: a");
    world.sync().community("web: a b c d");
    assert!(removes(&world));
    world.missing.insert(GuildUuid::new("design"), Absence::Unseen);
    assert!(!removes(&world));
    assert!(world.show().contains("missing_guilds (guild design)"), "{}", world.show());
}

#[test]
fn vanished_cohorts_block_when_there_are_many() {
    let mut world = World::new("a: x\nb: x\nc: x\nd: x\ne: x\nf: x");
    world.sync();
    world.side.cohorts.clear();
    assert_eq!(blocks(&world), ["vanished_cohorts"]);
}

#[test]
fn old_plan_is_not_applied() {
    let world = World::new("web: a");
    let (plan, _) = world.plan(&Scope::All);
    let (link, community, directory) =
        (rollbook_core::model::LinkName::new("avc-ss"), world.snapshot(), world.directory());
    let moodle = rollbook_core::snapshot::Snapshot::complete(Timestamp::UNIX_EPOCH, world.side.clone());
    let inputs = rollbook_core::plan::GuildInputs {
        link: &link,
        scope: &Scope::All,
        community: &community,
        moodle: &moodle,
        directory: &directory,
        owned: &world.owned,
    };
    let at = |minutes| {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        check_guilds(&GuildView { plan: &plan, inputs: &inputs, policy: &world.policy, now })
    };
    assert!(at(10).is_empty());
    assert_eq!(at(11)[0].check, "stale_plan");
}

/// CASES G1: guild A loses 2 of 6, guild B gains 1.
#[test]
fn guard_holds_its_own_guild_and_everything_else_goes_on() {
    let big = (0..40).map(|n| format!("p{n}")).collect::<Vec<_>>().join(" ");
    let mut world = World::new(&format!("a: a b c d e f\nb: g\nbig: {big}"));
    world.sync().community(&format!("a: a b c d\nb: g h\nbig: {big}"));
    let (plan, decision) = world.decide(&Scope::All, &[]);
    let made: Vec<String> = decision.cleared.plan().changes.iter().map(ToString::to_string).collect();
    assert!(made.len() == 1 && made[0].starts_with("add h"), "{made:?}");
    assert!(decision.held.iter().all(|place| plan.changes[*place].removes()) && decision.held.len() == 2);
}

#[test]
fn approval_is_of_changes_and_holds_whatever_else_is_wanted() {
    let mut world = World::new(TEN);
    world.sync().community("web: a b c");
    let expires_at = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
    let keys = world.plan(&Scope::All).0.keys().into_iter().collect();
    let approval = [Approval { plan: 1, keys, by: "ann".into(), expires_at }];
    world.community("web: a b c x");
    let (plan, decision) = world.decide(&Scope::All, &approval);
    assert_eq!((decision.waiting, decision.cleared.plan().changes.len()), (None, plan.changes.len()));
    assert_eq!(decision.used, [1]);
    // Seven were approved; of three more, which are a large share by themselves, nobody has said anything.
    world.community("web:");
    let (_, decision) = world.decide(&Scope::All, &approval);
    let held = decision.waiting.unwrap().changes.len();
    assert_eq!((decision.cleared.plan().changes.len(), held), (7, 3));
}
