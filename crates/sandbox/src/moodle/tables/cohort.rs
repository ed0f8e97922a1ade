//! Cohorts and their members.

use std::collections::{BTreeMap, HashMap};

use super::table::fold;
use super::{Context, Pairs, Row};

/// A row of the cohort table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// Row id.
    pub id: i64,
    /// System or category; web services do not tell.
    pub context: Context,
    /// Name as typed.
    pub name: String,
    /// Protected by code at creation only: duplicates can exist.
    pub idnumber: String,
    /// Free text.
    pub description: String,
    /// Values of the site's custom fields for cohorts, by short name.
    pub custom_fields: BTreeMap<String, String>,
    /// Shown in the pages; no influence on web services.
    pub visible: bool,
    /// The owning plugin; `''` for manual cohorts. Web services do not tell.
    pub component: String,
    /// Unix time in seconds.
    pub timecreated: i64,
    /// Unix time in seconds.
    pub timemodified: i64,
}

/// Index of the cohort table by folded idnumber.
#[derive(Clone, Debug, Default)]
pub struct CohortIndex {
    pub(crate) idnumber: Pairs<String>,
}

impl Row for Cohort {
    type Index = CohortIndex;

    fn id(&self) -> i64 {
        self.id
    }

    fn set_id(&mut self, id: i64) {
        self.id = id;
    }

    fn enter(&self, index: &mut CohortIndex) {
        index.idnumber.enter(fold(&self.idnumber), self.id);
    }

    fn leave(&self, index: &mut CohortIndex) {
        index.idnumber.leave(fold(&self.idnumber), self.id);
    }
}

/// A row of cohort_members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Row id.
    pub id: i64,
    /// The cohort.
    pub cohort_id: i64,
    /// The account; may be an orphan.
    pub user_id: i64,
    /// Unix time in seconds.
    pub timeadded: i64,
}

/// Indexes of cohort_members.
#[derive(Clone, Debug, Default)]
pub struct MemberIndex {
    /// The unique key (cohort, account).
    pub(crate) pair: HashMap<(i64, i64), i64>,
    pub(crate) cohort: Pairs<i64>,
    pub(crate) user: Pairs<i64>,
}

impl Row for Member {
    type Index = MemberIndex;

    fn id(&self) -> i64 {
        self.id
    }

    fn set_id(&mut self, id: i64) {
        self.id = id;
    }

    fn enter(&self, index: &mut MemberIndex) {
        index.pair.insert((self.cohort_id, self.user_id), self.id);
        index.cohort.enter(self.cohort_id, self.id);
        index.user.enter(self.user_id, self.id);
    }

    fn leave(&self, index: &mut MemberIndex) {
        index.pair.remove(&(self.cohort_id, self.user_id));
        index.cohort.leave(self.cohort_id, self.id);
        index.user.leave(self.user_id, self.id);
    }
}
