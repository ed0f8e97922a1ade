//! Both ways of reading a community, over the same site: the same snapshot, on every server and with every version of the
//! Group module.

use crate::tables::{Server, load, open};
use crate::world::{NAME_FIELD, world};
use rollbook_clock::Clock;
use rollbook_community::client::{DrupalAuth, DrupalClient, DrupalOptions};
use rollbook_community::snapshot::{
    AmbiguityQuery, CommunityQuestion, CommunitySource, JsonApiCommunity, Part, SqlCommunity,
};
use rollbook_core::model::{Absence, CanaryAccount, Community, CommunityUserId, GuildUuid, Identity};
use rollbook_sandbox::community::GroupVersion;
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, Sandbox, World};
use std::collections::BTreeSet;

const VERSIONS: [GroupVersion; 3] = [GroupVersion::V1, GroupVersion::V2, GroupVersion::V3];

/// A community with everything that reading can meet, and more members than a page has.
fn rich() -> World {
    let many: Vec<String> = (0..130).map(|n| format!("p{n}[guild-junior]")).collect();
    let mut world = world(&format!(
        "Web & Design: ann[guild-admin,guild-mentor] ben -cat dan\nÉcriture: ann zoë\nEmpty:\nMany: {}",
        many.join(" ")
    ));
    let community = &mut world.community;
    let named = community.groups.values_mut().find(|group| group.label == "Many").unwrap();
    named.machine_name = Some("the-many".to_owned());
    let dan = community.accounts.values_mut().find(|account| account.name == "dan").unwrap();
    dan.mail = None;
    let orphan = 990_001;
    let first = *community.groups.keys().next().unwrap();
    community.join(first, orphan, &["guild-junior"]);
    world
}

async fn json(world: &World) -> (Sandbox, CommunitySource) {
    let sandbox = Sandbox::start(world.clone()).await.unwrap();
    let auth = DrupalAuth::Basic { user: COMMUNITY_USER.to_owned(), password: COMMUNITY_PASSWORD.into() };
    let client = DrupalClient::new(DrupalOptions::new(sandbox.community_url(), auth, Clock::system())).unwrap();
    (sandbox, CommunitySource::JsonApi(JsonApiCommunity::new(client, "guild", Some(NAME_FIELD))))
}

async fn collect(source: &CommunitySource, question: &CommunityQuestion) -> Community {
    let open = source.open().await.unwrap();
    let snapshot = open.collect(question, jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    assert!(snapshot.is_complete(), "{:?}", snapshot.gaps);
    Community { identity: Identity::Database, ..snapshot.value }
}

fn questions(world: &World) -> Vec<CommunityQuestion> {
    let uuid = |label: &str| {
        let group = world.community.groups.values().find(|group| group.label == label).unwrap();
        GuildUuid::new(group.uuid.as_str())
    };
    let uid = |name: &str| {
        CommunityUserId(world.community.accounts.values().find(|account| account.name == name).unwrap().uid)
    };
    let gone = GuildUuid::new("00000000-0000-4000-8000-000000000000");
    let ask = |part: Part, sentinel: Option<&str>| CommunityQuestion {
        part,
        known: BTreeSet::from([gone.clone()]),
        sentinel: sentinel.map(str::to_owned),
    };
    vec![
        ask(Part::All, None),
        ask(Part::All, Some("ann@example.org")),
        ask(Part::All, Some("nobody")),
        ask(Part::Guild(uuid("Web & Design")), Some("ann")),
        ask(Part::Guild(gone.clone()), None),
        ask(Part::Person { person: uid("ann"), guilds: BTreeSet::from([uuid("Many")]) }, Some("p7")),
        ask(Part::Person { person: uid("cat"), guilds: BTreeSet::new() }, None),
    ]
}

async fn hold_against_each_other(server: Server, url: &str, tag: &str) {
    for version in VERSIONS {
        let mut world = rich();
        world.community.version = version;
        let prefix = format!("{tag}{version:?}_").to_lowercase();
        load(server, url, &prefix, &world.community).await;
        let (_sandbox, by_json) = json(&world).await;
        let by_sql = CommunitySource::Sql(SqlCommunity::new(open(url, &prefix), "guild", Some(NAME_FIELD)));
        for question in questions(&world) {
            let (json, sql) = (collect(&by_json, &question).await, collect(&by_sql, &question).await);
            assert_eq!(json, sql, "{version:?} {question:?}");
        }
        let (json, sql) = (by_json.open().await.unwrap(), by_sql.open().await.unwrap());
        assert_eq!(json.access().group_version, sql.access().group_version);
        assert_eq!(json.list().await.unwrap(), sql.list().await.unwrap());
        for (mail, name, known) in
            [("ann@example.org", "zoë", 0), ("ANN@example.org", "nobody", 0), ("p1@example.org", "p2", 3)]
        {
            let question = AmbiguityQuery {
                mails: BTreeSet::from([mail.to_lowercase(), "nobody@example.org".to_owned()]),
                names: BTreeSet::from([name.to_owned()]),
                known: BTreeSet::from([CommunityUserId(known)]),
            };
            let (json, sql) = (
                json.find_ambiguous_matches(&question).await.unwrap(),
                sql.find_ambiguous_matches(&question).await.unwrap(),
            );
            assert_eq!(json, sql, "{question:?}");
            assert!(!json.is_empty());
        }
        for word in ["ann", "ann@example.org", "ANN", "nobody", "3"] {
            assert_eq!(json.find_person(word).await.unwrap(), sql.find_person(word).await.unwrap(), "{word}");
        }
    }
}

#[tokio::test]
async fn both_readers_agree_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("drupal.sqlite").display());
    hold_against_each_other(Server::Sqlite, &url, "").await;
}

