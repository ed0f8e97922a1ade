//! OData v2, other dates, other logins, and files instead of a service.

use crate::client::Client;
use jiff::{SignedDuration, Timestamp};
use rollbook_sandbox::elm::{Auth, CsvStyle, Dates, NextLink};
use rollbook_sandbox::{Clock, ELM_CLIENT_ID, ELM_CLIENT_SECRET, ELM_PASSWORD, ELM_TOKEN, ELM_USER, FeedRow, World};
use serde_json::{Value, json};

/// 00:00, 00:01, … in Vancouver, whose clocks stand at -07:00 since 2026.
const START: &str = "2026-11-23T07:00:00Z";

fn with_rows(count: i64) -> World {
    let mut world = World::empty();
    let start: Timestamp = START.parse().expect("a time");
    for at in 0..count {
        let row = FeedRow::enrol(&format!("G{at}"), "p@example.org", 100, start + SignedDuration::from_mins(at));
        world.elm.push(row.numbered(at));
    }
    world
}

async fn rows(client: &Client, query: &str) -> usize {
    let (status, page) = client.feed(query).await;
    assert_eq!(status, 200, "{query}: {page}");
    page["value"].as_array().or(page["d"]["results"].as_array()).expect("rows").len()
}

// Issue "The truth", part 4: envelope `d.results`, next link `__next`, dates `/Date()/`, literals `datetime'…'`.
#[tokio::test]
async fn odata_v2_has_its_own_envelope_link_count_and_literals() {
    let mut world = with_rows(60);
    world.elm.speak_v2();
    world.elm.page_size = 40;
    world.elm.next_link = NextLink::PathOnly;
    let client = Client::over(world).await;
    let (_, page) = client.feed("?$format=json&$inlinecount=allpages&$orderby=date_created").await;
    assert_eq!(page["d"]["__count"], "60");
    assert_eq!(
        page["d"]["__next"],
        "/api/v1/Enrolments?$format=json&$inlinecount=allpages&$orderby=date_created&$skiptoken=40"
    );
    let first = &page["d"]["results"][0];
    let start: Timestamp = START.parse().expect("a time");
    assert_eq!(first["date_created"], format!("/Date({})/", start.as_millisecond()));
    assert_eq!(first["__metadata"]["type"], "HR.Enrolment");
    assert_eq!(page.get("value"), None);
    // A datetime has no offset: UTC.
    assert_eq!(rows(&client, "?$format=json&$filter=date_created%20ge%20datetime'2026-11-23T07:30:00'").await, 30);
    let offset = "?$format=json&$filter=date_created%20ge%20datetimeoffset'2026-11-23T07:30:00Z'";
    assert_eq!(rows(&client, offset).await, 30);
    assert_eq!(rows(&client, "?$format=json&$filter=ENROLMENT_ID%20eq%207L").await, 1);
    for of_v4 in ["$filter=date_created%20ge%202026-11-23T08:30:00Z", "$count=true"] {
        assert_eq!(client.feed(&format!("?$format=json&{of_v4}")).await.0, 400, "{of_v4}");
    }
}

// Without `$format` or `Accept` a v2 server speaks Atom.
#[tokio::test]
async fn odata_v2_answers_in_atom_unless_json_is_asked_for() {
    let mut world = with_rows(1);
    world.elm.speak_v2();
    let client = Client::over(world).await;
    for (accept, expected) in [("*/*", "application/atom+xml"), ("application/json", "application/json")] {
        let request = client.http().get(client.sandbox.feed_url()).header("x-cdata-authtoken", ELM_TOKEN);
        let response = request.header("accept", accept).send().await.expect("an answer");
        let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
        assert!(kind.starts_with(expected), "{accept}: {kind}");
    }
}

// Issue "The truth", part 4: dates as epoch s/ms, date only, US.
#[tokio::test]
async fn dates_are_written_and_compared_in_the_servers_own_form() {
    let client = Client::over(with_rows(60)).await;
    let start: Timestamp = START.parse().expect("a time");
    let half = start.as_second() + 30 * 60;
    for (dates, shown, filter, hits) in [
        (Dates::Iso, json!("2026-11-22T23:00:00.000-08:00"), "2026-11-23T07:30:00Z".to_owned(), 30),
        (Dates::Local, json!("2026-11-23T00:00:00"), "'2026-11-23T00:30:00'".to_owned(), 30),
        (Dates::EpochSeconds, json!(start.as_second()), half.to_string(), 30),
        (Dates::EpochMillis, json!(start.as_millisecond()), (half * 1000).to_string(), 30),
        (Dates::Us, json!("11/23/2026 12:00:00 AM"), "'11/23/2026%2012:30:00%20AM'".to_owned(), 30),
        // Whole days: all of the day's rows are on it.
        (Dates::DateOnly, json!("2026-11-23"), "2026-11-23".to_owned(), 60),
    ] {
        client.sandbox.world().elm.dates = dates;
        let (_, page) = client.feed("?$orderby=date_created").await;
        assert_eq!(page["value"][0]["date_created"], shown, "{dates:?}");
        assert_eq!(rows(&client, &format!("?$filter=date_created%20ge%20{filter}")).await, hits, "{dates:?}");
    }
    assert_eq!(client.feed("?$filter=date_created%20ge%20'yesterday'").await.0, 400);
}

