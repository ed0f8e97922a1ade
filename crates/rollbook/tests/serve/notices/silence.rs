//! The silence of a feed, by the configured calendar: business hours, holidays, a grace of its own off hours; and each of the
//! three causes from its first notice to its last.

use super::{OPERATORS, look, run, told};
use crate::world::{Scene, link};
use jiff::Timestamp;
use rollbook_clock::ManualClock;
use rollbook_sandbox::{FeedRow, Server, World};
use rollbook_sync::scheduler::Node;

const SILENT: &str = "The feed is silent";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A process that watches an empty feed from `start` on.
async fn watch(start: &str, more: &str) -> (Scene, Node, ManualClock) {
    let text =
        format!("[server]\npublic_url = \"https://rollbook.example.org\"\n[notify]\nto = [\"{OPERATORS}\"]\n{more}\n");
    let scene = Scene::sqlite(World::empty(), &text).await;
    let (node, hand) = scene.node(at(start));
    look(&node).await;
    (scene, node, hand)
}

/// The phases of the silence that were told, each with the text around it.
fn phases(scene: &Scene) -> Vec<&'static str> {
    let mut phases = Vec::new();
    for (_, text) in told(scene, OPERATORS) {
        for (word, name) in
            [("NEW", "new"), ("ANOTHER CAUSE", "changed"), ("STILL GOING ON", "still"), ("OVER", "over")]
        {
            let part = text.split(&format!("{word}\n\n")).nth(1).unwrap_or_default();
            let part = part.split("\n\n").next().unwrap_or_default();
            if part.contains(SILENT) {
                phases.push(name);
            }
        }
    }
    phases
}

/// At this moment a run is made, and everything is looked at.
async fn turn(scene: &Scene, node: &Node, hand: &ManualClock, now: &str) -> Vec<&'static str> {
    hand.set(at(now));
    run(scene, node, "psa").await;
    look(node).await;
    look(node).await;
    phases(scene)
}

