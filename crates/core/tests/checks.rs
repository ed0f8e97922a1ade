//! The checks that stand behind the planner: they must block plans that it never makes.

use jiff::Timestamp;
use rollbook_core::guard::{Finding, IntakeView, check_intake};
use rollbook_core::matching::Directory;
use rollbook_core::model::{Account, Fingerprint, Guid, LinkName, Mail, MoodleCourseId, MoodleUserId, RoleId};
use rollbook_core::plan::{
    Courses, Dates, Doubts, EnrolChange, EnrolKind, IntakeChange, IntakeInputs, IntakePlan, NewAccount, SuspendChange,
    Who,
};
use rollbook_core::policy::Protected;
use rollbook_core::snapshot::{Gap, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

#[path = "world/mod.rs"]
mod world;

const NOBODY: Fingerprint = Fingerprint([0; 32]);

fn enrol(who: Who) -> IntakeChange {
    let (course, role) = (MoodleCourseId(30), RoleId(5));
    IntakeChange::Enrol(EnrolChange {
        record: NOBODY,
        who,
        course,
        role,
        kind: EnrolKind::Enrol,
        welcome: false,
        dates: Dates::None,
        blocked: None,
    })
}

fn suspend(user: i64) -> IntakeChange {
    let (user, course, role) = (MoodleUserId(user), MoodleCourseId(30), RoleId(5));
    IntakeChange::Suspend(SuspendChange { record: NOBODY, user, course, role, dates: Dates::None })
}

fn create(guid: &str, mail: &str) -> IntakeChange {
    let name = || "Name".to_owned();
    IntakeChange::CreateAccount(NewAccount {
        guid: Guid::new(guid),
        username: mail.to_owned(),
        mail: Mail::new(mail),
        first_name: name(),
        last_name: name(),
        auth: "oauth2".into(),
    })
}

/// What the checks say of a plan with these changes, where account 7 is known.
fn check(changes: Vec<IntakeChange>, protected: Protected, gaps: Vec<Gap>) -> Vec<String> {
    let now = Timestamp::UNIX_EPOCH;
    let mut policy = world::policy();
    policy.protected = protected;
    let mut directory = Directory::default();
    let text = |text: &str| text.to_owned();
    directory.add(Account {
        id: MoodleUserId(7),
        username: text("boss"),
        mail: text("Boss@example.org"),
        guid: text("G-BOSS"),
        first_name: text("The"),
        last_name: text("Boss"),
        suspended: false,
        confirmed: true,
        auth: String::new(),
    });
    let link = LinkName::new("elm");
    let inputs = IntakeInputs {
        link: &link,
        records: &Snapshot { taken_at: now, gaps, value: Vec::new() },
        known_doubts: &BTreeSet::new(),
        applied: &BTreeMap::new(),
        made: &BTreeSet::new(),
        accounts: &BTreeMap::new(),
        newest: &BTreeMap::new(),
        directory: &directory,
        courses: &Courses::new(),
        enrolments: &BTreeMap::new(),
        intended: &BTreeMap::new(),
    };
    let link = link.clone();
    let plan = IntakePlan { link, made_at: now, changes, skips: Vec::new(), people: 1, doubts: Doubts::default() };
    let view = IntakeView { plan: &plan, feed: &inputs, courses: inputs.courses, policy: &policy, now };
    check_intake(&view).iter().map(Finding::to_string).collect()
}

#[test]
fn plan_that_touches_somebody_protected_is_blocked() {
    let blocked = |change: IntakeChange, words: &[&str], accounts: &[i64]| {
        let accounts = accounts.iter().copied().map(MoodleUserId);
        check(vec![change], Protected::new(words.iter().copied(), accounts), Vec::new())
    };
    let account = || Who::Account(MoodleUserId(7));
    assert_eq!(
        blocked(suspend(7), &["boss@example.org"], &[]),
        ["blocked: protected (suspend account 7 in course 30): somebody who is protected by the entry \
          \"boss@example.org\" would be touched"]
    );
    assert_eq!(blocked(enrol(account()), &["g-boss"], &[]).len(), 1);
    assert_eq!(blocked(enrol(account()), &["boss"], &[]).len(), 1);
    assert_eq!(blocked(enrol(Who::Account(MoodleUserId(9))), &[], &[9]).len(), 1);
    assert_eq!(blocked(create("G-NEW", "new@example.org"), &["NEW@example.org"], &[]).len(), 1);
    assert!(blocked(create("G-NEW", "new@example.org"), &["boss"], &[7]).is_empty());
    assert!(blocked(enrol(Who::New(Guid::new("G-NEW"))), &["boss"], &[7]).is_empty());
    assert!(blocked(suspend(8), &["boss"], &[7]).is_empty());
}

#[test]
fn plan_that_suspends_on_the_word_of_an_incomplete_feed_is_blocked() {
    let found = check(vec![suspend(8)], Protected::default(), vec![Gap::PageRepeated]);
    let [warning, blocked] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(warning, "warning: completeness (feed): a page came twice");
    assert_eq!(blocked, "blocked: completeness (feed): the plan suspends people on the word of an incomplete feed");
    let added = check(vec![enrol(Who::Account(MoodleUserId(8)))], Protected::default(), vec![Gap::PageRepeated]);
    assert_eq!(added, ["warning: completeness (feed): a page came twice"]);
}
