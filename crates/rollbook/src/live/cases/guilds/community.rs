//! A community as Drupal answers for it. Nothing is made there: what is asked is what is there.

use super::stage::{Stage, changes, writes};
use crate::live::Bench;
use crate::live::difference::{Checked, Difference, differs, holds, same, while_doing};
use crate::live::made::Person;
use rollbook_community::client::{DrupalAuth, DrupalError};
use rollbook_community::snapshot::{CommunityError, CommunityQuestion, CommunitySource, OpenCommunity, Part};
use rollbook_core::model::{
    Absence, CanaryAccount, Community, CommunityPerson, Guild, GuildStatus, GuildUuid, Identity, PersonState,
    machine_name,
};
use rollbook_core::policy::UnpublishedRule;
use rollbook_core::run::RunState;
use rollbook_moodle::client::read::UserField;
use rollbook_sync::flows::doctor::{CommunityPatient, Health, examine_community};
use rollbook_sync::flows::guilds::{GuildsQuery, Purpose};
use std::collections::{BTreeMap, BTreeSet};

/// So many guilds and people are asked for one by one.
const SAMPLE: usize = 5;
/// No community has a group of this UUID.
const GONE: &str = "00000000-0000-4000-8000-000000000000";

async fn open(source: &CommunitySource) -> Checked<OpenCommunity> {
    source.open().await.map_err(while_doing("opening the community"))
}

fn question(part: Part) -> CommunityQuestion {
    CommunityQuestion { part, known: BTreeSet::new(), sentinel: None }
}

/// A part of a community, whichever way it is read.
async fn collect(bench: &Bench, community: &OpenCommunity, question: &CommunityQuestion) -> Checked<Community> {
    let snapshot =
        community.collect(question, bench.clock.now()).await.map_err(while_doing("reading the community"))?;
    same("what was withheld", &snapshot.gaps, &Vec::new())?;
    Ok(Community { identity: Identity::Database, ..snapshot.value })
}

/// People who are in a guild and may log in, some of them.
fn sample(community: &Community) -> Vec<CommunityPerson> {
    let active = community.people.values().filter(|person| person.state == PersonState::Active);
    active.filter(|person| person.mail.is_some()).take(SAMPLE).cloned().collect()
}

pub(in crate::live::cases) async fn a_community_says_who_is_reading_and_shows_its_guilds(bench: &Bench) -> Checked {
    let community = open(&bench.community_by_service()?).await?;
    let access = community.access();
    holds("the account is named", access.account.as_deref().is_some_and(|account| !account.is_empty()))?;
    let seen = collect(bench, &community, &question(Part::All)).await?;
    holds("guilds are seen", !seen.guilds.is_empty())?;
    holds("members are seen", seen.people.values().any(|person| person.state == PersonState::Active))?;
    let memberships: usize = seen.guilds.iter().map(|guild| guild.members.len()).sum();
    let blocked = seen.people.values().filter(|person| person.state == PersonState::Blocked).count();
    let unpublished = seen.guilds.iter().filter(|guild| guild.status == GuildStatus::Unpublished).count();
    let version = access.group_version.map_or_else(|| "1 or 2".to_owned(), |version| version.to_string());
    bench.note(format!(
        "Group {version}; {} guilds, {unpublished} of them unpublished; {memberships} memberships of {} people, {blocked} \
         of them blocked",
        seen.guilds.len(),
        seen.people.len()
    ));
    Ok(())
}

pub(in crate::live::cases) async fn a_wrong_login_is_answered_like_any_and_found_out(bench: &Bench) -> Checked {
    // A name that nobody has: so no account is locked by the flood protection.
    let auth = DrupalAuth::Basic { user: format!("{}-nobody", bench.prefix()), password: "wrong".into() };
    match bench.community_as(&auth)?.open().await {
        Err(CommunityError::Site(DrupalError::Anonymous)) => Ok(()),
        other => Err(differs("a wrong login", "nobody in particular".to_owned(), words(other))),
    }
}

pub(in crate::live::cases) async fn a_wrong_secret_is_denied(bench: &Bench) -> Checked {
    let Some(DrupalAuth::OAuth2 { client_id, scope, .. }) = bench.community()?.oauth.clone() else {
        return Err(Difference::Failed { doing: "using a consumer".to_owned(), why: "none was given".to_owned() });
    };
    let auth = DrupalAuth::OAuth2 { client_id, scope, client_secret: "wrong".into() };
    match bench.community_as(&auth)?.open().await {
        Err(CommunityError::Site(DrupalError::Denied { .. })) => Ok(()),
        other => Err(differs("a wrong secret", "a denial".to_owned(), words(other))),
    }
}