fn push(scene: &Scene, node: &Node) {
    let number = 800_000 + i64::try_from(scene.sandbox.world().elm.rows.len()).unwrap();
    let row = FeedRow::enrol("G-1", "nobody@example.org", number, node.clock.now());
    scene.sandbox.world().elm.push(row);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holiday_and_weekend_are_not_counted_and_the_calendar_says_which() {
    // Friday the 25th of December is a holiday here; the feed had its last record on Thursday at 17:30.
    let more = "[notify.hours]\nopen = \"06:00-18:00\"\nholidays = [\"2026-12-25\"]\n";
    let (scene, node, hand) = watch("2026-12-24T17:30:00-07:00", more).await;
    let nothing: Vec<&str> = Vec::new();
    assert_eq!(turn(&scene, &node, &hand, "2026-12-24T17:59:00-07:00").await, nothing);
    assert_eq!(turn(&scene, &node, &hand, "2026-12-25T12:00:00-07:00").await, nothing, "a holiday");
    assert_eq!(turn(&scene, &node, &hand, "2026-12-26T12:00:00-07:00").await, nothing, "a Saturday");
    assert_eq!(turn(&scene, &node, &hand, "2026-12-28T06:29:00-07:00").await, nothing, "59 minutes of business");
    assert_eq!(turn(&scene, &node, &hand, "2026-12-28T06:30:00-07:00").await, ["new"]);
    scene.end().await;
    // Without the holiday Friday counts.
    let (scene, node, hand) = watch("2026-12-24T17:30:00-07:00", "").await;
    assert_eq!(turn(&scene, &node, &hand, "2026-12-25T06:30:00-07:00").await, ["new"]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_hours_have_a_grace_of_their_own() {
    let more = "[notify.silence]\nafter = \"1h\"\noff_hours_after = \"14h\"\n";
    let (scene, node, hand) = watch("2026-11-20T18:00:00-07:00", more).await;
    let nothing: Vec<&str> = Vec::new();
    assert_eq!(turn(&scene, &node, &hand, "2026-11-21T07:59:00-07:00").await, nothing);
    assert_eq!(turn(&scene, &node, &hand, "2026-11-21T08:00:00-07:00").await, ["new"]);
    scene.end().await;
    // Without one, a weekend is never silent.
    let (scene, node, hand) = watch("2026-11-20T18:00:00-07:00", "").await;
    assert_eq!(turn(&scene, &node, &hand, "2026-11-22T23:00:00-07:00").await, nothing);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_feed_has_one_notice_one_a_day_and_one_at_its_end() {
    let (scene, node, hand) = watch("2026-11-23T09:00:00-07:00", "").await;
    assert_eq!(turn(&scene, &node, &hand, "2026-11-23T10:00:00-07:00").await, ["new"]);
    let (_, text) = told(&scene, OPERATORS).remove(0);
    for part in [
        "the feed answers, and has had no new Enrol or Suspend",
        "the last Enrol or Suspend came Mon 2026-11-23 09:00",
        "since Mon 2026-11-23 09:00",
        "what to do: ",
        "https://rollbook.example.org/",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for now in ["2026-11-23T10:10:00-07:00", "2026-11-23T17:00:00-07:00", "2026-11-23T23:00:00-07:00"] {
        assert_eq!(turn(&scene, &node, &hand, now).await, ["new"], "{now}");
    }
    assert_eq!(turn(&scene, &node, &hand, "2026-11-24T10:01:00-07:00").await, ["new", "still"]);
    push(&scene, &node);
    assert_eq!(turn(&scene, &node, &hand, "2026-11-24T10:11:00-07:00").await, ["new", "still", "over"]);
    assert_eq!(turn(&scene, &node, &hand, "2026-11-24T10:21:00-07:00").await, ["new", "still", "over"]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreachable_feed_has_one_notice_one_a_day_and_one_at_its_end() {
    let (scene, node, hand) = watch("2026-11-23T09:00:00-07:00", "").await;
    scene.sandbox.take_down(Server::Elm).await;
    for now in ["2026-11-23T09:10:00-07:00", "2026-11-23T09:50:00-07:00"] {
        assert!(turn(&scene, &node, &hand, now).await.is_empty(), "{now}");
    }
    assert_eq!(turn(&scene, &node, &hand, "2026-11-23T10:00:00-07:00").await, ["new"]);
    let text: String = told(&scene, OPERATORS).into_iter().map(|(_, text)| text).collect();
    assert!(text.contains("the feed cannot be reached") && text.contains("since Mon 2026-11-23 09:10"), "{text}");
    assert_eq!(turn(&scene, &node, &hand, "2026-11-24T10:01:00-07:00").await, ["new", "still"]);
    scene.sandbox.bring_up(Server::Elm).await.unwrap();
    push(&scene, &node);
    assert_eq!(turn(&scene, &node, &hand, "2026-11-24T10:11:00-07:00").await, ["new", "still", "over"]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedule_that_stands_still_has_one_notice_one_a_day_and_one_at_its_end() {
    let (scene, node, hand) = watch("2026-11-23T09:00:00-07:00", "").await;
    let idle = async |now: &str| {
        hand.set(at(now));
        look(&node).await;
        look(&node).await;
        phases(&scene)
    };
    assert!(idle("2026-11-23T09:59:00-07:00").await.is_empty());
    assert_eq!(idle("2026-11-23T10:00:00-07:00").await, ["new"]);
    let (_, text) = told(&scene, OPERATORS).remove(0);
    assert!(text.contains("our schedule stands still: a run was due and none began"), "{text}");
    assert_eq!(idle("2026-11-24T10:01:00-07:00").await, ["new", "still"]);
    // Somebody paused the link meanwhile: the reminder after that says who.
    scene.journal.links().pause(&link("psa"), "jo", "the ELM moves", node.clock.now()).await.unwrap();
    assert_eq!(idle("2026-11-25T10:02:00-07:00").await, ["new", "still", "still"]);
    let (_, text) = told(&scene, OPERATORS).remove(2);
    assert!(text.contains("our schedule stands still: the link was paused by jo"), "{text}");
    scene.journal.links().resume(&link("psa"), "jo", node.clock.now()).await.unwrap();
    push(&scene, &node);
    let over = turn(&scene, &node, &hand, "2026-11-25T10:12:00-07:00").await;
    assert_eq!(over, ["new", "still", "still", "over"]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_cause_is_told_once_it_has_lasted_and_one_that_comes_and_goes_is_not() {
    let (scene, node, hand) = watch("2026-11-23T09:00:00-07:00", "").await;
    let turn = async |now: &str| turn(&scene, &node, &hand, &format!("2026-11-23T{now}:00-07:00")).await;
    let idle = async |now: &str| {
        hand.set(at(&format!("2026-11-23T{now}:00-07:00")));
        look(&node).await;
        phases(&scene)
    };
    let last = || told(&scene, OPERATORS).pop().unwrap();
    assert_eq!(turn("10:00").await, ["new"]);
    // From 10:10 on the feed cannot be reached.
    scene.sandbox.take_down(Server::Elm).await;
    for now in ["10:10", "10:20"] {
        assert_eq!(turn(now).await, ["new"], "{now}");
    }
    assert_eq!(turn("10:30").await, ["new", "changed"]);
    let (subject, text) = last();
    assert_eq!(subject, "[Rollbook] psa: another cause: The feed is silent");
    for part in ["* the feed cannot be reached; ", "(told before: the feed answers, and has had no new", "what to do: "]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    // It comes and goes: nothing is said of that.
    for now in ["10:40", "10:50", "11:00", "11:10"] {
        if ["10:40", "11:00"].contains(&now) {
            scene.sandbox.bring_up(Server::Elm).await.unwrap();
        } else {
            scene.sandbox.take_down(Server::Elm).await;
        }
        assert_eq!(turn(now).await, ["new", "changed"], "{now}");
    }
    // It answers from 11:20 on, and still has nothing.
    scene.sandbox.bring_up(Server::Elm).await.unwrap();
    assert_eq!(turn("11:20").await.len(), 2);
    assert_eq!(turn("11:30").await.len(), 2);
    assert_eq!(turn("11:40").await, ["new", "changed", "changed"]);
    assert!(last().1.contains("* the feed answers, and has had no new Enrol or Suspend"), "{}", last().1);
    // The run of 11:45 does not begin.
    assert_eq!(idle("12:04").await.len(), 3);
    assert_eq!(idle("12:05").await.len(), 4);
    assert!(last().1.contains("* our schedule stands still: a run was due and none began"), "{}", last().1);
    scene.journal.links().pause(&link("psa"), "jo", "the ELM moves", at("2026-11-23T12:10:00-07:00")).await.unwrap();
    assert_eq!(idle("12:29").await.len(), 4);
    assert_eq!(idle("12:30").await.len(), 5);
    assert!(last().1.contains("* our schedule stands still: the link was paused by jo"), "{}", last().1);
    // It runs again, which is another beginning.
    scene.journal.links().resume(&link("psa"), "jo", at("2026-11-23T12:31:00-07:00")).await.unwrap();
    assert_eq!(turn("12:35").await.len(), 5);
    assert_eq!(turn("12:45").await.len(), 5);
    assert_eq!(turn("12:55").await.len(), 6);
    push(&scene, &node);
    let all = turn("13:05").await;
    assert_eq!(all, ["new", "changed", "changed", "changed", "changed", "changed", "over"]);
    scene.end().await;
}
