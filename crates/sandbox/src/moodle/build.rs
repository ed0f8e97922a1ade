//! Shortcuts that put Moodle into a state, past its own checks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    ADMIN_ID, Assignment, Cohort, Completion, Context, Course, Enrolment, GUEST_ID, GUILD_ADMIN_ROLE,
    GUILD_MENTOR_ROLE, Instance, Moodle, OptInField, Role, SERVICE_ID, STUDENT_ROLE, Site, Table, Token, User,
    WelcomeFrom,
};
use crate::server::form;
use crate::{MOODLE_ADMIN_TOKEN, MOODLE_TOKEN};

impl Moodle {
    /// A new installation: guest, administrator, service account, front page, standard roles and two tokens.
    pub fn fresh() -> Self {
        let mut moodle = Self {
            site: Site::default(),
            opt_in_field: OptInField::default(),
            users: Table::default(),
            courses: Table::default(),
            categories: BTreeMap::from([(1, String::new())]),
            instances: Table::default(),
            enrolments: Table::default(),
            roles: standard_roles(),
            assignments: Table::default(),
            cohort_fields: BTreeSet::new(),
            cohorts: Table::default(),
            members: Table::default(),
            completions: Table::default(),
            tokens: BTreeMap::new(),
            welcomes: Vec::new(),
            merges: Vec::new(),
            login_cohorts: None,
        };
        moodle.install_accounts();
        let mut front_page = Course::new("", "Sandbox Learning");
        front_page.shortname = "sandbox".to_owned();
        front_page.category = 0;
        front_page.enablecompletion = false;
        moodle.courses.insert(front_page);
        let given = [STUDENT_ROLE, GUILD_ADMIN_ROLE, GUILD_MENTOR_ROLE];
        let least = Token::least(SERVICE_ID, &given);
        moodle.tokens.insert(MOODLE_TOKEN.to_owned(), least);
        let all = Token::with_all_functions(ADMIN_ID);
        moodle.tokens.insert(MOODLE_ADMIN_TOKEN.to_owned(), all);
        moodle
    }

    fn install_accounts(&mut self) {
        let mut guest = User::new("", "root@localhost", "Guest user", " ");
        guest.username = "guest".to_owned();
        guest.auth = "manual".to_owned();
        let mut admin = User::new("", "admin@learning.example", "Admin", "User");
        admin.username = "admin".to_owned();
        admin.auth = "manual".to_owned();
        let mut service = User::new("", "rollbook@learning.example", "Rollbook", "Service");
        service.username = "rollbook".to_owned();
        service.auth = "webservice".to_owned();
        for user in [guest, admin, service] {
            self.users.insert(user);
        }
        self.site.admins.insert(ADMIN_ID);
        debug_assert!(self.users.get(GUEST_ID).is_some());
    }

    /// Adds an account as the intake makes them; see [`User::new`]. Nothing is checked.
    pub fn add_user(&mut self, guid: &str, email: &str, firstname: &str, lastname: &str) -> i64 {
        self.users.insert(User::new(guid, email, firstname, lastname))
    }

    /// Adds a visible course with an enabled manual enrolment method.
    pub fn add_course(&mut self, idnumber: &str, fullname: &str) -> i64 {
        let course = self.add_course_without_method(idnumber, fullname);
        self.add_instance(course, "manual");
        course
    }

    /// Adds a visible course in which nobody can be enrolled.
    pub fn add_course_without_method(&mut self, idnumber: &str, fullname: &str) -> i64 {
        self.courses.insert(Course::new(idnumber, fullname))
    }

    /// Adds an enabled enrolment method to a course.
    pub fn add_instance(&mut self, course_id: i64, enrol: &str) -> i64 {
        let sortorder = self.instances.index().course.ids(course_id).count() as i64;
        self.instances.insert(Instance {
            id: 0,
            enrol: enrol.to_owned(),
            enabled: true,
            course_id,
            role_id: STUDENT_ROLE,
            enrolperiod: 0,
            cohort_id: 0,
            sortorder,
            welcome: WelcomeFrom::CourseContact,
        })
    }

    /// Adds a method that enrols the members of a cohort, those of today and those to come.
    pub fn add_cohort_instance(&mut self, course_id: i64, cohort_id: i64) -> i64 {
        let id = self.add_instance(course_id, "cohort");
        self.instances.edit(id, |method| method.cohort_id = cohort_id);
        for user_id in self.members_of(cohort_id) {
            self.enrol_by(user_id, id, 0);
        }
        id
    }

    /// Disables every manual method of a course.
    pub fn disable_manual(&mut self, course_id: i64) {
        for id in self.manual_instances(course_id) {
            self.instances.edit(id, |method| method.enabled = false);
        }
    }

    /// Enrols a student, active and without dates, by the course's first manual method. Returns the row id, or 0
    /// when the course has no manual method.
    pub fn enrol(&mut self, user_id: i64, course_id: i64) -> i64 {
        let Some(instance_id) = self.manual_instances(course_id).first().copied() else {
            return 0;
        };
        self.assign(STUDENT_ROLE, user_id, Context::Course(course_id));
        self.enrolments.insert(Enrolment {
            id: 0,
            instance_id,
            course_id,
            user_id,
            suspended: false,
            timestart: 0,
            timeend: 0,
            modifier_id: ADMIN_ID,
            timecreated: 0,
            timemodified: 0,
        })
    }

