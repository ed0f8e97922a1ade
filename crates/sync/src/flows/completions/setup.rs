//! Settings → a completions flow that is ready to run. Nothing is sent.

use super::{CompletionsFlow, FoundBy, Sending};
use crate::flows::setup::{FlowError, make_database, make_elm_auth, make_moodle};
use jiff::SignedDuration;
use rollbook_core::model::LinkName;
use rollbook_core::policy::ReportFields;
use rollbook_elm::client::{CompletionClient, CompletionOptions, FeedAuth};
use rollbook_remote::http::SetupError;
use rollbook_settings::link::Method;
use rollbook_settings::site::{CompletionTarget, Elm, ElmAuth};
use rollbook_settings::{CompletionsLink, Settings};

/// Without a sign of life for so long, a run's lease is anybody's.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// What a look-up address may have filled in.
const PLACEHOLDERS: [&str; 3] = ["{enrolment}", "{course}", "{guid}"];

/// Makes a completions link ready.
///
/// # Errors
/// [`FlowError`]
pub fn make_completions(found: &CompletionsLink<'_>, settings: &Settings) -> Result<CompletionsFlow, FlowError> {
    let CompletionsLink { link, moodle, elm, target } = found;
    let method = match (link.method, &moodle.database) {
        (Method::Database, Some(database)) => FoundBy::Database(make_database(database)?),
        (Method::Push, _) => FoundBy::Push,
        (Method::Poll | Method::Database, _) => FoundBy::Poll,
    };
    Ok(CompletionsFlow {
        link: link.name.clone(),
        intakes: find_intakes(found, settings),
        method,
        moodle: make_moodle(moodle)?,
        moodle_concurrency: count(moodle.concurrency),
        calls_max: link.calls_max.into(),
        opt_in_field: link.opt_in_field.clone(),
        elm: make_elm(elm, target)?,
        concurrency: count(link.concurrency),
        sending: if link.sending { Sending::On } else { Sending::Off },
        policy: link.policy.clone(),
        overlap: link.overlap,
        lease: LEASE,
        limit: None,
    })
}

/// The intake links between the same two sites.
fn find_intakes(found: &CompletionsLink<'_>, settings: &Settings) -> Vec<LinkName> {
    let same = settings
        .intakes()
        .filter(|intake| intake.moodle.name == found.moodle.name && intake.elm.name == found.elm.name);
    same.map(|intake| intake.link.name.clone()).collect()
}

/// The client that reports to an ELM.
///
/// # Errors
/// [`SetupError`]
fn make_elm(elm: &Elm, target: &CompletionTarget) -> Result<CompletionClient, SetupError> {
    let mut options = CompletionOptions::new(target.url.as_str(), String::new().into());
    options.site = elm.name.to_string();
    options.auth = match (&elm.auth, target.token.clone()) {
        (ElmAuth::Header { name, .. }, Some(token)) => FeedAuth::Header { name: name.clone(), token },
        (_, Some(token)) => FeedAuth::Header { name: "authorization".to_owned(), token },
        (auth, None) => make_elm_auth(auth),
    };
    options.receipts = target.receipts.clone();
    options.key_header.clone_from(&target.idempotency_header);
    options.lookup_url = target.lookup_url.as_ref().map(|url| lookup_template(url.as_str(), &target.words.fields));
    options.timeout = target.timeout;
    CompletionClient::new(options)
}

/// A collection without a place for the enrolment gets a filter.
fn lookup_template(url: &str, fields: &ReportFields) -> String {
    let template = url.replace("%7B", "{").replace("%7D", "}");
    if PLACEHOLDERS.iter().any(|place| template.contains(place)) {
        return template;
    }
    let mark = if template.contains('?') { '&' } else { '?' };
    format!("{template}{mark}$filter={}%20eq%20{{enrolment}}", fields.enrolment_id)
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollbook_core::policy::ReportTemplate;

    #[test]
    fn look_up_address_without_a_place_gets_a_filter() {
        let fields = ReportTemplate::default().fields;
        let template = |url: &str| lookup_template(reqwest::Url::parse(url).unwrap().as_str(), &fields);
        assert_eq!(template("https://e.org/C"), "https://e.org/C?$filter=ENROLMENT_ID%20eq%20{enrolment}");
        assert_eq!(template("https://e.org/C?a=1"), "https://e.org/C?a=1&$filter=ENROLMENT_ID%20eq%20{enrolment}");
        assert_eq!(template("https://e.org/C/{guid}?x={course}"), "https://e.org/C/{guid}?x={course}");
    }
}
