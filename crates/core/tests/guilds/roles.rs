//! Roles: assigned, shared, taken away, left to Moodle.

use crate::world::{World, lines};
use rollbook_core::model::{Assignment, CategoryId, GuildRole, RoleContext, RoleId};
use rollbook_core::policy::{RoleGiver, RoleRule, RolesBy};
use std::collections::BTreeSet;

fn with_roles(text: &str) -> World {
    let mut world = World::new(text);
    let mentor = RoleGiver::Role(GuildRole::new("mentor"));
    world.policy.roles = vec![
        RoleRule { giver: RoleGiver::EveryMember, role: RoleId(9), context: RoleContext::System },
        RoleRule { giver: mentor, role: RoleId(10), context: RoleContext::Category(CategoryId(3)) },
    ];
    world
}

#[test]
fn roles_follow_the_mapping() {
    let mut world = with_roles("web: ann[mentor] ben");
    let expected = r#"
        create cohort web "AVC - web": Guild has no cohort yet
        add ann (account 101) to new cohort: User joined guild
        add ben (account 102) to new cohort: User joined guild
        assign role 9 in the whole site to ann (account 101): User is in guild
        assign role 10 in category 3 to ann (account 101): User is mentor in guild
        assign role 9 in the whole site to ben (account 102): User is in guild
    "#;
    assert_eq!(world.show(), lines(expected));
    world.sync();
    assert_eq!(world.show(), "");
    world.community("web: ann ben");
    let expected = "unassign role 10 in category 3 from ann (account 101): User no longer has that role in guild";
    assert_eq!(world.show(), expected);
}

#[test]
fn role_that_two_guilds_give_goes_with_the_last() {
    let mut world = with_roles("web: ann\ndesign: ann");
    let shown = world.show();
    assert!(shown.contains("assign role 9 in the whole site to ann"), "{shown}");
    assert!(shown.contains("keep role 9 in the whole site for ann"), "{shown}");
    world.sync().community("web: ann\ndesign:");
    let shown = world.show();
    assert!(
        shown.contains("no longer need role 9 in the whole site for ann (account 101): User left guild"),
        "{shown}"
    );
    world.sync().community("web:\ndesign:");
    world.policy.limits.exempt_under = 9;
    let shown = world.show();
    assert!(shown.contains("unassign role 9 in the whole site from ann (account 101): User left guild"), "{shown}");
}

#[test]
fn role_that_somebody_else_assigned_is_neither_taken_nor_owned_where_the_database_tells() {
    let mut world = with_roles("web: ann");
    let assignment = Assignment { user: world.user("ann"), role: RoleId(9), context: RoleContext::System };
    world.side.assignments = Some(BTreeSet::from([assignment]));
    let shown = world.show();
    assert!(
        shown.contains("skip ann in web: account 101 has role 9 in the whole site already, not by Rollbook"),
        "{shown}"
    );
    assert!(!shown.contains("assign role 9"), "{shown}");
}

#[test]
fn role_that_somebody_took_away_is_assigned_again_where_the_database_tells() {
    let mut world = with_roles("web: ann");
    world.side.assignments = Some(BTreeSet::new());
    world.sync();
    assert_eq!(world.show(), "");
    world.side.assignments = Some(BTreeSet::new());
    assert_eq!(world.show(), "assign role 9 in the whole site to ann (account 101): User is in guild");
    world.community("web:");
    world.policy.limits.exempt_under = 9;
    let shown = world.show();
    assert!(
        shown.contains("no longer need role 9 in the whole site for ann (account 101): Role is no longer assigned"),
        "{shown}"
    );
}

#[test]
fn roles_can_be_left_to_moodle() {
    let mut world = with_roles("web: ann");
    world.policy.roles_by = RolesBy::Moodle;
    assert!(!world.show().contains("role"));
}

#[test]
fn roles_of_a_member_who_cannot_be_told_stay() {
    let mut world = with_roles("web: ann ben");
    world.sync();
    let ann = world.user("ann");
    let account = world.accounts.get_mut(&ann).unwrap();
    account.mail = "old@example.org".into();
    account.username = "old".into();
    assert!(!world.show().contains("unassign"), "{}", world.show());
}

#[test]
fn roles_of_a_retired_guild_go() {
    let mut world = with_roles("web: ann\nother: zoe");
    world.sync().community("other: zoe");
    let shown = world.show();
    assert!(shown.contains("unassign role 9 in the whole site from ann (account 101): Guild is gone"), "{shown}");
}
