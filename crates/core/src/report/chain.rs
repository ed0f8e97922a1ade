//! What happened, one moment a line, oldest first.

use super::known::{Known, RecordStory};
use crate::verdict::OutcomeCode;
use jiff::Timestamp;
use serde::Serialize;

/// One step of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: String,
}

/// All that is known to have happened, oldest first.
pub(super) fn chain(known: &Known, events: &[Moment]) -> Vec<Moment> {
    let mut chain = events.to_vec();
    for record in &known.records {
        let RecordStory { record: id, wants, written, first_seen, reason, at, attempts, code, next_try: _ } = record;
        chain.push(Moment {
            at: *first_seen,
            what: format!("the feed gave {wants}, written {written} ({})", &id.to_hex()[..12]),
        });
        if *code != OutcomeCode::Received {
            let tries = if *attempts > 1 { format!(" (try {attempts})") } else { String::new() };
            chain.push(Moment { at: *at, what: format!("{}: {reason}{tries}", code.as_str().replace('_', " ")) });
        }
    }
    for item in &known.delivered {
        let what = if item.kind == "mail" { "the welcome mail" } else { "the completion" };
        chain.push(Moment { at: item.created, what: format!("{what} became due") });
        if let Some(settled) = item.settled {
            chain.push(Moment {
                at: settled,
                what: format!("{what}: {}", [item.state.as_str(), item.answer.as_str()].join(", ")),
            });
        }
    }
    chain.sort_by_key(|moment| moment.at);
    chain
}
