//! Many rows in one argument: a JSON array of objects, unpacked by the database into a source of rows.
//!
//! So one prepared statement serves one row and five thousand, and no engine's limit of parameters is near. In the
//! statement, `{rows}` stands for the source; its columns are those of the array's objects, by name.

use super::Engine;
use serde::Serialize;

/// Rows for one execution of a statement: bounds the argument to a few megabytes.
const CHUNK_ROWS: usize = 4_000;

/// A column of a bulk source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    name: &'static str,
    pg_type: &'static str,
}

/// A column of texts; null stays null.
pub(crate) const fn column_text(name: &'static str) -> Column {
    Column { name, pg_type: "TEXT" }
}

/// A column of whole numbers of 64 bits; null stays null.
pub(crate) const fn column_int(name: &'static str) -> Column {
    Column { name, pg_type: "BIGINT" }
}

/// Rows on their way into a statement.
pub(crate) struct Bulk {
    pub(super) columns: &'static [Column],
    pub(super) chunks: Vec<String>,
}

impl Bulk {
    /// Packs rows; the fields of `R` bear the names of `columns`. NUL becomes its sign (U+2400), since
    /// PostgreSQL refuses it in texts.
    pub fn pack<R: Serialize>(columns: &'static [Column], rows: &[R]) -> Self {
        let chunks = rows.chunks(CHUNK_ROWS).map(|rows| {
            let json = serde_json::to_string(rows).expect("rows are plain data");
            if json.contains("\\u0000") { without_nul(&json) } else { json }
        });
        Self { columns, chunks: chunks.collect() }
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

/// The source as it stands after `FROM`, aliased `r`.
pub(super) fn source(engine: Engine, columns: &[Column]) -> String {
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

    #[test]
    fn nul_is_replaced_and_an_escaped_backslash_is_left_alone() {
        for text in ["a\0b", "\\u0000", "\\\0", "\\\\u0000\0", "plain"] {
            let packed = Bulk::pack(&[], &[text]);
            let read: Vec<String> = serde_json::from_str(&packed.chunks[0]).unwrap();
            assert_eq!(read[0], text.replace('\0', "\u{2400}"));
        }
    }
}
