//! The courses: twenty ordinary ones, the special ones, and who opted in.

use crate::world::World;

/// The HR number of the first ordinary course; the others follow.
pub const FIRST_COURSE: i64 = 4001;
/// Ordinary courses. The first six opted in to completion reports, the next four opted out, the rest never said.
pub const ORDINARY_COURSES: i64 = 20;
/// A course without a manual enrolment method.
pub const COURSE_WITHOUT_METHOD: i64 = 4101;
/// A course whose manual enrolment method is disabled.
pub const COURSE_DISABLED: i64 = 4102;
/// A course number that two courses carry.
pub const COURSE_TWICE: i64 = 4103;
/// A course number that no course carries.
pub const COURSE_MISSING: i64 = 4999;

const TITLES: [&str; ORDINARY_COURSES as usize] = [
    "Orientation for New Employees",
    "Information Security Awareness",
    "Respectful Workplaces",
    "Privacy and Records",
    "Indigenous Relations Foundations",
    "Supervising in a Hybrid World",
    "Plain Language Writing",
    "Occupational Health & Safety",
    "Project Management Essentials",
    "Emergency Response Level 1",
    "Financial Stewardship",
    "Procurement Basics",
    "Coaching Conversations",
    "Data Literacy",
    "Diversity and Inclusion",
    "Ethics for Everyone",
    "Presenting with Confidence",
    "Designing Services with Users",
    "First Aid Refresher",
    "Writing for the Web <beta>",
];

pub(super) fn build(world: &mut World) {
    let moodle = &mut world.moodle;
    for (at, title) in (0..).zip(TITLES) {
        let id = moodle.add_course(&(FIRST_COURSE + at).to_string(), title);
        moodle.courses.edit(id, |course| {
            course.opt_in = match at {
                0..=5 => Some(true),
                6..=9 => Some(false),
                _ => None,
            };
        });
    }
    moodle.add_course_without_method(&COURSE_WITHOUT_METHOD.to_string(), "Self-study Library");
    let disabled = moodle.add_course(&COURSE_DISABLED.to_string(), "Retired Leadership Series");
    moodle.disable_manual(disabled);
    for title in ["Driver Safety 2025", "Driver Safety 2026"] {
        let id = moodle.add_course(&COURSE_TWICE.to_string(), title);
        moodle.courses.edit(id, |course| course.shortname = title.to_owned());
    }
    let unrelated = moodle.add_course("", "Staff Book Club");
    moodle.courses.edit(unrelated, |course| course.shortname = "BOOKS".to_owned());
}
