//! The web service functions: their parameters, and what each does.

mod call;
mod cohorts;
mod completion;
mod courses;
mod enrolments;
mod participants;
mod roles;
mod site_info;
mod users;

use serde_json::Value;

pub(crate) use call::{Call, Caller, RowLimits};

use super::wire::Exception;
use super::wire::schema::Key;

/// One function of the stand-in.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Key],
    pub(crate) run: fn(&mut Call<'_>, Value) -> Result<Value, Exception>,
}

const ALL: [&[Function]; 7] = [
    site_info::FUNCTIONS,
    users::FUNCTIONS,
    courses::FUNCTIONS,
    enrolments::FUNCTIONS,
    cohorts::FUNCTIONS,
    roles::FUNCTIONS,
    completion::FUNCTIONS,
];

/// Every function that the stand-in knows.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    all().map(|function| function.name)
}

fn all() -> impl Iterator<Item = &'static Function> {
    ALL.into_iter().flatten()
}

/// The function, if the caller's service lists it and its account may use REST.
pub(crate) fn admit(caller: &Caller, name: &str, now: i64) -> Result<&'static Function, Exception> {
    if name.is_empty() {
        return Err(Exception::parameter("Missing function name"));
    }
    let function = all()
        .find(|function| function.name == name)
        .ok_or_else(|| Exception::missing("invalidrecord", format!("external_functions: {name}")))?;
    if !caller.token.service_enabled || !caller.token.functions.contains(name) {
        return Err(Exception::access("The function is not in the token's service"));
    }
    if caller.token.authorised_until.is_some_and(|until| until > now) {
        return Err(Exception::access("The account's authorisation for the service has expired"));
    }
    if !caller.may("webservice/rest:use") {
        return Err(Exception::access("You are not allowed to use REST"));
    }
    Ok(function)
}
