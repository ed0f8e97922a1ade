//! A community of our own or the one that was given, an empty journal, and guilds from there into the site under test.
//!
//! Our own community is the sandbox's, reached over HTTP like any other. Cohorts are made under the suite's prefix.
//! Next: `mod.rs`, the rules.

use crate::live::Bench;
use crate::live::difference::{Checked, Difference, differs, while_doing};
use crate::live::made::Person;
use jiff::SignedDuration;
use rollbook_community::client::{DrupalAuth, DrupalClient, DrupalOptions};
use rollbook_community::snapshot::{CommunitySource, JsonApiCommunity};
use rollbook_core::model::{CohortId, LinkName, MoodleUserId, SiteName};
use rollbook_core::policy::GuildPolicy;
use rollbook_journal::{Journal, OpenOptions};
use rollbook_moodle::client::function::Kind;
use rollbook_moodle::client::{MoodleClient, MoodleOptions};
use rollbook_remote::database::Database;
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, Sandbox, World};
use rollbook_sync::flows::guilds::{GuildsFlow, GuildsQuery, GuildsReport, GuildsRequest, Purpose, Watch, run_guilds};
use tokio_util::sync::CancellationToken;

const LINK: &str = "live-guilds";
const NAME_FIELD: &str = "field_machine_name";

/// Guilds from a community into the site under test.
pub(super) struct Stage<'a> {
    bench: &'a Bench,
    sandbox: Sandbox,
    journal: Journal,
    pub(super) database: Option<Database>,
    pub(super) policy: GuildPolicy,
    source: Option<CommunitySource>,
    sentinel: Option<String>,
}

impl<'a> Stage<'a> {
    /// An empty community and an empty journal; the site is read by its web services alone.
    pub(super) async fn new(bench: &'a Bench) -> Checked<Self> {
        let sandbox = Sandbox::start(World::empty()).await.map_err(while_doing("starting a community"))?;
        let file = bench.options.folder.join(format!("guilds-{}.sqlite", bench.idnumber()));
        let journal = Journal::open(&file.display().to_string(), &OpenOptions::default()).await;
        let journal = journal.map_err(while_doing("opening a journal"))?;
        let policy = GuildPolicy { name_prefix: format!("{} ", bench.prefix()), ..GuildPolicy::default() };
        Ok(Self { bench, sandbox, journal, database: None, policy, source: None, sentinel: None })
    }

    /// The same, reading the site's database too.
    pub(super) async fn with_database(bench: &'a Bench) -> Checked<Self> {
        let database = bench.database()?.clone();
        Ok(Self { database: Some(database), ..Self::new(bench).await? })
    }

    /// From now on another community is read.
    pub(super) fn read(&mut self, source: CommunitySource, sentinel: Option<String>) {
        (self.source, self.sentinel) = (Some(source), sentinel);
    }

    /// Makes a guild; gives its number and its machine name, which nobody else has.
    pub(super) fn guild(&self) -> (i64, String) {
        let name = format!("{}-guild-{}", self.bench.prefix(), self.bench.idnumber());
        let mut world = self.sandbox.world();
        let guild = world.community.add_group(&format!("Guild & co. {name}"));
        if let Some(group) = world.community.groups.get_mut(&guild) {
            group.machine_name = Some(name.clone());
        }
        (guild, name)
    }

    /// Somebody joins a guild, in these roles.
    pub(super) fn join(&self, guild: i64, person: &Person, roles: &[&str]) {
        let mut world = self.sandbox.world();
        let known = world.community.accounts.values().find(|account| account.name == person.username);
        let known = known.map(|account| account.uid);
        let uid = known.unwrap_or_else(|| world.community.add_account(&person.username, Some(&person.mail)));
        world.community.join(guild, uid, roles);
    }

    /// Changes our community.
    pub(super) fn change(&self, change: impl FnOnce(&mut rollbook_sandbox::Community)) {
        change(&mut self.sandbox.world().community);
    }

    /// Somebody leaves a guild.
    pub(super) fn leave(&self, guild: i64, person: &Person) {
        self.change(|community| {
            let uid = community.accounts.values().find(|account| account.name == person.username).map(|it| it.uid);
            community.memberships.retain(|_, row| row.group_id != guild || Some(row.uid) != uid);
        });
    }

    /// Runs guilds; whatever cohorts it made are written down for removal, also when it fails.
    pub(super) async fn run(&self, query: GuildsQuery, purpose: Purpose) -> Checked<GuildsReport> {
        let (flow, stop) = (self.flow()?, CancellationToken::new());
        let request = GuildsRequest { query, purpose, author: "live suite".to_owned() };
        let mut quiet = |_: Watch<'_>| {};
        let ran = run_guilds(&flow, &self.journal, &self.bench.clock, &request, &stop, &mut quiet).await;
        let owned = self.journal.guilds().owned(&flow.link).await.map_err(while_doing("reading what is owned"))?;
        self.bench.made().cohorts.extend(owned.pairs.values().map(|pair| pair.cohort));
        ran.map_err(while_doing("running guilds"))
    }

