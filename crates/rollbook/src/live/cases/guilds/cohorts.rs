//! Cohorts and their members, as the web services keep them.

use super::stage::members;
use crate::live::Bench;
use crate::live::difference::{Checked, differs, holds, refused, same, while_doing};
use rollbook_core::model::{self, CohortId, MoodleUserId};
use rollbook_moodle::client::MoodleError;
use rollbook_moodle::client::read::CohortScope;
use rollbook_moodle::client::wire::WireCohort;
use rollbook_moodle::client::write::{CohortContext, CohortUpdate, MemberOutcome, Membership, NewCohort};
use std::slice::from_ref;

/// No Moodle has given out so high an id.
const NONE: i64 = 2_000_000_011;

/// A cohort of the suite that is not made yet.
fn thought_up(bench: &Bench) -> NewCohort {
    let number = bench.idnumber();
    let prefix = bench.prefix();
    NewCohort {
        context: CohortContext::System,
        name: format!("Live & well “{prefix}” <b>{number}"),
        idnumber: format!("{prefix}-{number}"),
        description: "<p>By the live suite.</p>".to_owned(),
        visible: true,
    }
}

/// Makes cohorts as the service account.
pub(super) async fn make(bench: &Bench, cohorts: &[NewCohort]) -> Checked<Vec<WireCohort>> {
    let made = bench.writer().create_cohorts(cohorts).await.map_err(while_doing("making cohorts"))?;
    bench.made().cohorts.extend(made.iter().map(|cohort| cohort.id));
    Ok(made)
}

/// Makes a cohort of this idnumber.
pub(super) async fn make_one(bench: &Bench, idnumber: Option<&str>) -> Checked<CohortId> {
    let mut new = thought_up(bench);
    if let Some(idnumber) = idnumber {
        idnumber.clone_into(&mut new.idnumber);
    }
    match make(bench, &[new]).await?.as_slice() {
        [only] => Ok(only.id),
        several => Err(differs("cohorts made", "1".to_owned(), several.len().to_string())),
    }
}

async fn read(bench: &Bench, cohort: CohortId) -> Checked<WireCohort> {
    let found = bench.reader().fetch_cohorts(&[cohort]).await.map_err(while_doing("reading a cohort"))?;
    found.into_iter().next().ok_or_else(|| differs("the cohort", "one".to_owned(), "none".to_owned()))
}

pub(in crate::live::cases) async fn a_cohort_is_as_it_was_sent_and_found_in_its_context(bench: &Bench) -> Checked {
    let (shown, hidden) = (thought_up(bench), NewCohort { visible: false, ..thought_up(bench) });
    let made = make(bench, &[shown.clone(), hidden.clone()]).await?;
    for (made, sent) in made.iter().zip([&shown, &hidden]) {
        let found = read(bench, made.id).await?;
        same("the name", &found.name, &sent.name)?;
        same("the idnumber", &found.idnumber, &sent.idnumber)?;
        same("the visibility", &found.visible, &Some(sent.visible))?;
    }
    let in_system = bench.reader().search_cohorts("", CohortScope::System).await;
    let in_system = in_system.map_err(while_doing("searching the system's cohorts"))?;
    holds("both are found in the system", made.iter().all(|made| in_system.iter().any(|it| it.id == made.id)))?;
    let unknown = bench.reader().fetch_cohorts(&[made[0].id, CohortId(NONE)]).await;
    same("cohorts of a known and an unknown id", &unknown.map_err(while_doing("reading cohorts"))?.len(), &1)
}

pub(in crate::live::cases) async fn a_taken_cohort_idnumber_rolls_the_batch_back(bench: &Bench) -> Checked {
    let (taken, other) = (thought_up(bench), thought_up(bench));
    make(bench, from_ref(&taken)).await?;
    let again = NewCohort { idnumber: taken.idnumber.clone(), ..thought_up(bench) };
    let answer = bench.writer().create_cohorts(&[other.clone(), again]).await;
    refused("making a cohort of a taken idnumber", &["invalidparameter"], answer)?;
    let all = bench.reader().fetch_all_cohorts().await.map_err(while_doing("listing cohorts"))?;
    same("cohorts of the first item", &all.iter().filter(|it| it.idnumber == other.idnumber).count(), &0)
}

pub(in crate::live::cases) async fn an_update_may_double_an_idnumber_and_hides_a_cohort(bench: &Bench) -> Checked {
    let (one, two) = (thought_up(bench), thought_up(bench));
    let made = make(bench, &[one.clone(), two]).await?;
    let update = CohortUpdate {
        id: made[1].id,
        context: CohortContext::System,
        name: format!("{} anew", one.name),
        idnumber: one.idnumber.clone(),
        description: Some(String::new()),
        visible: Some(false),
    };
    bench.writer().update_cohorts(&[update]).await.map_err(while_doing("changing a cohort"))?;
    let found = read(bench, made[1].id).await?;
    same("the new name", &found.name, &format!("{} anew", one.name))?;
    same("the visibility", &found.visible, &Some(false))?;
    same("the idnumber, which another has", &found.idnumber, &one.idnumber)
}

pub(in crate::live::cases) async fn a_cohorts_texts_have_their_limits(bench: &Bench) -> Checked {
    let long = |text: &str, length: usize| format!("{text}{}", "x".repeat(length - text.chars().count()));
    let fits = thought_up(bench);
    let fits = NewCohort { name: long(&fits.name, 254), idnumber: long(&fits.idnumber, 100), ..fits };
    make(bench, from_ref(&fits)).await?;
    let plain = thought_up(bench);
    for (what, cohort) in [
        ("a name of 255 characters", NewCohort { name: long(&plain.name, 255), ..plain.clone() }),
        ("an idnumber of 101 characters", NewCohort { idnumber: long(&plain.idnumber, 101), ..plain.clone() }),
    ] {
        refused(what, &["dmlwriteexception"], bench.writer().create_cohorts(&[cohort]).await)?;
    }
    Ok(())
}

