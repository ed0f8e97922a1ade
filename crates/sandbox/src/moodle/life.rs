//! What happens to Moodle without Rollbook: people in the pages, members of cohorts, logins, merges, backups.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assignment, Completion, Context, Enrolment, Instance, Member, Moodle, User, Welcome};

/// A merge of two accounts by `tool_mergeusers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// The account that was given up. It stays, suspended, with its user name, address and idnumber.
    pub from: i64,
    /// The account that was kept.
    pub to: i64,
    /// Unix time in seconds.
    pub at: i64,
}

/// Why somebody could not log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefused {
    /// There is no such account any more.
    Unknown,
    /// Suspended for the whole site.
    Suspended,
    /// The address was never confirmed.
    Unconfirmed,
    /// The authentication method is `nologin`.
    NoLogin,
}

/// Another plugin that owns all cohorts of a prefix and sets somebody's memberships of them at each login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginCohorts {
    /// Such as `nwcguild:`; the cohorts' idnumbers begin with it.
    pub prefix: String,
    /// By account: what comes after the prefix. Nobody is in a cohort who is not named here.
    pub members: BTreeMap<i64, BTreeSet<String>>,
}

/// Who was in a course when it was backed up.
#[derive(Clone, Debug)]
pub struct CourseBackup {
    course_id: i64,
    enrolments: Vec<Enrolment>,
    roles: Vec<Assignment>,
    completions: Vec<Completion>,
}

impl Moodle {
    /// Enrols somebody as a teacher does in the pages: the method's default role, from `now` on, for as long as the
    /// method's duration says. Returns the row id, or 0 when the course has no manual method.
    pub fn enrol_in_pages(&mut self, user_id: i64, course_id: i64, now: i64) -> i64 {
        let Some(instance_id) = self.manual_instances(course_id).first().copied() else {
            return 0;
        };
        let period = self.instances.get(instance_id).map_or(0, |method| method.enrolperiod);
        let id = self.enrol_by(user_id, instance_id, now);
        self.enrolments.edit(id, |row| {
            row.timestart = now;
            row.timeend = if period > 0 { now + period } else { 0 };
        });
        id
    }

    /// Takes an enrolment away with the roles that its method owns, and all other roles in the course with the last
    /// enrolment. A role without an owner outlives the enrolment that brought it, while another method remains.
    pub fn unenrol(&mut self, enrolment_id: i64) {
        let Some(row) = self.enrolments.get(enrolment_id).cloned() else {
            return;
        };
        self.enrolments.remove(enrolment_id);
        let (component, itemid) = self.instances.get(row.instance_id).map(Instance::owner).unwrap_or_default();
        let last = !self.enrolments_of_user(row.user_id).any(|other| other.course_id == row.course_id);
        let owned =
            |role: &&Assignment| !component.is_empty() && (&role.component, role.itemid) == (&component, itemid);
        let roles = self.roles_of(row.user_id, Context::Course(row.course_id));
        let ids: Vec<i64> = roles.filter(|role| last || owned(role)).map(|role| role.id).collect();
        for id in ids {
            self.assignments.remove(id);
        }
    }

    /// Takes somebody out of a course by hand, by whatever method they are in.
    pub fn unenrol_by_hand(&mut self, user_id: i64, course_id: i64) {
        let rows = self.enrolments_of_user(user_id).filter(|row| row.course_id == course_id);
        let ids: Vec<i64> = rows.map(|row| row.id).collect();
        for id in ids {
            self.unenrol(id);
        }
    }

    /// Sets the duration of a course's manual methods, in seconds.
    pub fn set_enrolperiod(&mut self, course_id: i64, seconds: i64) {
        for id in self.manual_instances(course_id) {
            self.instances.edit(id, |method| method.enrolperiod = seconds);
        }
    }

    /// Makes an account a site administrator.
    pub fn make_admin(&mut self, user_id: i64) {
        self.site.admins.insert(user_id);
    }

