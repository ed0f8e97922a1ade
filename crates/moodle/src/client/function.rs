//! The web service functions that Rollbook calls, each with what one item of it costs in form variables.
//!
//! A table, nothing else: it must never decide anything. PHP drops form variables past `max_input_vars`, so that the costs
//! here bound every batch.

/// Whether a call may change the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Read,
    /// Never repeated by the client.
    Write,
}

macro_rules! functions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:ident, $leaves:literal;)*) => {
        /// A web service function. The comment of each gives its form variables per item.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Function {
            $($(#[$doc])* $variant,)*
        }

        impl Function {
            /// All of them, in the order of this table.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name by which Moodle knows it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Whether it may change the site.
            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => Kind::$kind,)*
                }
            }

            /// The most form variables that one item can need; 0 for a call without items.
            pub const fn leaves_per_item(self) -> usize {
                match self {
                    $(Self::$variant => $leaves,)*
                }
            }
        }
    };
}

functions! {
    SiteInfo = "core_webservice_get_site_info", Read, 0;
    /// 1 a value.
    UsersByField = "core_user_get_users_by_field", Read, 1;
    /// 2 in all: ids travel as one comma list.
    CoursesByField = "core_course_get_courses_by_field", Read, 0;
    /// At most 13 in all: the course and six options of two.
    EnrolledUsers = "core_enrol_get_enrolled_users", Read, 0;
    /// 2 in all.
    UsersCourses = "core_enrol_get_users_courses", Read, 0;
    /// 1 a cohort.
    Cohorts = "core_cohort_get_cohorts", Read, 1;
    /// At most 6 in all.
    SearchCohorts = "core_cohort_search_cohorts", Read, 0;
    /// 1 a cohort.
    CohortMembers = "core_cohort_get_cohort_members", Read, 1;
    /// 2 in all.
    CompletionStatus = "core_completion_get_course_completion_status", Read, 0;
    /// 6 to 13 a user.
    CreateUsers = "core_user_create_users", Write, 13;
    /// 2 to 8 a user.
    UpdateUsers = "core_user_update_users", Write, 8;
    /// 1 a user.
    DeleteUsers = "core_user_delete_users", Write, 1;
    /// 3 to 6 an enrolment.
    Enrol = "enrol_manual_enrol_users", Write, 6;
    /// 2 an enrolment.
    Unenrol = "enrol_manual_unenrol_users", Write, 2;
    /// 6 a cohort.
    CreateCohorts = "core_cohort_create_cohorts", Write, 6;
    /// 5 to 7 a cohort.
    UpdateCohorts = "core_cohort_update_cohorts", Write, 7;
    /// 1 a cohort.
    DeleteCohorts = "core_cohort_delete_cohorts", Write, 1;
    /// 4 a membership.
    AddMembers = "core_cohort_add_cohort_members", Write, 4;
    /// 2 a membership.
    DeleteMembers = "core_cohort_delete_cohort_members", Write, 2;
    /// 3 or 4 an assignment.
    AssignRoles = "core_role_assign_roles", Write, 4;
    /// 3 or 4 an assignment.
    UnassignRoles = "core_role_unassign_roles", Write, 4;
    /// 6 a course. For the live suite only.
    CreateCourses = "core_course_create_courses", Write, 6;
    /// 1 a course. For the live suite only.
    DeleteCourses = "core_course_delete_courses", Write, 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = Function::ALL.iter().map(|function| function.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Function::ALL.len());
    }
}
