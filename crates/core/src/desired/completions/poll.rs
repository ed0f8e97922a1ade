//! Whom to look at first, when every look is a call.
//!
//! Who was enrolled lately is likeliest to complete, so an enrolment that is twice as old is looked at half as often; and
//! since the wait counts too, nobody is left out for ever.

use crate::model::{MoodleCourseId, MoodleUserId};
use jiff::Timestamp;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

/// Somebody who can have completed a course: enrolled by intake, opted in, not reported yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub user: MoodleUserId,
    /// Of what.
    pub course: MoodleCourseId,
    /// When intake enrolled them.
    pub enrolled_at: Timestamp,
    /// When they were looked at last.
    pub looked_at: Option<Timestamp>,
}

/// One look at one person: a single call shows all their courses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Who.
    pub user: MoodleUserId,
    /// The courses in question, by id.
    pub courses: Vec<MoodleCourseId>,
}

/// An enrolment is never younger than this, so that a person is not looked at twice before everybody was once.
const AGE_MIN_S: i64 = 3_600;

/// The looks at all candidates, the most urgent first: never looked at (newest enrolment first), then by how long ago
/// the last look was in terms of the enrolment's age.
pub fn order_looks(candidates: &[Candidate], now: Timestamp) -> Vec<Look> {
    let mut people = BTreeMap::<MoodleUserId, (Urgency, Vec<MoodleCourseId>)>::new();
    for candidate in candidates {
        let urgency = Urgency::of(candidate, now);
        let (most, courses) = people.entry(candidate.user).or_insert_with(|| (urgency, Vec::new()));
        *most = (*most).max(urgency);
        courses.push(candidate.course);
    }
    let mut looks: Vec<_> = people.into_iter().collect();
    looks.sort_by_key(|(user, (urgency, _))| (Reverse(*urgency), *user));
    looks
        .into_iter()
        .map(|(user, (_, mut courses))| {
            courses.sort_unstable();
            courses.dedup();
            Look { user, courses }
        })
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    /// Seconds since the last look, over the age of the enrolment in seconds.
    Waited { waited_s: i64, age_s: i64 },
    /// Never looked at; when it began.
    Fresh(Timestamp),
}

impl Urgency {
    fn of(candidate: &Candidate, now: Timestamp) -> Self {
        let since = |moment: Timestamp| now.duration_since(moment).as_secs().max(0);
        match candidate.looked_at {
            None => Self::Fresh(candidate.enrolled_at),
            Some(looked_at) => {
                Self::Waited { waited_s: since(looked_at), age_s: since(candidate.enrolled_at).max(AGE_MIN_S) }
            }
        }
    }
}

impl Ord for Urgency {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Fresh(left), Self::Fresh(right)) => left.cmp(right),
            (Self::Fresh(_), Self::Waited { .. }) => Ordering::Greater,
            (Self::Waited { .. }, Self::Fresh(_)) => Ordering::Less,
            (Self::Waited { waited_s: left, age_s: by }, Self::Waited { waited_s: right, age_s: per }) => {
                let (left, right) = (i128::from(*left) * i128::from(*per), i128::from(*right) * i128::from(*by));
                left.cmp(&right)
            }
        }
    }
}

impl PartialOrd for Urgency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3_600).unwrap()
    }

    fn candidate(user: i64, enrolled: i64, looked: Option<i64>) -> Candidate {
        let (user, course) = (MoodleUserId(user), MoodleCourseId(30));
        Candidate { user, course, enrolled_at: hours(enrolled), looked_at: looked.map(hours) }
    }

    fn order(candidates: &[Candidate], now: i64) -> Vec<i64> {
        order_looks(candidates, hours(now)).iter().map(|look| look.user.0).collect()
    }

    #[test]
    fn freshest_come_first_and_nobody_is_left_out_for_ever() {
        let new = [candidate(1, 90, None), candidate(2, 99, None), candidate(3, 0, Some(99))];
        assert_eq!(order(&new, 100), [2, 1, 3]);
        let all_known = [candidate(1, 0, Some(99)), candidate(2, 90, Some(99)), candidate(3, 50, Some(99))];
        assert_eq!(order(&all_known, 100), [2, 3, 1], "looked at together: the younger enrolment first");
        let one_waits = [candidate(1, 0, Some(40)), candidate(2, 90, Some(96))];
        assert_eq!(order(&one_waits, 100), [1, 2], "60 of 100 hours are more than 4 of 10");
    }

    #[test]
    fn person_with_several_courses_is_one_look() {
        let mut other = candidate(1, 80, None);
        other.course = MoodleCourseId(20);
        let looks = order_looks(&[candidate(1, 90, Some(95)), other, candidate(2, 85, None)], hours(100));
        assert_eq!(looks[0], Look { user: MoodleUserId(2), courses: vec![MoodleCourseId(30)] });
        assert_eq!(looks[1].courses, [MoodleCourseId(20), MoodleCourseId(30)]);
    }

    #[test]
    fn everybody_gets_a_turn_within_a_bounded_number_of_runs() {
        let mut people: Vec<_> = (0..200).map(|user| candidate(user, user / 10, None)).collect();
        for run in 0..60 {
            let now = hours(30 + run);
            for look in order_looks(&people, now).into_iter().take(20) {
                let person = people.iter_mut().find(|person| person.user == look.user).unwrap();
                person.looked_at = Some(now);
            }
        }
        assert!(people.iter().all(|person| person.looked_at > Some(hours(60))), "{people:?}");
    }
}
