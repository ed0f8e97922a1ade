//! What holds for every community and every Moodle.

use crate::world::World;
use proptest::prelude::*;
use rollbook_core::model::{CanaryAccount, CohortId, GuildRole, RoleContext, RoleId};
use rollbook_core::plan::{GuildChange, Scope};
use rollbook_core::policy::{Adopt, ArchiveRule, RoleGiver, RoleRule};
use rollbook_core::snapshot::Gap;

/// Up to five guilds of up to eight of twelve people, some blocked, hidden, without account, or mentors.
fn community() -> impl Strategy<Value = String> {
    let member = (0..12u8, 0..8u8).prop_map(|(who, how)| match how {
        0 => format!("-p{who}"),
        1 => format!("?p{who}"),
        2 => format!("p{who}!"),
        3 => format!("p{who}[mentor]"),
        _ => format!("p{who}"),
    });
    let guild = (0..5u8, prop::collection::vec(member, 0..8));
    prop::collection::vec(guild, 0..5).prop_map(|guilds| {
        let guilds: std::collections::BTreeMap<_, _> = guilds.into_iter().collect();
        guilds.iter().map(|(guild, members)| format!("g{guild}: {}", members.join(" "))).collect::<Vec<_>>().join("\n")
    })
}

fn world(before: &str, archive: u8, foreign: bool) -> World {
    let mut world = World::new(before);
    world.policy.archive = [ArchiveRule::Hide, ArchiveRule::Keep, ArchiveRule::Delete][usize::from(archive) % 3];
    world.policy.roles = vec![
        RoleRule { giver: RoleGiver::EveryMember, role: RoleId(9), context: RoleContext::System },
        RoleRule { giver: RoleGiver::Role(GuildRole::new("mentor")), role: RoleId(10), context: RoleContext::System },
    ];
    if foreign {
        world.foreign_cohort(7, "g1", &[]);
        world.policy.adopt = if archive == 2 { Adopt::Any } else { Adopt::Never };
    }
    let (plan, _) = world.plan(&Scope::All);
    world.apply(&plan);
    world
}

/// A change that is still planned after a plan was applied; a note about a membership is no change.
fn left_over(world: &World) -> Vec<String> {
    let (plan, _) = world.plan(&Scope::All);
    plan.changes.iter().map(ToString::to_string).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn plan_then_apply_converges(before in community(), after in community(), archive in 0..3u8, foreign: bool) {
        let mut world = world(&before, archive, foreign);
        prop_assert_eq!(left_over(&world), Vec::<String>::new());
        world.community(&after);
        let (plan, _) = world.plan(&Scope::All);
        world.apply(&plan);
        prop_assert_eq!(left_over(&world), Vec::<String>::new());
    }

    #[test]
    fn order_of_the_input_does_not_matter(before in community(), after in community(), archive in 0..3u8) {
        let mut world = world(&before, archive, false);
        world.community(&after);
        let (plan, findings) = world.plan(&Scope::All);
        world.guilds.reverse();
        for guild in &mut world.guilds {
            guild.members.reverse();
        }
        let (again, found) = world.plan(&Scope::All);
        prop_assert_eq!(plan.digest(), again.digest());
        prop_assert_eq!(serde_json::to_string(&plan).unwrap(), serde_json::to_string(&again).unwrap());
        prop_assert_eq!(findings, found);
    }

    #[test]
    fn incomplete_or_unproven_removes_nothing(
        before in community(), after in community(), archive in 0..3u8, unproven: bool,
    ) {
        let mut world = world(&before, archive, false);
        world.community(&after);
        if unproven { world.sentinel = CanaryAccount::Unseen } else { world.gaps = vec![Gap::PageRepeated] }
        let (plan, _) = world.plan(&Scope::All);
        prop_assert!(!plan.changes.iter().any(GuildChange::removes), "{:?}", plan.changes);
    }

    #[test]
    fn only_what_is_owned_is_removed(before in community(), after in community(), archive in 0..3u8, by_hand in 0..12u8) {
        let mut world = world(&before, archive, true);
        let user = rollbook_core::model::MoodleUserId(800 + i64::from(by_hand));
        for members in world.side.members.values_mut() {
            members.push(user);
        }
        world.community(&after);
        let (plan, _) = world.plan(&Scope::All);
        for change in &plan.changes {
            match change {
                GuildChange::RemoveMember(member) => {
                    let (cohort, user) = (member.cohort.unwrap(), change.user().unwrap());
                    let owned = world.owned.members.get(&cohort).is_some_and(|owned| owned.contains_key(&user));
                    let adopted = plan.changes.iter().any(|other| {
                        matches!(other, GuildChange::AdoptCohort { cohort: adopted, members, .. }
                            if *adopted == cohort && members.iter().any(|(member, _)| *member == user))
                    });
                    prop_assert!(owned || adopted);
                }
                GuildChange::UnassignRole(role) => {
                    prop_assert!(world.owned.assignments.contains_key(&role.assignment().unwrap()));
                }
                GuildChange::RetireCohort { cohort, .. } | GuildChange::UpdateCohort { cohort, .. } => {
                    let paired = world.owned.pairs.values().any(|pair| pair.cohort == *cohort);
                    let is_adoption = |other: &GuildChange| {
                        matches!(other, GuildChange::AdoptCohort { cohort: adopted, .. } if adopted == cohort)
                    };
                    let adopted = plan.changes.iter().any(is_adoption);
                    prop_assert!(paired || adopted);
                    prop_assert!(paired || *cohort == CohortId(7));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_scoped_plan_is_a_part_of_the_full_one(before in community(), after in community()) {
        let mut world = world(&before, 0, false);
        world.community(&after);
        let (full, _) = world.plan(&Scope::All);
        for guild in &world.guilds {
            let (part, _) = world.plan(&Scope::Guild(guild.uuid.clone()));
            for change in part.changes.iter().filter(|change| matches!(change, GuildChange::AddMember(_) | GuildChange::RemoveMember(_))) {
                prop_assert!(full.changes.contains(change), "{change}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_dies_anywhere_is_repaired_by_the_next(
        before in community(), after in community(), archive in 0..3u8, at in 0..40usize, told: bool,
    ) {
        let mut world = world(&before, archive, false);
        if told { world.side.assignments = Some(world.owned.assignments.keys().copied().collect()) }
        world.community(&after);
        let (plan, _) = world.plan(&Scope::All);
        world.die_after(&plan, at);
        world.repair(&plan);
        let (again, _) = world.plan(&Scope::All);
        world.apply(&again);
        prop_assert_eq!(left_over(&world), Vec::<String>::new());
        let ours: usize = world.owned.members.values().map(std::collections::BTreeMap::len).sum();
        let there: usize = world.side.members.values().map(Vec::len).sum();
        prop_assert_eq!(ours, there, "whatever is in a cohort was put there by Rollbook");
    }
}
