//! Joining and leaving cohorts.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Call;
use super::super::call::args;
use super::change::unknown;
use crate::moodle::wire::Refusal;

#[derive(Deserialize)]
struct Add {
    members: Vec<Joining>,
}

#[derive(Deserialize)]
struct Joining {
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
pub(super) fn add(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Add { members } = args(value)?;
    let mut warnings = Vec::new();
    for joining in members {
        match look_up(call, &joining) {
            Ok((cohort_id, user_id)) => {
                super::require(call, "moodle/cohort:assign")?;
                if let Err((code, message)) = join(call, &joining, cohort_id, user_id)? {
                    warnings.push(json!({"warningcode": code, "message": message}));
                }
            }
            Err((code, message)) => warnings.push(json!({"warningcode": code, "message": message})),
        }
    }
    Ok(json!({"warnings": warnings}))
}

fn look_up(call: &Call<'_>, joining: &Joining) -> Result<(i64, i64), Warning> {
    let Joining { cohorttype, usertype } = joining;
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

fn join(call: &mut Call<'_>, joining: &Joining, cohort_id: i64, user_id: i64) -> Result<Result<(), Warning>, Refusal> {
    let present = call.moodle.members.index().pair.get(&(cohort_id, user_id)).copied();
    let Some(id) = present else {
        call.moodle.join_cohort(cohort_id, user_id, call.now);
        return Ok(Ok(()));
    };
    if !call.saw(|seen| seen.members, id) {
        return Err(Refusal::write("Duplicate entry for key 'cohortid-userid'"));
    }
    let Joining { cohorttype: cohort, usertype: user } = joining;
    let message =
        format!("record already exists: cohort({}={} {}={})", cohort.kind, cohort.value, user.kind, user.value);
    Ok(Err(("3", message)))
}

#[derive(Deserialize)]
struct Delete {
    members: Vec<Leaving>,
}

#[derive(Deserialize)]
struct Leaving {
    cohortid: i64,
    userid: i64,
}

/// A deleted account is an error even when its row is still there; somebody who is no member is none.
pub(super) fn delete(call: &mut Call<'_>, value: Value) -> Result<Value, Refusal> {
    let Delete { members } = args(value)?;
    for Leaving { cohortid, userid } in members {
        if call.moodle.cohorts.get(cohortid).is_none() {
            return Err(unknown(cohortid));
        }
        if call.moodle.users.get(userid).is_none_or(|user| user.deleted) {
            return Err(Refusal::missing("invaliduser", format!("user {userid}")));
        }
        super::require(call, "moodle/cohort:assign")?;
        let present = call.moodle.members.index().pair.get(&(cohortid, userid)).copied();
        if let Some(id) = present {
            call.moodle.leave_cohort(id);
        }
    }
    Ok(Value::Null)
}
