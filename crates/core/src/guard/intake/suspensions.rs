//! Too many suspensions: per run, and as a share of those active in a course.

use super::doubtful_identity::share;
use super::{Finding, IntakeView};
use crate::model::MoodleCourseId;
use crate::plan::IntakeChange;
use std::collections::BTreeMap;

pub(super) fn check(view: &IntakeView<'_>) -> Vec<Finding> {
    let mut per_course = BTreeMap::<MoodleCourseId, u64>::new();
    for change in &view.plan.changes {
        if let IntakeChange::Suspend(suspend) = change {
            *per_course.entry(suspend.course).or_default() += 1;
        }
    }
    let limits = &view.policy.limits;
    let all = Finding::of_count("suspensions", "suspensions", per_course.values().sum(), limits.suspensions);
    let courses = view.courses.values().flatten();
    let by_course = courses.filter_map(|course| {
        let (active, count) = (course.active?, *per_course.get(&course.id)?);
        let over = count >= limits.exempt_under && share(count, active) > limits.suspensions_share;
        let percent = limits.suspensions_share * 100.0;
        let message = format!("{count} of {active} active people would be suspended, the limit is {percent:.0} %");
        over.then(|| Finding::block("suspensions_share", format!("course {}", course.id), message))
    });
    all.into_iter().chain(by_course).collect()
}
