//! Calls at the same moment: what Moodle keeps whole, and what it lets through twice.

use crate::live::Bench;
use crate::live::difference::{Checked, holds, same, while_doing};
use crate::live::made::Person;
use rollbook_moodle::client::MoodleError;
use rollbook_moodle::client::read::UserField;
use rollbook_moodle::client::read::WhichEnrolled::{All, OnlyActive};
use rollbook_moodle::client::write::EnrolmentState;

/// What the loser of a race may be answered.
const LOST: &[&str] = &["dmlwriteexception", "invalidparameter"];

pub(super) async fn one_account_made_twice_at_once_is_one_account(bench: &Bench) -> Checked {
    for _ in 0..5 {
        let person = bench.person();
        let (writer, account) = (bench.writer(), [person.account()]);
        let (one, two) = tokio::join!(writer.create_users(&account), writer.create_users(&account));
        same("calls that made the account", &(usize::from(one.is_ok()) + usize::from(two.is_ok())), &1)?;
        let lost = one.err().or(two.err());
        holds("the other lost", lost.as_ref().and_then(MoodleError::code).is_some_and(|code| LOST.contains(&code)))?;
        same("accounts", &bench.found(UserField::Username, &person.username).await?.len(), &1)?;
    }
    Ok(())
}

pub(super) async fn two_accounts_of_one_guid_at_once_are_both_made(bench: &Bench) -> Checked {
    let one = bench.person();
    let two = Person { guid: one.guid.clone(), ..bench.person() };
    let (writer, one_account, two_account) = (bench.writer(), [one.account()], [two.account()]);
    let (first, second) = tokio::join!(writer.create_users(&one_account), writer.create_users(&two_account));
    first.map_err(while_doing("making the first account of a GUID"))?;
    second.map_err(while_doing("making the second account of a GUID"))?;
    same("accounts of the GUID", &bench.found(UserField::IdNumber, &one.guid).await?.len(), &2)
}

pub(super) async fn one_enrolment_made_thrice_at_once_is_one(bench: &Bench) -> Checked {
    let course = bench.course().await?;
    for user in bench.accounts(5).await? {
        let writer = bench.writer();
        let enrolment = [bench.enrolment(EnrolmentState::Active, user, course.id)];
        let (one, two, three) =
            tokio::join!(writer.enrol(&enrolment), writer.enrol(&enrolment), writer.enrol(&enrolment));
        let answers = [one, two, three];
        holds("somebody enrolled the person", answers.iter().any(Result::is_ok))?;
        let lost = |error: &MoodleError| error.code() == Some("dmlwriteexception");
        holds("the others did or lost", answers.iter().filter_map(|answer| answer.as_ref().err()).all(lost))?;
        let listed = bench.listed(course.id, All).await?;
        same("times among the participants", &listed.iter().filter(|listed| **listed == user).count(), &1)?;
    }
    Ok(())
}

pub(super) async fn crossing_batches_are_done_or_refused_whole(bench: &Bench) -> Checked {
    let course = bench.course().await?;
    let users = bench.accounts(20).await?;
    let forward: Vec<_> = users.iter().map(|user| bench.enrolment(EnrolmentState::Active, *user, course.id)).collect();
    let backward: Vec<_> = forward.iter().rev().copied().collect();
    let writer = bench.writer();
    let (one, two) = tokio::join!(writer.enrol(&forward), writer.enrol(&backward));
    let refused = [one, two].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    holds("a refusal is a lost race", refused.iter().all(MoodleError::is_conflict))?;
    holds("one batch was done", refused.len() < 2)?;
    bench.note(format!("of two crossing batches {} was refused", refused.len()));
    same("active", &bench.listed(course.id, OnlyActive).await?, &users)
}
