//! The REST endpoint: what the web server, PHP and Moodle each do with a request, in their order.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::Value;

use super::functions::{self, Caller};
use super::wire::params::{Decoded, decode};
use super::wire::{Exception, php_json, xml_result};
use super::{Maintenance, Moodle, Site};
use crate::faults::{FaultPoint, Kind, Target};
use crate::server::{Cut, Reply, Shared};

const REST_PATH: &str = "/webservice/rest/server.php";
/// The web server's limit on a request line, in bytes.
const URI_MAX: usize = 8 * 1024;

/// Answers one request to Moodle's host.
pub(crate) async fn serve(shared: Arc<Shared>, cut: Cut, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A body that breaks off never reaches PHP: nothing happens, and nobody listens to the answer.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Reply::error_page(400).into_response();
    };
    let mut decoded = read(&shared.world().moodle.site, &parts, &body);
    let function = decoded.fields.leaf("wsfunction").unwrap_or_default();
    let function = function.to_owned();
    shared.calls.note(&function, decoded.items);
    let plan = shared.faults.next(Target::Moodle(None), &function, FaultPoint::Request);
    if plan.kind == Some(Kind::HalfBatch) {
        decoded.fields.halve();
    }
    let effect = respond(shared, parts, body.len(), decoded);
    plan.answer(&cut, error_reply, effect).await
}

fn read(site: &Site, parts: &Parts, body: &Bytes) -> Decoded {
    let query = parts.uri.query().unwrap_or_default();
    let header = parts.headers.get("content-type");
    let content_type = header.and_then(|value| value.to_str().ok());
    let body: &[u8] = if body.len() > site.post_max || parts.method != Method::POST { &[] } else { body };
    decode(query, content_type.unwrap_or_default(), body, site.max_input_vars)
}

async fn respond(shared: Arc<Shared>, parts: Parts, size: usize, decoded: Decoded) -> Reply {
    let window = shared.world().moodle.site.race_window_ms;
    if let Some(reply) = web_server_answer(&shared.world().moodle.site, &parts, size) {
        return reply;
    }
    let seen = shared.world().moodle.row_limits();
    if window > 0 {
        tokio::time::sleep(Duration::from_millis(window)).await;
    }
    let mut world = shared.world();
    let now = world.now().as_second();
    let mut call = Pending { moodle: &mut world.moodle, decoded, now, seen };
    call.answer()
}

/// What never reaches Moodle's own code.
fn web_server_answer(site: &Site, parts: &Parts, size: usize) -> Option<Reply> {
    if parts.uri.to_string().len() > URI_MAX {
        return Some(Reply::error_page(414));
    }
    if size > site.body_max {
        return Some(Reply::error_page(413));
    }
    if parts.uri.path() != REST_PATH {
        return Some(Reply::error_page(404));
    }
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok());
    let own = site.wwwroot.split("://").nth(1).unwrap_or_default();
    let own = own.split('/').next().unwrap_or_default();
    if host.unwrap_or_default() != own || site.wwwroot.starts_with("https://") {
        let page = Reply::html(303, "<html><body>Redirect</body></html>".to_owned());
        return Some(page.with("location", &site.wwwroot));
    }
    if site.maintenance == Maintenance::Cli {
        let page = Reply::html(503, "<html><body>Maintenance</body></html>".to_owned());
        return Some(page.with("retry-after", "300"));
    }
    if !site.rest_enabled {
        return Some(Reply::new(403, "text/html", Vec::new()));
    }
    None
}

/// A decoded call and the state that it meets.
struct Pending<'a> {
    moodle: &'a mut Moodle,
    decoded: Decoded,
    now: i64,
    seen: super::RowLimits,
}

impl Pending<'_> {
    fn answer(&mut self) -> Reply {
        let json = self.take("moodlewsrestformat").as_deref() == Some("json");
        self.moodle.begin();
        let result = self.run();
        match &result {
            Err(exception) if !exception.keeps_changes => self.moodle.roll_back(),
            Ok(_) | Err(_) => self.moodle.commit(),
        }
        self.reply(&result, json)
    }

    fn run(&mut self) -> Result<Value, Exception> {
        let token = self.take("wstoken").unwrap_or_default();
        let name = self.take("wsfunction").unwrap_or_default();
        let raw = self.take("moodlewssettingraw").as_deref() == Some("1");
        for ignored in ["fileurl", "filter", "lang", "timezone"] {
            self.take(&format!("moodlewssetting{ignored}"));
        }
        let caller = Caller::authenticate(self.moodle, &token, self.now)?;
        let function = functions::admit(&caller, &name, self.now)?;
        if self.decoded.broken_utf8 {
            return Err(Exception::parameter("Invalid UTF-8"));
        }
        let rules = self.moodle.rules();
        let args = super::wire::validate(&self.decoded.fields, function.params, rules)?;
        let own = self.moodle.row_limits();
        let mut call = functions::Call { moodle: self.moodle, caller, now: self.now, raw, seen: self.seen, own };
        (function.run)(&mut call, args)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.decoded.fields.take(name)
    }

    fn reply(&self, result: &Result<Value, Exception>, json: bool) -> Reply {
        let site = &self.moodle.site;
        let debugging = site.debug >= 15;
        if let Err(exception) = result {
            if exception.empty_while_debugging && site.debug >= 5 {
                return Reply::html(500, String::new());
            }
            if self.decoded.broken_utf8 && debugging {
                return finished(site, json, Vec::new());
            }
        }
        let body = match (result, json) {
            (Ok(value), true) => php_json(value),
            (Ok(value), false) => xml_result(value),
            (Err(exception), true) => php_json(&exception.envelope(site)),
            (Err(exception), false) => exception.xml(site),
        };
        finished(site, json, body)
    }
}

fn finished(site: &Site, json: bool, body: Vec<u8>) -> Reply {
    let content_type = if json { "application/json" } else { "application/xml; charset=utf-8" };
    let mut whole = site.output_prefix.clone();
    whole.extend(body);
    let caching = "private, must-revalidate, pre-check=0, post-check=0, max-age=0";
    Reply::new(200, content_type, whole).with("cache-control", caching).with("access-control-allow-origin", "*")
}

/// An armed exception in Moodle's envelope.
fn error_reply(errorcode: &str) -> Reply {
    let class = match errorcode {
        "dmlwriteexception" => "dml_write_exception",
        "invalidparameter" => "invalid_parameter_exception",
        _ => "moodle_exception",
    };
    let message = format!("Armed fault: {errorcode}");
    let envelope = serde_json::json!({
        "exception": class, "errorcode": errorcode, "message": message,
    });
    Reply::json(200, php_json(&envelope))
}
