//! One cell of the matrix at a time: this write, this call of it, this fault.

use super::{CREATE, ENROL, twin};
use crate::stage::{Stage, school};
use rollbook_sandbox::{At, Fault, Kind, Server, Target};
use std::time::Duration;

/// Short enough to wait for, long enough for a busy machine.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Plays one cell; gives how often the fault fired.
async fn play(target: Target, at: At, kind: Kind) -> usize {
    let what = format!("{target:?} {at:?} {kind:?}");
    let mut stage = Stage::new(school()).await;
    if Kind::SILENT.contains(&kind) {
        stage.timeout = PATIENCE;
    }
    stage.sandbox.faults().arm(Fault { target, at, kind });
    // A run that fails under a fault is as good as one that goes on: what counts is how it ends.
    let _first = stage.round().await;
    let fired = stage.sandbox.faults().fired().len();
    stage.settle(&what).await;
    stage.picture().await.assert_like(twin().await, &what);
    fired
}

/// Every other call of a function in turn, until there is no such call, and all of them; neighbouring kinds take turns.
async fn play_all(function: &'static str, kinds: &[Kind], calls_max: u64) {
    let target = Target::Moodle(Some(function));
    for (first, kind) in (1_u64..=2).cycle().zip(kinds) {
        let mut nth = first;
        while nth <= calls_max && play(target, At::Nth(nth), *kind).await > 0 {
            nth += 2;
        }
        assert!(nth > first, "{function} {kind:?} never fired");
        assert!(play(target, At::Every, *kind).await > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_end_as_if_nothing_had_failed() {
    play_all(CREATE, &Kind::LOUD, 3).await;
    play_all(CREATE, &[Kind::HalfBatch], 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_end_as_if_moodle_had_not_been_silent() {
    play_all(CREATE, &Kind::SILENT, 2).await;
}

/// The last calls of a run are the suspensions: additions come before removals.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enrolments_and_suspensions_end_as_if_nothing_had_failed() {
    let (first, second) = Kind::LOUD.split_at(Kind::LOUD.len() / 2);
    tokio::join!(play_all(ENROL, first, 9), play_all(ENROL, second, 9), play_all(ENROL, &[Kind::HalfBatch], 9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn enrolments_and_suspensions_end_as_if_moodle_had_not_been_silent() {
    play_all(ENROL, &Kind::SILENT, 9).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_fail_change_nothing_in_the_end() {
    for kind in Kind::LOUD {
        for (function, at) in [
            (None, At::Nth(2)),
            (None, At::Nth(9)),
            (None, At::Every),
            (Some("core_user_get_users_by_field"), At::Every),
        ] {
            assert!(play(Target::Moodle(function), at, kind).await > 0, "{function:?} {at:?} {kind:?} never fired");
        }
    }
}

/// A server that takes a mail and answers 451 makes every sender repeat it (RFC 5321), so that is no cell of this table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_welcome_mail_is_sent_once_or_its_fate_is_told() {
    let kinds = [
        Kind::RefuseConnection,
        Kind::ResetBeforeEffect,
        Kind::ResetAfterEffect,
        Kind::HttpBeforeEffect(451),
        Kind::Temporary,
        Kind::TimeoutBeforeEffect,
        Kind::TimeoutAfterEffect,
    ];
    for kind in kinds {
        for at in [At::Nth(1), At::Nth(4), At::First(3)] {
            let fired = play(Target::Smtp, at, kind).await;
            // One connection takes all mails, so there is no fourth to refuse.
            assert!(fired > 0 || (kind == Kind::RefuseConnection && at == At::Nth(4)), "{kind:?} {at:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_that_refuses_keeps_no_other_mail_back() {
    for kind in [Kind::RefuseRecipient, Kind::HttpBeforeEffect(554), Kind::Temporary] {
        let stage = Stage::new(school()).await;
        stage.sandbox.faults().arm(Fault::nth(Target::Smtp, 1, kind));
        stage.run().await.unwrap();
        let told = stage.deliver().await;
        let mails = twin().await.mails.values().sum::<usize>() as u64;
        assert_eq!((told.sent, told.refused + told.waiting, told.unknown), (mails - 1, 1, 0), "{kind:?}");
        assert_eq!(stage.number("SELECT COUNT(*) FROM outbox WHERE state = 'sent'").await, mails as i64 - 1);
    }
}

/// Nothing listens at all: the connection is refused by the machine itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_are_down_leave_everything_for_the_next_run() {
    for server in [Server::Moodle, Server::Elm, Server::Smtp] {
        let stage = Stage::new(school()).await;
        stage.sandbox.take_down(server).await;
        let outcome = stage.round().await;
        assert_eq!(outcome.is_err(), server != Server::Smtp, "{server:?}: {outcome:?}");
        stage.sandbox.bring_up(server).await.unwrap();
        stage.settle(&format!("{server:?} down")).await;
        stage.picture().await.assert_like(twin().await, &format!("{server:?} down"));
    }
}

/// Moodle goes away while it works on a write: what was sent is not known, what was not is not tried.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moodle_that_goes_down_in_mid_write_is_settled_later() {
    for function in [CREATE, ENROL] {
        let stage = Stage::new(school()).await;
        stage.sandbox.faults().arm(Fault::nth(Target::Moodle(Some(function)), 1, Kind::TimeoutAfterEffect));
        let outage = async {
            while stage.sandbox.faults().fired().is_empty() {
                tokio::task::yield_now().await;
            }
            stage.sandbox.take_down(Server::Moodle).await;
        };
        let (outcome, ()) = tokio::join!(stage.round(), outage);
        assert!(outcome.is_ok(), "{function}: {outcome:?}");
        stage.sandbox.bring_up(Server::Moodle).await.unwrap();
        stage.settle(function).await;
        stage.picture().await.assert_like(twin().await, function);
    }
}

/// Each fault of the feed, at each page: nothing was read then, and the next run reads it all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_fails_is_read_again() {
    for kind in Kind::LOUD {
        for at in [At::Nth(1), At::Nth(2), At::First(6)] {
            let mut world = school();
            world.elm.page_size = 15;
            let stage = Stage::new(world).await;
            stage.sandbox.faults().arm(Fault { target: Target::Feed, at, kind });
            let _first = stage.round().await;
            let what = format!("feed {at:?} {kind:?}");
            stage.settle(&what).await;
            stage.picture().await.assert_like(twin().await, &what);
        }
    }
}
