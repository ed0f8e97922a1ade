//! The communities and the Moodle that guilds are measured with: the sandbox's, or real ones.

use rollbook_clock::Clock;
use rollbook_community::client::{DrupalAuth, DrupalClient, DrupalOptions};
use rollbook_community::snapshot::{CommunityQuestion, CommunitySource, JsonApiCommunity, Part};
use rollbook_core::model::{CohortId, Guid, MoodleUserId, PersonState};
use rollbook_moodle::client::read::UserField;
use rollbook_moodle::client::write::{Membership, NewUser};
use rollbook_moodle::client::{Function, MoodleClient, MoodleOptions};
use rollbook_sandbox::{COMMUNITY_PASSWORD, COMMUNITY_USER, MOODLE_TOKEN, Sandbox, World};
use std::collections::{BTreeSet, HashSet};

/// So many guilds and people; each is in two guilds.
pub const GUILDS: usize = 50;
pub const USERS: usize = 1_000;

/// A community with people in it.
pub struct Town {
    /// What it is, for the table.
    pub name: String,
    /// Its section of a configuration.
    pub section: String,
    /// User name and mail address of everybody.
    pub people: Vec<(String, String)>,
    sandbox: Option<Sandbox>,
}

/// The Moodle that is measured: a real one, or each town's own.
pub struct Moodle {
    real: Option<String>,
    pub token: String,
    pub database: Option<String>,
}

impl Town {
    /// A community of the sandbox, and a Moodle where everybody has an account.
    pub async fn sandbox(guilds: usize, users: usize) -> Self {
        let mut world = World::empty();
        let people: Vec<(String, String)> =
            (0..users).map(|n| (format!("b{n}"), format!("b{n}@guilds.bench.example.org"))).collect();
        let groups: Vec<i64> = (0..guilds)
            .map(|number| {
                let group = world.community.add_group(&format!("Bench guild {number}"));
                world.community.groups.get_mut(&group).unwrap().machine_name = Some(format!("bench-guild-{number}"));
                group
            })
            .collect();
        for (number, (name, mail)) in people.iter().enumerate() {
            let account = world.moodle.add_user("", mail, name, "Bench");
            world.moodle.users.edit(account, |user| user.username.clone_from(name));
            let uid = world.community.add_account(name, Some(mail));
            for guild in [number % guilds, (number + guilds / 2) % guilds] {
                world.community.join(groups[guild], uid, &[]);
            }
        }
        world.moodle.list_function(MOODLE_TOKEN, "core_cohort_delete_cohorts");
        let sandbox = Sandbox::start(world).await.expect("the sandbox starts");
        let section = format!(
            "[site.avc]\nkind = \"community\"\nurl = \"{}\"\nconcurrency = 4\nsentinel = \"b0\"\n[site.avc.auth]\nkind = \
             \"basic\"\nuser = \"{COMMUNITY_USER}\"\npassword = \"{COMMUNITY_PASSWORD}\"\n",
            sandbox.community_url()
        );
        Self { name: format!("sandbox community of {users}"), section, people, sandbox: Some(sandbox) }
    }

