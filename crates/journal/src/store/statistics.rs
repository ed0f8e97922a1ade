//! What SQLite's planner assumes of a journal before it could count: that it is large, and that a link says nothing.
//!
//! Without statistics SQLite walks every record of a link and unpacks the whole bulk data for each one, so that a thousand
//! records cost a million steps. With the assumption it takes the bulk data first and the index second, also in a journal of
//! one hour's age. Nothing counts later: what is true of a small journal would mislead in the large one that it becomes.

use crate::JournalError;
use sqlx::{Row, SqlitePool};

/// How many rows a table is assumed to have.
const ROWS: u64 = 1_000_000;
/// How many rows share the value of a column that tells much.
const ALIKE: u64 = 10;
/// Columns with few values: they tell nothing.
const TELL_NOTHING: [&str; 10] =
    ["link", "line", "kind", "state", "standing", "status", "action", "code", "flow", "next_ms"];

/// Indexes that nothing is assumed of yet: all of them in a new journal, those of a new migration later.
const UNKNOWN: &str = "
    SELECT t.name AS tbl, i.name AS idx, i.\"unique\" AS uniq, i.partial AS partial,
        (SELECT group_concat(c.name) FROM pragma_index_info(i.name) c) AS columns
    FROM sqlite_schema t JOIN pragma_index_list(t.name) i WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'
        AND i.name NOT IN (SELECT idx FROM sqlite_stat1 WHERE idx IS NOT NULL)";

/// Lays the assumptions down for every index that has no statistics yet. An open that finds nothing to do writes nothing.
pub(super) async fn assume(write: &SqlitePool, read: &SqlitePool) -> Result<(), JournalError> {
    let there = sqlx::query("SELECT COUNT(*) AS there FROM sqlite_schema WHERE name = 'sqlite_stat1'");
    let is_there = there.fetch_one(read).await?.try_get::<i64, _>("there")? > 0;
    if is_there && sqlx::query(UNKNOWN).fetch_optional(read).await?.is_none() {
        return Ok(());
    }
    let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
    // Makes the table of statistics where there is none; it counts nothing but the schema.
    sqlx::raw_sql("ANALYZE sqlite_schema").execute(&mut *tx).await?;
    for row in sqlx::query(UNKNOWN).fetch_all(&mut *tx).await? {
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
