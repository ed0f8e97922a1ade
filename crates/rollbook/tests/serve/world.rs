//! A made-up world, a configuration over it, a journal, and the processes that serve it.
//!
//! Where only a [`Node`] of the test's own process is looked at, world and node stand at a moment that the test moves
//! ([`at_rest`], [`Scene::node`]). Where a real process serves, all of them are in the machine's time: it has no other.

pub use rollbook_harness::{Process, until};

use jiff::Timestamp;
use rollbook_clock::{Clock, ManualClock};
use rollbook_core::model::LinkName;
use rollbook_harness::databases::Schema;
use rollbook_harness::{Config, JOURNAL};
use rollbook_journal::requests::{Job, Narrow, Purpose, Request, RequestFilter, RequestId};
use rollbook_journal::{Journal, OpenOptions};
use rollbook_sandbox::{Sandbox, World, demo};
use rollbook_settings::{Env, Settings};
use rollbook_sync::scheduler::{Node, work_once};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub struct Scene {
    pub sandbox: Sandbox,
    pub folder: tempfile::TempDir,
    pub journal: Journal,
    schema: Option<Schema>,
}

pub fn link(name: &str) -> LinkName {
    LinkName::new(name)
}

/// A Monday morning in Vancouver.
pub fn monday() -> Timestamp {
    "2026-11-23T09:00:00-08:00".parse().unwrap()
}

/// A world whose clock stands on [`monday`].
pub fn at_rest(mut world: World) -> World {
    world.clock = rollbook_sandbox::world::Clock::Fixed(monday());
    world
}

pub fn run_now(name: &str) -> Job {
    Job::RunLink { link: link(name), purpose: Purpose::Apply, narrow: Narrow::Usual }
}

impl Scene {
    /// Over a SQLite file.
    pub async fn sqlite(world: World, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = folder.path().join(JOURNAL).display().to_string();
        Self::with(world, more, folder, address, None).await
    }

    /// Over a schema of its own on a real PostgreSQL.
    pub async fn postgres(world: World, more: &str) -> Self {
        let schema = Schema::new().await;
        Self::with(world, more, tempfile::tempdir().unwrap(), schema.url(), Some(schema)).await
    }

    async fn with(
        world: World,
        more: &str,
        folder: tempfile::TempDir,
        address: String,
        schema: Option<Schema>,
    ) -> Self {
        let sandbox = Sandbox::start(world).await.unwrap();
        let url = if schema.is_some() { address.clone() } else { format!("sqlite:{address}") };
        config(&sandbox, &url, more).write(folder.path());
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
        Process::serve(env!("CARGO_BIN_EXE_rollbook"), self.folder.path(), name, &["--no-pages"])
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
            schema.drop().await;
        }
    }
}

/// `more` is TOML that may begin in the middle of the completions link.
fn config(sandbox: &Sandbox, journal: &str, more: &str) -> Config {
    let all = Config::over(sandbox).intake("psa").guilds("guilds").completions("done");
    let all = all.with(&format!(
        r#"
        journal.url = "{journal}"
        site.avc.sentinel = "{member}"
        link.psa.protected = ["{protected}"]
        link.guilds.machine_name_field = "field_machine_name"
        "#,
        member = demo::guilds::LOUD,
        protected = demo::cases::ADMINISTRATOR.guid,
    ));
    all.with(&format!("[link.done]\n{more}"))
}
