//! The feed and the completion endpoint, well and ill behaved.

use crate::fake::{Fake, Reply, bytes, json, refused_url, reply};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use rollbook_elm::client::{
    CompletionClient, CompletionError, CompletionOptions, FeedClient, FeedError, FeedOptions, FeedQuery, FeedRow,
    IncompleteReason, LookUpKey, Lookup,
};
use rollbook_elm::feed::{FeedFormat, FeedReading, collect_feed};
use rollbook_remote::retry::RetryPolicy;
use std::time::Duration;

const TOKEN: &str = "s3cret+token/=";

fn options(url: &str) -> FeedOptions {
    FeedOptions {
        timeout: Duration::from_millis(400),
        retry: RetryPolicy { tries_max: 3, delay: Duration::from_millis(1), wait_max: Duration::from_millis(20) },
        ..FeedOptions::new(format!("{url}/api.rsc/Enrolments"), TOKEN.into(), TimeZone::UTC)
    }
}

fn client(url: &str) -> FeedClient {
    FeedClient::new(options(url)).unwrap()
}

fn everything() -> FeedQuery {
    FeedQuery::default()
}

#[tokio::test]
async fn pages_are_followed_to_the_end_with_the_token_in_the_header() {
    let fake = Fake::start(vec![
        reply(
            "200 OK",
            "Date: Mon, 23 Nov 2026 15:00:00 GMT\r\n",
            r#"{"value":[{"GUID":"A"},null],"@odata.nextLink":"Enrolments?$orderby=date_created%20asc&$skiptoken=2"}"#,
        ),
        json(r#"{"value":[{"GUID":"B"}]}"#),
    ])
    .await;
    let query = FeedQuery { since: Some("2026-11-23T15:26:58Z".parse().unwrap()), ..everything() };
    let pages = client(&fake.url).fetch(&query).await.unwrap();
    assert_eq!((pages.pages, pages.rows.len(), pages.is_complete()), (2, 3, true));
    assert_eq!(pages.rows[1], FeedRow::Malformed { kind: "null" });
    assert_eq!(pages.server_date, Some("2026-11-23T15:00:00Z".parse().unwrap()));
    assert!(!pages.first_url.contains("s3cret"));
    let requests = fake.requests();
    assert!(
        requests[0].starts_with(
            "GET /api.rsc/Enrolments?$orderby=COURSE_STATE_DATE,date_created%20asc\
             &$filter=date_created%20gt%20%272026-11-23%2015:26:58%27 HTTP/1.1\r\n"
        ),
        "{}",
        requests[0]
    );
    assert!(requests[1].starts_with("GET /api.rsc/Enrolments?$orderby=date_created%20asc&$skiptoken=2 "));
    assert!(requests.iter().all(|request| request.contains("\r\nx-cdata-authtoken: s3cret+token/=\r\n")));
}

#[tokio::test]
async fn a_next_page_on_another_host_is_never_asked_for() {
    let other = Fake::start(vec![json(r#"{"value":[]}"#)]).await;
    let page = format!(r#"{{"value":[],"@odata.nextLink":"{}/api.rsc/Enrolments?x"}}"#, other.url);
    let fake = Fake::start(vec![json(page), json(r#"{"value":[{"GUID":"A"}]}"#)]).await;
    let pages = client(&fake.url).fetch(&everything()).await.unwrap();
    assert_eq!((pages.pages, pages.rows.len()), (2, 1), "its path and query are read at the feed's own origin");
    assert!(fake.requests()[1].starts_with("GET /api.rsc/Enrolments?x "));
    assert!(other.requests().is_empty());
    let outside = Fake::start(vec![json(r#"{"value":[],"@odata.nextLink":"/admin/Enrolments?x"}"#)]).await;
    let error = client(&outside.url).fetch(&everything()).await.unwrap_err();
    let told = "not a page of the feed: the next page's address lies outside of the feed's service root";
    assert_eq!((error.to_string().as_str(), outside.requests().len()), (told, 1));
}

#[tokio::test]
async fn endless_and_repeating_feeds_end_and_say_so() {
    let to_itself = r#"{"value":[{"n":1}],"@odata.nextLink":"Enrolments?p=2"}"#;
    let fake =
        Fake::start(vec![json(to_itself), json(r#"{"value":[{"n":2}],"@odata.nextLink":"Enrolments?p=2"}"#)]).await;
    let pages = client(&fake.url).fetch(&everything()).await.unwrap();
    assert_eq!((pages.rows.len(), pages.completeness.as_slice()), (2, &[IncompleteReason::PageRepeated][..]));
    let fake =
        Fake::start(vec![json(to_itself), json(r#"{"value":[{"n":1}],"@odata.nextLink":"Enrolments?p=3"}"#)]).await;
    let pages = client(&fake.url).fetch(&everything()).await.unwrap();
    assert_eq!((pages.rows.len(), pages.completeness.as_slice()), (1, &[IncompleteReason::PageRepeated][..]));
    for (pages_max, rows_max, reason) in [(1, 99, IncompleteReason::PagesMax), (9, 1, IncompleteReason::RowsMax)] {
        let fake = Fake::start(vec![json(to_itself)]).await;
        let client = FeedClient::new(FeedOptions { pages_max, rows_max, ..options(&fake.url) }).unwrap();
        assert_eq!(client.fetch(&everything()).await.unwrap().completeness, [reason]);
    }
}

#[tokio::test]
async fn a_count_is_compared_when_it_was_asked_for() {
    for (body, completeness) in [
        (r#"{"@odata.count":1,"value":[{}]}"#, vec![]),
        (r#"{"@odata.count":2,"value":[{}]}"#, vec![IncompleteReason::CountDisagrees { said: 2, got: 1 }]),
        (r#"{"value":[{}]}"#, vec![IncompleteReason::CountMissing]),
    ] {
        let fake = Fake::start(vec![json(body)]).await;
        let client = FeedClient::new(FeedOptions { count: true, ..options(&fake.url) }).unwrap();
        assert_eq!(client.fetch(&everything()).await.unwrap().completeness, completeness);
        assert!(fake.requests()[0].contains("&$count=true "));
    }
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_and_a_lasting_one_is_not() {
    let replies =
        vec![Reply::Reset(vec![]), reply("503 Service Unavailable", "Retry-After: 0\r\n", ""), json(r#"{"value":[]}"#)];
    let fake = Fake::start(replies).await;
    assert_eq!(client(&fake.url).fetch(&everything()).await.unwrap().rows, []);
    let error = r#"{"error":{"code":"bad","message":"no such field"}}"#;
    let page = "<html><title>Sign in</title></html>";
    let cases = [
        (reply("401 Unauthorized", "", ""), "Denied"),
        (reply("400 Bad Request", "", error), "Refused"),
        (reply("302 Found", "Location: https://login.example.org/x?y\r\n", page), "Misaddressed"),
        (reply("404 Not Found", "", page), "Misaddressed"),
        (json(page), "Malformed"),
        (json(error), "Refused"),
        (json(r#"{"value":[{"GUID":"A"}"#), "Malformed"),
    ];
    for (reply, name) in cases {
        let fake = Fake::start(vec![reply]).await;
        let error = client(&fake.url).fetch(&everything()).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(name), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_page_that_fails_fails_the_feed() {
    let mut replies = vec![json(r#"{"value":[{"GUID":"A"}],"@odata.nextLink":"Enrolments?p=2"}"#)];
    replies.extend((0..3).map(|_| reply("500 Internal Server Error", "", "")));
    let fake = Fake::start(replies).await;
    let error = client(&fake.url).fetch(&everything()).await.unwrap_err();
    assert!(matches!(error, FeedError::Unavailable { status: 500, .. }));
    assert_eq!(fake.requests().len(), 4);
}

#[tokio::test]
async fn a_huge_page_is_not_read_to_its_end() {
    let fake = Fake::start(vec![json(format!(r#"{{"value":["{}"]}}"#, "x".repeat(4000)))]).await;
    let client = FeedClient::new(FeedOptions { bytes_max: 1000, ..options(&fake.url) }).unwrap();
    let error = client.fetch(&everything()).await.unwrap_err();
    assert_eq!(error.to_string(), "not a page of the feed: a page of more than 1000 bytes");
}

#[test]
fn what_the_configuration_may_name_is_what_the_reader_knows() {
    let dialects: Vec<&str> = rollbook_elm::dialect::DIALECTS.iter().map(|dialect| dialect.name()).collect();
    assert_eq!(dialects, rollbook_settings::site::DIALECTS);
    let literals: Vec<&str> = rollbook_elm::dialect::Literal::ALL.iter().map(|(word, _)| *word).collect();
    assert_eq!(literals, rollbook_settings::site::LITERALS);
    let dates: Vec<&str> = rollbook_elm::dialect::DateStyle::ALL.iter().map(|(word, _)| *word).collect();
    assert_eq!(dates, rollbook_settings::site::DATES);
}

#[tokio::test]
async fn folder_of_files_is_a_feed_and_the_window_is_picked_out() {
    let folder = tempfile::tempdir().unwrap();
    let header = "GUID;EMAIL;COURSE_IDENTIFIER;COURSE_STATE;date_created\n";
    let line = |guid: &str, day: u32| format!("{guid};{guid}@example.org;930001;Enrol;2026-11-{day}T09:00:00Z\n");
    std::fs::write(folder.path().join("2.csv"), format!("{header}{}", line("C", 25))).unwrap();
    std::fs::write(folder.path().join("1.csv"), format!("{header}{}{}", line("A", 20), line("B", 24))).unwrap();
    std::fs::write(folder.path().join("3.csv.part"), "half a li").unwrap();
    let dialect = rollbook_elm::dialect::find_dialect("csv").unwrap();
    let options = FeedOptions {
        dialect,
        auth: rollbook_elm::client::FeedAuth::Open,
        ..FeedOptions::new(format!("file://{}", folder.path().display()), String::new().into(), TimeZone::UTC)
    };
    let client = FeedClient::new(options).unwrap();
    let query = FeedQuery { since: Some("2026-11-23T00:00:00Z".parse().unwrap()), ..everything() };
    let reading = read(&client, &query).await.unwrap();
    let guids: Vec<String> = reading.records.value.iter().map(|record| record.guid().to_string()).collect();
    assert_eq!((guids, reading.pages, reading.records.is_complete()), (vec!["B".to_owned(), "C".to_owned()], 2, true));
}

async fn read(client: &FeedClient, query: &FeedQuery) -> Result<FeedReading, FeedError> {
    let now = "2026-11-26T00:00:00Z".parse().unwrap();
    collect_feed(client, query, &FeedFormat::new(TimeZone::UTC), now, SignedDuration::ZERO).await
}

fn rows(count: u32, row: impl Fn(u32) -> String) -> String {
    let rows: Vec<String> = (0..count).map(row).collect();
    format!("{{\"value\":[{}]}}", rows.join(","))
}

#[tokio::test]
async fn source_that_is_unreadable_as_a_whole_is_a_failed_reading() {
    let renamed = rows(12, |n| {
        format!(r#"{{"PERSON":"G{n}","COURSE_IDENTIFIER":1,"COURSE_STATE":"Enrol","date_created":"2026-11-25"}}"#)
    });
    let fake = Fake::start(vec![json(renamed)]).await;
    let error = read(&client(&fake.url), &everything()).await.unwrap_err();
    let told = "the feed's records cannot be used: no column GUID in 12 records; there are COURSE_IDENTIFIER, COURSE_STATE, PERSON, date_created";
    assert_eq!(error.to_string(), told);
    let words = rows(12, |n| {
        format!(
            r#"{{"GUID":"G{n}","COURSE_IDENTIFIER":1,"COURSE_STATE":"ENRL","EMAIL":"a@b.c","date_created":"2026-11-25"}}"#
        )
    });
    let fake = Fake::start(vec![json(&words)]).await;
    let error = read(&client(&fake.url), &everything()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("12 of 12 records cannot be used; the first: COURSE_STATE “ENRL” is not a known state"),
        "{error}"
    );
    let lower = words.replace("ENRL", "enrol").to_lowercase();
    let fake = Fake::start(vec![json(lower)]).await;
    let reading = read(&client(&fake.url), &everything()).await.unwrap();
    assert!(reading.records.value.iter().all(|record| record.reading.is_ok()), "columns in lower case are found");
}

#[tokio::test]
async fn offsets_that_disagree_with_the_zone_widen_the_window() {
    let page = |hour: u32| {
        rows(1, |_| {
            format!(
                r#"{{"GUID":"G{hour}","COURSE_IDENTIFIER":1,"COURSE_STATE":"Enrol","EMAIL":"a@b.c","date_created":"2026-11-25T{hour:02}:30:00-02:00"}}"#
            )
        })
    };
    let fake = Fake::start(vec![json(page(9)), json(page(7))]).await;
    let query = FeedQuery { since: Some("2026-11-25T10:00:00Z".parse().unwrap()), ..everything() };
    let reading = read(&client(&fake.url), &query).await.unwrap();
    assert_eq!(reading.zone_difference, Some(SignedDuration::from_hours(-2)));
    assert_eq!(reading.records.value[0].guid().as_str(), "G7");
    let asked = fake.requests();
    assert!(
        asked[0].contains("%272026-11-25%2010:00:00%27") && asked[1].contains("%272026-11-25%2008:00:00%27"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn one_bad_byte_costs_one_record_and_not_the_page() {
    let page = |name: &[u8]| {
        let (before, after) =
            (&b"{\"value\":[{\"GUID\":\"A\"},{\"GUID\":\"B\",\"LAST_NAME\":\""[..], &b"\"},{\"GUID\":\"C\"}]}"[..]);
        [before, name, after].concat()
    };
    for damage in [&b"\\ud83d"[..], b"Love\tlace", b"DOMAIN\\lovelace", b"L\xf3velace"] {
        let fake = Fake::start(vec![json(page(damage))]).await;
        let rows = client(&fake.url).fetch(&everything()).await.unwrap().rows;
        let FeedRow::Damaged { row, place } = &rows[1] else { panic!("{rows:?}") };
        assert_eq!((rows.len(), row["GUID"].as_str()), (3, Some("B")));
        assert!(place.starts_with("page 1, byte ") && place.contains("LAST_NAME"), "{place}");
    }
    let declared = reply("200 OK", "Content-Type: application/json; charset=ISO-8859-1\r\n", page(b"L\xf3velace"));
    let fake = Fake::start(vec![declared]).await;
    let rows = client(&fake.url).fetch(&everything()).await.unwrap().rows;
    assert!(matches!(&rows[1], FeedRow::Record(fields) if fields["LAST_NAME"] == "Lóvelace"), "{rows:?}");
}

const BODY: &str = r#"{"ENROLMENT_ID":555001,"GUID":"HFPS1"}"#;

fn completions(url: &str) -> CompletionClient {
    let lookup_url = Some(format!("{url}/Completions?$filter=ENROLMENT_ID%20eq%20{{enrolment}}"));
    let timeout = Duration::from_millis(400);
    CompletionClient::new(CompletionOptions {
        lookup_url,
        timeout,
        ..CompletionOptions::new(format!("{url}/Completions"), TOKEN.into())
    })
    .unwrap()
}

#[tokio::test]
async fn a_completion_is_posted_once_with_its_key() {
    let fake = Fake::start(vec![reply("201 Created", "", r#"{"ENROLMENT_ID":555001}"#)]).await;
    let receipt = completions(&fake.url).send(BODY, "run-1/555001").await.unwrap();
    assert_eq!((receipt.status, receipt.words.as_str()), (201, r#"{"ENROLMENT_ID":555001}"#));
    let request = &fake.requests()[0];
    assert!(request.starts_with("POST /Completions HTTP/1.1\r\n"));
    assert!(request.contains("\r\nidempotency-key: run-1/555001\r\n"));
    assert!(request.contains("\r\ncontent-type: application/json\r\n"));
}

#[tokio::test]
async fn what_became_of_a_completion_is_never_guessed() {
    let refused = reply("400 Bad Request", "", r#"{"error":{"code":"7","message":"unknown property"}}"#);
    let cases = [
        (refused, "Refused", false),
        (reply("403 Forbidden", "", ""), "Denied", false),
        (reply("409 Conflict", "", ""), "Unknown", true),
        (reply("429 Too Many Requests", "Retry-After: 3\r\n", ""), "RateLimited", false),
        (reply("500 Internal Server Error", "", ""), "Unknown", true),
        (reply("303 See Other", "Location: /thanks\r\n", ""), "Unknown", true),
        (reply("307 Temporary Redirect", "Location: /x\r\n", ""), "Denied", false),
        (Reply::Hang(vec![]), "Unknown", true),
        (Reply::Reset(bytes("201 Created", "", "")[..9].to_vec()), "Unknown", true),
    ];
    for (reply, name, may_have_acted) in cases {
        let fake = Fake::start(vec![reply]).await;
        let error = completions(&fake.url).send(BODY, "k").await.unwrap_err();
        assert!(format!("{error:?}").starts_with(name), "{name}: {error:?}");
        assert_eq!(error.may_have_acted(), may_have_acted, "{error:?}");
        assert_eq!(fake.requests().len(), 1);
    }
    let error = completions(&refused_url().await).send(BODY, "k").await.unwrap_err();
    assert!(matches!(error, CompletionError::NotSent { .. }));
}

const KEY: LookUpKey<'static> = LookUpKey { enrolment: "555001", course: "930001", guid: "HFPS1" };

#[tokio::test]
async fn a_success_is_believed_unless_its_body_says_otherwise() {
    let believed = [
        ("201 Created", BODY),
        ("204 No Content", ""),
        ("200 OK", "OK"),
        ("200 OK", "<?xml version=\"1.0\"?><entry/>"),
    ];
    for (status, body) in believed {
        let fake = Fake::start(vec![reply(status, "", body)]).await;
        completions(&fake.url).send(BODY, "k").await.unwrap();
    }
    for (body, told) in [
        (
            r#"{"status":"ERROR","message":"Learner is not registered","recordsProcessed":0}"#,
            "Learner is not registered",
        ),
        (r#"[{"status":"FAILED","errorMessage":"unknown enrolment"}]"#, "unknown enrolment"),
    ] {
        let fake = Fake::start(vec![reply("200 OK", "", body)]).await;
        let error = completions(&fake.url).send(BODY, "k").await.unwrap_err();
        assert!(
            matches!(&error, CompletionError::Refused { words, .. } if words.as_str() == told),
            "{body}: {error:?}"
        );
    }
    let page = "<html><head><title>Welcome</title></head></html>";
    for body in [page, "", "{\"ENROLMENT_ID\":5550", "{\"error\":{\"code\":\"7\"}}"] {
        let fake = Fake::start(vec![reply("200 OK", "", body)]).await;
        let error = completions(&fake.url).send(BODY, "k").await.unwrap_err();
        assert!(matches!(error, CompletionError::Unknown { .. }), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn a_completion_can_be_looked_up() {
    let fake = Fake::start(vec![json(r#"{"value":[{"ENROLMENT_ID":555001}]}"#), reply("404 Not Found", "", "")]).await;
    let client = completions(&fake.url);
    assert!(matches!(client.fetch_lookup(KEY).await, Ok(Lookup::Found(records)) if records.len() == 1));
    assert_eq!(client.fetch_lookup(KEY).await, Ok(Lookup::Nothing));
    assert!(fake.requests()[0].starts_with("GET /Completions?$filter=ENROLMENT_ID%20eq%20555001 "));
}