pub(in crate::live::cases) async fn a_member_who_cannot_be_added_costs_only_a_warning(bench: &Bench) -> Checked {
    let cohort = make_one(bench, None).await?;
    let users = bench.accounts(3).await?;
    let member = |cohort, user| Membership { cohort, user };
    let list = [
        member(cohort, users[0]),
        member(cohort, MoodleUserId(NONE)),
        member(CohortId(NONE), users[1]),
        member(cohort, users[1]),
        member(cohort, users[0]),
        member(cohort, users[2]),
    ];
    let outcomes = bench.writer().add_members(&list).await.map_err(while_doing("adding members"))?;
    use MemberOutcome::{Added, AlreadySo, CohortMissing, UserMissing};
    same("outcomes", &outcomes, &vec![Added, UserMissing, CohortMissing, Added, AlreadySo, Added])?;
    same("members", &members(bench, cohort).await?, &users)
}

pub(in crate::live::cases) async fn leaving_is_all_or_nothing_and_nobody_need_be_in(bench: &Bench) -> Checked {
    let cohort = make_one(bench, None).await?;
    let users = bench.accounts(3).await?;
    let member = |user| Membership { cohort, user };
    let writer = bench.writer();
    let all: Vec<_> = users[..2].iter().copied().map(member).collect();
    writer.add_members(&all).await.map_err(while_doing("adding members"))?;
    let unknown = writer.delete_members(&[member(users[0]), member(MoodleUserId(NONE))]).await;
    refused("removing an unknown account", &["invaliduser", "invalidrecord"], unknown)?;
    same("members after a refusal", &members(bench, cohort).await?.len(), &2)?;
    let leave = [member(users[0]), member(users[2])];
    writer.delete_members(&leave).await.map_err(while_doing("removing a member and somebody who is none"))?;
    same("members", &members(bench, cohort).await?, &vec![users[1]])
}

pub(in crate::live::cases) async fn a_deleted_account_leaves_its_cohorts_and_cannot_be_removed(
    bench: &Bench,
) -> Checked {
    let cohort = make_one(bench, None).await?;
    let users = bench.accounts(2).await?;
    let list: Vec<_> = users.iter().map(|user| Membership { cohort, user: *user }).collect();
    bench.writer().add_members(&list).await.map_err(while_doing("adding members"))?;
    let deleted = bench.fixture()?.writer().delete_users(&users[..1]).await;
    deleted.map_err(while_doing("deleting an account"))?;
    same("members", &members(bench, cohort).await?, &users[1..].to_vec())?;
    let answer = bench.writer().delete_members(&list[..1]).await;
    refused("removing a deleted account", &["invaliduser", "invalidrecord"], answer).map(drop)
}

pub(in crate::live::cases) async fn one_unknown_cohort_loses_no_other_its_members(bench: &Bench) -> Checked {
    let cohorts = [make_one(bench, None).await?, make_one(bench, None).await?];
    let (_, user) = bench.account().await?;
    let list = [Membership { cohort: cohorts[1], user }];
    bench.writer().add_members(&list).await.map_err(while_doing("adding a member"))?;
    let asked = [cohorts[0], CohortId(NONE), cohorts[1]];
    let found = bench.reader().fetch_cohort_members(&asked).await.map_err(while_doing("reading members"))?;
    same("cohorts that the site does not know", &found.missing, &vec![CohortId(NONE)])?;
    let of = |id: CohortId| found.cohorts.iter().find(|it| it.cohortid == id).map(|it| it.userids.clone());
    same("members of the others", &cohorts.map(of), &[Some(Vec::new()), Some(vec![user])])
}

pub(in crate::live::cases) async fn rights_are_told_by_what_is_always_refused(bench: &Bench) -> Checked {
    let reader = bench.reader();
    let before = reader.fetch_all_cohorts().await.map_err(while_doing("listing cohorts"))?.len();
    same("what stands against cohorts", &reader.probe_create_cohort(model::CohortContext::System).await, &None)?;
    if let Some(role) = bench.options.guild_role {
        let against = reader.probe_assign_role(role, model::RoleContext::System).await;
        same("what stands against giving the role", &against, &None)?;
    }
    let student = reader.probe_assign_role(bench.options.role, model::RoleContext::System).await;
    same("what stands against a course's role", &code(student).as_deref(), &Some("invalidparameter"))?;
    let after = reader.fetch_all_cohorts().await.map_err(while_doing("listing cohorts"))?.len();
    same("cohorts afterwards", &after, &before)
}

pub(in crate::live::cases) async fn a_token_without_rights_may_make_no_cohort_and_give_no_role(
    bench: &Bench,
) -> Checked {
    const NO_RIGHT: [&str; 2] = ["nopermissions", "accessexception"];
    let reader = bench.weak()?.reader();
    let cohort = reader.probe_create_cohort(model::CohortContext::System).await;
    let role = reader.probe_assign_role(bench.options.role, model::RoleContext::System).await;
    for against in [code(cohort), code(role)] {
        let against = against.unwrap_or_default();
        holds("the right is missing, or the function", NO_RIGHT.contains(&against.as_str()))?;
        bench.note(format!("without rights: {against}"));
    }
    Ok(())
}

fn code(error: Option<MoodleError>) -> Option<String> {
    error.as_ref().and_then(MoodleError::code).map(str::to_owned)
}
