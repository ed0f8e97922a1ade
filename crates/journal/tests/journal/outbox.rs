//! Each thing is sent once, and a sender that died is noticed.

use crate::world::{World, at, link};
use rollbook_journal::{Journal, JournalError, OutboxFilter, OutboxItem, OutboxKind, SendOutcome};
use serde_json::json;
use std::collections::BTreeSet;

crate::rules! {
    row_is_claimed_by_one_only,
    row_is_not_claimed_before_its_time,
    retried_row_is_due_again_and_sent_row_never,
    claim_that_died_is_unknown_and_its_late_word_does_not_count,
    refused_row_is_sent_again_by_a_persons_word_only,
    paused_link_keeps_what_is_due,
    outbox_totals_say_what_waits_and_since_when,
}

fn notices(count: u32) -> Vec<OutboxItem> {
    (0..count)
        .map(|n| OutboxItem {
            kind: OutboxKind::Notice,
            dedupe: format!("notice {n}"),
            payload: json!({"n": n}),
            next: at(i64::from(n % 3)),
        })
        .collect()
}

async fn with(world: &World, count: u32) -> Journal {
    let journal = world.open().await;
    assert_eq!(journal.outbox().enqueue(&link(), &notices(count), at(0)).await.unwrap(), u64::from(count));
    assert_eq!(journal.outbox().enqueue(&link(), &notices(count), at(0)).await.unwrap(), 0);
    journal
}

async fn row_is_claimed_by_one_only(world: World) {
    let journal = with(&world, 200).await;
    let mut senders = Vec::new();
    for n in 0..4 {
        let journal = journal.clone();
        senders.push(tokio::spawn(async move {
            let mut ids = Vec::new();
            loop {
                let who = format!("sender {n}");
                let rows = journal.outbox().claim_due(OutboxKind::Notice, None, &who, at(9), 7).await.unwrap();
                if rows.is_empty() {
                    return ids;
                }
                ids.extend(rows.iter().map(|row| row.id));
            }
        }));
    }
    let mut all = Vec::new();
    for sender in senders {
        all.extend(sender.await.unwrap());
    }
    let distinct: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!((all.len(), distinct.len()), (200, 200));
}

async fn row_is_not_claimed_before_its_time(world: World) {
    let journal = with(&world, 30).await;
    let claim = async |minutes| {
        journal.outbox().claim_due(OutboxKind::Notice, Some(&link()), "a", at(minutes), 99).await.unwrap()
    };
    assert_eq!(claim(0).await.len(), 10);
    assert_eq!(claim(2).await.len(), 20);
    assert!(journal.outbox().claim_due(OutboxKind::Mail, None, "a", at(9), 99).await.unwrap().is_empty());
}

async fn retried_row_is_due_again_and_sent_row_never(world: World) {
    let journal = with(&world, 1).await;
    let claim =
        async |minutes| journal.outbox().claim_due(OutboxKind::Notice, None, "a", at(minutes), 9).await.unwrap();
    let first = claim(0).await.remove(0);
    journal.outbox().settle(&first, "a", &SendOutcome::Retry(at(5)), "451 later", at(1)).await.unwrap();
    assert!(claim(4).await.is_empty());
    let second = claim(5).await.remove(0);
    assert_eq!(second.attempt, 2);
    journal.outbox().settle(&second, "a", &SendOutcome::Sent, "250 ok", at(6)).await.unwrap();
    assert!(claim(99).await.is_empty());
    assert_eq!(journal.outbox().enqueue(&link(), &notices(1), at(99)).await.unwrap(), 0);
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'delivered'").await, 2);
}

