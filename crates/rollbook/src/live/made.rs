//! What a case makes, written down before it is used: so it can be removed whatever becomes of the case.
//!
//! Next: `clean.rs`, which removes.

use rollbook_core::model::{CohortId, ElmCourseId, Guid, MoodleCourseId};
use rollbook_moodle::client::write::NewUser;
use std::collections::BTreeSet;

/// What the present case made, or was about to.
#[derive(Default)]
pub(super) struct Made {
    /// Every person thought up.
    pub(super) people: Vec<Person>,
    /// Every course made.
    pub(super) courses: BTreeSet<MoodleCourseId>,
    /// What is worth knowing of this site.
    pub(super) notes: Vec<String>,
    /// Every cohort made.
    pub(super) cohorts: BTreeSet<CohortId>,
    pub(super) numbers: i64,
}

/// Somebody who does not exist.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// The GUID.
    pub(super) guid: String,
    /// The mail address, with capitals.
    pub(super) mail: String,
    /// The mail address in lower case.
    pub(super) username: String,
}

impl Person {
    /// The account that intake would make.
    pub(super) fn account(&self) -> NewUser {
        NewUser::new(&self.username, "Livia", "Probe", &self.mail, Guid::new(&self.guid))
    }
}

/// A course of the suite.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// In Moodle.
    pub(super) id: MoodleCourseId,
    /// In the ELM.
    pub(super) idnumber: i64,
}

impl Place {
    /// As Rollbook asks for it.
    pub(super) fn elm_id(&self) -> ElmCourseId {
        ElmCourseId::new(self.idnumber.to_string())
    }
}
