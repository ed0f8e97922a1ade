//! The document of the API: what is true of all routes. Each route says the rest beside its function.

use super::problem::{MEDIA_TYPE, Problem};
use std::collections::BTreeMap;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, ContentBuilder, Info, OpenApi, OpenApiBuilder};
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder, SecurityRequirement, ServerBuilder, Tag};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

const DESCRIPTION: &str = "Read what Rollbook knows, start runs, and decide what waits for a human.\n\n\
    Every route but those of pushed events takes a token (`Authorization: Bearer rbk_…`), which an administrator makes on the \
    page Accounts. A token has scopes: `read` for every GET, `run` to start runs, `resolve` to decide about attention items, \
    `judge` to approve and reject plans, `report` to send completions again, `metrics` for `/metrics`. The author of whatever a \
    token does is `token NAME`.\n\n\
    Nothing here calls a remote system. What is to be done is asked of the process: the answer is 202 with a request, and \
    `GET /api/v1/requests/{request}` tells what became of it.\n\n\
    Lists go page by page: `next` of one page is `before` or `after` of the next one. Times are RFC 3339 in UTC. What goes wrong \
    is told as `application/problem+json` (RFC 9457). Names of later versions are added, never changed: ignore what you do not \
    know.";

const TAGS: [(&str, &str); 8] = [
    ("links", "The configured flows, and the trigger for schedulers outside"),
    ("runs", "What ran, and each event of it"),
    ("records", "The learner log, and why somebody is or is not in a course"),
    ("plans", "What a run would do, and a word on it"),
    ("attention", "What waits for a human, and the safe ways out"),
    ("requests", "What was asked of the process, and what came of it"),
    ("completions", "Reports to the ELM"),
    ("events", "Signed events of other systems"),
];

/// The refusals: the name in the document, the status, and when.
const REFUSALS: [(&str, u16, &str); 11] = [
    ("Unreadable", 400, "It was rightly signed and cannot be read"),
    ("Unproven", 401, "No token that holds, or no right signature"),
    ("Forbidden", 403, "The token lacks the scope"),
    ("Unknown", 404, "There is no such thing"),
    ("Method", 405, "The address does not take that method"),
    ("Conflict", 409, "It is no longer as the sender thinks, or was done before"),
    ("TooLong", 413, "The body is too long"),
    ("NotJson", 415, "The body is not JSON"),
    ("Invalid", 422, "A value cannot be taken"),
    ("TooMuch", 429, "The token has asked too much within a minute: see `Retry-After`"),
    ("Fault", 500, "The fault is Rollbook's: its log tells the cause under the incident"),
];

const AWAY: (&str, u16, &str) = ("Away", 503, "The journal cannot be reached just now: try again");

fn refs(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let named = REFUSALS.iter().chain([&AWAY]).filter(|(_, status, _)| statuses.contains(status));
    named.map(|(name, status, _)| (status.to_string(), Ref::from_response_name(*name).into())).collect()
}

/// What a route that only reads may refuse with.
pub struct ReadErrors;

impl IntoResponses for ReadErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refs(&[401, 403, 404, 405, 422, 429, 500, 503])
    }
}

/// What a route that acts may refuse with.
pub struct WriteErrors;

impl IntoResponses for WriteErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refs(&[401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503])
    }
}

/// What a route of pushed events may refuse with.
pub struct Events;

impl IntoResponses for Events {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refs(&[400, 401, 405, 409, 413, 500, 503])
    }
}

/// The document without the routes.
pub fn frame() -> OpenApi {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let refusal =
        |description: &str| ResponseBuilder::new().description(description).content(MEDIA_TYPE, problem.clone());
    let mut components = ComponentsBuilder::new()
        .schema(Problem::name(), Problem::schema())
        .security_scheme("token", bearer())
        .security_scheme("signature", signature());
    for (name, _, description) in REFUSALS.iter().chain([&AWAY]) {
        components = components.response(*name, refusal(description).build());
    }
    let tags = TAGS.map(|(name, description)| {
        let mut tag = Tag::new(name);
        tag.description = Some(description.to_owned());
        tag
    });
    let mut info = Info::new("Rollbook", "1");
    info.description = Some(DESCRIPTION.to_owned());
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new("token", Vec::<String>::new())]))
        .tags(Some(tags))
        .build()
}

fn bearer() -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("rbk_ and 64 digits");
    SecurityScheme::Http(scheme.description(Some("A token, made on the page Accounts")).build())
}

fn signature() -> SecurityScheme {
    let description = "`sha256=` and the HMAC-SHA256, in hexadecimal digits, of the time in `x-rollbook-timestamp`, a full \
        stop and the body, keyed with the link's `push.secret`";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("x-rollbook-signature", description)))
}
