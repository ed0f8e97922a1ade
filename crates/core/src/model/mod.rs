//! The nouns: people, courses, enrolments, records.
//!
//! A value here knows its own rules (how a mail address folds, which bytes a fingerprint covers) and nothing about
//! where it came from. Next: [`crate::snapshot`].

mod completions;
mod counted;
mod fingerprint;
mod guilds;
mod ids;
mod moodle;
mod normal;
mod parse;
mod record;
mod role_name;

pub use completions::{CompletionKey, EnrolmentRecord, OptIn, OptInCourse, SeenBy, SeenCompletion};
pub use counted::{counted, counted_as};
pub use fingerprint::{Fingerprint, NotAFingerprint, separate_collisions};
pub use guilds::{
    Absence, Assignment, CanaryAccount, Cohort, CohortContext, CohortSide, CohortVisibility, Community,
    CommunityPerson, Guild, GuildMember, GuildPair, GuildStatus, Identity, NameHints, Owned, PairState, PersonState,
    RoleContext, fits_pattern, folded_machine_name, machine_name,
};
pub use ids::{
    CategoryId, CohortId, CommunityUserId, ElmCourseId, EnrolmentId, GroupId, Guid, GuildRole, GuildUuid, LinkName,
    MachineName, Mail, MoodleCourseId, MoodleUserId, RoleId, RunId, SiteName,
};
pub use moodle::{Account, Course, Enrolment, ManualInstance, Participation, SignInBlock, UserEnrolment};
pub use normal::normal;
pub use parse::{FieldNames, RecordFormat, StateWords, read_record, read_texts};
pub use record::{Age, EnrolState, FeedRecord, Field, ProblemKind, RawTexts, Reading, RecordProblem, RecordText};
pub use role_name::RoleName;
