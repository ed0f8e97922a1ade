//! The document of the API: what all routes share. Each route describes the rest beside its function.

use super::problem::{MEDIA_TYPE, Problem};
use std::collections::BTreeMap;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, ContentBuilder, Info, OpenApi, OpenApiBuilder};
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder, SecurityRequirement, ServerBuilder, Tag};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

const DESCRIPTION: &str = "Read what Rollbook knows, start runs, and decide what needs a person.\n\n\
    Every route but those of pushed events requires a token (`Authorization: Bearer rbk_…`), which an administrator creates on the \
    page Accounts. A token has scopes: `read` for every GET, `status` for links and runs without personal data, `run` to start runs \
    and read what came of them, `resolve` to decide about attention items, `approve` to approve and reject plans, `report` to send \
    completions again, `metrics` for `/metrics`. Every token may read its own requests. The author of what a token does is \
    `token NAME`.\n\n\
    Nothing here calls a remote system. An action is a request to the process: the answer is 202 with its number, and \
    `GET /api/v1/requests/{request}` has its state and result.\n\n\
    Lists are paged: pass `next` of one page as `before` or `after` of the next one. Times are RFC 3339 in UTC. Errors are \
    `application/problem+json` (RFC 9457). Later versions add fields and never rename them: ignore those that you do not know.";

const TAGS: [(&str, &str); 8] = [
    ("links", "The configured flows, and the trigger for external schedulers"),
    ("runs", "What ran, and each event of it"),
    ("records", "The learner log, and why somebody is or is not in a course"),
    ("plans", "What a run would change, and its approval"),
    ("attention", "What needs a person, and the safe ways out"),
    ("requests", "Requests to the process, and their results"),
    ("completions", "Reports to the ELM"),
    ("events", "Signed events of other systems"),
];

/// The errors: the name in the document, the status, and when.
const ERRORS: [(&str, u16, &str); 13] = [
    ("BadRequest", 400, "The signature is valid, the body is not"),
    ("Unauthorised", 401, "No valid token, or no valid signature"),
    ("Forbidden", 403, "The token lacks the scope"),
    ("NotFound", 404, "It does not exist"),
    ("MethodNotAllowed", 405, "The address does not support that method"),
    ("TooSlow", 408, "The body took too long to arrive"),
    ("Conflict", 409, "It changed meanwhile, or was done before"),
    ("TooLarge", 413, "The body is too large"),
    ("NotJson", 415, "The body is not JSON"),
    ("Invalid", 422, "A value is invalid"),
    ("TooMany", 429, "The token has exceeded its requests per minute: see `Retry-After`"),
    ("Internal", 500, "An internal error: the log has the cause under the incident"),
    ("Unavailable", 503, "The journal is not available, or too many requests are queued: try again"),
];

fn refs(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let named = ERRORS.iter().filter(|(_, status, _)| statuses.contains(status));
    named.map(|(name, status, _)| (status.to_string(), Ref::from_response_name(*name).into())).collect()
}

/// The errors of a route that only reads.
pub struct ReadErrors;

impl IntoResponses for ReadErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refs(&[401, 403, 404, 405, 422, 429, 500, 503])
    }
}

/// The errors of a route that acts.
pub struct WriteErrors;

impl IntoResponses for WriteErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refs(&[401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503])
    }
}

/// The errors of a route of pushed events.
pub struct EventErrors;

impl IntoResponses for EventErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refs(&[400, 401, 405, 408, 409, 413, 500, 503])
    }
}

/// The document without the routes.
pub fn frame() -> OpenApi {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let error =
        |description: &str| ResponseBuilder::new().description(description).content(MEDIA_TYPE, problem.clone());
    let mut components = ComponentsBuilder::new()
        .schema(Problem::name(), Problem::schema())
        .security_scheme("token", bearer())
        .security_scheme("signature", signature());
    for (name, _, description) in ERRORS.iter() {
        components = components.response(*name, error(description).build());
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
