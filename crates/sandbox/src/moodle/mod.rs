//! The Moodle stand-in: its tables, and the REST endpoint over them.
//!
//! The tables are public: a test may put them into any state, also one that Moodle's own code would not allow.
//! `build.rs` has the shortcuts for that, `life.rs` what people and backups do, `read.rs` the questions; `rest.rs` answers requests, `functions/` holds
//! what each web service function does, `wire/` how PHP reads and writes,
//! `sql.rs` the tables as a database holds them.

mod build;
mod functions;
mod life;
mod read;
mod rest;
mod site;
mod sql;
mod tables;
mod token;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use functions::RowLimits;
pub use life::{CourseBackup, LoginCohorts, LoginRefused, Merge};
pub(crate) use rest::serve;
pub use site::{Collation, Maintenance, Release, Site};
pub(crate) use tables::fold;
pub use tables::{
    Assignment, Cohort, Completion, Context, Course, Enrolment, Instance, MailDisplay, Member, OptInField, Role, Row,
    Table, User, Visibility, Welcome, WelcomeFrom,
};
pub use token::Token;

/// The guest account.
pub const GUEST_ID: i64 = 1;
/// The site administrator.
pub const ADMIN_ID: i64 = 2;
/// The service account behind [`crate::MOODLE_TOKEN`].
pub const SERVICE_ID: i64 = 3;
/// The front page, which is a course.
pub const FRONT_PAGE_ID: i64 = 1;
/// The secret that site information shows from 5.2 on. It belongs neither into a log nor into a journal.
pub const SITE_SECRET: &str = "sandbox-site-secret-0d9f5b";
/// Role `editingteacher`, the course contact.
pub const TEACHER_ROLE: i64 = 3;
/// Role `student`.
pub const STUDENT_ROLE: i64 = 5;
/// Role `guild-admin`, which can be given for the site and in categories.
pub const GUILD_ADMIN_ROLE: i64 = 9;
/// Role `guild-mentor`, which can be given for the site and in categories.
pub const GUILD_MENTOR_ROLE: i64 = 10;

/// Moodle's tables and settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Moodle {
    /// Site-wide settings.
    pub site: Site,
    /// The custom field by which courses opt in to completion reports.
    pub opt_in_field: OptInField,
    /// Accounts.
    pub users: Table<User>,
    /// Courses.
    pub courses: Table<Course>,
    /// Course categories: idnumber by id.
    pub categories: BTreeMap<i64, String>,
    /// Enrolment methods.
    pub instances: Table<Instance>,
    /// Enrolments.
    pub enrolments: Table<Enrolment>,
    /// Roles by id.
    pub roles: BTreeMap<i64, Role>,
    /// Role assignments.
    pub assignments: Table<Assignment>,
    /// Short names of the site's custom fields for cohorts (4.2 and later).
    pub cohort_fields: BTreeSet<String>,
    /// Cohorts.
    pub cohorts: Table<Cohort>,
    /// Members of cohorts.
    pub members: Table<Member>,
    /// Course completions.
    pub completions: Table<Completion>,
    /// Tokens by their text.
    pub tokens: BTreeMap<String, Token>,
    /// Welcome messages that Moodle sent, never rolled back: they have left.
    pub welcomes: Vec<Welcome>,
    /// What `tool_mergeusers` did.
    pub merges: Vec<Merge>,
    /// A plugin that keeps cohorts of its own at each login.
    pub login_cohorts: Option<LoginCohorts>,
}

impl Moodle {
    fn begin(&mut self) {
        self.users.begin();
        self.courses.begin();
        self.instances.begin();
        self.enrolments.begin();
        self.assignments.begin();
        self.cohorts.begin();
        self.members.begin();
        self.completions.begin();
    }

    fn commit(&mut self) {
        self.users.commit();
        self.courses.commit();
        self.instances.commit();
        self.enrolments.commit();
        self.assignments.commit();
        self.cohorts.commit();
        self.members.commit();
        self.completions.commit();
    }

    fn roll_back(&mut self) {
        self.users.roll_back();
        self.courses.roll_back();
        self.instances.roll_back();
        self.enrolments.roll_back();
        self.assignments.roll_back();
        self.cohorts.roll_back();
        self.members.roll_back();
        self.completions.roll_back();
    }
}
