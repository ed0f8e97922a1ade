//! A correction by a person's word never makes two of somebody, nor somebody of two, and touches nobody who is protected.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rollbook_core::guard::{check_correction, decide};
use rollbook_core::model::RoleId;
use rollbook_core::model::{Account, FeedRecord, FieldNames, LinkName, MoodleUserId, read_record};
use rollbook_core::plan::{CannotCorrect, CorrectionInputs, CorrectionKind, CorrectionPlan, plan_correction};
use rollbook_core::policy::{
    EnrolmentPolicy, IntakeLimits, IntakePolicy, Protected, UsernameCharacters, UsernameRule, Welcome,
};
use serde_json::json;
use std::collections::BTreeSet;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const OURS: MoodleUserId = MoodleUserId(99);

fn record() -> FeedRecord {
    let row = json!({
        "date_created": "2026-11-23T08:00:00", "COURSE_IDENTIFIER": "7", "COURSE_STATE": "Enrol", "GUID": "G-NEW",
        "EMAIL": "jane@example.org", "FIRST_NAME": "Jane", "LAST_NAME": "Doe", "COURSE_STATE_DATE": "2026-11-23T07:00:00",
        "ENROLMENT_ID": 5, "COURSE_SHORTNAME": "C",
    });
    let record = read_record(&row, &FieldNames::default(), &TimeZone::UTC);
    assert!(record.reading.is_ok(), "{:?}", record.reading);
    record
}

fn policy() -> IntakePolicy {
    IntakePolicy {
        role: RoleId(5),
        auth: "oauth2".into(),
        username: UsernameRule::Mail,
        username_characters: UsernameCharacters::Plain,
        missing_name: None,
        protected: Protected::default(),
        welcome: Welcome::Rollbook,
        enrolments: EnrolmentPolicy::default(),
        limits: IntakeLimits::default(),
        course_wait: jiff::SignedDuration::from_hours(14 * 24),
    }
}

fn account(id: i64, guid: &str, mail: &str) -> Account {
    Account {
        id: MoodleUserId(id),
        username: mail.to_lowercase(),
        mail: mail.to_owned(),
        guid: guid.to_owned(),
        first_name: "Jane".to_owned(),
        last_name: "Doe".to_owned(),
        suspended: false,
        confirmed: true,
        auth: String::new(),
    }
}

fn plan(
    ask: CorrectionKind,
    named: Option<&Account>,
    by_guid: &[Account],
    by_mail: &[Account],
) -> Result<CorrectionPlan, CannotCorrect> {
    let (record, link) = (record(), LinkName::new("psa"));
    let inputs = CorrectionInputs { link: &link, record: &record, ask, named, by_guid, by_mail };
    plan_correction(&inputs, &policy(), NOW)
}

#[test]
fn account_with_the_feeds_address_gets_the_feeds_guid() {
    let old = account(5, "g-old", "Jane@Example.org");
    let made = plan(CorrectionKind::UseAccount(old.id), Some(&old), &[], &[]).unwrap();
    assert_eq!(made.changes[0].to_string(), "change the GUID of account 5 from g-old to G-NEW");
    let none = account(5, "", "jane@example.org");
    let made = plan(CorrectionKind::UseAccount(none.id), Some(&none), &[], &[]).unwrap();
    assert_eq!(made.changes[0].to_string(), "give account 5 the GUID G-NEW");
    assert!(!made.changes[0].is_so(&none) && made.changes[0].is_so(&account(5, "g-new ", "x@example.org")));
}

#[test]
fn account_that_is_so_already_is_not_changed() {
    let so = account(5, "g-new", "jane@example.org");
    assert_eq!(plan(CorrectionKind::UseAccount(so.id), Some(&so), std::slice::from_ref(&so), &[]).unwrap().changes, []);
    assert_eq!(plan(CorrectionKind::UpdateMail, None, &[so], &[]).unwrap().changes, []);
}

#[test]
fn guid_or_address_of_another_account_is_never_given_twice() {
    let (old, other) = (account(5, "g-old", "jane@example.org"), account(6, "G-new", "j.doe@example.org"));
    let taken = plan(CorrectionKind::UseAccount(old.id), Some(&old), std::slice::from_ref(&other), &[]);
    assert_eq!(taken, Err(CannotCorrect::GuidTaken(other.id)));
    let taken = plan(CorrectionKind::UpdateMail, None, std::slice::from_ref(&other), std::slice::from_ref(&old));
    assert_eq!(taken, Err(CannotCorrect::MailTaken(old.id)));
    let several = plan(CorrectionKind::UpdateMail, None, &[other.clone(), old.clone()], &[]);
    assert_eq!(several, Err(CannotCorrect::SeveralHaveGuid(vec![other.id, old.id])));
    assert_eq!(plan(CorrectionKind::UpdateMail, None, &[], &[old]), Err(CannotCorrect::NobodyHasGuid));
}

#[test]
fn account_that_has_nothing_to_do_with_the_person_is_refused() {
    let stranger = account(7, "", "somebody@example.org");
    let unrelated = plan(CorrectionKind::UseAccount(stranger.id), Some(&stranger), &[], &[]);
    assert_eq!(unrelated, Err(CannotCorrect::Unrelated(stranger.id)));
    let by_name = Account { username: "jane@example.org".to_owned(), ..stranger };
    assert!(plan(CorrectionKind::UseAccount(by_name.id), Some(&by_name), &[], &[]).is_ok());
    let asleep = Account { suspended: true, ..account(5, "", "jane@example.org") };
    let refused = plan(CorrectionKind::UseAccount(asleep.id), Some(&asleep), &[], &[]);
    assert_eq!(refused, Err(CannotCorrect::SuspendedAccount(asleep.id)));
    assert_eq!(plan(CorrectionKind::UseAccount(MoodleUserId(8)), None, &[], &[]), Err(CannotCorrect::NoAccount));
}

#[test]
fn mail_of_the_guids_account_becomes_the_feeds() {
    let account = account(5, "g-new", "j.doe@example.org");
    let made = plan(CorrectionKind::UpdateMail, None, &[account], &[]).unwrap();
    assert_eq!(made.changes[0].to_string(), "change the mail of account 5 from j.doe@example.org to jane@example.org");
}

#[test]
fn nobody_who_is_protected_is_corrected_nor_is_rollbooks_own_account() {
    let made = plan(CorrectionKind::UpdateMail, None, &[account(5, "g-new", "j.doe@example.org")], &[]).unwrap();
    let cleared = |words: &[&str], ours| {
        let protected = Protected::new(words.iter().copied(), []);
        let check = |part: &CorrectionPlan| check_correction(part, &record(), &protected, ours);
        decide(&made, check, &[], &BTreeSet::new(), NOW).waiting.is_none()
    };
    assert!(cleared(&["g-other"], OURS));
    for word in ["G-NEW", "j.doe@example.org", "jane@example.org"] {
        assert!(!cleared(&[word], OURS), "{word}");
    }
    assert!(!cleared(&[], MoodleUserId(5)));
}
