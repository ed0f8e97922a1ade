//! A feed that fails is never an empty feed; one that did not arrive whole takes nothing away.

use super::words;
use crate::stage::{FIRST, LARGE, Stage, empty_school, enrol, school, suspend};
use rollbook_core::run::{OutcomeCode, RunState};
use rollbook_core::snapshot::Gap;
use rollbook_sandbox::{Fault, Kind, Server, Target};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_fails_fails_the_run_and_the_watermark_stays() {
    let faults = [
        (Kind::RefuseConnection, "the feed's answer did not arrive"),
        (Kind::ResetMidBody, "the feed's answer did not arrive"),
        (Kind::HttpBeforeEffect(401), "the feed does not accept the token: HTTP 401"),
        (Kind::HttpBeforeEffect(500), "the feed's server failed: HTTP 500"),
        (Kind::Html200, "not a page of the feed"),
        (Kind::TruncatedJson, "not a page of the feed"),
        (Kind::EmptyBody200, "not a page of the feed"),
        (Kind::ExceptionIn200 { errorcode: "Broken" }, "the feed refused the question: HTTP 200, Broken"),
    ];
    let stage = Stage::new(empty_school()).await;
    stage.run().await.unwrap();
    let covered = stage.watermark().await;
    assert!(covered.is_some());
    for row in school().elm.rows {
        stage.sandbox.world().elm.push(row);
    }
    for (kind, reason) in faults {
        stage.hand.advance(Duration::from_secs(60));
        stage.sandbox.faults().arm(Fault::every(Target::Feed, kind));
        let error = stage.run().await.unwrap_err();
        assert!(words(&error).contains(reason), "{kind:?}: {}", words(&error));
        let told = stage.last_run().await;
        assert!(told.starts_with("failed: the feed could not be read") && told.contains(reason), "{kind:?}: {told}");
        assert_eq!(stage.watermark().await, covered, "{kind:?}");
        stage.sandbox.faults().clear();
    }
    assert_eq!((stage.number("SELECT COUNT(*) FROM record").await, stage.writes()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_is_down_fails_the_run() {
    let stage = Stage::new(school()).await;
    stage.sandbox.take_down(Server::Elm).await;
    let error = stage.run().await.unwrap_err();
    assert!(words(&error).contains("the feed was not reached"), "{}", words(&error));
    assert_eq!(stage.watermark().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_longer_than_the_look_back_fills_itself() {
    let stage = Stage::new(empty_school()).await;
    stage.run().await.unwrap();
    stage.sandbox.world().elm.push(enrol("E0", FIRST, -5));
    stage.sandbox.take_down(Server::Elm).await;
    for _ in 0..6 {
        stage.hand.advance(Duration::from_secs(3600));
        stage.run().await.unwrap_err();
    }
    stage.sandbox.bring_up(Server::Elm).await.unwrap();
    let report = stage.run().await.unwrap();
    assert_eq!((report.counts.records, report.counts.enrolled), (1, 1));
}

/// Pages that repeat, a count that is wrong, and more pages than the limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incomplete_feed_suspends_nobody_and_says_so() {
    for gap in ["a page came twice", "the server counts", "more than the limit of 2 pages"] {
        let mut stage = Stage::new(school()).await;
        stage.sandbox.world().elm.page_size = 15;
        match gap {
            "a page came twice" => stage.sandbox.world().elm.repeats_page = true,
            "the server counts" => {
                stage.count = true;
                stage.sandbox.world().elm.count_error = 3;
            }
            _ => stage.pages_max = 2,
        }
        // What a page that repeats hides must be old enough to matter: suspensions stand at the end of this feed.
        stage.sandbox.world().elm.rows.insert(0, suspend("E10", LARGE, 100).into());
        stage.sandbox.world().elm.rows.insert(0, enrol("E0", FIRST, 99).into());
        let report = stage.run().await.unwrap();
        assert!(report.gaps.iter().map(Gap::to_string).any(|told| told.contains(gap)), "{gap}: {:?}", report.gaps);
        assert!(report.findings.iter().any(|finding| finding.check == "completeness"), "{gap}");
        assert!(report.verdicts.iter().any(|verdict| verdict.code() == OutcomeCode::HeldBack), "{gap}");
        assert!(report.counts.enrolled > 0, "{gap}: additions go on");
        assert_eq!((report.counts.suspended, report.state), (0, RunState::Partly), "{gap}");
        assert_eq!(stage.watermark().await, None, "{gap}: what did not arrive is asked for again");
        let suspended = stage.sandbox.world().moodle.enrolments.iter().filter(|row| row.suspended).count();
        assert!(suspended <= 2, "{gap}: only the two who were suspended before");
    }
}
