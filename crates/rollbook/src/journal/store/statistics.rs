//! What SQLite's planner assumes of a journal before it could count: that it is large, and that a link says nothing.
//!
//! Without statistics SQLite walks every record of a link and unpacks the whole bulk data for each one, so that a thousand
//! records cost a million steps. With the assumption it takes the bulk data first and the index second, also in a journal of
//! one hour's age. Counting (`optimise`) replaces what is assumed here.

use crate::journal::JournalError;
use sqlx::{Row, SqlitePool};

/// How many rows a table is assumed to have.
const ROWS: u64 = 1_000_000;
/// How many rows share the value of a column that tells much.
const ALIKE: u64 = 10;
/// Columns with few values: they tell nothing.
const TELL_NOTHING: [&str; 10] =
    ["link", "line", "kind", "state", "standing", "status", "action", "code", "flow", "next_ms"];

const INDEXES: &str = "
    SELECT t.name AS tbl, i.name AS idx, i.\"unique\" AS uniq, i.partial AS partial,
        (SELECT group_concat(c.name) FROM pragma_index_info(i.name) c) AS columns
    FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'";

/// Lays the assumptions down for every index that has no statistics yet.
pub(super) async fn assume(write: &SqlitePool) -> Result<(), JournalError> {
    let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
    // Makes the table of statistics where there is none; it counts nothing but the schema.
    sqlx::raw_sql("ANALYZE sqlite_schema").execute(&mut *tx).await?;
    let known = sqlx::query("SELECT COUNT(*) AS known FROM sqlite_stat1").fetch_one(&mut *tx).await?;
    if known.try_get::<i64, _>("known")? > 0 {
        return Ok(());
    }
    for row in sqlx::query(INDEXES).fetch_all(&mut *tx).await? {
        let columns: Option<String> = row.try_get("columns")?;
        let (unique, partial): (i64, i64) = (row.try_get("uniq")?, row.try_get("partial")?);
        let statistics = statistics(columns.as_deref().unwrap_or_default(), unique == 1, partial == 1);
        sqlx::query("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ($1, $2, $3)")
            .bind(row.try_get::<String, _>("tbl")?)
            .bind(row.try_get::<String, _>("idx")?)
            .bind(statistics)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    sqlx::raw_sql("ANALYZE sqlite_schema").execute(write).await?;
    Ok(())
}

/// The rows of the index, then how many share the first column, the first two, and so on.
fn statistics(columns: &str, unique: bool, partial: bool) -> String {
    let rows = if partial { ROWS / 100 } else { ROWS };
    let columns: Vec<&str> = columns.split(',').collect();
    let mut alike = rows;
    let mut words = vec![rows.to_string()];
    for (index, column) in columns.iter().enumerate() {
        if unique && index + 1 == columns.len() {
            alike = 1;
        } else if !TELL_NOTHING.contains(column) {
            alike = if alike > ALIKE { ALIKE } else { 1 };
        }
        words.push(alike.to_string());
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_tells_nothing_and_a_whole_unique_key_everything() {
        assert_eq!(statistics("link,fingerprint,line", true, false), "1000000 1000000 10 1");
        assert_eq!(statistics("guid_fold,at_ms,id", false, false), "1000000 10 1 1");
        assert_eq!(statistics("link,next_try_ms,id", false, true), "10000 10000 10 1");
    }
}
