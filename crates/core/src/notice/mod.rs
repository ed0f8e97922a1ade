//! What operators are told: which trouble begins, goes on and ends, when a feed is silent, and in which words.
//!
//! It judges and words; it never sends and never remembers. Reading order: `hours` (when people are at work), `silence`
//! (whether a feed is silent, and why), `trouble` (what can go wrong), `follow` (episodes), `digest` (one notice of many).

mod alert;
mod digest;
mod follow;
mod hours;
mod silence;

pub use alert::{Alert, AlertKind};
pub use digest::{Digest, Line, Phase, make_digest};
pub use follow::{OpenEpisode, Turn, follow};
pub use hours::BusinessHours;
pub use silence::{FeedWatch, LastRead, ScheduleState, SilenceCause, SilenceRules, judge_silence};
