//! Roles in the whole site, as the web services give and take them. Only the database shows them.

use crate::live::Bench;
use crate::live::difference::{Checked, Difference, refused, same, while_doing};
use rollbook_core::model::{MoodleUserId, RoleId};
use rollbook_moodle::client::write::{RoleAssignment, RoleContext};
use rollbook_remote::database::Arg;
use std::slice::from_ref;

/// No Moodle has given out so high an id.
const NOBODY: MoodleUserId = MoodleUserId(2_000_000_011);
const HELD: &str = "
    SELECT {int:ra.id} FROM {p}role_assignments ra JOIN {p}context x ON x.id = ra.contextid
    WHERE ra.userid = ? AND ra.roleid = ? AND x.contextlevel = 10";

/// How often somebody has the guilds' role in the whole site, by the database.
pub(super) async fn held(bench: &Bench, user: MoodleUserId) -> Checked<usize> {
    let args = [Arg::Int(user.0), Arg::Int(role(bench)?.0)];
    let rows = bench.database()?.rows("reading roles", HELD, &args).await;
    Ok(rows.map_err(while_doing("reading roles"))?.len())
}

/// The role that guilds give.
pub(super) fn role(bench: &Bench) -> Checked<RoleId> {
    bench.options.guild_role.ok_or_else(|| Difference::Failed {
        doing: "using the guilds' role".to_owned(),
        why: "it was not given".to_owned(),
    })
}

fn in_site(bench: &Bench, user: MoodleUserId) -> Checked<RoleAssignment> {
    Ok(RoleAssignment { role: role(bench)?, user, context: RoleContext::System })
}

pub(in crate::live::cases) async fn a_role_given_twice_is_there_once_and_goes_once(bench: &Bench) -> Checked {
    let (_, user) = bench.account().await?;
    let assignment = in_site(bench, user)?;
    let writer = bench.writer();
    for (what, expected) in [("giving a role", 1), ("giving it again", 1)] {
        writer.assign_roles(from_ref(&assignment)).await.map_err(while_doing(what))?;
        same(what, &held(bench, user).await?, &expected)?;
    }
    for what in ["taking a role", "taking it again"] {
        writer.unassign_roles(from_ref(&assignment)).await.map_err(while_doing(what))?;
        same(what, &held(bench, user).await?, &0)?;
    }
    Ok(())
}

pub(in crate::live::cases) async fn a_role_that_does_not_belong_there_undoes_the_call(bench: &Bench) -> Checked {
    let users = bench.accounts(2).await?;
    // The role of enrolments is one for courses.
    let student = RoleAssignment { role: bench.options.role, ..in_site(bench, users[1])? };
    let answer = bench.writer().assign_roles(&[in_site(bench, users[0])?, student]).await;
    refused("a course's role in the whole site", &["invalidparameter"], answer)?;
    same("the other role of the call", &held(bench, users[0]).await?, &0)
}

pub(in crate::live::cases) async fn a_role_for_nobody_undoes_the_call(bench: &Bench) -> Checked {
    let (_, user) = bench.account().await?;
    let answer = bench.writer().assign_roles(&[in_site(bench, user)?, in_site(bench, NOBODY)?]).await;
    let code = refused("a role for nobody", &["codingerror", "invaliduser", "invalidrecord"], answer)?;
    bench.note(format!("a role for nobody is refused with {code}"));
    same("the other role of the call", &held(bench, user).await?, &0)
}