async fn claim_that_died_is_unknown_and_its_late_word_does_not_count(world: World) {
    let journal = with(&world, 1).await;
    let dead = journal.outbox().claim_due(OutboxKind::Notice, None, "dead", at(0), 9).await.unwrap().remove(0);
    assert!(journal.outbox().claim_due(OutboxKind::Notice, None, "a", at(9), 9).await.unwrap().is_empty());
    assert!(journal.outbox().reclaim_stale(OutboxKind::Notice, "a", at(0), at(9), 9).await.unwrap().is_empty());
    let taken = journal.outbox().reclaim_stale(OutboxKind::Notice, "a", at(5), at(9), 9).await.unwrap().remove(0);
    let late = journal.outbox().settle(&dead, "dead", &SendOutcome::Sent, "", at(9)).await.unwrap_err();
    assert!(matches!(late, JournalError::ClaimLost { .. }));
    journal.outbox().settle(&taken, "a", &SendOutcome::Unknown, "not found there yet", at(10)).await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM outbox WHERE state = 'unknown'").await, 1);
    let again = journal.outbox().reclaim_stale(OutboxKind::Notice, "a", at(5), at(11), 9).await.unwrap().remove(0);
    journal.outbox().settle(&again, "a", &SendOutcome::Sent, "found", at(11)).await.unwrap();
}

async fn refused_row_is_sent_again_by_a_persons_word_only(world: World) {
    let journal = with(&world, 1).await;
    let row = journal.outbox().claim_due(OutboxKind::Notice, None, "a", at(0), 9).await.unwrap().remove(0);
    journal.outbox().settle(&row, "a", &SendOutcome::Refused, "550 no such user", at(1)).await.unwrap();
    assert!(journal.outbox().claim_due(OutboxKind::Notice, None, "a", at(9), 9).await.unwrap().is_empty());
    assert_eq!(journal.outbox().resend(&[row.id], "ann", at(10)).await.unwrap(), 1);
    assert_eq!(journal.outbox().resend(&[row.id], "ann", at(10)).await.unwrap(), 0);
    assert_eq!(journal.outbox().claim_due(OutboxKind::Notice, None, "a", at(10), 9).await.unwrap().len(), 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM event WHERE kind = 'acted' AND author = 'ann'").await, 1);
}

async fn paused_link_keeps_what_is_due(world: World) {
    let journal = with(&world, 3).await;
    let mail = OutboxItem { kind: OutboxKind::Mail, dedupe: "mail".into(), payload: json!({}), next: at(0) };
    journal.outbox().enqueue(&link(), &[mail], at(0)).await.unwrap();
    journal.links().pause(&link(), "ann", "", at(1)).await.unwrap();
    assert!(journal.outbox().claim_due(OutboxKind::Mail, None, "a", at(9), 9).await.unwrap().is_empty());
    let told = journal.outbox().claim_due(OutboxKind::Notice, None, "a", at(9), 9).await.unwrap();
    assert_eq!(told.len(), 3, "a pause must not hide trouble");
    journal.links().resume(&link(), "ann", at(10)).await.unwrap();
    assert_eq!(journal.outbox().claim_due(OutboxKind::Mail, None, "a", at(10), 9).await.unwrap().len(), 1);
}

async fn outbox_totals_say_what_waits_and_since_when(world: World) {
    let journal = with(&world, 3).await;
    let row = journal.outbox().claim_due(OutboxKind::Notice, None, "a", at(9), 1).await.unwrap().remove(0);
    journal.outbox().settle(&row, "a", &SendOutcome::Sent, "", at(9)).await.unwrap();
    journal.outbox().claim_due(OutboxKind::Notice, None, "a", at(9), 1).await.unwrap();
    let totals = journal.outbox().totals().await.unwrap();
    let short: Vec<_> = totals.iter().map(|total| (total.state.as_str(), total.total, total.oldest)).collect();
    assert_eq!(short, [("due", 1, at(0)), ("sending", 1, at(0))]);
    let sent = OutboxFilter { state: Some("sent".into()), ..OutboxFilter::default() };
    assert_eq!(journal.outbox().list(&sent, 9).await.unwrap().len(), 1);
    assert_eq!(journal.outbox().list(&OutboxFilter::default(), 9).await.unwrap().len(), 3);
}
