//! The three sites, the clock that all believe, and the process that runs the links of an ordinary configuration.

use jiff::{SignedDuration, Timestamp};
use rollbook_clock::{Clock, ManualClock};
use rollbook_community::client::{DrupalAuth, DrupalClient, DrupalOptions};
use rollbook_community::snapshot::{CommunitySource, JsonApiCommunity};
use rollbook_core::model::{LinkName, SiteName};
use rollbook_elm::client::{CompletionClient, CompletionOptions, FeedClient, FeedOptions};
use rollbook_harness::{Config, QUICK};
use rollbook_journal::{Journal, OpenOptions};
use rollbook_moodle::client::{MoodleClient, MoodleOptions};
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, ELM_TOKEN, MOODLE_TOKEN, Sandbox, World, world};
use rollbook_settings::Settings;
use rollbook_sync::flows::completions::{CompletionsRequest, Reach, make_completions, run_completions};
use rollbook_sync::flows::deliver::deliver_mails;
use rollbook_sync::flows::guilds::{GuildsRequest, Watch, make_guilds, run_guilds};
use rollbook_sync::flows::intake::{IntakeRequest, run_intake};
use rollbook_sync::flows::setup::make_intake;
use rollbook_sync::flows::{completions, guilds, intake};
use rollbook_sync::smtp::{SmtpClient, SmtpOptions};
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use std::error::Error;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Clients do not wait long, for the machine's time is not the sites'.
const PATIENCE: Duration = Duration::from_millis(400);

pub struct Sites {
    pub sandbox: Sandbox,
    clock: Clock,
    hand: ManualClock,
    settings: Settings,
    folder: tempfile::TempDir,
}

impl Sites {
    pub async fn start(found: impl FnOnce(&mut World)) -> Self {
        let begin: Timestamp = "2026-06-01T07:00:00Z".parse().unwrap();
        let mut world = World::empty();
        world.clock = world::Clock::Fixed(begin);
        world.moodle.list_function(MOODLE_TOKEN, "core_cohort_update_cohorts");
        found(&mut world);
        let sandbox = Sandbox::start(world).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = config(&sandbox).settings(folder.path());
        let (clock, hand) = Clock::manual(begin);
        Self { sandbox, clock, hand, settings, folder }
    }

    /// So much time passes for everybody.
    pub fn pass(&self, by: SignedDuration) {
        let now = self.clock.now() + by;
        self.hand.set(now);
        self.sandbox.world().clock = world::Clock::Fixed(now);
    }

    fn file(&self) -> String {
        self.folder.path().join("rollbook.sqlite").display().to_string()
    }

    /// A process that begins.
    pub async fn process(&self) -> Process<'_> {
        Process { sites: self, journal: Journal::open(&self.file(), &OpenOptions::default()).await.unwrap() }
    }

    /// The one number that a statement gives.
    pub async fn count(&self, sql: &str) -> usize {
        let mut connection = SqliteConnection::connect(&self.file()).await.unwrap();
        let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap();
        usize::try_from(row.get::<i64, _>(0)).unwrap()
    }

    fn moodle(&self) -> MoodleClient {
        let options = MoodleOptions::new(self.sandbox.moodle_url(), MOODLE_TOKEN.into());
        MoodleClient::new(MoodleOptions { retry: QUICK, timeout: PATIENCE, ..options }).unwrap()
    }
}

type Ended = Result<(), Box<dyn Error>>;

pub struct Process<'a> {
    sites: &'a Sites,
    journal: Journal,
}

impl Process<'_> {
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    pub async fn intake(&self) -> Ended {
        let Sites { sandbox, clock, settings, .. } = self.sites;
        let flow = make_intake(&settings.intake(&LinkName::new("psa"))?, settings.mail.as_ref())?;
        let feed = FeedOptions::new(sandbox.feed_url(), ELM_TOKEN.into(), flow.format.zone.clone());
        let feed = FeedClient::new(FeedOptions { retry: QUICK, timeout: PATIENCE, ..feed })?;
        let flow = intake::IntakeFlow { moodle: self.sites.moodle(), feed, ..flow };
        let request = IntakeRequest {
            purpose: intake::Purpose::Apply,
            query: intake::IntakeQuery::New,
            author: "soak".to_owned(),
        };
        run_intake(&flow, &self.journal, clock, &request, &CancellationToken::new()).await?;
        Ok(())
    }

    pub async fn completions(&self) -> Ended {
        let Sites { sandbox, clock, settings, .. } = self.sites;
        let flow = make_completions(&settings.completion(&LinkName::new("done"))?, settings)?;
        let url = sandbox.completion_url();
        let elm = CompletionOptions::new(&url, ELM_TOKEN.into());
        let lookup_url = Some(format!("{url}?$filter=ENROLMENT_ID%20eq%20{{enrolment}}"));
        let elm = CompletionClient::new(CompletionOptions { lookup_url, timeout: PATIENCE, ..elm })?;
        let flow = completions::CompletionsFlow { moodle: self.sites.moodle(), elm, ..flow };
        let request =
            CompletionsRequest { purpose: completions::Purpose::Apply, reach: Reach::Usual, author: "soak".to_owned() };
        run_completions(&flow, &self.journal, clock, &request, &CancellationToken::new()).await?;
        Ok(())
    }

    pub async fn guilds(&self) -> Ended {
        let Sites { sandbox, clock, settings, .. } = self.sites;
        let flow = make_guilds(&settings.guild(&SiteName::new("avc"), &SiteName::new("learning"))?, clock)?;
        let auth = DrupalAuth::Basic { user: COMMUNITY_USER.to_owned(), password: COMMUNITY_PASSWORD.into() };
        let mut drupal = DrupalOptions::new(sandbox.community_url(), auth, clock.clone());
        (drupal.retry, drupal.timeout) = (QUICK, PATIENCE);
        let community = JsonApiCommunity::new(DrupalClient::new(drupal)?, "guild", None);
        let community = CommunitySource::JsonApi(community);
        let flow = guilds::GuildsFlow { moodle: self.sites.moodle(), community, ..flow };
        let request = GuildsRequest {
            query: guilds::GuildsQuery::All,
            purpose: guilds::Purpose::Apply,
            author: "soak".to_owned(),
        };
        let mut quiet = |_: Watch<'_>| {};
        run_guilds(&flow, &self.journal, clock, &request, &CancellationToken::new(), &mut quiet).await?;
        Ok(())
    }

    /// Sends the mails that are due.
    pub async fn mails(&self) {
        let options = SmtpOptions::new(self.sites.sandbox.smtp_url().into());
        let client = SmtpClient::new(&SmtpOptions { timeout: PATIENCE, ..options }).unwrap();
        deliver_mails(&self.journal, &client, &self.sites.clock, &CancellationToken::new()).await.unwrap();
    }
}

fn config(sandbox: &Sandbox) -> Config {
    Config::over(sandbox).intake("psa").completions("done").guilds("guilds").with(
        r#"
        link.psa.limits.suspensions_share = 1.0
        link.done.report_from = "2026-01-01"
        link.guilds.limits.removals_share = 1.0
        "#,
    )
}
