//! Many rows in one argument: a JSON array of objects, unpacked by the database into a source of rows.
//!
//! So one prepared statement serves one row and five thousand, and no engine's limit of parameters is near. In the
//! statement, `{rows}` stands for the source; its columns are those of the array's objects, by name.

use super::Engine;
use rollbook_core::model::{
    CohortId, CommunityUserId, ElmCourseId, Fingerprint, GuildUuid, MoodleCourseId, MoodleUserId, RoleId,
};
use serde::Serialize;

/// Rows for one execution of a statement: bounds the argument to a few megabytes.
const CHUNK_ROWS: usize = 4_000;

/// A column of a bulk source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub name: &'static str,
    pub pg_type: &'static str,
    /// Whether it bears the name of the table's column that it goes to; if not, the statement says what it is for.
    pub is_stored: bool,
}

/// A row on its way into a statement; made by [`row!`].
pub(crate) trait BulkRow: Serialize {
    fn columns() -> Vec<Column>;
}

impl<R: BulkRow> BulkRow for &R {
    fn columns() -> Vec<Column> {
        R::columns()
    }
}

/// What a field is in PostgreSQL. SQLite takes it as it comes.
pub(crate) trait ColumnType {
    const PG: &'static str;
}

macro_rules! column_types {
    ($($pg:literal: $($type:ty),*;)*) => {
        $($(impl ColumnType for $type {
            const PG: &'static str = $pg;
        })*)*
    };
}

column_types! {
    "BIGINT": i64, MoodleUserId, MoodleCourseId, CohortId, RoleId, CommunityUserId;
    "TEXT": str, String, Fingerprint, ElmCourseId, GuildUuid;
}

impl<T: ColumnType> ColumnType for Option<T> {
    const PG: &'static str = T::PG;
}

impl<T: ColumnType + ?Sized> ColumnType for &T {
    const PG: &'static str = T::PG;
}

/// A struct whose fields are the columns of bulk data, named once: in a statement `{columns}` stands for the names of the
/// first fields, `{values}` for what they hold in `{rows}`, `{set}` for the assignments of an UPDATE. The fields after `beside` are carried along, and named by the
/// statement where it needs them.
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident $(<$life:lifetime>)? {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty,)*
    } $(beside {
        $($beside_vis:vis $beside:ident: $beside_type:ty,)*
    })?) => {
        $(#[$meta])*
        #[derive(Clone, Debug, serde::Serialize)]
        $vis struct $name $(<$life>)? {
            $($(#[$field_meta])* $field_vis $field: $type,)*
            $($($beside_vis $beside: $beside_type,)*)?
        }

        impl $(<$life>)? $crate::store::BulkRow for $name $(<$life>)? {
            fn columns() -> Vec<$crate::store::Column> {
                use $crate::store::{Column, ColumnType};
                vec![
                    $(Column { name: stringify!($field), pg_type: <$type as ColumnType>::PG, is_stored: true },)*
                    $($(Column {
                        name: stringify!($beside), pg_type: <$beside_type as ColumnType>::PG, is_stored: false,
                    },)*)?
                ]
            }
        }
    };
}
pub(crate) use row;

/// Rows on their way into a statement.
pub(crate) struct Bulk {
    pub(super) columns: Vec<Column>,
    pub(super) chunks: Vec<String>,
}

impl Bulk {
    /// Packs rows. NUL becomes its sign (U+2400), since PostgreSQL refuses it in texts.
    pub fn pack<R: BulkRow>(rows: &[R]) -> Self {
        let chunks = rows.chunks(CHUNK_ROWS).map(|rows| {
            let json = serde_json::to_string(rows).expect("rows are plain data");
            if json.contains("\\u0000") { without_nul(&json) } else { json }
        });
        Self { columns: R::columns(), chunks: chunks.collect() }
    }
}

/// Replaces escaped NULs, but not an escaped backslash that happens to stand before `u0000`.
fn without_nul(json: &str) -> String {
    let mut clean = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find("\\u0000") {
        let backslashes = rest[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        clean.push_str(&rest[..at]);
        clean.push_str(if backslashes % 2 == 0 { "\u{2400}" } else { "\\u0000" });
        rest = &rest[at + 6..];
    }
    clean.push_str(rest);
    clean
}

/// A statement with `{rows}`, `{columns}`, `{values}` and `{set}` filled in.
pub(super) fn fill(engine: Engine, sql: &str, columns: &[Column]) -> String {
    let stored = || columns.iter().filter(|column| column.is_stored).map(|column| column.name);
    let values: Vec<String> = stored().map(|name| format!("r.{name}")).collect();
    let set: Vec<String> = stored().map(|name| format!("{name} = r.{name}")).collect();
    sql.replace("{rows}", &source(engine, columns))
        .replace("{columns}", &stored().collect::<Vec<_>>().join(", "))
        .replace("{values}", &values.join(", "))
        .replace("{set}", &set.join(", "))
}

/// The source as it stands after `FROM`, aliased `r`.
fn source(engine: Engine, columns: &[Column]) -> String {
    match engine {
        Engine::Pg => {
            let columns: Vec<String> = columns.iter().map(|c| format!("{} {}", c.name, c.pg_type)).collect();
            format!("json_to_recordset($1::json) AS r({})", columns.join(", "))
        }
        Engine::Sqlite => {
            let columns: Vec<String> = columns.iter().map(|c| format!("value ->> '$.{0}' AS {0}", c.name)).collect();
            format!("(SELECT {} FROM json_each($1)) AS r", columns.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    row! {
        struct Said {
            words: String,
        } beside {
            link: i64,
        }
    }

    #[test]
    fn statement_names_what_is_stored_and_its_source_carries_all() {
        let sql = fill(Engine::Pg, "INSERT INTO said ({columns}) SELECT {values} FROM {rows}", &Said::columns());
        let source = "json_to_recordset($1::json) AS r(words TEXT, link BIGINT)";
        assert_eq!(sql, format!("INSERT INTO said (words) SELECT r.words FROM {source}"));
    }

    #[test]
    fn nul_is_replaced_and_an_escaped_backslash_is_left_alone() {
        for text in ["a\0b", "\\u0000", "\\\0", "\\\\u0000\0", "plain"] {
            let packed = Bulk::pack(&[Said { words: text.to_owned(), link: 1 }]);
            let read: Vec<serde_json::Value> = serde_json::from_str(&packed.chunks[0]).unwrap();
            assert_eq!(read[0]["words"], text.replace('\0', "\u{2400}"));
        }
    }
}
