//! The tables of Moodle and of the community as SQL, for tests of the path through a read-only database.
//!
//! The servers answer from memory; [`Moodle::sql`](crate::Moodle::sql) and [`Community::sql`](crate::Community::sql)
//! give the statements that put the state of one moment into an empty database, or replace an earlier one. The crate
//! itself speaks to no database: run the statements in order with whatever driver the test has.

/// Which database the statements are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// MariaDB or MySQL, in strict mode and with backslash escapes, as installed.
    MariaDb,
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

/// A column's type; `Null…` may be empty.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// The primary key.
    Id,
    Int,
    NullInt,
    /// A truth value or a small number.
    Small,
    Chars(u16),
    NullChars(u16),
    NullText,
}

/// One value.
#[derive(Clone, Debug)]
pub(crate) enum Cell {
    Int(i64),
    Text(String),
    Null,
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Cell::Int(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Cell::Int(flag.into())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_owned())
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Cell::Text(text.clone())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}

/// A row of cells from values of different types.
macro_rules! cells {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::sql::Cell::from($value)),*]
    };
}
pub(crate) use cells;

/// A table: its columns, what is unique, what is indexed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout<'a> {
    pub(crate) name: &'a str,
    pub(crate) columns: &'a [(&'a str, Column)],
    pub(crate) unique: &'a [&'a str],
    pub(crate) indexes: &'a [&'a str],
}

/// Statements under way.
#[derive(Debug)]
pub(crate) struct Script {
    engine: Engine,
    prefix: String,
    statements: Vec<String>,
}

/// Rows of one INSERT: well below every server's limit on a statement's length.
const ROWS_MAX: usize = 500;

impl Script {
    pub(crate) fn new(engine: Engine, prefix: &str) -> Self {
        Self { engine, prefix: prefix.to_owned(), statements: Vec::new() }
    }

    pub(crate) fn finish(self) -> Vec<String> {
        self.statements
    }

    /// Makes the table anew, with these rows.
    pub(crate) fn table(&mut self, layout: Layout<'_>, rows: impl IntoIterator<Item = Vec<Cell>>) {
        let table = self.quoted(&format!("{}{}", self.prefix, layout.name));
        let columns: Vec<String> = layout
            .columns
            .iter()
            .map(|(name, column)| format!("{} {}", self.quoted(name), self.kind(*column)))
            .collect();
        self.statements.push(format!("DROP TABLE IF EXISTS {table}"));
        self.statements.push(format!("CREATE TABLE {table} ({})", columns.join(", ")));
        let keys = layout.unique.iter().map(|key| ("UNIQUE ", key)).chain(layout.indexes.iter().map(|key| ("", key)));
        for (number, (unique, key)) in keys.enumerate() {
            let index = self.quoted(&format!("{}{}_ix{number}", self.prefix, layout.name));
            let listed: Vec<String> = key.split(", ").map(|column| self.quoted(column)).collect();
            self.statements.push(format!("CREATE {unique}INDEX {index} ON {table} ({})", listed.join(", ")));
        }
        let names: Vec<String> = layout.columns.iter().map(|(name, _)| self.quoted(name)).collect();
        let rows: Vec<String> = rows.into_iter().map(|row| self.row(&row)).collect();
        for chunk in rows.chunks(ROWS_MAX) {
            self.statements.push(format!("INSERT INTO {table} ({}) VALUES {}", names.join(", "), chunk.join(", ")));
        }
    }

    fn row(&self, row: &[Cell]) -> String {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| match cell {
                Cell::Int(number) => number.to_string(),
                Cell::Null => "NULL".to_owned(),
                Cell::Text(text) => self.literal(text),
            })
            .collect();
        format!("({})", cells.join(", "))
    }

    fn literal(&self, text: &str) -> String {
        let text = text.replace('\'', "''");
        match self.engine {
            Engine::MariaDb => format!("'{}'", text.replace('\\', "\\\\")),
            Engine::Postgres | Engine::Sqlite => format!("'{text}'"),
        }
    }

    fn quoted(&self, name: &str) -> String {
        match self.engine {
            Engine::MariaDb => format!("`{name}`"),
            Engine::Postgres | Engine::Sqlite => format!("\"{name}\""),
        }
    }

    fn kind(&self, column: Column) -> String {
        match (column, self.engine) {
            (Column::Id, _) => "BIGINT NOT NULL PRIMARY KEY".to_owned(),
            (Column::Int, _) => "BIGINT NOT NULL".to_owned(),
            (Column::NullInt, _) => "BIGINT".to_owned(),
            (Column::Small, Engine::MariaDb) => "TINYINT NOT NULL".to_owned(),
            (Column::Small, Engine::Postgres | Engine::Sqlite) => "SMALLINT NOT NULL".to_owned(),
            (Column::Chars(length), _) => format!("VARCHAR({length}) NOT NULL"),
            (Column::NullChars(length), _) => format!("VARCHAR({length})"),
            (Column::NullText, Engine::MariaDb) => "LONGTEXT".to_owned(),
            (Column::NullText, Engine::Postgres | Engine::Sqlite) => "TEXT".to_owned(),
        }
    }
}
