//! The cohorts themselves: made, renamed, taken over, retired.

use crate::world::{World, lines};
use rollbook_core::guard::Level;
use rollbook_core::model::{Absence, CohortId, CohortVisibility, GuildStatus, GuildUuid, MachineName, PairState};
use rollbook_core::plan::Scope;
use rollbook_core::policy::{Adopt, ArchiveRule, UnpublishedRule};

#[test]
fn renamed_guild_keeps_its_cohort() {
    let mut world = World::new("web: ann");
    world.sync().guild_mut("web").label = "Web  Development".into();
    let expected = r#"update cohort 42 to web-development "AVC - Web Development": Was named "AVC - web""#;
    assert_eq!(world.show(), expected);
    world.sync();
    assert_eq!(world.show(), "");
    assert_eq!(world.side.cohorts.len(), 1);
}

#[test]
fn cohort_of_somebody_else_is_left_alone_and_reported() {
    let mut world = World::new("web: ann");
    world.foreign_cohort(7, "WEB", &["ann"]);
    let expected = r#"
        skip web in web: cohort 7 has the idnumber "web" and is not Rollbook's: adopt or rename it
        warning: machine_names (guild web): cohort 7 has the idnumber "web" and is not Rollbook's: adopt or rename it
    "#;
    assert_eq!(world.show(), lines(expected));
}

#[test]
fn cohort_is_adopted_with_its_members_only_when_told_to() {
    let mut world = World::new("web: ann ben cat dan\nother: zoe");
    world.foreign_cohort(7, "web", &["ann", "ben", "cat", "zoe"]);
    world.policy.adopt = Adopt::Named([MachineName::new("Web")].into());
    let expected = r#"
        create cohort other "AVC - other": Guild has no cohort yet
        adopt cohort 7 web with 4 members: Cohort exists and may be adopted
        update cohort 7 to web "AVC - web": Was named "Cohort web"
        add zoe (account 105) to new cohort: User joined guild
        add dan (account 104) to cohort 7: User joined guild
        remove zoe (account 105) from cohort 7: User is not in guild
    "#;
    assert_eq!(world.show(), lines(expected));
    world.sync();
    assert_eq!(world.members_of("web"), "ann ben cat dan");
    assert_eq!(world.show(), "");
}

#[test]
fn cohort_of_a_plugin_or_of_another_context_is_never_adopted() {
    let mut world = World::new("web: ann");
    world.policy.adopt = Adopt::Any;
    world.foreign_cohort(7, "web", &[]);
    world.side.cohorts.get_mut(&CohortId(7)).unwrap().component = "tool_x".into();
    assert!(world.show().starts_with("skip web in web: cohort 7 belongs to the plugin tool_x"));
    let cohort = world.side.cohorts.get_mut(&CohortId(7)).unwrap();
    cohort.component.clear();
    cohort.context = Some(rollbook_core::model::CohortContext::Category(rollbook_core::model::CategoryId(3)));
    assert_eq!(world.show(), "skip web in web: cohort 7 is not in the configured context");
}

#[test]
fn deleted_guild_is_archived() {
    let mut world = World::new("web: ann ben\nother: ann ben cat dan");
    world.sync().community("other: ann ben cat dan");
    world.policy.limits.removals_share = 0.5;
    let expected = "
        remove ann (account 101) from cohort 42: Guild was deleted
        remove ben (account 102) from cohort 42: Guild was deleted
        archive cohort 42: Guild was deleted
    ";
    let cohort = world.cohort_of("web");
    assert_eq!(world.show(), lines(&expected.replace("42", &cohort.to_string())));
    world.sync();
    let archived = &world.side.cohorts[&cohort];
    assert_eq!((archived.name.as_str(), archived.visibility), ("AVC - web (archived)", CohortVisibility::Hidden));
    assert_eq!(world.members_of("web"), "");
    assert_eq!(world.show(), "", "an archived pair is left in peace");
}

#[test]
fn archived_guild_that_returns_is_restored() {
    let mut world = World::new("web: ann\nother: ann");
    world.sync().community("other: ann");
    world.sync().community("web: ann\nother: ann");
    let cohort = world.cohort_of("web");
    let expected = r#"
        update cohort 42 to web "AVC - web": Guild is there again
        add ann (account 101) to cohort 42: User joined guild
    "#;
    assert_eq!(world.show(), lines(&expected.replace("42", &cohort.to_string())));
    world.sync();
    assert_eq!(world.owned.pairs[&GuildUuid::new("web")].state, PairState::Live);
    assert_eq!(world.show(), "");
}

