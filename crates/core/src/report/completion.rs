//! The second half of the answer: does HR know that the person finished?

use super::known::{Circumstances, Delivered, Finished, Reporting};
use super::summary::count;
use jiff::Timestamp;

/// Whether HR knows about a completion, in one or two sentences.
pub(super) fn completion(delivered: &[Delivered], circumstances: &Circumstances) -> String {
    let report = delivered.iter().rev().find(|item| item.kind == "completion");
    match (report, circumstances.finished) {
        (None, Finished::NotAsked) => "No completion is known.".to_owned(),
        (None, Finished::NotYet) => "The course is not completed, so there is nothing to tell HR.".to_owned(),
        (None, Finished::At(at)) => unreported(at, circumstances.reporting),
        (Some(report), Finished::At(at)) if report.created < at => {
            format!("{} {}", reported(report), unreported(at, circumstances.reporting))
        }
        (Some(report), _) => reported(report),
    }
}

fn reported(report: &Delivered) -> String {
    match report.state.as_str() {
        "sent" => "The completion was reported, and the ELM accepted it.".to_owned(),
        "refused" => format!("The completion was reported, and the ELM refused it: {}", report.answer),
        "unknown" => {
            "The completion was reported, and no answer came: it is looked up before it is sent again.".to_owned()
        }
        "cancelled" => "The completion shall not be reported, by a person's decision.".to_owned(),
        _ => format!("The completion is not reported yet; it was tried {}.", count(report.attempts, "time")),
    }
}

fn unreported(at: Timestamp, reporting: Reporting) -> String {
    let why = match reporting {
        Reporting::Off => "completions of this course are not reported",
        Reporting::On | Reporting::NotAsked => "no report of it is due",
    };
    format!("HR does not know of the completion of {at:.0}: {why}.")
}
