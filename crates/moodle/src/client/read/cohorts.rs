//! Cohorts and their members.
//!
//! It must never find a cohort by idnumber where an id is known: idnumbers can be double. Next: `../write/cohorts.rs`.

use super::super::batch::read_halving;
use super::super::error::MoodleError;
use super::super::form::Form;
use super::super::function::Function;
use super::super::wire::{WireCohort, WireCohortList, WireCohortMembers};
use super::MoodleReader;
use futures_util::future::try_join_all;
use rollbook_core::model::CohortId;

/// Where a search for cohorts looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CohortScope {
    /// The system context alone.
    System,
    /// Every context.
    Everywhere,
}

/// The members of cohorts, and the cohorts that are gone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CohortMembersFound {
    /// One entry a cohort found.
    pub cohorts: Vec<WireCohortMembers>,
    /// Cohorts that Moodle does not know.
    pub missing: Vec<CohortId>,
}

impl MoodleReader {
    /// The cohorts of these ids, unknown ones left out; no call for none. One form variable each.
    ///
    /// # Errors
    /// [`MoodleError`]; one cohort in a context that the token may not read fails all.
    pub async fn fetch_cohorts(&self, ids: &[CohortId]) -> Result<Vec<WireCohort>, MoodleError> {
        let parts = ids.chunks(self.client.items_max(Function::Cohorts)).map(|part| async move {
            let form = make_list(part);
            self.client.read::<Vec<WireCohort>>(Function::Cohorts, part.len(), &form).await
        });
        Ok(try_join_all(parts).await?.into_iter().flatten().collect())
    }

    /// All cohorts of the site, 0.2 ms each.
    ///
    /// # Errors
    /// As [`Self::fetch_cohorts`].
    pub async fn fetch_all_cohorts(&self) -> Result<Vec<WireCohort>, MoodleError> {
        self.client.read(Function::Cohorts, 0, &Form::new()).await
    }

    /// Cohorts in whose name, idnumber or description `query` stands; all for an empty query. Compare again.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn search_cohorts(&self, query: &str, scope: CohortScope) -> Result<Vec<WireCohort>, MoodleError> {
        let mut form = Form::new();
        let includes = match scope {
            CohortScope::System => "self",
            CohortScope::Everywhere => "all",
        };
        form.add("query", query).add("context[contextlevel]", "system").add("context[instanceid]", 0);
        // 0 means all; Moodle's default is the first 25.
        form.add("includes", includes).add("limitfrom", 0).add("limitnum", 0);
        let answer: WireCohortList = self.client.read(Function::SearchCohorts, 0, &form).await?;
        Ok(answer.cohorts)
    }

    /// The members of these cohorts, several calls at a time; no call for none. One form variable a cohort, 0.03 ms a
    /// member. One unknown cohort loses Moodle the whole call, so that the list is halved around it.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn fetch_cohort_members(&self, ids: &[CohortId]) -> Result<CohortMembersFound, MoodleError> {
        let chunk_len = self.client.chunk_len(Function::CohortMembers, ids.len());
        let parts = ids.chunks(chunk_len).map(|chunk| {
            read_halving(chunk, is_unknown_cohort, |part| async move {
                let form = make_list(part);
                self.client.read::<Vec<WireCohortMembers>>(Function::CohortMembers, part.len(), &form).await
            })
        });
        let mut found = CohortMembersFound::default();
        for (cohorts, missing) in try_join_all(parts).await? {
            found.cohorts.extend(cohorts);
            found.missing.extend(missing.into_iter().map(|(id, _)| *id));
        }
        Ok(found)
    }
}

fn make_list(ids: &[CohortId]) -> Form {
    let mut form = Form::new();
    for (index, id) in ids.iter().enumerate() {
        form.add_value("cohortids", index, id);
    }
    form
}

fn is_unknown_cohort(error: &MoodleError) -> bool {
    matches!(error, MoodleError::Refused { code, .. } if code == "invalidrecord")
}
