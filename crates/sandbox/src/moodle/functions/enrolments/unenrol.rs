//! `enrol_manual_unenrol_users`.

use serde::Deserialize;
use serde_json::Value;

use super::super::Call;
use super::super::call::args;
use crate::moodle::wire::Refusal;
use crate::moodle::{Context, Moodle};

#[derive(Deserialize)]
struct Args {
    enrolments: Vec<Unwanted>,
}

#[derive(Deserialize)]
struct Unwanted {
    userid: i64,
    courseid: i64,
}

pub(crate) fn unenrol(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Args { enrolments } = args(value)?;
    for unwanted in enrolments {
        let Unwanted { userid, courseid } = unwanted;
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
    /// Takes an enrolment away, and the course's manual roles with the last one.
    pub fn unenrol(&mut self, enrolment_id: i64) {
        let Some(row) = self.enrolments.get(enrolment_id).cloned() else {
            return;
        };
        self.enrolments.remove(enrolment_id);
        let mut left = self.enrolments_of_user(row.user_id);
        if left.any(|other| other.course_id == row.course_id) {
            return;
        }
        drop(left);
        let roles = self.roles_of(row.user_id, Context::Course(row.course_id));
        let ids: Vec<i64> = roles.map(|role| role.id).collect();
        for id in ids {
            self.assignments.remove(id);
        }
    }
}
