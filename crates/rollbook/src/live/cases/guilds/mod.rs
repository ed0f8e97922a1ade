//! Guilds as a whole, from a community of our own over HTTP into the site under test.
//!
//! Next: [`stage`], which has the community; `community`, where a real one is asked.

pub(super) mod cohorts;
pub(super) mod community;
pub(super) mod roles;
mod stage;

use super::site::sentinel;
use crate::live::Bench;
use crate::live::difference::{Checked, holds, same, while_doing};
use crate::live::made::Person;
use rollbook_core::model::{CohortContext, GuildRole, MoodleUserId, RoleContext};
use rollbook_core::policy::{Adopt, MemberAccounts, NewMemberRule, RoleGiver, RoleRule};
use rollbook_core::run::RunState;
use rollbook_moodle::client::Function;
use rollbook_sync::flows::doctor::{GuildRights, Health, MoodlePatient, examine_moodle};
use rollbook_sync::flows::guilds::{GuildsQuery, GuildsReport, Purpose};
use stage::{Stage, changes, writes};

/// A guild role of every community.
const MENTOR: &str = "guild-mentor";

fn ended(what: &str, report: &GuildsReport, expected: RunState) -> Checked {
    same(&format!("how {what} ended"), &(report.state, &report.findings), &(expected, &report.findings))
}

/// A guild with so many members, each with an account; gives its number and machine name, and the members.
async fn filled(
    bench: &Bench,
    stage: &Stage<'_>,
    count: usize,
) -> Checked<((i64, String), Vec<(Person, MoodleUserId)>)> {
    let guild = stage.guild();
    let mut people = Vec::new();
    for _ in 0..count {
        let (person, user) = bench.account().await?;
        stage.join(guild.0, &person, &[]);
        people.push((person, user));
    }
    Ok((guild, people))
}

fn ids(people: &[(Person, MoodleUserId)]) -> Vec<MoodleUserId> {
    let mut ids: Vec<_> = people.iter().map(|(_, user)| *user).collect();
    ids.sort_unstable();
    ids
}

pub(super) async fn guilds_become_cohorts_and_a_second_run_writes_nothing(bench: &Bench) -> Checked {
    come_and_stay(bench, Stage::new(bench).await?).await
}

pub(super) async fn guilds_with_the_database_do_the_same(bench: &Bench) -> Checked {
    come_and_stay(bench, Stage::with_database(bench).await?).await
}

/// Two guilds with members, one of whom has no account and one of whom is in both.
async fn come_and_stay(bench: &Bench, stage: Stage<'_>) -> Checked {
    let ((_, one), people) = filled(bench, &stage, 6).await?;
    let (other, second) = stage.guild();
    stage.join(other, &people[0].0, &[]);
    stage.join(other, &bench.person(), &[]);
    let report = stage.sync().await?;
    ended("the first run", &report, RunState::Done)?;
    same("cohorts made, members added", &(report.counts.cohorts, report.counts.added), &(2, 7))?;
    same("members of the one", &stage.members(&one).await?, &ids(&people))?;
    same("members of the other", &stage.members(&second).await?, &vec![people[0].1])?;
    let again = stage.sync().await?;
    same("changes of the second run", &changes(&again), &Vec::new())?;
    same("its calls that write", &writes(&again), &0)?;
    same("unchanged", &again.counts.unchanged, &7)
}

pub(super) async fn a_dry_run_shows_what_the_run_then_does(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let ((_, name), people) = filled(bench, &stage, 3).await?;
    let dry = stage.dry_run().await?;
    same("calls that write", &writes(&dry), &0)?;
    same("cohorts", &stage.cohorts(&name).await?.len(), &0)?;
    let real = stage.sync().await?;
    same("what both would do", &real.plan.digest(), &dry.plan.digest())?;
    same("members", &stage.members(&name).await?, &ids(&people))
}

