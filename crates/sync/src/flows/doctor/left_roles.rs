//! `roles_by = "moodle"`: does the plugin `local_cohortrole`, to which a link leaves the roles, give any.
//!
//! Web services say nothing of plugins, so only the read-only database can tell.

use super::{Chart, GuildRights};
use rollbook_moodle::snapshot::{CohortRoles, MoodleDatabase};
use rollbook_remote::database::Database;
use std::collections::BTreeSet;

const PLUGIN: &str = "roles by local_cohortrole";

pub(super) async fn look_at_left_roles(chart: &mut Chart, database: Option<&Database>, links: &[GuildRights]) {
    let left: Vec<usize> = links.iter().filter_map(|link| link.left_to_moodle).collect();
    if left.is_empty() {
        return;
    }
    let idle: usize = left.iter().sum();
    if idle > 0 {
        let detail = format!("{idle} [[role]] of the link count for nothing while roles are left to Moodle");
        let mend = "set `roles_by = \"rollbook\"`, or take the rules out and set the roles up in Moodle";
        chart.warn("role rules", detail, mend);
    }
    let Some(database) = database else {
        let mend =
            "look under Site administration, Plugins, Local plugins; with a [database] for the site this is checked";
        return chart.warn(PLUGIN, "web services do not tell whether the plugin is there", mend);
    };
    match MoodleDatabase::new(database.clone()).fetch_cohort_roles().await {
        Ok(CohortRoles::NoPlugin) => {
            let mend = "install local_cohortrole, or set `roles_by = \"rollbook\"`";
            chart.bad(PLUGIN, "the plugin is not installed: nobody gives any role", mend);
        }
        Ok(CohortRoles::Given(given)) if given.is_empty() => {
            let mend = "set them up under Site administration, Users, Cohort role synchronisation";
            chart.warn(PLUGIN, "the plugin gives no role to any cohort", mend);
        }
        Ok(CohortRoles::Given(given)) => {
            let cohorts: BTreeSet<_> = given.iter().map(|(cohort, _)| cohort).collect();
            let roles: BTreeSet<_> = given.iter().map(|(_, role)| role.to_string()).collect();
            let roles = roles.into_iter().collect::<Vec<_>>().join(", ");
            let cohorts = match cohorts.len() {
                1 => "1 cohort".to_owned(),
                several => format!("{several} cohorts"),
            };
            chart.good(PLUGIN, format!("role {roles}, to the members of {cohorts}"));
        }
        Err(error) => {
            let mend = "let the database account SELECT from config_plugins, local_cohortrole and cohort";
            chart.warn(PLUGIN, error.to_string(), mend);
        }
    }
}
