//! Moodle's infrastructure answers, each mapped to what the caller may do next.

use crate::fake::{Fake, Reply, bytes, json, refused_url, reply};
use rollbook_core::model::{MoodleCourseId, MoodleUserId, RoleId};
use rollbook_moodle::client::read::{UserField, WhichEnrolled, WhichFields};
use rollbook_moodle::client::write::{Enrolment, EnrolmentState, Unenrolment};
use rollbook_moodle::client::{Function, MoodleClient, MoodleError, MoodleOptions};
use rollbook_remote::retry::RetryPolicy;
use std::time::Duration;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const REFUSED: &str =
    r#"{"exception":"invalid_parameter_exception","errorcode":"invalidparameter","message":"Jane exists"}"#;

fn client(url: &str) -> MoodleClient {
    MoodleClient::new(options(url)).unwrap()
}

fn options(url: &str) -> MoodleOptions {
    MoodleOptions {
        timeout: Duration::from_millis(400),
        retry: RetryPolicy { tries_max: 3, delay: Duration::from_millis(1), wait_max: Duration::from_millis(20) },
        ..MoodleOptions::new(url, TOKEN.into())
    }
}

fn enrolment(user: i64) -> Enrolment {
    Enrolment {
        state: EnrolmentState::Suspended,
        role: RoleId(5),
        user: MoodleUserId(user),
        course: MoodleCourseId(2),
        time_start: None,
        time_end: Some(9),
    }
}

/// One enrolment against one reply.
async fn enrol_against(reply: Reply) -> Result<Vec<()>, MoodleError> {
    let fake = Fake::start(vec![reply]).await;
    let result = client(&fake.url).writer().enrol(&[enrolment(7)]).await;
    assert_eq!(fake.requests().len(), 1, "a write is sent once");
    result
}

#[tokio::test]
async fn the_token_stands_last_in_the_body_and_suspend_first_in_the_item() {
    let fake = Fake::start(vec![json("null")]).await;
    assert_eq!(client(&fake.url).writer().enrol(&[enrolment(7)]).await, Ok(vec![()]));
    let request = &fake.requests()[0];
    assert!(request.starts_with("POST /webservice/rest/server.php HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nuser-agent: Rollbook/"), "{request}");
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(
        body.replace("%5B", "[").replace("%5D", "]"),
        format!(
            "wsfunction=enrol_manual_enrol_users&moodlewsrestformat=json&moodlewssettingraw=1\
             &enrolments[0][suspend]=1&enrolments[0][roleid]=5&enrolments[0][userid]=7&enrolments[0][courseid]=2\
             &enrolments[0][timeend]=9&wstoken={TOKEN}"
        )
    );
}

