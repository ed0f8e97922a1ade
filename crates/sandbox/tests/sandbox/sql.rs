//! The tables as a database holds them.

use jiff::Timestamp;
use rollbook_sandbox::World;
use rollbook_sandbox::community::GroupVersion;
use rollbook_sandbox::moodle::{Release, WelcomeFrom};
use rollbook_sandbox::sql::Engine;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, Row, SqliteConnection};

/// Runs the statements in an empty SQLite.
async fn loaded(statements: &[String]) -> SqliteConnection {
    let mut database = SqliteConnection::connect("sqlite::memory:").await.expect("SQLite");
    run(&mut database, statements).await;
    database
}

async fn run(database: &mut SqliteConnection, statements: &[String]) {
    for sql in statements {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut *database).await;
        done.unwrap_or_else(|error| panic!("{error}: {sql}"));
    }
}

/// Rows of whole numbers; NULL is -1.
async fn numbers(database: &mut SqliteConnection, sql: &str) -> Vec<Vec<i64>> {
    let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(database).await.expect("rows");
    let number = |row: &sqlx::sqlite::SqliteRow, at| row.get::<Option<i64>, _>(at).unwrap_or(-1);
    rows.iter().map(|row| (0..row.len()).map(|at| number(row, at)).collect()).collect()
}

async fn text(database: &mut SqliteConnection, sql: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(database).await.expect("a text")
}

// C: columns and the meaning of status, times and owners as Moodle stores them.
#[tokio::test]
async fn enrolments_roles_and_settings_stand_in_moodles_tables() {
    let mut world = World::empty();
    let moodle = &mut world.moodle;
    moodle.site.release = Release::V4_5;
    let user = moodle.add_user("A'\\B", "a@example.org", "Añ", "\u{1F600}");
    let course = moodle.add_course("930001", "Course");
    moodle.set_enrolperiod(course, 5_184_000);
    let cohort = moodle.add_cohort("web", "Web");
    moodle.add_member(cohort, user);
    moodle.add_cohort_instance(course, cohort);
    let row = moodle.enrol_in_pages(user, course, 1000);
    moodle.enrolments.edit(row, |row| row.suspended = true);
    let method = moodle.manual_instances(course)[0];
    moodle.instances.edit(method, |method| method.welcome = WelcomeFrom::NoReply);
    moodle.complete(user, course, Timestamp::from_second(7).expect("a time"));
    moodle.make_admin(user);
    let mut database = loaded(&moodle.sql(Engine::Sqlite, "mdl_")).await;
    let enrolled = "SELECT e.customint1, e.enrolperiod, ue.status, ue.timestart, ue.timeend FROM mdl_user_enrolments ue
        JOIN mdl_enrol e ON e.id = ue.enrolid ORDER BY e.id";
    assert_eq!(numbers(&mut database, enrolled).await, [[3, 5_184_000, 1, 1000, 5_185_000], [cohort, 0, 0, 0, 0]]);
    let roles = "SELECT ra.roleid, ra.component = 'enrol_cohort', ra.itemid FROM mdl_role_assignments ra
        JOIN mdl_context x ON x.id = ra.contextid AND x.contextlevel = 50 ORDER BY ra.id";
    assert_eq!(numbers(&mut database, roles).await, [[5, 1, 2], [5, 0, 0]]);
    assert_eq!(
        text(&mut database, "SELECT value FROM mdl_config WHERE name = 'siteadmins'").await,
        format!("2,{user}")
    );
    let guid = format!("SELECT idnumber FROM mdl_user WHERE id = {user}");
    assert_eq!(text(&mut database, &guid).await, "A'\\B");
    assert_eq!(numbers(&mut database, "SELECT timecompleted FROM mdl_course_completions").await, [[7]]);
    // A second time, later: the same database holds the new state and nothing of the old one.
    moodle.unenrol_by_hand(user, course);
    run(&mut database, &moodle.sql(Engine::Sqlite, "mdl_")).await;
    assert!(numbers(&mut database, enrolled).await.is_empty());
}

// Part M, 5.1: "customfield_data gains component, area, itemid … categories can be shared".
#[tokio::test]
async fn from_5_1_on_custom_values_have_owners_and_shared_categories_hold_foreign_ones() {
    for release in [Release::V5_0, Release::V5_1] {
        let mut world = World::empty();
        let moodle = &mut world.moodle;
        moodle.site.release = release;
        moodle.opt_in_field.shared = true;
        let course = moodle.add_course("930001", "Course");
        moodle.courses.edit(course, |course| course.opt_in = Some(true));
        let mut database = loaded(&moodle.sql(Engine::Sqlite, "mdl_")).await;
        let by_number = format!("SELECT intvalue FROM mdl_customfield_data WHERE instanceid = {course}");
        let all = numbers(&mut database, &by_number).await;
        if release == Release::V5_0 {
            assert_eq!(all, [[1]]);
            continue;
        }
        assert_eq!(all, [[0], [1]]);
        let owned = format!("{by_number} AND component = 'core_course' AND area = 'course' AND itemid = 0");
        assert_eq!(numbers(&mut database, &owned).await, [[1]]);
        assert_eq!(numbers(&mut database, "SELECT shared FROM mdl_customfield_category WHERE id = 2").await, [[1]]);
    }
}

