//! The community site: Drupal with the Group module, read by JSON:API.
//!
//! `state.rs` holds groups, members and accounts, `rights.rs` who sees what, `auth.rs` who is asking;
//! `kind.rs` names the resource types; `query.rs` and `field.rs` read the address, `resource.rs` writes one
//! resource, `collection.rs` a page of them, `sql.rs` the tables.

mod auth;
mod collection;
mod field;
mod kind;
mod query;
mod resource;
mod rights;
mod sql;
mod state;

use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use serde_json::{Value, json};

pub use auth::Login;
pub use rights::Rights;
pub use state::{Account, Community, Consumer, Group, GroupVersion, Membership, Profile, Term};

use crate::faults::{FaultPoint, Target};
use crate::server::{Cut, HttpRequest, Reply, Shared};
use auth::Caller;
use kind::Kind;

/// Where the token endpoint is.
const TOKEN_PATH: &str = "/oauth/token";

/// Answers one request to the community's host.
pub(crate) async fn serve(shared: Arc<Shared>, cut: Cut, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Reply::error_page(400).into_response();
    };
    let request = HttpRequest { parts, body: body.to_vec() };
    let function = if request.path() == TOKEN_PATH { "community_token" } else { "community" };
    shared.calls.note(function, 1);
    let plan = shared.faults.next(Target::Community, function, FaultPoint::Request);
    let effect = async move { respond(&shared, &request) };
    plan.answer(&cut, error_reply, effect).await
}

fn respond(shared: &Shared, request: &HttpRequest) -> Reply {
    let mut world = shared.world();
    let now = world.now();
    let community = &mut world.community;
    if community.maintenance {
        return error(503, "Service Unavailable", "The site is under maintenance").with("retry-after", "7");
    }
    if request.path() == TOKEN_PATH {
        return auth::issue(community, request, now);
    }
    // A bad token is refused outright; a bad password makes the request anonymous.
    let caller = match Caller::of(community, request, now) {
        Ok(caller) => caller,
        Err(refused) => return refused,
    };
    if request.parts.method != "GET" {
        return error(405, "Method Not Allowed", "JSON:API is configured to accept only read operations");
    }
    let answer = if request.path() == "/jsonapi" {
        Ok(entry(community, &caller))
    } else {
        collection::answer(community, &caller, request)
    };
    answer.unwrap_or_else(|refused| refused)
}

/// The entry point: every resource type by name, and who is asking, if anybody is.
fn entry(community: &Community, caller: &Caller) -> Reply {
    let base = format!("{}/jsonapi", community.link_base);
    let mut links = json!({"self": {"href": base}});
    for kind in Kind::all(community) {
        let href = format!("{}{}", community.link_base, kind.path(community.version));
        links[kind.name(community.version)] = json!({"href": href});
    }
    let mut body = json!({"jsonapi": version(), "data": [], "links": links});
    if let Some(account) = caller.account.and_then(|uid| community.accounts.get(&uid)) {
        let href = format!("{base}/user/user/{}", account.uuid);
        body["meta"] = json!({"links": {"me": {"meta": {"id": account.uuid}, "href": href}}});
    }
    document(200, &body)
}

fn version() -> Value {
    json!({"version": "1.0", "meta": {"links": {"self": {"href": "http://jsonapi.org/format/1.0/"}}}})
}

fn document(status: u16, body: &Value) -> Reply {
    Reply::new(status, "application/vnd.api+json", body.to_string().into_bytes())
}

/// JSON:API's error document.
fn error(status: u16, title: &str, detail: &str) -> Reply {
    let links = json!({"info": {"href": format!("http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#{status}")}});
    let one = json!({"title": title, "status": status.to_string(), "detail": detail, "links": links});
    document(status, &json!({"jsonapi": version(), "errors": [one]}))
}

fn bad(detail: impl AsRef<str>) -> Reply {
    error(400, "Bad Request", detail.as_ref())
}

/// An armed exception: an error document in a 200.
fn error_reply(errorcode: &str) -> Reply {
    document(200, &json!({"jsonapi": version(), "errors": [{"title": errorcode, "status": "500"}]}))
}
