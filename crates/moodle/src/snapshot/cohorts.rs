//! Cohorts, their members, and the roles that a mapping is about: over web services, or from the database where it is given.
//!
//! Every cohort that is neither half of a pair nor holds an idnumber which a guild would take is dropped here.

use super::sql::MoodleDatabase;
use super::{MoodleSourceError, failed};
use crate::client::MoodleReader;
use crate::client::read::CohortScope;
use crate::client::wire::WireCohort;
use rollbook_core::model::{
    CategoryId, Cohort, CohortContext, CohortId, CohortSide, CohortVisibility, RoleContext, RoleId, folded_machine_name,
};
use rollbook_remote::database::DatabaseError;
use std::collections::BTreeSet;

/// Why cohorts or members' accounts could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CohortSourceError {
    #[error(transparent)]
    Services(#[from] MoodleSourceError),
    #[error("Moodle's database could not be read")]
    Tables(#[from] DatabaseError),
}

/// What of Moodle's cohorts a plan needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CohortQuery {
    /// The cohorts of pairs, with their members.
    pub pairs: BTreeSet<CohortId>,
    /// Idnumbers that guilds would take, folded.
    pub idnumbers: BTreeSet<String>,
    /// Those of them whose cohort, if there is one, may be taken over: its members and its context are needed too.
    pub adoptable: BTreeSet<String>,
    /// The roles of the mapping.
    pub roles: BTreeSet<(RoleId, RoleContext)>,
}

impl CohortQuery {
    fn keeps(&self, cohort: &Cohort) -> bool {
        self.pairs.contains(&cohort.id) || self.idnumbers.contains(&folded_machine_name(&cohort.idnumber))
    }

    fn needs_members(&self, cohort: &Cohort) -> bool {
        self.pairs.contains(&cohort.id) || self.adoptable.contains(&folded_machine_name(&cohort.idnumber))
    }
}

/// Reads cohorts, from the database where there is one.
///
/// # Errors
/// [`CohortSourceError`]; nothing is known then.
pub async fn collect_cohorts(
    reader: &MoodleReader,
    database: Option<&MoodleDatabase>,
    question: &CohortQuery,
) -> Result<CohortSide, CohortSourceError> {
    match database {
        Some(database) => from_database(database, question).await,
        None => from_services(reader, question).await,
    }
}

async fn from_database(database: &MoodleDatabase, question: &CohortQuery) -> Result<CohortSide, CohortSourceError> {
    let (cohorts, assignments) = tokio::try_join!(
        database.fetch_cohorts(&question.pairs, &question.idnumbers),
        database.fetch_assignments(&question.roles)
    )?;
    let cohorts: Vec<Cohort> = cohorts.into_iter().filter(|cohort| question.keeps(cohort)).collect();
    let wanted: Vec<CohortId> =
        cohorts.iter().filter(|cohort| question.needs_members(cohort)).map(|cohort| cohort.id).collect();
    let members = database.fetch_members(&wanted).await?;
    let cohorts = cohorts.into_iter().map(|cohort| (cohort.id, cohort)).collect();
    Ok(CohortSide { cohorts, members, assignments: Some(assignments) })
}

async fn from_services(reader: &MoodleReader, question: &CohortQuery) -> Result<CohortSide, CohortSourceError> {
    let ids: Vec<CohortId> = question.pairs.iter().copied().collect();
    let found = if question.idnumbers.is_empty() {
        reader.fetch_cohorts(&ids).await
    } else {
        // There is no way to ask by idnumber but one call for each.
        reader.fetch_all_cohorts().await
    };
    let found = found.map_err(failed("reading cohorts"))?;
    let mut side = CohortSide::default();
    for cohort in found.into_iter().map(to_cohort).filter(|cohort| question.keeps(cohort)) {
        side.cohorts.insert(cohort.id, cohort);
    }
    let wanted: Vec<CohortId> =
        side.cohorts.values().filter(|cohort| question.needs_members(cohort)).map(|cohort| cohort.id).collect();
    // A cohort that was deleted since is left without members: its guild is left alone this time.
    let found = reader.fetch_cohort_members(&wanted).await.map_err(failed("reading the members of cohorts"))?;
    for mut cohort in found.cohorts {
        cohort.userids.sort_unstable();
        cohort.userids.dedup();
        side.members.insert(cohort.cohortid, cohort.userids);
    }
    place(reader, question, &mut side).await?;
    Ok(side)
}

/// Finds out which of the cohorts that may be taken over are in the system context: web services show no context.
async fn place(reader: &MoodleReader, question: &CohortQuery, side: &mut CohortSide) -> Result<(), CohortSourceError> {
    let strangers = side.cohorts.values_mut().filter(|cohort| !question.pairs.contains(&cohort.id));
    let strangers: Vec<&mut Cohort> = strangers.filter(|cohort| question.needs_members(cohort)).collect();
    if strangers.is_empty() {
        return Ok(());
    }
    let found = reader.search_cohorts("", CohortScope::System).await;
    let in_system: BTreeSet<CohortId> =
        found.map_err(failed("looking where cohorts are"))?.into_iter().map(|cohort| cohort.id).collect();
    for cohort in strangers {
        let elsewhere = CohortContext::Category(CategoryId(0));
        cohort.context = Some(if in_system.contains(&cohort.id) { CohortContext::System } else { elsewhere });
    }
    Ok(())
}

fn to_cohort(wire: WireCohort) -> Cohort {
    let visibility = if wire.visible == Some(false) { CohortVisibility::Hidden } else { CohortVisibility::Visible };
    let (id, idnumber, name) = (wire.id, wire.idnumber, wire.name);
    Cohort { id, idnumber, name, visibility, context: None, component: String::new() }
}