    /// Enrols an account by any method, active, with the method's default role under the method's ownership. Dates
    /// are for [`Table::edit`]. Returns the row id.
    pub fn enrol_by(&mut self, user_id: i64, instance_id: i64, now: i64) -> i64 {
        let Some(method) = self.instances.get(instance_id).cloned() else {
            return 0;
        };
        let (component, itemid) = method.owner();
        let role = self.assign(method.role_id, user_id, Context::Course(method.course_id));
        self.assignments.edit(role, |row| (row.component, row.itemid, row.timemodified) = (component, itemid, now));
        let pairs = &self.enrolments.index().pair;
        if let Some(id) = pairs.get(&(instance_id, user_id)).copied() {
            return id;
        }
        self.enrolments.insert(Enrolment {
            id: 0,
            instance_id,
            course_id: method.course_id,
            user_id,
            suspended: false,
            timestart: 0,
            timeend: 0,
            modifier_id: ADMIN_ID,
            timecreated: now,
            timemodified: now,
        })
    }

    /// Enrols a student if need be, and suspends the enrolment.
    pub fn enrol_suspended(&mut self, user_id: i64, course_id: i64) -> i64 {
        let present = self.enrolment(user_id, course_id).map(|enrolment| enrolment.id);
        let id = present.unwrap_or_else(|| self.enrol(user_id, course_id));
        self.enrolments.edit(id, |row| row.suspended = true);
        id
    }

    /// Adds a manual role assignment, also when the same one exists.
    pub fn assign(&mut self, role_id: i64, user_id: i64, context: Context) -> i64 {
        self.assignments.insert(Assignment {
            id: 0,
            role_id,
            context,
            user_id,
            component: String::new(),
            itemid: 0,
            timemodified: 0,
        })
    }

    /// Adds a visible cohort at system level.
    pub fn add_cohort(&mut self, idnumber: &str, name: &str) -> i64 {
        self.cohorts.insert(Cohort {
            id: 0,
            context: Context::System,
            name: name.to_owned(),
            idnumber: idnumber.to_owned(),
            description: String::new(),
            custom_fields: BTreeMap::new(),
            visible: true,
            component: String::new(),
            timecreated: 0,
            timemodified: 0,
        })
    }

    /// Adds a member, who need not exist. Returns the row id; a second addition changes nothing.
    pub fn add_member(&mut self, cohort_id: i64, user_id: i64) -> i64 {
        let present = self.members.index().pair.get(&(cohort_id, user_id));
        present.copied().unwrap_or_else(|| self.join_cohort(cohort_id, user_id, 0))
    }

    /// Records a completion, replacing an earlier one of the same learner and course.
    pub fn complete(&mut self, user_id: i64, course_id: i64, at: Timestamp) -> i64 {
        let present = self.completions.index().pair.get(&(user_id, course_id));
        if let Some(id) = present.copied() {
            self.completions.remove(id);
        }
        self.completions.insert(Completion {
            id: 0,
            user_id,
            course_id,
            timecompleted: Some(at.as_second()),
            reaggregate: 0,
        })
    }

    /// Deletes an account as Moodle does: it stays as an anonymised row, found by id only, and loses enrolments,
    /// memberships, roles and tokens. `now` is Unix time in seconds.
    pub fn delete_user(&mut self, id: i64, now: i64) {
        self.users.edit(id, |user| {
            let address = std::mem::take(&mut user.email);
            user.email = form::md5_hex(&user.username);
            user.username = format!("{}.{now}", address.to_lowercase());
            user.idnumber = String::new();
            user.deleted = true;
            user.timemodified = now;
        });
        let enrolments: Vec<i64> = self.enrolments_of_user(id).map(|row| row.id).collect();
        for row in enrolments {
            self.enrolments.remove(row);
        }
        let members: Vec<i64> = self.members.index().user.ids(id).collect();
        for row in members {
            self.members.remove(row);
        }
        let everywhere = (id, Context::System)..=(id, Context::Course(i64::MAX));
        let roles: Vec<i64> = self.assignments.index().place.ids_within(everywhere).collect();
        for row in roles {
            self.assignments.remove(row);
        }
        self.tokens.retain(|_, token| token.user_id != id);
    }

    /// Gives the account behind a token one more capability.
    pub fn grant(&mut self, token: &str, capability: &str) {
        if let Some(token) = self.tokens.get_mut(token) {
            token.capabilities.insert(capability.to_owned());
        }
    }

    /// Takes a capability from the account behind a token.
    pub fn revoke(&mut self, token: &str, capability: &str) {
        if let Some(token) = self.tokens.get_mut(token) {
            token.capabilities.remove(capability);
        }
    }

    /// Lists one more function in a token's service.
    pub fn list_function(&mut self, token: &str, function: &str) {
        if let Some(token) = self.tokens.get_mut(token) {
            token.functions.insert(function.to_owned());
        }
    }
}

/// Name, and the levels at which the role can be given: system, category, course.
const STANDARD_ROLES: [(&str, [bool; 3]); 10] = [
    ("manager", [true, true, true]),
    ("coursecreator", [true, true, false]),
    ("editingteacher", [false, false, true]),
    ("teacher", [false, false, true]),
    ("student", [false, false, true]),
    ("guest", [false, false, false]),
    ("user", [false, false, false]),
    ("frontpage", [false, false, false]),
    ("guild-admin", [true, true, false]),
    ("guild-mentor", [true, true, false]),
];

fn standard_roles() -> BTreeMap<i64, Role> {
    let numbered = (1..).zip(STANDARD_ROLES);
    let roles = numbered.map(|(id, (shortname, [at_system, at_category, at_course]))| Role {
        id,
        shortname: shortname.to_owned(),
        sortorder: id,
        at_system,
        at_category,
        at_course,
    });
    roles.map(|role| (role.id, role)).collect()
}
