//! A community, a Moodle and a journal for one test.

use rollbook_clock::{Clock, ManualClock};
use rollbook_community::client::{DrupalAuth, DrupalClient, DrupalOptions};
use rollbook_community::snapshot::{CommunitySource, JsonApiCommunity};
use rollbook_core::model::{CohortId, LinkName, SiteName};
use rollbook_core::policy::GuildPolicy;
use rollbook_journal::{Journal, OpenOptions};
use rollbook_moodle::client::{MoodleClient, MoodleOptions};
use rollbook_remote::retry::RetryPolicy;
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, MOODLE_TOKEN, Sandbox, World};
use rollbook_sync::flows::guilds::{
    GuildsError, GuildsFlow, GuildsQuery, GuildsReport, GuildsRequest, Purpose, Watch, run_guilds,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The field of the stand-in's guilds that holds machine names.
pub(crate) const NAME_FIELD: &str = "field_machine_name";
/// Somebody who is in every test's first guild.
pub(crate) const SENTINEL: &str = "ann";

pub(crate) struct Site {
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) journal: Journal,
    pub(crate) clock: Clock,
    pub(crate) hand: ManualClock,
    pub(crate) flow: GuildsFlow,
    /// How long a call to Moodle is waited for.
    pub(crate) patience: Duration,
    /// Who reads the community.
    pub(crate) auth: DrupalAuth,
    folder: tempfile::TempDir,
}

impl Site {
    /// A community in text, one guild a line: `web: ann ben[guild-mentor] -cat eve!` (`-` blocked, `!` without Moodle
    /// account); everybody else has an account of the same user name and address.
    pub(crate) async fn new(text: &str) -> Self {
        Self::over(world(text)).await
    }

    pub(crate) async fn over(world: World) -> Self {
        Self::with(world, &OpenOptions::default()).await
    }

