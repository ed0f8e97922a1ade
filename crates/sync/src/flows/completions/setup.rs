//! Settings → a completions flow that is ready to run. Nothing is sent.

use super::{CompletionsFlow, FoundBy, Sending};
use crate::flows::setup::{FlowError, make_database, make_moodle};
use jiff::SignedDuration;
use rollbook_core::model::LinkName;
use rollbook_core::policy::{CompletionLimits, CompletionsPolicy, DeliveryRules, ReportFields, ReportTemplate};
use rollbook_elm::client::{CompletionClient, CompletionOptions};
use rollbook_remote::http::SetupError;
use rollbook_settings::link::{Completions, Way};
use rollbook_settings::site::{CompletionConstants, CompletionFields, CompletionTarget, Elm};
use rollbook_settings::{CompletionsLink, Settings};
use std::time::Duration;

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
    let way = match (link.way, &moodle.database) {
        (Way::Database, Some(database)) => FoundBy::Database(make_database(database)?),
        (Way::Push, _) => FoundBy::Push,
        (Way::Poll | Way::Database, _) => FoundBy::Poll,
    };
    Ok(CompletionsFlow {
        link: link.name.clone(),
        intakes: find_intakes(found, settings),
        way,
        moodle: make_moodle(moodle)?,
        moodle_concurrency: count(moodle.concurrency),
        calls_max: link.calls_max.into(),
        opt_in_field: link.opt_in_field.clone(),
        elm: make_elm(elm, target)?,
        concurrency: count(link.concurrency),
        sending: if link.sending { Sending::On } else { Sending::Off },
        policy: make_policy(link, target),
        overlap: signed(link.overlap),
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
    let token = target.token.clone().unwrap_or_else(|| elm.token.clone());
    let mut options = CompletionOptions::new(target.url.as_str(), token);
    options.site = elm.name.to_string();
    options.header_name.clone_from(&elm.header);
    options.key_header.clone_from(&target.idempotency_header);
    options.lookup_url = target.lookup_url.as_ref().map(|url| lookup_template(url.as_str(), &target.fields));
    options.timeout = target.timeout;
    CompletionClient::new(options)
}

/// A collection without a place for the enrolment gets a filter.
fn lookup_template(url: &str, fields: &CompletionFields) -> String {
    let template = url.replace("%7B", "{").replace("%7D", "}");
    if PLACEHOLDERS.iter().any(|place| template.contains(place)) {
        return template;
    }
    let mark = if template.contains('?') { '&' } else { '?' };
    format!("{template}{mark}$filter={}%20eq%20{{enrolment}}", fields.enrolment_id)
}

/// The rules of a completions link, in core's words.
fn make_policy(link: &Completions, target: &CompletionTarget) -> CompletionsPolicy {
    CompletionsPolicy {
        zone: link.schedule.timezone.clone(),
        report_from: link.report_from,
        words: make_words(&target.fields, &target.constants),
        delivery: DeliveryRules {
            first: signed(link.backoff.first),
            longest: signed(link.backoff.longest),
            attention_after: signed(link.backoff.attention_after),
            ..DeliveryRules::default()
        },
        limits: CompletionLimits { reports: link.limits.reports.into(), plan_age: signed(link.limits.plan_age) },
    }
}

fn make_words(fields: &CompletionFields, constants: &CompletionConstants) -> ReportTemplate {
    let CompletionFields { complete_date, course_state, enrolment_id, user_state, user_effective_date, course, .. } =
        fields.clone();
    let CompletionFields { short_name, mail, guid, first_name, last_name, .. } = fields.clone();
    let fields = ReportFields {
        complete_date,
        course_state,
        enrolment_id,
        user_state,
        user_effective_date,
        course,
        short_name,
        mail,
        guid,
        first_name,
        last_name,
    };
    let CompletionConstants { course_state, user_state, user_effective_date } = constants.clone();
    ReportTemplate { fields, course_state, user_state, user_effective_date }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_up_address_without_a_place_gets_a_filter() {
        let fields = {
            let name = |text: &str| text.to_owned();
            CompletionFields {
                complete_date: name("D"),
                course_state: name("S"),
                enrolment_id: name("ENROLMENT_ID"),
                user_state: name("U"),
                user_effective_date: name("E"),
                course: name("C"),
                short_name: name("N"),
                mail: name("M"),
                guid: name("G"),
                first_name: name("F"),
                last_name: name("L"),
            }
        };
        let template = |url: &str| lookup_template(reqwest::Url::parse(url).unwrap().as_str(), &fields);
        assert_eq!(template("https://e.org/C"), "https://e.org/C?$filter=ENROLMENT_ID%20eq%20{enrolment}");
        assert_eq!(template("https://e.org/C?a=1"), "https://e.org/C?a=1&$filter=ENROLMENT_ID%20eq%20{enrolment}");
        assert_eq!(template("https://e.org/C/{guid}?x={course}"), "https://e.org/C/{guid}?x={course}");
    }
}
