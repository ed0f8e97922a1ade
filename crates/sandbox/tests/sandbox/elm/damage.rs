//! Bytes that are no JSON or no UTF-8, columns in another case, texts with padding.

use crate::client::Client;
use jiff::Timestamp;
use rollbook_sandbox::elm::{ColumnCase, Damage};
use rollbook_sandbox::{ELM_TOKEN, FeedRow, World};
use serde_json::{Value, json};

fn with_rows(count: i64) -> World {
    let mut world = World::empty();
    let at: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    for number in 0..count {
        let row = FeedRow::enrol(&format!("G{number}"), "p@example.org", 100, at).numbered(number);
        world.elm.push(row);
    }
    world
}

async fn raw(client: &Client, url: &str) -> (String, Vec<u8>) {
    let request = client.http().get(url).header("x-cdata-authtoken", ELM_TOKEN);
    let response = request.send().await.expect("an answer");
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    (kind, response.bytes().await.expect("a body").to_vec())
}

// CASES C03: one bad record among three good ones, in each of its forms.
#[tokio::test]
async fn one_text_can_hold_bytes_that_spoil_the_page() {
    for (damage, bytes) in [
        (Damage::LoneSurrogate, &b"Love\\ud83dlace"[..]),
        (Damage::RawTab, b"Love\tlace"),
        (Damage::BadEscape, b"LoveDOMAIN\\lovelacelace"),
        (Damage::Latin1Byte, b"Love\xF3lace"),
    ] {
        let mut world = with_rows(4);
        world.elm.spoil(2, "LAST_NAME", "Love", damage, "lace");
        let client = Client::over(world).await;
        let (_, body) = raw(&client, &client.sandbox.feed_url()).await;
        let found = body.windows(bytes.len()).filter(|window| *window == bytes).count();
        assert_eq!(found, 1, "{damage:?}");
        assert!(serde_json::from_slice::<Value>(&body).is_err(), "{damage:?}");
        // Without it the page is whole.
        client.sandbox.world().elm.rows.remove(2);
        let (_, body) = raw(&client, &client.sandbox.feed_url()).await;
        assert!(serde_json::from_slice::<Value>(&body).is_ok());
    }
}

// CASES C03: "Latin-1 ó with its charset declared … is readable: it arrives".
#[tokio::test]
async fn a_body_in_latin_1_says_so() {
    let mut world = with_rows(0);
    let at: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    world.elm.push(FeedRow::enrol("G", "p@example.org", 100, at).named("Asunción", "Ünal"));
    world.elm.latin1 = true;
    let client = Client::over(world).await;
    for url in [client.sandbox.feed_url(), client.sandbox.csv_file_url(), client.sandbox.json_file_url()] {
        let (kind, body) = raw(&client, &url).await;
        assert!(kind.ends_with("; charset=ISO-8859-1"), "{kind}");
        assert!(body.windows(8).any(|window| window == b"Asunci\xF3n"), "{url}");
    }
}

// Issue "The truth", part 4: "columns in lower case: 12 records, one fingerprint of empty texts".
#[tokio::test]
async fn the_names_of_columns_can_have_another_case() {
    let client = Client::over(with_rows(1)).await;
    for (case, name) in [(ColumnCase::Lower, "course_state"), (ColumnCase::Upper, "DATE_CREATED")] {
        client.sandbox.world().elm.column_case = case;
        let (_, page) = client.feed("?$filter=GUID%20eq%20'G0'&$orderby=date_created").await;
        assert!(page["value"][0][name].is_string(), "{page}");
    }
}

// CASES C08: CHAR columns come padded, and comparisons do not see the padding.
#[tokio::test]
async fn texts_can_be_padded_and_spoilt_one_by_one() {
    let mut world = with_rows(1);
    world.elm.padding = 12;
    let at: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    let row = || FeedRow::enrol("x", "x@example.org", 930005, at);
    world.elm.push(row().with("COURSE_IDENTIFIER", "930005   "));
    world.elm.push(row().state("enrol").with("EMAIL", "x\u{a0}@example.org"));
    world.elm.push(row().without("GUID"));
    let client = Client::over(world).await;
    let (_, page) = client.feed("?$filter=GUID%20eq%20'x'").await;
    let rows = page["value"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["GUID"], "x           ");
    assert_eq!(rows[0]["COURSE_IDENTIFIER"], "930005      ");
    assert_eq!(rows[1]["COURSE_STATE"], "enrol       ");
    let (_, page) = client.feed("").await;
    assert_eq!(page["value"][3].get("GUID"), None);
    client.sandbox.world().elm.ids_as_text = true;
    let (_, page) = client.feed("?$filter=ENROLMENT_ID%20eq%200").await;
    assert_eq!(json!([page["value"][0]["ENROLMENT_ID"], page["value"][0]["COURSE_IDENTIFIER"]]), json!(["0", 100]));
}
