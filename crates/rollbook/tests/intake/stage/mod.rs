//! One site of each kind, a journal and a clock: what a test runs intake with.

mod look;
mod school;

pub use look::Picture;
pub use school::{FIRST, LARGE, NOW, SMALL, ago, empty_school, enrol, mail, school, suspend};

use jiff::SignedDuration;
use rollbook_clock::{Clock, ManualClock};
use rollbook_core::model::LinkName;
use rollbook_elm::client::{FeedClient, FeedOptions};
use rollbook_harness::{Config, JOURNAL, QUICK};
use rollbook_journal::{Journal, OpenOptions};
use rollbook_moodle::client::{MoodleClient, MoodleOptions};
use rollbook_sandbox::{ELM_TOKEN, MOODLE_TOKEN, Sandbox, World};
use rollbook_settings::{Env, Settings};
use rollbook_sync::flows::deliver::{MailDelivery, deliver_mails};
use rollbook_sync::flows::intake::{
    IntakeError, IntakeFlow, IntakeQuery, IntakeReport, IntakeRequest, Purpose, run_intake,
};
use rollbook_sync::flows::setup;
use rollbook_sync::smtp::{SmtpClient, SmtpOptions};
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A journal in which something still waits after so many runs will never be done.
const ROUNDS_MAX: usize = 8;
pub struct Stage {
    pub sandbox: Sandbox,
    pub folder: tempfile::TempDir,
    pub journal: Journal,
    pub clock: Clock,
    pub hand: ManualClock,
    pub stop: CancellationToken,
    /// Of each client; short where a fault is silence.
    pub timeout: Duration,
    pub moodle_token: String,
    pub pages_max: usize,
    pub count: bool,
}

impl Stage {
    pub async fn new(world: World) -> Self {
        Self::with(world, "", &OpenOptions::default()).await
    }

    /// With more lines in the link's configuration.
    pub async fn with_config(world: World, more: &str) -> Self {
        Self::with(world, more, &OpenOptions::default()).await
    }

    pub async fn with(world: World, more: &str, options: &OpenOptions) -> Self {
        let sandbox = Sandbox::start(world).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        Config::over(&sandbox).without("site.avc").intake("psa").with(more).write(folder.path());
        let journal = Journal::open(&journal_file(&folder).display().to_string(), options).await.unwrap();
        let (clock, hand) = Clock::manual(NOW.parse().unwrap());
        let (stop, timeout) = (CancellationToken::new(), Duration::from_secs(20));
        let moodle_token = MOODLE_TOKEN.to_owned();
        Self { sandbox, folder, journal, clock, hand, stop, timeout, moodle_token, pages_max: 100, count: false }
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("rollbook.toml")
    }

    pub fn journal_file(&self) -> PathBuf {
        journal_file(&self.folder)
    }

    /// The flow as the configuration says, with clients that do not wait long.
    pub fn flow(&self) -> IntakeFlow {
        let (settings, _) = Settings::load(&self.config(), &Env::of([])).unwrap();
        let flow = setup::make_intake(&settings.intake(&link()).unwrap(), settings.mail.as_ref()).unwrap();
        let moodle = MoodleOptions::new(self.sandbox.moodle_url(), self.moodle_token.as_str().into());
        let moodle = MoodleOptions { retry: QUICK, timeout: self.timeout, batch_max: 6, concurrency: 2, ..moodle };
        let feed = FeedOptions::new(self.sandbox.feed_url(), ELM_TOKEN.into(), flow.format.zone.clone());
        let feed =
            FeedOptions { retry: QUICK, timeout: self.timeout, pages_max: self.pages_max, count: self.count, ..feed };
        IntakeFlow {
            moodle: MoodleClient::new(moodle).unwrap(),
            feed: FeedClient::new(feed).unwrap(),
            concurrency: 2,
            ..flow
        }
    }

    pub async fn run(&self) -> Result<IntakeReport, IntakeError> {
        self.run_with(Purpose::Apply, IntakeQuery::New).await
    }

    pub async fn run_with(&self, purpose: Purpose, query: IntakeQuery) -> Result<IntakeReport, IntakeError> {
        let request = IntakeRequest { purpose, query, author: "test".to_owned() };
        run_intake(&self.flow(), &self.journal, &self.clock, &request, &self.stop).await
    }

    pub async fn deliver(&self) -> MailDelivery {
        let options = SmtpOptions { timeout: self.timeout, ..SmtpOptions::new(self.sandbox.smtp_url().into()) };
        let client = SmtpClient::new(&options).unwrap();
        deliver_mails(&self.journal, &client, &self.clock, &self.stop).await.unwrap()
    }

    /// What a schedule does: a run, then the mails, whatever became of the run.
    pub async fn round(&self) -> Result<IntakeReport, IntakeError> {
        let report = self.run().await;
        self.deliver().await;
        report
    }

    /// The sites are well again: runs follow, at growing distance, until nothing waits by itself; the last one a day later,
    /// when what Moodle refused is tried again too.
    pub async fn settle(&self, what: &str) {
        self.sandbox.faults().clear();
        for round in 0..ROUNDS_MAX {
            self.hand.advance(Duration::from_secs(120 << (2 * round)));
            self.healthy_round(what).await;
            if self.waiting().await.is_empty() {
                self.hand.advance(Duration::from_secs(25 * 60 * 60));
                return self.healthy_round(what).await;
            }
        }
        panic!("{what}: still waiting after {ROUNDS_MAX} runs: {:#?}", self.waiting().await);
    }

    async fn healthy_round(&self, what: &str) {
        if let Err(error) = self.round().await {
            panic!("{what}: a run on healthy sites failed: {error:?}");
        }
    }

    /// The lease of a process that died is anybody's after this.
    pub fn outlive_lease(&self) {
        self.hand.advance(Duration::try_from(SignedDuration::from_secs(61)).unwrap());
    }
}

pub fn link() -> LinkName {
    LinkName::new("psa")
}

fn journal_file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join(JOURNAL)
}
