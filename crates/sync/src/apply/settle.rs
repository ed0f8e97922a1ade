//! After a refusal or a missing answer: read the remote record before anything else is said or done.
//!
//! Moodle would take two accounts with one GUID, and an abandoned call may still commit; so what cannot be seen to be done
//! stays unknown, waits, and is planned again from a fresh look.

use super::send::AccountOutcome;
use rollbook_core::model::{Enrolment, MoodleCourseId, MoodleUserId};
use rollbook_core::plan::NewAccount;
use rollbook_core::run::Outcome;
use rollbook_moodle::client::MoodleReader;
use rollbook_moodle::snapshot::{LISTED_FROM, collect_enrolments, find_by_guid};
use std::collections::BTreeSet;

/// Looks whether accounts that were refused or left unanswered are there.
pub(super) async fn settle_accounts(accounts: &[&NewAccount], outcomes: &mut [AccountOutcome], reader: &MoodleReader) {
    let in_doubt = |outcome: &AccountOutcome| matches!(outcome, Err(Outcome::Unknown | Outcome::Refused { .. }));
    let guids = accounts
        .iter()
        .zip(outcomes.iter())
        .filter(|(_, outcome)| in_doubt(outcome))
        .map(|(account, _)| account.guid.clone());
    let guids: Vec<_> = guids.collect();
    if guids.is_empty() {
        return;
    }
    let Ok(directory) = find_by_guid(reader, &guids).await else {
        return;
    };
    for (account, outcome) in accounts.iter().zip(outcomes.iter_mut()).filter(|(_, outcome)| in_doubt(outcome)) {
        let there = directory.with_guid(&account.guid.folded()).unwrap_or_default();
        if let [found] = there.as_slice()
            && account.mail.same_as(&found.mail)
        {
            *outcome = Ok((found.id, *outcome == Err(Outcome::Unknown)));
        }
    }
}

/// Looks whether enrolments that were refused or left unanswered are as they should be (`wanted` is `Active`, or
/// anything else for "not active"). For suspensions it looks at those that went well too, and says who is still active;
/// one that cannot be looked at is not known to be done.
pub(super) async fn settle_enrolments(
    pairs: &[(MoodleUserId, MoodleCourseId)],
    wanted: Enrolment,
    outcomes: &mut [Outcome],
    reader: &MoodleReader,
) -> Vec<bool> {
    let suspending = wanted != Enrolment::Active;
    let in_doubt = |outcome: &Outcome| match outcome {
        Outcome::Unknown => true,
        Outcome::Refused { code } => code == "dmlwriteexception",
        Outcome::Done => suspending,
        Outcome::AlreadySo | Outcome::NotTried { .. } => false,
    };
    let asked: BTreeSet<_> =
        pairs.iter().zip(outcomes.iter()).filter(|(_, outcome)| in_doubt(outcome)).map(|(pair, _)| *pair).collect();
    let unchecked = vec![false; pairs.len()];
    if asked.is_empty() {
        return unchecked;
    }
    let Ok((enrolments, _)) = collect_enrolments(reader, &asked, LISTED_FROM).await else {
        outcomes.iter_mut().for_each(|outcome| {
            if in_doubt(outcome) {
                disbelieve(outcome)
            }
        });
        return unchecked;
    };
    let settle = |(pair, outcome): (&(MoodleUserId, MoodleCourseId), &mut Outcome)| {
        if !in_doubt(outcome) {
            return false;
        }
        let Some(stands) = enrolments.get(pair) else {
            disbelieve(outcome);
            return false;
        };
        let active = *stands == Enrolment::Active;
        match outcome {
            Outcome::Unknown | Outcome::Refused { .. } if active != suspending => *outcome = Outcome::Done,
            // A deadlock or a rival writer: nothing was done, and the next run may try again.
            Outcome::Refused { code } if code == "dmlwriteexception" => {
                *outcome = Outcome::NotTried {
                    why: "Moodle's database refused the write; another writer may have been at work".to_owned(),
                };
            }
            _ => {}
        }
        active && suspending
    };
    pairs.iter().zip(outcomes.iter_mut()).map(settle).collect()
}

/// Moodle's word alone does not do, where it cannot be looked at: PHP may have dropped the tail of the batch in silence.
fn disbelieve(outcome: &mut Outcome) {
    if *outcome == Outcome::Done {
        *outcome = Outcome::Unknown;
    }
}
