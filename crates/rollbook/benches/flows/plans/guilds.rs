//! Plans of 200,000 memberships in 2,000 guilds: from nothing, with nothing to do, and after a tenth has changed.

use crate::table::{Line, Meter};
use jiff::Timestamp;
use rollbook_core::guard::{GuildView, check_guilds};
use rollbook_core::matching::Directory;
use rollbook_core::model::{
    Account, CanaryAccount, Cohort, CohortContext, CohortId, CohortSide, CohortVisibility, Community, CommunityPerson,
    CommunityUserId, GroupId, Guild, GuildMember, GuildPair, GuildStatus, GuildUuid, Identity, LinkName, MachineName,
    Mail, MoodleUserId, NameHints, Owned, PairState, PersonState,
};
use rollbook_core::plan::{GuildInputs, Scope, plan_guilds};
use rollbook_core::policy::GuildPolicy;
use rollbook_core::snapshot::Snapshot;
use std::hint::black_box;

const GUILDS: i64 = 2_000;
const MEMBERS_PER_GUILD: i64 = 100;
const PEOPLE: i64 = 50_000;

/// Measures each, with guards and digest.
pub fn measure() -> Vec<Line> {
    let (community, directory) = (community(0), directory());
    let (nothing, empty) = (Snapshot::complete(Timestamp::UNIX_EPOCH, CohortSide::default()), Owned::default());
    let first = plan("from nothing", &community, &nothing, &directory, &empty, GUILDS * (MEMBERS_PER_GUILD + 1));
    let (owned, side) = done(&community.value);
    let side = Snapshot::complete(Timestamp::UNIX_EPOCH, side);
    let again = plan("nothing to do", &community, &side, &directory, &owned, 0);
    drop(community);
    let changed = self::community(MEMBERS_PER_GUILD / 10);
    vec![first, again, plan("a tenth changed", &changed, &side, &directory, &owned, GUILDS * MEMBERS_PER_GUILD / 5)]
}

fn plan(
    what: &str,
    community: &Snapshot<Community>,
    moodle: &Snapshot<CohortSide>,
    directory: &Directory,
    owned: &Owned,
    changes: i64,
) -> Line {
    let (link, scope, policy) = (LinkName::new("avc-ss"), Scope::All, GuildPolicy::default());
    let inputs = GuildInputs { link: &link, scope: &scope, community, moodle, directory, owned };
    let meter = Meter::start();
    let plan = plan_guilds(&inputs, &policy, Timestamp::UNIX_EPOCH);
    let view = GuildView { plan: &plan, inputs: &inputs, policy: &policy, now: Timestamp::UNIX_EPOCH };
    black_box((check_guilds(&view), plan.digest()));
    let cost = meter.read();
    assert_eq!(plan.changes.len(), usize::try_from(changes).unwrap(), "every cohort and membership, {what}");
    let records = u64::try_from(GUILDS * MEMBERS_PER_GUILD).unwrap();
    Line { what: format!("a plan of guilds, {what}: {} changes", plan.changes.len()), records, cost }
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
        state: PersonState::Active,
    };
    let value = Community {
        guilds: (1..=GUILDS).map(guild).collect(),
        people: (0..PEOPLE).map(|number| (CommunityUserId(number), person(number))).collect(),
        missing: std::collections::BTreeMap::new(),
        identity: Identity::Database,
        sentinel: CanaryAccount::Seen,
    };
    Snapshot::complete(Timestamp::UNIX_EPOCH, value)
}

fn member(number: i64) -> GuildMember {
    GuildMember { person: CommunityUserId(number % PEOPLE), roles: Vec::new() }
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    for number in 0..PEOPLE {
        // Whoever was not asked about is not known to have no other account.
        directory.asked_mails([format!("user{number}@example.org")]);
        directory.add(Account {
            id: MoodleUserId(number + 10),
            username: format!("user{number}"),
            mail: format!("user{number}@example.org"),
            guid: String::new(),
            first_name: "User".into(),
            last_name: number.to_string(),
            suspended: false,
            confirmed: true,
            auth: String::new(),
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
