//! `[site.NAME.database]`: a site's own database, read only.
//!
//! Next: [`crate::secret::SecretUrl`].

use crate::kind::{Count, Lasting, Name};
use crate::read::Section;
use crate::secret::SecretUrl;
use std::time::Duration;

/// How to read a site's tables.
#[derive(Clone, Debug)]
pub struct SiteDatabase {
    /// The address, with its password.
    pub url: SecretUrl,
    /// Which server that is.
    pub engine: Engine,
    /// What each table's name begins with; safe to put into SQL: at most 32 of `A-Z a-z 0-9 _`.
    pub prefix: String,
    /// At most so many connections at once.
    pub connections_max: u32,
    /// The time one query may take.
    pub timeout: Duration,
}

/// A database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// MySQL or MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
    /// A file.
    Sqlite,
}

pub(super) fn read(section: &mut Section<'_>, prefix: &'static str) -> Option<SiteDatabase> {
    let url = section.secret_url("url", &["mysql", "mariadb", "postgres", "postgresql", "sqlite"]);
    if url.is_none() && !section.has("url") {
        section.miss(
            "url",
            "write `url = { env = \"NAME\" }` with an address such as mysql://reader@host/moodle".to_owned(),
        );
    }
    let prefix = section.or("prefix", prefix, Name(32));
    let connections_max = section.or("connections_max", 4, Count(1, 32));
    let timeout = section.or("timeout", "30s", Lasting("1s", "10m"));
    let url = url?;
    let engine = match url.scheme() {
        "mysql" | "mariadb" => Engine::MySql,
        "sqlite" => Engine::Sqlite,
        _ => Engine::Postgres,
    };
    Some(SiteDatabase { url, engine, prefix, connections_max, timeout })
}
