//! Which guild role means which Moodle role, and where.
//!
//! Next: [`super::guilds`].

use crate::kind::{Choice, Count, Kind, Text};
use crate::read::Section;
use crate::tree::Value;
use rollbook_core::model::{MoodleCourseId, RoleId};

/// One `[[link.NAME.role]]`: who has the guild role gets the Moodle role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRule {
    /// The guild role's machine name, such as `guild-mentor`; `*` for every member.
    pub guild: String,
    /// Moodle's role.
    pub moodle: RoleId,
    /// Where it is assigned.
    pub context: RoleContext,
}

/// Where a role is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleContext {
    /// The whole site.
    System,
    /// A course category, by Moodle's id.
    Category(i64),
    /// A course.
    Course(MoodleCourseId),
}

/// Where cohorts live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CohortContext {
    /// The whole site.
    System,
    /// A course category, by Moodle's id.
    Category(i64),
}

/// Who assigns the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolesBy {
    /// Rollbook, by the rules.
    Rollbook,
    /// Moodle's own plugin `local_cohortrole`.
    Moodle,
}

pub(super) const BY: Choice<RolesBy> = Choice(&[("rollbook", RolesBy::Rollbook), ("moodle", RolesBy::Moodle)]);

pub(super) fn read(section: &mut Section<'_>) -> Option<RoleRule> {
    let guild = section.required("guild", Text(64));
    let moodle = section.required("moodle", Count(1, 2_147_483_647));
    let context = section.or("context", "system", AnyContext);
    Some(RoleRule { guild: guild?, moodle: RoleId(moodle?.into()), context })
}

/// `system`, `category:12` or `course:34`.
struct AnyContext;

impl Kind for AnyContext {
    type Out = RoleContext;

    fn wants(&self) -> String {
        "\"system\", \"category:ID\" or \"course:ID\", with Moodle's number".to_owned()
    }

    fn read(&self, value: &Value) -> Result<RoleContext, String> {
        let text = Text(40).read(value)?;
        let id = |text: &str| match text.parse::<u32>() {
            Ok(id) if id > 0 => Ok(i64::from(id)),
            _ => Err("there is no number after the colon".to_owned()),
        };
        match text.split_once(':') {
            None if text == "system" => Ok(RoleContext::System),
            Some(("category", number)) => id(number).map(RoleContext::Category),
            Some(("course", number)) => id(number).map(|id| RoleContext::Course(MoodleCourseId(id))),
            _ => Err("this is no context".to_owned()),
        }
    }
}

/// `system` or `category:12`.
pub(super) struct CohortPlace;

impl Kind for CohortPlace {
    type Out = CohortContext;

    fn wants(&self) -> String {
        "\"system\" or \"category:ID\", with Moodle's number".to_owned()
    }

    fn read(&self, value: &Value) -> Result<CohortContext, String> {
        match AnyContext.read(value)? {
            RoleContext::System => Ok(CohortContext::System),
            RoleContext::Category(id) => Ok(CohortContext::Category(id)),
            RoleContext::Course(_) => Err("a course has no cohorts".to_owned()),
        }
    }
}
