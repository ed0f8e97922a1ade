//! What hurt the users of other tools, each as a test. The numbers are those of the list in docs/THREATS.md.

use crate::world::World;
use rollbook_core::guard::{Approval, Guarded, Level};
use rollbook_core::model::{CanaryAccount, CohortId, Identity};
use rollbook_core::plan::{GuildChange, Scope};

fn ten() -> World {
    let mut world = World::new("web: a b c d e f g h i j");
    world.sync();
    world
}

#[test]
fn pain_1_an_empty_or_nameless_answer_is_not_everybody_left() {
    for (identity, sentinel) in [
        (Identity::Anonymous, CanaryAccount::NotConfigured),
        (Identity::Proven { uuid: "us".into() }, CanaryAccount::Unseen),
    ] {
        let mut world = ten();
        world.community("web:");
        (world.identity, world.sentinel) = (identity, sentinel);
        let (plan, findings) = world.plan(&Scope::All);
        assert!(!plan.changes.iter().any(GuildChange::removes));
        assert!(findings.iter().any(|finding| finding.level == Level::Block));
    }
}

#[test]
fn pain_2_too_many_removals_stop_and_can_be_approved() {
    let mut world = ten();
    world.community("web: a b c");
    let (plan, decision) = world.decide(&Scope::All, &[]);
    assert_eq!((decision.held.len(), decision.cleared.plan().changes.len()), (plan.changes.len(), 0));
    let expires_at = plan.made_at + jiff::SignedDuration::from_hours(1);
    let approval = Approval { plan: 1, keys: plan.keys().into_iter().collect(), by: "ann".into(), expires_at };
    let (_, decision) = world.decide(&Scope::All, &[approval]);
    assert_eq!((decision.waiting, decision.cleared.approved_by()), (None, Some("ann")));
    assert_eq!(decision.cleared.plan().changes, plan.changes);
}

#[test]
fn pain_3_what_rollbook_never_made_is_never_removed() {
    let mut world = ten();
    world.foreign_cohort(7, "staff", &["a", "b"]);
    let a_stranger = rollbook_core::model::MoodleUserId(900);
    world.side.members.get_mut(&CohortId(42)).unwrap().push(a_stranger);
    world.community("web: a b c d e f g h i");
    let (plan, _) = world.plan(&Scope::All);
    let removed: Vec<_> = plan.changes.iter().filter(|change| change.removes()).collect();
    assert_eq!(removed.len(), 1, "the one who left, and neither the stranger nor the other cohort: {removed:?}");
    assert!(!plan.changes.iter().any(|change| change.user() == Some(a_stranger)));
}

#[test]
fn pain_4_one_bad_guild_or_member_stops_no_other() {
    let mut world = World::new("bad: a\nworse: b\ngood: c eve! -dan");
    world.foreign_cohort(7, "bad", &[]);
    world.guild_mut("worse").label = "bad".into();
    let shown = world.show();
    assert!(shown.contains("add c (account 103) to new cohort"), "{shown}");
    assert_eq!(world.sync().members_of("good"), "c");
}

#[test]
fn pain_9_one_person_or_one_guild_can_be_planned_alone() {
    let mut world = ten();
    world.community("web: a b c d e f g h i j k l");
    let person = Scope::Person(world.uid("k"));
    assert_eq!(world.show_scope(&person), "add k (account 111) to cohort 42: User joined guild");
    let (plan, _) = world.plan(&Scope::Guild(rollbook_core::model::GuildUuid::new("web")));
    assert_eq!(plan.changes.len(), 2);
}

#[test]
fn pain_10_every_removal_says_why() {
    let mut world = ten();
    world.community("web: a b c d e f g h -i");
    let (plan, _) = world.plan(&Scope::All);
    let whys: Vec<_> = plan.changes.iter().map(ToString::to_string).collect();
    assert_eq!(
        whys,
        [
            "remove i (account 109) from cohort 42: User is blocked in the community",
            "remove j (account 110) from cohort 42: User left guild",
        ]
    );
}

#[test]
fn pain_14_everything_is_added_before_anything_is_removed() {
    let mut world = World::new("web: a b c d e f g h\ndesign: a b c d e f g h");
    world.sync().community("web: a b c d e f g x\ndesign: a b c d e f g y");
    let (plan, _) = world.plan(&Scope::All);
    let first_removal = plan.changes.iter().position(GuildChange::removes).unwrap();
    assert!(plan.changes[first_removal..].iter().all(GuildChange::removes));
    assert_eq!(first_removal, 2);
}
