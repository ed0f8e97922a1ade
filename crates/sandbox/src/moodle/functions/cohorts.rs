//! Cohorts and their members. Reading tells no owner, no context and no times, and of members only the ids.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::args;
use super::{Call, Function};
use crate::moodle::wire::Exception;
use crate::moodle::wire::schema::{Key, Shape, optional, required, with_default};
use crate::moodle::{Cohort, Context, fold};

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
        run: create,
    },
    Function {
        name: "core_cohort_update_cohorts",
        params: &[required("cohorts", Shape::List(&Shape::Struct(CHANGED_COHORT)))],
        run: update,
    },
    Function {
        name: "core_cohort_delete_cohorts",
        params: &[required("cohortids", Shape::List(&Shape::Int))],
        run: delete,
    },
    Function {
        name: "core_cohort_get_cohorts",
        params: &[with_default("cohortids", Shape::List(&Shape::Int), "")],
        run: list,
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
        run: search,
    },
    Function {
        name: "core_cohort_get_cohort_members",
        params: &[required("cohortids", Shape::List(&Shape::Int))],
        run: list_members,
    },
    Function {
        name: "core_cohort_add_cohort_members",
        params: &[required("members", Shape::List(&Shape::Struct(NEW_MEMBER)))],
        run: add_members,
    },
    Function {
        name: "core_cohort_delete_cohort_members",
        params: &[required("members", Shape::List(&Shape::Struct(MEMBER)))],
        run: delete_members,
    },
];

/// `moodle/cohort:manage` covers the lesser capabilities.
fn require(call: &Call<'_>, lesser: &str) -> Result<(), Exception> {
    if call.may("moodle/cohort:manage") { Ok(()) } else { call.require(lesser) }
}

