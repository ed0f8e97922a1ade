//! The nouns: people, courses, enrolments, records.
//!
//! A value here knows its own rules (how a mail address folds, which bytes a fingerprint covers) and nothing about
//! where it came from. Next: [`crate::snapshot`].

mod ids;

pub use ids::{
    CohortId, ElmCourseId, EnrolmentId, Guid, LinkName, MoodleCourseId, MoodleUserId, RoleId, RunId, SiteName,
};
