//! The clients against the sandbox's stateful stand-ins: what is written can be read back.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use rollbook_core::model::{ElmCourseId, Guid, MoodleCourseId, MoodleUserId, RoleId};
use rollbook_elm::client::{FeedClient, FeedOptions, FeedQuery};
use rollbook_elm::dialect::Literal;
use rollbook_moodle::client::read::{UserField, WhichEnrolled, WhichFields};
use rollbook_moodle::client::write::{Enrolment, EnrolmentState, NewUser, UserUpdate, UserUpdateOutcome};
use rollbook_moodle::client::{Function, ItemOutcome, MoodleClient, MoodleError, MoodleOptions, send_halving};
use rollbook_remote::retry::RetryPolicy;
use rollbook_sandbox::moodle::STUDENT_ROLE;
use rollbook_sandbox::{ELM_TOKEN, Fault, FeedRow, Kind, MOODLE_TOKEN, Sandbox, Target, World};
use rollbook_sync::smtp::{Mail, SmtpClient, SmtpOptions};
use std::time::Duration;

const QUICK: RetryPolicy =
    RetryPolicy { tries_max: 3, delay: Duration::from_millis(1), wait_max: Duration::from_millis(20) };

fn moodle(sandbox: &Sandbox) -> MoodleClient {
    let options = MoodleOptions::new(sandbox.moodle_url(), MOODLE_TOKEN.into());
    MoodleClient::new(MoodleOptions { retry: QUICK, timeout: Duration::from_secs(5), ..options }).unwrap()
}

fn zone() -> TimeZone {
    TimeZoneDatabase::bundled().get("America/Vancouver").unwrap()
}

fn enrol(user: MoodleUserId, course: MoodleCourseId, state: EnrolmentState) -> Enrolment {
    Enrolment { state, role: RoleId(STUDENT_ROLE), user, course, time_start: None, time_end: None }
}

#[tokio::test]
async fn accounts_and_enrolments_go_round() {
    let mut world = World::empty();
    world.moodle.add_course("00100", "Course");
    let sandbox = Sandbox::start(world).await.unwrap();
    let client = moodle(&sandbox);
    let (reader, writer) = (client.reader(), client.writer());
    let site = reader.fetch_site_info().await.unwrap();
    assert_eq!(site.siteurl, client.site_url());
    assert!(
        site.offers(Function::Enrol) && site.version_number() > 2_020_000_000 && site.userissiteadmin == Some(false)
    );

    let people = [
        NewUser::new("jane@example.org", "Jane", "Doe", "Jane@example.org", Guid::new("AAA1")),
        NewUser::new("zoe@example.org", "Zoë", "Ö'Neil", "zoe@example.org", Guid::new("AAA2")),
    ];
    let made = writer.create_users(&people).await.unwrap();
    assert_eq!(made[1].1, "zoe@example.org");
    let found =
        reader.fetch_users(UserField::IdNumber, &["AAA2".into(), "aaa1".into(), "nobody".into()]).await.unwrap();
    assert_eq!(found.users.iter().map(|user| user.id).collect::<Vec<_>>(), [made[0].0, made[1].0]);
    assert_eq!(found.users[1].fullname.as_deref(), Some("Zoë Ö'Neil"));
    assert_eq!(found.users[1].lastname, None, "not shown to this account, which is not the same as empty");
    assert_eq!(found.users[0].suspended, Some(false));

    let courses = reader.fetch_courses_by_idnumber(&[ElmCourseId::new("00100"), ElmCourseId::new("")]).await.unwrap();
    let course = courses[0].courses[0].id;
    assert_eq!(courses[0].courses[0].takes_manual_enrolments(), Some(true));
    assert!(courses[1].courses.is_empty(), "an empty idnumber would be the front page");
    let both = [enrol(made[0].0, course, EnrolmentState::Active), enrol(made[1].0, course, EnrolmentState::Suspended)];
    assert_eq!(writer.enrol(&both).await.unwrap().len(), 2);
    for (which, ids) in [
        (WhichEnrolled::All, vec![made[0].0, made[1].0]),
        (WhichEnrolled::OnlyActive, vec![made[0].0]),
        (WhichEnrolled::OnlySuspended, vec![made[1].0]),
    ] {
        let enrolled = reader.fetch_enrolled(course, which, WhichFields::Identity).await.unwrap();
        assert_eq!(enrolled.iter().map(|user| user.id).collect::<Vec<_>>(), ids, "{which:?}");
    }
}

