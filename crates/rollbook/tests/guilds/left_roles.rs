//! `roles_by = "moodle"`: roles are the plugin local_cohortrole's alone, and the doctor says whether it gives any.

use crate::tables::{Server, fill, open};
use crate::world::{Site, changes, cohorts};
use rollbook_core::model::{CohortContext, GuildRole, MoodleUserId, RoleContext, RoleId};
use rollbook_core::policy::{RoleGiver, RoleRule, RolesBy};
use rollbook_core::run::RunState;
use rollbook_moodle::client::{MoodleClient, MoodleOptions};
use rollbook_moodle::snapshot::CanaryAccount;
use rollbook_remote::database::Database;
use rollbook_sandbox::moodle::{Context, GUILD_MENTOR_ROLE};
use rollbook_sandbox::{MOODLE_TOKEN, Sandbox, World};
use rollbook_sync::flows::doctor::{Check, GuildRights, Health, MoodlePatient, examine_moodle};

const PLUGIN: &str = "local_cohortrole";

impl Site {
    /// What the plugin does when somebody comes into one of its cohorts: a row of its own, in the whole site.
    fn plugin_assigns(&self, name: &str) -> i64 {
        let user = self.user(name);
        let mut world = self.sandbox.world();
        let row = world.moodle.assign(GUILD_MENTOR_ROLE, user, Context::System);
        world.moodle.assignments.edit(row, |row| {
            row.component = PLUGIN.to_owned();
            row.itemid = 1;
        });
        row
    }

    fn assignments(&self) -> Vec<i64> {
        self.sandbox.world().moodle.assignments.iter().map(|row| row.id).collect()
    }

    fn role_calls(&self) -> usize {
        let calls = self.sandbox.calls();
        calls.of("core_role_assign_roles") + calls.of("core_role_unassign_roles")
    }
}

fn rule() -> RoleRule {
    let giver = RoleGiver::Role(GuildRole::new("guild-mentor"));
    RoleRule { giver, role: RoleId(GUILD_MENTOR_ROLE), context: RoleContext::System }
}

#[tokio::test]
async fn members_come_and_go_and_nobody_touches_a_role() {
    let mut site = Site::new("Web: ann[guild-mentor] ben").await;
    site.flow.policy.roles_by = RolesBy::Moodle;
    site.flow.policy.roles = vec![rule()];
    let report = site.sync().await;
    assert_eq!((report.state, report.counts.added), (RunState::Done, 2), "{:?}", report.findings);
    assert_eq!(site.cohorts(), cohorts(&[("web", "ann ben")]));
    let row = site.plugin_assigns("ann");
    site.community("Web: ben cat[guild-mentor]");
    let report = site.sync().await;
    assert_eq!((report.counts.added, report.counts.removed), (1, 1));
    assert_eq!(site.cohorts(), cohorts(&[("web", "ben cat")]));
    assert_eq!(
        (site.role_calls(), site.assignments()),
        (0, vec![row]),
        "the plugin takes its own row back, nobody else"
    );
    assert!(changes(&site.sync().await).is_empty());
}

#[tokio::test]
async fn a_link_that_changes_over_takes_back_its_own_assignment_and_leaves_the_plugins() {
    let mut site = Site::new("Web: ann[guild-mentor] ben").await;
    site.flow.policy.roles = vec![rule()];
    site.sync().await;
    assert_eq!(site.assignments().len(), 1);
    let row = site.plugin_assigns("ann");
    site.flow.policy.roles_by = RolesBy::Moodle;
    let report = site.sync().await;
    assert_eq!(report.counts.roles_unassigned, 1, "{:?}", changes(&report));
    assert_eq!(site.assignments(), [row]);
    site.sandbox.forget_calls();
    assert!(changes(&site.sync().await).is_empty());
    assert_eq!(site.role_calls(), 0);
}

