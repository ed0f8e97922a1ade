//! Cohorts and their members.

mod change;
mod members;
mod read;

use super::Function;
use crate::moodle::Context;
use crate::moodle::wire::Refusal;
use crate::moodle::wire::schema::{Key, Shape, optional, required, with_default};

use super::Call;

const BY_TYPE: &[Key] = &[required("type", Shape::Letters), required("value", Shape::Raw)];
const CUSTOM_FIELD: &[Key] = &[required("shortname", Shape::Word), required("value", Shape::Raw)];

const NEW_COHORT: &[Key] = &[
    required("categorytype", Shape::Struct(BY_TYPE)),
    required("name", Shape::Raw),
    required("idnumber", Shape::Raw),
    optional("description", Shape::Raw),
    with_default("descriptionformat", Shape::Int, "1"),
    with_default("visible", Shape::Bool, "1"),
    optional("theme", Shape::Word),
    optional("customfields", Shape::List(&Shape::Struct(CUSTOM_FIELD))),
];

const CHANGED_COHORT: &[Key] = &[
    required("id", Shape::Int),
    required("categorytype", Shape::Struct(BY_TYPE)),
    required("name", Shape::Raw),
    required("idnumber", Shape::Raw),
    optional("description", Shape::Raw),
    with_default("descriptionformat", Shape::Int, "1"),
    optional("visible", Shape::Bool),
    optional("theme", Shape::Word),
    optional("customfields", Shape::List(&Shape::Struct(CUSTOM_FIELD))),
];

const CONTEXT: &[Key] =
    &[optional("contextid", Shape::Int), optional("contextlevel", Shape::Letters), optional("instanceid", Shape::Int)];

const NEW_MEMBER: &[Key] =
    &[required("cohorttype", Shape::Struct(BY_TYPE)), required("usertype", Shape::Struct(BY_TYPE))];

const MEMBER: &[Key] = &[required("cohortid", Shape::Int), required("userid", Shape::Int)];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "core_cohort_create_cohorts",
        params: &[required("cohorts", Shape::List(&Shape::Struct(NEW_COHORT)))],
        run: change::create,
    },
    Function {
        name: "core_cohort_update_cohorts",
        params: &[required("cohorts", Shape::List(&Shape::Struct(CHANGED_COHORT)))],
        run: change::update,
    },
    Function {
        name: "core_cohort_delete_cohorts",
        params: &[required("cohortids", Shape::List(&Shape::Int))],
        run: change::delete,
    },
    Function {
        name: "core_cohort_get_cohorts",
        params: &[with_default("cohortids", Shape::List(&Shape::Int), "")],
        run: read::list,
    },
    Function {
        name: "core_cohort_search_cohorts",
        params: &[
            required("query", Shape::Raw),
            required("context", Shape::Struct(CONTEXT)),
            with_default("includes", Shape::Letters, "parents"),
            with_default("limitfrom", Shape::Int, "0"),
            with_default("limitnum", Shape::Int, "25"),
        ],
        run: read::search,
    },
    Function {
        name: "core_cohort_get_cohort_members",
        params: &[required("cohortids", Shape::List(&Shape::Int))],
        run: read::members,
    },
    Function {
        name: "core_cohort_add_cohort_members",
        params: &[required("members", Shape::List(&Shape::Struct(NEW_MEMBER)))],
        run: members::add,
    },
    Function {
        name: "core_cohort_delete_cohort_members",
        params: &[required("members", Shape::List(&Shape::Struct(MEMBER)))],
        run: members::delete,
    },
];

/// `moodle/cohort:manage` covers the lesser capabilities.
fn require(call: &Call<'_>, lesser: &str) -> Result<(), Refusal> {
    if call.may("moodle/cohort:manage") { Ok(()) } else { call.require(lesser) }
}

/// The place that a category type and value name.
fn place(call: &Call<'_>, kind: &str, value: &str) -> Result<Context, Refusal> {
    let missing = || Refusal::parameter(format!("category not exists: category {kind}={value}"));
    match kind {
        "system" => Ok(Context::System),
        "id" => {
            let id = value.parse().map_err(|_| missing())?;
            let known = call.moodle.categories.contains_key(&id);
            known.then_some(Context::Category(id)).ok_or_else(missing)
        }
        "idnumber" => {
            let mut categories = call.moodle.categories.iter();
            let found = categories.find(|(_, idnumber)| call.moodle.equal(idnumber, value));
            found.map(|(id, _)| Context::Category(*id)).ok_or_else(missing)
        }
        _ => Err(missing()),
    }
}
