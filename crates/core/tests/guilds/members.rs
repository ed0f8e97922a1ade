//! Who is added, who is removed, who is left.

use crate::world::{World, lines};
use rollbook_core::matching::{Directory, Lookup, open_lookups};
use rollbook_core::model::{CohortId, Mail, MoodleUserId};
use rollbook_core::policy::{CommunityKey, MatchKey, MemberAccounts, NewMemberRule, Protected};

#[test]
fn first_run_makes_cohort_and_adds_everybody_who_has_an_account() {
    let world = World::new("web: ann ben eve!");
    let expected = r#"
        create cohort web "AVC - web": Guild has no cohort yet
        add ann (account 101) to new cohort: User joined guild
        add ben (account 102) to new cohort: User joined guild
        skip eve in web: no Moodle account
    "#;
    assert_eq!(world.show(), lines(expected));
}

#[test]
fn second_run_has_nothing_to_do() {
    let mut world = World::new("web: ann ben\ndesign: ann");
    world.sync();
    assert_eq!(world.show(), "");
}

#[test]
fn leaver_is_removed_after_joiner_is_added() {
    let mut world = World::new("web: ann ben");
    world.sync().community("web: ann cat");
    let expected = "
        add cat (account 103) to cohort 42: User joined guild
        remove ben (account 102) from cohort 42: User left guild
    ";
    assert_eq!(world.show(), lines(expected));
}

#[test]
fn blocked_member_counts_as_absent() {
    let mut world = World::new("web: ann ben");
    world.sync().community("web: ann -ben");
    let expected = "
        remove ben (account 102) from cohort 42: User is blocked in the community
        skip ben in web: blocked in the community
    ";
    assert_eq!(world.show(), lines(expected));
}

#[test]
fn hidden_member_counts_as_blocked_only_where_the_sentinel_is_seen() {
    let mut world = World::new("web: ann ben");
    world.sync().community("web: ann ?ben");
    assert!(world.show().starts_with("remove ben (account 102) from cohort 42: User is blocked in the community"));
    world.sentinel = rollbook_core::model::CanaryAccount::NotConfigured;
    assert_eq!(world.show(), "skip user 2 in web: the community does not show this account");
}

#[test]
fn somebody_added_by_hand_stays() {
    let mut world = World::new("web: ann\nother: zoe");
    world.sync();
    let (cohort, zoe) = (world.cohort_of("web"), world.user("zoe"));
    world.side.members.get_mut(&cohort).unwrap().push(zoe);
    assert_eq!(world.show(), "skip zoe in web: account 102 was not added by Rollbook");
}

#[test]
fn somebody_removed_by_hand_is_added_again() {
    let mut world = World::new("web: ann ben");
    world.sync();
    world.side.members.get_mut(&CohortId(42)).unwrap().pop();
    let expected = "add ben (account 102) to cohort 42: User is in guild, but was removed in Moodle";
    assert_eq!(world.show(), expected);
}

#[test]
fn leaver_who_is_gone_from_moodle_is_forgotten() {
    let mut world = World::new("web: ann ben cat");
    world.sync().community("web: ann");
    let (ben, cat) = (world.user("ben"), world.user("cat"));
    world.side.members.get_mut(&CohortId(42)).unwrap().retain(|user| *user != ben);
    world.accounts.remove(&cat);
    let expected = "
        forget ben (account 102) in cohort 42: User is no longer in the cohort
        forget account 103 (account 103) in cohort 42: Moodle account was deleted
    ";
    assert_eq!(world.show(), lines(expected));
    world.sync();
    assert_eq!(world.show(), "skip account 103 in web: account 103 was not added by Rollbook");
}

#[test]
fn member_whose_address_changed_is_neither_removed_nor_given_a_second_account() {
    let mut world = World::new("web: ann ben");
    world.sync();
    world.policy.accounts = MemberAccounts::Create(NewMemberRule { auth: "oauth2".into(), last_name: "-".into() });
    let ben = world.user("ben");
    let account = world.accounts.get_mut(&ben).unwrap();
    account.mail = "old@example.org".into();
    account.username = "old".into();
    let expected = "
        skip ben in web: account 102 was theirs and no longer fits: it is left as it is
        warning: doubtful_identity (run): 1 of 2 people cannot be matched beyond doubt
    ";
    assert_eq!(world.show(), lines(expected));
}

#[test]
fn member_with_another_account_moves_to_it() {
    let mut world = World::new("web: ann ben cat dan eve");
    world.sync();
    let new = MoodleUserId(300);
    let mut account = world.accounts.remove(&world.user("ben")).unwrap();
    world.accounts.insert(
        world.user("ben"),
        rollbook_core::model::Account { mail: "old@example.org".into(), username: "old".into(), ..account.clone() },
    );
    account.id = new;
    world.accounts.insert(new, account);
    let expected = "
        add ben (account 300) to cohort 42: User joined guild
        remove ben (account 102) from cohort 42: User has another Moodle account now: 300
    ";
    assert_eq!(world.show(), lines(expected));
}

