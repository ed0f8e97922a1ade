//! The tables of a community, as Drupal has them: made on any of the three servers and filled from the stand-in's state.

use rollbook_remote::database::{Database, DatabaseOptions};
use rollbook_sandbox::Community;
use rollbook_sandbox::community::GroupVersion;
use sqlx::{AssertSqlSafe, Executor};
use std::fmt::Write;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    MariaDb,
    Postgres,
    Sqlite,
}

/// Makes the tables of a community under a prefix and fills them.
pub(crate) async fn load(server: Server, url: &str, prefix: &str, community: &Community) {
    fill(server, url, statements(server, prefix, community)).await;
}

/// Runs statements, one after the other.
pub(crate) async fn fill(server: Server, url: &str, statements: Vec<String>) {
    match server {
        Server::MariaDb => run(&sqlx::MySqlPool::connect(url).await.unwrap(), statements).await,
        Server::Postgres => run(&sqlx::PgPool::connect(url).await.unwrap(), statements).await,
        Server::Sqlite => {
            let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
            let options = options.create_if_missing(true).pragma("synchronous", "OFF").pragma("journal_mode", "MEMORY");
            run(&sqlx::SqlitePool::connect_with(options).await.unwrap(), statements).await;
        }
    }
}

async fn run<'p, P: Executor<'p> + Copy>(pool: P, statements: Vec<String>) {
    for statement in statements {
        pool.execute(AssertSqlSafe(statement)).await.unwrap();
    }
}

/// The database as Rollbook reads it.
pub(crate) fn open(url: &str, prefix: &str) -> Database {
    let options = DatabaseOptions {
        url: url.into(),
        prefix: prefix.to_owned(),
        connections_max: 2,
        timeout: Duration::from_secs(20),
    };
    Database::new(&options).unwrap()
}

fn statements(server: Server, prefix: &str, community: &Community) -> Vec<String> {
    let version = community.version;
    let quote = if server == Server::MariaDb { '`' } else { '"' };
    let (uint, tiny) = if server == Server::MariaDb { ("INT UNSIGNED", "TINYINT") } else { ("INTEGER", "SMALLINT") };
    let table = |name: &str| format!("{quote}{prefix}{name}{quote}");
    let (memberships, roles) = match version {
        GroupVersion::V1 => ("group_content", "group_content__group_roles"),
        GroupVersion::V2 => ("group_relationship", "group_content__group_roles"),
        GroupVersion::V3 => ("group_relationship", "group_relationship__group_roles"),
    };
    let data = format!("{memberships}_field_data");
    let plugin = match version {
        GroupVersion::V1 => String::new(),
        GroupVersion::V2 | GroupVersion::V3 => ", plugin_id VARCHAR(64), group_type VARCHAR(32)".to_owned(),
    };
    let status = if version == GroupVersion::V1 { String::new() } else { format!(", status {tiny}") };
    let language = format!("langcode VARCHAR(12) NOT NULL, default_langcode {tiny} NOT NULL");
    let columns = [
        ("users", format!("uid {uint} PRIMARY KEY, uuid VARCHAR(128)")),
        ("users_field_data", format!("uid {uint}, name VARCHAR(60), mail VARCHAR(254), status {tiny}, {language}")),
        ("groups", format!("id {uint} PRIMARY KEY, type VARCHAR(32), uuid VARCHAR(128)")),
        ("groups_field_data", format!("id {uint}, type VARCHAR(32), label VARCHAR(255), {language}{status}")),
        (memberships, format!("id {uint} PRIMARY KEY, type VARCHAR(32), uuid VARCHAR(128)")),
        (
            data.as_str(),
            format!(
                "id {uint}, type VARCHAR(32), gid {uint}, entity_id {uint}, label VARCHAR(255), {language}{plugin}"
            ),
        ),
        (roles, format!("deleted {tiny}, entity_id {uint}, delta {uint}, group_roles_target_id VARCHAR(255)")),
        (
            "group__field_machine_name",
            format!("deleted {tiny}, entity_id {uint}, delta {uint}, field_machine_name_value VARCHAR(255)"),
        ),
        (
            "path_alias",
            format!("id {uint}, path VARCHAR(255), alias VARCHAR(255), langcode VARCHAR(12), status {tiny}"),
        ),
    ];
    let mut made: Vec<String> = Vec::new();
    for (name, columns) in &columns {
        made.push(format!("DROP TABLE IF EXISTS {}", table(name)));
        made.push(format!("CREATE TABLE {} ({columns})", table(name)));
    }
    let mut rows = Rows { made, table: &table };
    people(&mut rows, community);
    groups(&mut rows, community);
    members(&mut rows, community, memberships, &data, roles);
    rows.made
}