pub(super) async fn leavers_and_blocked_members_go_and_a_renamed_guild_keeps_its_cohort(bench: &Bench) -> Checked {
    let mut stage = Stage::new(bench).await?;
    stage.policy.limits.exempt_under = 100;
    let ((guild, name), people) = filled(bench, &stage, 5).await?;
    stage.sync().await?;
    let cohort = stage.cohort(&name).await?;
    let (joiner, joined) = bench.account().await?;
    stage.join(guild, &joiner, &[]);
    stage.leave(guild, &people[0].0);
    let renamed = format!("{name}-renamed");
    stage.change(|community| {
        let blocked = community.accounts.values_mut().find(|account| account.name == people[1].0.username);
        blocked.into_iter().for_each(|account| account.active = false);
        let group = community.groups.get_mut(&guild);
        group.into_iter().for_each(|group| group.machine_name = Some(renamed.clone()));
    });
    let report = stage.sync().await?;
    ended("the run", &report, RunState::Done)?;
    same("added and removed", &(report.counts.added, report.counts.removed), &(1, 2))?;
    same("the cohort under its new name", &stage.cohort(&renamed).await?, &cohort)?;
    let mut expected = ids(&people[2..]);
    expected.push(joined);
    expected.sort_unstable();
    same("members", &stage.members(&renamed).await?, &expected)
}

pub(super) async fn one_guild_and_one_person_are_synchronised_alone(bench: &Bench) -> Checked {
    let mut stage = Stage::new(bench).await?;
    stage.policy.limits.exempt_under = 100;
    let ((one, first), people) = filled(bench, &stage, 3).await?;
    let ((_, second), others) = filled(bench, &stage, 2).await?;
    let alone = stage.run(GuildsQuery::Guild(first.clone()), Purpose::Apply).await?;
    ended("one guild's run", &alone, RunState::Done)?;
    same("members of the guild", &stage.members(&first).await?, &ids(&people))?;
    same("cohorts of the other", &stage.cohorts(&second).await?.len(), &0)?;
    stage.sync().await?;
    stage.join(one, &others[0].0, &[]);
    stage.leave(one, &people[0].0);
    let report = stage.run(GuildsQuery::Person(others[0].0.username.clone()), Purpose::Apply).await?;
    same("added and removed for the one", &(report.counts.added, report.counts.removed), &(1, 0))?;
    let report = stage.run(GuildsQuery::Person(people[0].0.mail.clone()), Purpose::Apply).await?;
    same("added and removed for the other", &(report.counts.added, report.counts.removed), &(0, 1))?;
    same("changes of a full run then", &changes(&stage.sync().await?), &Vec::new())
}

pub(super) async fn a_deleted_guild_is_archived(bench: &Bench) -> Checked {
    let mut stage = Stage::new(bench).await?;
    stage.policy.limits.exempt_under = 100;
    let ((guild, name), _) = filled(bench, &stage, 2).await?;
    let ((_, other), people) = filled(bench, &stage, 2).await?;
    stage.sync().await?;
    stage.change(|community| {
        community.groups.remove(&guild);
        community.memberships.retain(|_, row| row.group_id != guild);
    });
    ended("the run", &stage.sync().await?, RunState::Done)?;
    same("members of the archived cohort", &stage.members(&name).await?, &Vec::new())?;
    let found = bench.reader().fetch_cohorts(&[stage.cohort(&name).await?]).await;
    let found = found.map_err(while_doing("reading a cohort"))?;
    same("its visibility", &found[0].visible, &Some(false))?;
    holds("its name is marked", found[0].name.ends_with("(archived)"))?;
    same("members of the other", &stage.members(&other).await?, &ids(&people))
}

pub(super) async fn a_community_that_shows_nobody_removes_nobody(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let ((_, name), people) = filled(bench, &stage, 3).await?;
    stage.sync().await?;
    stage.change(|community| {
        let service = community.service_account();
        service.into_iter().for_each(|account| account.rights.view_memberships = false);
    });
    let report = stage.sync().await?;
    ended("the run", &report, RunState::GuardRefused)?;
    same("calls that write", &writes(&report), &0)?;
    same("members", &stage.members(&name).await?, &ids(&people))
}

pub(super) async fn many_leavers_wait_for_an_approval(bench: &Bench) -> Checked {
    let stage = Stage::new(bench).await?;
    let ((guild, name), people) = filled(bench, &stage, 6).await?;
    stage.sync().await?;
    people[..4].iter().for_each(|(person, _)| stage.leave(guild, person));
    let report = stage.sync().await?;
    ended("the run", &report, RunState::GuardRefused)?;
    same("members while it waits", &stage.members(&name).await?, &ids(&people))?;
    stage.approve(&report).await?;
    let report = stage.sync().await?;
    ended("the approved run", &report, RunState::Done)?;
    same("members", &stage.members(&name).await?, &ids(&people[4..]))
}

