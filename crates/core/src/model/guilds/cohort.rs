//! What Moodle holds of guilds: cohorts, their members, role assignments.

use crate::model::{CategoryId, CohortId, MoodleCourseId, MoodleUserId, RoleId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Where a cohort lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "level", content = "id", rename_all = "snake_case")]
pub enum CohortContext {
    /// The whole site.
    System,
    /// One course category.
    Category(CategoryId),
}

/// Whether course editors see a cohort in lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CohortVisibility {
    /// They do.
    Visible,
    /// They do not; membership is not affected.
    Hidden,
}

/// A Moodle cohort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// `cohort.id`
    pub id: CohortId,
    /// `cohort.idnumber`; Moodle does not keep it unique.
    pub idnumber: String,
    /// `cohort.name`
    pub name: String,
    /// Whether it is listed.
    pub visibility: CohortVisibility,
    /// Where it lives, where that could be told.
    pub context: Option<CohortContext>,
    /// The plugin that owns it, where the database told of one; empty for none.
    pub component: String,
}

/// Where a role counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "level", content = "id", rename_all = "snake_case")]
pub enum RoleContext {
    /// The whole site.
    System,
    /// One course category and all below it.
    Category(CategoryId),
    /// One course.
    Course(MoodleCourseId),
}

impl fmt::Display for RoleContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => out.write_str("the whole site"),
            Self::Category(id) => write!(out, "category {id}"),
            Self::Course(id) => write!(out, "course {id}"),
        }
    }
}

/// One person's role in one context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Assignment {
    /// Who.
    pub user: MoodleUserId,
    /// As what.
    pub role: RoleId,
    /// Where.
    pub context: RoleContext,
}

/// What Moodle said about the cohorts that were asked for. Other cohorts are dropped where they are read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CohortSide {
    /// The cohorts of pairs, and those that hold an idnumber which a guild would take.
    pub cohorts: BTreeMap<CohortId, Cohort>,
    /// Their members, sorted; a cohort without an entry was not asked for.
    pub members: BTreeMap<CohortId, Vec<MoodleUserId>>,
    /// The assignments of mapped roles that no plugin owns. Only the database tells them.
    pub assignments: Option<BTreeSet<Assignment>>,
}