#[tokio::test]
async fn a_refused_connection_proves_that_nothing_was_sent() {
    let url = refused_url().await;
    let error = client(&url).writer().enrol(&[enrolment(7)]).await.unwrap_err();
    assert!(matches!(&error, MoodleError::NotSent { .. }), "{error:?}");
    assert!(!error.was_sent() && !error.may_have_acted() && error.is_transient());
    assert!(!error.to_string().contains("127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_proves_that_nothing_was_sent() {
    let error = client("http://moodle.invalid").writer().enrol(&[enrolment(7)]).await.unwrap_err();
    assert!(!error.may_have_acted(), "{error:?}");
}

#[tokio::test]
async fn silence_and_resets_leave_the_outcome_unknown() {
    let half = bytes("200 OK", "", "null")[..20].to_vec();
    let body = bytes("200 OK", "Content-Type: application/json\r\n", "[1,2,3]");
    let cut = body[..body.len() - 3].to_vec();
    let replies = [
        Reply::Hang(vec![]),
        Reply::Reset(vec![]),
        Reply::Bytes(vec![]),
        Reply::Hang(half.clone()),
        Reply::Reset(half),
        Reply::Bytes(cut.clone()),
        Reply::Hang(cut.clone()),
        Reply::Reset(cut),
    ];
    for (index, reply) in replies.into_iter().enumerate() {
        let error = enrol_against(reply).await.unwrap_err();
        assert!(matches!(&error, MoodleError::Unknown { .. }), "{index}: {error:?}");
        assert!(error.may_have_acted() && error.is_transient());
    }
}

#[tokio::test]
async fn an_infrastructure_answer_has_its_own_meaning() {
    let html = "Content-Type: text/html\r\n";
    let page = "<html><head><title>504 Gateway Time-out</title></head></html>";
    let cases = [
        (reply("303 See Other", "Location: http://lms.example.org/?t=1\r\n", page), "Misaddressed", false),
        (reply("404 Not Found", html, page), "Misaddressed", false),
        (reply("403 Forbidden", html, ""), "Denied", false),
        (reply("500 Internal Server Error", html, ""), "Unavailable", true),
        (reply("502 Bad Gateway", html, page), "Unavailable", true),
        (reply("504 Gateway Time-out", html, page), "Unavailable", true),
        (reply("503 Service Unavailable", html, page), "Unavailable", true),
        (reply("503 Service Unavailable", "Retry-After: 300\r\n", page), "Maintenance", false),
        (reply("413 Request Entity Too Large", html, page), "Refused", false),
        (reply("429 Too Many Requests", "Retry-After: 9\r\n", ""), "RateLimited", false),
        (reply("204 No Content", "", ""), "Malformed", true),
    ];
    for (reply, name, may_have_acted) in cases {
        let error = enrol_against(reply).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(name), "{name}: {error:?}");
        assert_eq!(error.may_have_acted(), may_have_acted, "{error:?}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_forgiven_and_stray_output_is_not() {
    assert_eq!(enrol_against(json(b"\xEF\xBB\xBFnull")).await, Ok(vec![()]));
    let stray = "<br />\n<b>Warning</b>:  PHP Request Startup: Input variables exceeded 1000.null";
    for body in
        ["Notice: foo{\"a\":1}", "Notice: foonull", stray, "", "<html><title>Log in</title>", "[1,2", "null null"]
    {
        let error = enrol_against(json(body)).await.unwrap_err();
        assert!(matches!(&error, MoodleError::Malformed { .. }), "{body}: {error:?}");
        assert!(error.may_have_acted());
    }
}

#[tokio::test]
async fn envelopes_are_told_apart_by_code_alone() {
    let cases = [
        (REFUSED.to_owned(), "Refused", false),
        (
            r#"{"exception":"core\\exception\\moodle_exception","errorcode":"wsusercannotassign","message":""}"#.into(),
            "Refused",
            false,
        ),
        (r#"{"exception":"Error","message":"Attempt to assign property"}"#.into(), "Refused", false),
        (r#"{"exception":"moodle_exception","errorcode":"invalidtoken","message":"x"}"#.into(), "Denied", false),
        (
            r#"{"exception":"webservice_access_exception","errorcode":"accessexception","message":"x"}"#.into(),
            "Denied",
            false,
        ),
        (
            r#"{"exception":"moodle_exception","errorcode":"sitemaintenance","message":"x"}"#.into(),
            "Maintenance",
            false,
        ),
        (r#"{"exception":"moodle_exception","errorcode":"upgraderunning","message":"x"}"#.into(), "Maintenance", false),
        (
            r#"{"exception":"dml_connection_exception","errorcode":"dbconnectionfailed","message":"x"}"#.into(),
            "Maintenance",
            false,
        ),
        (
            r#"{"exception":"invalid_response_exception","errorcode":"invalidresponse","message":"x"}"#.into(),
            "Unknown",
            true,
        ),
        (xml("invalidtoken"), "Refused", false),
        (xml("invalidparameter"), "Malformed", true),
        ("<?xml version=\"1.0\"?><RESPONSE></RESPONSE>".into(), "Malformed", true),
    ];
    for (body, name, may_have_acted) in cases {
        let error = enrol_against(json(&body)).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(name), "{body}: {error:?}");
        assert_eq!(error.may_have_acted(), may_have_acted, "{body}: {error:?}");
    }
}

fn xml(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<EXCEPTION class=\"x\">\n<ERRORCODE>{code}</ERRORCODE>\n<MESSAGE>m</MESSAGE></EXCEPTION>"
    )
}

#[tokio::test]
async fn an_error_shows_neither_token_nor_words() {
    let error = enrol_against(json(REFUSED)).await.unwrap_err();
    assert_eq!(error.to_string(), "Moodle refused enrol_manual_enrol_users: invalidparameter");
    assert!(!format!("{error:?}").contains("Jane"), "{error:?}");
    assert_eq!(error.words().map(|words| words.as_str()), Some("Jane exists"));
    let policy = r#"{"exception":"moodle_exception","errorcode":"<div>Passwords must</div>","message":"error/<div>"}"#;
    let error = enrol_against(json(policy)).await.unwrap_err();
    assert_eq!(error.code(), Some("errorcode_is_html"));
    let client = client("http://127.0.0.1:1");
    assert!(!format!("{client:?} {:?}", options("http://127.0.0.1:1")).contains(TOKEN));
}

#[tokio::test]
async fn a_read_is_repeated_and_counted() {
    let replies = vec![
        reply("502 Bad Gateway", "", ""),
        Reply::Reset(vec![]),
        json(r#"[{"id":4,"email":"x","suspended":false},{"id":4},{"id":3,"idnumber":"G"}]"#),
    ];
    let fake = Fake::start(replies).await;
    let client = client(&fake.url);
    let found = client.reader().fetch_users(UserField::IdNumber, &["G".into(), " ".into()]).await.unwrap();
    assert_eq!(found.users.iter().map(|user| user.id.0).collect::<Vec<_>>(), [3, 4]);
    assert!(found.users[1].looks_deleted() && !found.users[0].looks_deleted());
    assert_eq!(found.users[0].suspended, None);
    let counts = client.call_counts();
    assert_eq!((counts.len(), counts[0].function), (1, Function::UsersByField));
    assert_eq!((counts[0].calls, counts[0].failed, counts[0].items), (3, 2, 3));
}

/// Moodle makes a row for whom it has never shown before; two readings at once may want to make the same.
#[tokio::test]
async fn a_read_that_met_another_one_is_repeated_and_a_write_is_not() {
    let met =
        r#"{"exception":"dml_write_exception","errorcode":"dmlwriteexception","message":"Error writing to database"}"#;
    let fake = Fake::start(vec![json(met), json(r#"[{"id":3,"idnumber":"G"}]"#)]).await;
    let found = client(&fake.url).reader().fetch_users(UserField::IdNumber, &["G".into()]).await.unwrap();
    assert_eq!((found.users.len(), fake.requests().len()), (1, 2));
    assert_eq!(enrol_against(json(met)).await.unwrap_err().code(), Some("dmlwriteexception"));
}

#[tokio::test]
async fn a_read_gives_up_after_three_tries_and_at_once_when_asked_to_wait_long() {
    let fake = Fake::start((0..3).map(|_| reply("500 Internal Server Error", "", "")).collect()).await;
    let error = client(&fake.url).reader().fetch_site_info().await.unwrap_err();
    assert!(matches!(error, MoodleError::Unavailable { status: 500, .. }));
    assert_eq!(fake.requests().len(), 3);
    let fake = Fake::start(vec![reply("503 Service Unavailable", "Retry-After: 300\r\n", "")]).await;
    let error = client(&fake.url).reader().fetch_site_info().await.unwrap_err();
    let wait = Some(Duration::from_secs(300));
    assert_eq!(error, MoodleError::Maintenance { code: "http_503".into(), retry_after: wait });
}

#[tokio::test]
async fn a_poisoned_row_is_found_by_halving() {
    let poisoned = r#"{"exception":"invalid_response_exception","errorcode":"invalidresponse","message":"x"}"#;
    let replies = vec![json(poisoned), json(r#"[{"id":3}]"#), json(poisoned), json("[]"), json(poisoned)];
    let fake = Fake::start(replies).await;
    let values: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).into();
    let found = client(&fake.url).reader().fetch_users(UserField::Email, &values).await.unwrap();
    assert_eq!(found.users.len(), 1);
    assert_eq!(found.poisoned.iter().map(|(value, _)| value.as_str()).collect::<Vec<_>>(), ["d"]);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read_to_its_end() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n[1";
    let fake = Fake::start(vec![Reply::Hang(head.into())]).await;
    let error = client(&fake.url).reader().fetch_all_courses().await.unwrap_err();
    assert_eq!(error.to_string(), "not an answer of Moodle: an answer of more than 33554432 bytes");
    let mut endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..34 {
        endless.extend_from_slice(b"100000\r\n");
        endless.resize(endless.len() + 0x10_0000, b' ');
        endless.extend_from_slice(b"\r\n");
    }
    let fake = Fake::start(vec![Reply::Hang(endless)]).await;
    let patient = MoodleOptions { timeout: Duration::from_secs(20), ..options(&fake.url) };
    let error = MoodleClient::new(patient).unwrap().reader().fetch_all_courses().await.unwrap_err();
    assert!(matches!(error, MoodleError::Malformed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_call_never_exceeds_the_variable_budget() {
    let url = refused_url().await;
    let client = MoodleClient::new(MoodleOptions { input_vars_max: 64, batch_max: 1000, ..options(&url) }).unwrap();
    assert_eq!(client.items_max(Function::Enrol), 10);
    assert_eq!(client.items_max(Function::Unenrol), 30);
    let many = vec![Unenrolment { user: MoodleUserId(1), course: MoodleCourseId(2) }; 31];
    let error = client.writer().unenrol(&many).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Moodle was not reached: 31 items of enrol_manual_unenrol_users exceed the 30 allowed per call"
    );
    assert_eq!(client.call_counts(), [], "nothing was sent");
    assert!(MoodleClient::new(MoodleOptions { input_vars_max: 16, ..options(&url) }).is_err());
}

#[tokio::test]
async fn nothing_to_do_is_no_call() {
    let url = refused_url().await;
    let client = client(&url);
    assert_eq!(client.writer().enrol(&[]).await, Ok(vec![]));
    assert!(client.reader().fetch_users(UserField::Id, &[]).await.unwrap().users.is_empty());
    assert!(client.reader().fetch_cohort_members(&[]).await.unwrap().cohorts.is_empty());
}

#[tokio::test]
async fn enrolled_people_come_with_the_fields_asked_for() {
    let fake =
        Fake::start(vec![json(r#"[{"id":3,"fullname":"A B","roles":[{"roleid":5,"shortname":"student"}]}]"#)]).await;
    let reader = client(&fake.url).reader();
    let people = reader.fetch_enrolled(MoodleCourseId(2), WhichEnrolled::OnlySuspended, WhichFields::Id).await.unwrap();
    assert_eq!(people[0].roles.as_ref().unwrap()[0].roleid, RoleId(5));
    let body = fake.requests()[0].replace("%5B", "[").replace("%5D", "]");
    assert!(
        body.contains(
            "courseid=2&options[0][name]=sortby&options[0][value]=id&options[1][name]=onlysuspended\
             &options[1][value]=1&options[2][name]=userfields&options[2][value]=id&wstoken="
        ),
        "{body}"
    );
}
