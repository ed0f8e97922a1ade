//! Reading cohorts: no owner, no context, no times; and members without names.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Call;
use super::super::call::args;
use super::change::unknown;
use crate::moodle::tables::collation::fold;
use crate::moodle::wire::Refusal;
use crate::moodle::{Cohort, Context};

#[derive(Deserialize)]
struct Wanted {
    cohortids: Vec<i64>,
}

/// All cohorts, or those of the given ids that exist.
pub(super) fn list(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Wanted { cohortids } = args(value)?;
    super::require(call, "moodle/cohort:view")?;
    if cohortids.is_empty() {
        return Ok(call.moodle.cohorts.iter().map(shown).collect());
    }
    let cohorts = cohortids.iter().filter_map(|id| call.moodle.cohorts.get(*id));
    Ok(cohorts.map(shown).collect())
}

fn shown(cohort: &Cohort) -> Value {
    json!({
        "id": cohort.id, "name": cohort.name, "idnumber": cohort.idnumber, "description": cohort.description,
        "descriptionformat": 1, "visible": cohort.visible, "theme": "", "customfields": [],
    })
}

#[derive(Deserialize)]
struct Search {
    query: String,
    context: Place,
    includes: String,
    limitfrom: usize,
    limitnum: usize,
}

#[derive(Deserialize)]
struct Place {
    contextid: Option<i64>,
    contextlevel: Option<String>,
    instanceid: Option<i64>,
}

/// Cohorts whose name, idnumber or description contains the text; 25 of them unless told otherwise.
pub(super) fn search(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Search { query, context, includes, limitfrom, limitnum } = args(value)?;
    let context = match (context.contextid, context.contextlevel.as_deref(), context.instanceid) {
        (Some(id), _, _) => Context::from_id(id),
        (None, Some("system"), Some(_)) => Some(Context::System),
        (None, Some("coursecat"), Some(id)) => Some(Context::Category(id)),
        _ => None,
    };
    let known = context.filter(|context| call.moodle.has_context(*context));
    let context = known.ok_or_else(|| Refusal::parameter("Context does not exist"))?;
    super::require(call, "moodle/cohort:view")?;
    let within: fn(Context, Context) -> bool = match includes.as_str() {
        "self" => |own, asked| own == asked,
        "parents" => |own, asked| own == asked || own == Context::System,
        "all" => |_, _| true,
        other => return Err(Refusal::parameter(format!("Invalid includes: {other}"))),
    };
    let text = fold(&query);
    let limit = if limitnum == 0 { usize::MAX } else { limitnum };
    let mut found: Vec<&Cohort> = call.moodle.cohorts.iter().collect();
    found.retain(|cohort| within(cohort.context, context) && contains(cohort, &text));
    found.sort_by_cached_key(|cohort| (fold(&cohort.name), fold(&cohort.idnumber)));
    let page: Vec<Value> = found.into_iter().skip(limitfrom).take(limit).map(shown).collect();
    Ok(json!({"cohorts": page}))
}

fn contains(cohort: &Cohort, text: &str) -> bool {
    let fields = [&cohort.name, &cohort.idnumber, &cohort.description];
    fields.iter().any(|field| fold(field).contains(text))
}

/// Ids by family name, orphans and deleted accounts included. One unknown cohort loses the whole answer.
pub(super) fn members(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Wanted { cohortids } = args(value)?;
    let mut answer = Vec::with_capacity(cohortids.len());
    for id in cohortids {
        if call.moodle.cohorts.get(id).is_none() {
            return Err(unknown(id));
        }
        super::require(call, "moodle/cohort:view")?;
        let mut people = call.moodle.members_of(id);
        let name = |id: i64| call.moodle.users.get(id).map(|user| (fold(&user.lastname), fold(&user.firstname)));
        people.sort_by_cached_key(|id| name(*id));
        answer.push(json!({"cohortid": id, "userids": people}));
    }
    Ok(Value::Array(answer))
}