    /// Resets somebody's completion of a course, as its teacher does before it is to be taken anew: the row goes, and a
    /// later completion has a new id.
    pub fn reset_completion(&mut self, user_id: i64, course_id: i64) {
        if let Some(id) = self.completion(user_id, course_id).map(|row| row.id) {
            self.completions.remove(id);
        }
    }

    /// Deletes a role with all its assignments, whoever owns them.
    pub fn delete_role(&mut self, role_id: i64) {
        self.roles.remove(&role_id);
        let rows: Vec<i64> = self.assignments.iter().filter(|row| row.role_id == role_id).map(|row| row.id).collect();
        for id in rows {
            self.assignments.remove(id);
        }
    }

    /// A new site policy: nobody has agreed to it yet.
    pub fn publish_policy(&mut self) {
        self.site.policy = true;
        let ids: Vec<i64> = self.users.iter().map(|user| user.id).collect();
        for id in ids {
            self.users.edit(id, |user| user.policyagreed = false);
        }
    }

    /// A new member of a cohort. Enabled methods that follow the cohort enrol them at once. Returns the row id.
    pub fn join_cohort(&mut self, cohort_id: i64, user_id: i64, now: i64) -> i64 {
        let id = self.members.insert(Member { id: 0, cohort_id, user_id, timeadded: now });
        for method in self.following(cohort_id, true) {
            self.enrol_by(user_id, method, now);
        }
        id
    }

    /// Somebody leaves a cohort, and with it the courses that they are in by its methods.
    pub fn leave_cohort(&mut self, member_id: i64) {
        let Some(member) = self.members.get(member_id).cloned() else {
            return;
        };
        self.members.remove(member_id);
        for method in self.following(member.cohort_id, false) {
            let row = self.enrolments.index().pair.get(&(method, member.user_id)).copied();
            if let Some(row) = row {
                self.unenrol(row);
            }
        }
    }

    fn following(&self, cohort_id: i64, only_enabled: bool) -> Vec<i64> {
        let ids = self.instances.index().cohort.ids(cohort_id);
        let methods = ids.filter_map(|id| self.instances.get(id));
        let wanted = methods.filter(|method| method.enrol == "cohort" && (method.enabled || !only_enabled));
        wanted.map(|method| method.id).collect()
    }

    /// A login by single sign-on with the issuer's `sub`. Where the issuer maps it to `idnumber` and the field is not
    /// locked, it replaces what stood there, also by nothing.
    ///
    /// # Errors
    /// [`LoginRefused`] when the account cannot log in; nothing changes then.
    pub fn log_in(&mut self, user_id: i64, subject: &str) -> Result<(), LoginRefused> {
        let user = self.users.get(user_id).filter(|user| !user.deleted).ok_or(LoginRefused::Unknown)?;
        match user {
            User { suspended: true, .. } => return Err(LoginRefused::Suspended),
            User { confirmed: false, .. } => return Err(LoginRefused::Unconfirmed),
            User { auth, .. } if auth == "nologin" => return Err(LoginRefused::NoLogin),
            User { .. } => {}
        }
        if self.site.login_sets_idnumber && !self.site.idnumber_locked {
            let idnumber = subject.to_owned();
            self.users.edit(user_id, |user| user.idnumber = idnumber);
        }
        self.set_login_cohorts(user_id);
        Ok(())
    }

    fn set_login_cohorts(&mut self, user_id: i64) {
        let Some(engine) = self.login_cohorts.clone() else {
            return;
        };
        let wanted = engine.members.get(&user_id).cloned().unwrap_or_default();
        let wanted: BTreeSet<String> = wanted.iter().map(|name| format!("{}{name}", engine.prefix)).collect();
        for idnumber in &wanted {
            let known = self.cohorts_by_idnumber(idnumber).first().map(|cohort| cohort.id);
            let cohort = known.unwrap_or_else(|| self.add_cohort(idnumber, idnumber));
            self.add_member(cohort, user_id);
        }
        let rows = self.members.index().user.ids(user_id).filter_map(|id| self.members.get(id));
        let surplus: Vec<i64> = rows
            .filter(|row| {
                let cohort = self.cohorts.get(row.cohort_id);
                cohort.is_some_and(|it| it.idnumber.starts_with(&engine.prefix) && !wanted.contains(&it.idnumber))
            })
            .map(|row| row.id)
            .collect();
        for row in surplus {
            self.leave_cohort(row);
        }
    }

