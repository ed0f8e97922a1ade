//! `POST /api/v1/events/membership`: somebody's membership changed, says a community. The event only wakes a look at that member;
//! what they belong to is read from the community itself.

use super::gate::{Became, Believed, Believers, forget, not_kept, told};
use crate::api::{Accepted, Events, Problem};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_journal::Journal;
use rollbook_settings::Settings;
use rollbook_settings::link::Push;
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::Notify;
use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, OneOfBuilder, Schema, Type};

/// The path that the router gives to [`take_membership`].
pub const PATH: &str = "/api/v1/events/membership";

/// A member is named by so many characters at most.
const NAME_MAX: usize = 300;

/// What stands behind the endpoint.
#[derive(Debug)]
pub struct MembershipGate {
    journal: Journal,
    clock: Clock,
    believers: Believers,
    wake: Arc<Notify>,
}

impl MembershipGate {
    /// A gate for every guilds link that takes pushed events. `wake` is rung after each that was taken.
    pub fn new(settings: &Settings, journal: Journal, clock: Clock, wake: Arc<Notify>) -> Self {
        let links = settings.guilds().filter_map(|found| Some((found.link.name.clone(), found.link.push.clone()?)));
        Self::of(links.collect(), journal, clock, wake)
    }

    /// A gate for these links.
    pub fn of(links: Vec<(LinkName, Push)>, journal: Journal, clock: Clock, wake: Arc<Notify>) -> Self {
        Self { journal, clock, believers: Believers::new("membership", links), wake }
    }

    /// How many events came since the start, by what became of them.
    pub fn counts(&self) -> [(&'static str, u64); 5] {
        self.believers.counts()
    }
}

/// Whose membership changed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct MembershipEvent {
    /// The community's number of the member, its user name, or the mail address.
    #[schema(schema_with = member)]
    user: Member,
}

/// A member, as a community names them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Member {
    /// By number.
    Number(u64),
    /// By user name, mail address or number.
    Text(String),
}

fn member() -> Schema {
    let number =
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(9_007_199_254_740_991_i64));
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"\S")).max_length(Some(NAME_MAX));
    Schema::OneOf(OneOfBuilder::new().item(number).item(text).build())
}

impl Member {
    /// The name, where it is one.
    fn name(self) -> Option<String> {
        let name = match self {
            Self::Number(0) => return None,
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.trim().to_owned(),
        };
        (1..=NAME_MAX).contains(&name.chars().count()).then_some(name)
    }
}

/// A membership changed: look at that member within seconds
#[utoipa::path(post, path = "/events/membership", tag = "events", security(("signature" = [])),
    request_body = MembershipEvent,
    responses((status = 202, description = "Taken; the look was asked for", body = Accepted), Events))]
pub async fn take_membership(State(gate): State<Arc<MembershipGate>>, request: Request) -> Response {
    take(&gate, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn take(gate: &MembershipGate, request: Request) -> Result<Response, Problem> {
    let Believed { link, push, signature, body, now } = gate.believers.admit(request, &gate.clock).await?;
    let named = told::<MembershipEvent>(&body).and_then(|event| event.user.name());
    let user = named.ok_or_else(|| {
        gate.believers.refuse(Became::Malformed, "`user` is needed: a number, a user name or a mail address")
    })?;
    match gate.journal.requests().accept_member_event(link, &signature, &user, forget(push, now), now).await {
        Ok(Some(request)) => {
            gate.believers.count(Became::Taken);
            gate.wake.notify_one();
            Ok(Accepted::of(request).into_response())
        }
        Ok(None) => Err(gate.believers.refuse(Became::Repeated, "the event was taken before")),
        Err(error) => Err(not_kept(link, &error)),
    }
}
