//! The second half of the answer: does HR know that the person finished?

use super::case::{Completion, MoodleAnswer, MoodleNow, OutboxKind, OutboxState, OutboxStory, Reporting};
use super::explain::{Teller, tried};
use jiff::Timestamp;

impl Teller<'_> {
    /// Whether HR knows.
    pub(super) fn completion(&self) -> String {
        let answer = match &self.case.moodle {
            MoodleNow::Asked(answer) => Some(answer),
            MoodleNow::NotAsked { .. } => None,
        };
        let completed = match answer.map_or(Completion::NotAsked, |answer| answer.completion) {
            Completion::Completed(at) => Some(at),
            Completion::NotCompleted if self.reports().next().is_none() => {
                return "There is nothing to tell HR: the course is not completed.".to_owned();
            }
            Completion::NotAsked | Completion::NotCompleted => None,
        };
        let newest = self.reports().max_by_key(|(finished, entry)| (*finished, entry.queued_at));
        match (completed, newest) {
            (None, None) => "HR was told of no completion.".to_owned(),
            (Some(at), None) => self.unreported(at, answer),
            (Some(at), Some((finished, entry))) if finished < at => {
                format!("{} {}", self.reported(finished, &entry.state), self.unreported(at, answer))
            }
            (_, Some((finished, entry))) => self.reported(finished, &entry.state),
        }
    }

    /// The reports of completions, each with when the person finished.
    fn reports(&self) -> impl Iterator<Item = (Timestamp, &OutboxStory)> {
        self.case.outbox.iter().filter_map(|entry| match entry.kind {
            OutboxKind::Completion { finished } => Some((finished, entry)),
            OutboxKind::WelcomeMail => None,
        })
    }

    fn reported(&self, finished: Timestamp, state: &OutboxState) -> String {
        let finished = self.moment(finished);
        match state {
            OutboxState::Sent { at } => {
                format!("HR knows of the completion of {finished}: it was reported at {}.", self.moment(*at))
            }
            OutboxState::Waiting { attempts, next_at, trouble: _ } => {
                let next = self.moment(*next_at);
                format!(
                    "HR does not know yet of the completion of {finished}: {}, tried next at {next}.",
                    tried(*attempts)
                )
            }
            OutboxState::Stopped { attempts, why } => {
                format!("HR does not know of the completion of {finished}: {}, then given up: {why}.", tried(*attempts))
            }
        }
    }

    fn unreported(&self, at: Timestamp, answer: Option<&MoodleAnswer>) -> String {
        let why = match answer.map(|answer| answer.reporting) {
            Some(Reporting::Off) => "completions of this course are not reported",
            Some(Reporting::On | Reporting::NotAsked) | None => "no report is queued",
        };
        format!("HR does not know of the completion of {}: {why}.", self.moment(at))
    }
}
