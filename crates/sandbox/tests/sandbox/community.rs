//! The community's JSON:API.

use crate::client::Client;
use rollbook_sandbox::community::{GroupVersion, Rights};
use rollbook_sandbox::{
    COMMUNITY_ACCOUNT_UUID, COMMUNITY_CLIENT_ID, COMMUNITY_CLIENT_SECRET, COMMUNITY_PASSWORD, COMMUNITY_USER, Clock,
    World,
};
use serde_json::Value;

const MEMBERS: &str = "/jsonapi/group_relationship/guild-group_membership";
const GROUPS: &str = "/jsonapi/group/guild";

/// Three guilds of 70, 2 and 1 members, the last one unpublished; one member is blocked.
async fn community() -> Client {
    let mut world = World::empty();
    let groups = ["Web", "Data", "Secret"].map(|label| world.community.add_group(label));
    for at in 0..70 {
        let uid = world.community.add_account(&format!("person{at}"), Some(&format!("person{at}@x.org")));
        world.community.join(groups[0], uid, &[if at == 0 { "guild-mentor" } else { "guild-junior" }]);
        if at < 2 {
            world.community.join(groups[1], uid, &[]);
        }
        if at == 5 {
            world.community.join(groups[2], uid, &[]);
            world.community.accounts.get_mut(&uid).expect("an account").active = false;
        }
    }
    world.community.groups.get_mut(&groups[2]).expect("a group").published = false;
    Client::over(world).await
}

struct Answer {
    status: u16,
    kind: String,
    body: Value,
}

async fn ask(client: &Client, path: &str, login: Option<(&str, &str)>) -> Answer {
    let mut request = client.http().get(format!("{}{path}", client.sandbox.community_url()));
    if let Some((name, password)) = login {
        request =
            if name == "bearer" { request.bearer_auth(password) } else { request.basic_auth(name, Some(password)) };
    }
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    let body = serde_json::from_str(&response.text().await.expect("a body")).unwrap_or_default();
    Answer { status, kind, body }
}

const LOGIN: Option<(&str, &str)> = Some((COMMUNITY_USER, COMMUNITY_PASSWORD));

async fn get(client: &Client, path: &str) -> Answer {
    ask(client, path, LOGIN).await
}

