//! A feed of any size and the Moodle that it meets, the same each time: ten records a person over two thousand courses,
//! with people who come, go, come back, are new, in doubt, or nowhere.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rollbook_core::matching::Directory;
use rollbook_core::model::{
    Account, Course, ElmCourseId, Enrolment, FeedRecord, FieldNames, Guid, LinkName, ManualInstance, MoodleCourseId,
    MoodleUserId, RoleId, read_record,
};
use rollbook_core::plan::{AppliedState, Courses, Enrolments, IntakeInputs};
use rollbook_core::policy::{IntakeLimits, IntakePolicy, Protected, UsernameCharacters, UsernameRule, Welcome};
use rollbook_core::snapshot::Snapshot;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

pub const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);
const COURSES: u64 = 2_000;
const RECORDS_A_PERSON: u64 = 10;

/// Everything that a plan is made from.
pub struct Load {
    link: LinkName,
    records: Snapshot<Vec<FeedRecord>>,
    applied: BTreeMap<(String, ElmCourseId), Vec<AppliedState>>,
    newest: BTreeMap<String, FeedRecord>,
    directory: Directory,
    courses: Courses,
    enrolments: Enrolments,
}

/// A scattered number that depends on nothing but its argument (splitmix64).
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("small numbers")
}

/// Seven of ten people have an account.
fn has_account(person: u64) -> bool {
    person % 10 < 7
}

impl Load {
    pub fn of(records: u64) -> Self {
        let people = (records / RECORDS_A_PERSON).max(1);
        let value: Vec<FeedRecord> = (0..records).map(|index| record(scatter(index) % people, index)).collect();
        let mut load = Self {
            link: LinkName::new("elm"),
            records: Snapshot::complete(NOW, value),
            applied: BTreeMap::new(),
            newest: BTreeMap::new(),
            directory: Directory::default(),
            courses: Courses::new(),
            enrolments: Enrolments::new(),
        };
        load.look_up(people);
        load
    }

    fn look_up(&mut self, people: u64) {
        let all = || (0..people).map(|person| (guid(person), mail(person)));
        self.directory.asked_guids(all().map(|(guid, _)| Guid::new(guid).folded()));
        self.directory.asked_mails(all().map(|(_, mail)| mail));
        self.directory.asked_usernames(all().map(|(_, mail)| mail));
        for person in (0..people).filter(|person| has_account(*person)) {
            self.directory.add(account(person));
        }
        for course in 0..COURSES {
            let elm_id = ElmCourseId::new((930_000 + course).to_string());
            let found = (course % 50 != 0).then(|| moodle_course(course, &elm_id));
            self.courses.insert(elm_id, found.into_iter().collect());
        }
        for (record, index) in self.records.value.iter().zip(0..) {
            let person = scatter(index) % people;
            let pair = (MoodleUserId(signed(person) + 10), MoodleCourseId(signed(course_of(person, index)) + 10));
            if has_account(person) {
                let standing = [Enrolment::Absent, Enrolment::Active, Enrolment::Suspended];
                self.enrolments.insert(pair, standing[usize::try_from(scatter(index) % 3).expect("below 3")].into());
            }
            if index % 7 == 0 {
                let state = AppliedState::of(record).expect("a good record");
                self.applied.entry((record.guid().folded(), record.course())).or_default().push(state);
            }
            if index % 11 == 0 {
                self.newest.insert(record.guid().folded(), record.clone());
            }
        }
    }

    pub fn inputs(&self) -> IntakeInputs<'_> {
        static NO_DOUBTS: BTreeSet<rollbook_core::model::Fingerprint> = BTreeSet::new();
        static NOTHING_INTENDED: BTreeMap<rollbook_core::model::Fingerprint, rollbook_core::plan::Intended> =
            BTreeMap::new();
        static NOTHING_MADE: BTreeSet<(String, ElmCourseId)> = BTreeSet::new();
        static NO_ACCOUNTS: BTreeMap<String, MoodleUserId> = BTreeMap::new();
        IntakeInputs {
            link: &self.link,
            records: &self.records,
            known_doubts: &NO_DOUBTS,
            applied: &self.applied,
            made: &NOTHING_MADE,
            accounts: &NO_ACCOUNTS,
            newest: &self.newest,
            directory: &self.directory,
            courses: &self.courses,
            enrolments: &self.enrolments,
            intended: &NOTHING_INTENDED,
        }
    }
}

pub fn policy() -> IntakePolicy {
    IntakePolicy {
        role: RoleId(5),
        auth: "oauth2".into(),
        username: UsernameRule::MailThenGuid,
        username_characters: UsernameCharacters::Plain,
        missing_name: None,
        protected: Protected::new(["boss@example.org", "0000000000000000000000000000000A"], [MoodleUserId(2)]),
        welcome: Welcome::Rollbook,
        enrolments: rollbook_core::policy::EnrolmentPolicy::default(),
        limits: IntakeLimits::default(),
        course_wait: SignedDuration::from_hours(14 * 24),
    }
}

fn guid(person: u64) -> String {
    format!("{:032X}", scatter(person))
}

fn mail(person: u64) -> String {
    format!("first.last{person}@example.org")
}

/// Each person meets five courses, so that half of the records supersede another.
fn course_of(person: u64, index: u64) -> u64 {
    scatter(person * 5 + index % 5) % COURSES
}

fn record(person: u64, index: u64) -> FeedRecord {
    let changed = NOW - SignedDuration::from_secs(signed(scatter(index + 7_000_000) % 1_000_000));
    let created = changed + SignedDuration::from_secs(60);
    // One person in a thousand has another address in Moodle.
    let mail = if person.is_multiple_of(1_000) { format!("other{person}@example.org") } else { mail(person) };
    let row = json!({
        "date_created": created.to_string(), "COURSE_IDENTIFIER": 930_000 + course_of(person, index),
        "COURSE_SHORTNAME": format!("ITEM-{}-1", course_of(person, index)),
        "COURSE_STATE": if index.is_multiple_of(4) { "Suspend" } else { "Enrol" },
        "GUID": guid(person), "EMAIL": mail, "FIRST_NAME": "First", "LAST_NAME": format!("Last{person}"),
        "ENROLMENT_ID": 555_000 + index, "COURSE_STATE_DATE": changed.to_string(),
    });
    read_record(&row, &FieldNames::default(), &TimeZone::UTC)
}

fn account(person: u64) -> Account {
    Account {
        id: MoodleUserId(signed(person) + 10),
        username: mail(person),
        mail: mail(person),
        guid: guid(person),
        first_name: "First".into(),
        last_name: format!("Last{person}"),
        suspended: false,
        confirmed: true,
        auth: String::new(),
    }
}

fn moodle_course(course: u64, elm_id: &ElmCourseId) -> Course {
    Course {
        id: MoodleCourseId(signed(course) + 10),
        elm_id: elm_id.clone(),
        full_name: format!("Course {course}"),
        manual: if course % 49 == 1 { ManualInstance::Missing } else { ManualInstance::Usable },
        default_role: None,
        active: Some(100),
        methods: None,
        duration: None,
    }
}
