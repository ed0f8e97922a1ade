//! Since when each course has opted in.
//!
//! Moodle says whether, not since when. What is remembered says it: a course that opts in between two looks may have done
//! so right after the first, and a completion in between is not to be lost, so the earlier look counts.

use crate::model::{ElmCourseId, MoodleCourseId, OptIn, OptInCourse};
use crate::policy::CompletionsPolicy;
use crate::snapshot::Snapshot;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What is remembered of a course that has opted in, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptedCourse {
    /// `course.id`
    pub id: MoodleCourseId,
    /// `course.idnumber`; `None` where the course has none.
    pub elm_id: Option<ElmCourseId>,
    /// `course.fullname`
    pub full_name: String,
    /// Since when it has opted in.
    pub opted_at: Timestamp,
    /// It has opted out again, or is gone.
    pub withdrawn: bool,
    /// From when on its completions have been read; `None` before the first whole reading.
    pub scanned_from: Option<Timestamp>,
}

impl OptedCourse {
    /// From when on its completions are reported.
    pub fn reports_from(&self, policy: &CompletionsPolicy) -> Timestamp {
        let Some(day) = policy.report_from else {
            return self.opted_at;
        };
        day.to_zoned(policy.zone.clone()).map_or(Timestamp::MIN, |begins| begins.timestamp())
    }
}

/// Brings what is remembered up to what was seen. `checked_before` is the look before this one; `None` at the first.
/// A course that is absent from a complete look has withdrawn; from an incomplete one, nothing follows.
pub fn follow_opt_ins(
    remembered: &[OptedCourse],
    seen: &Snapshot<Vec<OptInCourse>>,
    checked_before: Option<Timestamp>,
) -> Vec<OptedCourse> {
    let mut courses: BTreeMap<MoodleCourseId, OptedCourse> =
        remembered.iter().map(|course| (course.id, course.clone())).collect();
    if seen.is_complete() {
        for course in courses.values_mut() {
            course.withdrawn |= !seen.value.iter().any(|other| other.id == course.id);
        }
    }
    let since = checked_before.unwrap_or(seen.taken_at);
    for course in &seen.value {
        match (course.opt_in, courses.get_mut(&course.id)) {
            (OptIn::In, Some(known)) => {
                if known.withdrawn {
                    *known = newly_opted(course, since);
                }
                known.elm_id.clone_from(&course.elm_id);
                known.full_name.clone_from(&course.full_name);
            }
            (OptIn::In, None) => {
                courses.insert(course.id, newly_opted(course, since));
            }
            (OptIn::Out, Some(known)) => known.withdrawn = true,
            (OptIn::Hidden, _) | (OptIn::Out, None) => {}
        }
    }
    courses.into_values().collect()
}

fn newly_opted(course: &OptInCourse, since: Timestamp) -> OptedCourse {
    let OptInCourse { id, elm_id, full_name, opt_in: _ } = course.clone();
    OptedCourse { id, elm_id, full_name, opted_at: since, withdrawn: false, scanned_from: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Gap;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes * 60).unwrap()
    }

    fn course(id: i64, opt_in: OptIn) -> OptInCourse {
        let elm_id = Some(ElmCourseId::new("930001"));
        OptInCourse { id: MoodleCourseId(id), elm_id, full_name: "Fire safety".into(), opt_in }
    }

    fn look(minutes: i64, courses: &[OptInCourse]) -> Snapshot<Vec<OptInCourse>> {
        Snapshot::complete(at(minutes), courses.to_vec())
    }

    #[test]
    fn first_look_of_all_reports_from_now_and_a_later_opt_in_from_the_look_before() {
        let first = follow_opt_ins(&[], &look(100, &[course(7, OptIn::In), course(8, OptIn::Out)]), None);
        assert_eq!(first.iter().map(|c| (c.id.0, c.opted_at)).collect::<Vec<_>>(), [(7, at(100))]);
        let both = look(105, &[course(7, OptIn::In), course(8, OptIn::In)]);
        let second = follow_opt_ins(&first, &both, Some(at(100)));
        assert_eq!(second.iter().map(|c| (c.id.0, c.opted_at)).collect::<Vec<_>>(), [(7, at(100)), (8, at(100))]);
        let third = follow_opt_ins(&second, &both, Some(at(105)));
        assert_eq!(third, second, "nothing changed");
    }

    #[test]
    fn course_that_opts_out_and_in_again_reports_from_the_second_time() {
        let mut courses = follow_opt_ins(&[], &look(10, &[course(7, OptIn::In)]), None);
        courses[0].scanned_from = Some(at(10));
        courses = follow_opt_ins(&courses, &look(20, &[course(7, OptIn::Out)]), Some(at(10)));
        assert!(courses[0].withdrawn);
        courses = follow_opt_ins(&courses, &look(30, &[course(7, OptIn::In)]), Some(at(20)));
        assert_eq!((courses[0].withdrawn, courses[0].opted_at, courses[0].scanned_from), (false, at(20), None));
    }

    #[test]
    fn hidden_field_and_incomplete_look_withdraw_nothing() {
        let courses = follow_opt_ins(&[], &look(10, &[course(7, OptIn::In)]), None);
        let hidden = look(20, &[course(7, OptIn::Hidden)]);
        assert_eq!(follow_opt_ins(&courses, &hidden, Some(at(10))), courses);
        let narrowed = Snapshot { taken_at: at(20), gaps: vec![Gap::Narrowed], value: vec![] };
        assert_eq!(follow_opt_ins(&courses, &narrowed, Some(at(10))), courses);
        assert!(follow_opt_ins(&courses, &look(20, &[]), Some(at(10)))[0].withdrawn, "gone from a complete look");
    }
}
