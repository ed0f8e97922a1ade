//! The state of a request and the doctor's checks, on whichever page shows them.

use crate::layout::{Badge, ShownTime, TimeFormatter, Tone};
use rollbook_journal::requests::{CheckLine, JobOutcome, Request};

pub struct RequestStatus {
    pub badge: Badge,
    pub is_finished: bool,
    pub author: String,
    pub submitted: ShownTime,
    pub node: String,
    pub finished: Option<ShownTime>,
    /// Why it failed, and what to do.
    pub failed: Option<(String, String)>,
}

pub fn request_status(request: &Request, times: &TimeFormatter) -> RequestStatus {
    use rollbook_journal::requests::RequestState::{Done, Failed, Running, Waiting};
    let (tone, label) = match request.state {
        Waiting => (Tone::Busy, "queued"),
        Running => (Tone::Busy, "running"),
        Done => (Tone::Good, "done"),
        Failed => (Tone::Bad, "failed"),
    };
    RequestStatus {
        badge: Badge::new(tone, label),
        is_finished: request.state.is_finished(),
        author: request.asked_by.clone(),
        submitted: times.ago(request.asked),
        node: request.node.clone().unwrap_or_default(),
        finished: times.maybe(request.finished),
        failed: match &request.answer {
            Some(JobOutcome::Failed { words, remedy }) => Some((words.clone(), remedy.clone())),
            _ => None,
        },
    }
}

pub struct CheckRow {
    pub site: String,
    pub name: String,
    pub badge: Badge,
    pub detail: String,
    pub remedy: String,
}

pub fn check_rows(checks: &[CheckLine]) -> Vec<CheckRow> {
    let row = |check: &CheckLine| CheckRow {
        site: check.site.clone(),
        name: check.name.clone(),
        badge: match check.health.as_str() {
            "good" => Badge::new(Tone::Good, "good"),
            "warning" => Badge::new(Tone::Warn, "warning"),
            other => Badge::new(Tone::Bad, other.to_owned()),
        },
        detail: check.detail.clone(),
        remedy: check.mend.clone(),
    };
    checks.iter().map(row).collect()
}
