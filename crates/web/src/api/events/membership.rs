//! `POST /api/v1/events/membership`: somebody's membership changed, says a community. The event only wakes a look at that member;
//! what they belong to is read from the community itself.

use super::receiver::{
    EventOutcome, EventReceiver, OWN_CONNECTIONS, VerifiedEvent, forget_before, not_stored, parse_object,
};
use crate::api::context::Accepted;
use crate::api::document::EventErrors;
use crate::api::problem::Problem;
use crate::limits::ConcurrencyLimit;
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

/// The path of [`receive_membership`].
pub const PATH: &str = "/api/v1/events/membership";

/// A member is named by so many characters at most.
const NAME_MAX: usize = 300;

#[derive(Debug)]
pub struct MembershipEvents {
    journal: Journal,
    clock: Clock,
    receiver: EventReceiver,
    wake: Arc<Notify>,
}

impl MembershipEvents {
    /// For every link that accepts pushed events. An event takes one of `turns`, and `wake` is notified after it.
    pub fn new(
        settings: &Settings,
        journal: Journal,
        clock: Clock,
        wake: Arc<Notify>,
        turns: Arc<ConcurrencyLimit>,
    ) -> Self {
        let links = settings.guilds().filter_map(|found| Some((found.link.name.clone(), found.link.push.clone()?)));
        Self { journal, clock, receiver: EventReceiver::new("membership", links.collect(), turns), wake }
    }

    /// For these links, with turns of its own.
    pub fn of(links: Vec<(LinkName, Push)>, journal: Journal, clock: Clock, wake: Arc<Notify>) -> Self {
        let turns = Arc::new(ConcurrencyLimit::for_connections(OWN_CONNECTIONS));
        Self { journal, clock, receiver: EventReceiver::new("membership", links, turns), wake }
    }

    /// How many events came since the start, by outcome.
    pub fn counts(&self) -> [(&'static str, u64); 5] {
        self.receiver.counts()
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

/// A membership changed: check that member within seconds
#[utoipa::path(post, path = "/events/membership", tag = "events", security(("signature" = [])),
    request_body = MembershipEvent,
    responses((status = 202, description = "Accepted; the check was requested", body = Accepted), EventErrors))]
pub async fn receive_membership(State(events): State<Arc<MembershipEvents>>, request: Request) -> Response {
    accept(&events, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn accept(events: &MembershipEvents, request: Request) -> Result<Response, Problem> {
    let VerifiedEvent { link, push, signature, body, now, turn: _turn } =
        events.receiver.receive(request, &events.clock).await?;
    let named = parse_object::<MembershipEvent>(&body).and_then(|event| event.user.name());
    let user = named.ok_or_else(|| {
        events.receiver.refuse(EventOutcome::Malformed, "`user` is required: a number, a user name or a mail address")
    })?;
    match events.journal.requests().accept_member_event(link, &signature, &user, forget_before(push, now), now).await {
        Ok(Some(request)) => {
            events.receiver.count(EventOutcome::Accepted);
            events.wake.notify_one();
            Ok(Accepted::of(request).into_response())
        }
        Ok(None) => Err(events.receiver.refuse(EventOutcome::Repeated, "this event was accepted before")),
        Err(error) => Err(not_stored(link, &error)),
    }
}
