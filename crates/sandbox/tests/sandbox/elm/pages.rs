//! How one page leads to the next, and how it can lead astray.

use crate::client::Client;
use jiff::{SignedDuration, Timestamp};
use rollbook_sandbox::elm::{INNER_HOST, NextLink};
use rollbook_sandbox::{FeedRow, World};
use serde_json::Value;

fn with_rows(count: i64) -> World {
    let mut world = World::empty();
    let start: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    for at in 0..count {
        let row = FeedRow::enrol(&format!("G{at}"), "p@example.org", 100, start + SignedDuration::from_mins(at));
        world.elm.push(row.numbered(at));
    }
    world.elm.page_size = 10;
    world
}

fn ids(page: &Value) -> Vec<i64> {
    page["value"].as_array().expect("rows").iter().filter_map(|row| row["ENROLMENT_ID"].as_i64()).collect()
}

// CASES C02: every form is read from the configured origin; only the last one leads out of the service.
#[tokio::test]
async fn next_links_come_in_every_form_and_their_path_works_at_the_feeds_own_origin() {
    let client = Client::over(with_rows(15)).await;
    let origin = client.sandbox.feed_url().replace("/api/v1/Enrolments", "");
    let host = origin.strip_prefix("http://").expect("http").to_owned();
    let query = "$orderby=date_created&$skiptoken=10";
    for (kind, expected) in [
        (NextLink::Absolute, format!("http://{host}/api/v1/Enrolments?{query}")),
        (NextLink::RelativeToService, format!("Enrolments?{query}")),
        (NextLink::PathOnly, format!("/api/v1/Enrolments?{query}")),
        (NextLink::WithoutScheme, format!("//{host}/api/v1/Enrolments?{query}")),
        (NextLink::OtherScheme, format!("https://{host}/api/v1/Enrolments?{query}")),
        (NextLink::InnerHost, format!("http://{INNER_HOST}/api/v1/Enrolments?{query}")),
        (NextLink::OutsideService, format!("http://{host}/admin/Enrolments?{query}")),
    ] {
        client.sandbox.world().elm.next_link = kind;
        let (_, page) = client.feed("?$orderby=date_created").await;
        assert_eq!(page["@odata.nextLink"], expected);
    }
    let (_, second) = client.feed(&format!("?{query}")).await;
    assert_eq!(ids(&second), [10, 11, 12, 13, 14]);
    let outside = client.http().get(format!("{origin}/admin/Enrolments?{query}")).send().await.expect("an answer");
    assert_eq!(outside.status(), 404);
}

// Issue "The truth", part 4: paging by `$skip` without a next link.
#[tokio::test]
async fn without_a_link_the_client_skips_and_tops() {
    let mut world = with_rows(15);
    world.elm.next_link = NextLink::Skip;
    let client = Client::over(world).await;
    let (_, first) = client.feed("?$orderby=date_created&$top=6").await;
    assert_eq!((ids(&first), first.get("@odata.nextLink")), (vec![0, 1, 2, 3, 4, 5], None));
    let (_, last) = client.feed("?$orderby=date_created&$top=6&$skip=12").await;
    assert_eq!(ids(&last), [12, 13, 14]);
    // More than the server's own page size is never sent.
    assert_eq!(ids(&client.feed("?$top=1000").await.1).len(), 10);
    client.sandbox.world().elm.next_link = NextLink::Absolute;
    assert_eq!(client.feed("?$skip=12").await.0, 400);
}

async fn all(client: &Client) -> Vec<i64> {
    let mut found = Vec::new();
    let mut query = "?$orderby=date_created".to_owned();
    loop {
        let (_, page) = client.feed(&query).await;
        found.extend(ids(&page));
        match page["@odata.nextLink"].as_str() {
            Some(link) => query = format!("?{}", link.split_once('?').expect("a query").1),
            None => return found,
        }
    }
}

// CASES C06: rows that come or go between two requests show twice or are lost.
#[tokio::test]
async fn pages_can_slip_against_the_rows() {
    let mut world = with_rows(25);
    world.elm.page_slip = -1;
    let client = Client::over(world).await;
    assert_eq!(all(&client).await, [(0..10).collect::<Vec<i64>>(), (9..19).collect(), (18..25).collect()].concat());
    client.sandbox.world().elm.page_slip = 1;
    assert_eq!(all(&client).await, [(0..10).collect::<Vec<i64>>(), (11..21).collect(), (22..25).collect()].concat());
}

// CASES C07.
#[tokio::test]
async fn an_empty_page_leads_on_to_rows() {
    let mut world = with_rows(25);
    world.elm.empty_page = Some(1);
    let client = Client::over(world).await;
    assert_eq!(all(&client).await, (0..25).collect::<Vec<i64>>());
    let (_, empty) = client.feed("?$orderby=date_created&$skiptoken=10").await;
    assert_eq!(ids(&empty), [0_i64; 0]);
    assert!(empty["@odata.nextLink"].is_string());
}
