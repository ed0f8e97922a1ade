//! A world in plain words, so that two can be compared: who is in Moodle, who is in which course, who got which mail, and
//! how every record stands. Ids are left out: they follow the order of the calls.

use super::Stage;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use std::collections::BTreeMap;

/// One line for each thing; how often it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    pub moodle: BTreeMap<String, usize>,
    pub mails: BTreeMap<String, usize>,
    pub journal: BTreeMap<String, usize>,
    /// Mails of which the journal says that their fate is not known.
    pub unknown_mails: BTreeMap<String, usize>,
}

fn count(lines: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    lines.into_iter().for_each(|line| *counts.entry(line).or_insert(0) += 1);
    counts
}

impl Stage {
    pub async fn picture(&self) -> Picture {
        let journal = self
            .lines(
                "SELECT 'record ' || guid || ' ' || state || ' ' || course || ': ' || code || ', ' || standing || ', '
                    || status || ', ' || action || CASE WHEN intent IS NULL THEN '' ELSE ', intent' END FROM record
                UNION ALL SELECT 'applied ' || guid_fold || ' ' || course || ': ' || state FROM applied
                UNION ALL SELECT 'attention ' || kind || ' ' || subject FROM attention
                    WHERE closed_ms IS NULL AND kind <> 'mail_unknown'
                UNION ALL SELECT 'outbox ' || kind || ' ' || guid_fold || ' ' || course
                    || CASE WHEN state IN ('sent', 'unknown') THEN '' ELSE ': ' || state END FROM outbox",
            )
            .await;
        // Asked person by person, Moodle does not tell suspended from absent: how many were asked about decides.
        let journal = journal.iter().map(|line| line.replace(": reactivated,", ": enrolled,"));
        let unknown = self.lines("SELECT lower(payload ->> 'to') FROM outbox WHERE state = 'unknown'").await;
        let silent = "SELECT COUNT(*) FROM outbox WHERE state = 'unknown' AND kind = 'mail' AND CAST(id AS TEXT) NOT IN
            (SELECT subject FROM attention WHERE kind = 'mail_unknown' AND closed_ms IS NULL)";
        assert_eq!(self.number(silent).await, 0, "each mail of unknown fate needs attention");
        let world = self.sandbox.world();
        let mails = world.mail.mails.iter().map(|mail| mail.to.join(",").to_lowercase());
        Picture {
            moodle: count(moodle_lines(&world.moodle)),
            mails: count(mails),
            journal: count(journal),
            unknown_mails: count(unknown),
        }
    }

    /// What waits by itself: records to be tried again, mails to be sent.
    pub async fn waiting(&self) -> Vec<String> {
        self.lines(
            "SELECT guid || ' ' || state || ' ' || course || ': ' || code || ', ' || reason FROM record
                WHERE standing = 'transient'
            UNION ALL SELECT 'mail ' || guid_fold || ': ' || state FROM outbox WHERE state IN ('due', 'sending')",
        )
        .await
    }

    /// The first column of every row.
    pub async fn lines(&self, sql: &str) -> Vec<String> {
        let address = self.journal_file().display().to_string();
        let mut connection = SqliteConnection::connect(&address).await.unwrap();
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    }

    /// The one number that a statement gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let lines = self.lines(&format!("SELECT CAST(({sql}) AS TEXT)")).await;
        lines[0].parse().unwrap()
    }

    /// How the newest records of a person stand, as `course: code`.
    pub async fn codes(&self, guid: &str) -> Vec<String> {
        self.lines(&format!("SELECT course || ': ' || code FROM record WHERE guid = '{guid}' ORDER BY id")).await
    }
}

fn moodle_lines(moodle: &rollbook_sandbox::Moodle) -> Vec<String> {
    let mut lines = Vec::new();
    for user in moodle.users.iter() {
        let (guid, name, mail) = (&user.idnumber, &user.username, &user.email);
        lines.push(format!("account {guid} {name} {mail} {} {} {}", user.firstname, user.lastname, user.auth));
    }
    for row in moodle.enrolments.iter() {
        let user = moodle.users.get(row.user_id).map_or("?", |user| user.username.as_str());
        let course = moodle.courses.get(row.course_id).map_or("?", |course| course.idnumber.as_str());
        let state = if row.suspended { "suspended" } else { "active" };
        lines.push(format!("enrolment {user} in {course}: {state}"));
    }
    for row in moodle.assignments.iter() {
        let user = moodle.users.get(row.user_id).map_or("?", |user| user.username.as_str());
        lines.push(format!("role {} of {user} in {:?}", row.role_id, row.context));
    }
    lines
}

impl Picture {
    /// Panics with the differences, unless this world came to what a world without faults came to.
    pub fn assert_like(&self, twin: &Picture, what: &str) {
        let wrong = [differ(&self.moodle, &twin.moodle, "Moodle"), differ(&self.journal, &twin.journal, "the journal")];
        let wrong: String = wrong.into_iter().flatten().collect();
        assert!(wrong.is_empty(), "{what}{wrong}");
        for (to, sent) in &twin.mails {
            let got = self.mails.get(to).copied().unwrap_or(0);
            let unknown = self.unknown_mails.get(to).copied().unwrap_or(0);
            assert!(got <= *sent, "{what}: {to} got {got} mails instead of {sent}");
            assert!(got + unknown >= *sent, "{what}: {to} got {got} mails instead of {sent}, and nothing says so");
        }
        let strangers: Vec<_> = self.mails.keys().filter(|to| !twin.mails.contains_key(*to)).collect();
        assert!(strangers.is_empty(), "{what}: mails that should not be: {strangers:?}");
    }
}

fn differ(ours: &BTreeMap<String, usize>, twins: &BTreeMap<String, usize>, what: &str) -> Option<String> {
    let unlike = |left: &BTreeMap<String, usize>, right: &BTreeMap<String, usize>| {
        let odd = left.iter().filter(|(line, times)| right.get(*line) != Some(times));
        odd.map(|(line, times)| format!("{times} × {line}")).collect::<Vec<_>>()
    };
    let (extra, missing) = (unlike(ours, twins), unlike(twins, ours));
    let differs = !extra.is_empty() || !missing.is_empty();
    differs.then(|| format!("\n{what} differs\n  is: {extra:#?}\n  should be: {missing:#?}"))
}
