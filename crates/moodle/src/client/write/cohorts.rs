//! Cohorts and their members.
//!
//! It must never address a cohort by idnumber: there can be two. Two calls at a time on one cohort can deadlock, or make
//! two cohorts of one idnumber: the caller keeps one writer a cohort.

use super::super::call::{Form, flag};
use super::super::error::MoodleError;
use super::super::function::Function;
use super::super::wire::{WireCohort, WireWarning, WireWarnings};
use super::MoodleWriter;
use rollbook_core::model::{CohortId, MoodleUserId};
use rollbook_remote::words::Words;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CohortContext {
    System,
    /// A course category, by id.
    Category(i64),
    /// A course category, by idnumber.
    CategoryIdNumber(String),
}

impl CohortContext {
    /// `categorytype[type]` and `[value]`; the value is a required key even where it means nothing.
    fn make_pair(&self) -> (&'static str, String) {
        match self {
            Self::System => ("system", String::new()),
            Self::Category(id) => ("id", id.to_string()),
            Self::CategoryIdNumber(idnumber) => ("idnumber", idnumber.clone()),
        }
    }
}

/// A cohort to be made: 6 form variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCohort {
    pub context: CohortContext,
    /// At most 254 characters.
    pub name: String,
    /// At most 100 characters, unique on the site without regard to case (by code, not by an index).
    pub idnumber: String,
    pub description: String,
    pub visible: bool,
}

/// A change of a cohort: 5 to 7 form variables. Everything that is not optional must be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CohortUpdate {
    pub id: CohortId,
    /// Another context moves the cohort, and the present one cannot be read back.
    pub context: CohortContext,
    /// The name from now on; not blank.
    pub name: String,
    /// The idnumber from now on. Moodle does not check that it is unique here.
    pub idnumber: String,
    pub description: Option<String>,
    pub visible: Option<bool>,
}

/// Someone's place in a cohort: 4 form variables to add, 2 to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership {
    pub cohort: CohortId,
    pub user: MoodleUserId,
}

/// What became of one membership to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberOutcome {
    Added,
    /// Was one already (also the second of two equal items).
    AlreadySo,
    /// There is no such cohort.
    CohortMissing,
    /// There is no such account, or it is deleted.
    UserMissing,
    /// Moodle warned in words that name none of the items: re-read this membership.
    Unclear(Words),
}

impl MoodleWriter {
    /// Makes cohorts, all or none; gives them as made, in the order asked. A repeat is refused (`invalidparameter`).
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn create_cohorts(&self, cohorts: &[NewCohort]) -> Result<Vec<WireCohort>, MoodleError> {
        if cohorts.is_empty() {
            return Ok(Vec::new());
        }
        let mut form = Form::new();
        for (index, NewCohort { context, name, idnumber, description, visible }) in cohorts.iter().enumerate() {
            fill_context(&mut form, index, context);
            form.add_field("cohorts", index, "name", name)
                .add_field("cohorts", index, "idnumber", idnumber)
                .add_field("cohorts", index, "description", description)
                .add_field("cohorts", index, "visible", flag(*visible));
        }
        let made: Vec<WireCohort> = self.client.write(Function::CreateCohorts, cohorts.len(), &form).await?;
        if made.len() != cohorts.len() {
            let excerpt = format!("{} new cohorts for {} asked", made.len(), cohorts.len());
            return Err(MoodleError::Malformed { excerpt });
        }
        Ok(made)
    }