fn words(opened: Result<OpenCommunity, CommunityError>) -> String {
    opened.map_or_else(|error| format!("{error:?}"), |open| format!("{:?}", open.access()))
}

pub(in crate::live::cases) async fn an_account_without_rights_is_shown_nobody_and_nothing_is_concluded(
    bench: &Bench,
) -> Checked {
    let all = open(&bench.community_by_service()?).await?;
    let all = collect(bench, &all, &question(Part::All)).await?;
    let person = sample(&all).into_iter().next().map(|person| person.name).unwrap_or_default();
    let published = all.guilds.iter().filter(|guild| guild.status == GuildStatus::Published);
    let known: BTreeSet<GuildUuid> = published.map(|guild| guild.uuid.clone()).collect();
    let weak = bench.community()?.weak.clone();
    let weak = weak.ok_or_else(|| differs("an account without rights", "one".to_owned(), "none".to_owned()))?;
    let community = open(&bench.community_as(&weak)?).await?;
    let asked = CommunityQuestion { part: Part::All, known: known.clone(), sentinel: Some(person) };
    let snapshot = community.collect(&asked, bench.clock.now()).await.map_err(while_doing("reading without rights"))?;
    let seen = snapshot.value;
    same("people seen", &seen.people.len(), &0)?;
    same("the sentinel", &seen.sentinel, &CanaryAccount::Unseen)?;
    let deleted = seen.missing.values().filter(|absence| **absence == Absence::Deleted).count();
    same("guilds taken for deleted", &deleted, &0)?;
    let unseen = known.iter().filter(|uuid| seen.missing.get(*uuid) == Some(&Absence::Denied)).count();
    bench.note(format!("{} guilds are shown without rights, {unseen} are denied by name", seen.guilds.len()));
    holds("each guild is shown or denied", seen.guilds.len() + unseen >= known.len())
}

pub(in crate::live::cases) async fn a_password_and_a_token_show_the_same(bench: &Bench) -> Checked {
    let given = bench.community()?;
    let mut seen = Vec::new();
    for auth in [&given.basic, &given.oauth].into_iter().flatten() {
        let community = open(&bench.community_as(auth)?).await?;
        seen.push(collect(bench, &community, &question(Part::All)).await?);
    }
    same("ways to log in", &seen.len(), &2)?;
    holds("both show the same", seen[0] == seen[1])
}

pub(in crate::live::cases) async fn pages_and_tables_give_the_same_snapshot(bench: &Bench) -> Checked {
    let pages = open(&bench.community_by_service()?).await?;
    let tables = open(&bench.community_by_tables()?).await?;
    same("the module's version", &pages.access().group_version, &tables.access().group_version)?;
    let listed = |list: Result<Vec<Guild>, CommunityError>| list.map_err(while_doing("listing guilds"));
    same("the list of guilds", &listed(pages.list().await)?, &listed(tables.list().await)?)?;
    let all = collect(bench, &tables, &question(Part::All)).await?;
    let people = sample(&all);
    let mut questions = vec![question(Part::All), question(Part::Guild(GuildUuid::new(GONE)))];
    questions.extend(all.guilds.iter().take(SAMPLE).map(|guild| question(Part::Guild(guild.uuid.clone()))));
    let blocked = all.people.values().filter(|person| person.state == PersonState::Blocked).take(1);
    questions.extend(people.iter().chain(blocked).map(|person| {
        let guilds = all.guilds.iter().take(1).map(|guild| guild.uuid.clone()).collect();
        question(Part::Person { person: person.id, guilds })
    }));
    for (number, mut question) in questions.into_iter().enumerate() {
        question.known = BTreeSet::from([GuildUuid::new(GONE)]);
        question.sentinel = people.first().map(|person| person.name.clone());
        let (one, other) = (collect(bench, &pages, &question).await?, collect(bench, &tables, &question).await?);
        holds(&format!("both ways answer question {number} the same"), one == other)?;
    }
    Ok(())
}

pub(in crate::live::cases) async fn a_person_is_found_by_number_name_and_address(bench: &Bench) -> Checked {
    let community = open(&bench.community_by_service()?).await?;
    let all = collect(bench, &community, &question(Part::All)).await?;
    for person in sample(&all) {
        let mail = person.mail.clone().map(|mail| mail.0).unwrap_or_default();
        for word in [person.id.to_string(), person.name.clone(), mail] {
            let found = community.find_person(&word).await.map_err(while_doing("looking for a person"))?;
            holds("the person is found", found.iter().any(|found| found.id == person.id))?;
        }
    }
    let nobody = community.find_person(&format!("{}-nobody", bench.prefix())).await;
    same("people of a name that nobody has", &nobody.map_err(while_doing("looking for nobody"))?.len(), &0)
}

