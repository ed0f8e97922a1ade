//! The reading half: what can be asked of a Moodle without changing it.
//!
//! It must never call a writing function, and never turn "not shown to this account" into "does not exist": Moodle
//! answers both with an empty list, so that callers prove their sight with a known account first.
//! Next: `users`, `courses`, `cohorts`, one file a noun; [`super::wire`] for the answers.

use crate::client::batch::read_halving;
use crate::client::call::Form;
use crate::client::call::MoodleClient;
use crate::client::error::{CODE_NONE, CODE_VARIABLES_DROPPED, MoodleError};
use crate::client::function::Function;
use crate::client::wire::{
    WireCohort, WireCohortList, WireCohortMembers, WireCompletion, WireCompletionAnswer, WireCourse, WireCourses,
    WireSiteInfo, WireUser, WireUserCourse,
};
use crate::client::write::{self, RoleAssignment, fill_assignment, fill_context};
use futures_util::future::try_join_all;
use rollbook_core::model::{CohortContext, CohortId, ElmCourseId, MoodleCourseId, MoodleUserId, RoleContext, RoleId};
use std::fmt;

/// The half of a client that cannot change the site. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MoodleReader {
    client: MoodleClient,
}

impl MoodleReader {
    pub(super) fn new(client: MoodleClient) -> Self {
        Self { client }
    }

    /// The client, for counts and limits.
    pub fn client(&self) -> &MoodleClient {
        &self.client
    }

    /// What the site says of itself, of the token's account and of what the token may call.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn fetch_site_info(&self) -> Result<WireSiteInfo, MoodleError> {
        self.client.read(Function::SiteInfo, 0, &Form::new()).await
    }
}

/// Refusals by which one bad item spoils a whole read: a stored value outside today's rules (`invalidresponse`), a
/// searched value that is not clean (`invalidparameter`), an unknown id (`invalidrecord`, or a PHP error without code).
fn is_poison(error: &MoodleError) -> bool {
    const CODES: &[&str] = &["invalidresponse", "invalidparameter", "invalidrecord", CODE_NONE];
    matches!(error, MoodleError::Refused { code, .. } if CODES.contains(&code.as_str()))
}

// Accounts by a field.
//
// It must never treat a missing answer as "no such account": see the parent module. Next: `courses.rs`.

/// By what accounts can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserField {
    /// Also finds deleted accounts: see [`WireUser::looks_deleted`].
    Id,
    /// The GUID. Not unique; compared by the database's collation, on MySQL without regard to case, accents and
    /// trailing spaces: compare again.
    IdNumber,
    /// Must be lower case and clean, or the value comes back as poisoned.
    Username,
    /// Not unique on every site; compared as `IdNumber`. Needs `moodle/site:viewuseridentity`.
    Email,
}

impl UserField {
    const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::IdNumber => "idnumber",
            Self::Username => "username",
            Self::Email => "email",
        }
    }
}

/// What a lookup of accounts found.
#[derive(Clone, Default, PartialEq)]
pub struct UsersFound {
    /// The accounts, by id, each once: not in the order of the values, and values nobody has are simply missing.
    pub users: Vec<WireUser>,
    /// Values that Moodle cannot answer for (an unclean value, or a stored account outside today's rules), each with
    /// its refusal. Nothing is known about them.
    pub poisoned: Vec<(String, MoodleError)>,
}

impl fmt::Debug for UsersFound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UsersFound({:?}, {} poisoned)", self.users, self.poisoned.len())
    }
}

impl MoodleReader {
    /// Finds the accounts whose `field` is one of `values`; several calls at a time, none for no values. One form
    /// variable a value. About 2 ms an account found, 0.1 ms one not found. Blank values are left out: Moodle finds
    /// nobody by them.
    ///
    /// # Errors
    /// [`MoodleError`], for the whole lookup.
    pub async fn fetch_users(&self, field: UserField, values: &[String]) -> Result<UsersFound, MoodleError> {
        let values: Vec<&str> = values.iter().map(String::as_str).filter(|value| !value.trim().is_empty()).collect();
        let chunk_len = self.client.chunk_len(Function::UsersByField, values.len());
        let parts = values
            .chunks(chunk_len)
            .map(|chunk| read_halving(chunk, is_poison, move |part| self.fetch_users_once(field, part)));
        let mut found = UsersFound::default();
        for (users, poisoned) in try_join_all(parts).await? {
            found.users.extend(users);
            found.poisoned.extend(poisoned.into_iter().map(|(value, error)| ((*value).to_owned(), error)));
        }
        found.users.sort_by_key(|user| user.id);
        found.users.dedup_by_key(|user| user.id);
        Ok(found)
    }

