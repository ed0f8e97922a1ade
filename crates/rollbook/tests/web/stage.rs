//! A small world, a journal in which every link has run once, and a process that carries out what pages ask for.

use jiff::{SignedDuration, Timestamp};
use rollbook_clock::{Clock, ManualClock};
use rollbook_core::model::LinkName;
use rollbook_journal::requests::{Job, Narrow, Purpose, Request, RequestId};
use rollbook_journal::{Journal, OpenOptions};
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, ELM_TOKEN, FeedRow, MOODLE_TOKEN, Sandbox, World, world};
use rollbook_settings::{Env, Settings};
use rollbook_sync::scheduler::{Node, deliver, work_once};
use rollbook_web::WebState;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub const JANE: &str = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A101";
pub const ANN: &str = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A102";
pub const MAX: &str = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A103";
pub const EVE: &str = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A104";
pub const SAM: &str = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A105";
pub const BOB: &str = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A106";
pub const COURSE: i64 = 930_001;
/// No course of Moodle has this number.
pub const NO_COURSE: i64 = 939_999;
/// What somebody wrote into their name.
pub const HTML: &str = "<script>alert(1)</script>";
pub const FORMULA: &str = "=HYPERLINK(\"https://evil.example\")";

pub struct Stage {
    pub sandbox: Option<Sandbox>,
    pub journal: Journal,
    pub hand: ManualClock,
    pub node: Node,
    pub state: WebState,
    _folder: tempfile::TempDir,
}

pub fn start() -> Timestamp {
    "2026-11-23T18:00:00Z".parse().unwrap()
}

impl Stage {
    /// Journal and pages, and nothing behind them.
    pub async fn bare() -> Self {
        Self::over(None, "").await
    }

    /// The same, with more lines under `[server]`.
    pub async fn with_server(more: &str) -> Self {
        Self::over(None, more).await
    }

    /// A small school, over which every link has run once.
    pub async fn small() -> Self {
        let sandbox = Sandbox::start(school()).await.unwrap();
        let stage = Self::over(Some(sandbox), "").await;
        for link in ["guilds", "demo", "done"] {
            stage.run(link).await;
        }
        stage.hand.advance(std::time::Duration::from_secs(90));
        stage
    }

    async fn over(sandbox: Option<Sandbox>, server: &str) -> Self {
        Self::with_sentinel(sandbox, server, "ann").await
    }

    /// Over any world; `sentinel` is somebody of its community.
    pub async fn with_sentinel(sandbox: Option<Sandbox>, server: &str, sentinel: &str) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollbook.toml");
        std::fs::write(&path, config(sandbox.as_ref(), server, sentinel)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (settings, _) = Settings::load(&path, &Env::of([])).unwrap();
        let journal_file = folder.path().join("rollbook.sqlite");
        let journal = Journal::open(journal_file.to_str().unwrap(), &OpenOptions::default()).await.unwrap();
        let (clock, hand) = Clock::manual(start());
        let (settings, wake) = (Arc::new(settings), Arc::new(Notify::new()));
        let mut node = Node::new(settings.clone(), journal.clone(), clock.clone(), "127.0.0.1:8350", wake.clone());
        node.name = "node-1".to_owned();
        let state = WebState::new(settings, journal.clone(), clock, wake);
        Self { sandbox, journal, hand, node, state, _folder: folder }
    }

    pub fn now(&self) -> Timestamp {
        self.state.clock.now()
    }

    pub fn world(&self) -> rollbook_sandbox::WorldGuard<'_> {
        self.sandbox.as_ref().unwrap().world()
    }

    /// Runs a link as the schedule does.
    pub async fn run(&self, link: &str) -> Request {
        let ask = Job::RunLink { link: LinkName::new(link), purpose: Purpose::Apply, narrow: Narrow::Usual };
        let id = self.journal.requests().put(&ask, "schedule", self.now()).await.unwrap();
        self.work().await;
        self.journal.requests().find(id).await.unwrap().unwrap()
    }

    /// Carries out everything that was asked for.
    pub async fn work(&self) {
        let stop = CancellationToken::new();
        while work_once(&self.node, &stop).await.unwrap() {}
        deliver(&self.node, &stop).await;
    }

    /// The request whose page an act sent one to.
    pub async fn request(&self, path: &str) -> Request {
        let id: i64 = path.rsplit(['/', '=']).next().unwrap().parse().unwrap();
        self.journal.requests().find(RequestId(id)).await.unwrap().unwrap()
    }
}

fn ago(minutes: i64) -> Timestamp {
    start() - SignedDuration::from_mins(minutes)
}

/// Two courses, a handful of people, and one trouble of each kind.
pub fn school() -> World {
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
    let jane = world.moodle.add_user(JANE, "jane.doe@example.org", "Jane", "Doe");
    world.moodle.enrol(jane, course);
    world.moodle.add_user(MAX, "max.old@example.org", "Max", "Mustermann");
    world.moodle.add_user("", "sam.changed@example.org", "Sam", "Changed");
    let rows = [
        FeedRow::enrol(JANE, "jane.doe@example.org", COURSE, ago(60)).named("Jane", "Doe"),
        FeedRow::enrol(ANN, "ann.new@example.org", 930_002, ago(50)).named("Ann", "New"),
        FeedRow::enrol(MAX, "max.new@example.org", COURSE, ago(40)).named("Max", "Mustermann"),
        FeedRow::enrol(EVE, "eve@example.org", NO_COURSE, ago(30)).named("Eve", "Early"),
        FeedRow::enrol(SAM, "sam.changed@example.org", COURSE, ago(20)).named("Sam", "Changed"),
        FeedRow::enrol(SAM, "sam.changed@example.org", 930_002, ago(19)).named("Sam", "Changed"),
        FeedRow::enrol(BOB, "bob@example.org", COURSE, ago(10)).named(FORMULA, HTML),
    ];
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

fn config(sandbox: Option<&Sandbox>, server: &str, sentinel: &str) -> String {
    let url = |url: fn(&Sandbox) -> String| sandbox.map_or_else(|| "http://127.0.0.1:9".to_owned(), url);
    let smtp = sandbox.map_or_else(|| "smtp://127.0.0.1:9".to_owned(), Sandbox::smtp_url);
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
[site.learning]
kind = "moodle"
url = "{moodle}"
token = "{MOODLE_TOKEN}"
# What a run does comes in one order.
concurrency = 1
[site.avc]
kind = "community"
url = "{community}"
sentinel = "{sentinel}"
[site.avc.auth]
kind = "basic"
user = "{COMMUNITY_USER}"
password = "{COMMUNITY_PASSWORD}"
[link.guilds]
flow = "guilds"
from = "avc"
to = "learning"
machine_name_field = "field_machine_name"
[link.guilds.limits]
approval = "90m"
[link.demo]
flow = "intake"
from = "elm"
to = "learning"
[link.demo.welcome]
mode = "rollbook"
signature = "The Learning Centre"
[link.done]
flow = "completions"
from = "learning"
to = "elm"
report_from = "2026-01-01"
"#,
        feed = url(Sandbox::feed_url),
        completion = url(Sandbox::completion_url),
        moodle = url(Sandbox::moodle_url),
        community = url(Sandbox::community_url),
    )
}
