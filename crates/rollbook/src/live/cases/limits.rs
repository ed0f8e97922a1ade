//! PHP's limit on form variables, past which it drops the rest: the token, too, so that Moodle refuses the call.

use crate::live::Bench;
use crate::live::difference::{Checked, differs, holds, refused, same, while_doing};
use rollbook_core::model::{MoodleCourseId, MoodleUserId};
use rollbook_moodle::client::read::UserField;
use rollbook_moodle::client::read::WhichEnrolled::All;
use rollbook_moodle::client::write::{Enrolment, EnrolmentState};
use rollbook_moodle::client::{CODE_VARIABLES_DROPPED, MoodleClient};

/// What the client promises to stay below unless it is told otherwise.
const BUDGET: usize = 900;
/// No further than this is looked for the limit.
const TRIED_MAX: usize = 20_000;
/// PHP's own default, what Moodle asks for, and twice that; it reads one variable more than it says.
const USUAL: [usize; 3] = [1_001, 5_001, 10_001];
/// Function, format, raw texts; token.
const FIXED: usize = 4;
/// Role, account, course.
const PER_ENROLMENT: usize = 3;

pub(super) async fn as_many_variables_are_read_as_are_sent(bench: &Bench) -> Checked {
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

pub(super) async fn a_batch_past_phps_limit_is_refused_as_a_whole(bench: &Bench) -> Checked {
    let client = unbounded(bench)?;
    let Some(limit) = find_limit(&client, &own_username(bench).await?).await? else {
        bench.note("no limit was found");
        return Ok(());
    };
    let course = bench.course().await?;
    let users = bench.accounts(2).await?;
    let fits = fill_to(bench, limit, users[0], course.id);
    // A whole item too many, and an item that the limit cuts after its first variable.
    for filled in [limit, limit - 1] {
        let mut batch = fill_to(bench, filled, users[0], course.id);
        batch.push(bench.enrolment(EnrolmentState::Active, users[1], course.id));
        refused("a batch past the limit", &[CODE_VARIABLES_DROPPED], client.writer().enrol(&batch).await)?;
        same("who was enrolled", &bench.listed(course.id, All).await?, &Vec::new())?;
    }
    client.writer().enrol(&fits).await.map_err(while_doing("enrolling up to the limit"))?;
    same("who was enrolled", &bench.listed(course.id, All).await?, &vec![users[0]])
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