    /// A full synchronisation.
    pub(super) async fn sync(&self) -> Checked<GuildsReport> {
        self.run(GuildsQuery::All, Purpose::Apply).await
    }

    /// A full dry run.
    pub(super) async fn dry_run(&self) -> Checked<GuildsReport> {
        self.run(GuildsQuery::All, Purpose::DryRun).await
    }

    /// A person approves the plan that waits.
    pub(super) async fn approve(&self, report: &GuildsReport) -> Checked {
        let plan = report.waiting.ok_or_else(|| differs("a stored plan", "one".to_owned(), "none".to_owned()))?;
        let now = self.bench.clock.now();
        let until = now + SignedDuration::from_hours(1);
        let approved = self.journal.plans().approve(plan, "live suite", "asked to", until, now).await;
        approved.map(drop).map_err(while_doing("approving a plan"))
    }

    /// The cohort of an idnumber, as the site has it; an error where there is not one alone.
    pub(super) async fn cohort(&self, idnumber: &str) -> Checked<CohortId> {
        match self.cohorts(idnumber).await?.as_slice() {
            [only] => Ok(*only),
            several => Err(differs("cohorts of an idnumber", "one".to_owned(), format!("{several:?}"))),
        }
    }

    /// Every cohort of an idnumber.
    pub(super) async fn cohorts(&self, idnumber: &str) -> Checked<Vec<CohortId>> {
        let all = self.bench.reader().fetch_all_cohorts().await.map_err(while_doing("listing cohorts"))?;
        Ok(all.into_iter().filter(|cohort| cohort.idnumber == idnumber).map(|cohort| cohort.id).collect())
    }

    /// Who is in the cohort of an idnumber, by id.
    pub(super) async fn members(&self, idnumber: &str) -> Checked<Vec<MoodleUserId>> {
        members(self.bench, self.cohort(idnumber).await?).await
    }

    fn flow(&self) -> Checked<GuildsFlow> {
        let Self { bench, sandbox, database, policy, source, sentinel, .. } = self;
        let moodle = MoodleOptions::new(&bench.options.url, bench.options.token.clone());
        Ok(GuildsFlow {
            link: LinkName::new(LINK),
            from: SiteName::new("community"),
            to: SiteName::new("moodle"),
            community: match source {
                Some(source) => source.clone(),
                None => self.own()?,
            },
            community_url: sandbox.community_url(),
            moodle: MoodleClient::new(moodle).map_err(while_doing("preparing a client"))?,
            database: database.clone(),
            concurrency: 2,
            policy: policy.clone(),
            community_sentinel: sentinel.clone(),
            moodle_sentinel: bench.options.sentinel.clone(),
            lease: SignedDuration::from_secs(30),
            limit: None,
        })
    }

    /// Our own community, as its service account.
    fn own(&self) -> Checked<CommunitySource> {
        let auth = DrupalAuth::Basic { user: COMMUNITY_USER.to_owned(), password: COMMUNITY_PASSWORD.into() };
        let options = DrupalOptions::new(self.sandbox.community_url(), auth, self.bench.clock.clone());
        let client = DrupalClient::new(options).map_err(while_doing("preparing the community's client"))?;
        Ok(CommunitySource::JsonApi(JsonApiCommunity::new(client, "guild", Some(NAME_FIELD))))
    }
}

/// Who is in a cohort, by id.
pub(super) async fn members(bench: &Bench, cohort: CohortId) -> Checked<Vec<MoodleUserId>> {
    let found = bench.reader().fetch_cohort_members(&[cohort]).await;
    let found = found.map_err(while_doing("reading a cohort's members"))?;
    let mut members = found.cohorts.into_iter().next().map(|cohort| cohort.userids).ok_or_else(|| {
        let why = format!("the site does not know cohort {cohort}");
        Difference::Failed { doing: "reading a cohort's members".to_owned(), why }
    })?;
    members.sort_unstable();
    Ok(members)
}

/// How many calls of a run could change the site.
pub(super) fn writes(report: &GuildsReport) -> u64 {
    report.calls.iter().filter(|call| call.function.kind() == Kind::Write).map(|call| call.calls).sum()
}

/// The changes of a plan, in words.
pub(super) fn changes(report: &GuildsReport) -> Vec<String> {
    report.plan.changes.iter().map(ToString::to_string).collect()
}
