//! Manual enrolment, and who is in a course.

mod courses_of_user;
mod enrol;
mod participants;
mod unenrol;

use super::Function;
use crate::moodle::wire::schema::{Key, Shape, optional, required, with_default};

const ENROLMENT: &[Key] = &[
    required("roleid", Shape::Int),
    required("userid", Shape::Int),
    required("courseid", Shape::Int),
    optional("timestart", Shape::Int),
    optional("timeend", Shape::Int),
    optional("suspend", Shape::Int),
];

const UNENROLMENT: &[Key] =
    &[required("userid", Shape::Int), required("courseid", Shape::Int), optional("roleid", Shape::Int)];

const OPTION: &[Key] = &[required("name", Shape::Word), required("value", Shape::Raw)];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "enrol_manual_enrol_users",
        params: &[required("enrolments", Shape::List(&Shape::Struct(ENROLMENT)))],
        run: enrol::enrol,
    },
    Function {
        name: "enrol_manual_unenrol_users",
        params: &[required("enrolments", Shape::List(&Shape::Struct(UNENROLMENT)))],
        run: unenrol::unenrol,
    },
    Function {
        name: "core_enrol_get_enrolled_users",
        params: &[required("courseid", Shape::Int), with_default("options", Shape::List(&Shape::Struct(OPTION)), "")],
        run: participants::enrolled_users,
    },
    Function {
        name: "core_enrol_get_users_courses",
        params: &[required("userid", Shape::Int), with_default("returnusercount", Shape::Bool, "1")],
        run: courses_of_user::users_courses,
    },
];
