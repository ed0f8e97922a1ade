//! A Moodle's tables, as its installer makes them (the columns that nobody reads left out), full of people and completions.

use super::{NEW, OPTED};
use crate::server::Server;
use jiff::Timestamp;

pub const FIRST_COURSE: i64 = 2;
const COURSES: u64 = 500;
const PEOPLE: u64 = 200_000;
/// Completions that are not new were made in the five years before the last three days.
const YEARS_S: u64 = 5 * 365 * 86_400;
const DAY_S: i64 = 86_400;

/// Makes the tables; gives how many rows of completions there are.
pub async fn make(server: &Server, rows: u64, now: Timestamp) -> String {
    server.begin().await;
    for sql in create(server.is_pg()) {
        server.own(&sql).await;
    }
    let now = now.as_second();
    let (people, completions) = (numbers(server, PEOPLE), numbers(server, rows));
    server
        .own(&format!(
            "INSERT INTO mdl_user (id, username, idnumber, firstname, lastname, email)
            SELECT 3 + n, CONCAT('person', n), CONCAT('GUID', n), 'Jane', CONCAT('Doe', n), CONCAT('p', n, '@example.org')
            FROM {people}"
        ))
        .await;
    // A fifth is under way and has no time; the others are spread over the years without any order.
    let div = if server.is_pg() { "/" } else { "DIV" };
    server
        .own(&format!(
            "INSERT INTO mdl_course_completions (userid, course, timeenrolled, timecompleted)
            SELECT 3 + n % {PEOPLE}, {FIRST_COURSE} + (n {div} {PEOPLE} + (n % {PEOPLE}) * 7) % {COURSES}, 0,
                CASE WHEN n % 5 = 0 THEN NULL ELSE {} - (n * 2654435761) % {YEARS_S} END
            FROM {completions}",
            now - 3 * DAY_S
        ))
        .await;
    let last = FIRST_COURSE + OPTED - 1;
    for courses in [format!("course <= {last}"), format!("course > {last}")] {
        let new = format!("timecompleted = {now} - 1 - id % {}", 2 * DAY_S - 60);
        let which = format!("{courses} AND id % 83 = 0");
        let sql = match server {
            Server::MariaDb { .. } => format!("UPDATE mdl_course_completions SET {new} WHERE {which} LIMIT {NEW}"),
            Server::Pg { .. } => format!(
                "UPDATE mdl_course_completions SET {new}
                WHERE id IN (SELECT id FROM mdl_course_completions WHERE {which} LIMIT {NEW})"
            ),
        };
        server.own(&sql).await;
    }
    for sql in INDEXES {
        server.own(sql).await;
    }
    for table in ["mdl_user", "mdl_course_completions"] {
        let word = if server.is_pg() { "" } else { "TABLE" };
        server.own(&format!("ANALYZE {word} {table}")).await;
    }
    let text = if server.is_pg() { "TEXT" } else { "CHAR" };
    server.own(&format!("SELECT CAST(COUNT(*) AS {text}) FROM mdl_course_completions")).await.remove(0)
}

pub async fn remove(server: &Server) {
    server.end().await;
}

/// The numbers from 0 on, as the column `n` of a table.
fn numbers(server: &Server, count: u64) -> String {
    match server {
        Server::MariaDb { .. } => format!("(SELECT seq AS n FROM seq_0_to_{}) numbers", count - 1),
        Server::Pg { .. } => format!("generate_series(0::bigint, {}) numbers (n)", count - 1),
    }
}

fn create(pg: bool) -> Vec<String> {
    let id = if pg { "BIGSERIAL PRIMARY KEY" } else { "BIGINT AUTO_INCREMENT PRIMARY KEY" };
    let small = if pg { "SMALLINT" } else { "TINYINT(1)" };
    vec![
        format!(
            "CREATE TABLE mdl_user (id {id}, auth VARCHAR(20) NOT NULL DEFAULT 'oauth2', confirmed {small} NOT NULL DEFAULT 1,
            deleted {small} NOT NULL DEFAULT 0, suspended {small} NOT NULL DEFAULT 0, username VARCHAR(100) NOT NULL DEFAULT '',
            idnumber VARCHAR(255) NOT NULL DEFAULT '', firstname VARCHAR(100) NOT NULL DEFAULT '',
            lastname VARCHAR(100) NOT NULL DEFAULT '', email VARCHAR(100) NOT NULL DEFAULT '')"
        ),
        format!(
            "CREATE TABLE mdl_course_completions (id {id}, userid BIGINT NOT NULL DEFAULT 0, course BIGINT NOT NULL DEFAULT 0,
            timeenrolled BIGINT NOT NULL DEFAULT 0, timestarted BIGINT NOT NULL DEFAULT 0, timecompleted BIGINT,
            reaggregate BIGINT NOT NULL DEFAULT 0)"
        ),
    ]
}

/// After the rows, which is quicker.
const INDEXES: [&str; 4] = [
    "CREATE INDEX mdl_courcomp_use_ix ON mdl_course_completions (userid)",
    "CREATE INDEX mdl_courcomp_cou_ix ON mdl_course_completions (course)",
    "CREATE INDEX mdl_courcomp_tim_ix ON mdl_course_completions (timecompleted)",
    "CREATE UNIQUE INDEX mdl_courcomp_usecou_uix ON mdl_course_completions (userid, course)",
];