async fn status(client: &Client, request: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> u16 {
    let request = request(client.http().get(client.sandbox.feed_url()));
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn basic_authentication_wants_name_and_password_and_nothing_else() {
    let mut world = with_rows(1);
    world.elm.auth = Auth::Basic;
    let client = Client::over(world).await;
    assert_eq!(status(&client, |request| request.basic_auth(ELM_USER, Some(ELM_PASSWORD))).await, 200);
    assert_eq!(status(&client, |request| request.basic_auth(ELM_USER, Some("wrong"))).await, 401);
    assert_eq!(status(&client, |request| request.header("x-cdata-authtoken", ELM_TOKEN)).await, 401);
    client.sandbox.world().elm.auth = Auth::Open;
    assert_eq!(status(&client, |request| request).await, 200);
}

// RFC 6749, section 4.4.
#[tokio::test]
async fn client_credentials_give_a_token_that_ends() {
    let mut world = with_rows(1);
    world.elm.auth = Auth::OAuth2;
    world.elm.token_seconds = 60;
    let start: Timestamp = START.parse().expect("a time");
    world.clock = Clock::Fixed(start);
    let client = Client::over(world).await;
    let ask = async |secret: &str, grant: &str| {
        let form = [("grant_type", grant), ("client_id", ELM_CLIENT_ID), ("client_secret", secret)];
        let sent = client.http().post(client.sandbox.elm_token_url()).form(&form).send().await.expect("an answer");
        let status = sent.status().as_u16();
        (status, sent.json::<Value>().await.expect("JSON"))
    };
    assert_eq!(ask("wrong", "client_credentials").await, (401, json!({"error": "invalid_client"})));
    assert_eq!(ask(ELM_CLIENT_SECRET, "password").await, (400, json!({"error": "unsupported_grant_type"})));
    let (_, token) = ask(ELM_CLIENT_SECRET, "client_credentials").await;
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("Bearer"), &json!(60)));
    let token = token["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(status(&client, |request| request.bearer_auth(&token)).await, 200);
    client.sandbox.world().clock = Clock::Fixed(start + SignedDuration::from_secs(60));
    assert_eq!(status(&client, |request| request.bearer_auth(&token)).await, 401);
    let basic = client.http().post(client.sandbox.elm_token_url());
    let basic = basic.basic_auth(ELM_CLIENT_ID, Some(ELM_CLIENT_SECRET)).form(&[("grant_type", "client_credentials")]);
    assert_eq!(basic.send().await.expect("an answer").status(), 200);
    assert_eq!(client.sandbox.calls().of("elm_token"), 4);
}

// Issue "The truth", part 4: CSV and JSON files at an HTTP address.
#[tokio::test]
async fn files_hold_all_rows_whatever_is_asked() {
    let mut world = with_rows(2);
    let start: Timestamp = START.parse().expect("a time");
    world.elm.push(FeedRow::enrol("G2", "p@example.org", 100, start).named("Ann \"A\", B", "Line\nbreak"));
    world.elm.csv = CsvStyle { delimiter: ';', bom: true };
    world.elm.dates = Dates::Us;
    let client = Client::over(world).await;
    let (_, list) = client.get(&format!("{}?$filter=nonsense", client.sandbox.json_file_url())).await;
    assert_eq!((list.as_array().map(Vec::len), &list[0]["GUID"]), (Some(3), &json!("G0")));
    let request = client.http().get(client.sandbox.csv_file_url()).header("x-cdata-authtoken", ELM_TOKEN);
    let bytes = request.send().await.expect("an answer").bytes().await.expect("a body");
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let (head, rest) = text.split_once("\r\n").expect("lines");
    assert!(head.starts_with('\u{FEFF}') && head.contains(";GUID;"), "{head}");
    assert_eq!(rest.lines().filter(|line| line.contains(";Given;")).count(), 2);
    assert!(rest.contains(";\"Ann \"\"A\"\", B\";"), "{rest}");
    assert!(rest.contains(";\"Line\nbreak\";") && rest.contains(";11/23/2026 12:00:00 AM;"), "{rest}");
    let bare = client.http().get(client.sandbox.csv_file_url()).send().await.expect("an answer");
    assert_eq!(bare.status(), 401);
}
