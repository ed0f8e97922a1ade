//! A pushed event: believed with the right signature alone, and taken once.
//!
//! The input is the body; for what is not believed, its first two lines are the headers as well.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request};
use axum::routing::post;
use jiff::Timestamp;
use rollbook_clock::Clock;
use rollbook_core::model::LinkName;
use rollbook_journal::{Journal, OpenOptions};
use rollbook_settings::link::Push;
use rollbook_web::events::completion::{BYTES_MAX, CompletionEvents, PATH, receive_completion, sign};
use rollbook_web::events::signature::{SIGNATURE, TIMESTAMP};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tower_service::Service as _;

const KEY: &[u8] = b"a secret of some length";
const NOW: i64 = 1_795_425_260;

struct Stage {
    runtime: Runtime,
    router: Router,
    _folder: TempDir,
}

static STAGE: LazyLock<Mutex<Stage>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite").display().to_string();
    let journal = runtime.block_on(Journal::open(&path, &OpenOptions::default())).unwrap();
    let (clock, _) = Clock::manual(Timestamp::from_second(NOW).unwrap());
    let secret = String::from_utf8_lossy(KEY).into_owned().into();
    let links = vec![(LinkName::new("done"), Push { secret, window: Duration::from_secs(300) })];
    let gate = Arc::new(CompletionEvents::of(links, journal, clock, Arc::new(Notify::new())));
    let router = Router::new().route(PATH, post(receive_completion)).with_state(gate);
    Mutex::new(Stage { runtime, router, _folder: folder })
});

pub fn check(input: &[u8]) {
    let mut stage = STAGE.lock().unwrap();
    let refused = if input.len() > BYTES_MAX { 413 } else { 401 };
    let other = sign(KEY, NOW, &[input, b" "].concat()).map(|(_, value)| value);
    assert_eq!(stage.post(&other[0], &other[1], input), refused, "another body's signature was believed");
    let text = String::from_utf8_lossy(input);
    let mut lines = text.lines();
    let (time, signature) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    assert_eq!(stage.post(time, signature, input), refused, "an event without a signature was believed");
    let [(_, time), (_, signature)] = sign(KEY, NOW, input);
    let first = stage.post(&time, &signature, input);
    let expected: &[u16] = if input.len() > BYTES_MAX { &[413] } else { &[202, 400, 409] };
    assert!(expected.contains(&first), "{first}");
    let again = stage.post(&time, &signature, input);
    assert!(if first == 202 { again == 409 } else { again == first }, "first {first}, then {again}");
}

impl Stage {
    fn post(&mut self, time: &str, signature: &str, body: &[u8]) -> u16 {
        let mut request = Request::post(PATH).body(Body::from(body.to_vec())).unwrap();
        for (name, value) in [(TIMESTAMP, time), (SIGNATURE, signature)] {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                request.headers_mut().insert(name, value);
            }
        }
        let answer = self.runtime.block_on(self.router.call(request));
        answer.unwrap().status().as_u16()
    }
}
