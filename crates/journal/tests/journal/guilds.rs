//! What Rollbook owns in Moodle because of guilds.

use crate::world::{World, at, link};
use rollbook_core::model::{
    Assignment, CategoryId, CohortId, CommunityUserId, GuildPair, GuildUuid, MachineName, MoodleUserId, PairState,
    RoleContext, RoleId,
};
use rollbook_core::run::EventKind;
use rollbook_journal::{GuildSync, JournalError, NewEvent, Ownership};
use serde_json::json;

crate::rules! {
    what_is_owned_comes_back_as_it_was_written,
    what_is_not_owned_any_more_is_gone,
    ownership_and_its_events_are_written_together_or_not_at_all,
    many_memberships_are_kept,
}

fn pair(label: &str, cohort: i64) -> GuildPair {
    GuildPair {
        cohort: CohortId(cohort),
        machine_name: MachineName::new(label.to_lowercase()),
        label: label.into(),
        state: PairState::Live,
    }
}

fn role(user: i64) -> Assignment {
    Assignment { user: MoodleUserId(user), role: RoleId(5), context: RoleContext::Category(CategoryId(3)) }
}

fn changes() -> Vec<Ownership> {
    let (web, art) = (GuildUuid::new("u-web"), GuildUuid::new("u-art"));
    vec![
        Ownership::Pair(web.clone(), pair("Web", 42)),
        Ownership::Pair(art.clone(), pair("Art", 43)),
        Ownership::Member(CohortId(42), MoodleUserId(1), Some(CommunityUserId(11))),
        Ownership::Member(CohortId(42), MoodleUserId(2), None),
        Ownership::Member(CohortId(42), MoodleUserId(2), Some(CommunityUserId(12))),
        Ownership::Role(role(1), web, Some(CommunityUserId(11))),
        Ownership::Role(role(1), art, None),
        Ownership::Role(Assignment { context: RoleContext::System, ..role(2) }, GuildUuid::new("u-web"), None),
    ]
}

async fn what_is_owned_comes_back_as_it_was_written(world: World) {
    let (journal, lease, run) = world.started().await;
    for _ in 0..2 {
        journal.guilds().record_ownership(&lease, &run, &changes(), &[], at(1)).await.unwrap();
    }
    let owned = journal.guilds().owned(&link()).await.unwrap();
    assert_eq!(owned.pairs[&GuildUuid::new("u-web")], pair("Web", 42));
    assert_eq!(owned.members[&CohortId(42)][&MoodleUserId(2)], Some(CommunityUserId(12)));
    assert_eq!(owned.members_of(CohortId(42)), 2);
    assert_eq!(owned.assignments.len(), 2);
    assert_eq!(owned.assignments[&role(1)].len(), 2);
    let sync = GuildSync { uuid: GuildUuid::new("u-web"), members: 2, stats: json!({"added": 2}) };
    journal.guilds().record_sync(&lease, &[sync], at(2)).await.unwrap();
    let guilds = journal.guilds().list(&link()).await.unwrap();
    assert_eq!(guilds.len(), 2);
    assert_eq!((guilds[1].members, guilds[1].last_sync, &guilds[1].stats), (2, Some(at(2)), &json!({"added": 2})));
}

async fn what_is_not_owned_any_more_is_gone(world: World) {
    let (journal, lease, run) = world.started().await;
    journal.guilds().record_ownership(&lease, &run, &changes(), &[], at(1)).await.unwrap();
    let (web, art) = (GuildUuid::new("u-web"), GuildUuid::new("u-art"));
    let gone = [
        Ownership::NoMember(CohortId(42), MoodleUserId(1)),
        Ownership::NoRole(role(1), web.clone()),
        Ownership::NoPair(art.clone(), CohortId(43)),
    ];
    journal.guilds().record_ownership(&lease, &run, &gone, &[], at(2)).await.unwrap();
    let owned = journal.guilds().owned(&link()).await.unwrap();
    assert_eq!(owned.members_of(CohortId(42)), 1);
    assert_eq!(owned.assignments[&role(1)].keys().collect::<Vec<_>>(), [&art]);
    assert!(!owned.pairs.contains_key(&art));
    journal.guilds().record_ownership(&lease, &run, &[Ownership::NoPair(web, CohortId(42))], &[], at(3)).await.unwrap();
    assert_eq!(journal.guilds().owned(&link()).await.unwrap().members_of(CohortId(42)), 0);
}

async fn ownership_and_its_events_are_written_together_or_not_at_all(world: World) {
    let (journal, lease, run) = world.started().await;
    journal.leases().acquire(&link(), "two", crate::world::TTL, at(9)).await.unwrap();
    let before = world.events().await;
    let event = NewEvent::of(EventKind::Applied, json!({"change": "add_member"}));
    let error = journal.guilds().record_ownership(&lease, &run, &changes(), &[event], at(9)).await.unwrap_err();
    assert!(matches!(error, JournalError::LeaseLost { .. }));
    assert_eq!(world.events().await, before);
    assert!(journal.guilds().owned(&link()).await.unwrap().pairs.is_empty());
}

async fn many_memberships_are_kept(world: World) {
    let (journal, lease, run) = world.started().await;
    let many: Vec<_> =
        (0..9_000).map(|n| Ownership::Member(CohortId(n % 90), MoodleUserId(n), Some(CommunityUserId(n)))).collect();
    journal.guilds().record_ownership(&lease, &run, &many, &[], at(1)).await.unwrap();
    let owned = journal.guilds().owned(&link()).await.unwrap();
    assert_eq!(owned.members.values().map(|members| members.len()).sum::<usize>(), 9_000);
}
