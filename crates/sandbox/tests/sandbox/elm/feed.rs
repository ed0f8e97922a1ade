//! The ELM feed.

use crate::client::Client;
use jiff::Timestamp;
use rollbook_sandbox::elm::NextLink;
use rollbook_sandbox::{FeedRow, World};

fn with_rows(count: i64) -> World {
    let mut world = World::empty();
    let start: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    for at in 0..count {
        let created = start + jiff::SignedDuration::from_mins(at);
        let row = FeedRow::enrol(&format!("G{at}"), &format!("p{at}@example.org"), 100, created);
        world.elm.push(row.numbered(at));
    }
    world
}

#[tokio::test]
async fn pages_are_linked_until_the_last() {
    let mut world = with_rows(250);
    world.elm.next_link = NextLink::RelativeToService;
    let client = Client::over(world).await;
    let (status, page) = client.feed("?$orderby=date_created%20desc&$count=true").await;
    assert_eq!((status, &page["@odata.count"]), (200, &250.into()));
    assert_eq!(page["value"][0]["GUID"], "G249");
    assert_eq!(page["@odata.nextLink"], "Enrolments?$orderby=date_created%20desc&$count=true&$skiptoken=100");
    let (_, last) = client.feed("?$orderby=date_created%20desc&$skiptoken=200").await;
    assert_eq!(last["value"].as_array().map(Vec::len), Some(50));
    assert_eq!(last.get("@odata.nextLink"), None);
}

#[tokio::test]
async fn quoted_dates_are_local_and_bare_dates_carry_an_offset() {
    let client = Client::over(with_rows(60)).await;
    // 00:30 in Vancouver is 08:30 UTC in the zone's winter, 07:30 UTC since its clocks stand still.
    let (_, bare) = client.feed("?$filter=date_created%20ge%202026-11-23T08:30:00Z").await;
    assert_eq!(bare["value"].as_array().map(Vec::len), Some(30));
    let (_, quoted) = client.feed("?$filter=date_created%20gt%20%272026-11-23%2001:30:00%27").await;
    assert_eq!(quoted["value"].as_array().map(Vec::len), Some(29));
}

#[tokio::test]
async fn a_plus_for_a_space_is_refused_unless_the_server_is_lenient() {
    let client = Client::over(with_rows(1)).await;
    let query = "?$orderby=COURSE_STATE_DATE,date_created+asc";
    assert_eq!(client.feed(query).await.0, 400);
    client.sandbox.world().elm.strict_spaces = false;
    assert_eq!(client.feed(query).await.0, 200);
}

// Issue "The truth", part 4: "the feed's own offsets disagree with the configured zone".
#[tokio::test]
async fn the_offset_of_a_record_may_differ_from_the_feeds_zone() {
    let mut world = World::empty();
    let at: Timestamp = "2026-07-01T08:00:00Z".parse().expect("a time");
    world.elm.push(FeedRow::enrol("A", "a@example.org", 100, at).at_offset(-7));
    world.elm.push(FeedRow::enrol("B", "b@example.org", 100, at).acted(at + jiff::SignedDuration::from_hours(24)));
    let client = Client::over(world).await;
    let (_, page) = client.feed("?$filter=date_created%20eq%202026-07-01T08:00:00Z&$orderby=GUID").await;
    assert_eq!(page["value"][0]["date_created"], "2026-07-01T01:00:00.000-07:00");
    assert_eq!(page["value"][1]["date_created"], "2026-07-01T00:00:00.000-08:00");
    assert_eq!(page["value"][1]["COURSE_STATE_DATE"], "2026-07-02T00:00:00.000-08:00");
}