#[tokio::test]
async fn one_bad_item_of_a_batch_is_found_and_the_rest_done() {
    let mut world = World::empty();
    let course = MoodleCourseId(world.moodle.add_course("100", "Course"));
    let users: Vec<i64> =
        (0..20).map(|n| world.moodle.add_user(&format!("G{n}"), &format!("u{n}@example.org"), "A", "B")).collect();
    world.moodle.delete_user(users[13], 1_800_000_000);
    let sandbox = Sandbox::start(world).await.unwrap();
    let writer = moodle(&sandbox).writer();
    let items: Vec<Enrolment> =
        users.iter().map(|user| enrol(MoodleUserId(*user), course, EnrolmentState::Active)).collect();
    let outcomes = send_halving(&items, 40, |part| writer.enrol(part)).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        match outcome {
            ItemOutcome::Done(()) => assert_ne!(index, 13),
            ItemOutcome::Refused(error) => assert_eq!((index, error.is_transient()), (13, false)),
            other => panic!("{index}: {other:?}"),
        }
    }
    assert_eq!(sandbox.world().moodle.enrolments.len(), 19);
}

#[tokio::test]
async fn a_batch_of_which_php_drops_something_is_refused_as_a_whole_and_done_in_halves() {
    let mut world = World::empty();
    let course = MoodleCourseId(world.moodle.add_course("100", "Course"));
    let users: Vec<i64> =
        (0..40).map(|n| world.moodle.add_user(&format!("G{n}"), &format!("u{n}@example.org"), "A", "B")).collect();
    world.moodle.site.max_input_vars = 50;
    let sandbox = Sandbox::start(world).await.unwrap();
    let (reader, writer) = (moodle(&sandbox).reader(), moodle(&sandbox).writer());
    let items: Vec<Enrolment> =
        users.iter().map(|user| enrol(MoodleUserId(*user), course, EnrolmentState::Suspended)).collect();
    let error = writer.enrol(&items).await.unwrap_err();
    assert_eq!(error.to_string(), "Moodle refused enrol_manual_enrol_users: max_input_vars_exceeded");
    assert!(!error.may_have_acted() && !error.is_transient());
    assert_eq!(sandbox.world().moodle.enrolments.len(), 0, "nothing of it was done");
    let names: Vec<String> = (0..60).map(|n| format!("nobody{n}")).collect();
    let error = reader.fetch_users(UserField::Username, &names).await.map(|found| found.users.len());
    assert_eq!(error, Ok(0), "in calls that PHP reads whole");
    let outcomes = send_halving(&items, 20, |part| writer.enrol(part)).await;
    assert!(outcomes.iter().all(|outcome| *outcome == ItemOutcome::Done(())), "{outcomes:?}");
    let world = sandbox.world();
    assert_eq!((world.moodle.enrolments.len(), world.moodle.enrolments.iter().all(|row| row.suspended)), (40, true));
}

