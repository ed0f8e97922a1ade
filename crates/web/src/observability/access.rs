//! Who may read the metrics: this machine itself where no proxy forwards to it, and a token with the scope `metrics`.

use super::ObservabilityState;
use crate::api::find_token;
use crate::api::problem::Problem;
use crate::auth::permissions::Scope;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use std::net::{IpAddr, SocketAddr};

/// What a proxy adds: then the request is not from this machine.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Lets a request through that may read the metrics.
pub async fn admit(state: &ObservabilityState, request: &Parts) -> Result<(), Problem> {
    if is_local(state, request) {
        return Ok(());
    }
    match find_token(&state.journal, &request.headers, state.clock.now()).await? {
        Some(token) if token.scopes.contains(&Scope::Metrics) => Ok(()),
        Some(_) => Err(Problem::new(StatusCode::FORBIDDEN, "this token lacks the scope metrics")),
        None => {
            let detail = "from another machine, a token with the scope metrics is required";
            Err(Problem::new(StatusCode::UNAUTHORIZED, detail))
        }
    }
}

/// Whether this machine itself asks. Where browsers come by a proxy, all the world arrives from loopback: then nobody is near.
fn is_local(state: &ObservabilityState, request: &Parts) -> bool {
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    let is_loopback = peer.is_some_and(|peer| peer.0.ip().is_loopback());
    let outside = state.settings.server.public_url.as_ref();
    let is_private = outside.is_none_or(|url| url.host_str().is_some_and(names_loopback));
    let headers = &request.headers;
    is_loopback && is_private && !FORWARDED.iter().any(|name| headers.contains_key(*name)) && host_is_loopback(headers)
}

/// A page of another site could have its own name lead here; then `Host` says that name.
fn host_is_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.parse::<u16>().is_ok() { name } else { host });
    names_loopback(name)
}

fn names_loopback(name: &str) -> bool {
    let name = name.trim_matches(['[', ']']);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
