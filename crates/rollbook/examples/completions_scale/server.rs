//! MariaDB or PostgreSQL: making tables, and hearing which statement the product sends.

use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, Row};

/// The name of the database or schema that is made.
const NAME: &str = "rollbook_scale";

pub enum Server {
    MariaDb { base: String },
    Pg { base: String },
}

impl Server {
    pub fn at(url: &str) -> Self {
        if url.starts_with("postgres") {
            Self::Pg { base: url.to_owned() }
        } else {
            Self::MariaDb { base: url.to_owned() }
        }
    }

    /// The address of the database or schema of our own.
    pub fn url(&self) -> String {
        match self {
            Self::MariaDb { base } => {
                let mut url: reqwest::Url = base.parse().expect("an address");
                url.set_path(NAME);
                url.to_string()
            }
            Self::Pg { base } => {
                let mark = if base.contains('?') { '&' } else { '?' };
                format!("{base}{mark}options[search_path]={NAME}")
            }
        }
    }

    pub fn is_pg(&self) -> bool {
        matches!(self, Self::Pg { .. })
    }

    /// Runs statements; gives the texts of the last one's first column.
    pub async fn run(&self, url: &str, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::MariaDb { .. } => {
                let mut connection = MySqlConnection::connect(url).await.unwrap();
                let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
                rows.iter().map(|row| row.try_get::<String, _>(0).unwrap_or_default()).collect()
            }
            Self::Pg { .. } => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
                rows.iter().map(|row| row.try_get::<String, _>(0).unwrap_or_default()).collect()
            }
        }
    }

    pub async fn own(&self, sql: &str) -> Vec<String> {
        self.run(&self.url(), sql).await
    }

    pub async fn begin(&self) {
        self.end().await;
        let (Self::MariaDb { base } | Self::Pg { base }) = self;
        let kind = if self.is_pg() { "SCHEMA" } else { "DATABASE" };
        self.run(base, &format!("CREATE {kind} {NAME}")).await;
    }

    pub async fn end(&self) {
        let (Self::MariaDb { base } | Self::Pg { base }) = self;
        let sql = match self {
            Self::MariaDb { .. } => format!("DROP DATABASE IF EXISTS {NAME}"),
            Self::Pg { .. } => format!("DROP SCHEMA IF EXISTS {NAME} CASCADE"),
        };
        self.run(base, &sql).await;
    }

    pub async fn version(&self) -> String {
        let name = if self.is_pg() { "" } else { "MariaDB " };
        format!("{name}{}", self.own("SELECT version()").await.join(" "))
    }

    /// From here on the server writes down what it is sent. PostgreSQL always knows the last statement of a connection.
    pub async fn listen(&self) {
        if let Self::MariaDb { base } = self {
            let sql = "SET GLOBAL log_output = 'TABLE'; SET GLOBAL long_query_time = 0; SET GLOBAL slow_query_log = ON";
            self.run(base, sql).await;
        }
    }

    /// The statement that the product sent last, as this server can run it again.
    pub async fn heard(&self) -> String {
        match self {
            Self::MariaDb { base } => {
                self.run(base, "SET GLOBAL slow_query_log = OFF").await;
                let sql = "SELECT CAST(sql_text AS CHAR) FROM mysql.slow_log
                    WHERE sql_text LIKE '%course_completions cc%' ORDER BY start_time LIMIT 1";
                self.run(base, sql).await.remove(0)
            }
            Self::Pg { base } => {
                let sql = "SELECT query FROM pg_stat_activity WHERE application_name = 'rollbook' AND state = 'idle'";
                self.run(base, sql).await.remove(0)
            }
        }
    }

    /// The plan of a statement, with what it did.
    pub async fn explain(&self, statement: &str) -> Vec<String> {
        match self {
            Self::MariaDb { .. } => {
                let text = self.own(&format!("ANALYZE FORMAT=JSON {statement}")).await.join("\n");
                text.lines().filter(|line| tells(line)).map(shortened).collect()
            }
            Self::Pg { .. } => {
                // The arguments that the product gives: the beginning of the stretch, twice, no row yet, the courses.
                let since = "extract(epoch FROM now())::bigint - 172800";
                let courses: Vec<String> =
                    (0..crate::OPTED).map(|at| (crate::tables::FIRST_COURSE + at).to_string()).collect();
                let kinds = vec!["bigint"; 3 + courses.len()].join(",");
                let sql = format!(
                    "PREPARE q ({kinds}) AS {statement}; EXPLAIN (ANALYZE, COSTS OFF) EXECUTE q ({since}, {since}, 0, {})",
                    courses.join(",")
                );
                self.own(&sql).await.iter().map(|line| shortened(line)).collect()
            }
        }
    }
}

/// The lines of MariaDB's long answer that say what is read how.
fn tells(line: &str) -> bool {
    const WORDS: [&str; 9] = [
        "\"table_name\"",
        "\"access_type\"",
        "\"key\"",
        "\"rows\"",
        "\"r_rows\"",
        "\"r_loops\"",
        "\"filtered\"",
        "\"r_filtered\"",
        "\"r_total_time_ms\"",
    ];
    WORDS.iter().any(|word| line.trim_start().starts_with(word))
}

/// A list of a hundred courses is not worth reading.
fn shortened(line: &str) -> String {
    line.chars().take(150).collect()
}