#[tokio::test]
async fn faults_are_classified_by_what_they_prove() {
    for (kind, may_have_acted) in [
        (Kind::RefuseConnection, true),
        (Kind::ResetAfterEffect, true),
        (Kind::ResetMidBody, true),
        (Kind::HttpAfterEffect(504), true),
        (Kind::Html200, true),
        (Kind::TruncatedJson, true),
        (Kind::EmptyBody200, true),
        (Kind::ExceptionIn200 { errorcode: "dmlwriteexception" }, false),
        (Kind::ExceptionIn200 { errorcode: "sitemaintenance" }, false),
    ] {
        let mut world = World::empty();
        let course = MoodleCourseId(world.moodle.add_course("100", "Course"));
        let user = MoodleUserId(world.moodle.add_user("G", "g@example.org", "A", "B"));
        let sandbox = Sandbox::start(world).await.unwrap();
        sandbox.faults().arm(Fault::nth(Target::Moodle(None), 1, kind));
        let error = moodle(&sandbox).writer().enrol(&[enrol(user, course, EnrolmentState::Active)]).await.unwrap_err();
        assert_eq!(error.may_have_acted(), may_have_acted, "{kind:?}: {error:?}");
        assert_eq!(sandbox.calls().of("enrol_manual_enrol_users"), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn a_read_survives_a_passing_fault() {
    let sandbox = Sandbox::start(World::empty()).await.unwrap();
    sandbox.faults().arm(Fault::nth(Target::Moodle(None), 1, Kind::ResetMidBody));
    sandbox.faults().arm(Fault::nth(Target::Moodle(None), 2, Kind::HttpBeforeEffect(502)));
    let client = moodle(&sandbox);
    assert!(client.reader().fetch_site_info().await.is_ok());
    assert_eq!((client.call_counts()[0].calls, client.call_counts()[0].failed), (3, 2));
}

#[tokio::test]
async fn an_update_says_which_accounts_it_left_alone() {
    let mut world = World::empty();
    let user = MoodleUserId(world.moodle.add_user("G", "g@example.org", "A", "B"));
    let sandbox = Sandbox::start(world).await.unwrap();
    {
        let mut world = sandbox.world();
        world.moodle.grant(MOODLE_TOKEN, "moodle/user:update");
        world.moodle.list_function(MOODLE_TOKEN, "core_user_update_users");
    }
    let gone = UserUpdate { suspended: Some(true), ..UserUpdate::new(MoodleUserId(999)) };
    let there = UserUpdate { suspended: Some(true), ..UserUpdate::new(user) };
    let outcomes = moodle(&sandbox).writer().update_users(&[gone, there]).await.unwrap();
    assert!(matches!(&outcomes[0], UserUpdateOutcome::Warned { code, .. } if code == "invaliduserid"), "{outcomes:?}");
    assert_eq!(outcomes[1], UserUpdateOutcome::Done);
    assert!(sandbox.world().moodle.users.get(user.0).is_some_and(|user| user.suspended));
}

#[tokio::test]
async fn a_wrong_token_and_maintenance_concern_no_item() {
    let sandbox = Sandbox::start(World::empty()).await.unwrap();
    let options = MoodleOptions::new(sandbox.moodle_url(), "wrong".into());
    let error = MoodleClient::new(options).unwrap().reader().fetch_site_info().await.unwrap_err();
    assert!(matches!(error, MoodleError::Denied { ref code, .. } if code == "invalidtoken"), "{error:?}");
}

#[tokio::test]
async fn the_feed_comes_in_pages_with_either_literal() {
    let mut world = World::empty();
    world.elm.page_size = 10;
    for n in 0..25 {
        let created = format!("2026-03-01T10:{n:02}:00Z").parse().unwrap();
        world.elm.push(FeedRow::enrol(&format!("G'{n}"), "a+b@example.org", 100 + n, created));
    }
    let sandbox = Sandbox::start(world).await.unwrap();
    for literal in [Literal::QuotedLocal, Literal::DateTimeOffset] {
        let options = FeedOptions::new(sandbox.feed_url(), ELM_TOKEN.into(), zone());
        let client =
            FeedClient::new(FeedOptions { literal: Some(literal), count: true, retry: QUICK, ..options }).unwrap();
        let since = Some("2026-03-01T10:04:30Z".parse().unwrap());
        let pages = client.fetch(&FeedQuery { since, ..FeedQuery::default() }).await.unwrap();
        assert_eq!((pages.rows.len(), pages.pages, pages.completeness.as_slice()), (20, 2, &[][..]), "{literal:?}");
        let guid = Some("G'7".to_owned());
        let one = client.fetch(&FeedQuery { guid, ..FeedQuery::default() }).await.unwrap();
        assert_eq!(one.rows.len(), 1, "{literal:?}");
        let mail = Some("a+b@example.org".to_owned());
        let all = client.fetch(&FeedQuery { mail, ..FeedQuery::default() }).await.unwrap();
        assert_eq!((all.rows.len(), all.is_complete()), (25, true), "{literal:?}");
    }
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let sandbox = Sandbox::start(World::empty()).await.unwrap();
    let client = SmtpClient::new(&SmtpOptions::new(sandbox.smtp_url().into())).unwrap();
    let mail = Mail {
        to: "Zoë <zoe@example.org>".to_owned(),
        from: "noreply@example.org".to_owned(),
        subject: "Welcome to Café & Co".to_owned(),
        html: Some("<p>Grüße</p>".to_owned()),
        text: "Grüße\n.\n..".to_owned(),
        message_id: "<1@rollbook>".to_owned(),
        date: jiff::Timestamp::UNIX_EPOCH,
        headers: vec![],
    };
    client.send(&mail).await.unwrap();
    client.close().await;
    let world = sandbox.world();
    assert_eq!(world.mail.to("zoe@example.org").len(), 1);
    assert_eq!(world.mail.about("Café").len(), 1);
}