#[test]
fn match_goes_by_mail_then_by_user_name_in_any_case() {
    let mut world = World::new("web: ann ben");
    let (ann, ben) = (world.user("ann"), world.user("ben"));
    world.accounts.get_mut(&ann).unwrap().mail = "ANN@Example.org ".into();
    world.accounts.get_mut(&ann).unwrap().username = "a1".into();
    world.accounts.get_mut(&ben).unwrap().mail = "elsewhere@example.org".into();
    let person = world.uid("ben");
    let person = world.people.get_mut(&person).unwrap();
    (person.name, person.mail) = ("BEN".into(), None);
    world.sync();
    assert_eq!(world.members_of("web"), "a1 ben");
}

#[test]
fn match_by_a_weaker_key_counts_only_where_no_stronger_one_speaks_against_it() {
    let mut world = World::new("web: ann ben");
    let ben = world.user("ben");
    world.accounts.get_mut(&ben).unwrap().mail = "elsewhere@example.org".into();
    let shown = world.show();
    assert!(!shown.contains("add ben"), "{shown}");
    let said = "skip ben in web: Moodle account 102 fits by user name, but has another mail address";
    assert!(shown.contains(said), "{shown}");
}

#[test]
fn address_with_capitals_is_asked_for_in_both_spellings() {
    let mut world = World::new("web: ann ben");
    world.people.get_mut(&world.uid("ann")).unwrap().mail = Some(Mail("Ann@Example.org".into()));
    let asked = open_lookups(world.people.values(), &Directory::default(), &world.policy);
    let asked: Vec<_> = asked.into_iter().collect();
    let mail = |text: &str| Lookup::Mail(text.to_owned());
    assert_eq!(asked, [mail("Ann@Example.org"), mail("ann@example.org"), mail("ben@example.org")]);
}

#[test]
fn match_can_go_by_idnumber() {
    let mut world = World::new("web: ann");
    world.policy.match_by = vec![MatchKey::Idnumber(CommunityKey::Uuid)];
    world.accounts.get_mut(&world.user("ann")).unwrap().guid = "P1".into();
    assert!(world.show().contains("add ann (account 101)"));
}

#[test]
fn two_accounts_of_one_address_are_a_doubt() {
    let mut world = World::new("web: ann ben");
    world.accounts.get_mut(&world.user("ben")).unwrap().mail = "ann@example.org".into();
    assert!(world.show().contains("skip ann in web: 2 Moodle accounts fit by mail address: 101, 102"));
}

#[test]
fn account_that_fits_two_members_goes_to_the_one_with_the_stronger_fit() {
    let mut world = World::new("web: ann ben!");
    // Ben's address is that of Ann's account, whose user name is Ann's.
    world.people.get_mut(&world.uid("ben")).unwrap().mail = Some(Mail::new("ann@example.org"));
    world.people.get_mut(&world.uid("ann")).unwrap().mail = None;
    let expected = r#"
        create cohort web "AVC - web": Guild has no cohort yet
        add ben (account 101) to new cohort: User joined guild
        skip ann in web: Moodle account 101 also fits community user 2
        warning: doubtful_identity (run): 1 of 2 people cannot be matched beyond doubt
    "#;
    assert_eq!(world.show(), lines(expected));
    world.people.get_mut(&world.uid("ann")).unwrap().mail = Some(Mail::new("ann@example.org"));
    assert!(!world.show().contains("add "), "of two equal fits, neither counts");
}

#[test]
fn protected_member_is_neither_added_nor_removed() {
    let mut world = World::new("web: ann ben cat dan");
    world.sync();
    world.policy.protected = Protected::new(["ben@example.org"], [world.user("cat")]);
    world.community("web: ann dan");
    let expected = r#"
        skip cat in web: protected by the entry "account 103"
        skip ben in web: protected by the entry "ben@example.org"
        warning: protected (run): 2 memberships of protected people are left alone
    "#;
    let mut shown: Vec<_> = lines(expected).lines().map(str::to_owned).collect();
    let mut got: Vec<_> = world.show().lines().map(str::to_owned).collect();
    shown.sort();
    got.sort();
    assert_eq!(got, shown);
}

#[test]
fn account_is_made_for_a_member_without_one_where_that_is_wanted() {
    let mut world = World::new("web: ann eve!");
    world.policy.accounts = MemberAccounts::Create(NewMemberRule { auth: "oauth2".into(), last_name: "-".into() });
    let expected = r#"
        create account eve@example.org for user 2
        create cohort web "AVC - web": Guild has no cohort yet
        add ann (account 101) to new cohort: User joined guild
        add eve (new account) to new cohort: User joined guild
    "#;
    assert_eq!(world.show(), lines(expected));
    world.sync();
    assert_eq!(world.show(), "");
    assert_eq!(world.members_of("web"), "ann eve@example.org");
}

#[test]
fn membership_passes_to_another_person_with_the_same_account() {
    let mut world = World::new("web: ann ben");
    world.sync();
    // Ben's community account was made anew.
    world.community("web: ann bentwo!");
    world.people.get_mut(&world.uid("bentwo")).unwrap().mail = Some(Mail::new("ben@example.org"));
    let expected = "note bentwo (account 102) in cohort 42: Account belongs to another member now";
    assert_eq!(world.show(), expected);
    world.sync();
    assert_eq!(world.show(), "");
}
