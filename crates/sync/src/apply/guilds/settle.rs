//! After a refusal that may be another writer's doing, or a missing answer: read the remote record before anything is said.
//!
//! What cannot be seen to be done stays unknown; the next run looks again, and gives credit for what came through late.

use rollbook_core::model::{CohortId, MoodleUserId};
use rollbook_core::run::Outcome;
use rollbook_moodle::client::MoodleReader;
use rollbook_moodle::client::read::UserField;
use std::collections::{BTreeMap, BTreeSet};

/// Moodle's code for a deadlock, a rival writer, and a value that is too long alike.
const CONFLICT: &str = "dmlwriteexception";

/// How a membership should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Present,
    Absent,
}

pub(super) fn in_doubt(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Unknown => true,
        Outcome::Refused { code } => code == CONFLICT,
        Outcome::Done | Outcome::AlreadySo | Outcome::NotTried { .. } => false,
    }
}

/// What is looked at again: what is in doubt, and several removals at once even where Moodle says that they are done. Its answer
/// names nobody; who was lost on the way would stay in the cohort and be nobody's.
fn needs_look(outcome: &Outcome, wanted: Wanted, several: bool) -> bool {
    in_doubt(outcome) || (several && wanted == Wanted::Absent && *outcome == Outcome::Done)
}

/// What a doubtful outcome comes to, once it was seen whether things are as wanted.
pub(super) fn settled(outcome: &Outcome, as_wanted: bool) -> Outcome {
    match (outcome, as_wanted) {
        (Outcome::Done, false) => Outcome::NotTried {
            why: "Moodle took the call and did only a part of it; does PHP read as many variables as the site's input_vars says?"
                .to_owned(),
        },
        (Outcome::Unknown | Outcome::Refused { .. }, true) => Outcome::Done,
        (Outcome::Refused { .. }, false) => Outcome::NotTried {
            why: "Moodle's database refused the write; another writer may have been at work".to_owned(),
        },
        (other, _) => other.clone(),
    }
}

/// Looks whether memberships in doubt are as they should be.
pub(super) async fn settle_members(
    pairs: &[(CohortId, MoodleUserId)],
    wanted: Wanted,
    outcomes: &mut [Outcome],
    reader: &MoodleReader,
) {
    let several = pairs.len() > 1;
    let doubtful = pairs.iter().zip(outcomes.iter()).filter(|(_, outcome)| needs_look(outcome, wanted, several));
    let cohorts: BTreeSet<CohortId> = doubtful.map(|((cohort, _), _)| *cohort).collect();
    if cohorts.is_empty() {
        return;
    }
    let Ok(found) = reader.fetch_cohort_members(&cohorts.into_iter().collect::<Vec<_>>()).await else {
        // Not seen, so not known: the next run looks.
        outcomes.iter_mut().filter(|outcome| needs_look(outcome, wanted, several)).for_each(|outcome| {
            *outcome = if *outcome == Outcome::Done { Outcome::Unknown } else { outcome.clone() };
        });
        return;
    };
    let members: BTreeMap<CohortId, BTreeSet<MoodleUserId>> =
        found.cohorts.into_iter().map(|cohort| (cohort.cohortid, cohort.userids.into_iter().collect())).collect();
    let looked_at = pairs.iter().zip(outcomes.iter_mut());
    for ((cohort, user), outcome) in looked_at.filter(|(_, outcome)| needs_look(outcome, wanted, several)) {
        let present = members.get(cohort).is_some_and(|users| users.contains(user));
        *outcome = settled(outcome, present == (wanted == Wanted::Present));
    }
}

/// Looks for cohorts that may have been made after all, by their idnumbers; one that several have is none.
pub(super) async fn find_cohorts(idnumbers: &BTreeSet<&str>, reader: &MoodleReader) -> BTreeMap<String, CohortId> {
    let mut found = BTreeMap::<String, Vec<CohortId>>::new();
    if !idnumbers.is_empty() {
        for cohort in reader.fetch_all_cohorts().await.unwrap_or_default() {
            if idnumbers.contains(cohort.idnumber.as_str()) {
                found.entry(cohort.idnumber).or_default().push(cohort.id);
            }
        }
    }
    let only = |(idnumber, ids): (String, Vec<CohortId>)| match ids.as_slice() {
        [only] => Some((idnumber, *only)),
        _ => None,
    };
    found.into_iter().filter_map(only).collect()
}

/// Looks for accounts that may have been made after all, by their user names.
pub(super) async fn find_accounts(usernames: Vec<String>, reader: &MoodleReader) -> BTreeMap<String, MoodleUserId> {
    if usernames.is_empty() {
        return BTreeMap::new();
    }
    let found = reader.fetch_users(UserField::Username, &usernames).await.unwrap_or_default();
    found.users.into_iter().filter_map(|user| Some((user.username?, user.id))).collect()
}