    async fn fetch_users_once(&self, field: UserField, values: &[&str]) -> Result<Vec<WireUser>, MoodleError> {
        let mut form = Form::new();
        form.add("field", field.name());
        for (index, value) in values.iter().enumerate() {
            form.add_value("values", index, value);
        }
        self.client.read(Function::UsersByField, values.len(), &form).await
    }
}

// Courses, who is enrolled in them, and how far someone got.
//
// It must never take the front page for a course somebody asked for: Moodle gives it for an empty idnumber.
// Next: `cohorts.rs`.

/// What a lookup of courses by idnumber found.
#[derive(Clone, Debug, PartialEq)]
pub struct CoursesFound {
    /// The idnumber asked for. The courses need not say it themselves (it takes `moodle/course:update`), and the
    /// database compares loosely: where they do say it, compare again.
    pub asked: ElmCourseId,
    /// None, one, or several: idnumbers are unique by code only.
    pub courses: Vec<WireCourse>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichEnrolled {
    /// Every method, active or not; the answer does not tell which.
    All,
    /// Active now. Needs `moodle/course:enrolreview`.
    OnlyActive,
    /// Suspended, not begun yet, or ended. Needs `moodle/course:enrolreview`; Moodle 3.11 and later.
    OnlySuspended,
}

/// How much is asked of each enrolled person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichFields {
    /// The id (and, unasked, the full name): 0.5 ms a person.
    Id,
    /// The id and the roles in the course.
    Roles,
    /// What identifies a person, and the roles: about 1 ms a person.
    Identity,
    /// Everything: 1.9 ms a person.
    Everything,
}

impl MoodleReader {
    /// Finds courses by their idnumbers, one call each (Moodle takes no list here), several at a time; 27 ms a call.
    /// A blank idnumber gives no courses and no call. A course that the token may not see is silently absent.
    ///
    /// # Errors
    /// [`MoodleError`], for the whole lookup.
    pub async fn fetch_courses_by_idnumber(&self, idnumbers: &[ElmCourseId]) -> Result<Vec<CoursesFound>, MoodleError> {
        try_join_all(idnumbers.iter().map(|asked| async move {
            let courses = match asked.as_str().trim() {
                "" => Vec::new(),
                _ => self.fetch_courses_once("idnumber", asked.as_str(), 1).await?,
            };
            Ok(CoursesFound { asked: asked.clone(), courses })
        }))
        .await
    }

    /// Finds courses by id. Gives the courses, and the ids that Moodle does not know: one such id loses it the whole
    /// call, so that the list is halved around it.
    ///
    /// # Errors
    /// [`MoodleError`], for the whole lookup.
    pub async fn fetch_courses_by_id(
        &self,
        ids: &[MoodleCourseId],
    ) -> Result<(Vec<WireCourse>, Vec<MoodleCourseId>), MoodleError> {
        let chunk_len = self.client.items_max(Function::CoursesByField);
        let parts = ids.chunks(chunk_len).map(|chunk| {
            read_halving(chunk, is_unknown_id, |part| async move {
                let list: Vec<String> = part.iter().map(MoodleCourseId::to_string).collect();
                self.fetch_courses_once("ids", &list.join(","), part.len()).await
            })
        });
        let (mut courses, mut missing) = (Vec::new(), Vec::new());
        for (found, unknown) in try_join_all(parts).await? {
            courses.extend(found);
            missing.extend(unknown.into_iter().map(|(id, _)| *id));
        }
        Ok((courses, missing))
    }

