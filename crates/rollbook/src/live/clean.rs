//! Removes what a case made, as far as the suite itself can have made it.
//!
//! It must never delete an account, a course or a cohort without the suite's prefix in its name, whatever a look-up answers.

use super::bench::Bench;
use super::made::Made;
use rollbook_core::model::{CohortId, MoodleUserId};
use rollbook_moodle::client::read::UserField;
use rollbook_moodle::client::wire::{WireCohort, WireUser};
use rollbook_moodle::client::{Function, MoodleClient, MoodleError};
use std::collections::BTreeSet;

impl Bench {
    /// Removes what the last case made; gives its notes, and what could not be removed.
    pub(super) async fn clean_up(&self) -> (Vec<String>, Vec<String>) {
        let Made { people, courses, cohorts, notes, .. } = {
            let numbers = self.made().numbers;
            std::mem::replace(&mut *self.made(), Made { numbers, ..Made::default() })
        };
        let Some(fixture) = &self.fixture else { return (notes, Vec::new()) };
        let mut left = self.delete_cohorts(fixture, cohorts.into_iter().collect()).await;
        // Courses first: an account leaves them by itself, a course takes longer the fuller it is.
        let courses: Vec<_> = courses.into_iter().collect();
        for part in courses.chunks(fixture.items_max(Function::DeleteCourses)) {
            match fixture.writer().delete_courses(part).await {
                Ok(warnings) => left.extend(warnings.into_iter().map(|code| format!("a course was left: {code}"))),
                Err(error) => left.push(format!("courses {part:?} were not deleted: {error}")),
            }
        }
        let mut found = BTreeSet::new();
        for (field, values) in [
            (UserField::IdNumber, people.iter().map(|person| person.guid.clone()).collect::<Vec<_>>()),
            (UserField::Username, people.iter().map(|person| person.username.clone()).collect()),
            (UserField::Email, people.iter().map(|person| person.mail.to_lowercase()).collect()),
        ] {
            match self.find_ours(fixture, field, &values).await {
                Ok(ids) => found.extend(ids),
                Err(error) => left.push(format!("accounts of the case were not found: {error}")),
            }
        }
        let found: Vec<_> = found.into_iter().collect();
        for part in found.chunks(fixture.items_max(Function::DeleteUsers)) {
            if let Err(error) = fixture.writer().delete_users(part).await {
                left.push(format!("accounts {part:?} were not deleted: {error}"));
            }
        }
        (notes, left)
    }

    /// Deletes cohorts, those alone that have the suite's prefix; gives what could not be deleted.
    async fn delete_cohorts(&self, fixture: &MoodleClient, made: Vec<CohortId>) -> Vec<String> {
        let found = match fixture.reader().fetch_cohorts(&made).await {
            Ok(found) => found,
            Err(error) => return vec![format!("cohorts of the case were not found: {error}")],
        };
        let has_prefix =
            |cohort: &WireCohort| [&cohort.name, &cohort.idnumber].iter().any(|it| it.contains(self.prefix()));
        let (ours, strange): (Vec<_>, Vec<_>) = found.into_iter().partition(has_prefix);
        let ours: Vec<CohortId> = ours.into_iter().map(|cohort| cohort.id).collect();
        let mut left: Vec<String> =
            strange.into_iter().map(|cohort| format!("cohort {} has not the suite's prefix", cohort.id)).collect();
        for part in ours.chunks(fixture.items_max(Function::DeleteCohorts)) {
            if let Err(error) = fixture.writer().delete_cohorts(part).await {
                left.push(format!("cohorts {part:?} were not deleted: {error}"));
            }
        }
        left
    }

    async fn find_ours(
        &self,
        fixture: &MoodleClient,
        field: UserField,
        values: &[String],
    ) -> Result<Vec<MoodleUserId>, MoodleError> {
        let found = fixture.reader().fetch_users(field, values).await?;
        Ok(found.users.into_iter().filter(|user| self.is_ours(user)).map(|user| user.id).collect())
    }

    fn is_ours(&self, user: &WireUser) -> bool {
        let has_prefix =
            |text: &Option<String>| text.as_ref().is_some_and(|text| text.to_lowercase().contains(self.prefix()));
        !user.looks_deleted() && (has_prefix(&user.username) || has_prefix(&user.email))
    }
}
