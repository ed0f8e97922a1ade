//! What operators are told: which trouble begins, goes on and ends, when a feed is silent, and in which words.
//!
//! It judges and words; it never sends and never remembers. Reading order: `hours` (when people are at work), `silence`
//! (whether a feed is silent, and why), `trouble` (what can go wrong), `follow` (episodes), `digest` (one notice of many).

mod alert;
mod digest;
mod silence;

pub use alert::{Alert, AlertKind, EpisodeChange, OpenEpisode, follow};
pub use digest::{Digest, Line, Phase, make_digest};
pub use silence::{BusinessHours, FeedWatch, LastRead, ScheduleState, SilenceCause, SilenceRules, classify_silence};
