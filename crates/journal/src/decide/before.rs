//! How the records stood before a decision.

use super::{Change, Decision};
use crate::JournalError;
use crate::feed::keys;
use crate::store::{Row, Tx, args};
use jiff::Timestamp;
use rollbook_core::model::{ElmCourseId, Fingerprint, Guid, LinkName, Mail, RunId};
use rollbook_core::run::{Disposition, OutcomeCode, disposition};
use std::collections::{HashMap, HashSet};

/// A record before the decision.
pub(super) struct Before {
    pub id: i64,
    pub code: OutcomeCode,
    pub evidence: String,
    pub next_try: Option<Timestamp>,
    pub has_intent: bool,
    pub attention: Option<i64>,
    pub guid: Guid,
    pub mail: Mail,
    pub course: ElmCourseId,
    pub short_name: String,
    pub state: String,
    pub action: String,
    pub status: String,
    pub cleared: bool,
}

const LOAD: &str = "
    SELECT record.id, record.fingerprint, record.code, record.evidence, record.next_try_ms, record.attention, record.guid,
        record.mail, record.course, record.short_name, record.state, record.action,
        record.status, record.intent_run, record.cleared
    FROM {rows} {join} record ON record.link = $2 AND record.fingerprint = r.key AND record.line = ''";

/// A run without a stored plan had nothing to refuse.
const REFUSED: &str = "SELECT id FROM plan WHERE run = $1 AND state IN ('blocked', 'rejected') LIMIT 1";

/// Puts each decision beside its record. Of two decisions on one record the later counts.
pub(super) async fn load<'a>(
    tx: &mut Tx,
    link: &LinkName,
    run: &RunId,
    decisions: &'a [Decision],
) -> Result<Vec<Change<'a>>, JournalError> {
    let fingerprints: Vec<Fingerprint> = decisions.iter().map(|decision| decision.record).collect();
    let rows = tx.bulk_rows(LOAD, &keys(&fingerprints), args![link.as_str()]).await?;
    let mut stored: HashMap<Fingerprint, Before> = HashMap::with_capacity(rows.len());
    for row in &rows {
        stored.insert(row.word("fingerprint", |hex| hex.parse().ok())?, read(row)?);
    }
    let plan_was_cleared = tx.row(REFUSED, args![run.as_str()]).await?.is_none();
    let mut changes = Vec::with_capacity(decisions.len());
    let mut decided = HashSet::new();
    for decision in decisions.iter().rev() {
        if !decided.insert(decision.record) {
            continue;
        }
        let before = stored.remove(&decision.record);
        let before = before.ok_or_else(|| JournalError::NotFound { what: format!("record {}", decision.record) })?;
        let after = disposition(decision.verdict.code());
        if before.code == OutcomeCode::Ignored && after != Disposition::Settled {
            continue;
        }
        let evidence = serde_json::to_string(&decision.verdict).expect("a verdict is plain data");
        let is_new = before.code != decision.verdict.code() || before.evidence != evidence;
        let attention = before.attention;
        // Once it was cleared as it stands, it stays so until it stands otherwise.
        let cleared = plan_was_cleared || (before.cleared && !is_new);
        changes.push(Change { decision, before, evidence, is_new, attention, cleared });
    }
    changes.reverse();
    Ok(changes)
}

fn read(row: &Row) -> Result<Before, JournalError> {
    Ok(Before {
        id: row.int("id")?,
        code: row.word("code", OutcomeCode::read)?,
        evidence: row.text("evidence")?,
        next_try: row.maybe_time("next_try_ms")?,
        has_intent: row.maybe_text("intent_run")?.is_some(),
        attention: row.maybe_int("attention")?,
        guid: Guid::new(row.text("guid")?.trim()),
        mail: Mail::new(row.text("mail")?.trim()),
        course: ElmCourseId::new(row.text("course")?),
        short_name: row.text("short_name")?,
        state: row.text("state")?,
        action: row.text("action")?,
        status: row.text("status")?,
        cleared: row.int("cleared")? == 1,
    })
}
