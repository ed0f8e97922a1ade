//! Feeds as they come: every dialect, date, login and page of the sandbox, read to the same records.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use rollbook_clock::Clock;
use rollbook_community::client::{DrupalAuth, DrupalClient, DrupalOptions};
use rollbook_community::snapshot::{CommunityQuestion, CommunitySource, GroupSelection, JsonApiCommunity, Part};
use rollbook_core::model::{FeedRecord, machine_name};
use rollbook_elm::client::{FeedAuth, FeedClient, FeedOptions, FeedQuery};
use rollbook_elm::dialect::{DateStyle, Literal, find_dialect};
use rollbook_elm::feed::{FeedFormat, collect_feed};
use rollbook_remote::oauth2::ClientCredentials;
use rollbook_sandbox::elm::{Auth, ColumnCase, CsvStyle, Damage, Dates, NextLink};
use rollbook_sandbox::{
    COMMUNITY_PASSWORD, COMMUNITY_USER, ELM_CLIENT_ID, ELM_CLIENT_SECRET, ELM_PASSWORD, ELM_TOKEN, ELM_USER, Elm,
    FeedRow, Sandbox, World,
};
use std::collections::BTreeSet;

fn zone() -> TimeZone {
    TimeZoneDatabase::bundled().get("America/Vancouver").unwrap()
}

/// Twelve records of one day, an hour apart, in pages of five.
async fn sandbox(change: impl FnOnce(&mut Elm)) -> Sandbox {
    let mut world = World::empty();
    world.elm.page_size = 5;
    for hour in 0..12 {
        let created: Timestamp = format!("2026-03-02T{hour:02}:30:00Z").parse().unwrap();
        world.elm.push(FeedRow::enrol(&format!("G{hour}"), &format!("g{hour}@example.org"), 930_001, created));
    }
    change(&mut world.elm);
    Sandbox::start(world).await.unwrap()
}

fn options(sandbox: &Sandbox) -> FeedOptions {
    FeedOptions::new(sandbox.feed_url(), ELM_TOKEN.into(), zone())
}

/// What is read from 06:00 UTC on.
async fn read(options: FeedOptions, dates: DateStyle) -> Vec<FeedRecord> {
    let client = FeedClient::new(options).unwrap();
    let format = FeedFormat { dates, ..FeedFormat::new(zone()) };
    let query = FeedQuery { since: "2026-03-02T06:00:00Z".parse().ok(), ..FeedQuery::default() };
    let now = "2026-03-02T12:00:00Z".parse().unwrap();
    let reading = collect_feed(&client, &query, &format, now, SignedDuration::ZERO).await.unwrap();
    assert!(reading.records.is_complete(), "{:?}", reading.records.gaps);
    reading.records.value
}

fn people(records: &[FeedRecord]) -> BTreeSet<String> {
    let good = records.iter().filter(|record| record.reading.is_ok());
    good.map(|record| record.guid().to_string()).collect()
}

fn evening() -> BTreeSet<String> {
    (6..12).map(|hour| format!("G{hour}")).collect()
}

#[tokio::test]
async fn next_link_of_every_kind_is_read_from_the_configured_origin() {
    for link in [
        NextLink::Absolute,
        NextLink::RelativeToService,
        NextLink::PathOnly,
        NextLink::WithoutScheme,
        NextLink::OtherScheme,
        NextLink::InnerHost,
        NextLink::Skip,
    ] {
        let sandbox = sandbox(|elm| elm.next_link = link).await;
        let page_size = (link == NextLink::Skip).then_some(5);
        let read = read(FeedOptions { page_size, ..options(&sandbox) }, DateStyle::Iso).await;
        assert_eq!(people(&read), evening(), "{link:?}");
    }
    let sandbox = sandbox(|elm| elm.next_link = NextLink::OutsideService).await;
    let error = FeedClient::new(options(&sandbox)).unwrap().fetch(&FeedQuery::default()).await.unwrap_err();
    assert!(error.to_string().contains("outside of the feed's service root"), "{error}");
}

#[tokio::test]
async fn empty_page_that_leads_on_is_no_end() {
    let sandbox = sandbox(|elm| elm.empty_page = Some(1)).await;
    assert_eq!(people(&read(options(&sandbox), DateStyle::Iso).await), evening());
}

#[tokio::test]
async fn dates_and_literals_of_every_kind_are_asked_and_read() {
    for (dates, literal, style) in [
        (Dates::Iso, Literal::QuotedLocal, DateStyle::Iso),
        (Dates::Iso, Literal::DateTimeOffset, DateStyle::Iso),
        (Dates::Local, Literal::QuotedLocal, DateStyle::Iso),
        (Dates::EpochSeconds, Literal::EpochSeconds, DateStyle::Iso),
        (Dates::EpochMillis, Literal::EpochMilliseconds, DateStyle::Iso),
        (Dates::Us, Literal::Us, DateStyle::Us),
    ] {
        let sandbox = sandbox(|elm| elm.dates = dates).await;
        let read = read(FeedOptions { literal: Some(literal), ..options(&sandbox) }, style).await;
        assert_eq!(people(&read), evening(), "{dates:?}");
    }
    let sandbox = sandbox(|elm| elm.dates = Dates::DateOnly).await;
    let read = read(FeedOptions { literal: Some(Literal::Date), ..options(&sandbox) }, DateStyle::Iso).await;
    assert_eq!(people(&read).len(), 12, "whole days come, all of them readable");
}

