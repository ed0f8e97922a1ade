//! A Moodle: is it reached, is the token taken, does it see and may it do what the links need, how many variables are read.

use super::cohorts::{GuildRights, look_at_guilds};
use super::left_roles::look_at_left_roles;
use super::tables::look_at_tables;
use super::{Chart, Check};
use rollbook_clock::Clock;
use rollbook_core::model::{MoodleCourseId, RoleId};
use rollbook_moodle::client::read::UserField;
use rollbook_moodle::client::wire::WireSiteInfo;
use rollbook_moodle::client::{CODE_VARIABLES_DROPPED, Function, MoodleClient, MoodleError, MoodleReader};
use rollbook_moodle::snapshot::{CanaryAccount, LOOKS, MoodleSourceError, run_people_preflight, run_preflight};
use rollbook_remote::database::Database;

/// Moodle 4.4, from which on manual enrolments may mail a welcome of their own.
const WELCOMES_ITSELF: u64 = 2_024_042_200;
/// Moodle 3.11, the oldest that has what is called.
const OLDEST: u64 = 2_021_051_700;
/// So many courses are tried for the probe of an enrolment.
const COURSES_TRIED_MAX: usize = 5;

/// What the links ask of a Moodle.
pub struct MoodlePatient<'a> {
    /// The site as configured.
    pub site: &'a str,
    /// The client.
    pub client: &'a MoodleClient,
    /// The functions that the links call.
    pub functions: &'a [Function],
    /// The account that must be seen.
    pub sentinel: CanaryAccount,
    /// The role of intake's enrolments, where intake goes there.
    pub role: Option<RoleId>,
    /// What each link with guilds does there.
    pub guilds: &'a [GuildRights],
    /// The Moodle's database, where it may be read.
    pub database: Option<&'a Database>,
    /// Form variables per call, as configured.
    pub input_vars: usize,
    /// Whether a link welcomes new learners by itself.
    pub welcomes: bool,
}

/// Examines a Moodle.
pub async fn examine_moodle(patient: &MoodlePatient<'_>, clock: &Clock) -> Vec<Check> {
    let mut chart = Chart::new(patient.site);
    let reader = patient.client.reader();
    match reader.fetch_site_info().await {
        Err(error) => {
            let mend = mend(&error);
            chart.bad("web services", error.to_string(), mend);
        }
        Ok(info) => {
            look_at_site(&mut chart, patient, &info);
            chart.clock(patient.client.server_time(), clock.now());
            look_at_tables(&mut chart, patient, &info).await;
            check_preflight(&mut chart, patient, &reader).await;
            look_at_rights(&mut chart, patient, &reader, &info).await;
        }
    }
    chart.into_checks()
}

fn look_at_site(chart: &mut Chart, patient: &MoodlePatient<'_>, info: &WireSiteInfo) {
    chart.good("web services", format!("{}, Moodle {}", info.sitename, info.release));
    let theirs = info.siteurl.trim_end_matches('/');
    if theirs == patient.client.site_url() {
        chart.good("address", theirs);
    } else {
        chart.bad("address", format!("the site calls itself {theirs}"), "configure that address");
    }
    let version = info.version_number();
    if version < OLDEST {
        chart.bad("version", format!("Moodle {} is older than 3.11", info.release), "upgrade Moodle");
    }
    if patient.welcomes && version >= WELCOMES_ITSELF {
        let detail = "this Moodle can mail a welcome for every manual enrolment by itself";
        let mend =
            "switch it off in the manual enrolment method of each course, or set the link's welcome mode to \"moodle\"";
        chart.warn("welcome mail", detail, mend);
    }
    if info.userissiteadmin == Some(true) {
        let mend = "make an account of its own with the role that docs/OPERATING.md describes";
        chart.warn("service account", "the token belongs to a site administrator", mend);
    }
    let missing: Vec<&str> =
        patient.functions.iter().filter(|function| !info.offers(**function)).map(|function| function.name()).collect();
    if missing.is_empty() {
        chart.good("functions", format!("all {} that the links need", patient.functions.len()));
    } else {
        chart.bad(
            "functions",
            format!("missing: {}", missing.join(", ")),
            "add them to the external service of the token",
        );
    }
    if patient.role.is_some() && !info.offers(Function::UpdateUsers) {
        let detail = "the service lacks core_user_update_users, so that no account can be corrected from here";
        let mend =
            "to let operators resolve mail mismatches and changed GUIDs, add it, and give the role moodle/user:update";
        chart.warn("corrections", detail, mend);
    }
}

async fn check_preflight(chart: &mut Chart, patient: &MoodlePatient<'_>, reader: &MoodleReader) {
    // Intake needs more than others to be sure of itself, and its functions.
    let proven = match patient.role {
        Some(_) => run_preflight(reader, &patient.sentinel).await.map(drop),
        None => run_people_preflight(reader, &patient.sentinel).await,
    };
    match proven {
        Ok(()) => chart.good("preflight", "a known account is seen by every field, with every field"),
        Err(
            MoodleSourceError::InsufficientPermissions { what, mend } | MoodleSourceError::Barred { what, mend, .. },
        ) => {
            chart.bad("preflight", what, mend);
        }
        Err(error @ MoodleSourceError::Database(_)) => {
            chart.bad("preflight", error.to_string(), "check the site's [database]");
        }
        Err(MoodleSourceError::Call { source, .. }) => {
            let mend = mend(&source);
            chart.bad("preflight", source.to_string(), mend);
        }
    }
}