    /// All courses that the token may see, the front page left out; about 4 ms and 1.4 KB a course.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn fetch_all_courses(&self) -> Result<Vec<WireCourse>, MoodleError> {
        let mut courses = self.fetch_courses_once("", "", 0).await?;
        courses.retain(|course| !course.is_front_page());
        Ok(courses)
    }

    /// The people enrolled in a course, by id, in one call: Moodle drops those whom the token may not view *after*
    /// counting off a page, so that neither a short nor an empty page would prove the end.
    ///
    /// # Errors
    /// [`MoodleError`]; `invalidrecord` for an unknown course, `nopermissions` without the capabilities above.
    pub async fn fetch_enrolled(
        &self,
        course: MoodleCourseId,
        which: WhichEnrolled,
        fields: WhichFields,
    ) -> Result<Vec<WireUser>, MoodleError> {
        let mut form = Form::new();
        form.add("courseid", course);
        let mut options = vec![("sortby", "id")];
        match which {
            WhichEnrolled::All => {}
            WhichEnrolled::OnlyActive => options.push(("onlyactive", "1")),
            WhichEnrolled::OnlySuspended => options.push(("onlysuspended", "1")),
        }
        match fields {
            WhichFields::Id => options.push(("userfields", "id")),
            WhichFields::Roles => options.push(("userfields", "id,roles")),
            WhichFields::Identity => {
                options.push(("userfields", "id,username,firstname,lastname,email,idnumber,roles"));
            }
            WhichFields::Everything => {}
        }
        for (index, (name, value)) in options.into_iter().enumerate() {
            form.add_field("options", index, "name", name).add_field("options", index, "value", value);
        }
        self.client.read(Function::EnrolledUsers, 1, &form).await
    }

    /// The courses in which someone is actively enrolled, which that person may see, and which the token may open; empty for
    /// an unknown account. A course hidden from learners is missing here, however much the token may see.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn fetch_users_courses(&self, user: MoodleUserId) -> Result<Vec<WireUserCourse>, MoodleError> {
        let mut form = Form::new();
        form.add("userid", user).add("returnusercount", "0");
        self.client.read(Function::UsersCourses, 1, &form).await
    }

    /// How far one person is in one course, about 20 ms.
    ///
    /// # Errors
    /// [`MoodleError::Refused`] with `usernotenroled` (also for a suspended enrolment), `nocriteriaset`,
    /// `cannotviewreport`, `userdeleted`, `invaliduser`; the other failures as ever.
    pub async fn fetch_completion(
        &self,
        course: MoodleCourseId,
        user: MoodleUserId,
    ) -> Result<WireCompletion, MoodleError> {
        let mut form = Form::new();
        form.add("courseid", course).add("userid", user);
        let answer: WireCompletionAnswer = self.client.read(Function::CompletionStatus, 1, &form).await?;
        Ok(answer.completionstatus)
    }

    async fn fetch_courses_once(&self, field: &str, value: &str, items: usize) -> Result<Vec<WireCourse>, MoodleError> {
        let mut form = Form::new();
        form.add("field", field).add("value", value);
        let answer: WireCourses = self.client.read(Function::CoursesByField, items, &form).await?;
        Ok(answer.courses)
    }
}

/// Moodle answers an unknown id in a list with a PHP error, which has no code.
fn is_unknown_id(error: &MoodleError) -> bool {
    matches!(error, MoodleError::Refused { code, .. } if code == CODE_NONE || code == "invalidrecord")
}

// Cohorts and their members.
//
// It must never find a cohort by idnumber where an id is known: idnumbers can be double. Next: `../write/cohorts.rs`.

/// Where a search for cohorts looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CohortScope {
    System,
    Everywhere,
}

/// The members of cohorts, and the cohorts that are gone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CohortMembersFound {
    /// One entry a cohort found.
    pub cohorts: Vec<WireCohortMembers>,
    /// Cohorts that Moodle does not know.
    pub missing: Vec<CohortId>,
}

impl MoodleReader {
    /// The cohorts of these ids, unknown ones left out; no call for none. One form variable each.
    ///
    /// # Errors
    /// [`MoodleError`]; one cohort in a context that the token may not read fails all.
    pub async fn fetch_cohorts(&self, ids: &[CohortId]) -> Result<Vec<WireCohort>, MoodleError> {
        let parts = ids.chunks(self.client.items_max(Function::Cohorts)).map(|part| async move {
            let form = make_list(part);
            self.client.read::<Vec<WireCohort>>(Function::Cohorts, part.len(), &form).await
        });
        Ok(try_join_all(parts).await?.into_iter().flatten().collect())
    }

