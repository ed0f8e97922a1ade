//! A small school, a journal in which every link has run, and a process that carries out what programs ask for.

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use rollbook_clock::{Clock, ManualClock};
use rollbook_core::model::LinkName;
use rollbook_journal::requests::{Job, Narrow, Purpose, RequestId};
use rollbook_journal::{Journal, NewToken, OpenOptions};
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, ELM_TOKEN, FeedRow, MOODLE_TOKEN, Sandbox, World, world};
use rollbook_settings::{Env, Settings};
use rollbook_sync::scheduler::{Node, deliver, work_once};
use rollbook_web::auth::{hash_secret, make_secret};
use rollbook_web::{WebState, router};
use serde_json::Value;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

pub const JANE: &str = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A101";
pub const SAM: &str = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A105";
pub const COURSE: i64 = 930_001;
/// No course of Moodle has this number.
pub const NO_COURSE: i64 = 939_999;
pub const SECRET: &str = "a secret of some length";
/// Every scope of a token.
pub const SCOPES: [&str; 7] = ["read", "status", "run", "resolve", "approve", "report", "metrics"];

pub struct Stage {
    pub sandbox: Sandbox,
    pub journal: Journal,
    pub hand: ManualClock,
    pub node: Node,
    pub state: WebState,
    pub folder: tempfile::TempDir,
}

/// An answer, its body read.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}: {}", self.status, self.text))
    }

    pub fn kind(&self) -> &str {
        self.headers.get("content-type").map_or("", |kind| kind.to_str().unwrap())
    }

    /// That it is a problem of this status, as RFC 9457 has it.
    pub fn problem(&self, status: u16) -> String {
        assert_eq!((self.status.as_u16(), self.kind()), (status, "application/problem+json"), "{}", self.text);
        let body = self.json();
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], "about:blank");
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{body}");
        body["detail"].as_str().unwrap().to_owned()
    }
}

pub fn start() -> Timestamp {
    "2026-11-23T18:00:00Z".parse().unwrap()
}

impl Stage {
    /// Every link has run once.
    pub async fn small() -> Self {
        let stage = Self::quiet("learning", "").await;
        for link in ["guilds", "demo", "done"] {
            stage.run(link).await;
        }
        stage.hand.advance(Duration::from_secs(90));
        stage
    }