    /// Merges an account into another as `tool_mergeusers` does: enrolments, roles, memberships and completions move
    /// where the kept account has none, and the account given up is suspended.
    pub fn merge_accounts(&mut self, from: i64, to: i64, now: i64) {
        let rows: Vec<Enrolment> = self.enrolments_of_user(from).cloned().collect();
        for row in rows {
            let taken = self.enrolments.index().pair.contains_key(&(row.instance_id, to));
            if taken {
                self.enrolments.remove(row.id);
            } else {
                self.enrolments.edit(row.id, |row| row.user_id = to);
            }
        }
        let everywhere = (from, Context::System)..=(from, Context::Course(i64::MAX));
        let roles: Vec<i64> = self.assignments.index().place.ids_within(everywhere).collect();
        for id in roles {
            self.assignments.edit(id, |row| row.user_id = to);
        }
        let members: Vec<Member> =
            self.members.index().user.ids(from).filter_map(|id| self.members.get(id)).cloned().collect();
        for row in members {
            self.members.remove(row.id);
            self.add_member(row.cohort_id, to);
        }
        let completions: Vec<Completion> = self.completions.iter().filter(|row| row.user_id == from).cloned().collect();
        for row in completions {
            self.completions.remove(row.id);
            if self.completion(to, row.course_id).is_none() {
                self.completions.put(Completion { user_id: to, ..row });
            }
        }
        self.users.edit(from, |user| (user.suspended, user.timemodified) = (true, now));
        self.merges.push(Merge { from, to, at: now });
    }

    /// Remembers who is in a course now, for [`Moodle::restore_course`]. A backup of the whole site is a clone of
    /// this value.
    pub fn back_up_course(&self, course_id: i64) -> CourseBackup {
        let context = Context::Course(course_id);
        CourseBackup {
            course_id,
            enrolments: self.enrolments_of_course(course_id).cloned().collect(),
            roles: self.assignments.iter().filter(|row| row.context == context).cloned().collect(),
            completions: self.completions.iter().filter(|row| row.course_id == course_id).cloned().collect(),
        }
    }

    /// Puts a course back to what it was: everybody who has come since is out, everybody who has gone is in again,
    /// under new row ids. Accounts deleted meanwhile stay out.
    pub fn restore_course(&mut self, backup: &CourseBackup) {
        let now: BTreeSet<i64> = self.enrolments_of_course(backup.course_id).map(|row| row.id).collect();
        for id in now {
            self.unenrol(id);
        }
        let completions = self.completions.iter().filter(|row| row.course_id == backup.course_id);
        let ids: Vec<i64> = completions.map(|row| row.id).collect();
        for id in ids {
            self.completions.remove(id);
        }
        let alive = |moodle: &Self, id: i64| moodle.users.get(id).is_some_and(|user| !user.deleted);
        for row in &backup.enrolments {
            if alive(self, row.user_id) && self.instances.get(row.instance_id).is_some() {
                self.enrolments.insert(row.clone());
            }
        }
        for row in backup.roles.iter().filter(|row| alive(self, row.user_id)).cloned().collect::<Vec<_>>() {
            self.assignments.insert(row);
        }
        for row in backup.completions.iter().filter(|row| alive(self, row.user_id)).cloned().collect::<Vec<_>>() {
            self.completions.insert(row);
        }
    }

    /// Welcome messages to one account that left as mails.
    pub fn welcome_mails_to(&self, user_id: i64) -> impl Iterator<Item = &Welcome> {
        self.welcomes.iter().filter(move |welcome| welcome.user_id == user_id && welcome.mailed)
    }
}
