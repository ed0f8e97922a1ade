//! The endpoint that receives completions: strict about fields, generous about duplicates.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::dialect::{Page, answer};
use super::feed::wants_json;
use super::query::Query;
use super::{Elm, bad, error};
use crate::server::{HttpRequest, Reply};

/// A completion that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Number of the stored entity.
    pub id: i64,
    /// The body as posted.
    pub body: Value,
    /// The header `Idempotency-Key`, if there was one. This server only notes it.
    pub idempotency_key: Option<String>,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// How the endpoint answers a report that it could read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// 201 with the stored entity; 404 for an enrolment that is not known.
    Entity,
    /// 204 without a body; 404 as above.
    Nothing,
    /// 200 with `{"status": …, "recordsProcessed": …}`, also when nothing was stored.
    Status,
    /// 200 with a list of one `{"status": …}`, also when nothing was stored.
    StatusList,
}

const INTEGERS: [&str; 2] = ["ENROLMENT_ID", "COURSE_IDENTIFIER"];
const DATES: [&str; 2] = ["COURSE_COMPLETE_DATE", "USER_EFFECTIVE_DATE"];
const TEXTS: [&str; 7] = ["COURSE_STATE", "USER_STATE", "COURSE_SHORTNAME", "EMAIL", "GUID", "FIRST_NAME", "LAST_NAME"];
const REQUIRED: [&str; 5] = ["ENROLMENT_ID", "COURSE_IDENTIFIER", "COURSE_COMPLETE_DATE", "COURSE_STATE", "GUID"];

pub(super) fn accept(elm: &mut Elm, request: &HttpRequest, now: Timestamp) -> Result<Reply, Reply> {
    let content_type = request.header("content-type").unwrap_or_default();
    if !content_type.starts_with("application/json") {
        return Err(error(415, "UnsupportedMediaType", "Send application/json"));
    }
    let body: Value =
        serde_json::from_slice(&request.body).map_err(|broken| bad(format!("The body is not JSON: {broken}")))?;
    let fields = body.as_object().ok_or_else(|| bad("The body is not an object"))?;
    check(fields)?;
    if let Some(closed) = fields["ENROLMENT_ID"].as_i64().filter(|id| elm.closed.contains(id)) {
        return Err(error(422, "EnrolmentClosed", &format!("Enrolment {closed} is closed")));
    }
    let enrolment = fields["ENROLMENT_ID"].as_i64().unwrap_or_default();
    if elm.unregistered.contains(&enrolment) {
        return Ok(unknown(elm.receipt, enrolment));
    }
    if elm.completions_unique && !elm.completions_of(enrolment).is_empty() {
        return Err(error(409, "409", "A completion of this enrolment exists already"));
    }
    let id = elm.completions.len() as i64 + 1;
    let stored = entity(id, &body);
    elm.completions.push(Received {
        id,
        body,
        idempotency_key: request.header("idempotency-key").map(str::to_owned),
        received_at: now,
    });
    let reply = |status, body: Value| Reply::json(status, body.to_string().into_bytes());
    Ok(match elm.receipt {
        Receipt::Entity => reply(201, stored),
        Receipt::Nothing => Reply::json(204, Vec::new()),
        Receipt::Status => reply(200, json!({"status": "SUCCESS", "message": "", "recordsProcessed": 1})),
        Receipt::StatusList => reply(200, json!([{"status": "SUCCESS", "enrolmentId": enrolment}])),
    })
}

/// Some systems say it by the HTTP status, some only inside the body.
fn unknown(receipt: Receipt, enrolment: i64) -> Reply {
    let body = match receipt {
        Receipt::Entity | Receipt::Nothing => {
            return error(404, "NotFound", &format!("Enrolment {enrolment} does not exist"));
        }
        Receipt::Status => {
            let message = format!("Learner is not registered for enrolment {enrolment}");
            json!({"status": "ERROR", "message": message, "recordsProcessed": 0})
        }
        Receipt::StatusList => json!([{"status": "FAILED", "errorMessage": "unknown enrolment"}]),
    };
    Reply::json(200, body.to_string().into_bytes())
}

fn check(fields: &Map<String, Value>) -> Result<(), Reply> {
    for (name, value) in fields {
        let name = name.as_str();
        let fits = if INTEGERS.contains(&name) {
            value.is_i64()
        } else if DATES.contains(&name) {
            value.as_str().is_some_and(|text| text.parse::<Date>().is_ok() && text.len() == 10)
        } else if TEXTS.contains(&name) {
            value.is_string()
        } else {
            let message = format!("The property '{name}' does not exist on type 'Completion'");
            return Err(error(400, "UnknownProperty", &message));
        };
        if !fits {
            return Err(bad(format!("Cannot convert the value of '{name}'")));
        }
    }
    match REQUIRED.iter().find(|name| !fields.contains_key(**name)) {
        Some(missing) => Err(bad(format!("The property '{missing}' is required"))),
        None => Ok(()),
    }
}

/// The stored entity is what was posted, with the server's own number.
fn entity(id: i64, body: &Value) -> Value {
    let mut stored = body.clone();
    stored["COMPLETION_ID"] = json!(id);
    stored
}

pub(super) fn look_up(elm: &Elm, request: &HttpRequest) -> Result<Reply, Reply> {
    let query = Query::read(elm, request)?;
    let all = elm.completions.iter();
    let stored: Vec<Value> = all.map(|received| entity(received.id, &received.body)).collect();
    let rows: Vec<Value> = query.select(elm, &stored).into_iter().cloned().collect();
    let count = query.count.then_some(rows.len() as i64);
    let host = request.header("host").unwrap_or_default().to_owned();
    let page = Page { collection: "Completions", rows, count, next: None, host };
    Ok(answer(elm, page, wants_json(elm, request, &query)))
}