#[test]
fn new_guild_of_an_archived_name_takes_the_cohort_up_again() {
    let mut world = World::new("web: ann");
    world.sync().community("");
    world.policy.limits.exempt_under = 9;
    let (plan, _) = world.plan(&Scope::All);
    world.apply(&plan);
    world.community("web: ann");
    world.guild_mut("web").uuid = GuildUuid::new("another");
    world.missing.insert(GuildUuid::new("web"), Absence::Deleted);
    let expected = r#"
        adopt cohort 42 web with 0 members: Archived cohort is taken up again
        update cohort 42 to web "AVC - web": Was named "AVC - web (archived)"
        add ann (account 101) to cohort 42: User joined guild
    "#;
    assert_eq!(world.show(), lines(expected));
    world.sync();
    assert_eq!(world.owned.pairs.len(), 1);
    assert_eq!(world.show(), "");
}

#[test]
fn archive_rule_can_keep_or_delete() {
    let mut world = World::new("web: ann\nother: ann zoe");
    world.sync().community("other: ann zoe");
    let cohort = world.cohort_of("web");
    world.policy.archive = ArchiveRule::Keep;
    assert_eq!(world.show(), format!("keep cohort {cohort}: Guild was deleted"));
    world.policy.archive = ArchiveRule::Delete;
    assert_eq!(world.show(), format!("delete cohort {cohort}: Guild was deleted"));
    let zoe = world.user("zoe");
    world.side.members.get_mut(&cohort).unwrap().push(zoe);
    let shown = world.show();
    assert!(shown.contains(&format!("archive cohort {cohort}: Guild was deleted")), "{shown}");
    assert!(shown.contains("has other members too: hidden, not deleted"), "{shown}");
}

#[test]
fn deletion_counts_its_members_against_the_limits() {
    let mut world = World::new("web: a b c d e f\nother: a b");
    world.sync().community("other: a b");
    world.policy.archive = ArchiveRule::Delete;
    let (_, findings) = world.plan(&Scope::All);
    assert!(findings.iter().any(|finding| finding.check == "removals_share" && finding.level == Level::Block));
}

#[test]
fn unpublished_guild_is_left_synchronised_or_archived_by_rule() {
    let mut world = World::new("web: ann\nother: ann zoe");
    world.sync().community("web: ann ben\nother: ann zoe");
    world.guild_mut("web").status = GuildStatus::Unpublished;
    assert_eq!(world.show(), "skip web in web: the guild is not published");
    world.policy.unpublished = UnpublishedRule::Sync;
    assert!(world.show().starts_with("add ben"));
    world.policy.unpublished = UnpublishedRule::Archive;
    assert!(world.show().contains("Guild is no longer published"));
}

#[test]
fn machine_name_collision_makes_no_second_cohort_and_keeps_the_first() {
    let mut world = World::new("web: ann");
    world.sync().community("web: ann ben\nelse: cat");
    world.guild_mut("else").label = "Web".into();
    let expected = r#"
        add ben (account 102) to cohort 42: User joined guild
        skip Web in else: another guild has the machine name "web" too
        warning: machine_names (guild Web): another guild has the machine name "web" too
    "#;
    assert_eq!(world.show(), lines(expected));
}

#[test]
fn rename_onto_a_taken_idnumber_keeps_the_old_one() {
    let mut world = World::new("web: ann");
    world.sync();
    world.foreign_cohort(7, "design", &[]);
    world.guild_mut("web").label = "Design".into();
    let shown = world.show();
    assert!(shown.starts_with(r#"update cohort 42 to web "AVC - Design""#), "{shown}");
    assert!(shown.contains(r#"cohort 7 has the idnumber "design""#), "{shown}");
}

#[test]
fn cohort_that_vanished_is_made_again() {
    let mut world = World::new("web: ann");
    world.sync();
    world.side.cohorts.clear();
    world.side.members.clear();
    let shown = world.show();
    assert!(shown.starts_with(r#"create cohort web "AVC - web": Cohort 42 is no longer in Moodle"#), "{shown}");
    world.sync();
    assert_eq!(world.show(), "");
}

#[test]
fn guild_that_may_not_be_seen_is_left_alone_and_stops_nothing() {
    let mut world = World::new("web: ann\nother: a b c d e");
    world.sync().community("other: a b c d");
    world.missing.insert(GuildUuid::new("web"), Absence::Denied);
    let shown = world.show();
    assert!(shown.contains("skip web in web: the guild was there before and is not to be seen now"), "{shown}");
    assert!(shown.contains("User left guild"), "{shown}");
    assert!(!shown.contains("archive"), "{shown}");
}
