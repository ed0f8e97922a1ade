//! One guild, one person.

use crate::world::{World, lines};
use rollbook_core::model::GuildUuid;
use rollbook_core::plan::Scope;

#[test]
fn one_guild_touches_no_other() {
    let mut world = World::new("web: ann ben\ndesign: ann");
    world.sync().community("web: ann cat\ndesign: ben");
    let shown = world.show_scope(&Scope::Guild(GuildUuid::new("web")));
    let web = world.cohort_of("web");
    let expected = "
        add cat (account 103) to cohort 42: User joined guild
        remove ben (account 102) from cohort 42: User left guild
    ";
    assert_eq!(shown, lines(&expected.replace("42", &web.to_string())));
}

#[test]
fn one_person_is_added_and_removed_and_nobody_else() {
    let mut world = World::new("web: ann ben\ndesign: ann\nnew:");
    world.sync();
    // The snapshot of one person: every guild of theirs, now or before, with that member only.
    world.community("web:\ndesign: ben\nnew:");
    let shown = world.show_scope(&Scope::Person(world.uid("ben")));
    let (web, design) = (world.cohort_of("web"), world.cohort_of("design"));
    let expected = format!(
        "add ben (account 102) to cohort {design}: User joined guild\n\
         remove ben (account 102) from cohort {web}: User left guild"
    );
    assert_eq!(shown, expected);
}

#[test]
fn one_person_makes_no_cohort() {
    let world = World::new("web: ann");
    let shown = world.show_scope(&Scope::Person(world.uid("ann")));
    assert_eq!(shown, "skip web in web: the guild has no cohort yet: synchronise the guild first");
}

#[test]
fn scoped_plan_trusts_no_account_that_was_given_to_somebody_else() {
    let mut world = World::new("web: ann ben!\ndesign: ben!");
    world.sync();
    // Ben's user name happens to be that of Ann's account.
    let ann = world.user("ann");
    world.accounts.get_mut(&ann).unwrap().username = "ben".into();
    let ben = world.uid("ben");
    world.people.get_mut(&ben).unwrap().mail = None;
    let shown = world.show_scope(&Scope::Person(world.uid("ben")));
    assert!(!shown.contains("add ben"), "{shown}");
    assert!(shown.contains("Moodle account 101 also fits community user 1"), "{shown}");
}
