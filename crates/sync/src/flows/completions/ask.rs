//! What a human is asked, in words and with what is known.

use rollbook_core::desired::OptedCourse;
use rollbook_core::plan::{CompletionSkip, CompletionsPlan};
use rollbook_core::run::Circuit;
use rollbook_core::verdict::{Disposition, Unreported};
use rollbook_journal::{NewAttention, OpenReport};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The questions of a plan: one for each completion that waits; one for a whole course where the course is the trouble.
pub(super) fn make_asks(plan: &CompletionsPlan, opted: &[OptedCourse]) -> Vec<NewAttention> {
    let mut asks = BTreeMap::<(String, String), NewAttention>::new();
    let skips = plan.skips.iter().chain(&plan.recertifications);
    for skip in skips.filter(|skip| skip.why.disposition() == Disposition::Attention) {
        let ask = make_ask(skip, opted);
        asks.insert((ask.kind.clone(), ask.subject.clone()), ask);
    }
    asks.into_values().collect()
}

fn make_ask(skip: &CompletionSkip, opted: &[OptedCourse]) -> NewAttention {
    let CompletionSkip { seen, elm_id, why } = skip;
    let course = opted.iter().find(|course| course.id == seen.key.course);
    let name = course.map(|course| course.full_name.as_str()).unwrap_or_default();
    let id = match seen.guid.as_str() {
        "" => format!("account {}", seen.key.user),
        guid => guid.to_owned(),
    };
    let who = match seen.first_name.as_str() {
        "" => id,
        first => format!("{first} {} ({id})", seen.last_name),
    };
    let title = match why {
        Unreported::NoCourseNumber => format!("{name} (course {}): {why}", seen.key.course),
        _ => format!("{who} completed {name}: {why}"),
    };
    let evidence = json!({
        "completion": seen.key, "guid": seen.guid, "mail": seen.mail, "first_name": seen.first_name,
        "last_name": seen.last_name, "course": elm_id, "course_name": name, "seen_by": seen.by, "why": why,
        "takes_enrolment_id": why.takes_enrolment_id(),
    });
    NewAttention { kind: format!("completion_{}", why.code()), subject: subject_of(skip), title, evidence }
}

/// What a question about a skip is about.
fn subject_of(skip: &CompletionSkip) -> String {
    match skip.why {
        Unreported::NoCourseNumber => format!("course {}", skip.seen.key.course),
        _ => format!("account {} in course {}", skip.seen.key.user, skip.seen.key.course),
    }
}

/// All that questions about these completions can be about.
pub(super) fn subjects<'a>(
    keys: impl IntoIterator<Item = &'a rollbook_core::model::CompletionKey>,
) -> BTreeSet<String> {
    let both = |key: &rollbook_core::model::CompletionKey| {
        [format!("account {} in course {}", key.user, key.course), format!("course {}", key.course)]
    };
    keys.into_iter().flat_map(both).collect()
}

/// The ELM refused a report.
pub(super) fn refused(report: &OpenReport, words: &str) -> NewAttention {
    ask_about(report, "completion_refused", format!("the ELM refused it: {words}"), words)
}

/// A report has not been accepted for a long time, while others were.
pub(super) fn stuck(report: &OpenReport, words: &str) -> NewAttention {
    let since = format!("not accepted since {:.0}; it is tried further: {words}", report.queued);
    ask_about(report, "completion_stuck", since, words)
}

fn ask_about(open: &OpenReport, kind: &str, trouble: String, words: &str) -> NewAttention {
    let report = &open.report;
    NewAttention {
        kind: kind.to_owned(),
        subject: format!("account {} in course {}", report.key.user, report.key.course),
        title: format!("{report}: {trouble}"),
        evidence: json!({
            "report": open.id, "completion": report.key, "guid": report.guid, "course": report.elm_id, "body": report.body,
            "answer": words, "attempts": open.delivery.attempts,
        }),
    }
}

/// The kind of the question about the ELM as a whole.
pub(super) const ELM: &str = "completion_elm";

/// The ELM as a whole is in trouble.
pub(super) fn about_elm(circuit: &Circuit, words: &str) -> (String, serde_json::Value) {
    let what = if circuit.denied {
        "does not admit completions: check its address and token"
    } else {
        "does not accept completions"
    };
    let since = circuit.failing_since.map_or(String::new(), |since| format!(" since {since:.0}"));
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    let title = format!("the ELM {what}{since}; they are kept and tried further{words}");
    (title, json!({"circuit": circuit, "answer": words}))
}
