//! Episodes: one continuous trouble is told when it begins, when its cause becomes another, reminded of while it lasts, and told
//! when it ends.

use super::{Alert, AlertKind};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// An episode that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEpisode {
    /// Its number.
    pub id: i64,
    /// Its trouble's kind.
    pub kind: AlertKind,
    /// Its trouble's subject.
    pub subject: String,
    /// It in one line, as it was told.
    pub title: String,
    /// Since when.
    pub began: Timestamp,
    /// When people were told last.
    pub told: Timestamp,
}

/// What is to be told, or only noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A trouble begins.
    Begins(Alert),
    /// It goes on, and has another cause by now.
    Changes(OpenEpisode, Alert),
    /// It goes on, and it is time to say so again.
    Reminds(OpenEpisode, Alert),
    /// It is over.
    Ends(OpenEpisode),
}

/// Another cause is told once it has lasted so long: one that comes and goes is told by the reminders.
const CAUSE_LASTS: SignedDuration = SignedDuration::from_mins(20);

/// What has changed between the episodes that are open and the troubles that are. Kinds of which not all could be looked at are
/// left out of `looked`: what is not seen of them has not ended.
pub fn follow(
    open: &[OpenEpisode],
    troubles: &[Alert],
    looked: &BTreeSet<AlertKind>,
    reminder: SignedDuration,
    now: Timestamp,
) -> Vec<Turn> {
    let troubles: BTreeMap<(AlertKind, &str), &Alert> =
        troubles.iter().map(|trouble| ((trouble.kind, trouble.subject.as_str()), trouble)).collect();
    let known: BTreeSet<(AlertKind, &str)> =
        open.iter().map(|episode| (episode.kind, episode.subject.as_str())).collect();
    let begin = troubles.iter().filter(|(key, _)| !known.contains(*key)).map(|(_, one)| Turn::Begins((*one).clone()));
    let mut turns: Vec<Turn> = begin.collect();
    for episode in open {
        match troubles.get(&(episode.kind, episode.subject.as_str())) {
            None if looked.contains(&episode.kind) => turns.push(Turn::Ends(episode.clone())),
            None => {}
            Some(trouble) if now.duration_since(episode.told) >= reminder => {
                turns.push(Turn::Reminds(episode.clone(), (*trouble).clone()));
            }
            Some(trouble) if has_another_cause(episode, trouble, now) => {
                turns.push(Turn::Changes(episode.clone(), (*trouble).clone()));
            }
            Some(_) => {}
        }
    }
    turns
}

/// Whether people were told something that is not so any more, and what is so has lasted for a while.
fn has_another_cause(episode: &OpenEpisode, trouble: &Alert, now: Timestamp) -> bool {
    let lasts = trouble.cause_since.is_some_and(|since| now.duration_since(since) >= CAUSE_LASTS);
    lasts && trouble.title != episode.title
}
