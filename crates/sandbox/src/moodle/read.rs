//! Questions about Moodle's state, for tests and for the functions.

use super::fold;
use super::{Assignment, Cohort, Collation, Completion, Context, Course, Enrolment, Instance, Moodle, User};

impl Moodle {
    /// The first account with exactly this GUID that is not deleted.
    pub fn user_by_guid(&self, guid: &str) -> Option<&User> {
        let ids = self.users.index().idnumber.ids(fold(guid));
        let users = ids.filter_map(|id| self.users.get(id));
        users.into_iter().find(|user| user.idnumber == guid && !user.deleted)
    }

    /// Accounts whose user name is equal by collation, deleted ones included.
    pub fn users_by_username(&self, username: &str) -> Vec<&User> {
        let ids = self.users.index().username.ids(fold(username));
        self.users_equal(ids, username, |user| &user.username)
    }

    /// Accounts whose address is equal by collation, deleted ones included.
    pub fn users_by_email(&self, email: &str) -> Vec<&User> {
        let ids = self.users.index().email.ids(fold(email));
        self.users_equal(ids, email, |user| &user.email)
    }

    /// Accounts whose idnumber is equal by collation, deleted ones included.
    pub fn users_by_idnumber(&self, idnumber: &str) -> Vec<&User> {
        let ids = self.users.index().idnumber.ids(fold(idnumber));
        self.users_equal(ids, idnumber, |user| &user.idnumber)
    }

    fn users_equal<'a>(
        &'a self,
        ids: impl Iterator<Item = i64> + 'a,
        wanted: &str,
        field: fn(&User) -> &str,
    ) -> Vec<&'a User> {
        let users = ids.filter_map(|id| self.users.get(id));
        users.filter(|user| self.equal(field(user), wanted)).collect()
    }

    /// Courses whose idnumber is equal by collation.
    pub fn courses_by_idnumber(&self, idnumber: &str) -> Vec<&Course> {
        let ids = self.courses.index().idnumber.ids(fold(idnumber));
        let courses = ids.filter_map(|id| self.courses.get(id));
        courses.filter(|course| self.equal(&course.idnumber, idnumber)).collect()
    }

    /// Courses whose short name is equal by collation.
    pub fn courses_by_shortname(&self, shortname: &str) -> Vec<&Course> {
        let ids = self.courses.index().shortname.ids(fold(shortname));
        let courses = ids.filter_map(|id| self.courses.get(id));
        courses.filter(|course| self.equal(&course.shortname, shortname)).collect()
    }

    /// Cohorts whose idnumber is equal by collation.
    pub fn cohorts_by_idnumber(&self, idnumber: &str) -> Vec<&Cohort> {
        let ids = self.cohorts.index().idnumber.ids(fold(idnumber));
        let cohorts = ids.filter_map(|id| self.cohorts.get(id));
        cohorts.filter(|cohort| self.equal(&cohort.idnumber, idnumber)).collect()
    }

    /// Equality as this site's database sees it.
    pub(crate) fn equal(&self, left: &str, right: &str) -> bool {
        match self.site.collation {
            Collation::UnicodeCi => fold(left) == fold(right),
            Collation::Exact => left == right,
        }
    }

    /// A course's methods in their order.
    pub fn instances_of(&self, course_id: i64) -> Vec<&Instance> {
        let ids = self.instances.index().course.ids(course_id);
        let mut methods: Vec<&Instance> = ids.filter_map(|id| self.instances.get(id)).collect();
        methods.sort_by_key(|method| (method.sortorder, method.id));
        methods
    }

    /// Ids of a course's manual methods in their order, enabled or not.
    pub fn manual_instances(&self, course_id: i64) -> Vec<i64> {
        let methods = self.instances_of(course_id).into_iter();
        methods.filter(|method| method.enrol == "manual").map(|method| method.id).collect()
    }

    /// The first manual enrolment of an account in a course.
    pub fn enrolment(&self, user_id: i64, course_id: i64) -> Option<&Enrolment> {
        let pairs = &self.enrolments.index().pair;
        let instances = self.manual_instances(course_id).into_iter();
        instances.filter_map(|instance| pairs.get(&(instance, user_id))).find_map(|id| self.enrolments.get(*id))
    }

    /// All enrolments in a course, by any method, by ascending row id.
    pub fn enrolments_of_course(&self, course_id: i64) -> impl Iterator<Item = &Enrolment> {
        let ids = self.enrolments.index().course.ids(course_id);
        ids.filter_map(|id| self.enrolments.get(id))
    }

    /// All enrolments of an account, by any method, by ascending row id.
    pub fn enrolments_of_user(&self, user_id: i64) -> impl Iterator<Item = &Enrolment> {
        let ids = self.enrolments.index().user.ids(user_id);
        ids.filter_map(|id| self.enrolments.get(id))
    }

    /// Whether an enrolment counts as active now, its method being enabled.
    pub fn is_active(&self, enrolment: &Enrolment, now: i64) -> bool {
        let method = self.instances.get(enrolment.instance_id);
        method.is_some_and(|method| method.enabled) && enrolment.is_active(now)
    }

    /// Whether the thing behind a context exists.
    pub(crate) fn has_context(&self, context: Context) -> bool {
        match context {
            Context::System => true,
            Context::User(id) => self.users.get(id).is_some_and(|user| !user.deleted),
            Context::Category(id) => self.categories.contains_key(&id),
            Context::Course(id) => self.courses.get(id).is_some(),
        }
    }

    /// Role assignments of an account in one context.
    pub fn roles_of(&self, user_id: i64, context: Context) -> impl Iterator<Item = &Assignment> {
        let ids = self.assignments.index().place.ids((user_id, context));
        ids.filter_map(|id| self.assignments.get(id))
    }

    /// Accounts in a cohort by ascending row id, orphans included.
    pub fn members_of(&self, cohort_id: i64) -> Vec<i64> {
        let ids = self.members.index().cohort.ids(cohort_id);
        let rows = ids.filter_map(|id| self.members.get(id));
        rows.map(|row| row.user_id).collect()
    }

    /// The completion row of a learner in a course.
    pub fn completion(&self, user_id: i64, course_id: i64) -> Option<&Completion> {
        let id = self.completions.index().pair.get(&(user_id, course_id))?;
        self.completions.get(*id)
    }
}
