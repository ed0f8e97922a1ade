//! A made-up world, a configuration over it, a journal, and the processes that serve it.

use jiff::Timestamp;
use rollbook_clock::{Clock, ManualClock};
use rollbook_core::model::LinkName;
use rollbook_journal::requests::{Job, Narrow, Purpose, Request, RequestFilter, RequestId};
use rollbook_journal::{Journal, OpenOptions};
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, ELM_TOKEN, MOODLE_TOKEN, Sandbox, World, demo};
use rollbook_settings::{Env, Settings};
use rollbook_sync::scheduler::{Node, work_once};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::borrow::Cow;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// No wait in these tests may last longer.
pub const WAIT_MAX: Duration = Duration::from_secs(300);

pub struct Scene {
    pub sandbox: Sandbox,
    pub folder: tempfile::TempDir,
    pub journal: Journal,
    schema: Option<String>,
}

pub fn link(name: &str) -> LinkName {
    LinkName::new(name)
}

pub fn run_now(name: &str) -> Job {
    Job::RunLink { link: link(name), purpose: Purpose::Apply, narrow: Narrow::Usual }
}

impl Scene {
    /// Over a SQLite file.
    pub async fn sqlite(world: World, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = folder.path().join("rollbook.sqlite").display().to_string();
        Self::with(world, more, folder, address, None).await
    }

    /// Over a schema of its own on a real PostgreSQL.
    pub async fn postgres(world: World, more: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let schema = format!("serve{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        pg(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await;
        let url = pg_url();
        let mark = if url.contains('?') { '&' } else { '?' };
        let address = format!("{url}{mark}options[search_path]={schema}");
        Self::with(world, more, tempfile::tempdir().unwrap(), address, Some(schema)).await
    }

    async fn with(
        world: World,
        more: &str,
        folder: tempfile::TempDir,
        address: String,
        schema: Option<String>,
    ) -> Self {
        let sandbox = Sandbox::start(world).await.unwrap();
        let url = if address.starts_with("postgres") { address.clone() } else { format!("sqlite:{address}") };
        let path = folder.path().join("rollbook.toml");
        std::fs::write(&path, config(&sandbox, &url, more)).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let journal = Journal::open(&address, &OpenOptions::default()).await.unwrap();
        Self { sandbox, folder, journal, schema }
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("rollbook.toml")
    }

    pub fn settings(&self) -> Arc<Settings> {
        Arc::new(Settings::load(&self.config(), &Env::of([])).unwrap().0)
    }

    /// A node of this very process, whose clock stands until it is moved.
    pub fn node(&self, now: Timestamp) -> (Node, ManualClock) {
        let (clock, hand) = Clock::manual(now);
        (Node::new(self.settings(), self.journal.clone(), clock, "nowhere", Arc::new(Notify::new())), hand)
    }

    /// A node of this process in the machine's time.
    pub fn node_now(&self) -> Node {
        Node::new(self.settings(), self.journal.clone(), Clock::system(), "nowhere", Arc::new(Notify::new()))
    }

    /// Puts a request and lets a worker of `node` carry it out.
    pub async fn ask(&self, node: &Node, ask: &Job) -> Request {
        let id = self.journal.requests().put(ask, "jo", node.clock.now()).await.unwrap();
        while work_once(node, &CancellationToken::new()).await.unwrap() {}
        self.journal.requests().find(id).await.unwrap().unwrap()
    }

    /// A serving process.
    pub fn start(&self, name: &str) -> Process {
        let log = std::fs::File::create(self.folder.path().join(format!("{name}.log"))).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_rollbook"))
            .args(["serve", "--no-pages", "--config"])
            .arg(self.config())
            .current_dir(self.folder.path())
            .env_clear()
            .env("ROLLBOOK_SERVER_NODE", name)
            .env("ROLLBOOK_LOG", "warn,rollbook=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Process { name: name.to_owned(), child }
    }

    /// What a process said.
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap_or_default()
    }

    pub async fn all_requests(&self) -> Vec<Request> {
        self.journal.requests().list(&RequestFilter::default(), 10_000).await.unwrap()
    }

    /// Waits until these requests have their answers.
    pub async fn finished(&self, ids: &[RequestId]) {
        until("the requests are answered", || async {
            for id in ids {
                if !self.journal.requests().find(*id).await.unwrap().unwrap().state.is_finished() {
                    return false;
                }
            }
            true
        })
        .await;
    }

    pub async fn end(self) {
        self.journal.close().await;
        self.sandbox.stop().await;
        if let Some(schema) = self.schema {
            drop_schema(&schema).await;
        }
    }
}

/// A process that was killed may have left a statement behind, which the server ends in its own time: against it the drop can
/// lose a deadlock.
async fn drop_schema(schema: &str) {
    for _ in 0..10 {
        let mut connection = PgConnection::connect(&pg_url()).await.unwrap();
        let drop = AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"));
        match sqlx::raw_sql(drop).execute(&mut connection).await {
            Ok(_) => return,
            Err(error) => {
                let code = error.as_database_error().and_then(|error| error.code().map(Cow::into_owned));
                assert_eq!(code.as_deref(), Some("40P01"), "{error}");
            }
        }
    }
    panic!("the schema {schema} cannot be dropped");
}

/// A serving process; killed when it is dropped.
pub struct Process {
    pub name: String,
    pub child: Child,
}

impl Process {
    /// Without a word of farewell.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As systemd asks it to stop.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Sends it a signal, by its short name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> i32 {
        let clock = Clock::system();
        let timer = clock.timer();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(timer.elapsed() < WAIT_MAX, "{} does not end", self.name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until it is so.
pub async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let clock = Clock::system();
    let timer = clock.timer();
    while !is_so().await {
        assert!(timer.elapsed() < WAIT_MAX, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "only a test: the product reads the environment in config")]
fn pg_url() -> String {
    std::env::var("ROLLBOOK_TEST_PG")
        .expect("ROLLBOOK_TEST_PG names no PostgreSQL: run the suite with ./dev test, which starts one")
}

async fn pg(sql: &str) {
    let mut connection = PgConnection::connect(&pg_url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

fn config(sandbox: &Sandbox, journal: &str, more: &str) -> String {
    format!(
        r#"timezone = "America/Vancouver"

[journal]
url = "{journal}"

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

[site.avc]
kind = "community"
url = "{community}"
sentinel = "{member}"

[site.avc.auth]
kind = "basic"
user = "{COMMUNITY_USER}"
password = "{COMMUNITY_PASSWORD}"

[link.psa]
flow = "intake"
from = "elm"
to = "learning"
protected = ["{protected}"]

[link.psa.welcome]
mode = "rollbook"

[link.guilds]
flow = "guilds"
from = "avc"
to = "learning"
machine_name_field = "field_machine_name"

[link.done]
flow = "completions"
from = "learning"
to = "elm"

{more}
"#,
        smtp = sandbox.smtp_url(),
        feed = sandbox.feed_url(),
        completion = sandbox.completion_url(),
        moodle = sandbox.moodle_url(),
        community = sandbox.community_url(),
        member = demo::guilds::LOUD,
        protected = demo::cases::ADMINISTRATOR.guid,
    )
}