pub(in crate::live::cases) async fn a_guild_that_never_was_counts_as_deleted(bench: &Bench) -> Checked {
    let community = open(&bench.community_by_service()?).await?;
    let gone = GuildUuid::new(GONE);
    let asked = CommunityQuestion { known: BTreeSet::from([gone.clone()]), ..question(Part::Guild(gone.clone())) };
    let seen = collect(bench, &community, &asked).await?;
    same("what became of it", &seen.missing, &BTreeMap::from([(gone, Absence::Deleted)]))
}

pub(in crate::live::cases) async fn the_doctor_finds_nothing_bad_in_a_community(bench: &Bench) -> Checked {
    let source = bench.community_by_service()?;
    let all = collect(bench, &open(&source).await?, &question(Part::All)).await?;
    let person = sample(&all).into_iter().next().map(|person| person.name);
    let patient = CommunityPatient {
        site: "community",
        source: &source,
        sentinel: person.as_deref(),
        name_field: bench.community()?.name_field.as_deref(),
        matches_mail: true,
    };
    let checks = examine_community(&patient, &bench.clock).await;
    for check in checks.iter().filter(|check| check.health == Health::Warning) {
        bench.note(format!("doctor warns about {}: {}", check.name, check.detail));
    }
    let bad: Vec<_> =
        checks.iter().filter(|check| check.health == Health::Bad).map(|check| (&check.name, &check.detail)).collect();
    same("what the doctor finds bad", &bad, &Vec::new())?;
    holds("the doctor looked at everything", checks.len() >= 6)
}

/// The community's own guilds become cohorts: dry, in full, and again for one guild and one person.
pub(in crate::live::cases) async fn its_guilds_become_cohorts(bench: &Bench) -> Checked {
    let mut stage = Stage::new(bench).await?;
    let source = bench.community_by_service()?;
    let all = collect(bench, &open(&source).await?, &question(Part::All)).await?;
    let people = sample(&all);
    let sentinel = people.first().map(|person| person.name.clone());
    stage.read(source, sentinel.clone());
    stage.policy.unpublished = UnpublishedRule::Leave;
    for person in &people {
        accommodate(bench, person).await?;
    }
    let dry = stage.dry_run().await?;
    same("guilds seen", &dry.seen.guilds, &(all.guilds.len() as u64))?;
    same("calls of a dry run that write", &writes(&dry), &0)?;
    let full = stage.sync().await?;
    same("what both would do", &full.plan.digest(), &dry.plan.digest())?;
    holds("cohorts were made", full.counts.cohorts > 0 && full.counts.refused + full.counts.open == 0)?;
    let again = stage.sync().await?;
    same("changes of a second run", &changes(&again), &Vec::new())?;
    let line = again.plan.guilds.iter().find(|line| line.unchanged > 0 && line.cohort.is_some());
    let line = line.ok_or_else(|| differs("guilds with a member in step", "one".to_owned(), "none".to_owned()))?;
    let guild = all.guilds.iter().find(|guild| guild.uuid == line.guild).map(|guild| machine_name(guild).0);
    let guild = stage.run(GuildsQuery::Guild(guild.unwrap_or_default()), Purpose::Apply).await?;
    same("changes of one guild", &changes(&guild), &Vec::new())?;
    for person in &people {
        let one = stage.run(GuildsQuery::Person(person.id.to_string()), Purpose::Apply).await?;
        same("changes of one person", &changes(&one), &Vec::new())?;
    }
    if bench.community()?.database.is_some() {
        stage.read(bench.community_by_tables()?, sentinel);
        let by_tables = stage.sync().await?;
        same("changes once the tables are read", &changes(&by_tables), &Vec::new())?;
        same("people, by both ways", &by_tables.seen, &again.seen)?;
    }
    let ends = [full.state, again.state, guild.state];
    holds("every run ended well", ends.iter().all(|state| matches!(state, RunState::Done | RunState::Partly)))?;
    bench.note(format!(
        "{} cohorts, {} members added; {} calls to Moodle from nothing, {} with nothing to do",
        full.counts.cohorts, full.counts.added, full.counts.calls, again.counts.calls
    ));
    Ok(())
}

/// Sees to it that a member has an account in Moodle.
async fn accommodate(bench: &Bench, member: &CommunityPerson) -> Checked {
    let mail = member.mail.clone().map(|mail| mail.0).unwrap_or_default();
    for spelling in [mail.clone(), mail.to_lowercase()] {
        if !bench.found(UserField::Email, &spelling).await?.is_empty() {
            return Ok(());
        }
    }
    let person = bench.remember(Person { mail, ..bench.person() });
    let made = bench.fixture()?.writer().create_users(&[person.account()]).await;
    made.map(drop).map_err(while_doing("making a member's account"))
}
