//! Guilds: from nothing, nothing to do, one user; read in each way that was given; and one call a membership in the same run.

use super::table::{Cost, Line, Meter};
use super::town::{GUILDS, Moodle, Town, USERS};
use rollbook_clock::Clock;
use rollbook_core::model::{CohortId, LinkName, Owned, SiteName};
use rollbook_journal::{Journal, OpenOptions};
use rollbook_settings::{Env, Settings};
use rollbook_sync::flows::guilds::{
    GuildsFlow, GuildsQuery, GuildsReport, GuildsRequest, Purpose, Watch, make_guilds, run_guilds,
};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// The slow way is measured over so small a part of the guilds and of the users.
const SLOW_PART: usize = 10;

/// How calls are made, and whether Moodle's database is read.
struct Way {
    name: &'static str,
    concurrency: u32,
    batch: u32,
    reads_database: bool,
}

const SERVICES: Way = Way { name: "web services", concurrency: 3, batch: 200, reads_database: false };
const DATABASE: Way = Way { name: "with Moodle's database", reads_database: true, ..SERVICES };
const SINGLE: Way = Way { name: "one call a membership", concurrency: 1, batch: 1, reads_database: false };

/// Measures each way over each community that was given.
pub async fn measure(moodle: &Moodle) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut towns = vec![Town::sandbox(GUILDS, USERS).await];
    // Ten times as many show how the cost grows; a real Moodle would keep the people.
    if !moodle.is_real() {
        towns.push(Town::sandbox(10 * GUILDS, 10 * USERS).await);
    }
    towns.extend(Town::given().await);
    for town in &towns {
        for way in [SERVICES, DATABASE].iter().filter(|way| !way.reads_database || moodle.database.is_some()) {
            lines.extend(measure_one(town, moodle, way).await);
        }
    }
    let small = Town::sandbox(GUILDS / SLOW_PART, USERS / SLOW_PART).await;
    for way in [SERVICES, SINGLE] {
        lines.push(measure_one(&small, moodle, &way).await.remove(0));
    }
    lines
}

async fn measure_one(town: &Town, moodle: &Moodle, way: &Way) -> Vec<Line> {
    let folder = tempfile::tempdir().unwrap();
    write_config(folder.path(), town, moodle, way);
    let place = moodle.place(town);
    moodle.accommodate(town).await;
    let line = |what: &str, records: u64, (cost, report): &(Cost, GuildsReport)| Line {
        what: format!("guilds, {place}, {}: {what}", way.name),
        records,
        cost: cost.with_calls(report.counts.calls),
    };
    let first = run(folder.path(), GuildsQuery::All).await;
    assert!(first.1.counts.added > 0, "members were added: {:?} {:?}", first.1.counts, first.1.findings);
    let again = run(folder.path(), GuildsQuery::All).await;
    assert!(again.1.plan.changes.is_empty(), "nothing is left to do: {:?}", again.1.plan.changes.first());
    let memberships = again.1.counts.unchanged;
    let owned = owned(folder.path()).await;
    let (cohort, members) = owned.members.iter().next().expect("a cohort has members");
    let (user, person) = members.iter().next().expect("a member");
    moodle.remove(town, *cohort, *user).await;
    let person = person.expect("whose account it is").to_string();
    let one = run(folder.path(), GuildsQuery::Person(person)).await;
    assert_eq!(one.1.counts.added, 1, "who was missing is added");
    let cohorts: Vec<CohortId> = owned.pairs.values().map(|pair| pair.cohort).collect();
    moodle.forget(town, &cohorts).await;
    vec![
        line("from nothing", memberships, &first),
        line("nothing to do", memberships, &again),
        line("one user", one.1.counts.unchanged + one.1.counts.added, &one),
    ]
}

/// Prepares everything as the program does, then runs and measures that alone.
async fn run(folder: &Path, query: GuildsQuery) -> (Cost, GuildsReport) {
    let journal = open(folder).await;
    let flow = flow(folder);
    let request = GuildsRequest { query, purpose: Purpose::Apply, author: "bench".to_owned() };
    let mut quiet = |_: Watch<'_>| {};
    let meter = Meter::start();
    let stop = CancellationToken::new();
    let report = run_guilds(&flow, &journal, &Clock::system(), &request, &stop, &mut quiet).await;
    let cost = meter.read();
    journal.close().await;
    let report = report.expect("the run succeeds");
    assert_eq!(report.counts.refused + report.counts.open, 0, "everything is done: {:?}", report.counts);
    (cost, report)
}

fn flow(folder: &Path) -> GuildsFlow {
    let (settings, _) =
        Settings::load(&folder.join("rollbook.toml"), &Env::of([])).expect("the bench's configuration is sound");
    let found = settings.guild(&SiteName::new("avc"), &SiteName::new("ss")).expect("the link is there");
    make_guilds(&found, &Clock::system()).expect("the flow can be made")
}

async fn open(folder: &Path) -> Journal {
    let file = folder.join("bench.sqlite");
    Journal::open(&file.display().to_string(), &OpenOptions::default()).await.unwrap()
}

async fn owned(folder: &Path) -> Owned {
    let journal = open(folder).await;
    let owned = journal.guilds().owned(&LinkName::new("guilds")).await.unwrap();
    journal.close().await;
    owned
}

fn write_config(folder: &Path, town: &Town, moodle: &Moodle, way: &Way) {
    let Way { concurrency, batch, .. } = way;
    let database = match &moodle.database {
        Some(url) if way.reads_database => format!("[site.ss.database]\nurl = \"{url}\"\n"),
        _ => String::new(),
    };
    let (site, url, token) = (&town.section, moodle.url(town), &moodle.token);
    let text = format!(
        "{site}
[site.ss]
kind = \"moodle\"
url = \"{url}\"
token = \"{token}\"
concurrency = {concurrency}
batch = {batch}
{database}
[link.guilds]
flow = \"guilds\"
from = \"avc\"
to = \"ss\"
prefix = \"Bench \"
machine_name_field = \"field_machine_name\"
"
    );
    let path = folder.join("rollbook.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
