//! Web service tokens with what their account and service allow.

use std::collections::BTreeSet;

/// A token together with its service's functions and its account's rights at system level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The account that the token acts as.
    pub user_id: i64,
    /// Functions in the token's service.
    pub functions: BTreeSet<String>,
    /// Capabilities of the account. Site administrators have all, whatever stands here.
    pub capabilities: BTreeSet<String>,
    /// Roles that the account may give (`role_allow_assign`). Site administrators may give all.
    pub assignable_roles: BTreeSet<i64>,
    /// The service is switched on.
    pub service_enabled: bool,
    /// Unix time in seconds after which the token is refused once and then forgotten.
    pub valid_until: Option<i64>,
    /// End of the account's entry among the service's authorised users, Unix time in seconds. Moodle's test is the
    /// wrong way round: a date in the future is refused, one in the past let through.
    pub authorised_until: Option<i64>,
}

/// The functions of Rollbook's three flows.
const LEAST_FUNCTIONS: [&str; 15] = [
    "core_webservice_get_site_info",
    "core_user_get_users_by_field",
    "core_user_create_users",
    "core_course_get_courses_by_field",
    "enrol_manual_enrol_users",
    "core_enrol_get_enrolled_users",
    "core_enrol_get_users_courses",
    "core_completion_get_course_completion_status",
    "core_cohort_get_cohorts",
    "core_cohort_get_cohort_members",
    "core_cohort_create_cohorts",
    "core_cohort_add_cohort_members",
    "core_cohort_delete_cohort_members",
    "core_role_assign_roles",
    "core_role_unassign_roles",
];

/// The capabilities of the three flows.
const LEAST_CAPABILITIES: [&str; 14] = [
    "webservice/rest:use",
    "moodle/user:create",
    "moodle/user:viewdetails",
    "moodle/user:viewalldetails",
    "moodle/site:viewuseridentity",
    "moodle/site:accessallgroups",
    "moodle/course:view",
    "moodle/course:viewhiddencourses",
    "moodle/course:viewparticipants",
    "moodle/course:enrolreview",
    "enrol/manual:enrol",
    "moodle/role:assign",
    "report/completion:view",
    "moodle/cohort:manage",
];

impl Token {
    /// The least rights under which all three flows work.
    pub fn least(user_id: i64, assignable_roles: &[i64]) -> Self {
        Self {
            user_id,
            functions: owned(&LEAST_FUNCTIONS),
            capabilities: owned(&LEAST_CAPABILITIES),
            assignable_roles: assignable_roles.iter().copied().collect(),
            service_enabled: true,
            valid_until: None,
            authorised_until: None,
        }
    }

    /// A service with every function of the stand-in.
    pub fn with_all_functions(user_id: i64) -> Self {
        let names = crate::moodle::functions::names();
        Self {
            user_id,
            functions: names.map(str::to_owned).collect(),
            capabilities: BTreeSet::new(),
            assignable_roles: BTreeSet::new(),
            service_enabled: true,
            valid_until: None,
            authorised_until: None,
        }
    }
}

fn owned(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