/// What the doctor says of a link that leaves its roles to Moodle.
async fn examine(sandbox: &Sandbox, database: Option<&Database>, rules: usize) -> Vec<Check> {
    let client = MoodleClient::new(MoodleOptions::new(sandbox.moodle_url(), MOODLE_TOKEN.into())).unwrap();
    let rights = GuildRights {
        context: CohortContext::System,
        roles: Vec::new(),
        creates_accounts: false,
        left_to_moodle: Some(rules),
    };
    let patient = MoodlePatient {
        site: "ss",
        client: &client,
        functions: &[],
        sentinel: CanaryAccount::Account(MoodleUserId(2)),
        role: None,
        guilds: &[rights],
        database,
        input_vars: 900,
        welcomes: false,
    };
    let checks = examine_moodle(&patient, &rollbook_clock::Clock::system()).await;
    checks.into_iter().filter(|check| check.name.contains("role")).collect()
}

async fn doctor_tells_on(server: Server, url: &str) {
    let sandbox = Sandbox::start(World::empty()).await.unwrap();
    let database = open(url, "left_");
    let run = async |lines: &[&str]| fill(server, url, lines.iter().map(|line| (*line).to_owned()).collect()).await;
    let only = async || {
        let mut checks = examine(&sandbox, Some(&database), 0).await;
        assert_eq!(checks.len(), 1, "{checks:?}");
        checks.remove(0)
    };
    for table in ["config_plugins", "local_cohortrole", "cohort"] {
        run(&[&format!("DROP TABLE IF EXISTS left_{table}")]).await;
    }
    let unread = only().await;
    assert_eq!(unread.health, Health::Warning);
    assert!(unread.mend.contains("SELECT from config_plugins"), "{unread:?}");
    run(&[
        "CREATE TABLE left_config_plugins (plugin VARCHAR(100) NOT NULL, name VARCHAR(100) NOT NULL, value TEXT)",
        "CREATE TABLE left_cohort (id BIGINT PRIMARY KEY, idnumber VARCHAR(100))",
        "INSERT INTO left_config_plugins (plugin, name, value) VALUES ('mod_quiz', 'version', '2024')",
    ])
    .await;
    let missing = only().await;
    assert_eq!(missing.health, Health::Bad);
    assert!(missing.detail.contains("not installed") && missing.mend.contains("local_cohortrole"), "{missing:?}");
    run(&[
        "INSERT INTO left_config_plugins (plugin, name, value) VALUES ('local_cohortrole', 'version', '2024041500')",
        "CREATE TABLE left_local_cohortrole (id BIGINT PRIMARY KEY, cohortid BIGINT NOT NULL, roleid BIGINT NOT NULL)",
        "INSERT INTO left_local_cohortrole (id, cohortid, roleid) VALUES (1, 77, 9)",
    ])
    .await;
    let idle = only().await;
    assert_eq!((idle.health, idle.detail.as_str()), (Health::Warning, "the plugin gives no role to any cohort"));
    run(&[
        "INSERT INTO left_cohort (id, idnumber) VALUES (1, 'web')",
        "INSERT INTO left_local_cohortrole (id, cohortid, roleid) VALUES (2, 1, 9)",
    ])
    .await;
    let good = only().await;
    assert_eq!((good.health, good.detail.as_str()), (Health::Good, "role 9, to the members of 1 cohort"));
}

#[tokio::test]
async fn doctor_reads_in_the_database_whether_the_plugin_gives_any_role() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}", folder.path().join("moodle.sqlite").display());
    fill(Server::Sqlite, &sqlite, Vec::new()).await;
    doctor_tells_on(Server::Sqlite, &sqlite).await;
    doctor_tells_on(Server::MariaDb, &std::env::var("ROLLBOOK_TEST_MARIADB").expect("run ./dev databases")).await;
    doctor_tells_on(Server::Postgres, &std::env::var("ROLLBOOK_TEST_PG").expect("run ./dev databases")).await;
}

#[tokio::test]
async fn doctor_says_what_web_services_cannot_tell_and_which_rules_are_idle() {
    let sandbox = Sandbox::start(World::empty()).await.unwrap();
    let checks = examine(&sandbox, None, 2).await;
    let told: Vec<_> = checks.iter().map(|check| (check.name.as_str(), check.health)).collect();
    assert_eq!(told, [("role rules", Health::Warning), ("roles by local_cohortrole", Health::Warning)]);
    assert!(checks[0].detail.starts_with("2 [[role]] of the link count for nothing"), "{checks:?}");
    assert!(checks[1].mend.contains("Local plugins"), "{checks:?}");
}