    /// All cohorts of the site, 0.2 ms each.
    ///
    /// # Errors
    /// As [`Self::fetch_cohorts`].
    pub async fn fetch_all_cohorts(&self) -> Result<Vec<WireCohort>, MoodleError> {
        self.client.read(Function::Cohorts, 0, &Form::new()).await
    }

    /// Cohorts in whose name, idnumber or description `query` stands; all for an empty query. Compare again.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn search_cohorts(&self, query: &str, scope: CohortScope) -> Result<Vec<WireCohort>, MoodleError> {
        let mut form = Form::new();
        let includes = match scope {
            CohortScope::System => "self",
            CohortScope::Everywhere => "all",
        };
        form.add("query", query).add("context[contextlevel]", "system").add("context[instanceid]", 0);
        // 0 means all; Moodle's default is the first 25.
        form.add("includes", includes).add("limitfrom", 0).add("limitnum", 0);
        let answer: WireCohortList = self.client.read(Function::SearchCohorts, 0, &form).await?;
        Ok(answer.cohorts)
    }

    /// The members of these cohorts, several calls at a time; no call for none. One form variable a cohort, 0.03 ms a
    /// member. One unknown cohort loses Moodle the whole call, so that the list is halved around it.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn fetch_cohort_members(&self, ids: &[CohortId]) -> Result<CohortMembersFound, MoodleError> {
        let chunk_len = self.client.chunk_len(Function::CohortMembers, ids.len());
        let parts = ids.chunks(chunk_len).map(|chunk| {
            read_halving(chunk, is_unknown_cohort, |part| async move {
                let form = make_list(part);
                self.client.read::<Vec<WireCohortMembers>>(Function::CohortMembers, part.len(), &form).await
            })
        });
        let mut found = CohortMembersFound::default();
        for (cohorts, missing) in try_join_all(parts).await? {
            found.cohorts.extend(cohorts);
            found.missing.extend(missing.into_iter().map(|(id, _)| *id));
        }
        Ok(found)
    }
}

fn make_list(ids: &[CohortId]) -> Form {
    let mut form = Form::new();
    for (index, id) in ids.iter().enumerate() {
        form.add_value("cohortids", index, id);
    }
    form
}

fn is_unknown_cohort(error: &MoodleError) -> bool {
    matches!(error, MoodleError::Refused { code, .. } if code == "invalidrecord")
}

// Probes: harmless questions whose refusals tell what the token may do and how many variables PHP reads.
//
// It must never change the site: every write that is tried here is one that Moodle refuses whatever the rights are,
// and Moodle checks rights before it refuses. Next: `users.rs`.

/// No Moodle has given out so high a user id.
const NOBODY: MoodleUserId = MoodleUserId(2_000_000_011);
/// Nor so high an id of a group.
const NO_GROUP: &str = "2000000011";
/// Moodle knows the text formats 0, 1, 2 and 4, and looks after the capability and before the table.
const NO_FORMAT: u8 = 99;

impl MoodleReader {
    /// Whether PHP reads `variables` form variables and more: a known user name is asked for as the last of so many
    /// values, the others being nobody's.
    ///
    /// # Errors
    /// [`MoodleError`]
    pub async fn reads_variables(&self, variables: usize, username: &str) -> Result<bool, MoodleError> {
        let mut form = Form::new();
        form.add("field", "username");
        let leading = variables.saturating_sub(super::call::FIXED_LEAVES + 2);
        for index in 0..leading {
            form.add_value("values", index, "nobody.probes.here");
        }
        form.add_value("values", leading, username);
        let found: Result<Vec<WireUser>, _> = self.client.read(Function::UsersByField, leading + 1, &form).await;
        match found {
            Err(error) if error.code() == Some(CODE_VARIABLES_DROPPED) => Ok(false),
            found => Ok(!found?.is_empty()),
        }
    }

    /// Whether accounts could be made: one is tried whose user name is taken, which Moodle always refuses. `None` means
    /// yes; else the refusal, `nopermissions` without `moodle/user:create`.
    pub async fn probe_create_user(&self, taken_username: &str) -> Option<MoodleError> {
        let mut form = Form::new();
        for (name, value) in [
            ("username", taken_username),
            ("firstname", "Rollbook"),
            ("lastname", "Probe"),
            ("email", "probe@invalid"),
            ("auth", "oauth2"),
        ] {
            form.add_field("users", 0, name, value);
        }
        let tried: Result<serde_json::Value, MoodleError> = self.client.probe(Function::CreateUsers, &form).await;
        tried.err().filter(|error| error.code() != Some("invalidparameter"))
    }