    pub(crate) async fn with(world: World, options: &OpenOptions) -> Self {
        let sandbox = Arc::new(Sandbox::start(world).await.unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        let journal = Journal::open(path.to_str().unwrap(), options).await.unwrap();
        let (clock, hand) = Clock::manual("2026-11-23T10:00:00Z".parse().unwrap());
        let patience = Duration::from_secs(20);
        let auth = DrupalAuth::Basic { user: COMMUNITY_USER.to_owned(), password: COMMUNITY_PASSWORD.into() };
        let flow = flow(&sandbox, &clock, patience, auth.clone());
        Self { sandbox, journal, clock, hand, flow, patience, auth, folder }
    }

    /// The address of the journal's file.
    pub(crate) fn journal_file(&self) -> String {
        self.folder.path().join("journal.sqlite").display().to_string()
    }

    /// Opens the journal again, as a new process does.
    pub(crate) async fn reopen(&mut self, options: &OpenOptions) {
        self.journal.close().await;
        self.journal = Journal::open(&self.journal_file(), options).await.unwrap();
    }

    /// Runs as a fresh process would: new connections, new counts.
    pub(crate) async fn run(&mut self, query: GuildsQuery, purpose: Purpose) -> Result<GuildsReport, GuildsError> {
        let policy = self.flow.policy.clone();
        let (sentinel, database) = (self.flow.community_sentinel.clone(), self.flow.database.clone());
        let lease = self.flow.lease;
        self.flow = GuildsFlow {
            policy,
            community_sentinel: sentinel,
            database,
            lease,
            ..flow(&self.sandbox, &self.clock, self.patience, self.auth.clone())
        };
        let request = GuildsRequest { query, purpose, author: "test".to_owned() };
        let mut quiet = |_: Watch<'_>| {};
        let stop = CancellationToken::new();
        run_guilds(&self.flow, &self.journal, &self.clock, &request, &stop, &mut quiet).await
    }

    pub(crate) async fn sync(&mut self) -> GuildsReport {
        self.run(GuildsQuery::All, Purpose::Apply).await.unwrap()
    }

    pub(crate) async fn dry_run(&mut self) -> GuildsReport {
        self.run(GuildsQuery::All, Purpose::DryRun).await.unwrap()
    }

    /// Makes the community as the text says; who is not named is in no guild.
    pub(crate) fn community(&self, text: &str) {
        people(&mut self.sandbox.world(), text);
    }

    /// Who is in which cohort, as Moodle has it: idnumber → user names.
    pub(crate) fn cohorts(&self) -> BTreeMap<String, String> {
        let world = self.sandbox.world();
        let name = |id: i64| world.moodle.users.get(id).map_or("?".to_owned(), |user| user.username.clone());
        let members = |id: i64| {
            let mut names: Vec<_> = world.moodle.members_of(id).into_iter().map(name).collect();
            names.sort();
            names.join(" ")
        };
        world.moodle.cohorts.iter().map(|cohort| (cohort.idnumber.clone(), members(cohort.id))).collect()
    }

    pub(crate) fn cohort(&self, idnumber: &str) -> CohortId {
        CohortId(self.sandbox.world().moodle.cohorts_by_idnumber(idnumber)[0].id)
    }

    pub(crate) fn user(&self, name: &str) -> i64 {
        self.sandbox.world().moodle.users_by_username(name)[0].id
    }
}

fn flow(sandbox: &Sandbox, clock: &Clock, patience: Duration, auth: DrupalAuth) -> GuildsFlow {
    let once = RetryPolicy { tries_max: 1, ..RetryPolicy::default() };
    let mut drupal = DrupalOptions::new(sandbox.community_url(), auth, clock.clone());
    drupal.retry = once;
    let mut moodle = MoodleOptions::new(sandbox.moodle_url(), MOODLE_TOKEN.into());
    moodle.timeout = patience;
    moodle.concurrency = 2;
    moodle.retry = once;
    let client = DrupalClient::new(drupal).unwrap();
    GuildsFlow {
        link: LinkName::new("avc-ss"),
        from: SiteName::new("avc"),
        to: SiteName::new("ss"),
        community: CommunitySource::JsonApi(JsonApiCommunity::new(client, "guild", Some(NAME_FIELD))),
        community_url: sandbox.community_url(),
        moodle: MoodleClient::new(moodle).unwrap(),
        database: None,
        concurrency: 2,
        policy: GuildPolicy::default(),
        community_sentinel: None,
        moodle_sentinel: None,
        lease: jiff::SignedDuration::from_secs(30),
        limit: None,
    }
}

pub(crate) fn world(text: &str) -> World {
    let mut world = World::empty();
    for function in ["core_cohort_update_cohorts", "core_cohort_delete_cohorts", "core_cohort_search_cohorts"] {
        world.moodle.list_function(MOODLE_TOKEN, function);
    }
    people(&mut world, text);
    world
}

fn people(world: &mut World, text: &str) {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<(&str, &str)> = lines.map(|line| line.split_once(':').unwrap()).collect();
    world.community.memberships.clear();
    world.community.groups.retain(|_, group| lines.iter().any(|(name, _)| *name == group.label));
    for (label, members) in lines {
        let known = world.community.groups.values().find(|group| group.label == label).map(|group| group.id);
        let group = known.unwrap_or_else(|| world.community.add_group(label));
        for word in members.split_whitespace() {
            let (word, roles) = word.split_once('[').unwrap_or((word, ""));
            let roles: Vec<&str> = roles.trim_end_matches(']').split(',').filter(|role| !role.is_empty()).collect();
            let (active, name) = word.strip_prefix('-').map_or((true, word), |name| (false, name));
            let (name, has_account) = name.strip_suffix('!').map_or((name, true), |name| (name, false));
            let uid = person(world, name, has_account);
            world.community.accounts.get_mut(&uid).unwrap().active = active;
            world.community.join(group, uid, &roles);
        }
    }
}

fn person(world: &mut World, name: &str, has_account: bool) -> i64 {
    let mail = format!("{name}@example.org");
    if has_account && world.moodle.users_by_email(&mail).is_empty() {
        let id = world.moodle.add_user("", &mail, name, "Person");
        world.moodle.users.edit(id, |user| user.username = name.to_owned());
    }
    let known = world.community.accounts.values().find(|account| account.name == name).map(|account| account.uid);
    known.unwrap_or_else(|| world.community.add_account(name, Some(&mail)))
}

/// The changes of a report as lines.
pub(crate) fn changes(report: &GuildsReport) -> Vec<String> {
    report.plan.changes.iter().map(ToString::to_string).collect()
}

/// Cohorts as written in a test.
pub(crate) fn cohorts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, members)| ((*name).to_owned(), (*members).to_owned())).collect()
}
