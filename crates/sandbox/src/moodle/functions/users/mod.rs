//! Accounts: look-up, creation, change and deletion.

mod read;
mod write;

pub(super) use read::AccountView;

use super::Function;
use crate::moodle::wire::schema::{Key, Shape, optional, required, with_default};

const CRITERION: &[Key] = &[required("key", Shape::Letters), required("value", Shape::Raw)];
const PREFERENCE: &[Key] = &[required("type", Shape::Raw), required("value", Shape::Raw)];

const NEW_USER: &[Key] = &[
    required("username", Shape::Username),
    required("firstname", Shape::NoTags),
    required("lastname", Shape::NoTags),
    required("email", Shape::Trimmed),
    optional("createpassword", Shape::Bool),
    optional("password", Shape::Raw),
    with_default("auth", Shape::Word, "manual"),
    with_default("idnumber", Shape::Raw, ""),
    optional("lang", Shape::Word),
    optional("calendartype", Shape::Word),
    optional("maildisplay", Shape::Int),
    optional("city", Shape::NoTags),
    optional("country", Shape::Letters),
    optional("timezone", Shape::Raw),
    optional("description", Shape::Raw),
    optional("firstnamephonetic", Shape::NoTags),
    optional("lastnamephonetic", Shape::NoTags),
    optional("middlename", Shape::NoTags),
    optional("alternatename", Shape::NoTags),
    optional("interests", Shape::Raw),
    optional("institution", Shape::Raw),
    optional("department", Shape::Raw),
    optional("phone1", Shape::NoTags),
    optional("phone2", Shape::NoTags),
    optional("address", Shape::Raw),
    optional("theme", Shape::Word),
    optional("mailformat", Shape::Int),
    optional("customfields", Shape::List(&Shape::Struct(PREFERENCE))),
    optional("preferences", Shape::List(&Shape::Struct(PREFERENCE))),
];

const CHANGED_USER: &[Key] = &[
    required("id", Shape::Int),
    optional("username", Shape::Username),
    optional("auth", Shape::Word),
    optional("suspended", Shape::Bool),
    optional("password", Shape::Raw),
    optional("firstname", Shape::NoTags),
    optional("lastname", Shape::NoTags),
    optional("email", Shape::Trimmed),
    optional("maildisplay", Shape::Int),
    optional("city", Shape::NoTags),
    optional("country", Shape::Letters),
    optional("timezone", Shape::Raw),
    optional("description", Shape::Raw),
    optional("idnumber", Shape::Raw),
    optional("lang", Shape::Word),
    optional("institution", Shape::Raw),
    optional("department", Shape::Raw),
    optional("customfields", Shape::List(&Shape::Struct(PREFERENCE))),
    optional("preferences", Shape::List(&Shape::Struct(PREFERENCE))),
];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "core_user_get_users_by_field",
        params: &[required("field", Shape::Letters), required("values", Shape::List(&Shape::Raw))],
        run: read::by_field,
    },
    Function {
        name: "core_user_get_users",
        params: &[required("criteria", Shape::List(&Shape::Struct(CRITERION)))],
        run: read::by_criteria,
    },
    Function {
        name: "core_user_create_users",
        params: &[required("users", Shape::List(&Shape::Struct(NEW_USER)))],
        run: write::create,
    },
    Function {
        name: "core_user_update_users",
        params: &[required("users", Shape::List(&Shape::Struct(CHANGED_USER)))],
        run: write::update,
    },
    Function {
        name: "core_user_delete_users",
        params: &[required("userids", Shape::List(&Shape::Int))],
        run: write::delete,
    },
];
