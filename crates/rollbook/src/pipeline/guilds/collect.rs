//! Collect: both sites, the community's part, and what of Moodle that part is about.

use super::GuildsFlow;
use super::report::{GuildsError, Seen, Sites};
use crate::clock::Clock;
use crate::sources::community::{CommunityQuestion, OpenCommunity, Part};
use crate::sources::moodle::{
    CohortQuestion, GuildSight, LooksUp, MoodleDatabase, Sentinel, collect_cohorts, look_up, prove_guild_sight,
    read_administrators,
};
use rollbook_core::matching::{Directory, open_lookups};
use rollbook_core::model::{
    CohortSide, Community, GuildPair, GuildUuid, MoodleUserId, Owned, PairState, folded_machine_name, machine_name,
};
use rollbook_core::plan::{GuildChange, GuildInputs, Scope, accounts_to_look_up};
use rollbook_core::policy::{GuildPolicy, RolesBy};
use rollbook_core::snapshot::Snapshot;
use std::collections::BTreeSet;

/// Every Moodle gives its first administrator this id.
const FIRST_ADMINISTRATOR: MoodleUserId = MoodleUserId(2);
/// Each way of matching takes a round of look-ups, and making accounts another.
const ROUNDS_MAX: usize = 8;

/// Both sites, open.
pub struct Open {
    /// The community.
    pub(super) community: OpenCommunity,
    /// Moodle.
    pub(super) sight: GuildSight,
    /// What they said of themselves.
    pub(super) sites: Sites,
}

/// What both sites say, as far as a plan is about it.
pub struct World {
    /// The community.
    pub community: Snapshot<Community>,
    /// Moodle's cohorts.
    pub moodle: Snapshot<CohortSide>,
    /// Moodle's accounts.
    pub directory: Directory,
}

/// Reaches both sites at once.
///
/// # Errors
/// [`GuildsError`] names the site that could not be reached.
pub(super) async fn open(flow: &GuildsFlow, owned: &Owned, clock: &Clock) -> Result<Open, GuildsError> {
    let (community, moodle) = (clock.timer(), clock.timer());
    let open = async {
        let open = flow.community.open().await?;
        Ok::<_, GuildsError>((open, community.elapsed_ms()))
    };
    let prove = async {
        let looks_up = if flow.database.is_some() { LooksUp::ByTables } else { LooksUp::ByServices };
        let sight = prove_guild_sight(&flow.moodle.reader(), &sentinel(flow, owned), looks_up).await?;
        Ok::<_, GuildsError>((sight, moodle.elapsed_ms()))
    };
    let ((community, community_ms), (sight, moodle_ms)) = tokio::try_join!(open, prove)?;
    let (moodle_name, moodle_release) = (sight.name().to_owned(), sight.release().to_owned());
    let sites = Sites { access: community.access().clone(), community_ms, moodle_name, moodle_release, moodle_ms };
    Ok(Open { community, sight, sites })
}

fn sentinel(flow: &GuildsFlow, owned: &Owned) -> Sentinel {
    let met = owned.members.values().flat_map(|members| members.keys()).next();
    match (&flow.moodle_sentinel, met) {
        (Some(word), _) => Sentinel::Named(word.clone()),
        (None, Some(id)) => Sentinel::Account(*id),
        (None, None) => Sentinel::Account(FIRST_ADMINISTRATOR),
    }
}

/// The rules, with those protected whom only the sites know: the token's own account, and the administrators.
///
/// # Errors
/// [`GuildsError`]
pub(super) async fn full_policy(flow: &GuildsFlow, sight: &GuildSight) -> Result<GuildPolicy, GuildsError> {
    let mut policy = flow.policy.clone();
    let mut accounts = vec![sight.service_account()];
    if let Some(database) = &flow.database {
        let administrators = read_administrators(database).await;
        accounts.extend(administrators.map_err(crate::sources::moodle::CohortSourceError::from)?);
    }
    policy.protected = policy.protected.and_accounts(accounts);
    Ok(policy)
}