    /// Whether the token may list who is suspended in a course, also where its groups are separate: by naming a group that
    /// is not there. `None` means yes; else the refusal: `nopermissions` without `moodle/course:enrolreview` or
    /// `moodle/site:accessallgroups` (Moodle would show nobody, and no error), `requireloginerror` or
    /// `errorcoursecontextnotvalid` where it may not open the course.
    pub async fn probe_listing(&self, course: MoodleCourseId) -> Option<MoodleError> {
        let mut form = Form::new();
        form.add("courseid", course);
        let options = [("onlysuspended", "1"), ("groupid", NO_GROUP), ("userfields", "id"), ("limitnumber", "1")];
        for (index, (name, value)) in options.into_iter().enumerate() {
            form.add_field("options", index, "name", name).add_field("options", index, "value", value);
        }
        let tried: Result<Vec<WireUser>, MoodleError> = self.client.read(Function::EnrolledUsers, 1, &form).await;
        tried.err()
    }

    /// Whether people could be enrolled in a course with a role: nobody is tried, whom Moodle always refuses. `None` means
    /// yes; else the refusal: `nopermissions` without `enrol/manual:enrol`, `wsusercannotassign` where the role may not be
    /// assigned, `wsnoinstance`, `requireloginerror`.
    pub async fn probe_enrol(&self, course: MoodleCourseId, role: RoleId) -> Option<MoodleError> {
        let mut form = Form::new();
        form.add_field("enrolments", 0, "roleid", role);
        form.add_field("enrolments", 0, "userid", NOBODY);
        form.add_field("enrolments", 0, "courseid", course);
        let tried: Result<serde_json::Value, MoodleError> = self.client.probe(Function::Enrol, &form).await;
        let about_nobody = ["codingerror", "invaliduser", "userdeleted", "invalidrecord"];
        tried.err().filter(|error| !error.code().is_some_and(|code| about_nobody.contains(&code)))
    }

    /// Whether cohorts could be made in a context: one with a text format that no Moodle has is tried. `None` means yes; else
    /// the refusal, `nopermissions` without `moodle/cohort:manage`, `invalidparameter` where there is no such category.
    pub async fn probe_create_cohort(&self, context: CohortContext) -> Option<MoodleError> {
        let mut form = Form::new();
        let context = match context {
            CohortContext::System => write::CohortContext::System,
            CohortContext::Category(id) => write::CohortContext::Category(id.0),
        };
        fill_context(&mut form, 0, &context);
        form.add_field("cohorts", 0, "name", "Rollbook probe").add_field("cohorts", 0, "idnumber", "rollbook/probe");
        form.add_field("cohorts", 0, "descriptionformat", NO_FORMAT);
        let tried: Result<serde_json::Value, MoodleError> = self.client.probe(Function::CreateCohorts, &form).await;
        tried.err().filter(|error| error.code() != Some("formatnotsupported"))
    }

    /// Whether a role could be given in a context: nobody is tried, whom Moodle always refuses. `None` means yes; else the
    /// refusal: `nopermissions` without `moodle/role:assign`, `invalidparameter` where the role may not be assigned.
    pub async fn probe_assign_role(&self, role: RoleId, context: RoleContext) -> Option<MoodleError> {
        let mut form = Form::new();
        let context = match context {
            RoleContext::System => write::RoleContext::System,
            RoleContext::Category(id) => write::RoleContext::Category(id.0),
            RoleContext::Course(course) => write::RoleContext::Course(course),
        };
        fill_assignment(&mut form, "assignments", 0, &RoleAssignment { role, user: NOBODY, context });
        let tried: Result<serde_json::Value, MoodleError> = self.client.probe(Function::AssignRoles, &form).await;
        let about_nobody = ["codingerror", "invaliduser", "userdeleted", "invalidrecord"];
        tried.err().filter(|error| !error.code().is_some_and(|code| about_nobody.contains(&code)))
    }
}
