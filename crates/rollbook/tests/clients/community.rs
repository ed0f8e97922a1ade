//! The community client against a small Drupal: keyset pages, identity, tokens, what is withheld.

use crate::fake::{Fake, json, refused_url, reply};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use rollbook_clock::{Clock, ManualClock};
use rollbook_community::client::{
    DrupalAuth, DrupalClient, DrupalError, DrupalOptions, GroupModule, GroupProbe, IncompleteReason, UserWord,
    WhichMemberships, WireMember,
};
use rollbook_core::model::{CommunityUserId, GuildUuid};
use rollbook_remote::retry::RetryPolicy;
use serde_json::{Value, json as value};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the stand-in has, and what it was asked.
struct Drupal {
    /// The numbers of the memberships; each means the account of that number.
    numbers: Vec<i64>,
    entity: &'static str,
    /// A filter that is not understood, as by a proxy that drops the query.
    deaf: bool,
    asked: Mutex<Vec<String>>,
    tokens: Mutex<u32>,
}

struct Site {
    url: String,
    drupal: Arc<Drupal>,
}

impl Site {
    async fn start(numbers: Vec<i64>, entity: &'static str, deaf: bool) -> Self {
        let drupal = Drupal { numbers, entity, deaf, asked: Mutex::default(), tokens: Mutex::default() };
        let drupal = Arc::new(drupal);
        let router = Router::new()
            .route("/jsonapi", get(entry))
            .route("/jsonapi/{entity}/{bundle}", get(list))
            .route("/jsonapi/group/guild/{uuid}", get(group))
            .route("/oauth/token", post(token))
            .with_state(Arc::clone(&drupal));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, drupal }
    }

    fn asked(&self) -> Vec<String> {
        self.drupal.asked.lock().unwrap().clone()
    }
}

fn is_known(drupal: &Drupal, headers: &HeaderMap) -> Result<bool, Box<Response>> {
    match headers.get("authorization").and_then(|value| value.to_str().ok()) {
        // rollbook:right
        Some("Basic cm9sbGJvb2s6cmlnaHQ=") => Ok(true),
        Some(text) if text.starts_with("Bearer ") => {
            let fresh = format!("Bearer token-{}", drupal.tokens.lock().unwrap());
            if text == fresh { Ok(true) } else { Err(Box::new((StatusCode::UNAUTHORIZED, "<html>").into_response())) }
        }
        _ => Ok(false),
    }
}

async fn entry(State(drupal): State<Arc<Drupal>>, headers: HeaderMap) -> Response {
    drupal.asked.lock().unwrap().push("entry".to_owned());
    let known = match is_known(&drupal, &headers) {
        Ok(known) => known,
        Err(refusal) => return *refusal,
    };
    let meta = if known { value!({"links": {"me": {"meta": {"id": "uuid-of-rollbook"}}}}) } else { value!({}) };
    let link = value!({"href": "http://elsewhere/jsonapi/x"});
    Json(value!({
        "jsonapi": {}, "data": [], "meta": meta,
        "links": {format!("{}--guild-group_membership", drupal.entity): link, "group--guild": link}
    }))
    .into_response()
}

async fn token(State(drupal): State<Arc<Drupal>>, body: String) -> Response {
    if !body.contains("client_secret=s%2Bcret") {
        let refusal = Json(value!({"error": "invalid_client", "error_description": "Client authentication failed"}));
        return (StatusCode::UNAUTHORIZED, refusal).into_response();
    }
    let mut tokens = drupal.tokens.lock().unwrap();
    *tokens += 1;
    Json(value!({"token_type": "Bearer", "expires_in": 300, "access_token": format!("token-{tokens}")})).into_response()
}

async fn group(State(drupal): State<Arc<Drupal>>, Path(uuid): Path<String>) -> Response {
    drupal.asked.lock().unwrap().push(format!("group/{uuid}"));
    let error =
        |status: u16, title: &str| value!({"errors": [{"title": title, "status": status.to_string(), "detail": "x"}]});
    match uuid.as_str() {
        "denied" => (StatusCode::FORBIDDEN, Json(error(403, "Forbidden"))).into_response(),
        "missing" => (StatusCode::NOT_FOUND, Json(error(404, "Not Found"))).into_response(),
        _ => {
            let attributes = value!({
                "drupal_internal__id": 3, "label": "Web & Dev", "status": true, "field_machine_name": "web",
                "path": {"alias": "/guilds/web"}
            });
            Json(value!({"data": {"type": "group--guild", "id": uuid, "attributes": attributes}})).into_response()
        }
    }
}

