//! Attention items: a person's decision, and at once the run of the records or the report that it releases.

use super::super::node::Node;
use super::run::{check_completions, run_records};
use super::{Trouble, intake as intake_flow};
use crate::flows::correct::{CorrectionRequest, correct_account};
use crate::flows::intake;
use rollbook_core::model::{Fingerprint, LinkName};
use rollbook_core::plan::CorrectionKind;
use rollbook_journal::Resolution;
use rollbook_journal::requests::{Attended, AttentionAct, Purpose, Ran};
use tokio_util::sync::CancellationToken;

/// So many released records are run at once; the next scheduled run takes the others.
const RUN_AT_ONCE_MAX: u32 = 500;

/// Decides about an item.
pub(super) async fn attend(
    node: &Node,
    link: &LinkName,
    item: i64,
    act: &AttentionAct,
    by: &str,
    stop: &CancellationToken,
) -> Result<Attended, Trouble> {
    let found = node.journal.attention().find(item).await?;
    if found.link != *link || found.closed.is_some() {
        return Err(Trouble::failed(
            format!("attention item {item} is not open on link {link}"),
            "load the page again",
        ));
    }
    let rows = node.journal.attention().records_behind(item, 0, RUN_AT_ONCE_MAX).await?;
    let waiting: Vec<Fingerprint> = rows.iter().map(|row| row.fingerprint).collect();
    let now = node.clock.now();
    let mut attended = Attended { item, records: 0, changed: String::new(), ran: None };
    let released = match act {
        AttentionAct::TryAgain { reason } => {
            attended.records = node
                .journal
                .attention()
                .resolve(item, Resolution::Release, "try again", by, reason, now)
                .await?
                .records;
            waiting
        }
        AttentionAct::Ignore { reason } if reason.trim().is_empty() => {
            return Err(Trouble::failed("no reason was given".to_owned(), "say why they are ignored"));
        }
        AttentionAct::Ignore { reason } => {
            attended.records =
                node.journal.attention().resolve(item, Resolution::Ignore, "ignore", by, reason, now).await?.records;
            Vec::new()
        }
        AttentionAct::UseAccount { user } => {
            correct(node, link, item, CorrectionKind::UseAccount(*user), by, stop, &mut attended).await?
        }
        AttentionAct::UpdateMail => {
            correct(node, link, item, CorrectionKind::UpdateMail, by, stop, &mut attended).await?
        }
    };
    let of_completions = node.settings.completion(link).is_ok();
    if of_completions && matches!(act, AttentionAct::TryAgain { .. }) {
        attended.ran = at_once(link, check_completions(node, link, by, stop).await);
    } else if !released.is_empty() {
        let ran = run_records(node, link, intake::IntakeQuery::Stored(released), Purpose::Apply, by, stop).await;
        attended.ran = at_once(link, ran);
    }
    Ok(attended)
}

/// Corrects an account in Moodle; gives the records that are released by that.
async fn correct(
    node: &Node,
    link: &LinkName,
    item: i64,
    ask: CorrectionKind,
    by: &str,
    stop: &CancellationToken,
    attended: &mut Attended,
) -> Result<Vec<Fingerprint>, Trouble> {
    let flow = intake_flow(node, link)?;
    let request = CorrectionRequest { item, ask, author: by.to_owned() };
    let corrected = correct_account(&flow, &node.journal, &node.clock, &request, stop).await;
    let corrected = corrected.map_err(|error| match Trouble::of(&error) {
        Trouble::Failed { words, .. } => Trouble::failed(words, error.remedy()),
        held @ Trouble::Held { .. } => held,
    })?;
    attended.records = corrected.records.len() as u64;
    attended.changed = corrected.changed;
    Ok(corrected.records)
}

/// What was released is run at once. Where that cannot be, the decision stands: the next run of the link takes it up.
fn at_once(link: &LinkName, ran: Result<Ran, Trouble>) -> Option<Ran> {
    match ran {
        Ok(ran) => Some(ran),
        Err(Trouble::Held { .. }) => None,
        Err(Trouble::Failed { words, .. }) => {
            tracing::warn!(%link, words, "what was released could not be run at once");
            None
        }
    }
}
