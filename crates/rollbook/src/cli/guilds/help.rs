//! What to do about each failure: an error of this flow, with its next step.

use miette::Diagnostic;
use rollbook_community::client::DrupalError;
use rollbook_community::snapshot::CommunityError;
use rollbook_journal::JournalError;
use rollbook_moodle::client::{CODE_VARIABLES_DROPPED, MoodleError};
use rollbook_moodle::snapshot::{CohortSourceError, MoodleSourceError};
use rollbook_sync::flows::guilds::{GuildsError, GuildsFlow};
use std::error::Error;
use std::fmt::{self, Display};

/// An error with its next step.
#[derive(Debug)]
pub(super) struct Guided {
    error: GuildsError,
    help: String,
}

impl Guided {
    pub(super) fn new(error: GuildsError, flow: &GuildsFlow) -> Self {
        let help = next_step(&error, flow);
        Self { error, help }
    }
}

impl Display for Guided {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(out)
    }
}

impl Error for Guided {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl Diagnostic for Guided {
    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        (!self.help.is_empty()).then(|| Box::new(&self.help) as Box<dyn Display>)
    }
}

fn next_step(error: &GuildsError, flow: &GuildsFlow) -> String {
    let GuildsFlow { from, to, .. } = flow;
    match error {
        GuildsError::Community(error) => community(error, from.as_str()),
        GuildsError::Moodle(error) | GuildsError::Cohorts(CohortSourceError::Services(error)) => {
            moodle(error, to.as_str())
        }
        GuildsError::Cohorts(CohortSourceError::Tables(_)) => {
            format!("check [site.{to}.database], or leave it out: then everything is read over web services")
        }
        GuildsError::Journal(JournalError::LeaseHeld { .. }) => {
            "wait until that run ends, or use --wait".to_owned()
        }
        GuildsError::Journal(_) => String::new(),
        GuildsError::NoSuchGuild { closest, .. } if closest.is_empty() => {
            format!("list the guilds with: rollbook guilds list {from}")
        }
        GuildsError::NoSuchGuild { closest, .. } => {
            let names = closest.join(", ");
            format!("did you mean {names}? list the guilds with: rollbook guilds list {from}")
        }
        GuildsError::SeveralGuilds { .. } => "name one of them by its number".to_owned(),
        GuildsError::NoSuchPerson { .. } => {
            "name the person by number (as in /user/7), user name or mail address; blocked people are found by name only \
             by an account with the permission \"administer users\""
                .to_owned()
        }
        GuildsError::SeveralPeople { .. } => "name one of them by number".to_owned(),
        GuildsError::Stopped => "run it again".to_owned(),
    }
}

fn community(error: &CommunityError, site: &str) -> String {
    match error {
        CommunityError::Site(error) => match error {
            DrupalError::Anonymous => format!(
                "check [site.{site}.auth]; if five attempts failed within six hours, Drupal refuses the right password too: \
                 clear its flood table, or wait"
            ),
            DrupalError::Denied { status: 401, .. } => {
                format!(
                    "check client_id, client_secret and scope of [site.{site}.auth]; its account must not be blocked"
                )
            }
            DrupalError::Denied { .. } => format!(
                "check [site.{site}.auth]; the account needs \"view group\" and \"view group_membership relationship\" in the \
                 scopes outsider and insider, and \"access user profiles\""
            ),
            DrupalError::NoGroupModule { .. } => {
                format!("check `group_type` of [site.{site}], and that JSON:API is on")
            }
            DrupalError::Misaddressed { .. } | DrupalError::NotFound => format!("check `url` of [site.{site}]"),
            DrupalError::NotSent { .. }
            | DrupalError::RateLimited { .. }
            | DrupalError::Maintenance { .. }
            | DrupalError::Unavailable { .. }
            | DrupalError::Unknown { .. }
            | DrupalError::Malformed { .. } => {
                format!("check that {site} is up and try again; rollbook doctor shows more")
            }
            DrupalError::Refused { .. } => format!("check `group_type` and `machine_name_field` of the link of {site}"),
        },
        CommunityError::Tables(_) => format!("check [site.{site}.database]: address, account, SELECT on the tables"),
        CommunityError::NoGroupModule => format!("check `prefix` of [site.{site}.database]"),
    }
}

fn moodle(error: &MoodleSourceError, site: &str) -> String {
    match error {
        // The error names what is missing and where it is given.
        MoodleSourceError::InsufficientPermissions { .. } | MoodleSourceError::Barred { .. } => {
            format!("rollbook doctor lists everything that the token of {site} lacks")
        }
        MoodleSourceError::Database(_) => format!("check [site.{site}.database]"),
        MoodleSourceError::Call { source, .. } => match source {
            MoodleError::Misaddressed { .. } => {
                format!("check `url` of [site.{site}]: it must be Moodle's own wwwroot")
            }
            MoodleError::Refused { code, .. } if code == CODE_VARIABLES_DROPPED => {
                format!("raise max_input_vars in the php.ini of {site}, or lower input_vars of [site.{site}]")
            }
            MoodleError::Denied { .. } | MoodleError::Refused { .. } => match capability(&source.to_string()) {
                Some(capability) => format!("give the token's account of {site} {capability}"),
                None => format!("check the token of [site.{site}], its service and its account"),
            },
            MoodleError::NotSent { .. }
            | MoodleError::RateLimited { .. }
            | MoodleError::Maintenance { .. }
            | MoodleError::Unavailable { .. }
            | MoodleError::Unknown { .. }
            | MoodleError::Malformed { .. } => {
                format!("check that {site} is up and try again; rollbook doctor shows more")
            }
        },
    }
}

/// What a token lacks when Moodle does not admit it to a function, in the words of Moodle's own pages.
pub(super) fn capability(words: &str) -> Option<&'static str> {
    let needs = [
        ("core_cohort_get_cohort", "moodle/cohort:view (or moodle/cohort:manage) in the cohorts' context"),
        ("core_cohort_create_cohorts", "moodle/cohort:manage in the cohorts' context"),
        ("core_cohort_update_cohorts", "moodle/cohort:manage, and the function in the token's service"),
        ("core_cohort_delete_cohorts", "moodle/cohort:manage, and the function in the token's service"),
        ("core_cohort_add_cohort_members", "moodle/cohort:assign (or moodle/cohort:manage)"),
        ("core_cohort_delete_cohort_members", "moodle/cohort:assign (or moodle/cohort:manage)"),
        ("core_role_assign_roles", "moodle/role:assign, and \"Allow role assignments\" for that role"),
        ("core_role_unassign_roles", "moodle/role:assign, and \"Allow role assignments\" for that role"),
        ("core_user_create_users", "moodle/user:create"),
    ];
    needs.into_iter().find(|(function, _)| words.contains(function)).map(|(_, capability)| capability)
}