// Part M: the issuer's mapping and the field's lock are what a doctor can read of single sign-on.
#[tokio::test]
async fn the_mapping_of_single_sign_on_and_merges_can_be_read() {
    let mut world = World::empty();
    let moodle = &mut world.moodle;
    moodle.site.login_sets_idnumber = true;
    let [old, new] = ["OLD", "NEW"].map(|guid| moodle.add_user(guid, &format!("{guid}@example.org"), "A", "A"));
    moodle.merge_accounts(old, new, 9);
    let mut database = loaded(&moodle.sql(Engine::Sqlite, "")).await;
    let mapped = "SELECT externalfield FROM oauth2_user_field_mapping WHERE internalfield = 'idnumber'";
    assert_eq!(text(&mut database, mapped).await, "sub");
    let lock = "SELECT value FROM config_plugins WHERE plugin = 'auth_oauth2' AND name = 'field_lock_idnumber'";
    assert_eq!(text(&mut database, lock).await, "unlocked");
    assert_eq!(numbers(&mut database, "SELECT fromuserid, touserid FROM tool_mergeusers").await, [[old, new]]);
}

#[test]
fn each_database_has_its_own_quotes_and_escapes() {
    let mut world = World::empty();
    world.moodle.add_user("A'\\", "a@example.org", "A", "A");
    for (engine, table, guid) in [
        (Engine::MariaDb, "CREATE TABLE `mdl_user`", r"'A''\\'"),
        (Engine::Postgres, "CREATE TABLE \"mdl_user\"", r"'A''\'"),
        (Engine::Sqlite, "CREATE TABLE \"mdl_user\"", r"'A''\'"),
    ] {
        let sql = world.moodle.sql(engine, "mdl_").join("\n");
        assert!(sql.contains(table) && sql.contains(guid), "{engine:?}");
    }
}

// Part I: table and column names per major version; the join of the facts finds the members of one type only.
#[tokio::test]
async fn the_communitys_tables_follow_the_version_of_group() {
    for (version, data, roles) in [
        (GroupVersion::V1, "group_content_field_data", "group_content__group_roles"),
        (GroupVersion::V2, "group_relationship_field_data", "group_content__group_roles"),
        (GroupVersion::V3, "group_relationship_field_data", "group_relationship__group_roles"),
    ] {
        let mut world = World::empty();
        let community = &mut world.community;
        community.version = version;
        let ann = community.add_account("ann", None);
        let guild = community.add_group("Web");
        let learning = community.add_group_of("learning_community", "Learners");
        community.join(guild, ann, &["guild-admin", "guild-mentor"]);
        community.join(learning, ann, &[]);
        community.relate(guild, ann, "group_invitation");
        let mut database = loaded(&community.sql(Engine::Sqlite, "d_")).await;
        let wanted = match version {
            GroupVersion::V1 => "m.type = 'guild-group_membership'",
            GroupVersion::V2 | GroupVersion::V3 => "m.plugin_id = 'group_membership' AND m.group_type = 'guild'",
        };
        let sql = format!(
            "SELECT m.gid, u.uid, u.mail, r.group_roles_target_id = 'guild-mentor' FROM d_{data} m
             JOIN d_groups_field_data g ON g.id = m.gid AND g.default_langcode = 1
             JOIN d_users_field_data u ON u.uid = m.entity_id AND u.default_langcode = 1
             JOIN d_{roles} r ON r.entity_id = m.id AND r.deleted = 0
             WHERE {wanted} AND m.default_langcode = 1 ORDER BY r.delta"
        );
        assert_eq!(numbers(&mut database, &sql).await, [[guild, ann, -1, 0], [guild, ann, -1, 1]], "{version:?}");
        let columns = numbers(&mut database, "SELECT COUNT(*) FROM pragma_table_info('d_groups_field_data')").await;
        assert_eq!(columns, [[if version == GroupVersion::V1 { 8 } else { 9 }]]);
        // A hashed bundle is told apart by its configuration alone in Group 1.
        let family = if version == GroupVersion::V3 { "relationship_type" } else { "content_type" };
        let hashed = format!(
            "SELECT COUNT(*) FROM d_config c JOIN d_{data} m ON c.name = 'group.{family}.' || m.type
             WHERE c.data LIKE '%\"learning_community\"%' AND c.data LIKE '%s:16:\"group_membership\"%'"
        );
        assert_eq!(numbers(&mut database, &hashed).await, [[1]], "{version:?}");
    }
}