async fn list(
    State(drupal): State<Arc<Drupal>>,
    Path((entity, bundle)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    drupal.asked.lock().unwrap().push(format!("{entity}/{bundle}?{query}"));
    match is_known(&drupal, &headers) {
        Ok(true) if entity == drupal.entity => {}
        Ok(true) if entity == "user" && query.contains("filter[mail]") => {
            let error = value!({"errors": [{"title": "Forbidden", "status": "403", "detail": "mail"}]});
            return (StatusCode::FORBIDDEN, Json(error)).into_response();
        }
        Ok(_) => return Json(value!({"data": [], "links": {}})).into_response(),
        Err(refusal) => return *refusal,
    }
    let number = |name: &str| -> Option<i64> {
        let text = query.split('&').find_map(|part| part.strip_prefix(&format!("{name}="))).filter(|_| !drupal.deaf)?;
        text.parse().ok()
    };
    let after = number("filter[after][condition][value]").unwrap_or(0);
    let upto = number("filter[upto][condition][value]").unwrap_or(i64::MAX);
    let mut numbers: Vec<i64> = drupal.numbers.iter().copied().filter(|n| *n > after && *n <= upto).collect();
    if query.contains("sort=-") {
        numbers.reverse();
    }
    let limit = number("page[limit]").map_or(50, |limit| limit.min(50)) as usize;
    let links =
        if numbers.len() > limit { value!({"next": {"href": "http://elsewhere:1/jsonapi"}}) } else { value!({}) };
    numbers.truncate(limit);
    let data: Vec<Value> = numbers.iter().map(|n| membership(*n)).collect();
    let included: Vec<Value> = numbers.iter().filter(|n| *n % 10 != 0).map(|n| user(*n)).collect();
    let mut document = value!({"data": data, "included": included, "links": links});
    if query.contains("filter[gid.id]=secret") {
        document["meta"] = value!({"omitted": {"detail": "x", "links": {"help": {}, "item--a": {}, "item--b": {}}}});
    }
    Json(document).into_response()
}

fn membership(n: i64) -> Value {
    let account = if n % 10 == 0 {
        value!({"type": "user--user", "id": "missing", "meta": {}})
    } else {
        value!({"type": "user--user", "id": format!("u{n}"), "meta": {"drupal_internal__target_id": n}})
    };
    let roles =
        value!([{"type": "group_role--group_role", "id": "x", "meta": {"drupal_internal__target_id": "guild-mentor"}}]);
    value!({
        "type": "x", "id": format!("m{n}"), "attributes": {"drupal_internal__id": n, "plugin_id": "group_membership"},
        "relationships": {
            "gid": {"data": {"type": "group--guild", "id": "g1", "meta": {"drupal_internal__target_id": 3}}},
            "entity_id": {"data": account}, "group_roles": {"data": roles}
        }
    })
}

fn user(n: i64) -> Value {
    let attributes = match n % 3 {
        0 => value!({}),
        1 => value!({"drupal_internal__uid": n, "name": "Zoë", "mail": "zoe@example.org"}),
        _ => value!({"drupal_internal__uid": n, "name": "Jane", "mail": null, "status": false}),
    };
    value!({"type": "user--user", "id": format!("u{n}"), "attributes": attributes})
}

fn basic(password: &str) -> DrupalAuth {
    DrupalAuth::Basic { user: "rollbook".to_owned(), password: password.into() }
}

fn oauth(secret: &str) -> DrupalAuth {
    DrupalAuth::OAuth2 { client_id: "rollbook".to_owned(), client_secret: secret.into(), scope: None }
}

fn options(url: &str, auth: DrupalAuth) -> DrupalOptions {
    let retry = RetryPolicy { tries_max: 3, delay: Duration::from_millis(1), wait_max: Duration::from_millis(20) };
    DrupalOptions { retry, timeout: Duration::from_secs(5), ..DrupalOptions::new(url, auth, Clock::system()) }
}

fn client(url: &str, auth: DrupalAuth) -> DrupalClient {
    DrupalClient::new(options(url, auth)).unwrap()
}

#[tokio::test]
async fn every_membership_comes_once_however_many_pages_are_read_at_once() {
    let numbers: Vec<i64> = (1..=157).map(|n| n * 7).collect();
    for concurrency in [1, 2, 5] {
        let site = Site::start(numbers.clone(), "group_relationship", false).await;
        let client = DrupalClient::new(DrupalOptions { concurrency, ..options(&site.url, basic("right")) }).unwrap();
        let reader = client.open_groups("guild").await.unwrap();
        assert_eq!((reader.account(), reader.module()), ("uuid-of-rollbook", GroupModule::Relationship));
        let memberships = reader.fetch_memberships(&WhichMemberships::All).await.unwrap();
        let got: Vec<i64> = memberships.list.rows.iter().map(|row| row.number).collect();
        assert_eq!(got, numbers, "{concurrency} at once");
        assert_eq!(memberships.list.incomplete, []);
        assert_eq!(client.requests(), site.asked().len() as u64);
        assert!(client.requests() <= 8, "{} requests", client.requests());
    }
}

#[tokio::test]
async fn a_member_is_shown_as_far_as_the_account_may_see() {
    let site = Site::start(vec![1, 2, 3, 10], "group_content", false).await;
    let reader = client(&site.url, basic("right")).open_groups("guild").await.unwrap();
    assert_eq!(reader.fetch_module_version().await, Ok(Some(2)));
    let memberships = reader.fetch_memberships(&WhichMemberships::OfGroup(GuildUuid::new("g1"))).await.unwrap();
    assert_eq!(memberships.list.rows[3].member, WireMember::Missing);
    assert_eq!(memberships.list.rows[0].roles[0].as_str(), "guild-mentor");
    let shown: Vec<_> =
        memberships.users.values().map(|user| (user.name.is_some(), user.mail_is_shown, user.status)).collect();
    assert_eq!(shown, [(true, true, None), (true, true, Some(false)), (false, false, None)]);
    assert!(!format!("{memberships:?}").contains("zoe@"), "people stay out of logs");
    assert_eq!(
        site.asked().last().unwrap(),
        "group_content/guild-group_membership?filter[gid.id]=g1&include=entity_id\
         &fields[group_content--guild-group_membership]=drupal_internal__id,gid,entity_id,group_roles\
         &fields[user--user]=drupal_internal__uid,name,mail,status&sort=drupal_internal__id&page[limit]=50"
    );
}

#[tokio::test]
async fn what_is_withheld_or_endless_is_said() {
    let site = Site::start((1..=60).collect(), "group_relationship", true).await;
    let reader = client(&site.url, basic("right")).open_groups("guild").await.unwrap();
    let endless = reader.fetch_memberships(&WhichMemberships::All).await.unwrap();
    assert_eq!(endless.list.incomplete, [IncompleteReason::PageRepeated]);

    let site = Site::start((1..=200).collect(), "group_relationship", false).await;
    let secret = WhichMemberships::OfGroup(GuildUuid::new("secret"));
    let few = DrupalClient::new(DrupalOptions { pages_max: 2, concurrency: 1, ..options(&site.url, basic("right")) });
    let list = few.unwrap().open_groups("guild").await.unwrap().fetch_memberships(&secret).await.unwrap().list;
    assert_eq!(list.incomplete, [IncompleteReason::Omitted { count: 4 }, IncompleteReason::PagesMax]);
    assert_eq!((list.rows.len(), list.pages), (100, 2));
}

#[tokio::test]
async fn nobody_is_turned_away_after_one_request() {
    let site = Site::start(vec![1], "group_relationship", false).await;
    let error = client(&site.url, basic("wrong")).open_groups("guild").await.unwrap_err();
    assert_eq!(error, DrupalError::Anonymous);
    assert_eq!(site.asked(), ["entry"], "each further request would count against the account");
    let error = client(&site.url, basic("right")).open_groups("club").await.unwrap_err();
    assert_eq!(error, DrupalError::NoGroupModule { group_type: "club".to_owned() });
}

#[tokio::test]
async fn a_token_is_fetched_once_and_renewed_at_four_fifths_of_its_life() {
    let site = Site::start(vec![1], "group_relationship", false).await;
    let (clock, hand): (Clock, ManualClock) = Clock::manual("2026-11-23T10:00:00Z".parse().unwrap());
    let client = DrupalClient::new(DrupalOptions { clock, ..options(&site.url, oauth("s+cret")) }).unwrap();
    let tokens = || *site.drupal.tokens.lock().unwrap();
    let reader = client.open_groups("guild").await.unwrap();
    hand.advance(Duration::from_secs(239));
    reader.fetch_memberships(&WhichMemberships::All).await.unwrap();
    assert_eq!(tokens(), 1);
    hand.advance(Duration::from_secs(1));
    reader.fetch_memberships(&WhichMemberships::All).await.unwrap();
    assert_eq!(tokens(), 2);
    // Revoked on the other side: the request is repeated with a new one.
    *site.drupal.tokens.lock().unwrap() += 1;
    reader.fetch_memberships(&WhichMemberships::All).await.unwrap();
    assert_eq!(tokens(), 4);
}

#[tokio::test]
async fn a_refused_consumer_is_told_apart() {
    let site = Site::start(vec![1], "group_relationship", false).await;
    let error = client(&site.url, oauth("wrong")).open_groups("guild").await.unwrap_err();
    assert!(
        matches!(&error, DrupalError::Denied { status: 401, words } if words.as_str().starts_with("invalid_client")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_group_is_shown_denied_or_missing() {
    let site = Site::start(vec![], "group_relationship", false).await;
    let reader = client(&site.url, basic("right")).open_groups("guild").await.unwrap();
    let probe = async |uuid: &str| reader.probe_group(&GuildUuid::new(uuid), Some("field_machine_name")).await.unwrap();
    let GroupProbe::Shown(group) = probe("a-b").await else { panic!("it is there") };
    assert_eq!((group.number.0, group.label.as_str(), group.status), (3, "Web & Dev", Some(true)));
    assert_eq!((group.name_field.as_deref(), group.alias.as_deref()), (Some("web"), Some("/guilds/web")));
    assert_eq!(probe("denied").await, GroupProbe::Denied);
    assert_eq!(probe("missing").await, GroupProbe::Missing);
    let mail = UserWord::Mail("o'brien+x@example.org".to_owned());
    assert!(matches!(reader.find_users(&mail).await, Err(DrupalError::Denied { status: 403, .. })));
    assert!(site.asked().last().unwrap().starts_with("user/user?filter[mail]=o%27brien%2Bx%40example.org&"));
    assert_eq!(reader.find_users(&UserWord::Number(CommunityUserId(7))).await, Ok(vec![]));
}

#[tokio::test]
async fn infrastructure_answers_have_their_own_meaning() {
    let page = "<html><title>Page not found</title></html>";
    let maintenance = r#"{"errors":[{"title":"Service Unavailable","status":"503","detail":"x"}]}"#;
    let cases = [
        (reply("301 Moved Permanently", "Location: https://www.example.org/jsonapi?x\r\n", page), "Misaddressed"),
        (reply("404 Not Found", "", page), "Misaddressed"),
        (reply("403 Forbidden", "", page), "Denied"),
        (reply("400 Bad Request", "", r#"{"errors":[{"title":"Bad Request"}]}"#), "Refused"),
        (reply("503 Service Unavailable", "Retry-After: 10\r\n", maintenance), "Maintenance"),
        (json(page), "Malformed"),
        (json(r#"{"links":{}}"#), "Malformed"),
        (json(r#"{"data":[]"#), "Malformed"),
    ];
    for (reply, name) in cases {
        let fake = Fake::start(vec![reply]).await;
        let error = client(&fake.url, basic("right")).open_groups("guild").await.unwrap_err();
        assert!(format!("{error:?}").starts_with(name), "{name}: {error:?}");
    }
    let error = client(&refused_url().await, basic("right")).open_groups("guild").await.unwrap_err();
    assert!(matches!(error, DrupalError::NotSent { .. }), "{error:?}");
}
