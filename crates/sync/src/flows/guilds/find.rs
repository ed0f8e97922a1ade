//! A word of a person → the guild or the person that it means. Doubt is an error that says what it could mean.

use super::report::GuildsError;
use super::{GuildsFlow, GuildsQuery};
use rollbook_community::snapshot::OpenCommunity;
use rollbook_core::model::{CommunityUserId, Guild, GuildUuid, Owned, folded_machine_name, machine_name};
use rollbook_core::plan::Scope;

/// So many close names are told.
const CLOSEST_MAX: usize = 3;
/// How like a name must be to be told, 0 to 1.
const LIKENESS_MIN: f64 = 0.7;

/// What a request is about.
///
/// # Errors
/// [`GuildsError`]
pub(super) async fn find_scope(
    flow: &GuildsFlow,
    community: &OpenCommunity,
    owned: &Owned,
    query: &GuildsQuery,
) -> Result<Scope, GuildsError> {
    match query {
        GuildsQuery::All => Ok(Scope::All),
        GuildsQuery::Guild(word) => Ok(Scope::Guild(guild(community, owned, word).await?)),
        GuildsQuery::Person(word) => person(flow, community, owned, word).await.map(Scope::Person),
    }
}

/// Guilds that have a cohort are known by their names without a question.
async fn guild(community: &OpenCommunity, owned: &Owned, word: &str) -> Result<GuildUuid, GuildsError> {
    let folded = folded_machine_name(word);
    let is_meant = |uuid: &GuildUuid, name: &str| uuid.as_str() == word.trim() || folded_machine_name(name) == folded;
    let mut known = owned.pairs.iter().filter(|(uuid, pair)| is_meant(uuid, pair.machine_name.as_str()));
    if let (Some((uuid, _)), None) = (known.next(), known.next()) {
        return Ok(uuid.clone());
    }
    let guilds = community.list().await?;
    find_guild(&guilds, word).map(|guild| guild.uuid.clone())
}

/// The guild that a word means: by machine name, label, number or UUID.
///
/// # Errors
/// [`GuildsError::NoSuchGuild`], [`GuildsError::SeveralGuilds`]
pub fn find_guild<'a>(guilds: &'a [Guild], word: &str) -> Result<&'a Guild, GuildsError> {
    let folded = folded_machine_name(word);
    let asked = || word.trim().to_owned();
    let ways: [&dyn Fn(&&Guild) -> bool; 4] = [
        &|guild| guild.uuid.as_str() == word.trim(),
        &|guild| folded_machine_name(machine_name(guild).as_str()) == folded,
        &|guild| folded_machine_name(&guild.label) == folded,
        &|guild| guild.number.to_string() == word.trim(),
    ];
    for way in ways {
        let found: Vec<&Guild> = guilds.iter().filter(way).collect();
        match found.as_slice() {
            [] => {}
            [only] => return Ok(only),
            several => {
                let numbers = several.iter().map(|guild| guild.number.to_string()).collect();
                return Err(GuildsError::SeveralGuilds { asked: asked(), numbers });
            }
        }
    }
    Err(GuildsError::NoSuchGuild { asked: asked(), closest: closest(guilds, &folded) })
}

fn closest(guilds: &[Guild], folded: &str) -> Vec<String> {
    let mut names: Vec<(f64, String)> = guilds
        .iter()
        .map(|guild| {
            let name = machine_name(guild);
            let by_label = strsim::jaro_winkler(&folded_machine_name(&guild.label), folded);
            (strsim::jaro_winkler(&folded_machine_name(name.as_str()), folded).max(by_label), name.0)
        })
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .collect();
    names.sort_by(|one, other| other.0.total_cmp(&one.0));
    names.into_iter().take(CLOSEST_MAX).map(|(_, name)| name).collect()
}

/// A number that Rollbook owns something for is known even where the person is gone or hidden.
async fn person(
    flow: &GuildsFlow,
    community: &OpenCommunity,
    owned: &Owned,
    word: &str,
) -> Result<CommunityUserId, GuildsError> {
    let asked = || word.trim().to_owned();
    let mut found = community.find_person(word).await?;
    found.dedup_by_key(|person| person.id);
    match found.as_slice() {
        [only] => Ok(only.id),
        [] => {
            let number = word.trim().parse().ok().map(CommunityUserId);
            let owns = |person: CommunityUserId| {
                owned.members.values().any(|members| members.values().any(|owner| *owner == Some(person)))
            };
            tracing::debug!(link = %flow.link, "the community shows nobody of that name");
            number.filter(|number| owns(*number)).ok_or_else(|| GuildsError::NoSuchPerson { asked: asked() })
        }
        several => {
            let numbers = several.iter().map(|person| person.id.to_string()).collect();
            Err(GuildsError::SeveralPeople { asked: asked(), numbers })
        }
    }
}