    /// The real community that the environment names, over JSON:API and, where its database is named too, over SQL.
    pub async fn given() -> Vec<Self> {
        let value = |name: &str| std::env::var(format!("ROLLBOOK_BENCH_DRUPAL{name}")).ok();
        let (Some(url), Some(user), Some(password)) = (value(""), value("_USER"), value("_PASSWORD")) else {
            return Vec::new();
        };
        let group_type = value("_GROUP_TYPE").unwrap_or_else(|| "guild".to_owned());
        let auth = DrupalAuth::Basic { user: user.clone(), password: password.clone().into() };
        let client = DrupalClient::new(DrupalOptions::new(&url, auth, Clock::system())).unwrap();
        let source = CommunitySource::JsonApi(JsonApiCommunity::new(client, &group_type, Some("field_machine_name")));
        let question = CommunityQuestion { part: Part::All, known: BTreeSet::new(), sentinel: None };
        let seen = source.open().await.unwrap().collect(&question, Clock::system().now()).await.unwrap().value;
        let active = seen.people.values().filter(|person| person.state == PersonState::Active);
        let people: Vec<(String, String)> =
            active.filter_map(|person| Some((person.name.clone(), person.mail.clone()?.0))).collect();
        let sentinel = &people.first().expect("a member with an address").0;
        let common = format!(
            "[site.avc]\nkind = \"community\"\nurl = \"{url}\"\ngroup_type = \"{group_type}\"\nconcurrency = 3\nsentinel = \
             \"{sentinel}\"\n"
        );
        let auth = format!("[site.avc.auth]\nkind = \"basic\"\nuser = \"{user}\"\npassword = \"{password}\"\n");
        let town = |name: &str, section: String| {
            let name = format!("real Drupal of {} over {name}", seen.people.len());
            Self { name, section, people: people.clone(), sandbox: None }
        };
        let mut towns = vec![town("JSON:API", format!("{common}{auth}"))];
        if let Some(database) = value("_DATABASE") {
            let section = format!("{common}reader = \"sql\"\n[site.avc.database]\nurl = \"{database}\"\n");
            towns.push(town("SQL", section));
        }
        towns
    }
}

impl Moodle {
    /// The named Moodle, whose token and database stand in the environment; else the sandbox's.
    pub fn of(real: Option<String>) -> Self {
        let token = match real {
            Some(_) => std::env::var("ROLLBOOK_BENCH_TOKEN").expect("ROLLBOOK_BENCH_TOKEN holds the token"),
            None => MOODLE_TOKEN.to_owned(),
        };
        let database = real.as_ref().and_then(|_| std::env::var("ROLLBOOK_BENCH_DATABASE").ok());
        Self { real, token, database }
    }

    /// Whether it is a real one.
    pub fn is_real(&self) -> bool {
        self.real.is_some()
    }

    /// Its address.
    pub fn url(&self, town: &Town) -> String {
        let own = || town.sandbox.as_ref().map(Sandbox::moodle_url).unwrap_or_default();
        self.real.clone().unwrap_or_else(own)
    }

    /// Both, for the table.
    pub fn place(&self, town: &Town) -> String {
        let moodle = if self.real.is_some() { "real Moodle" } else { "sandbox Moodle" };
        format!("{} to {moodle}", town.name)
    }

    /// Sees to it that everybody has an account. They stay.
    pub async fn accommodate(&self, town: &Town) {
        if self.real.is_none() {
            return;
        }
        let client = self.client(town);
        let mails: Vec<String> = town.people.iter().map(|(_, mail)| mail.to_lowercase()).collect();
        let known = client.reader().fetch_users(UserField::Email, &mails).await.expect("accounts can be looked up");
        let known: HashSet<String> =
            known.users.into_iter().filter_map(|user| Some(user.email?.to_lowercase())).collect();
        let mut seen = HashSet::new();
        let new = town.people.iter().filter(|(_, mail)| {
            let mail = mail.to_lowercase();
            !known.contains(&mail) && seen.insert(mail)
        });
        let new: Vec<NewUser> =
            new.map(|(name, mail)| NewUser::new(&mail.to_lowercase(), "Bench", name, mail, Guid::new(""))).collect();
        for part in new.chunks(client.items_max(Function::CreateUsers)) {
            client.writer().create_users(part).await.expect("accounts can be made");
        }
    }

    /// Takes a member out of a cohort, so that somebody is missing.
    pub async fn remove(&self, town: &Town, cohort: CohortId, user: MoodleUserId) {
        let member = Membership { cohort, user };
        self.client(town).writer().delete_members(&[member]).await.expect("a member can go");
    }

    /// Deletes what a measurement made.
    pub async fn forget(&self, town: &Town, cohorts: &[CohortId]) {
        let client = self.client(town);
        for part in cohorts.chunks(client.items_max(Function::DeleteCohorts)) {
            client.writer().delete_cohorts(part).await.expect("cohorts can be deleted");
        }
    }

    fn client(&self, town: &Town) -> MoodleClient {
        MoodleClient::new(MoodleOptions::new(self.url(town), self.token.clone().into())).unwrap()
    }
}