pub(super) async fn a_cohort_made_by_hand_is_left_alone_until_it_may_be_adopted(bench: &Bench) -> Checked {
    let mut stage = Stage::new(bench).await?;
    let ((_, name), people) = filled(bench, &stage, 2).await?;
    let cohort = cohorts::make_one(bench, Some(&name)).await?;
    let report = stage.sync().await?;
    same("changes", &changes(&report), &Vec::new())?;
    stage.policy.adopt = Adopt::Any;
    ended("the run", &stage.sync().await?, RunState::Done)?;
    same("the cohort", &stage.cohort(&name).await?, &cohort)?;
    same("members", &stage.members(&name).await?, &ids(&people))
}

pub(super) async fn a_member_without_account_gets_one_when_told_to(bench: &Bench) -> Checked {
    let mut stage = Stage::new(bench).await?;
    let (guild, name) = stage.guild();
    let person = bench.person();
    stage.join(guild, &person, &[]);
    let report = stage.sync().await?;
    same("accounts made unasked", &report.counts.accounts, &0)?;
    stage.policy.accounts =
        MemberAccounts::Create(NewMemberRule { auth: "oauth2".to_owned(), last_name: "-".to_owned() });
    let report = stage.sync().await?;
    ended("the run", &report, RunState::Done)?;
    same("accounts made", &report.counts.accounts, &1)?;
    let found = bench.found(rollbook_moodle::client::read::UserField::Username, &person.username).await?;
    same("members", &stage.members(&name).await?, &found)
}

pub(super) async fn a_role_comes_and_goes_with_the_guilds_that_give_it(bench: &Bench) -> Checked {
    for mut stage in [Stage::new(bench).await?, Stage::with_database(bench).await?] {
        let giver = RoleGiver::Role(GuildRole::new(MENTOR));
        stage.policy.roles = vec![RoleRule { giver, role: roles::role(bench)?, context: RoleContext::System }];
        let (one, other) = (stage.guild().0, stage.guild().0);
        let (person, user) = bench.account().await?;
        let stays = bench.account().await?.0;
        for guild in [one, other] {
            stage.join(guild, &person, &[MENTOR]);
            stage.join(guild, &stays, &[]);
        }
        ended("the first run", &stage.sync().await?, RunState::Done)?;
        same("the role, which two guilds give", &roles::held(bench, user).await?, &1)?;
        stage.leave(one, &person);
        stage.sync().await?;
        same("the role, which one still gives", &roles::held(bench, user).await?, &1)?;
        stage.leave(other, &person);
        stage.sync().await?;
        same("the role, which nobody gives", &roles::held(bench, user).await?, &0)?;
        same("what is left to do", &changes(&stage.sync().await?), &Vec::new())?;
    }
    Ok(())
}

pub(super) async fn the_doctor_finds_nothing_bad_for_guilds(bench: &Bench) -> Checked {
    let functions = [
        Function::Cohorts,
        Function::CohortMembers,
        Function::CreateCohorts,
        Function::UpdateCohorts,
        Function::AddMembers,
        Function::DeleteMembers,
        Function::AssignRoles,
        Function::UnassignRoles,
    ];
    let roles = bench.options.guild_role.map(|role| (role, RoleContext::System)).into_iter().collect();
    let rights = GuildRights { context: CohortContext::System, roles, creates_accounts: true, left_to_moodle: None };
    let patient = MoodlePatient {
        site: "moodle",
        client: &bench.moodle,
        functions: &functions,
        sentinel: sentinel(bench),
        role: None,
        guilds: &[rights],
        database: None,
        input_vars: 900,
        welcomes: false,
    };
    let checks = examine_moodle(&patient, &bench.clock).await;
    for check in checks.iter().filter(|check| check.health == Health::Warning) {
        bench.note(format!("doctor warns about {}: {}", check.name, check.detail));
    }
    let bad: Vec<_> =
        checks.iter().filter(|check| check.health == Health::Bad).map(|check| (&check.name, &check.detail)).collect();
    same("what the doctor finds bad", &bad, &Vec::new())?;
    holds("the doctor looked at cohorts", checks.iter().any(|check| check.name == "may manage cohorts"))
}
