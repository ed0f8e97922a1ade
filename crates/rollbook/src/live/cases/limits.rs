//! PHP's limit on form variables, past which it drops the rest and Moodle answers as if all were well.

use crate::clients::moodle::MoodleClient;
use crate::clients::moodle::read::UserField;
use crate::clients::moodle::read::WhichEnrolled::All;
use crate::clients::moodle::write::{Enrolment, EnrolmentState};
use crate::live::Bench;
use crate::live::difference::{Checked, differs, holds, refused, same, while_doing};
use rollbook_core::model::{MoodleCourseId, MoodleUserId};

/// What the client promises to stay below unless it is told otherwise.
const BUDGET: usize = 900;
/// No further than this is looked for the limit.
const TRIED_MAX: usize = 20_000;
/// PHP's own default, what Moodle asks for, and twice that; it reads one variable more than it says.
const USUAL: [usize; 3] = [1_001, 5_001, 10_001];
/// Token, function, format, raw texts.
const FIXED: usize = 4;
/// Role, account, course.
const PER_ENROLMENT: usize = 3;

pub(super) async fn values_past_phps_limit_are_dropped_in_silence(bench: &Bench) -> Checked {
    let client = unbounded(bench)?;
    let username = own_username(bench).await?;
    let reads = |variables: usize| {
        let (client, username) = (&client, &username);
        async move { client.reader().reads_variables(variables, username).await.map_err(while_doing("sending many values")) }
    };
    holds("the budget of 900 variables is read whole", reads(BUDGET).await?)?;
    match find_limit(&client, &username).await? {
        Some(limit) => bench.note(format!("PHP reads {limit} form variables")),
        None => bench.note(format!("PHP reads {TRIED_MAX} form variables and more")),
    }
    Ok(())
}

pub(super) async fn enrolments_past_phps_limit_are_lost_in_silence(bench: &Bench) -> Checked {
    let client = unbounded(bench)?;
    let Some(limit) = find_limit(&client, &own_username(bench).await?).await? else {
        bench.note("no limit was found");
        return Ok(());
    };
    let course = bench.course().await?;
    let users = bench.accounts(2).await?;
    let mut batch = fill_to(bench, limit, users[0], course.id);
    batch.push(bench.enrolment(EnrolmentState::Active, users[1], course.id));
    client.writer().enrol(&batch).await.map_err(while_doing("enrolling past the limit"))?;
    same("who was enrolled", &bench.listed(course.id, All).await?, &vec![users[0]])
}

pub(super) async fn an_item_cut_by_phps_limit_undoes_the_call(bench: &Bench) -> Checked {
    let client = unbounded(bench)?;
    let Some(limit) = find_limit(&client, &own_username(bench).await?).await? else {
        bench.note("no limit was found");
        return Ok(());
    };
    let course = bench.course().await?;
    let users = bench.accounts(2).await?;
    // One variable less than the limit is filled, so that it falls after the first of the last item.
    let mut batch = fill_to(bench, limit - 1, users[0], course.id);
    batch.push(bench.enrolment(EnrolmentState::Active, users[1], course.id));
    refused("a batch cut within an item", &["invalidparameter"], client.writer().enrol(&batch).await)?;
    same("who was enrolled", &bench.listed(course.id, All).await?, &Vec::new())
}

/// A client without our own limits.
fn unbounded(bench: &Bench) -> Checked<MoodleClient> {
    bench.client_with(|options| {
        options.input_vars_max = 2 * TRIED_MAX;
        options.batch_max = 2 * TRIED_MAX;
    })
}

/// Enrolments of one person, again and again, that take exactly so many variables.
fn fill_to(bench: &Bench, variables: usize, user: MoodleUserId, course: MoodleCourseId) -> Vec<Enrolment> {
    let room = variables - FIXED;
    let suspended = room % PER_ENROLMENT;
    let state = |index| if index < suspended { EnrolmentState::Suspended } else { EnrolmentState::Active };
    (0..room / PER_ENROLMENT).map(|index| bench.enrolment(state(index), user, course)).collect()
}

/// The most variables that PHP reads; `None` where it reads more than are tried.
async fn find_limit(client: &MoodleClient, username: &str) -> Checked<Option<usize>> {
    let (mut read, mut dropped) = (BUDGET, TRIED_MAX);
    let reads = |variables| async move {
        client.reader().reads_variables(variables, username).await.map_err(while_doing("sending many values"))
    };
    for usual in USUAL {
        if !reads(usual).await? {
            dropped = usual;
            break;
        }
        if !reads(usual + 1).await? {
            return Ok(Some(usual));
        }
        read = usual + 1;
    }
    if dropped == TRIED_MAX && reads(dropped).await? {
        return Ok(None);
    }
    while dropped - read > 1 {
        let middle = usize::midpoint(read, dropped);
        if reads(middle).await? {
            read = middle;
        } else {
            dropped = middle;
        }
    }
    Ok(Some(read))
}

async fn own_username(bench: &Bench) -> Checked<String> {
    let info = bench.reader().fetch_site_info().await.map_err(while_doing("asking the site"))?;
    let own = bench.reader().fetch_users(UserField::Id, &[info.userid.to_string()]).await;
    let own = own.map_err(while_doing("looking the service account up"))?;
    let username = own.users.into_iter().next().and_then(|user| user.username);
    username.ok_or_else(|| differs("the service account", "its user name".to_owned(), "none".to_owned()))
}
