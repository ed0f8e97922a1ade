//! Accounts in every state: suspended, unconfirmed, `nologin`, merged, doubled, renamed by single sign-on.

use crate::client::{Client, code, enrolments};
use rollbook_sandbox::moodle::{ADMIN_ID, GUEST_ID, LoginCohorts, LoginRefused, Merge, SERVICE_ID, User};
use rollbook_sandbox::{MOODLE_ADMIN_TOKEN, MOODLE_TOKEN, World};
use serde_json::{Value, json};

const LOOKUP: &str = "core_user_get_users_by_field";
const ENROL: &str = "enrol_manual_enrol_users";

// B2: "suspended, unconfirmed accounts: returned (suspended:true / confirmed:false)"; B4: accepted on 4.4.
#[tokio::test]
async fn accounts_that_cannot_log_in_are_found_shown_and_enrolled() {
    type Change = fn(&mut User);
    let changes: [(Change, Value); 3] = [
        (|user| user.suspended = true, json!([true, true, "oauth2"])),
        (|user| user.confirmed = false, json!([false, false, "oauth2"])),
        (|user| user.auth = "nologin".to_owned(), json!([false, true, "nologin"])),
    ];
    for (change, expected) in changes {
        let mut world = World::empty();
        let user = world.moodle.add_user("A", "a@example.org", "A", "A");
        let course = world.moodle.add_course("1", "C");
        world.moodle.users.edit(user, change);
        let client = Client::over(world).await;
        let found = client.call(LOOKUP, &[("field", "idnumber"), ("values[0]", "A")]).await;
        assert_eq!(json!([found[0]["suspended"], found[0]["confirmed"], found[0]["auth"]]), expected);
        let answer = client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&[(user, course)], &[])).await;
        assert_eq!(answer, Value::Null);
        assert!(client.sandbox.world().moodle.log_in(user, "A").is_err());
    }
}

// Nothing in Moodle 4.4 keeps a client from enrolling these.
#[tokio::test]
async fn guest_administrator_and_service_account_can_be_enrolled() {
    let mut world = World::empty();
    let course = world.moodle.add_course("1", "C");
    let deputy = world.moodle.add_user("D", "d@example.org", "D", "D");
    world.moodle.make_admin(deputy);
    let client = Client::over(world).await;
    let pairs = [GUEST_ID, ADMIN_ID, SERVICE_ID, deputy].map(|user| (user, course));
    assert_eq!(client.call_as(MOODLE_TOKEN, ENROL, &enrolments(&pairs, &[])).await, Value::Null);
    assert_eq!(client.sandbox.world().moodle.enrolments.len(), 4);
    // Web services say of the caller alone whether it is an administrator.
    let info = client.call_as(MOODLE_ADMIN_TOKEN, "core_webservice_get_site_info", &[]).await;
    assert_eq!(info["userissiteadmin"], true);
}

// B2: "idnumber: not unique: all holders returned", "duplicate e-mail: all holders returned".
#[tokio::test]
async fn all_holders_of_one_idnumber_or_address_are_returned() {
    let mut world = World::empty();
    let first = world.moodle.add_user("A", "same@example.org", "A", "A");
    let second = world.moodle.add_user("A", "Same@example.org", "A", "B");
    let client = Client::over(world).await;
    for (field, value) in [("idnumber", "A"), ("email", "same@example.org")] {
        let found = client.call(LOOKUP, &[("field", field), ("values[0]", value)]).await;
        assert_eq!(json!([found[0]["id"], found[1]["id"]]), json!([first, second]), "{field}");
    }
}

