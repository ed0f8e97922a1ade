//! Completions: which courses opted in, which completions were seen and what became of them, and the reports on their way.
//!
//! A report is a row of the outbox; what was seen is a row of its own. Both are written in one transaction, together with
//! the line of the learner log, the events and what a human is asked. Nothing here decides: `rollbook_core` plans, and its
//! state machine says what a report becomes. Reading order: `opted`, `seen`, `record`, `reports`, then `hand` for what people do,
//! `list` for what they look at, `pushed` for signed events.

mod attention;
mod line;
mod list;
mod manual;
mod opted;
mod pushed;
mod record;
mod reports;
mod seen;

pub use attention::NewAttention;
pub(crate) use attention::PREFIX;
pub use list::{CompletionKeyset, CompletionQuery, CompletionReportRow, CompletionRow, CompletionTotals};
pub use manual::Marked;
pub(crate) use manual::try_again;
pub use opted::CompletionsState;
pub use pushed::{PushedEvent, Received};
pub use record::{CompletionsRecord, Queued, Reviewed};
pub use reports::{OpenReport, ReportMove};
pub use seen::{KnownQuery, PolledCandidate, WaitingCompletion};
