//! Creation, change and deletion of cohorts; each call is one transaction.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Call;
use super::super::call::args;
use crate::moodle::Cohort;
use crate::moodle::wire::Refusal;

#[derive(Deserialize)]
struct Create {
    cohorts: Vec<New>,
}

#[derive(Deserialize)]
struct New {
    categorytype: Place,
    name: String,
    idnumber: String,
    description: Option<String>,
    descriptionformat: i64,
    visible: bool,
}

#[derive(Deserialize)]
struct Place {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

/// Moodle's own, HTML, plain text, Markdown.
const TEXT_FORMATS: [i64; 4] = [0, 1, 2, 4];

pub(super) fn create(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Create { cohorts } = args(value)?;
    let mut created = Vec::with_capacity(cohorts.len());
    for new in cohorts {
        created.push(create_one(call, new)?);
    }
    Ok(Value::Array(created))
}

fn create_one(call: &mut Call<'_>, new: New) -> Result<Value, Refusal> {
    let context = super::place(call, &new.categorytype.kind, &new.categorytype.value)?;
    // Two cohorts without an idnumber count as duplicates too. Looked for before the capability is.
    let holders = call.moodle.cohorts_by_idnumber(&new.idnumber);
    if holders.iter().any(|cohort| call.saw(|seen| seen.cohorts, cohort.id)) {
        return Err(Refusal::parameter(format!("record already exists: idnumber={}", new.idnumber)));
    }
    call.require("moodle/cohort:manage")?;
    if !TEXT_FORMATS.contains(&new.descriptionformat) {
        return Err(Refusal::moodle("formatnotsupported", "webservice/formatnotsupported"));
    }
    check_lengths(&new.name, &new.idnumber)?;
    let cohort = Cohort {
        id: 0,
        context,
        name: new.name,
        idnumber: new.idnumber,
        description: new.description.unwrap_or_default(),
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

fn check_lengths(name: &str, idnumber: &str) -> Result<(), Refusal> {
    for (column, text, length_max) in [("name", name, 254), ("idnumber", idnumber, 100)] {
        if text.chars().count() > length_max {
            return Err(Refusal::write(format!("Data too long for column '{column}'")));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Update {
    cohorts: Vec<Changed>,
}

#[derive(Deserialize)]
struct Changed {
    id: i64,
    categorytype: Place,
    name: String,
    idnumber: String,
    description: Option<String>,
    visible: Option<bool>,
}

/// Nothing stops two cohorts from getting one idnumber here.
pub(super) fn update(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Update { cohorts } = args(value)?;
    for changed in cohorts {
        if changed.name.trim().is_empty() {
            return Err(Refusal::parameter("Invalid cohort name"));
        }
        let context = super::place(call, &changed.categorytype.kind, &changed.categorytype.value)?;
        call.require("moodle/cohort:manage")?;
        check_lengths(&changed.name, &changed.idnumber)?;
        let now = call.now;
        let present = call.moodle.cohorts.edit(changed.id, |cohort| {
            cohort.context = context;
            cohort.name = changed.name;
            cohort.idnumber = changed.idnumber;
            cohort.description = changed.description.unwrap_or_default();
            cohort.visible = changed.visible.unwrap_or(cohort.visible);
            cohort.timemodified = now;
        });
        if !present {
            return Err(unknown(changed.id));
        }
    }
    Ok(Value::Null)
}

#[derive(Deserialize)]
struct Delete {
    cohortids: Vec<i64>,
}

pub(super) fn delete(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Delete { cohortids } = args(value)?;
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

pub(super) fn unknown(id: i64) -> Refusal {
    Refusal::missing("invalidrecord", format!("cohort {id}"))
}
