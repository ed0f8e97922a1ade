//! A plan of 200,000 memberships in 2,000 guilds: time and memory, without any network.

use super::{Line, peak_memory_mib};
use rollbook_core::guard::{GuildView, check_guilds};
use rollbook_core::matching::Directory;
use rollbook_core::model::{
    Account, CohortSide, Community, CommunityPerson, CommunityUserId, GroupId, Guild, GuildMember, GuildRole,
    GuildStatus, GuildUuid, Identity, LinkName, Mail, MoodleUserId, NameHints, Owned, PersonStanding, Sentinel,
};
use rollbook_core::plan::{GuildInputs, Scope, plan_guilds};
use rollbook_core::policy::GuildPolicy;
use rollbook_core::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::time::Instant;

const GUILDS: i64 = 2_000;
const PEOPLE: i64 = 50_000;
const MEMBERS: i64 = 100;

/// Plans everything from nothing: the largest plan that such a community can need.
pub fn measure() -> Line {
    let (community, directory) = (community(), directory());
    let before = peak_memory_mib();
    let (link, moodle) =
        (LinkName::new("bench"), Snapshot::complete(jiff::Timestamp::UNIX_EPOCH, CohortSide::default()));
    let (owned, policy, now) = (Owned::default(), GuildPolicy::default(), jiff::Timestamp::UNIX_EPOCH);
    let inputs = GuildInputs {
        link: &link,
        scope: &Scope::All,
        community: &community,
        moodle: &moodle,
        directory: &directory,
        owned: &owned,
        waiting: None,
    };
    let begun = Instant::now();
    let plan = plan_guilds(&inputs, &policy, now);
    let findings = check_guilds(&GuildView { plan: &plan, inputs: &inputs, policy: &policy, now });
    let digest = plan.digest();
    let took = begun.elapsed();
    let memberships = u64::try_from(GUILDS * MEMBERS).unwrap();
    assert_eq!(plan.changes.len() as u64, memberships + GUILDS.unsigned_abs(), "every member and every cohort");
    let what = format!(
        "guilds: a plan of {memberships} memberships in {GUILDS} guilds, with guards ({} findings) and digest {}; peak memory \
         {} MiB, of which the community and the accounts {before} MiB",
        findings.len(),
        &digest.to_string()[..8],
        peak_memory_mib()
    );
    Line { what, records: memberships, took, calls: 0 }
}

fn community() -> Snapshot<Community> {
    let mail = |n: i64| Mail(format!("person.{n}@example.org"));
    let person = |n: i64| CommunityPerson {
        id: CommunityUserId(n),
        uuid: format!("00000000-0000-4000-8000-{n:012}"),
        name: format!("person{n}"),
        mail: Some(mail(n)),
        standing: PersonStanding::Active,
    };
    let people: BTreeMap<_, _> = (1..=PEOPLE).map(|n| (CommunityUserId(n), person(n))).collect();
    let guild = |n: i64| Guild {
        uuid: GuildUuid::new(format!("10000000-0000-4000-8000-{n:012}")),
        number: GroupId(n),
        label: format!("Guild {n}"),
        status: GuildStatus::Published,
        hints: NameHints { field: Some(format!("guild-{n}")), alias: None },
        members: (0..MEMBERS)
            .map(|member| GuildMember {
                person: CommunityUserId(1 + (n * 37 + member * 13) % PEOPLE),
                roles: vec![GuildRole::new("guild-junior")],
            })
            .collect(),
    };
    let value = Community {
        guilds: (1..=GUILDS).map(guild).collect(),
        people,
        missing: BTreeMap::new(),
        identity: Identity::Database,
        sentinel: Sentinel::Seen,
    };
    Snapshot::complete(jiff::Timestamp::UNIX_EPOCH, value)
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    for n in 1..=PEOPLE {
        let mail = format!("person.{n}@example.org");
        directory.asked_mails([mail.clone()]);
        directory.add(Account {
            id: MoodleUserId(n),
            username: mail.clone(),
            mail,
            guid: String::new(),
            first_name: "Person".to_owned(),
            last_name: n.to_string(),
            suspended: false,
        });
    }
    directory
}