// Read: tool_mergeusers keeps the account given up, suspended, with its name, address and idnumber.
#[tokio::test]
async fn a_merged_account_is_suspended_and_what_it_had_is_the_other_ones() {
    let mut world = World::empty();
    let moodle = &mut world.moodle;
    let [old, new] = ["OLD", "NEW"].map(|guid| moodle.add_user(guid, &format!("{guid}@example.org"), "A", "A"));
    let [both, only] = ["1", "2"].map(|number| moodle.add_course(number, "C"));
    let cohort = moodle.add_cohort("web", "Web");
    moodle.add_member(cohort, old);
    for (user, course) in [(old, both), (new, both), (old, only)] {
        moodle.enrol(user, course);
    }
    moodle.complete(old, only, jiff::Timestamp::UNIX_EPOCH);
    moodle.merge_accounts(old, new, 1000);
    assert_eq!(moodle.merges, [Merge { from: old, to: new, at: 1000 }]);
    assert_eq!(moodle.enrolments_of_user(old).count(), 0);
    assert_eq!(moodle.enrolments_of_user(new).count(), 2);
    assert_eq!(moodle.members_of(cohort), [new]);
    assert!(moodle.completion(new, only).is_some() && moodle.completion(old, only).is_none());
    let client = Client::over(world).await;
    let found = client.call(LOOKUP, &[("field", "idnumber"), ("values[0]", "OLD")]).await;
    assert_eq!(json!([found[0]["id"], found[0]["suspended"]]), json!([old, true]));
}

// Part M: "OAuth2 issuers may map sub to idnumber, which overwrites it at login unless the field is locked".
#[test]
fn a_login_by_single_sign_on_overwrites_the_idnumber_unless_it_is_locked() {
    let mut world = World::empty();
    let moodle = &mut world.moodle;
    let user = moodle.add_user("GUID1", "a@example.org", "A", "A");
    let idnumber = |moodle: &rollbook_sandbox::Moodle| moodle.users.get(user).map(|user| user.idnumber.clone());
    assert_eq!(moodle.log_in(user, "AAAA-subject"), Ok(()));
    assert_eq!(idnumber(moodle).as_deref(), Some("GUID1"));
    moodle.site.login_sets_idnumber = true;
    moodle.site.idnumber_locked = true;
    assert_eq!(moodle.log_in(user, "AAAA-subject"), Ok(()));
    assert_eq!(idnumber(moodle).as_deref(), Some("GUID1"));
    moodle.site.idnumber_locked = false;
    for subject in ["AAAA-subject", ""] {
        assert_eq!(moodle.log_in(user, subject), Ok(()));
        assert_eq!(idnumber(moodle).as_deref(), Some(subject));
    }
    moodle.users.edit(user, |user| user.suspended = true);
    assert_eq!(moodle.log_in(user, "BBBB"), Err(LoginRefused::Suspended));
    moodle.delete_user(user, 1);
    assert_eq!(moodle.log_in(user, "BBBB"), Err(LoginRefused::Unknown));
}

// Part M: "A service account that has not accepted a new site policy gets sitepolicynotagreed on every call".
#[tokio::test]
async fn a_site_policy_stops_every_call_of_an_account_that_has_not_agreed() {
    let mut world = World::empty();
    world.moodle.publish_policy();
    let client = Client::over(world).await;
    for function in ["core_webservice_get_site_info", "core_cohort_get_cohorts"] {
        assert_eq!(code(&client.call(function, &[]).await), "sitepolicynotagreed", "{function}");
    }
    let admin = client.call_as(MOODLE_ADMIN_TOKEN, "core_webservice_get_site_info", &[]).await;
    assert_eq!(code(&admin), "");
    client.sandbox.world().moodle.users.edit(SERVICE_ID, |user| user.policyagreed = true);
    assert_eq!(code(&client.call("core_webservice_get_site_info", &[]).await), "");
}

// Issue "Guilds": "another engine owns cohorts of a prefix and works at login (nwcguild: …)".
#[test]
fn another_engine_sets_its_own_cohorts_at_each_login() {
    let mut world = World::empty();
    let moodle = &mut world.moodle;
    let user = moodle.add_user("A", "a@example.org", "A", "A");
    let own = moodle.add_cohort("web", "Web");
    let foreign = moodle.add_cohort("nwcguild:old", "Old");
    moodle.add_member(own, user);
    moodle.add_member(foreign, user);
    moodle.login_cohorts =
        Some(LoginCohorts { prefix: "nwcguild:".to_owned(), members: [(user, ["web".to_owned()].into())].into() });
    assert_eq!(moodle.members_of(foreign), [user]);
    assert_eq!(moodle.log_in(user, "A"), Ok(()));
    assert!(moodle.members_of(foreign).is_empty());
    assert_eq!(moodle.members_of(own), [user]);
    let made = moodle.cohorts_by_idnumber("nwcguild:web").first().map(|cohort| cohort.id).expect("made at login");
    assert_eq!(moodle.members_of(made), [user]);
}
