//! `POST /api/v1/events/membership` and `/api/v1/events/guild`: a community says that a membership or a guild changed. The event
//! only triggers a check of that member or guild; what is so now is read from the community itself.

use super::receiver::{
    EventOutcome, EventReceiver, OWN_CONNECTIONS, VerifiedEvent, forget_before, not_stored, parse_object,
};
use crate::api::context::Accepted;
use crate::api::document::EventErrors;
use crate::api::extractors::Integer;
use crate::api::problem::Problem;
use crate::limits::ConcurrencyLimit;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_journal::requests::RequestId;
use rollbook_journal::{Journal, JournalError};
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

/// What happened to which guild.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct GuildEvent {
    /// `guild_made`, `guild_renamed`, `guild_published`, `guild_unpublished`, `guild_deleted`, `members_changed` or `sync_asked`.
    event: String,
    /// The community's number of the guild.
    #[schema(value_type = i64)]
    guild: Integer,
    /// Its UUID, where the event has it.
    uuid: Option<String>,
}

impl GuildEvent {
    /// The guild to check. A guild that is gone can be checked only beside all others.
    fn scope(self) -> Option<String> {
        let named = self.uuid.filter(|uuid| !uuid.is_empty()).unwrap_or_else(|| self.guild.0.to_string());
        (self.event != "guild_deleted").then_some(named)
    }
}

/// A guild changed: synchronise it within seconds
#[utoipa::path(post, path = "/events/guild", tag = "events", security(("signature" = [])),
    request_body = GuildEvent,
    responses((status = 202, description = "Accepted; the synchronisation was requested", body = Accepted), EventErrors))]
pub async fn receive_guild(State(events): State<Arc<MembershipEvents>>, request: Request) -> Response {
    accept_guild(&events, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn accept_guild(events: &MembershipEvents, request: Request) -> Result<Response, Problem> {
    let VerifiedEvent { link, push, signature, body, now, turn: _turn } =
        events.receiver.receive(request, &events.clock).await?;
    let event = parse_object::<GuildEvent>(&body).filter(|event| event.guild.0 > 0);
    let event = event.ok_or_else(|| {
        events.receiver.refuse(EventOutcome::Malformed, "`event` and `guild` are required: a word and a number above 0")
    })?;
    let requests = events.journal.requests();
    let request = requests.accept_guild_event(link, &signature, event.scope(), forget_before(push, now), now).await;
    answer(events, link, request)
}

async fn accept(events: &MembershipEvents, request: Request) -> Result<Response, Problem> {
    let VerifiedEvent { link, push, signature, body, now, turn: _turn } =
        events.receiver.receive(request, &events.clock).await?;
    let named = parse_object::<MembershipEvent>(&body).and_then(|event| event.user.name());
    let user = named.ok_or_else(|| {
        events.receiver.refuse(EventOutcome::Malformed, "`user` is required: a number, a user name or a mail address")
    })?;
    let requests = events.journal.requests();
    let request = requests.accept_member_event(link, &signature, &user, forget_before(push, now), now).await;
    answer(events, link, request)
}

/// The answer to an event that was stored, was stored before, or could not be.
fn answer(
    events: &MembershipEvents,
    link: &LinkName,
    request: Result<Option<RequestId>, JournalError>,
) -> Result<Response, Problem> {
    match request {
        Ok(Some(request)) => {
            events.receiver.count(EventOutcome::Accepted);
            events.wake.notify_one();
            Ok(Accepted::of(request).into_response())
        }
        Ok(None) => Err(events.receiver.refuse(EventOutcome::Repeated, "this event was accepted before")),
        Err(error) => Err(not_stored(link, &error)),
    }
}