/// The place that a category type and value name.
fn place(call: &Call<'_>, kind: &str, value: &str) -> Result<Context, Exception> {
    let missing = || Exception::parameter(format!("category not exists: category {kind}={value}"));
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

#[derive(Deserialize)]
struct CreateCohorts {
    cohorts: Vec<NewCohort>,
}

#[derive(Deserialize)]
struct NewCohort {
    categorytype: CategoryType,
    name: String,
    idnumber: String,
    description: Option<String>,
    descriptionformat: i64,
    visible: bool,
    customfields: Option<Vec<CustomField>>,
}

#[derive(Deserialize)]
struct CustomField {
    shortname: String,
    value: String,
}

#[derive(Deserialize)]
struct CategoryType {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

/// Moodle's own, HTML, plain text, Markdown.
const TEXT_FORMATS: [i64; 4] = [0, 1, 2, 4];

fn create(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let CreateCohorts { cohorts } = args(value)?;
    let mut created = Vec::with_capacity(cohorts.len());
    for new in cohorts {
        created.push(create_one(call, new)?);
    }
    Ok(Value::Array(created))
}

fn create_one(call: &mut Call<'_>, new: NewCohort) -> Result<Value, Exception> {
    let context = place(call, &new.categorytype.kind, &new.categorytype.value)?;
    // Two cohorts without an idnumber count as duplicates too. Looked for before the capability is.
    let holders = call.moodle.cohorts_by_idnumber(&new.idnumber);
    if holders.iter().any(|cohort| call.sees_row(|limits| limits.cohorts, cohort.id)) {
        return Err(Exception::parameter(format!("record already exists: idnumber={}", new.idnumber)));
    }
    call.require("moodle/cohort:manage")?;
    if !TEXT_FORMATS.contains(&new.descriptionformat) {
        return Err(Exception::moodle("formatnotsupported", "webservice/formatnotsupported"));
    }
    check_lengths(&new.name, &new.idnumber)?;
    let cohort = Cohort {
        id: 0,
        context,
        name: new.name,
        idnumber: new.idnumber,
        description: new.description.unwrap_or_default(),
        custom_fields: known_fields(call, new.customfields).collect(),
        visible: new.visible,
        component: String::new(),
        timecreated: call.now,
        timemodified: call.now,
    };
    let id = call.moodle.cohorts.insert(cohort.clone());
    Ok(json!({
        "id": id, "name": cohort.name, "idnumber": cohort.idnumber, "description": cohort.description,
        "descriptionformat": 1, "visible": cohort.visible, "theme": "",
    }))
}

/// Values of fields that the site does not have are dropped without a word.
fn known_fields(call: &Call<'_>, values: Option<Vec<CustomField>>) -> impl Iterator<Item = (String, String)> {
    let known = call.moodle.cohort_fields.clone();
    let values = values.unwrap_or_default().into_iter();
    values.filter(move |field| known.contains(&field.shortname)).map(|field| (field.shortname, field.value))
}

fn check_lengths(name: &str, idnumber: &str) -> Result<(), Exception> {
    for (column, text, length_max) in [("name", name, 254), ("idnumber", idnumber, 100)] {
        if text.chars().count() > length_max {
            return Err(Exception::write(format!("Data too long for column '{column}'")));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct UpdateCohorts {
    cohorts: Vec<ChangedCohort>,
}

#[derive(Deserialize)]
struct ChangedCohort {
    id: i64,
    categorytype: CategoryType,
    name: String,
    idnumber: String,
    description: Option<String>,
    visible: Option<bool>,
    customfields: Option<Vec<CustomField>>,
}

/// Nothing stops two cohorts from getting one idnumber here.
fn update(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let UpdateCohorts { cohorts } = args(value)?;
    for changed in cohorts {
        if changed.name.trim().is_empty() {
            return Err(Exception::parameter("Invalid cohort name"));
        }
        if call.moodle.cohorts.get(changed.id).is_none() {
            return Err(unknown(changed.id));
        }
        call.require("moodle/cohort:manage")?;
        let context = place(call, &changed.categorytype.kind, &changed.categorytype.value)?;
        check_lengths(&changed.name, &changed.idnumber)?;
        let fields: Vec<(String, String)> = known_fields(call, changed.customfields).collect();
        let now = call.now;
        call.moodle.cohorts.edit(changed.id, |cohort| {
            cohort.context = context;
            cohort.name = changed.name;
            cohort.idnumber = changed.idnumber;
            // What is left out stays as it was.
            if let Some(description) = changed.description {
                cohort.description = description;
            }
            cohort.custom_fields.extend(fields);
            cohort.visible = changed.visible.unwrap_or(cohort.visible);
            cohort.timemodified = now;
        });
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
struct DeleteCohorts {
    cohortids: Vec<i64>,
}

fn delete(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let DeleteCohorts { cohortids } = args(value)?;
    for id in cohortids {
        if call.moodle.cohorts.get(id).is_none() {
            return Err(unknown(id));
        }
        call.require("moodle/cohort:manage")?;
        let members: Vec<i64> = call.moodle.members.index().cohort.ids(id).collect();
        for member in members {
            call.moodle.leave_cohort(member);
        }
        call.moodle.cohorts.remove(id);
    }
    Ok(Value::Null)
}

fn unknown(id: i64) -> Exception {
    Exception::missing("invalidrecord", format!("cohort {id}"))
}

#[derive(Deserialize)]
struct AddMembers {
    members: Vec<NewMember>,
}

#[derive(Deserialize)]
struct NewMember {
    cohorttype: Named,
    usertype: Named,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

/// Why one element was left out: code and text, the only hint at which one.
type Warning = (&'static str, String);

/// Unknown and doubled elements become warnings, and the rest is done.
fn add_members(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let AddMembers { members } = args(value)?;
    let mut warnings = Vec::new();
    for joining in members {
        match look_up(call, &joining) {
            Ok((cohort_id, user_id)) => {
                require(call, "moodle/cohort:assign")?;
                if let Err((code, message)) = join(call, &joining, cohort_id, user_id)? {
                    warnings.push(json!({"warningcode": code, "message": message}));
                }
            }
            Err((code, message)) => warnings.push(json!({"warningcode": code, "message": message})),
        }
    }
    Ok(json!({"warnings": warnings}))
}

fn look_up(call: &Call<'_>, joining: &NewMember) -> Result<(i64, i64), Warning> {
    let NewMember { cohorttype, usertype } = joining;
    let number = |named: &Named| named.value.parse::<i64>().ok();
    let cohort = match cohorttype.kind.as_str() {
        "id" => number(cohorttype).and_then(|id| call.moodle.cohorts.get(id)),
        // Of several cohorts with one idnumber the database picks any.
        "idnumber" => call.moodle.cohorts_by_idnumber(&cohorttype.value).first().copied(),
        other => return Err(("1", format!("invalid parameter: cohortype={other}"))),
    };
    let user = match usertype.kind.as_str() {
        "id" => number(usertype).and_then(|id| call.moodle.users.get(id)).filter(|user| !user.deleted),
        "username" => {
            let users = call.moodle.users_by_username(&usertype.value);
            users.into_iter().find(|user| !user.deleted)
        }
        other => return Err(("1", format!("invalid parameter: usertype={other}"))),
    };
    let missing = |what: &str, named: &Named| ("2", format!("{what} {}={} not exists", named.kind, named.value));
    let cohort = cohort.ok_or_else(|| missing("cohort", cohorttype))?;
    let user = user.ok_or_else(|| missing("user", usertype))?;
    Ok((cohort.id, user.id))
}

fn join(
    call: &mut Call<'_>,
    joining: &NewMember,
    cohort_id: i64,
    user_id: i64,
) -> Result<Result<(), Warning>, Exception> {
    let present = call.moodle.members.index().pair.get(&(cohort_id, user_id)).copied();
    let Some(id) = present else {
        call.moodle.join_cohort(cohort_id, user_id, call.now);
        return Ok(Ok(()));
    };
    if !call.sees_row(|limits| limits.members, id) {
        return Err(Exception::write("Duplicate entry for key 'cohortid-userid'"));
    }
    let NewMember { cohorttype: cohort, usertype: user } = joining;
    let message =
        format!("record already exists: cohort({}={} {}={})", cohort.kind, cohort.value, user.kind, user.value);
    Ok(Err(("3", message)))
}

#[derive(Deserialize)]
struct DeleteMembers {
    members: Vec<OldMember>,
}

#[derive(Deserialize)]
struct OldMember {
    cohortid: i64,
    userid: i64,
}

/// A deleted account is an error even when its row is still there; somebody who is no member is none.
fn delete_members(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let DeleteMembers { members } = args(value)?;
    for OldMember { cohortid, userid } in members {
        if call.moodle.cohorts.get(cohortid).is_none() {
            return Err(unknown(cohortid));
        }
        if call.moodle.users.get(userid).is_none_or(|user| user.deleted) {
            return Err(Exception::missing("invaliduser", format!("user {userid}")));
        }
        require(call, "moodle/cohort:assign")?;
        let present = call.moodle.members.index().pair.get(&(cohortid, userid)).copied();
        if let Some(id) = present {
            call.moodle.leave_cohort(id);
        }
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
struct CohortIds {
    cohortids: Vec<i64>,
}

/// All cohorts, or those of the given ids that exist.
fn list(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let CohortIds { cohortids } = args(value)?;
    require(call, "moodle/cohort:view")?;
    if cohortids.is_empty() {
        return Ok(call.moodle.cohorts.iter().map(|cohort| shown(call, cohort)).collect());
    }
    let cohorts = cohortids.iter().filter_map(|id| call.moodle.cohorts.get(*id));
    Ok(cohorts.map(|cohort| shown(call, cohort)).collect())
}

fn shown(call: &Call<'_>, cohort: &Cohort) -> Value {
    let fields: Vec<Value> = call
        .moodle
        .cohort_fields
        .iter()
        .map(|name| {
            let value = cohort.custom_fields.get(name).cloned().unwrap_or_default();
            json!({"name": name, "shortname": name, "type": "text", "valueraw": value, "value": value})
        })
        .collect();
    json!({
        "id": cohort.id, "name": cohort.name, "idnumber": cohort.idnumber, "description": cohort.description,
        "descriptionformat": 1, "visible": cohort.visible, "theme": "", "customfields": fields,
    })
}

#[derive(Deserialize)]
struct Search {
    query: String,
    context: ContextParams,
    includes: String,
    limitfrom: usize,
    limitnum: usize,
}

#[derive(Deserialize)]
struct ContextParams {
    contextid: Option<i64>,
    contextlevel: Option<String>,
    instanceid: Option<i64>,
}

/// Cohorts whose name, idnumber or description contains the text; 25 of them unless told otherwise.
fn search(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let Search { query, context, includes, limitfrom, limitnum } = args(value)?;
    let context = match (context.contextid, context.contextlevel.as_deref(), context.instanceid) {
        (Some(id), _, _) => Context::from_id(id),
        (None, Some("system"), Some(_)) => Some(Context::System),
        (None, Some("coursecat"), Some(id)) => Some(Context::Category(id)),
        _ => None,
    };
    let known = context.filter(|context| call.moodle.has_context(*context));
    let context = known.ok_or_else(|| Exception::parameter("Context does not exist"))?;
    require(call, "moodle/cohort:view")?;
    let within: fn(Context, Context) -> bool = match includes.as_str() {
        "self" => |own, asked| own == asked,
        "parents" => |own, asked| own == asked || own == Context::System,
        "all" => |_, _| true,
        other => return Err(Exception::parameter(format!("Invalid includes: {other}"))),
    };
    let text = fold(&query);
    let limit = if limitnum == 0 { usize::MAX } else { limitnum };
    let mut found: Vec<&Cohort> = call.moodle.cohorts.iter().collect();
    found.retain(|cohort| within(cohort.context, context) && contains(cohort, &text));
    found.sort_by_cached_key(|cohort| (fold(&cohort.name), fold(&cohort.idnumber)));
    let page: Vec<Value> = found.into_iter().skip(limitfrom).take(limit).map(|cohort| shown(call, cohort)).collect();
    Ok(json!({"cohorts": page}))
}

fn contains(cohort: &Cohort, text: &str) -> bool {
    let fields = [&cohort.name, &cohort.idnumber, &cohort.description];
    fields.iter().any(|field| fold(field).contains(text))
}

/// Ids by family name, orphans and deleted accounts included. One unknown cohort loses the whole answer.
fn list_members(call: &mut Call<'_>, value: Value) -> Result<Value, Exception> {
    let CohortIds { cohortids } = args(value)?;
    let mut answer = Vec::with_capacity(cohortids.len());
    for id in cohortids {
        if call.moodle.cohorts.get(id).is_none() {
            return Err(unknown(id));
        }
        require(call, "moodle/cohort:view")?;
        let mut people = call.moodle.members_of(id);
        let name = |id: i64| call.moodle.users.get(id).map(|user| (fold(&user.lastname), fold(&user.firstname)));
        people.sort_by_cached_key(|id| name(*id));
        answer.push(json!({"cohortid": id, "userids": people}));
    }
    Ok(Value::Array(answer))
}
