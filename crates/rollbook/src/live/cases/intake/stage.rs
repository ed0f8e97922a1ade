//! A feed and a mail server of our own, an empty journal, and intake from that feed into the site under test.
//!
//! Feed and mail are the sandbox's, reached over HTTP and SMTP like any other. Next: `mod.rs`, the rules.

use crate::live::Bench;
use crate::live::difference::{Checked, while_doing};
use crate::live::made::{Person, Place};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::model::{Guid, LinkName};
use rollbook_core::policy::{
    EnrolmentPolicy, IntakeLimits, IntakePolicy, Protected, UsernameCharacters, UsernameRule, Welcome,
};
use rollbook_core::report::NowInMoodle;
use rollbook_core::run::OutcomeCode;
use rollbook_core::window::WindowPolicy;
use rollbook_elm::client::{FeedClient, FeedOptions};
use rollbook_elm::feed::FeedFormat;
use rollbook_journal::{AttentionFilter, Journal, OpenOptions};
use rollbook_moodle::client::function::Kind;
use rollbook_moodle::client::{MoodleClient, MoodleOptions};
use rollbook_moodle::snapshot::{find_by_guid, read_state_now};
use rollbook_remote::database::Database;
use rollbook_sandbox::{ELM_TOKEN, FeedRow, Sandbox, World};
use rollbook_sync::flows::deliver::{MailDelivery, deliver_mails};
use rollbook_sync::flows::intake::{
    IntakeFlow, IntakeQuery, IntakeReport, IntakeRequest, Purpose, WelcomeKit, run_intake,
};
use rollbook_sync::notify::welcome::WelcomeTemplates;
use rollbook_sync::smtp::{SmtpClient, SmtpOptions};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// The link's name.
pub(in crate::live::cases) const LINK: &str = "live";
pub(in crate::live::cases) const ZONE: &str = "America/Vancouver";

/// Intake from a feed of our own into the site under test.
pub(in crate::live::cases) struct Stage<'a> {
    bench: &'a Bench,
    sandbox: Sandbox,
    journal: Journal,
    database: Option<Database>,
    began: Timestamp,
}

impl<'a> Stage<'a> {
    /// An empty feed and an empty journal; the site is read by its web services alone.
    pub(in crate::live::cases) async fn new(bench: &'a Bench) -> Checked<Self> {
        let sandbox = Sandbox::start(World::empty()).await.map_err(while_doing("starting a feed"))?;
        let journal = open_journal(bench).await?;
        let began = bench.clock.now() - SignedDuration::from_mins(60);
        Ok(Self { bench, sandbox, journal, database: None, began })
    }

    /// The same, reading the site's database too.
    pub(in crate::live::cases) async fn with_database(bench: &'a Bench) -> Checked<Self> {
        let database = bench.database()?.clone();
        Ok(Self { database: Some(database), ..Self::new(bench).await? })
    }

    /// The same feed met by a journal that knows nothing.
    pub(in crate::live::cases) async fn forget(self) -> Checked<Self> {
        self.journal.close().await;
        Ok(Self { journal: open_journal(self.bench).await?, ..self })
    }

    /// Where the ELM takes completions.
    pub(in crate::live::cases) fn completion_url(&self) -> String {
        self.sandbox.completion_url()
    }

    /// The completions that the ELM has, in the order of arrival.
    pub(in crate::live::cases) fn received(&self) -> Vec<Value> {
        self.sandbox.world().elm.completions.iter().map(|received| received.body.clone()).collect()
    }

    /// The journal.
    pub(in crate::live::cases) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The feed says that somebody takes a course.
    pub(in crate::live::cases) fn enrol(&self, person: &Person, course: &Place) {
        self.push(FeedRow::enrol(&person.guid, &person.mail, course.idnumber, self.next()));
    }

    /// The feed says that somebody leaves a course: the enrolment that it named last for them ends.
    pub(in crate::live::cases) fn suspend(&self, person: &Person, course: &Place) {
        let row = FeedRow::suspend(&person.guid, &person.mail, course.idnumber, self.next());
        let named = {
            let world = self.sandbox.world();
            let is_same = |row: &&Value| {
                row["GUID"].as_str() == Some(&person.guid) && row["COURSE_IDENTIFIER"] == course.idnumber
            };
            world.elm.rows.iter().rev().find(is_same).and_then(|row| row["ENROLMENT_ID"].as_i64())
        };
        match named {
            Some(number) => self.sandbox.world().elm.push(row.numbered(number)),
            None => self.push(row),
        }
    }

    fn push(&self, row: FeedRow) {
        let mut world = self.sandbox.world();
        let number = 500_000 + i64::try_from(world.elm.rows.len()).unwrap_or(0);
        world.elm.push(row.numbered(number));
    }

    /// Each record is a second younger than the one before.
    fn next(&self) -> Timestamp {
        let count = i64::try_from(self.sandbox.world().elm.rows.len()).unwrap_or(0);
        self.began + SignedDuration::from_secs(count)
    }

    /// Runs intake.
    pub(in crate::live::cases) async fn run(&self) -> Checked<IntakeReport> {
        self.run_for(Purpose::Apply).await
    }

