//! `enrol_manual_unenrol_users`.

use serde::Deserialize;
use serde_json::Value;

use super::super::Call;
use super::super::call::args;
use crate::moodle::wire::Refusal;
use crate::moodle::{Assignment, Context, Instance, Moodle, Release};

#[derive(Deserialize)]
struct Args {
    enrolments: Vec<Unwanted>,
}

#[derive(Deserialize)]
struct Unwanted {
    userid: i64,
    courseid: i64,
    roleid: Option<i64>,
}

pub(crate) fn unenrol(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Args { enrolments } = args(value)?;
    for unwanted in enrolments {
        let Unwanted { userid, courseid, roleid } = unwanted;
        if roleid.is_some() && call.moodle.site.release >= Release::V5_2 {
            return Err(Refusal::parameter("Unexpected keys (roleid) detected in parameter array."));
        }
        if call.moodle.courses.get(courseid).is_none() {
            return Err(Refusal::missing("invalidrecord", format!("course {courseid}")));
        }
        super::enrol::check_course(call, courseid)?;
        call.require("enrol/manual:unenrol")?;
        let methods = call.moodle.manual_instances(courseid);
        if methods.is_empty() {
            let release = call.moodle.site.release;
            return Err(Refusal::no_instance(courseid, release));
        }
        let user = call.moodle.users.get(userid).filter(|user| !user.deleted);
        if user.is_none() {
            return Err(Refusal::parameter(format!("Invalid user: {userid}")));
        }
        let enrolment = call.moodle.enrolment(userid, courseid).map(|row| row.id);
        if let Some(id) = enrolment {
            call.moodle.unenrol(id);
        }
    }
    Ok(Value::Null)
}

impl Moodle {
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
}
