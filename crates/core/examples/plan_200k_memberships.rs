//! How long a plan of 200,000 memberships in 2,000 guilds takes, and how much memory: from nothing, with nothing to do, and
//! after a tenth has changed. `cargo run --release -p rollbook-core --example plan_200k_memberships`

#![expect(clippy::print_stdout, reason = "this is what it is for")]

use jiff::Timestamp;
use rollbook_core::guard::{GuildView, check_guilds};
use rollbook_core::matching::Directory;
use rollbook_core::model::{
    Account, Cohort, CohortContext, CohortId, CohortSide, CohortVisibility, Community, CommunityPerson,
    CommunityUserId, GroupId, Guild, GuildMember, GuildPair, GuildStatus, GuildUuid, Identity, LinkName, MachineName,
    Mail, MoodleUserId, NameHints, Owned, PairState, PersonStanding, Sentinel,
};
use rollbook_core::plan::{GuildInputs, GuildPlan, Scope, plan_guilds};
use rollbook_core::policy::GuildPolicy;
use rollbook_core::snapshot::Snapshot;
use std::time::Instant;

const GUILDS: i64 = 2_000;
const MEMBERS_PER_GUILD: i64 = 100;
const PEOPLE: i64 = 50_000;

fn main() {
    let (community, directory) = (community(0), directory());
    let (nothing, empty) = (Snapshot::complete(Timestamp::UNIX_EPOCH, CohortSide::default()), Owned::default());
    plan("from nothing", &community, &nothing, &directory, &empty);
    let (owned, side) = done(&community.value);
    let side = Snapshot::complete(Timestamp::UNIX_EPOCH, side);
    plan("nothing to do", &community, &side, &directory, &owned);
    drop(community);
    plan("a tenth changed", &self::community(MEMBERS_PER_GUILD / 10), &side, &directory, &owned);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM unknown"));
}

fn plan(
    what: &str,
    community: &Snapshot<Community>,
    moodle: &Snapshot<CohortSide>,
    directory: &Directory,
    owned: &Owned,
) -> GuildPlan {
    let (link, scope, policy) = (LinkName::new("avc-ss"), Scope::All, GuildPolicy::default());
    let inputs = GuildInputs { link: &link, scope: &scope, community, moodle, directory, owned, waiting: None };
    let begun = Instant::now();
    let plan = plan_guilds(&inputs, &policy, Timestamp::UNIX_EPOCH);
    let planned = begun.elapsed();
    let view = GuildView { plan: &plan, inputs: &inputs, policy: &policy, now: Timestamp::UNIX_EPOCH };
    let (findings, digest) = (check_guilds(&view), plan.digest());
    println!(
        "{what}: {} changes and {} skips planned in {planned:.1?}, with guard and digest {:.1?} ({} findings, {})",
        plan.changes.len(),
        plan.skips.len(),
        begun.elapsed(),
        findings.len(),
        &digest.0[..12],
    );
    plan
}

fn community(shift: i64) -> Snapshot<Community> {
    let guild = |number: i64| Guild {
        uuid: GuildUuid(format!("{number:08}-0000-4000-8000-000000000000")),
        number: GroupId(number),
        label: format!("Guild {number}"),
        status: GuildStatus::Published,
        hints: NameHints::default(),
        members: (0..MEMBERS_PER_GUILD).map(|index| member(number * 7919 + (index + shift) * 31)).collect(),
    };
    let person = |number: i64| CommunityPerson {
        id: CommunityUserId(number),
        uuid: format!("{number:08}-1111-4000-8000-000000000000"),
        name: format!("user{number}"),
        mail: Some(Mail(format!("user{number}@example.org"))),
        standing: PersonStanding::Active,
    };
    let value = Community {
        guilds: (1..=GUILDS).map(guild).collect(),
        people: (0..PEOPLE).map(|number| (CommunityUserId(number), person(number))).collect(),
        missing: std::collections::BTreeMap::new(),
        identity: Identity::Database,
        sentinel: Sentinel::Seen,
    };
    Snapshot::complete(Timestamp::UNIX_EPOCH, value)
}

fn member(number: i64) -> GuildMember {
    GuildMember { person: CommunityUserId(number % PEOPLE), roles: Vec::new() }
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    for number in 0..PEOPLE {
        directory.add(Account {
            id: MoodleUserId(number + 10),
            username: format!("user{number}"),
            mail: format!("user{number}@example.org"),
            guid: String::new(),
            first_name: "User".into(),
            last_name: number.to_string(),
            suspended: false,
        });
    }
    directory
}

/// A Moodle in which everything is done, and what Rollbook owns then.
fn done(community: &Community) -> (Owned, CohortSide) {
    let (mut owned, mut side) = (Owned::default(), CohortSide::default());
    for guild in &community.guilds {
        let (id, idnumber) = (CohortId(guild.number.0), format!("guild-{}", guild.number));
        let pair = GuildPair {
            cohort: id,
            machine_name: MachineName::new(idnumber.as_str()),
            label: guild.label.clone(),
            state: PairState::Live,
        };
        owned.pairs.insert(guild.uuid.clone(), pair);
        let cohort = Cohort {
            id,
            idnumber,
            name: format!("AVC - {}", guild.label),
            visibility: CohortVisibility::Visible,
            context: Some(CohortContext::System),
            component: String::new(),
        };
        side.cohorts.insert(id, cohort);
        let users = guild.members.iter().map(|member| (MoodleUserId(member.person.0 + 10), Some(member.person)));
        let users: std::collections::BTreeMap<_, _> = users.collect();
        side.members.insert(id, users.keys().copied().collect());
        owned.members.insert(id, users);
    }
    (owned, side)
}