    /// Changes cohorts, all or none. A repeat changes nothing.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn update_cohorts(&self, updates: &[CohortUpdate]) -> Result<Vec<()>, MoodleError> {
        self.write_unanswered(Function::UpdateCohorts, updates, |form, index, update| {
            let CohortUpdate { id, context, name, idnumber, description, visible } = update;
            form.add_field("cohorts", index, "id", id);
            fill_context(form, index, context);
            form.add_field("cohorts", index, "name", name).add_field("cohorts", index, "idnumber", idnumber);
            form.add_optional("cohorts", index, "description", description.as_ref());
            form.add_optional("cohorts", index, "visible", visible.map(flag));
        })
        .await
    }

    /// Deletes cohorts with their memberships, all or none.
    ///
    /// # Errors
    /// [`MoodleError`]; `invalidrecord` for one that is gone already.
    pub async fn delete_cohorts(&self, ids: &[CohortId]) -> Result<Vec<()>, MoodleError> {
        self.write_unanswered(Function::DeleteCohorts, ids, |form, index, id| {
            form.add_value("cohortids", index, id);
        })
        .await
    }

    /// Adds members; about 1 ms each. Unlike elsewhere, an item that Moodle cannot do only earns a warning and the
    /// others are done.
    ///
    /// # Errors
    /// [`MoodleError`]; then nothing was done (a missing capability, a database error).
    pub async fn add_members(&self, members: &[Membership]) -> Result<Vec<MemberOutcome>, MoodleError> {
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let mut form = Form::new();
        for (index, Membership { cohort, user }) in members.iter().enumerate() {
            form.add_field("members", index, "cohorttype][type", "id")
                .add_field("members", index, "cohorttype][value", cohort)
                .add_field("members", index, "usertype][type", "id")
                .add_field("members", index, "usertype][value", user);
        }
        let answer: Option<WireWarnings> = self.client.write(Function::AddMembers, members.len(), &form).await?;
        Ok(correlate(members, &answer.unwrap_or_default().warnings))
    }

    /// Removes members, all or none; 1 ms each. Someone who is not a member is no error.
    ///
    /// # Errors
    /// [`MoodleError`]; refused with `invaliduser` or `invalidrecord` when an account is deleted or a cohort unknown.
    pub async fn delete_members(&self, members: &[Membership]) -> Result<Vec<()>, MoodleError> {
        self.write_unanswered(Function::DeleteMembers, members, |form, index, Membership { cohort, user }| {
            form.add_field("members", index, "cohortid", cohort).add_field("members", index, "userid", user);
        })
        .await
    }
}

pub(in crate::client) fn fill_context(form: &mut Form, index: usize, context: &CohortContext) {
    let (kind, value) = context.make_pair();
    form.add_field("cohorts", index, "categorytype][type", kind).add_field(
        "cohorts",
        index,
        "categorytype][value",
        value,
    );
}

/// Finds which item each warning means. A warning names no item but quotes the ids that we sent: `cohort id=9 not
/// exists`, `user id=9 not exists`, `record already exists: cohort(id=9 id=2030)`; these texts are not translated.
fn correlate(members: &[Membership], warnings: &[WireWarning]) -> Vec<MemberOutcome> {
    let mut outcomes = vec![MemberOutcome::Added; members.len()];
    for warning in warnings {
        let text = warning.message.as_str();
        // From the back: of two equal items the first is added and the second warned about.
        let place = members.iter().enumerate().rev().find_map(|(index, member)| {
            let outcome = find_meaning(text, *member)?;
            (outcomes[index] == MemberOutcome::Added).then_some((index, outcome))
        });
        match place {
            Some((index, outcome)) => outcomes[index] = outcome,
            // Nobody is named: then nobody can be sure.
            None => {
                for outcome in outcomes.iter_mut().filter(|outcome| **outcome == MemberOutcome::Added) {
                    *outcome = MemberOutcome::Unclear(Words::new(text));
                }
            }
        }
    }
    outcomes
}

fn find_meaning(text: &str, Membership { cohort, user }: Membership) -> Option<MemberOutcome> {
    if text == format!("cohort id={cohort} not exists") {
        Some(MemberOutcome::CohortMissing)
    } else if text == format!("user id={user} not exists") {
        Some(MemberOutcome::UserMissing)
    } else if text == format!("record already exists: cohort(id={cohort} id={user})") {
        Some(MemberOutcome::AlreadySo)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(cohort: i64, user: i64) -> Membership {
        Membership { cohort: CohortId(cohort), user: MoodleUserId(user) }
    }

    fn warning(message: &str) -> WireWarning {
        WireWarning { itemid: None, warningcode: "3".to_owned(), message: message.to_owned() }
    }

    #[test]
    fn each_warning_finds_its_member() {
        let members = [member(9, 1), member(9, 2), member(8, 1), member(9, 3), member(7, 5), member(7, 6)];
        let warnings = [
            warning("record already exists: cohort(id=9 id=2)"),
            warning("cohort id=7 not exists"),
            warning("cohort id=7 not exists"),
            warning("user id=3 not exists"),
        ];
        use MemberOutcome::*;
        assert_eq!(
            correlate(&members, &warnings),
            [Added, AlreadySo, Added, UserMissing, CohortMissing, CohortMissing]
        );
    }

    #[test]
    fn of_two_equal_items_the_second_is_already_so() {
        let outcomes = correlate(&[member(9, 1), member(9, 1)], &[warning("record already exists: cohort(id=9 id=1)")]);
        assert_eq!(outcomes, [MemberOutcome::Added, MemberOutcome::AlreadySo]);
    }

    #[test]
    fn a_warning_about_nobody_leaves_nobody_sure() {
        let outcomes = correlate(&[member(9, 1)], &[warning("something else")]);
        assert!(matches!(outcomes[..], [MemberOutcome::Unclear(_)]));
    }
}
