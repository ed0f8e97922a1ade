//! Completions over web services: one call a person, within a budget.
//!
//! One course of a person is asked for directly, since that answer has the time; several are asked for together, and then
//! only the completed ones one by one. A person's own list lacks the courses that are hidden from learners, so those are
//! always asked for directly. Whoever is not active in a course is not shown at all: the database sees them.

use crate::client::wire::{WireCompletion, WireUserCourse};
use crate::client::{MoodleError, MoodleReader};
use futures_util::StreamExt;
use futures_util::stream;
use jiff::Timestamp;
use rollbook_core::desired::Look;
use rollbook_core::model::{CompletionKey, MoodleCourseId, MoodleUserId};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

/// Moodle's word for "any criterion is enough".
const ANY: i64 = 2;

/// How many calls may still be made.
#[derive(Debug)]
pub struct CallBudget(AtomicU64);

impl CallBudget {
    /// So many.
    pub fn of(calls: u64) -> Self {
        Self(AtomicU64::new(calls))
    }

    /// Takes one call out of the budget, where one is left.
    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// What asking came to.
#[derive(Debug, Default)]
pub struct Polled {
    /// The completions.
    pub completed: Vec<CompletionKey>,
    /// Completed, and Moodle does not say when.
    pub untimed: Vec<(MoodleUserId, MoodleCourseId)>,
    /// The pairs that were answered for.
    pub looked: Vec<(MoodleUserId, MoodleCourseId)>,
    /// Pairs that Moodle would not answer for, because the token may not see them.
    pub refused: u64,
    /// People who were not asked about, or not to the end, because the budget was used up.
    pub left: u64,
    /// Why the asking stopped early, if it did.
    pub trouble: Option<MoodleError>,
}

/// How one look ended.
enum Looked {
    Answered(Polled),
    Stopped(MoodleError, Polled),
}

/// How courses are asked about that are not like others.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// Each person is asked about these directly: they are hidden from learners, whose own lists lack them.
    pub directly: BTreeSet<MoodleCourseId>,
    /// Nobody is: they track no completion, so that nobody can complete them, and Moodle refuses the question.
    pub never: BTreeSet<MoodleCourseId>,
}

/// Asks about people, several at a time, in their order, until the budget is used up or Moodle fails.
pub async fn poll_completions(
    reader: &MoodleReader,
    looks: &[Look],
    asking: &Asking,
    budget: &CallBudget,
    concurrency: usize,
) -> Polled {
    let mut all = Polled::default();
    let mut answers = stream::iter(looks).map(|look| ask(reader, look, asking, budget)).buffered(concurrency.max(1));
    while let Some(looked) = answers.next().await {
        match looked {
            Looked::Answered(part) => all.add(part),
            Looked::Stopped(error, part) => {
                all.add(part);
                all.trouble = Some(error);
                break;
            }
        }
    }
    all
}

impl Polled {
    fn add(&mut self, part: Self) {
        let Self { completed, untimed, looked, refused, left, trouble: _ } = part;
        self.completed.extend(completed);
        self.untimed.extend(untimed);
        self.looked.extend(looked);
        self.refused += refused;
        self.left += left;
    }

    fn answer(&mut self, user: MoodleUserId, course: MoodleCourseId, status: Option<&WireCompletion>) {
        self.looked.push((user, course));
        let Some(status) = status.filter(|status| status.completed == Some(true)) else {
            return;
        };
        match completed_at(status) {
            Some(completed_at) => self.completed.push(CompletionKey { user, course, completed_at }),
            None => self.untimed.push((user, course)),
        }
    }
}

