//! A fault of ours: the sender gets an incident's id, the log gets the cause.

use crate::auth::secrets::make_secret;
use rollbook_core::report::with_causes;
use std::error::Error;

/// Logs the cause; gives the id by which it is found there.
pub fn record(cause: &(dyn Error + 'static)) -> String {
    let incident = make_secret()[..10].to_owned();
    tracing::error!(incident, cause = with_causes(cause), "a request failed with an internal error");
    incident
}