#[tokio::test]
async fn odata_v2_and_files_of_csv_and_json_are_dialects() {
    let dialect = |name| find_dialect(name).unwrap();
    let v2 = sandbox(Elm::speak_v2).await;
    let read_v2 = read(FeedOptions { dialect: dialect("odata-v2"), count: true, ..options(&v2) }, DateStyle::Iso).await;
    assert_eq!(people(&read_v2), evening());
    let files = sandbox(|elm| elm.csv = CsvStyle { delimiter: ';', bom: true }).await;
    let csv = FeedOptions { dialect: dialect("csv"), url: files.csv_file_url(), ..options(&files) };
    assert_eq!(people(&read(csv, DateStyle::Iso).await), evening());
    let json = FeedOptions { dialect: dialect("json"), url: files.json_file_url(), ..options(&files) };
    assert_eq!(people(&read(json, DateStyle::Iso).await), evening());
}

#[tokio::test]
async fn logins_of_every_kind_are_taken() {
    let basic = FeedAuth::Basic { user: ELM_USER.to_owned(), password: ELM_PASSWORD.into() };
    for (wanted, auth) in [(Auth::Basic, Some(basic)), (Auth::OAuth2, None), (Auth::Open, Some(FeedAuth::Open))] {
        let sandbox = sandbox(|elm| elm.auth = wanted).await;
        let auth = auth.unwrap_or_else(|| {
            FeedAuth::OAuth2(ClientCredentials {
                token_url: sandbox.elm_token_url().parse().unwrap(),
                client_id: ELM_CLIENT_ID.to_owned(),
                client_secret: ELM_CLIENT_SECRET.into(),
                scope: None,
            })
        });
        assert_eq!(people(&read(FeedOptions { auth, ..options(&sandbox) }, DateStyle::Iso).await), evening());
    }
}

#[tokio::test]
async fn padding_lower_case_columns_and_other_charsets_are_read_alike() {
    let sandbox = sandbox(|elm| {
        elm.column_case = ColumnCase::Lower;
        elm.padding = 60;
        elm.latin1 = true;
        elm.rows[7]["LAST_NAME"] = "Óscarsson".into();
    })
    .await;
    let read = read(options(&sandbox), DateStyle::Iso).await;
    assert_eq!(people(&read), evening());
    let named = read.iter().find(|record| record.guid().as_str() == "G7").unwrap();
    assert_eq!(named.get(rollbook_core::model::Field::LastName), "Óscarsson");
}

#[tokio::test]
async fn one_bad_byte_costs_one_record_which_is_named_with_its_place() {
    for damage in [Damage::LoneSurrogate, Damage::RawTab, Damage::BadEscape, Damage::Latin1Byte] {
        let sandbox = sandbox(|elm| elm.spoil(8, "LAST_NAME", "Love", damage, "lace")).await;
        let read = read(options(&sandbox), DateStyle::Iso).await;
        let mut wanted = evening();
        wanted.remove("G8");
        assert_eq!((people(&read), read.len()), (wanted, 6), "{damage:?}");
        let bad = read.iter().find(|record| record.reading.is_err()).unwrap();
        let told = bad.reading.clone().unwrap_err().to_string();
        assert_eq!(bad.guid().as_str(), "G8");
        assert!(told.contains("damaged (page 1, byte ") || told.contains("damaged (page 2, byte "), "{told}");
    }
}

#[tokio::test]
async fn group_types_with_long_names_are_read_and_labels_left_out() {
    let mut world = World::empty();
    let community = &mut world.community;
    let ann = community.add_account("ann", Some("ann@example.org"));
    let ben = community.add_account("ben", Some("ben@example.org"));
    let (guild, flexible) = (community.add_group("Web"), community.add_group_of("flexible_group", "Web"));
    let learning = community.add_group_of("learning_community", "Learners");
    let test = community.add_group_of("learning_community", "Test of learners");
    for group in [guild, flexible, learning, test] {
        community.join(group, ann, &[]);
    }
    community.relate(learning, ben, "group_membership_request");
    let sandbox = Sandbox::start(world).await.unwrap();
    let auth = DrupalAuth::Basic { user: COMMUNITY_USER.to_owned(), password: COMMUNITY_PASSWORD.into() };
    let read = async |types: &[&str]| {
        let client =
            DrupalClient::new(DrupalOptions::new(sandbox.community_url(), auth.clone(), Clock::system())).unwrap();
        let selection = GroupSelection {
            types: types.iter().map(|name| (*name).to_owned()).collect(),
            exclude: vec!["test *".to_owned()],
            name_rule: Some("{type}-{name}".to_owned()),
            ..GroupSelection::from("guild")
        };
        let source = CommunitySource::JsonApi(JsonApiCommunity::new(client, selection, None));
        let question = CommunityQuestion { part: Part::All, known: BTreeSet::new(), sentinel: None };
        let snapshot = source.open().await.unwrap().collect(&question, Timestamp::UNIX_EPOCH).await.unwrap();
        assert!(snapshot.is_complete(), "{:?}", snapshot.gaps);
        let guilds = snapshot.value.guilds.iter().map(|guild| (machine_name(guild).0, guild.members.len()));
        guilds.collect::<Vec<(String, usize)>>()
    };
    let named = |all: &[&str]| all.iter().map(|name| ((*name).to_owned(), 1)).collect::<Vec<_>>();
    assert_eq!(read(&["learning_community"]).await, named(&["learning_community-learners"]));
    assert_eq!(read(&["*"]).await, named(&["guild-web", "flexible_group-web", "learning_community-learners"]));
}