struct Rows<'a> {
    made: Vec<String>,
    table: &'a dyn Fn(&str) -> String,
}

impl Rows<'_> {
    fn insert(&mut self, name: &str, columns: &str, values: &[&str]) {
        let mut list = String::new();
        for value in values {
            let comma = if list.is_empty() { "" } else { ", " };
            match *value {
                "NULL" => write!(list, "{comma}NULL").unwrap(),
                text => write!(list, "{comma}'{}'", text.replace('\'', "''")).unwrap(),
            }
        }
        self.made.push(format!("INSERT INTO {} ({columns}) VALUES ({list})", (self.table)(name)));
    }
}

fn people(rows: &mut Rows<'_>, community: &Community) {
    for account in community.accounts.values() {
        let (uid, active) = (account.uid.to_string(), u8::from(account.active).to_string());
        let mail = account.mail.as_deref().unwrap_or("NULL");
        rows.insert("users", "uid, uuid", &[&uid, &account.uuid]);
        let columns = "uid, name, mail, status, langcode, default_langcode";
        rows.insert("users_field_data", columns, &[&uid, &account.name, mail, &active, "en", "1"]);
        // A translation, which is no second person.
        rows.insert("users_field_data", columns, &[&uid, "Ubersetzt", "x@example.org", &active, "de", "0"]);
    }
}

fn groups(rows: &mut Rows<'_>, community: &Community) {
    for group in community.groups.values() {
        let id = group.id.to_string();
        rows.insert("groups", "id, type, uuid", &[&id, "guild", &group.uuid]);
        let published = u8::from(group.published).to_string();
        if community.version == GroupVersion::V1 {
            let columns = "id, type, label, langcode, default_langcode";
            rows.insert("groups_field_data", columns, &[&id, "guild", &group.label, "en", "1"]);
        } else {
            let columns = "id, type, label, langcode, default_langcode, status";
            rows.insert("groups_field_data", columns, &[&id, "guild", &group.label, "en", "1", &published]);
            rows.insert("groups_field_data", columns, &[&id, "guild", "Anders", "de", "0", &published]);
        }
        if let Some(name) = &group.machine_name {
            let columns = "deleted, entity_id, delta, field_machine_name_value";
            rows.insert("group__field_machine_name", columns, &["0", &id, "0", name]);
        }
    }
    let other = "999999";
    rows.insert("groups", "id, type, uuid", &[other, "circle", "another-kind-of-group"]);
}

fn members(rows: &mut Rows<'_>, community: &Community, table: &str, data: &str, roles: &str) {
    let bundle = "guild-group_membership";
    for membership in community.memberships.values() {
        let ids = [membership.id, membership.group_id, membership.uid].map(|id| id.to_string());
        let [id, group, person] = [&ids[0], &ids[1], &ids[2]];
        rows.insert(table, "id, type, uuid", &[id, bundle, &membership.uuid]);
        let columns = "id, type, gid, entity_id, label, langcode, default_langcode";
        if community.version == GroupVersion::V1 {
            rows.insert(data, columns, &[id, bundle, group, person, &membership.label, "en", "1"]);
        } else {
            let columns = format!("{columns}, plugin_id, group_type");
            let values = [id, bundle, group, person, &membership.label, "en", "1", "group_membership", "guild"];
            rows.insert(data, &columns, &values);
        }
        for (delta, role) in membership.roles.iter().enumerate() {
            let columns = "deleted, entity_id, delta, group_roles_target_id";
            rows.insert(roles, columns, &["0", id, &delta.to_string(), role]);
        }
        rows.insert(roles, "deleted, entity_id, delta, group_roles_target_id", &["1", id, "9", "guild-gone"]);
    }
}
