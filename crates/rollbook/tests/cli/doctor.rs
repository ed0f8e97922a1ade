//! `rollbook doctor` before a Moodle that lacks something, and its database: each lack is told, with what mends it.

use super::rollbook;
use rollbook_harness::Config;
use rollbook_sandbox::{MOODLE_TOKEN, Sandbox, World};
use sqlx::{AssertSqlSafe, Executor, SqlitePool};

struct Site {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Site {
    async fn new() -> Self {
        let mut world = World::empty();
        world.moodle.add_course("930001", "Fire Safety");
        let sandbox = Sandbox::start(world).await.unwrap();
        let links = Config::over(&sandbox).without("site.avc").without("mail").intake("psa").renamed("learning", "ss");
        let more = "site.ss.database.url = \"sqlite:moodle.sqlite\"\nlink.psa.welcome.mode = \"moodle\"";
        Self { folder: links.with(more).folder(), sandbox }
    }

    async fn database(&self, statements: &str) {
        let url = format!("sqlite://{}?mode=rwc", self.folder.path().join("moodle.sqlite").display());
        let pool = SqlitePool::connect(&url).await.unwrap();
        pool.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
        pool.close().await;
    }

    /// What the doctor says that is not well: `NAME: DETAIL -> MEND`, and how it ends.
    async fn ask(&self) -> (Vec<String>, i32) {
        let folder = self.folder.path().to_owned();
        let ask = move || rollbook(&folder).args(["doctor", "--json", "--site", "ss"]).output().unwrap();
        let output = tokio::task::spawn_blocking(ask).await.unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = said.as_array().or_else(|| said["checks"].as_array()).unwrap();
        let bad = checks.iter().filter(|check| check["health"] == "bad");
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let words = bad
            .map(|check| format!("{}: {} -> {}", text(&check["name"]), text(&check["detail"]), text(&check["mend"])))
            .collect();
        (words, output.status.code().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_a_moodle_must_answer_be_readable_and_be_its_own() {
    let site = Site::new().await;
    let one = async |part: &str, mend: &str| {
        let (bad, code) = site.ask().await;
        assert_eq!((bad.len(), code), (1, 1), "{bad:?}");
        assert!(bad[0].starts_with("database: ") && bad[0].contains(part) && bad[0].contains(mend), "{bad:?}");
    };
    one("unable to open", "check address, account").await;
    site.database(
        "CREATE TABLE mdl_enrol (id INTEGER); CREATE TABLE mdl_config (name TEXT, value TEXT);
        CREATE TABLE mdl_role_assignments (id INTEGER); CREATE TABLE mdl_context (id INTEGER)",
    )
    .await;
    one("mdl_user_enrolments", "SELECT").await;
    let user = "CREATE TABLE mdl_user (id INTEGER PRIMARY KEY, username TEXT, deleted INTEGER)";
    site.database(&format!("CREATE TABLE mdl_user_enrolments (id INTEGER); {user}")).await;
    let own = site.sandbox.world().moodle.tokens[MOODLE_TOKEN].user_id;
    let name = site.sandbox.world().moodle.users.get(own).unwrap().username.clone();
    site.database(&format!("INSERT INTO mdl_user VALUES ({own}, 'somebody.else', 0)")).await;
    one("is not", "this very Moodle").await;
    site.database(&format!("UPDATE mdl_user SET username = '{name}'")).await;
    assert_eq!(site.ask().await, (Vec::new(), 0));
}

/// Without it Moodle shows nobody of a course whose groups are separate, and no error: nobody would be suspended there.
#[tokio::test(flavor = "multi_thread")]
async fn the_right_to_see_all_groups_is_asked_for() {
    let site = Site::new().await;
    site.sandbox.world().moodle.revoke(MOODLE_TOKEN, "moodle/site:accessallgroups");
    let (bad, _) = site.ask().await;
    assert!(bad.iter().any(|line| line.contains("moodle/site:accessallgroups")), "{bad:?}");
}
