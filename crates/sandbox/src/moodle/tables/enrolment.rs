//! Enrolment methods of courses, and who is enrolled by them.

use std::collections::HashMap;

use super::{Pairs, Row};

/// Who signs the welcome message of an enrolment method (`customint1`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WelcomeFrom {
    /// No message is sent.
    Nobody,
    /// The course contact: no message in a course without a teacher.
    CourseContact,
    /// The no-reply address: always sent.
    NoReply,
}

/// A row of the enrol table: one enrolment method of one course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Row id.
    pub id: i64,
    /// The plugin: `manual`, `self`, …
    pub enrol: String,
    /// Switched on.
    pub enabled: bool,
    /// The course.
    pub course_id: i64,
    /// The method's default role. The pages offer it first; web services neither show nor use it.
    pub role_id: i64,
    /// `enrolperiod` in seconds, 0 for none. The pages add it to the start; web services do not.
    pub enrolperiod: i64,
    /// `customint1` of a `cohort` method: whose members it enrols. 0 for all other methods.
    pub cohort_id: i64,
    /// Order among the course's methods.
    pub sortorder: i64,
    /// The welcome message of 4.5.
    pub welcome: WelcomeFrom,
}

impl Instance {
    /// Who owns the roles that this method gives: plugin and item. `manual` and `self` do not protect theirs.
    pub fn owner(&self) -> (String, i64) {
        match self.enrol.as_str() {
            "manual" | "self" => (String::new(), 0),
            plugin => (format!("enrol_{plugin}"), self.id),
        }
    }
}

/// Indexes of the enrol table.
#[derive(Clone, Debug, Default)]
pub struct InstanceIndex {
    pub(crate) course: Pairs<i64>,
    pub(crate) cohort: Pairs<i64>,
}

impl Row for Instance {
    type Index = InstanceIndex;

    fn id(&self) -> i64 {
        self.id
    }

    fn set_id(&mut self, id: i64) {
        self.id = id;
    }

    fn enter(&self, index: &mut InstanceIndex) {
        index.course.enter(self.course_id, self.id);
        index.cohort.enter(self.cohort_id, self.id);
    }

    fn leave(&self, index: &mut InstanceIndex) {
        index.course.leave(self.course_id, self.id);
        index.cohort.leave(self.cohort_id, self.id);
    }
}

/// A row of the user_enrolments table, with its course for convenience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// Row id.
    pub id: i64,
    /// The enrolment method.
    pub instance_id: i64,
    /// The method's course.
    pub course_id: i64,
    /// The account.
    pub user_id: i64,
    /// Status 1.
    pub suspended: bool,
    /// Unix time in seconds, 0 for none.
    pub timestart: i64,
    /// Unix time in seconds, 0 for never.
    pub timeend: i64,
    /// Who changed the row last.
    pub modifier_id: i64,
    /// Unix time in seconds.
    pub timecreated: i64,
    /// Unix time in seconds.
    pub timemodified: i64,
}

impl Enrolment {
    /// Active as Moodle defines it, the method being enabled.
    pub fn is_active(&self, now: i64) -> bool {
        !self.suspended && self.timestart < now.max(1) && (self.timeend == 0 || self.timeend > now)
    }
}

/// Indexes of user_enrolments.
#[derive(Clone, Debug, Default)]
pub struct EnrolmentIndex {
    /// The unique key (method, account).
    pub(crate) pair: HashMap<(i64, i64), i64>,
    pub(crate) course: Pairs<i64>,
    pub(crate) user: Pairs<i64>,
}

impl Row for Enrolment {
    type Index = EnrolmentIndex;

    fn id(&self) -> i64 {
        self.id
    }

    fn set_id(&mut self, id: i64) {
        self.id = id;
    }

    fn enter(&self, index: &mut EnrolmentIndex) {
        index.pair.insert((self.instance_id, self.user_id), self.id);
        index.course.enter(self.course_id, self.id);
        index.user.enter(self.user_id, self.id);
    }

    fn leave(&self, index: &mut EnrolmentIndex) {
        index.pair.remove(&(self.instance_id, self.user_id));
        index.course.leave(self.course_id, self.id);
        index.user.leave(self.user_id, self.id);
    }
}

/// A "Welcome to …" notification that Moodle (4.4 final and later) sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The learner.
    pub user_id: i64,
    /// The course.
    pub course_id: i64,
    /// A mail left as well: accounts that are suspended or `nologin` only get the notification.
    pub mailed: bool,
}
