//! Collect: both sites, the community's part, and what of Moodle that part is about.

use super::GuildsFlow;
use super::report::{CommunitySite, GuildsError, MoodleSite, Seen, Sites, Watch};
use crate::engine::FIRST_ADMINISTRATOR;
use rollbook_clock::Clock;
use rollbook_community::snapshot::{AmbiguityQuery, CommunityQuestion, OpenCommunity, Part};
use rollbook_core::matching::{Directory, MemberMatch, match_member, open_lookups};
use rollbook_core::model::{
    CohortSide, Community, GuildPair, GuildUuid, Owned, PairState, folded_machine_name, machine_name,
};
use rollbook_core::plan::{GuildChange, GuildInputs, Scope, accounts_to_look_up};
use rollbook_core::policy::{GuildPolicy, MatchKey, RolesBy};
use rollbook_core::snapshot::Snapshot;
use rollbook_moodle::client::MoodleReader;
use rollbook_moodle::snapshot::{
    AccountLookup, CanaryAccount, CohortQuery, CohortSourceError, GuildPreflight, MoodleDatabase, collect_cohorts,
    look_up, run_guild_preflight,
};
use std::collections::BTreeSet;

/// Each way of matching takes a round of look-ups, and making accounts another.
const ROUNDS_MAX: usize = 8;

/// Both sites, open.
pub struct Open {
    /// The community.
    pub(super) community: OpenCommunity,
    /// Moodle.
    pub(super) preflight: GuildPreflight,
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

/// Reaches both sites at once; each is told as it answers, or does not.
///
/// # Errors
/// [`GuildsError`] of the first site that could not be reached.
pub(super) async fn open(
    flow: &GuildsFlow,
    owned: &Owned,
    clock: &Clock,
    watch: &mut (dyn FnMut(Watch<'_>) + Send),
) -> Result<Open, GuildsError> {
    let (first, second) = (clock.timer(), clock.timer());
    let community = async {
        let community = flow.community.open().await?;
        let site = CommunitySite { access: community.access().clone(), answered_ms: first.elapsed_ms() };
        Ok::<_, GuildsError>((community, site))
    };
    let moodle = async {
        let looks_up = if flow.database.is_some() { AccountLookup::ByTables } else { AccountLookup::ByServices };
        let preflight = run_guild_preflight(&flow.moodle.reader(), &sentinel(flow, owned), looks_up).await?;
        let (name, release) = (preflight.name().to_owned(), preflight.release().to_owned());
        let site = MoodleSite { name, release, answered_ms: second.elapsed_ms() };
        Ok::<_, GuildsError>((preflight, site))
    };
    let (community, moodle) = tokio::join!(community, moodle);
    watch(Watch::Community(community.as_ref().map(|(_, site)| site)));
    watch(Watch::Moodle(moodle.as_ref().map(|(_, site)| site)));
    let ((community, theirs), (preflight, ours)) = (community?, moodle?);
    Ok(Open { community, preflight, sites: Sites { community: theirs, moodle: ours } })
}

fn sentinel(flow: &GuildsFlow, owned: &Owned) -> CanaryAccount {
    let met = owned.members.values().flat_map(|members| members.keys()).next();
    match (&flow.moodle_sentinel, met) {
        (Some(word), _) => CanaryAccount::Named(word.clone()),
        (None, Some(id)) => CanaryAccount::Account(*id),
        (None, None) => CanaryAccount::Account(FIRST_ADMINISTRATOR),
    }
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
    let mut community = open.community.collect(&question, clock.now()).await?;
    for guild in &mut community.value.guilds {
        guild.hints.kept = owned.pairs.get(&guild.uuid).map(|pair| pair.machine_name.0.clone());
    }
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
    (open, mut community): (&OpenCommunity, Snapshot<Community>),
    owned: &Owned,
    scope: &Scope,
    unfinished: &[GuildChange],
    policy: &GuildPolicy,
    clock: &Clock,
) -> Result<World, GuildsError> {
    let reader = flow.moodle.reader();
    let database = flow.database.clone().map(MoodleDatabase::new);
    let question = cohort_question(&community.value, owned, scope, unfinished, policy);
    let cohorts = async { Ok(collect_cohorts(&reader, database.as_ref(), &question).await?) };
    let people = async {
        let mut directory = Directory::default();
        look_up_all(&reader, database.as_ref(), &community.value, policy, &mut directory).await?;
        if *scope == Scope::All {
            return Ok((directory, Vec::new()));
        }
        let ambiguous_matches =
            open.find_ambiguous_matches(&ambiguity_query(&community.value, &directory, policy)).await?;
        Ok::<_, GuildsError>((directory, ambiguous_matches))
    };
    let (side, (mut directory, ambiguous_matches)) = tokio::try_join!(cohorts, people)?;
    if !ambiguous_matches.is_empty() {
        community.value.people.extend(ambiguous_matches.into_iter().map(|person| (person.id, person)));
        look_up_all(&reader, database.as_ref(), &community.value, policy, &mut directory).await?;
    }
    let moodle = Snapshot::complete(clock.now(), side);
    let inputs =
        GuildInputs { link: &flow.link, scope, community: &community, moodle: &moodle, directory: &directory, owned };
    let gone = accounts_to_look_up(&inputs);
    look_up(&reader, database.as_ref(), &gone, &mut directory).await?;
    Ok(World { community, moodle, directory })
}

/// Looks up everybody's account, way by way.
async fn look_up_all(
    reader: &MoodleReader,
    database: Option<&MoodleDatabase>,
    community: &Community,
    policy: &GuildPolicy,
    directory: &mut Directory,
) -> Result<(), CohortSourceError> {
    for _ in 0..ROUNDS_MAX {
        let lookups = open_lookups(community.people.values(), directory, policy);
        if !look_up(reader, database, &lookups, directory).await? {
            break;
        }
    }
    Ok(())
}

/// What the accounts of a part's people could be claimed by: one that fits somebody outside that part too is in doubt.
fn ambiguity_query(community: &Community, directory: &Directory, policy: &GuildPolicy) -> AmbiguityQuery {
    let mut question =
        AmbiguityQuery { known: community.people.keys().copied().collect(), ..AmbiguityQuery::default() };
    for person in community.people.values() {
        let MemberMatch::Found { account, .. } = match_member(person, directory, policy) else { continue };
        for key in &policy.match_by {
            match key {
                MatchKey::Mail => drop(question.mails.insert(account.mail.to_lowercase())),
                MatchKey::Username => drop(question.names.insert(account.username.to_lowercase())),
                // Numbers and UUIDs are nobody else's.
                MatchKey::Idnumber(_) => {}
            }
        }
    }
    question
}

/// Which cohorts a plan needs to know.
fn cohort_question(
    community: &Community,
    owned: &Owned,
    scope: &Scope,
    unfinished: &[GuildChange],
    policy: &GuildPolicy,
) -> CohortQuery {
    let in_view: BTreeSet<&GuildUuid> = community.guilds.iter().map(|guild| &guild.uuid).collect();
    let asked = |uuid: &GuildUuid| match scope {
        Scope::All => true,
        Scope::Guild(_) | Scope::Person(_) => {
            in_view.contains(uuid) || matches!(scope, Scope::Guild(only) if only == uuid)
        }
    };
    let pairs = owned.pairs.iter().filter(|(uuid, _)| asked(uuid)).map(|(_, pair)| pair.cohort);
    let mut question = CohortQuery { pairs: pairs.collect(), ..CohortQuery::default() };
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
