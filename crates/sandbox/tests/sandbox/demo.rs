//! The demonstration world.

use crate::client::Client;
use jiff::Timestamp;
use rollbook_sandbox::demo::{self, CASES, cases, guilds};
use rollbook_sandbox::{MOODLE_TOKEN, World};
use serde_json::{Value, json};

fn now() -> Timestamp {
    "2026-11-23T18:00:00Z".parse().expect("a time")
}

#[test]
fn the_same_seed_and_time_make_the_same_world() {
    let (one, two) = (World::demo(7, now()), World::demo(7, now()));
    assert_eq!(one.elm.rows, two.elm.rows);
    assert!(one.moodle.users.iter().eq(two.moodle.users.iter()));
    assert!(one.moodle.enrolments.iter().eq(two.moodle.enrolments.iter()));
    assert!(one.moodle.completions.iter().eq(two.moodle.completions.iter()));
    assert_ne!(one.elm.rows, World::demo(8, now()).elm.rows);
}

#[test]
fn every_case_has_its_record_and_no_two_share_a_guid() {
    let world = World::demo(1, now());
    for case in CASES {
        let mut rows = world.elm.rows.iter();
        let id = json!(case.enrolment_id);
        assert!(rows.any(|row| row["ENROLMENT_ID"] == id), "{}", case.about);
        let same = CASES.iter().filter(|other| other.guid == case.guid);
        assert_eq!(same.count(), 1);
    }
    assert!(world.elm.rows.len() > 200 && world.moodle.users.len() > 900);
}

#[test]
fn ordinary_records_lie_in_the_last_110_minutes() {
    let world = World::demo(1, now());
    let created = world.elm.rows.iter().filter_map(|row| row["date_created"].as_str());
    let times: Vec<Timestamp> = created.filter_map(|text| text.parse().ok()).collect();
    assert_eq!(times.len(), world.elm.rows.len() - 1, "one date is unreadable on purpose");
    assert!(times.is_sorted());
    let from = now() - jiff::SignedDuration::from_mins(110);
    assert!(times.iter().all(|at| *at >= from && *at < now()));
}

#[test]
fn odd_guild_members_are_as_described() {
    let world = World::demo(1, now());
    let account = |name: &str| {
        let mut accounts = world.community.accounts.values();
        accounts.find(|account| account.name == name).expect("an account")
    };
    let mail = |name: &str| account(name).mail.clone().unwrap_or_default();
    assert!(!account(guilds::BLOCKED).active);
    assert_eq!(account(guilds::WITHOUT_MAIL).mail, None);
    assert!(world.moodle.users_by_email(&mail(guilds::STRANGER)).is_empty());
    let loud = world.moodle.users_by_email(&mail(guilds::LOUD));
    assert!(loud.len() == 1 && loud[0].email != mail(guilds::LOUD));
    assert_eq!(mail(guilds::SHARED_MAIL), mail(&format!("{}2", guilds::SHARED_MAIL)));
    assert_eq!(world.moodle.users_by_email(&mail(guilds::ADMINISTRATOR))[0].id, 2);
    assert!(!world.community.accounts.contains_key(&guilds::ORPHAN_UID));
    for (id, guild) in (1..).zip(guilds::GUILDS) {
        assert_eq!(world.community.memberships_of(id).count(), guild.members);
        assert_eq!(world.community.groups[&id].uuid, guild.uuid);
    }
}

#[tokio::test]
async fn moodle_refuses_what_the_cases_say_it_refuses() {
    let client = Client::over(World::demo(1, now())).await;
    for (case, errorcode) in [
        (cases::PLUS_ADDRESS, "invalidparameter"),
        (cases::APOSTROPHE_ADDRESS, "invalidparameter"),
        (cases::HTML_NAME, "invalidparameter"),
        (cases::CHANGED_GUID, "invalidparameter"),
        (cases::FOREIGN_LETTERS, ""),
    ] {
        let row = {
            let world = client.sandbox.world();
            let mut rows = world.elm.rows.iter();
            rows.find(|row| row["GUID"] == case.guid).cloned().expect("a record")
        };
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let form = [
            ("username", text("EMAIL").to_lowercase()),
            ("email", text("EMAIL")),
            ("firstname", text("FIRST_NAME")),
            ("lastname", text("LAST_NAME")),
            ("idnumber", text("GUID")),
            ("auth", "oauth2".to_owned()),
        ];
        let form = form.map(|(name, value)| (format!("users[0][{name}]"), value));
        let answer = client.call_as(MOODLE_TOKEN, "core_user_create_users", &form).await;
        assert_eq!(crate::client::code(&answer), errorcode, "{}", case.about);
    }
}

#[tokio::test]
async fn special_courses_are_as_described() {
    let client = Client::over(World::demo(1, now())).await;
    let manual = json!(["manual"]);
    for (number, expected) in [
        (demo::FIRST_COURSE, vec![&manual]),
        (demo::COURSE_WITHOUT_METHOD, vec![&json!([])]),
        (demo::COURSE_DISABLED, vec![&json!([])]),
        (demo::COURSE_TWICE, vec![&manual, &manual]),
        (demo::COURSE_MISSING, vec![]),
    ] {
        let number = number.to_string();
        let params = [("field", "idnumber"), ("value", number.as_str())];
        let answer = client.call("core_course_get_courses_by_field", &params).await;
        let courses = answer["courses"].as_array().expect("courses");
        let methods: Vec<&Value> = courses.iter().map(|course| &course["enrollmentmethods"]).collect();
        assert_eq!(methods, expected, "{number}");
    }
}
