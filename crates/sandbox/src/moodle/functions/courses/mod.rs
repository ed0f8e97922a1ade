//! Courses: look-up, and the creation and deletion that test suites need.

mod read;
mod write;

use super::Function;
use crate::moodle::wire::schema::{Key, Shape, optional, required, with_default};

pub(super) use read::clean;

const OPTIONS: &[Key] = &[optional("ids", Shape::List(&Shape::Int))];

const NEW_COURSE: &[Key] = &[
    required("fullname", Shape::NoTags),
    required("shortname", Shape::NoTags),
    required("categoryid", Shape::Int),
    optional("idnumber", Shape::Raw),
    optional("summary", Shape::Raw),
    with_default("summaryformat", Shape::Int, "1"),
    with_default("format", Shape::Word, "topics"),
    optional("startdate", Shape::Int),
    optional("enddate", Shape::Int),
    optional("visible", Shape::Int),
    optional("enablecompletion", Shape::Int),
    optional("completionnotify", Shape::Int),
    optional("groupmode", Shape::Int),
    optional("lang", Shape::Word),
];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "core_course_get_courses_by_field",
        params: &[with_default("field", Shape::Letters, ""), with_default("value", Shape::Raw, "")],
        run: read::by_field,
    },
    Function {
        name: "core_course_get_courses",
        params: &[with_default("options", Shape::Struct(OPTIONS), "")],
        run: read::listed,
    },
    Function {
        name: "core_course_create_courses",
        params: &[required("courses", Shape::List(&Shape::Struct(NEW_COURSE)))],
        run: write::create,
    },
    Function {
        name: "core_course_delete_courses",
        params: &[required("courseids", Shape::List(&Shape::Int))],
        run: write::delete,
    },
];