// Part J: fields, aliases and names have tables of their own; translations are rows with default_langcode 0.
#[tokio::test]
async fn fields_aliases_terms_and_profiles_stand_in_tables_of_their_own() {
    let mut world = World::empty();
    let community = &mut world.community;
    let ann = community.add_account("ann", None);
    community.name_person(ann, "Ann", "O'Neill");
    let term = community.add_term("Practice");
    let group = community.add_group_of("flexible_group", "Web");
    let row = community.groups.get_mut(&group).expect("a group");
    row.term = Some(term);
    row.alias = Some("/guilds/web".to_owned());
    row.description = Some("We weave.".to_owned());
    row.visibility = Some("public".to_owned());
    let mut database = loaded(&community.sql(Engine::Sqlite, "")).await;
    for (sql, expected) in [
        (format!("SELECT alias FROM path_alias WHERE path = '/group/{group}' AND status = 1"), "/guilds/web"),
        ("SELECT field_group_description_value FROM group__field_group_description".to_owned(), "We weave."),
        (
            "SELECT field_flexible_group_visibility_value FROM group__field_flexible_group_visibility".to_owned(),
            "public",
        ),
        (
            "SELECT t.name FROM group__field_group_type f JOIN taxonomy_term_field_data t
             ON t.tid = f.field_group_type_target_id"
                .to_owned(),
            "Practice",
        ),
        (
            format!(
                "SELECT n.field_profile_last_name_value FROM profile p JOIN profile__field_profile_last_name n
                 ON n.entity_id = p.profile_id WHERE p.uid = {ann} AND p.status = 1"
            ),
            "O'Neill",
        ),
        ("SELECT label FROM \"groups_field_data\" WHERE default_langcode = 0".to_owned(), "Web (de)"),
    ] {
        assert_eq!(text(&mut database, &sql).await, expected, "{sql}");
    }
}

/// Both sites with everything that has a table, and texts that no escape may change.
fn crowded() -> World {
    let mut world = World::empty();
    let moodle = &mut world.moodle;
    moodle.site.release = Release::V5_1;
    moodle.opt_in_field.shared = true;
    let user = moodle.add_user(r"D'\ \' ñ 😀", "a@example.org", "A", "A");
    let other = moodle.add_user("OLD", "old@example.org", "A", "A");
    let course = moodle.add_course("930001", "Course");
    let cohort = moodle.add_cohort("web", "Web");
    moodle.add_cohort_instance(course, cohort);
    moodle.add_member(cohort, user);
    moodle.enrol(user, course);
    moodle.complete(user, course, Timestamp::UNIX_EPOCH);
    moodle.merge_accounts(other, user, 9);
    let community = &mut world.community;
    let ann = community.add_account("ann", None);
    community.name_person(ann, "Ann", "Lee");
    let term = community.add_term("Practice");
    let group = community.add_group_of("learning_community", "Learners");
    community.join(group, ann, &["learning_community-lead"]);
    community.relate(group, ann, "group_invitation");
    let row = community.groups.get_mut(&group).expect("a group");
    (row.term, row.alias) = (Some(term), Some("/web".to_owned()));
    (row.description, row.machine_name) = (Some("We learn.".to_owned()), Some("learners".to_owned()));
    world
}

#[expect(clippy::disallowed_methods, reason = "only a test: the product reads the environment in its settings")]
fn server(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} names no server: run the suite with ./dev test, which starts one"))
}

const GUIDS: &str = "SELECT idnumber FROM mdl_user WHERE idnumber <> '' ORDER BY id";

#[tokio::test]
async fn mariadb_takes_all_tables_and_keeps_every_text() {
    let mut database = MySqlConnection::connect(&server("ROLLBOOK_TEST_MARIADB")).await.expect("MariaDB");
    let name = format!("sandbox_sql_{}", std::process::id());
    let all =
        |world: &World| [world.moodle.sql(Engine::MariaDb, "mdl_"), world.community.sql(Engine::MariaDb, "")].concat();
    let world = crowded();
    let begin = [format!("CREATE DATABASE {name} COLLATE utf8mb4_unicode_ci"), format!("USE {name}")];
    // Twice: the second time replaces the first.
    for sql in begin.iter().chain(&all(&world)).chain(&all(&world)) {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut database).await;
        done.unwrap_or_else(|error| panic!("{error}: {sql}"));
    }
    let guids: Vec<String> = sqlx::query_scalar(GUIDS).fetch_all(&mut database).await.expect("rows");
    assert_eq!(guids, [r"D'\ \' ñ 😀", "OLD"]);
    let drop = format!("DROP DATABASE {name}");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut database).await.expect("dropped");
}

#[tokio::test]
async fn postgresql_takes_all_tables_and_keeps_every_text() {
    let mut database = PgConnection::connect(&server("ROLLBOOK_TEST_PG")).await.expect("PostgreSQL");
    let name = format!("sandbox_sql_{}", std::process::id());
    let all = |world: &World| {
        [world.moodle.sql(Engine::Postgres, "mdl_"), world.community.sql(Engine::Postgres, "")].concat()
    };
    let world = crowded();
    let begin = [format!("CREATE SCHEMA {name}"), format!("SET search_path TO {name}")];
    for sql in begin.iter().chain(&all(&world)).chain(&all(&world)) {
        let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut database).await;
        done.unwrap_or_else(|error| panic!("{error}: {sql}"));
    }
    let guids: Vec<String> = sqlx::query_scalar(GUIDS).fetch_all(&mut database).await.expect("rows");
    assert_eq!(guids, [r"D'\ \' ñ 😀", "OLD"]);
    let drop = format!("DROP SCHEMA {name} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut database).await.expect("dropped");
}
