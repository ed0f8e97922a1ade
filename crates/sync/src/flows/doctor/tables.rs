//! A Moodle's database, where a link reads it: does it answer, may its account read what is needed, is it this Moodle's.

use super::{Chart, MoodlePatient};
use rollbook_moodle::client::wire::WireSiteInfo;
use rollbook_moodle::snapshot::MoodleDatabase;
use rollbook_remote::database::DatabaseError;

const INTAKE: [&str; 5] = ["enrol", "user_enrolments", "config", "role_assignments", "context"];
const GUILDS: [&str; 5] = ["cohort", "cohort_members", "context", "role_assignments", "config"];

/// What a link of completions needs is told among its own checks.
pub(super) async fn look_at_tables(chart: &mut Chart, patient: &MoodlePatient<'_>, info: &WireSiteInfo) {
    let Some(database) = patient.database else { return };
    let mut tables = Vec::new();
    if patient.role.is_some() {
        tables.extend(INTAKE);
    }
    if !patient.guilds.is_empty() {
        tables.extend(GUILDS);
    }
    if tables.is_empty() {
        return;
    }
    let database = MoodleDatabase::new(database.clone());
    let read = async {
        database.prove_readable(&tables).await?;
        Ok::<_, DatabaseError>((database.fetch_username(info.userid).await?, database.count_accounts().await?))
    };
    match read.await {
        Ok((Some(name), accounts)) if name == info.username => {
            chart.good("database", format!("this Moodle's, with {accounts} accounts"));
        }
        Ok(_) => {
            let detail = format!("account {} is not {} there", info.userid, info.username);
            chart.bad("database", detail, "give the address and `prefix` of this very Moodle's database");
        }
        Err(error @ DatabaseError::Silent { .. }) => {
            chart.bad("database", error.to_string(), "check the address, and that this machine may reach it");
        }
        Err(error) => {
            let mend = "check address, account, password and `prefix` in the site's [database], and let the account SELECT from Moodle's tables";
            chart.bad("database", with_cause(&error), mend);
        }
    }
}

fn with_cause(error: &DatabaseError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