async fn look_at_rights(chart: &mut Chart, patient: &MoodlePatient<'_>, reader: &MoodleReader, info: &WireSiteInfo) {
    let limit = patient.input_vars;
    let own = reader.fetch_users(UserField::Id, &[info.userid.to_string()]).await.ok();
    let Some(username) = own.and_then(|found| found.users.into_iter().next()).and_then(|user| user.username) else {
        chart.bad("rights", "the service account cannot see its own user name", "give it moodle/user:viewalldetails");
        return;
    };
    match reader.reads_variables(limit, &username).await {
        Ok(true) => chart.good("max_input_vars", format!("at least the {limit} that are configured")),
        Ok(false) => {
            let detail = format!("PHP drops form variables before the {limit} that are configured");
            chart.bad("max_input_vars", detail, VARIABLES);
        }
        Err(error) => chart.bad("max_input_vars", error.to_string(), mend(&error)),
    }
    let makes_accounts = patient.guilds.iter().any(|rights| rights.creates_accounts);
    if patient.role.is_some() || makes_accounts {
        match reader.probe_create_user(&username).await {
            None => chart.good("may create accounts", "moodle/user:create"),
            Some(error) => {
                chart.bad("may create accounts", error.to_string(), "give the service role moodle/user:create")
            }
        }
    }
    look_at_guilds(chart, reader, patient.guilds).await;
    look_at_left_roles(chart, patient.database, patient.guilds).await;
    if let Some(role) = patient.role {
        look_at_enrolling(chart, reader, role).await;
    }
}

async fn look_at_enrolling(chart: &mut Chart, reader: &MoodleReader, role: RoleId) {
    let courses = match reader.fetch_all_courses().await {
        Ok(courses) => courses,
        Err(error) => return chart.bad("may enrol", error.to_string(), mend(&error)),
    };
    let manual = courses.into_iter().filter(|course| course.takes_manual_enrolments() != Some(false));
    let tried: Vec<MoodleCourseId> = manual.map(|course| course.id).take(COURSES_TRIED_MAX).collect();
    let Some(course) = tried.first().copied() else {
        let mend = "if there are courses: moodle/course:view and moodle/course:viewhiddencourses; and add manual enrolment to one";
        return chart.warn("may enrol", "no course with manual enrolment is seen", mend);
    };
    match reader.probe_enrol(course, role).await {
        None => chart.good("may enrol", format!("as role {role}, tried in course {course}")),
        Some(error) => chart.bad("may enrol", error.to_string(), mend_enrolling(&error)),
    }
    match reader.probe_listing(course).await {
        None => chart.good("may see who is enrolled", LOOKS),
        Some(error) => {
            let mend = match error.code() {
                Some("nopermissions") => format!("give the service role {LOOKS}"),
                _ => mend_enrolling(&error).to_owned(),
            };
            chart.bad("may see who is enrolled", error.to_string(), mend);
        }
    }
}

fn mend_enrolling(error: &MoodleError) -> &'static str {
    match error.code() {
        Some("wsusercannotassign") => {
            "give the service role moodle/role:assign, and allow it to assign the role (Define roles, Allow role assignments)"
        }
        Some("nopermissions") => "give the service role enrol/manual:enrol",
        Some("requireloginerror" | "errorcoursecontextnotvalid") => {
            "give the service role moodle/course:view and moodle/course:viewhiddencourses"
        }
        _ => mend(error),
    }
}

/// What helps where PHP reads fewer form variables than a call has.
const VARIABLES: &str = "raise max_input_vars in Moodle's php.ini, or lower the site's input_vars";

pub(super) fn mend(error: &MoodleError) -> &'static str {
    match error {
        MoodleError::Denied { code, .. } => match code.as_str() {
            "invalidtoken" => "the token is wrong or was deleted: make a new one",
            "accessexception" => {
                "one of: webservice/rest:use is missing, the token expired or is bound to another address, the function is not in the service, \
                 the account is not among the service's authorised users (leave their \"valid until\" empty)"
            }
            "http_403" => "switch on web services and the REST protocol",
            _ => "look at the service account's state in Moodle",
        },
        MoodleError::Maintenance { .. } => "wait until the maintenance is over",
        MoodleError::Misaddressed { .. } => "configure the address that Moodle itself uses (its wwwroot)",
        MoodleError::Refused { code, .. } if code == CODE_VARIABLES_DROPPED => VARIABLES,
        MoodleError::Refused { .. } => "look at the service role's capabilities in docs/OPERATING.md",
        MoodleError::NotSent { .. } => "check the address, and that this machine may reach it",
        _ => "look at the web server's log",
    }
}
