//! The community with several group types, long names of types, terms, profiles and roles of every type.

use crate::client::Client;
use jiff::Timestamp;
use rollbook_sandbox::community::{GroupVersion, Rights};
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, World};
use serde_json::{Value, json};

const FLEXIBLE: &str = "flexible_group";
/// 18 letters: with `-group_membership` more than a bundle's name may have.
const LEARNING: &str = "learning_community";

async fn get(client: &Client, path: &str) -> (u16, Value) {
    let request = client.http().get(format!("{}{path}", client.sandbox.community_url()));
    let response = request.basic_auth(COMMUNITY_USER, Some(COMMUNITY_PASSWORD)).send().await.expect("an answer");
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.expect("a body")).unwrap_or_default())
}

async fn found(client: &Client, path: &str) -> usize {
    let (status, body) = get(client, path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body["data"].as_array().expect("data").len()
}

fn grant(client: &Client, change: impl FnOnce(&mut Rights)) {
    let mut world = client.sandbox.world();
    change(&mut world.community.service_account().expect("the account").rights);
}

/// A guild, a flexible group and a learning community, with one person in each and a request in the last.
fn world() -> World {
    let mut world = World::empty();
    let community = &mut world.community;
    let ann = community.add_account("ann", Some("ann@example.org"));
    let ben = community.add_account("ben", Some("ben@example.org"));
    let guild = community.add_group("Web");
    let flexible = community.add_group_of(FLEXIBLE, "Web");
    let learning = community.add_group_of(LEARNING, "Learners");
    community.join(guild, ann, &["guild-mentor"]);
    community.join(flexible, ann, &["flexible_group-group_manager"]);
    community.join(learning, ann, &[]);
    community.relate(learning, ben, "group_membership_request");
    world
}

async fn bundles(client: &Client) -> Vec<String> {
    let (_, entry) = get(client, "/jsonapi").await;
    let links = entry["links"].as_object().expect("links");
    let names = links.keys().filter(|name| {
        let (entity, _) = name.split_once("--").unwrap_or_default();
        ["group_relationship", "group_content"].contains(&entity)
    });
    names.cloned().collect()
}

// H1: "Bundle ids longer than 32 chars become group_content_type_<md5> cut to 32"; read on Open Social with Group 3:
// group.relationship_type.group_content_type_0055e25dd2326, so the prefix is the same there.
#[tokio::test]
async fn long_names_of_types_make_hashed_bundles_in_every_version() {
    for (version, entity) in [(GroupVersion::V1, "group_content"), (GroupVersion::V3, "group_relationship")] {
        let mut world = world();
        world.community.version = version;
        let client = Client::over(world).await;
        let names = bundles(&client).await;
        assert!(names.contains(&format!("{entity}--flexible_group-group_membership")), "{names:?}");
        assert!(names.contains(&format!("{entity}--guild-group_membership_request")), "{names:?}");
        let hashed: Vec<&String> = names.iter().filter(|name| name.contains("group_content_type_")).collect();
        // The community's two, and the flexible group's requests.
        assert_eq!(hashed.len(), 3, "{names:?}");
        for name in hashed {
            let bundle = name.split_once("--").expect("two parts").1;
            let digits = bundle.strip_prefix("group_content_type_").expect("a prefix");
            assert_eq!((bundle.len(), digits.len()), (32, 13));
            assert!(digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
}

// The MD5 sum itself: `printf learning_community-group_membership | md5sum`.
#[tokio::test]
async fn the_hash_is_the_md5_of_the_readable_name() {
    let client = Client::over(world()).await;
    let expected = "group_relationship--group_content_type_f2aa7b9fd4c2d";
    assert!(bundles(&client).await.iter().any(|name| name == expected));
}

// Issue "Guilds": "bundles are discovered by what they say of themselves, not by spelling".
#[tokio::test]
async fn a_relationship_says_which_plugin_and_which_type_it_belongs_to() {
    let client = Client::over(world()).await;
    grant(&client, |rights| rights.view_other_relationships = true);
    let mut said = Vec::new();
    for name in bundles(&client).await {
        let (_, body) = get(&client, &format!("/jsonapi/{}", name.replace("--", "/"))).await;
        for row in body["data"].as_array().expect("data") {
            let group_type = &row["relationships"]["group_type"]["data"]["meta"]["drupal_internal__target_id"];
            said.push(json!([row["attributes"]["plugin_id"], group_type]));
            let bundle = &row["relationships"]["group_relationship_type"];
            assert_eq!(bundle["data"], Value::Null, "configuration needs rights of its own");
            assert!(row["type"] == name.as_str());
        }
    }
    said.sort_by_key(Value::to_string);
    assert_eq!(
        json!(said),
        json!([
            ["group_membership", FLEXIBLE],
            ["group_membership", "guild"],
            ["group_membership", LEARNING],
            ["group_membership_request", LEARNING],
        ])
    );
}

// H1: "bundle relationship key … data null without config rights".
#[tokio::test]
async fn configuration_tells_what_a_bundle_is_for_to_those_who_may_see_it() {
    let client = Client::over(world()).await;
    let path = "/jsonapi/group_relationship_type/group_relationship_type";
    assert_eq!(found(&client, path).await, 0);
    grant(&client, |rights| rights.view_config = true);
    let (_, body) = get(&client, path).await;
    let rows = body["data"].as_array().expect("data");
    let learning = rows.iter().find(|row| {
        row["attributes"]["group_type"] == LEARNING && row["attributes"]["content_plugin"] == "group_membership"
    });
    let bundle = learning.expect("the bundle")["attributes"]["drupal_internal__id"].clone();
    let bundle = bundle.as_str().expect("a name").to_owned();
    let (_, body) = get(&client, &format!("/jsonapi/group_relationship/{bundle}")).await;
    let told = &body["data"][0]["relationships"]["group_relationship_type"]["data"];
    assert_eq!(told["meta"]["drupal_internal__target_id"], bundle);
}

// H4 for each type: the service role's permissions are given per group type.
#[tokio::test]
async fn a_type_without_a_role_for_the_service_account_is_empty_without_a_word() {
    let mut world = world();
    world.community.closed_types.insert(FLEXIBLE.to_owned());
    let client = Client::over(world).await;
    for (path, expected) in [
        ("/jsonapi/group/flexible_group", 0),
        ("/jsonapi/group_relationship/flexible_group-group_membership", 0),
        ("/jsonapi/group/guild", 1),
        ("/jsonapi/group_relationship/guild-group_membership", 1),
        // Invitations and requests have permissions of their own.
        ("/jsonapi/group_relationship/guild-group_membership_request", 0),
    ] {
        assert_eq!(found(&client, path).await, expected, "{path}");
    }
}

// Issue "Guilds": "13 has flexible_group with a taxonomy field field_group_type".
#[tokio::test]
async fn groups_carry_term_visibility_description_alias_and_change() {
    let mut world = World::empty();
    let community = &mut world.community;
    let term = community.add_term("Guild of practice");
    let group = community.add_group_of(FLEXIBLE, "Web");
    community.add_group_of(FLEXIBLE, "Other");
    community.path_module = true;
    let row = community.groups.get_mut(&group).expect("a group");
    row.term = Some(term);
    row.visibility = Some("members".to_owned());
    row.description = Some("We weave.".to_owned());
    row.alias = Some("/guilds/web".to_owned());
    let at: Timestamp = "2026-11-23T08:00:00Z".parse().expect("a time");
    community.rename_group(group, "Web guild", at);
    let client = Client::over(world).await;
    let groups = "/jsonapi/group/flexible_group";
    for filter in [
        "filter[field_group_type.name]=guild%20of%20practice",
        &format!("filter[field_group_type.meta.drupal_internal__target_id]={term}"),
        "filter[field_flexible_group_visibility]=members",
        "filter[c][condition][path]=changed&filter[c][condition][operator]=%3E&filter[c][condition][value]=1",
    ] {
        assert_eq!(found(&client, &format!("{groups}?{filter}")).await, 1, "{filter}");
    }
    let (_, body) = get(&client, &format!("{groups}?include=field_group_type&sort=drupal_internal__id")).await;
    let attributes = &body["data"][0]["attributes"];
    assert_eq!(attributes["path"], json!({"alias": "/guilds/web", "pid": group, "langcode": "en"}));
    assert_eq!(attributes["field_group_description"]["value"], "We weave.");
    assert_eq!(
        (&attributes["label"], &attributes["changed"]),
        (&json!("Web guild"), &json!("2026-11-23T08:00:00+00:00"))
    );
    assert_eq!(body["included"][0]["attributes"]["name"], "Guild of practice");
    assert_eq!(body["data"][1]["relationships"]["field_group_type"]["data"], Value::Null);
    assert_eq!(body["data"][1]["attributes"]["path"]["alias"], Value::Null);
    assert_eq!(found(&client, "/jsonapi/taxonomy_term/group_type").await, 1);
    let (status, _) = get(&client, &format!("{groups}?include=field_group_type.name")).await;
    assert_eq!(status, 400);
}

// Issue "Guilds": "names for new accounts … from profile fields (Open Social: profile--profile)".
#[tokio::test]
async fn names_stand_in_profiles_that_need_a_right_of_their_own() {
    let mut world = world();
    world.community.name_person(3, "Ann", "Núñez");
    let client = Client::over(world).await;
    let members = "/jsonapi/group_relationship/guild-group_membership?include=entity_id.profile_profiles";
    let (_, body) = get(&client, members).await;
    assert_eq!(body["included"].as_array().map(Vec::len), Some(1));
    assert!(body["meta"]["omitted"].is_object(), "a denied profile leaves a trace");
    grant(&client, |rights| rights.view_profiles = true);
    let (_, body) = get(&client, members).await;
    let included = body["included"].as_array().expect("included");
    let profile = included.iter().find(|resource| resource["type"] == "profile--profile").expect("the profile");
    let attributes = &profile["attributes"];
    assert_eq!(
        json!([attributes["field_profile_first_name"], attributes["field_profile_last_name"]]),
        json!(["Ann", "Núñez"])
    );
    assert_eq!(body.get("meta"), None);
    let (_, body) =
        get(&client, "/jsonapi/profile/profile?filter[uid.meta.drupal_internal__target_id]=3&include=uid").await;
    assert_eq!((&body["data"][0]["id"], &body["included"][0]["attributes"]["name"]), (&profile["id"], &json!("ann")));
}

// Issue "Guilds": "roles carry the bundle's name; a renamed role silently stops what depended on it".
#[tokio::test]
async fn roles_are_renamed_and_deleted_with_all_their_holders() {
    let client = Client::over(world()).await;
    let roles = async || {
        let (_, body) = get(&client, "/jsonapi/group_relationship/flexible_group-group_membership").await;
        body["data"][0]["relationships"]["group_roles"]["data"].clone()
    };
    assert_eq!(roles().await[0]["meta"]["drupal_internal__target_id"], "flexible_group-group_manager");
    let listed = "/jsonapi/group_role/group_role";
    assert_eq!(found(&client, listed).await, 0);
    grant(&client, |rights| rights.view_config = true);
    assert_eq!(found(&client, listed).await, 5);
    client.sandbox.world().community.rename_role("flexible_group-group_manager", "flexible_group-lead");
    assert_eq!(roles().await[0]["meta"]["drupal_internal__target_id"], "flexible_group-lead");
    client.sandbox.world().community.delete_role("flexible_group-lead");
    assert_eq!((roles().await, found(&client, listed).await), (json!([]), 4));
}

#[tokio::test]
async fn a_deleted_group_takes_all_its_relationships_with_it() {
    let client = Client::over(world()).await;
    grant(&client, |rights| rights.view_other_relationships = true);
    let learning = client.sandbox.world().community.groups.values().find(|it| it.kind == LEARNING).expect("it").id;
    client.sandbox.world().community.delete_group(learning);
    for name in bundles(&client).await.iter().filter(|name| name.contains("group_content_type_")) {
        assert_eq!(found(&client, &format!("/jsonapi/{}", name.replace("--", "/"))).await, 0, "{name}");
    }
}