    /// Runs intake, or shows what it would do.
    pub(in crate::live::cases) async fn run_for(&self, purpose: Purpose) -> Checked<IntakeReport> {
        let request = IntakeRequest { purpose, query: IntakeQuery::New, author: "live suite".to_owned() };
        let (flow, stop) = (self.flow()?, CancellationToken::new());
        let ran = run_intake(&flow, &self.journal, &self.bench.clock, &request, &stop).await;
        ran.map_err(while_doing("running intake"))
    }

    /// Sends the mails that are due.
    pub(in crate::live::cases) async fn deliver(&self) -> Checked<MailDelivery> {
        let options = SmtpOptions::new(self.sandbox.smtp_url().into());
        let client = SmtpClient::new(&options).map_err(while_doing("preparing the mail client"))?;
        let told = deliver_mails(&self.journal, &client, &self.bench.clock, &CancellationToken::new()).await;
        told.map_err(while_doing("sending mails"))
    }

    /// How many mails somebody got.
    pub(in crate::live::cases) fn mails(&self, person: &Person) -> usize {
        self.sandbox.world().mail.to(&person.mail).len()
    }

    /// How somebody stands in a course now, as `rollbook explain` asks.
    pub(in crate::live::cases) async fn stands(&self, person: &Person, course: &Place) -> Checked<NowInMoodle> {
        let now = read_state_now(&self.bench.reader(), &Guid::new(&person.guid), &course.elm_id()).await;
        now.map_err(while_doing("asking how somebody stands"))
    }

    /// How many accounts have somebody's GUID.
    pub(in crate::live::cases) async fn holders(&self, person: &Person) -> Checked<usize> {
        let guid = Guid::new(&person.guid);
        let directory = find_by_guid(&self.bench.reader(), std::slice::from_ref(&guid)).await;
        let directory = directory.map_err(while_doing("finding somebody"))?;
        Ok(directory.with_guid(&guid.folded()).map_or(0, |accounts| accounts.len()))
    }

    /// The kinds of what waits for a human.
    pub(in crate::live::cases) async fn attention(&self) -> Checked<Vec<String>> {
        let items = self.journal.attention().list(&AttentionFilter::default(), 100).await;
        let mut kinds: Vec<_> =
            items.map_err(while_doing("reading attention"))?.into_iter().map(|item| item.kind).collect();
        kinds.sort();
        Ok(kinds)
    }

    fn flow(&self) -> Checked<IntakeFlow> {
        let Self { bench, sandbox, database, .. } = self;
        let zone = rollbook_clock::zone(ZONE).map_err(while_doing("finding the feed's zone"))?;
        let feed = FeedOptions::new(sandbox.feed_url(), ELM_TOKEN.into(), zone.clone());
        let moodle = MoodleOptions::new(&bench.options.url, bench.options.token.clone());
        let templates = WelcomeTemplates::load(None).map_err(while_doing("compiling the welcome mail"))?;
        Ok(IntakeFlow {
            link: LinkName::new(LINK),
            feed: FeedClient::new(feed).map_err(while_doing("preparing the feed's client"))?,
            format: FeedFormat::new(zone),
            moodle: MoodleClient::new(moodle).map_err(while_doing("preparing a client"))?,
            database: database.clone(),
            concurrency: 3,
            policy: policy(bench),
            window: WindowPolicy { lookback: SignedDuration::from_mins(120), overlap: SignedDuration::from_mins(10) },
            sentinel: bench.options.sentinel.clone(),
            waiting_max: 1_000,
            welcome: Some(WelcomeKit {
                templates,
                from: "Live suite <live@example.org>".parse().map_err(while_doing("reading the sender"))?,
                help_url: String::new(),
                signature: "The live suite".to_owned(),
            }),
            lease: SignedDuration::from_secs(30),
            limit: None,
        })
    }
}

async fn open_journal(bench: &Bench) -> Checked<Journal> {
    let file = bench.options.folder.join(format!("journal-{}.sqlite", bench.idnumber()));
    let journal = Journal::open(&file.display().to_string(), &OpenOptions::default()).await;
    journal.map_err(while_doing("opening a journal"))
}

fn policy(bench: &Bench) -> IntakePolicy {
    IntakePolicy {
        role: bench.options.role,
        auth: "oauth2".to_owned(),
        username: UsernameRule::MailThenGuid,
        username_characters: UsernameCharacters::Plain,
        missing_name: None,
        protected: Protected::default(),
        welcome: Welcome::Rollbook,
        enrolments: EnrolmentPolicy::default(),
        limits: IntakeLimits::default(),
        course_wait: SignedDuration::from_hours(14 * 24),
    }
}

/// How many records came to each end.
pub(in crate::live::cases) fn ends(report: &IntakeReport) -> BTreeMap<OutcomeCode, usize> {
    let mut ends = BTreeMap::new();
    for verdict in &report.verdicts {
        *ends.entry(verdict.code()).or_default() += 1;
    }
    ends
}

/// How many calls of a run could change the site.
pub(in crate::live::cases) fn writes(report: &IntakeReport) -> u64 {
    report.calls.iter().filter(|call| call.function.kind() == Kind::Write).map(|call| call.calls).sum()
}