async fn count(client: &Client, path: &str) -> usize {
    let answer = get(client, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body["data"].as_array().map(Vec::len).expect("data")
}

#[tokio::test]
async fn pages_hold_50_at_most_and_link_to_the_next_with_a_foreign_host() {
    let client = community().await;
    let answer = get(&client, &format!("{MEMBERS}?page[limit]=1000&sort=drupal_internal__id")).await;
    assert_eq!(answer.kind, "application/vnd.api+json");
    assert_eq!(answer.body["data"].as_array().map(Vec::len), Some(50));
    assert_eq!(answer.body.get("meta"), None);
    let next = answer.body["links"]["next"]["href"].as_str().expect("a link");
    let path = next.strip_prefix("http://community.internal").expect("the server's own view of itself");
    let last = get(&client, path).await;
    assert_eq!(last.body["data"].as_array().map(Vec::len), Some(23));
    assert_eq!(last.body["links"].get("next"), None);
    assert_eq!(last.body["data"][0]["attributes"]["drupal_internal__id"], 51);
    assert_eq!(count(&client, &format!("{MEMBERS}?page[offset]=5000")).await, 0);
    assert_eq!(count(&client, &format!("{MEMBERS}?page[limit]=all")).await, 50);
    assert_eq!(get(&client, &format!("{MEMBERS}?page[limit]=0")).await.status, 400);
}

#[tokio::test]
async fn filters_find_by_group_role_name_and_key() {
    let client = community().await;
    let uuid = client.sandbox.world().community.groups[&2].uuid.clone();
    for (filter, expected) in [
        (format!("filter[gid.id]={uuid}"), 2),
        ("filter[gid.meta.drupal_internal__target_id]=2".to_owned(), 2),
        ("filter[gid.label]=DATA".to_owned(), 2),
        ("filter[gid.status]=0".to_owned(), 1),
        ("filter[entity_id.entity:user.name]=Person7".to_owned(), 1),
        ("filter[entity_id.name]=person1".to_owned(), 2),
        ("filter[group_roles.meta.drupal_internal__target_id]=guild-mentor".to_owned(), 1),
        ("filter[k][condition][path]=drupal_internal__id&filter[k][condition][operator]=%3E&filter[k][condition][value]=70".to_owned(), 3),
    ] {
        assert_eq!(count(&client, &format!("{MEMBERS}?{filter}")).await, expected, "{filter}");
    }
    for bad in ["filter[group_roles.id]=x", "shoesize=1", "include=shoes", "filter[shoes]=1"] {
        assert_eq!(get(&client, &format!("{MEMBERS}?{bad}")).await.status, 400, "{bad}");
    }
    let refused = get(&client, &format!("{MEMBERS}?include=shoes")).await;
    let detail = refused.body["errors"][0]["detail"].as_str().expect("a detail");
    assert!(detail.contains("entity_id, gid, group_roles"), "{detail}");
}

#[tokio::test]
async fn included_people_are_narrowed_to_the_fields_asked_for() {
    let client = community().await;
    let path = format!("{MEMBERS}?include=entity_id,gid&fields[user--user]=name,mail,nosuch&page[limit]=1");
    let answer = get(&client, &path).await;
    let member = &answer.body["data"][0]["relationships"]["entity_id"]["data"];
    let included = answer.body["included"].as_array().expect("included");
    let person = included.iter().find(|resource| resource["id"] == member["id"]).expect("the person");
    assert_eq!(person["attributes"], serde_json::json!({"name": "person0", "mail": "person0@x.org"}));
    assert_eq!(member["meta"]["drupal_internal__target_id"], 3);
    assert!(included.iter().any(|resource| resource["type"] == "group--guild"));
}

#[tokio::test]
async fn what_an_account_sees_follows_its_permissions() {
    let client = community().await;
    let none = Rights::default();
    let outsider = Rights { view_group: true, ..none };
    let members = Rights { view_memberships: true, ..outsider };
    let names = Rights { access_profiles: true, ..members };
    let mails = Rights { view_mail: true, ..names };
    let admin = Rights { administer_users: true, ..mails };
    let unpublished = Rights { view_unpublished: true, ..admin };
    let god = Rights { administer_group: true, ..unpublished };
    let only_users = Rights { administer_users: true, ..none };
    for (rights, groups, memberships, active, blocked) in [
        (none, 0, 0, "", ""),
        (outsider, 2, 0, "", ""),
        (members, 2, 73, "", ""),
        (names, 2, 73, "name", ""),
        (mails, 2, 73, "mail name", ""),
        (
            admin,
            2,
            73,
            "drupal_internal__uid langcode mail name status",
            "drupal_internal__uid langcode mail name status",
        ),
        (
            unpublished,
            3,
            73,
            "drupal_internal__uid langcode mail name status",
            "drupal_internal__uid langcode mail name status",
        ),
        (god, 0, 0, "", ""),
        (only_users, 0, 0, "", ""),
    ] {
        client.sandbox.world().community.service_account().expect("the account").rights = rights;
        assert_eq!(count(&client, GROUPS).await, groups, "{rights:?}");
        let first = count(&client, MEMBERS).await;
        let second = count(&client, &format!("{MEMBERS}?page[offset]=50")).await;
        assert_eq!(first + second, memberships, "{rights:?}");
        let shown = get(&client, &format!("{MEMBERS}?include=entity_id&page[limit]=10")).await;
        let attributes = |place: usize| {
            let fields = shown.body["included"][place]["attributes"].as_object().cloned().unwrap_or_default();
            fields.keys().cloned().collect::<Vec<_>>().join(" ")
        };
        // Memberships 1, 2, 3… belong to persons 0, 0, 1, 1, 2, 3, 4, 5 (blocked).
        assert_eq!((attributes(0).as_str(), attributes(5).as_str()), (active, blocked), "{rights:?}");
    }
}

#[tokio::test]
async fn a_denied_included_group_is_told_as_omitted_and_its_memberships_still_come() {
    let client = community().await;
    let path = format!("{MEMBERS}?include=gid&filter[gid.label]=Secret");
    let answer = get(&client, &path).await;
    assert_eq!(answer.body["data"].as_array().map(Vec::len), Some(1));
    let links = answer.body["meta"]["omitted"]["links"].as_object().expect("omitted links");
    assert!(links.contains_key("help") && links.keys().any(|name| name.starts_with("item--")));
    client.sandbox.world().community.service_account().expect("the account").rights.view_unpublished = true;
    assert_eq!(get(&client, &path).await.body.get("meta"), None);
}

#[tokio::test]
async fn filtering_by_a_field_one_may_not_see_is_forbidden() {
    let client = community().await;
    client.sandbox.world().community.service_account().expect("the account").rights.administer_users = false;
    assert_eq!(get(&client, &format!("{MEMBERS}?filter[entity_id.mail]=person1@x.org")).await.status, 200);
    assert_eq!(get(&client, &format!("{MEMBERS}?filter[entity_id.status]=1")).await.status, 403);
    client.sandbox.world().community.service_account().expect("the account").rights.view_mail = false;
    let refused = get(&client, &format!("{MEMBERS}?filter[entity_id.mail]=person1@x.org")).await;
    assert_eq!((refused.status, refused.body["errors"][0]["status"].as_str()), (403, Some("403")));
}

#[tokio::test]
async fn a_wrong_password_is_an_empty_200_and_after_five_the_right_one_too() {
    let client = community().await;
    let start: jiff::Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    client.sandbox.world().clock = Clock::Fixed(start);
    for at in 0..5 {
        assert!(
            get(&client, "/jsonapi").await.body["meta"]["links"]["me"].is_object(),
            "failure {at} clears on success"
        );
        for _ in 0..at {
            let answer = ask(&client, GROUPS, Some((COMMUNITY_USER, "wrong"))).await;
            assert_eq!((answer.status, answer.body["data"].as_array().map(Vec::len)), (200, Some(0)));
        }
    }
    for _ in 0..5 {
        ask(&client, GROUPS, Some(("ROLLBOOK", "wrong"))).await;
    }
    let locked = get(&client, "/jsonapi").await;
    assert_eq!((locked.status, locked.body.get("meta")), (200, None));
    assert_eq!(count(&client, GROUPS).await, 0);
    client.sandbox.world().clock = Clock::Fixed(start + jiff::SignedDuration::from_hours(7));
    assert_eq!(count(&client, GROUPS).await, 2);
}

#[tokio::test]
async fn the_entry_point_proves_who_is_asking_and_lists_the_types() {
    let client = community().await;
    let entry = get(&client, "/jsonapi").await;
    assert_eq!(entry.body["meta"]["links"]["me"]["meta"]["id"], COMMUNITY_ACCOUNT_UUID);
    assert!(entry.body["links"]["group_relationship--guild-group_membership"].is_object());
    let anonymous = ask(&client, "/jsonapi", None).await;
    assert_eq!((anonymous.status, anonymous.body.get("meta")), (200, None));
    assert_eq!(ask(&client, GROUPS, None).await.body["data"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn single_resources_unlike_collections_say_that_they_are_closed() {
    let client = community().await;
    let uuid = client.sandbox.world().community.groups[&1].uuid.clone();
    let path = format!("{GROUPS}/{uuid}");
    assert_eq!(get(&client, &path).await.body["data"]["attributes"]["label"], "Web");
    assert_eq!(ask(&client, &path, Some((COMMUNITY_USER, "wrong"))).await.status, 403);
    assert_eq!(ask(&client, &path, None).await.status, 401);
    assert_eq!(get(&client, &format!("{GROUPS}/none")).await.status, 404);
}

#[tokio::test]
async fn older_versions_of_the_module_use_other_names() {
    let client = community().await;
    for (version, entity, keys) in [
        (GroupVersion::V1, "group_content", ["group_content_type", ""]),
        (GroupVersion::V2, "group_content", ["group_content_type", "group_type"]),
        (GroupVersion::V3, "group_relationship", ["group_relationship_type", "group_type"]),
    ] {
        client.sandbox.world().community.version = version;
        let path = format!("/jsonapi/{entity}/guild-group_membership");
        let answer = get(&client, &path).await;
        let member = &answer.body["data"][0];
        assert_eq!(member["type"], format!("{entity}--guild-group_membership"));
        for key in keys.iter().filter(|key| !key.is_empty()) {
            assert!(member["relationships"].get(key).is_some(), "{version:?} {key}");
        }
        let has_plugin = member["attributes"].get("plugin_id").is_some();
        assert_eq!(has_plugin, version != GroupVersion::V1);
        let group = get(&client, GROUPS).await;
        assert_eq!(group.body["data"][0]["attributes"].get("status").is_some(), version != GroupVersion::V1);
        let other = if entity == "group_content" { "group_relationship" } else { "group_content" };
        let missing = get(&client, &format!("/jsonapi/{other}/guild-group_membership")).await;
        assert_eq!((missing.status, missing.kind.as_str()), (404, "text/html; charset=utf-8"));
    }
    client.sandbox.world().community.version = GroupVersion::V1;
    client.sandbox.world().community.service_account().expect("the account").rights =
        Rights { administer_group: true, ..Rights::default() };
    assert_eq!(count(&client, GROUPS).await, 3);
}

#[tokio::test]
async fn an_orphaned_membership_points_to_missing() {
    let client = community().await;
    client.sandbox.world().community.accounts.remove(&3);
    let answer = get(&client, &format!("{MEMBERS}?include=entity_id&page[limit]=1")).await;
    assert_eq!(answer.body["data"][0]["relationships"]["entity_id"]["data"]["id"], "missing");
    assert_eq!(answer.body.get("included"), None);
}

async fn token(client: &Client, more: &[(&str, &str)]) -> (u16, Value) {
    let mut form = vec![("grant_type", "client_credentials"), ("client_id", COMMUNITY_CLIENT_ID)];
    if !more.iter().any(|(name, _)| *name == "client_secret") {
        form.push(("client_secret", COMMUNITY_CLIENT_SECRET));
    }
    form.extend_from_slice(more);
    let url = format!("{}/oauth/token", client.sandbox.community_url());
    let response = client.http().post(url).form(&form).send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

#[tokio::test]
async fn a_client_gets_a_token_for_300_seconds() {
    let client = community().await;
    let start: jiff::Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    client.sandbox.world().clock = Clock::Fixed(start);
    let (status, granted) = token(&client, &[]).await;
    assert_eq!((status, &granted["expires_in"], &granted["token_type"]), (200, &300.into(), &"Bearer".into()));
    let text = granted["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(text.split('.').count(), 3);
    let entry = ask(&client, "/jsonapi", Some(("bearer", &text))).await;
    assert_eq!(entry.body["meta"]["links"]["me"]["meta"]["id"], COMMUNITY_ACCOUNT_UUID);
    client.sandbox.world().clock = Clock::Fixed(start + jiff::SignedDuration::from_secs(300));
    for bad in [text.as_str(), "nonsense"] {
        let refused = ask(&client, GROUPS, Some(("bearer", bad))).await;
        assert_eq!((refused.status, refused.kind.as_str()), (401, "text/html; charset=utf-8"));
    }
}

#[tokio::test]
async fn bad_clients_and_scopes_are_refused_and_a_consumer_without_role_sees_nothing() {
    let client = community().await;
    let (status, body) = token(&client, &[("client_secret", "wrong")]).await;
    assert_eq!((status, body["error"].as_str()), (401, Some("invalid_client")));
    let (status, body) = token(&client, &[("scope", "emperor")]).await;
    assert_eq!((status, body["error"].as_str()), (400, Some("invalid_scope")));
    client.sandbox.world().community.consumers[0].has_role = false;
    for (scope, expected) in [("", 0), ("rollbook_service", 2)] {
        let (_, granted) = token(&client, &[("scope", scope)]).await;
        let text = granted["access_token"].as_str().expect("a token");
        let groups = ask(&client, GROUPS, Some(("bearer", text))).await;
        assert_eq!((groups.status, groups.body["data"].as_array().map(Vec::len)), (200, Some(expected)));
    }
}

#[tokio::test]
async fn a_blocked_account_gets_a_token_that_does_not_work() {
    let client = community().await;
    client.sandbox.world().community.service_account().expect("the account").active = false;
    let (status, granted) = token(&client, &[]).await;
    assert_eq!(status, 200);
    let text = granted["access_token"].as_str().expect("a token");
    assert_eq!(ask(&client, GROUPS, Some(("bearer", text))).await.status, 401);
    assert_eq!(count(&client, GROUPS).await, 0);
}

#[tokio::test]
async fn maintenance_is_a_503_and_writing_is_not_allowed() {
    let client = community().await;
    let url = format!("{}{GROUPS}", client.sandbox.community_url());
    let posted = client.http().post(&url).basic_auth(COMMUNITY_USER, Some(COMMUNITY_PASSWORD)).send().await;
    assert_eq!(posted.expect("an answer").status(), 405);
    client.sandbox.world().community.maintenance = true;
    let answer = client.http().get(&url).send().await.expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().ok()), (503, Some("7")));
}

#[tokio::test]
async fn every_page_together_holds_the_demonstration_guilds() {
    let now = "2026-11-23T18:00:00Z".parse().expect("a time");
    let client = Client::over(World::demo(1, now)).await;
    assert_eq!(count(&client, GROUPS).await, 5);
    let mut path = format!("{MEMBERS}?include=entity_id&sort=drupal_internal__id");
    let (mut members, mut known) = (0, 0);
    loop {
        let answer = get(&client, &path).await;
        members += answer.body["data"].as_array().map(Vec::len).expect("data");
        let people = answer.body["included"].as_array().expect("people").iter();
        let mails: Vec<&str> = people.filter_map(|person| person["attributes"]["mail"].as_str()).collect();
        let world = client.sandbox.world();
        known += mails.iter().filter(|mail| !world.moodle.users_by_email(mail).is_empty()).count();
        drop(world);
        match answer.body["links"]["next"]["href"].as_str() {
            Some(next) => path = next.strip_prefix("http://community.internal").expect("a path").to_owned(),
            None => break,
        }
    }
    assert_eq!(members, 247);
    assert!(known > 200, "{known}");
}