/// Reads the part of the community that a plan is about.
///
/// # Errors
/// [`GuildsError`]
pub(super) async fn collect_community(
    flow: &GuildsFlow,
    open: &Open,
    owned: &Owned,
    scope: &Scope,
    clock: &Clock,
) -> Result<(Snapshot<Community>, Seen), GuildsError> {
    // A retired cohort counts as long as something in it is owned: its emptying may have been cut short.
    let counts = |pair: &GuildPair| pair.state == PairState::Live || owned.members_of(pair.cohort) > 0;
    let (part, known) = match scope {
        Scope::All => {
            let known = owned.pairs.iter().filter(|(_, pair)| counts(pair)).map(|(uuid, _)| uuid.clone());
            (Part::All, known.collect())
        }
        Scope::Guild(uuid) => (Part::Guild(uuid.clone()), BTreeSet::new()),
        Scope::Person(person) => {
            let has = |cohort| {
                owned.members.get(cohort).is_some_and(|members| members.values().any(|owner| *owner == Some(*person)))
            };
            let paired = owned.pairs.iter().filter(|(_, pair)| has(&pair.cohort)).map(|(uuid, _)| uuid.clone());
            let with_role = owned.assignments.values().flatten().filter(|(_, owner)| **owner == Some(*person));
            let guilds = paired.chain(with_role.map(|(uuid, _)| uuid.clone())).collect();
            (Part::Person { person: *person, guilds }, BTreeSet::new())
        }
    };
    let question = CommunityQuestion { part, known, sentinel: flow.community_sentinel.clone() };
    let community = open.community.collect(&question, clock.now()).await?;
    let memberships = community.value.guilds.iter().map(|guild| guild.members.len() as u64).sum();
    let (guilds, people) = (community.value.guilds.len() as u64, community.value.people.len() as u64);
    Ok((community, Seen { guilds, memberships, people }))
}

/// Reads what of Moodle the community's part is about: cohorts and accounts at once.
///
/// # Errors
/// [`GuildsError`]
pub(super) async fn collect_moodle(
    flow: &GuildsFlow,
    community: Snapshot<Community>,
    owned: &Owned,
    scope: &Scope,
    unfinished: &[GuildChange],
    policy: &GuildPolicy,
    clock: &Clock,
) -> Result<World, GuildsError> {
    let reader = flow.moodle.reader();
    let database = flow.database.clone().map(MoodleDatabase::new);
    let question = cohort_question(&community.value, owned, scope, unfinished, policy);
    let cohorts = collect_cohorts(&reader, database.as_ref(), &question);
    let people = async {
        let mut directory = Directory::default();
        for _ in 0..ROUNDS_MAX {
            let lookups = open_lookups(community.value.people.values(), &directory, policy);
            if !look_up(&reader, database.as_ref(), &lookups, &mut directory).await? {
                break;
            }
        }
        Ok(directory)
    };
    let (side, mut directory) = tokio::try_join!(cohorts, people)?;
    let moodle = Snapshot::complete(clock.now(), side);
    let inputs = GuildInputs {
        link: &flow.link,
        scope,
        community: &community,
        moodle: &moodle,
        directory: &directory,
        owned,
        waiting: None,
    };
    let gone = accounts_to_look_up(&inputs);
    look_up(&reader, database.as_ref(), &gone, &mut directory).await?;
    Ok(World { community, moodle, directory })
}

/// Which cohorts a plan needs to know.
fn cohort_question(
    community: &Community,
    owned: &Owned,
    scope: &Scope,
    unfinished: &[GuildChange],
    policy: &GuildPolicy,
) -> CohortQuestion {
    let in_view: BTreeSet<&GuildUuid> = community.guilds.iter().map(|guild| &guild.uuid).collect();
    let asked = |uuid: &GuildUuid| match scope {
        Scope::All => true,
        Scope::Guild(_) | Scope::Person(_) => {
            in_view.contains(uuid) || matches!(scope, Scope::Guild(only) if only == uuid)
        }
    };
    let pairs = owned.pairs.iter().filter(|(uuid, _)| asked(uuid)).map(|(_, pair)| pair.cohort);
    let mut question = CohortQuestion { pairs: pairs.collect(), ..CohortQuestion::default() };
    if scope.covers_cohorts() {
        for guild in &community.guilds {
            let name = machine_name(guild);
            let pair = owned.pairs.get(&guild.uuid);
            if pair.is_some_and(|pair| pair.machine_name == name) {
                continue;
            }
            let folded = folded_machine_name(name.as_str());
            if pair.is_none() && policy.adopt.covers(&name) {
                question.adoptable.insert(folded.clone());
            }
            question.idnumbers.insert(folded);
        }
    }
    for change in unfinished {
        if let GuildChange::CreateCohort { form, .. } = change {
            let folded = folded_machine_name(form.idnumber.as_str());
            question.idnumbers.insert(folded.clone());
            question.adoptable.insert(folded);
        }
    }
    if policy.roles_by == RolesBy::Rollbook {
        question.roles = policy.roles.iter().map(|rule| (rule.role, rule.context)).collect();
    }
    question.roles.extend(owned.assignments.keys().map(|assignment| (assignment.role, assignment.context)));
    question
}