#[tokio::test]
async fn both_readers_agree_on_mariadb() {
    let url = std::env::var("ROLLBOOK_TEST_MARIADB")
        .expect("ROLLBOOK_TEST_MARIADB names no MariaDB: run the suite with ./dev test, which starts one");
    hold_against_each_other(Server::MariaDb, &url, "readers_").await;
}

#[tokio::test]
async fn both_readers_agree_on_postgresql() {
    let url = std::env::var("ROLLBOOK_TEST_PG")
        .expect("ROLLBOOK_TEST_PG names no PostgreSQL: run the suite with ./dev test, which starts one");
    hold_against_each_other(Server::Postgres, &url, "readers_").await;
}

#[tokio::test]
async fn gone_and_unseen_guilds_are_told_apart() {
    let mut world = rich();
    let hidden = world.community.groups.values_mut().find(|group| group.label == "Many").unwrap();
    hidden.published = false;
    let hidden = GuildUuid::new(hidden.uuid.as_str());
    let gone = GuildUuid::new("00000000-0000-4000-8000-000000000000");
    let (_sandbox, source) = json(&world).await;
    let known = BTreeSet::from([hidden.clone(), gone.clone()]);
    let community = collect(&source, &CommunityQuestion { part: Part::All, known, sentinel: None }).await;
    assert_eq!(community.missing[&hidden], Absence::Denied);
    assert_eq!(community.missing[&gone], Absence::Deleted);
    assert!(!community.people.values().any(|person| person.name == "p7"), "nobody of a guild that is not seen");
}

#[tokio::test]
async fn oauth_consumer_reads_the_same_as_a_user_with_a_password() {
    let world = rich();
    let (sandbox, by_password) = json(&world).await;
    let auth = DrupalAuth::OAuth2 {
        client_id: rollbook_sandbox::COMMUNITY_CLIENT_ID.to_owned(),
        client_secret: rollbook_sandbox::COMMUNITY_CLIENT_SECRET.into(),
        scope: None,
    };
    let client = DrupalClient::new(DrupalOptions::new(sandbox.community_url(), auth, Clock::system())).unwrap();
    let by_token = CommunitySource::JsonApi(JsonApiCommunity::new(client, "guild", Some(NAME_FIELD)));
    for question in questions(&world) {
        assert_eq!(collect(&by_password, &question).await, collect(&by_token, &question).await);
    }
}

#[tokio::test]
async fn blocked_people_are_hidden_from_an_account_that_may_not_administer_users() {
    let mut world = rich();
    world.community.service_account().unwrap().rights.administer_users = false;
    let (_sandbox, source) = json(&world).await;
    let question = CommunityQuestion { part: Part::All, known: BTreeSet::new(), sentinel: Some("ann".to_owned()) };
    let community = collect(&source, &question).await;
    let cat = world.community.accounts.values().find(|account| account.name == "cat").unwrap().uid;
    let cat = &community.people[&CommunityUserId(cat)];
    assert_eq!((cat.name.as_str(), cat.state), ("", rollbook_core::model::PersonState::Hidden));
    assert_eq!(community.sentinel, CanaryAccount::Seen);
    assert_eq!(community.state_of(cat.id), rollbook_core::model::PersonState::Blocked);
}
