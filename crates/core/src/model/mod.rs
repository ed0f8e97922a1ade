//! The nouns: people, courses, enrolments, records.
//!
//! A value here knows its own rules (how a mail address folds, which bytes a fingerprint covers) and nothing about
//! where it came from. Next: [`crate::snapshot`].

mod completions;
mod fingerprint;
mod ids;
mod mail;
mod moodle;
mod parse;
mod record;

pub use completions::{CompletionKey, EnrolmentRecord, OptIn, OptInCourse, SeenBy, SeenCompletion};
pub use fingerprint::{Fingerprint, NotAFingerprint};
pub use ids::{
    CohortId, ElmCourseId, EnrolmentId, Guid, LinkName, MoodleCourseId, MoodleUserId, RoleId, RunId, SiteName,
};
pub use mail::Mail;
pub use moodle::{Account, Course, Enrolment, ManualInstance};
pub use parse::{FieldNames, read_record, read_texts};
pub use record::{EnrolState, FeedRecord, Field, ProblemKind, Reading, RecordProblem, RecordText};
