//! Cohorts and who is in them.
//!
//! It must never take an idnumber for an id: two cohorts may share one. Next: the parent module.

use super::flag;
use rollbook_core::model::{CohortId, MoodleUserId};
use serde::Deserialize;

/// A cohort. Moodle does not say in which category it is, nor which plugin owns it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireCohort {
    /// Its id.
    pub id: CohortId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its idnumber: not protected by an index, so that two cohorts may have the same.
    #[serde(default)]
    pub idnumber: String,
    /// Its description, HTML.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether courses show it.
    #[serde(default, deserialize_with = "flag")]
    pub visible: Option<bool>,
}

/// `{cohorts}`
#[derive(Deserialize)]
pub(in crate::client) struct WireCohortList {
    pub(in crate::client) cohorts: Vec<WireCohort>,
}

/// The members of a cohort: also ids of deleted accounts that still stand in the table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WireCohortMembers {
    /// The cohort.
    pub cohortid: CohortId,
    /// Its members.
    pub userids: Vec<MoodleUserId>,
}