async fn ask(reader: &MoodleReader, look: &Look, asking: &Asking, budget: &CallBudget) -> Looked {
    let mut part = Polled::default();
    let (never, courses): (Vec<_>, Vec<_>) = look.courses.iter().partition(|course| asking.never.contains(course));
    never.into_iter().for_each(|course: MoodleCourseId| part.answer(look.user, course, None));
    let (mut asked, shown): (Vec<_>, Vec<_>) = courses.iter().partition(|course| asking.directly.contains(course));
    match shown.as_slice() {
        [] => {}
        [course] => asked.push(*course),
        several => {
            if !budget.take() {
                part.left = 1;
                return Looked::Answered(part);
            }
            match reader.fetch_users_courses(look.user).await {
                Ok(list) => asked.extend(open_questions(several, &list, look.user, &mut part)),
                Err(error) if is_about_one(&error) => part.refused += several.len() as u64,
                Err(error) => return Looked::Stopped(error, part),
            }
        }
    }
    for course in asked {
        if !budget.take() {
            part.left = 1;
            break;
        }
        match reader.fetch_completion(course, look.user).await {
            Ok(status) => part.answer(look.user, course, Some(&status)),
            Err(error) if is_incomplete(&error) => part.answer(look.user, course, None),
            Err(error) if is_about_one(&error) => part.refused += 1,
            Err(error) => return Looked::Stopped(error, part),
        }
    }
    Looked::Answered(part)
}

/// Of several courses, those that the list leaves open: when a completed one was completed, why one is not shown, and why one
/// has no word on completion (no criteria, or a right that the token has lost). The others are answered for.
fn open_questions(
    asked: &[MoodleCourseId],
    shown: &[WireUserCourse],
    user: MoodleUserId,
    part: &mut Polled,
) -> Vec<MoodleCourseId> {
    let mut open = Vec::new();
    for course in asked {
        let shown = shown.iter().find(|shown| shown.id == *course);
        match shown.map(|shown| shown.completed) {
            Some(Some(false)) => part.answer(user, *course, None),
            // Not shown: no longer active in it, or not to be seen by us, as where groups are separate. The question tells.
            Some(Some(true) | None) | None => open.push(*course),
        }
    }
    open
}

/// The moment of the last criterion that was needed: of all where all are, of the first where any is enough.
fn completed_at(status: &WireCompletion) -> Option<Timestamp> {
    let met = status.completions.iter().filter(|criterion| criterion.complete == Some(true));
    let times = met.filter_map(|criterion| criterion.timecompleted).filter(|time| *time > 0);
    let time = if status.aggregation == Some(ANY) { times.min() } else { times.max() };
    time.and_then(|second| Timestamp::from_second(second).ok())
}

/// Refusals that mean "not complete": not (or not actively) enrolled, no criteria, no such account.
fn is_incomplete(error: &MoodleError) -> bool {
    const CODES: [&str; 5] = ["usernotenroled", "nocriteriaset", "userdeleted", "invaliduser", "nottracked"];
    error.code().is_some_and(|code| CODES.contains(&code))
}

/// Refusals that are about one person or course and stop nobody else.
fn is_about_one(error: &MoodleError) -> bool {
    matches!(error, MoodleError::Refused { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(json: &str) -> WireCompletion {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn time_is_that_of_the_criterion_that_completed_the_course() {
        let criteria = r#""completions":[{"type":1,"complete":true,"timecompleted":100},
            {"type":4,"complete":true,"timecompleted":300},{"type":6,"complete":false,"timecompleted":null}]"#;
        let all = status(&format!(r#"{{"completed":true,"aggregation":1,{criteria}}}"#));
        let any = status(&format!(r#"{{"completed":true,"aggregation":2,{criteria}}}"#));
        assert_eq!(completed_at(&all).map(Timestamp::as_second), Some(300));
        assert_eq!(completed_at(&any).map(Timestamp::as_second), Some(100));
        assert_eq!(completed_at(&status(r#"{"completed":true,"completions":[]}"#)), None);
    }

    #[test]
    fn budget_is_never_overdrawn() {
        let budget = CallBudget::of(2);
        assert_eq!([budget.take(), budget.take(), budget.take(), budget.take()], [true, true, false, false]);
    }
}
