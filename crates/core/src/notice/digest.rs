//! One notice of all that has changed: what, who, since when, what to do, and where to look.

use super::{Alert, AlertKind, EpisodeChange, OpenEpisode};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// So many troubles of a kind are told one by one; the others are counted.
const LINES_MAX: usize = 20;

/// Where in its episode a trouble stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    New,
    /// It goes on, for another reason than was told.
    Changed,
    Still,
    Over,
}

/// One trouble in a notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Where in its episode it stands.
    pub phase: Phase,
    pub kind: AlertKind,
    pub title: String,
    pub since: Timestamp,
    /// What to do; empty where it is over.
    pub remedy: String,
    /// The page; empty without a public address.
    pub url: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The link that it is about.
    pub link: String,
    pub title: String,
    /// Each trouble; at most 20 of a kind and phase.
    pub lines: Vec<Line>,
    /// How many more there are.
    pub left_out: u64,
    /// All of it as plain text.
    pub text: String,
}

/// Words a notice; `None` where there is nothing to tell. Times are shown in `zone`, pages lie under `public`.
pub fn make_digest(link: &str, turns: &[EpisodeChange], public: Option<&str>, zone: &TimeZone) -> Option<Digest> {
    let mut groups = BTreeMap::<(Phase, usize), Vec<Line>>::new();
    for line in turns.iter().map(|turn| line(turn, public)) {
        let rank = AlertKind::ALL.iter().position(|kind| *kind == line.kind).unwrap_or_default();
        groups.entry((line.phase, rank)).or_default().push(line);
    }
    if groups.is_empty() {
        return None;
    }
    let title = title(link, &groups);
    let mut text = String::new();
    let (mut lines, mut left_out) = (Vec::new(), 0);
    let mut phase = None;
    for ((group, _), all) in &mut groups {
        if phase.replace(*group) != Some(*group) {
            let heading = match group {
                Phase::New => "NEW",
                Phase::Changed => "ANOTHER CAUSE",
                Phase::Still => "STILL GOING ON",
                Phase::Over => "OVER",
            };
            let _ = writeln!(text, "{}{heading}\n", if text.is_empty() { "" } else { "\n" });
        }
        let more = all.len().saturating_sub(LINES_MAX);
        all.truncate(LINES_MAX);
        tell(&mut text, all, more, zone);
        left_out += more as u64;
        lines.append(all);
    }
    Some(Digest { link: link.to_owned(), title, lines, left_out, text })
}

fn title(link: &str, groups: &BTreeMap<(Phase, usize), Vec<Line>>) -> String {
    let all: Vec<&Line> = groups.values().flatten().collect();
    if let [only] = all.as_slice() {
        let phase = match only.phase {
            Phase::New => "",
            Phase::Changed => "another cause: ",
            Phase::Still => "still: ",
            Phase::Over => "over: ",
        };
        return format!("{link}: {phase}{}", only.kind.heading());
    }
    let count = |phase| groups.iter().filter(|((of, _), _)| *of == phase).map(|(_, lines)| lines.len()).sum::<usize>();
    let parts = [
        (Phase::New, "new"),
        (Phase::Changed, "with another cause"),
        (Phase::Still, "still going on"),
        (Phase::Over, "over"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(phase, _)| count(*phase) > 0)
        .map(|(phase, word)| format!("{} {word}", count(phase)))
        .collect();
    format!("{link}: {}", parts.join(", "))
}

fn tell(text: &mut String, lines: &[Line], more: usize, zone: &TimeZone) {
    let Some(first) = lines.first() else { return };
    let _ = writeln!(text, "{}", first.kind.heading());
    for line in lines {
        let since = line.since.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %Z");
        let _ = writeln!(text, "  * {}\n    since {since}", line.title);
        if !line.remedy.is_empty() {
            let _ = writeln!(text, "    what to do: {}", line.remedy);
        }
        if !line.url.is_empty() {
            let _ = writeln!(text, "    {}", line.url);
        }
    }
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
}

fn line(turn: &EpisodeChange, public: Option<&str>) -> Line {
    let url = |path: &str| public.map_or_else(String::new, |public| format!("{}{path}", public.trim_end_matches('/')));
    match turn {
        EpisodeChange::Begins(Alert { kind, title, remedy, path, since, .. }) => Line {
            phase: Phase::New,
            kind: *kind,
            title: title.clone(),
            since: *since,
            remedy: remedy.clone(),
            url: url(path),
        },
        EpisodeChange::Changes(OpenEpisode { title: told, began, .. }, Alert { kind, title, remedy, path, .. }) => {
            Line {
                phase: Phase::Changed,
                kind: *kind,
                title: format!("{title} (told before: {told})"),
                since: *began,
                remedy: remedy.clone(),
                url: url(path),
            }
        }
        EpisodeChange::Reminds(OpenEpisode { began, .. }, Alert { kind, title, remedy, path, .. }) => Line {
            phase: Phase::Still,
            kind: *kind,
            title: title.clone(),
            since: *began,
            remedy: remedy.clone(),
            url: url(path),
        },
        EpisodeChange::Ends(OpenEpisode { kind, title, began, .. }) => Line {
            phase: Phase::Over,
            kind: *kind,
            title: title.clone(),
            since: *began,
            remedy: String::new(),
            url: String::new(),
        },
    }
}
