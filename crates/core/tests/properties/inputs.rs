//! Small worlds in which much goes wrong: few people, few addresses, few moments, so that they meet.

use super::world::World;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use rollbook_core::model::{
    Account, Course, ElmCourseId, Enrolment, FeedRecord, FieldNames, ManualInstance, MoodleCourseId, MoodleUserId,
    RoleId, read_record,
};
use rollbook_core::plan::AppliedState;
use rollbook_core::policy::{IntakeLimits, Protected, UsernameCharacters, UsernameRule};
use rollbook_core::snapshot::{Gap, Snapshot};
use serde_json::{Value, json};

pub const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

const GUIDS: [&str; 5] = ["G-ONE", "g-one", "G-TWO", "G-TRI", "G-FOUR"];
const MAILS: [&str; 5] =
    ["one@example.org", "One@Example.org", "two@example.org", "tri+x@example.org", "four@example.org"];
const COURSES: [&str; 4] = ["1", "01", "2", "PSA-X"];

fn moment(minute: i64) -> String {
    (NOW - SignedDuration::from_mins(60 - minute)).to_string()
}

/// A row of the feed; one in ten is broken in some way.
pub fn row() -> impl Strategy<Value = Value> {
    let who = (select(&GUIDS[..]), select(&MAILS[..]), select(&["Jane", "John", ""][..]));
    let what = (select(&COURSES[..]), select(&["Enrol", "Suspend", "Enrol", "Suspend", "enrol"][..]));
    let when = (0..4_i64, 0..3_i64, select(vec![Value::Null, json!(1), json!("2")]));
    let broken = prop_oneof![
        9 => Just(None),
        1 => (select(&["GUID", "EMAIL", "COURSE_STATE_DATE", "LAST_NAME"][..]), arbitrary_value()).prop_map(Some),
    ];
    (who, what, when, broken).prop_map(|((guid, mail, name), (course, state), (changed, created, number), broken)| {
        let mut row = json!({
            "GUID": guid, "EMAIL": mail, "FIRST_NAME": name, "LAST_NAME": "Doe", "COURSE_IDENTIFIER": course,
            "COURSE_SHORTNAME": "", "COURSE_STATE": state, "COURSE_STATE_DATE": moment(changed),
            "date_created": moment(created), "ENROLMENT_ID": 5, "record_enrol_id": number,
        });
        if let Some((field, value)) = broken {
            row[field] = value;
        }
        row
    })
}

pub fn read(row: &Value) -> FeedRecord {
    read_record(row, &FieldNames::default(), &TimeZone::UTC)
}

pub fn records() -> impl Strategy<Value = Vec<FeedRecord>> {
    proptest::collection::vec(row().prop_map(|row| read(&row)), 0..16)
}

/// Any JSON at all, not too deep.
pub fn arbitrary_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9eE+. -]{0,8}".prop_map(Value::from),
        "é{300,600}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(".{0,4}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn accounts() -> impl Strategy<Value = Vec<Account>> {
    let guids = select(&["G-ONE", "g-one", "G-TWO", "G-TRI", "", ""][..]);
    proptest::collection::vec((guids, select(&MAILS[..]), any::<bool>()), 0..5).prop_map(|people| {
        let people = people.into_iter().zip(1_i64..);
        let account = |((guid, mail, by_mail), id): ((&str, &str, bool), i64)| Account {
            id: MoodleUserId(id),
            // User names are unique in Moodle; some follow from the address.
            username: if by_mail && id == 1 { mail.to_lowercase() } else { format!("user{id}") },
            mail: mail.to_owned(),
            guid: guid.to_owned(),
            first_name: "First".into(),
            last_name: "Last".into(),
            suspended: false,
            confirmed: true,
            auth: String::new(),
        };
        people.map(account).collect()
    })
}

fn courses() -> impl Strategy<Value = Vec<Course>> {
    let manual = prop_oneof![4 => Just(ManualInstance::Usable), 1 => Just(ManualInstance::Missing)];
    proptest::collection::vec((select(&COURSES[..]), manual), 0..6).prop_map(|courses| {
        let course = |((elm_id, manual), id): ((&str, ManualInstance), i64)| Course {
            id: MoodleCourseId(id),
            elm_id: ElmCourseId::new(elm_id),
            full_name: "A course".into(),
            manual,
            default_role: (id % 2 == 0).then_some(RoleId(9)),
            active: None,
            methods: None,
            duration: None,
        };
        courses.into_iter().zip(30..).map(course).collect()
    })
}

/// A world with limits that nothing reaches.
pub fn world() -> impl Strategy<Value = World> {
    let state = select(
        &[
            Enrolment::Active,
            Enrolment::Suspended,
            Enrolment::Absent,
            Enrolment::NotActive,
            Enrolment::Inactive,
            Enrolment::NotStarted,
        ][..],
    );
    let enrolments = proptest::collection::btree_map((1..5_i64, 30..36_i64), state, 0..12);
    let names = select(&[UsernameRule::Mail, UsernameRule::Guid, UsernameRule::MailThenGuid][..]);
    let protected = proptest::sample::subsequence(vec!["g-two", "tri+x@example.org", "user3"], 0..=1);
    let applied = proptest::collection::vec(row().prop_map(|row| read(&row)), 0..3);
    (accounts(), courses(), enrolments, names, protected, any::<bool>(), applied).prop_map(
        |(accounts, courses, enrolments, names, protected, extended, applied)| {
            let mut world = World::new(NOW);
            world.policy.limits = IntakeLimits {
                new_accounts: u64::MAX,
                welcome_mails: u64::MAX,
                suspensions: u64::MAX,
                suspensions_share: 2.0,
                doubtful_share: 2.0,
                ..IntakeLimits::default()
            };
            world.policy.username = names;
            if extended {
                world.policy.username_characters = UsernameCharacters::Extended;
            }
            world.policy.protected = Protected::new(protected, [MoodleUserId(4)]);
            world.moodle.accounts = accounts.into_iter().map(|account| (account.id, account)).collect();
            world.moodle.courses = courses.into_iter().map(|course| (course.id, course)).collect();
            let pairs =
                enrolments.into_iter().map(|((user, course), how)| ((MoodleUserId(user), MoodleCourseId(course)), how));
            let there = |pair: &(MoodleUserId, MoodleCourseId)| {
                world.moodle.accounts.contains_key(&pair.0) && world.moodle.courses.contains_key(&pair.1)
            };
            let there = pairs.filter(|(pair, _)| there(pair));
            let enrolments = there.map(|(pair, state)| (pair, state.into())).collect();
            world.moodle.enrolments = enrolments;
            for record in &applied {
                if let Some(state) = AppliedState::of(record) {
                    world.journal.applied.entry((record.guid().folded(), record.course())).or_default().push(state);
                    world.journal.note_newest(record);
                }
            }
            world
        },
    )
}

pub fn gaps() -> impl Strategy<Value = Vec<Gap>> {
    proptest::collection::vec(select(&[Gap::PageRepeated, Gap::PagesLimit { limit: 1 }, Gap::Narrowed][..]), 1..3)
}

pub fn whole(records: Vec<FeedRecord>) -> Snapshot<Vec<FeedRecord>> {
    Snapshot::complete(NOW, records)
}
