//! One report → the ELM, once; and the question whether the ELM has one.
//!
//! It makes no choices: what an answer means for the report is the state machine's to say (`rollbook_core::run::step`).

use jiff::SignedDuration;
use rollbook_core::model::LinkName;
use rollbook_core::plan::{Report, ReportFields, is_same_report};
use rollbook_core::run::{LookupResult, Receipt};
use rollbook_elm::client::{CompletionClient, CompletionError, LookUpKey, Lookup};
use std::time::Duration;

/// What came back, and the ELM's words for the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ElmAnswer<A> {
    /// What it proves.
    pub answer: A,
    /// The words; bounded.
    pub words: String,
}

/// Sends a report, once, with the key that it has in every attempt.
pub(super) async fn send_report(client: &CompletionClient, link: &LinkName, report: &Report) -> ElmAnswer<Receipt> {
    let key = report.key.idempotency_key(link);
    match client.send(&report.body, &key).await {
        Ok(receipt) => {
            let words = format!("HTTP {} {}", receipt.status, receipt.words.as_str());
            ElmAnswer { answer: Receipt::Accepted, words: words.trim_end().to_owned() }
        }
        Err(error) => ElmAnswer { answer: read_answer(&error), words: describe(&error) },
    }
}

/// Asks the ELM whether it has a report.
pub(super) async fn look_up_report(
    client: &CompletionClient,
    report: &Report,
    fields: &ReportFields,
) -> ElmAnswer<LookupResult> {
    let enrolment = report.enrolment.to_string();
    let key = LookUpKey { enrolment: &enrolment, course: report.elm_id.as_str(), guid: report.guid.as_str() };
    let (answer, words) = match client.fetch_lookup(key).await {
        Ok(Lookup::Unsupported) => (LookupResult::Unsupported, "there is no way to look it up".to_owned()),
        Ok(Lookup::Nothing) => (LookupResult::Nothing, "the ELM does not have it".to_owned()),
        Ok(Lookup::Found(records)) => {
            let found = records.iter().any(|record| is_same_report(&report.body, record, fields));
            match found {
                true => (LookupResult::Found, "the ELM has it".to_owned()),
                false => (LookupResult::Nothing, format!("the ELM has {} others, not this one", records.len())),
            }
        }
        Err(error) => (LookupResult::NoAnswer, describe(&error)),
    };
    ElmAnswer { answer, words }
}

fn read_answer(error: &CompletionError) -> Receipt {
    let asked = |wait: &Option<Duration>| wait.and_then(|wait| SignedDuration::try_from(wait).ok());
    match error {
        CompletionError::NotSent { .. } => Receipt::NotSent,
        CompletionError::RateLimited { retry_after } => Receipt::RateLimited { retry_after: asked(retry_after) },
        CompletionError::Denied { status } => Receipt::Denied { status: *status },
        CompletionError::Refused { status, .. } => Receipt::Refused { status: *status },
        CompletionError::Unknown { retry_after, .. } => Receipt::Unknown { retry_after: asked(retry_after) },
        CompletionError::Malformed { .. } => Receipt::Unknown { retry_after: None },
    }
}

/// The error with the ELM's own message, which the error itself does not show.
fn describe(error: &CompletionError) -> String {
    match error {
        CompletionError::Refused { status, code, words } if words.is_empty() => format!("HTTP {status}, {code}"),
        CompletionError::Refused { status, code, words } => format!("HTTP {status}, {code}: {}", words.as_str()),
        _ => error.to_string(),
    }
}