    /// Nothing has run; with more lines under `[server]`.
    pub async fn quiet(moodle: &str, server: &str) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let sandbox = Sandbox::start(school()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollbook.toml");
        std::fs::write(&path, config(&sandbox, moodle, server)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (settings, _) = Settings::load(&path, &Env::of([])).unwrap();
        let journal_file = folder.path().join("rollbook.sqlite");
        let journal = Journal::open(journal_file.to_str().unwrap(), &OpenOptions::default()).await.unwrap();
        let (clock, hand) = Clock::manual(start());
        let (settings, wake) = (Arc::new(settings), Arc::new(Notify::new()));
        let node = Node::new(settings.clone(), journal.clone(), clock.clone(), "127.0.0.1:8350", wake.clone());
        let state = WebState::new(settings, journal.clone(), clock, wake);
        Self { sandbox, journal, hand, node, state, folder }
    }

    pub fn now(&self) -> Timestamp {
        self.state.clock.now()
    }

    /// Runs a link as the schedule does.
    pub async fn run(&self, link: &str) {
        let ask = Job::RunLink { link: LinkName::new(link), purpose: Purpose::Apply, narrow: Narrow::Usual };
        self.journal.requests().put(&ask, "schedule", self.now()).await.unwrap();
        self.work().await;
    }

    /// Carries out everything that was asked for.
    pub async fn work(&self) {
        let stop = CancellationToken::new();
        while work_once(&self.node, &stop).await.unwrap() {}
        deliver(&self.node, &stop).await;
    }

    /// Takes so many people out of the guild: the next run of the guilds is refused.
    pub async fn lose_members(&self) {
        {
            let mut world = self.sandbox.world();
            let mut left = 4;
            world.community.memberships.retain(|_, _| {
                left -= 1;
                left < 0
            });
        }
        self.run("guilds").await;
    }

    /// A token for an hour, with these scopes; gives what a program would send.
    pub async fn token(&self, name: &str, scope: &str) -> String {
        let secret = format!("rbk_{}", make_secret());
        let expires = self.now() + SignedDuration::from_hours(1);
        let token = NewToken { name, hash: &hash_secret(&secret), scope, expires };
        self.journal.tokens().add(&token, "robin", self.now()).await.unwrap();
        secret
    }

    /// A token that may do everything.
    pub async fn master(&self) -> String {
        self.token("master", &SCOPES.join(" ")).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(request("GET", path, token, None)).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.send(request("POST", path, token, Some(body.to_string()))).await
    }

    /// Asks as somebody on this machine.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request.headers_mut().entry("host").or_insert(axum::http::HeaderValue::from_static("127.0.0.1:8350"));
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000))));
        }
        let answer = router(self.state.clone()).call(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let text = String::from_utf8(to_bytes(body, 10_000_000).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Carries out what an act asked for; gives the request as the API tells it.
    pub async fn outcome(&self, accepted: &Answer, token: &str) -> Value {
        assert_eq!(accepted.status, 202, "{}", accepted.text);
        let look = accepted.json()["look"].as_str().unwrap().to_owned();
        assert_eq!(accepted.headers["location"], look.as_str());
        self.work().await;
        let told = self.get(&look, token).await;
        assert_eq!(told.status, 200, "{}", told.text);
        told.json()
    }

    pub async fn asked_by(&self, accepted: &Answer) -> String {
        let id = RequestId(accepted.json()["request"].as_i64().unwrap());
        self.journal.requests().find(id).await.unwrap().unwrap().asked_by
    }
}

/// A request as a program sends it; without a token where that is empty.
pub fn request(method: &str, path: &str, token: &str, body: Option<String>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    match body {
        Some(body) => request.header("content-type", "application/json").body(Body::from(body)).unwrap(),
        None => request.body(Body::empty()).unwrap(),
    }
}

fn ago(minutes: i64) -> Timestamp {
    start() - SignedDuration::from_mins(minutes)
}

/// Two courses, a handful of people and one guild.
fn school() -> World {
    let mut world = World::empty();
    world.clock = world::Clock::Fixed(start());
    for function in [
        "core_cohort_update_cohorts",
        "core_cohort_delete_cohorts",
        "core_cohort_search_cohorts",
        "core_user_update_users",
    ] {
        world.moodle.list_function(MOODLE_TOKEN, function);
    }
    world.moodle.grant(MOODLE_TOKEN, "moodle/user:update");
    let course = world.moodle.add_course(&COURSE.to_string(), "Fire safety");
    world.moodle.courses.edit(course, |course| {
        course.opt_in = Some(true);
        course.has_criteria = true;
        course.self_completion = true;
    });
    world.moodle.add_course("930002", "Data basics");
    world.moodle.add_user(JANE, "jane.doe@example.org", "Jane", "Doe");
    world.moodle.add_user("", "sam.changed@example.org", "Sam", "Changed");
    let person = |number: i64| format!("A1A1A1A1A1A1A1A1A1A1A1A1A1A1A{number:03}");
    let mut rows = vec![
        FeedRow::enrol(JANE, "jane.doe@example.org", COURSE, ago(60)).named("Jane", "Doe"),
        FeedRow::enrol(&person(104), "eve@example.org", NO_COURSE, ago(30)).named("Eve", "Early"),
        FeedRow::enrol(SAM, "sam.changed@example.org", COURSE, ago(20)).named("Sam", "Changed"),
        FeedRow::enrol(SAM, "sam.changed@example.org", 930_002, ago(19)).named("Sam", "Changed"),
    ];
    rows.extend((201..206).map(|number| {
        FeedRow::enrol(&person(number), &format!("p{number}@example.org"), COURSE, ago(number - 150)).named("P", "Q")
    }));
    for (number, row) in (700_001..).zip(rows) {
        world.elm.push(row.numbered(number));
    }
    let guild = world.community.add_group("Data guild");
    for name in ["ann", "ben", "cem", "dee", "eli", "fay", "gus", "hal"] {
        let mail = format!("{name}.guild@example.org");
        let id = world.moodle.add_user("", &mail, name, "Person");
        world.moodle.users.edit(id, |user| user.username = name.to_owned());
        let uid = world.community.add_account(name, Some(&mail));
        world.community.join(guild, uid, &[]);
    }
    world
}

fn config(sandbox: &Sandbox, learning: &str, server: &str) -> String {
    format!(
        r#"timezone = "America/Vancouver"
[journal]
url = "sqlite:rollbook.sqlite"
[server]
{server}
[mail]
smtp = "{smtp}"
from = "Learning Centre <learning@example.org>"
[site.elm]
kind = "elm"
feed_url = "{feed}"
token = "{ELM_TOKEN}"
[site.elm.completion]
url = "{completion}"
[site.{learning}]
kind = "moodle"
url = "{moodle}"
token = "{MOODLE_TOKEN}"
[site.avc]
kind = "community"
url = "{community}"
sentinel = "hal"
[site.avc.auth]
kind = "basic"
user = "{COMMUNITY_USER}"
password = "{COMMUNITY_PASSWORD}"
[link.guilds]
flow = "guilds"
from = "avc"
to = "{learning}"
machine_name_field = "field_machine_name"
push = {{ secret = "{SECRET}" }}
[link.demo]
flow = "intake"
from = "elm"
to = "{learning}"
[link.demo.welcome]
mode = "rollbook"
signature = "The Learning Centre"
[link.done]
flow = "completions"
from = "{learning}"
to = "elm"
report_from = "2026-01-01"
push = {{ secret = "{SECRET}" }}
"#,
        smtp = sandbox.smtp_url(),
        feed = sandbox.feed_url(),
        completion = sandbox.completion_url(),
        moodle = sandbox.moodle_url(),
        community = sandbox.community_url(),
    )
}
