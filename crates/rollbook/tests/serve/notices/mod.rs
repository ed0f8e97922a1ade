//! What operators hear, by real SMTP and HTTP conversations: one notice when a trouble begins, one when it ends, one for a whole
//! run, through restarts and through outages of the mail server.

mod kinds;
mod silence;

use crate::hook::Hook;
use crate::world::{Scene, at_rest, link, monday, run_now};
use jiff::Timestamp;
use rollbook_clock::{Clock, ManualClock};
use rollbook_core::notice::AlertKind;
use rollbook_journal::requests::{AttentionAct, Job};
use rollbook_journal::{AttentionFilter, OutboxFilter, OutboxKind};
use rollbook_sandbox::moodle::Maintenance;
use rollbook_sandbox::{FeedRow, Server, World, demo};
use rollbook_settings::service::Notify;
use rollbook_sync::notify::{Heart, deliver_notices, judge_all};
use rollbook_sync::scheduler::{Node, work_once};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const OPERATORS: &str = "operators@example.org";

/// The demo's world, an operator who is told, and a clock that the test moves from the world's present on.
async fn scene(more: &str) -> (Scene, Node, ManualClock) {
    let text = format!(
        "[server]\npublic_url = \"https://rollbook.example.org\"\n[notify.silence]\nafter = \"90d\"\n[notify]\nto = [\"{OPERATORS}\"]\n{more}\n"
    );
    let scene = Scene::sqlite(at_rest(World::demo(2026, monday())), &text).await;
    let (node, hand) = scene.node(monday());
    (scene, node, hand)
}

/// One look of the process: troubles are judged, and what is due is sent.
async fn look(node: &Node) {
    judge_all(&node.settings, &node.journal, node.clock.now()).await;
    send(node).await;
}

async fn send(node: &Node) {
    let stop = CancellationToken::new();
    deliver_notices(&node.settings, &node.journal, &node.clock, &node.name, &stop).await.unwrap();
}

async fn run(scene: &Scene, node: &Node, name: &str) {
    scene.journal.requests().put(&run_now(name), "jo", node.clock.now()).await.unwrap();
    while work_once(node, &CancellationToken::new()).await.unwrap() {}
}

/// Subject and text of every notice that came to an address.
fn told(scene: &Scene, address: &str) -> Vec<(String, String)> {
    let world = scene.sandbox.world();
    world.mail.to(address).into_iter().map(|mail| (mail.subject(), mail.text().replace("\r\n", "\n"))).collect()
}

async fn kinds(scene: &Scene) -> BTreeSet<AlertKind> {
    let open = scene.journal.notices().episodes(None, true, None, 1_000).await.unwrap();
    open.into_iter().map(|row| row.episode.kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_run_is_one_notice_and_a_second_run_with_the_same_troubles_is_none() {
    let (scene, node, hand) = scene("").await;
    run(&scene, &node, "psa").await;
    look(&node).await;
    let first = told(&scene, OPERATORS);
    assert_eq!(first.len(), 1, "{first:#?}");
    let (subject, text) = &first[0];
    assert!(subject.starts_with("[Rollbook] psa: ") && subject.ends_with(" new"), "{subject}");
    for part in [
        "Mail mismatch or changed GUID",
        "Course lookup failed",
        "what to do: ",
        "since ",
        "https://rollbook.example.org/attention/",
        demo::cases::CHANGED_GUID.guid,
    ] {
        assert!(text.to_lowercase().contains(&part.to_lowercase()), "{part}: {text}");
    }
    hand.advance(Duration::from_secs(600));
    run(&scene, &node, "psa").await;
    look(&node).await;
    assert_eq!(told(&scene, OPERATORS).len(), 1, "nothing is new");
    assert!(kinds(&scene).await.is_superset(&[AlertKind::Identity, AlertKind::CourseLookup].into()));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn episode_has_one_notice_at_its_begin_one_a_day_and_one_at_its_end_whatever_restarts() {
    let (scene, node, hand) = scene("").await;
    run(&scene, &node, "psa").await;
    look(&node).await;
    let filter = AttentionFilter { kind: Some("guid_changed".to_owned()), ..AttentionFilter::default() };
    let item = scene.journal.attention().list(&filter, 10).await.unwrap().remove(0).id;
    // Another process, with nothing but the journal to remember by.
    let (again, _) = scene.node(node.clock.now());
    look(&again).await;
    assert_eq!(told(&scene, OPERATORS).len(), 1);
    hand.advance(Duration::from_secs(25 * 60 * 60));
    look(&node).await;
    look(&node).await;
    let reminded = told(&scene, OPERATORS);
    assert!(reminded.len() == 2 && reminded[1].0.contains("still"), "{reminded:#?}");
    let act = AttentionAct::Ignore { reason: "left".to_owned() };
    scene.ask(&node, &Job::Attend { link: link("psa"), item, act }).await;
    look(&node).await;
    look(&node).await;
    let ended = told(&scene, OPERATORS);
    assert_eq!(ended.len(), 3);
    assert_eq!(ended[2].0, "[Rollbook] psa: over: Mail mismatch or changed GUID");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_run_is_told_once_however_often_it_fails_and_told_when_it_is_over() {
    let (scene, node, hand) = scene("").await;
    scene.sandbox.world().moodle.site.maintenance = Maintenance::Cli;
    for _ in 0..3 {
        run(&scene, &node, "guilds").await;
        look(&node).await;
        hand.advance(Duration::from_secs(600));
    }
    let failed = told(&scene, OPERATORS);
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!(failed[0].0, "[Rollbook] guilds: A run failed");
    assert!(failed[0].1.contains("https://rollbook.example.org/runs/"), "{}", failed[0].1);
    scene.sandbox.world().moodle.site.maintenance = Maintenance::Off;
    run(&scene, &node, "guilds").await;
    look(&node).await;
    let over = told(&scene, OPERATORS);
    assert_eq!((over.len(), over[1].0.as_str()), (2, "[Rollbook] guilds: over: A run failed"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_plan_is_told_with_the_page_where_it_is_approved() {
    let (scene, node, _) = scene("[link.psa.limits]\nnew_accounts = 1\n").await;
    run(&scene, &node, "psa").await;
    look(&node).await;
    let (_, text) = told(&scene, OPERATORS).remove(0);
    assert!(text.contains("A guard refused a plan") && text.contains("https://rollbook.example.org/plans/"), "{text}");
    assert!(text.contains("rollbook plans approve"), "{text}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_own_list_hears_of_it_and_the_webhook_gets_it_as_json() {
    let hook = Hook::start().await;
    let more = format!(
        "webhook = \"{}\"\n[link.other]\nflow = \"guilds\"\nfrom = \"avc\"\nto = \"learning\"\nnotify = [\"guilds@example.org\"]\nschedule = \"0 0 1 1 *\"\n",
        hook.url()
    );
    let (scene, node, _) = scene(&more).await;
    scene.sandbox.take_down(Server::Community).await;
    run(&scene, &node, "other").await;
    look(&node).await;
    assert_eq!((told(&scene, OPERATORS).len(), told(&scene, "guilds@example.org").len()), (0, 1));
    let bodies = hook.bodies();
    assert_eq!(bodies.len(), 1, "{bodies:#?}");
    let body = &bodies[0];
    assert_eq!((&body["link"], &body["title"]), (&"other".into(), &"other: A run failed".into()));
    assert_eq!((&body["lines"][0]["kind"], &body["lines"][0]["phase"]), (&"run_failed".into(), &"new".into()));
    for key in ["title", "since", "remedy", "url"] {
        assert!(body["lines"][0][key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {body}");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_own_webhook_gets_its_notices_and_no_other_does() {
    let (common, own) = (Hook::start().await, Hook::start().await);
    let more = format!(
        "webhook = \"{}\"\n[link.other]\nflow = \"guilds\"\nfrom = \"avc\"\nto = \"learning\"\nwebhook = \"{}\"\nschedule = \"0 0 1 1 *\"\n",
        common.url(),
        own.url()
    );
    let (scene, node, _) = scene(&more).await;
    scene.sandbox.take_down(Server::Community).await;
    for name in ["other", "guilds"] {
        run(&scene, &node, name).await;
        look(&node).await;
    }
    let links = |hook: &Hook| hook.bodies().iter().map(|body| body["link"].clone()).collect::<Vec<_>>();
    assert_eq!((links(&own), links(&common)), (vec!["other".into()], vec!["guilds".into()]));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notice_survives_hours_without_mail_server_or_webhook_and_arrives_once() {
    let hook = Hook::start().await;
    hook.answers(503);
    let (scene, node, hand) = scene(&format!("webhook = \"{}\"", hook.url())).await;
    scene.sandbox.take_down(Server::Community).await;
    scene.sandbox.take_down(Server::Smtp).await;
    run(&scene, &node, "guilds").await;
    for _ in 0..40 {
        look(&node).await;
        hand.advance(Duration::from_secs(6 * 60));
    }
    let filter = OutboxFilter { kind: Some(OutboxKind::Notice), ..OutboxFilter::default() };
    let waiting = scene.journal.outbox().list(&filter, 99).await.unwrap();
    assert!(waiting.iter().all(|row| row.state == "due" && (5..15).contains(&row.attempts)), "{waiting:#?}");
    assert_eq!(waiting.len(), 2, "one for each way");
    hook.answers(200);
    scene.sandbox.bring_up(Server::Smtp).await.unwrap();
    hand.advance(Duration::from_secs(60 * 60));
    for _ in 0..3 {
        look(&node).await;
        hand.advance(Duration::from_secs(60));
    }
    assert_eq!(told(&scene, OPERATORS).len(), 1);
    assert_eq!(hook.taken(), 1);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_feed_is_told_with_its_cause_and_a_new_record_ends_it() {
    // A Monday at 09:00 in Vancouver, and a feed that has nothing from then on.
    let monday: Timestamp = "2026-11-23T09:00:00-08:00".parse().unwrap();
    let text = format!(
        "[notify]\nto = [\"{OPERATORS}\"]\n[link.guilds2]\nflow = \"guilds\"\nfrom = \"avc\"\nto = \"learning\"\nenabled = false\n"
    );
    let scene = Scene::sqlite(World::empty(), &text).await;
    let (node, hand) = scene.node(monday);
    look(&node).await;
    let silent = |text: &str| told(&scene, OPERATORS).iter().filter(|(_, body)| body.contains(text)).count();
    for _ in 0..5 {
        hand.advance(Duration::from_secs(10 * 60));
        run(&scene, &node, "psa").await;
        look(&node).await;
    }
    assert_eq!(silent("The feed is silent"), 0, "50 minutes");
    hand.advance(Duration::from_secs(10 * 60));
    run(&scene, &node, "psa").await;
    look(&node).await;
    assert_eq!(silent("the feed answers, and has had no new Enrol or Suspend"), 1, "{:#?}", told(&scene, OPERATORS));
    // Its end is a record that was never seen.
    let row = FeedRow::enrol("G-1", "nobody@example.org", 777, node.clock.now());
    scene.sandbox.world().elm.push(row);
    hand.advance(Duration::from_secs(10 * 60));
    run(&scene, &node, "psa").await;
    look(&node).await;
    let over = told(&scene, OPERATORS);
    assert!(over.iter().any(|(_, body)| body.contains("OVER") && body.contains("The feed is silent")), "{over:#?}");
    // Then nobody runs the link any more: it is our own schedule that stands still.
    hand.advance(Duration::from_secs(70 * 60));
    look(&node).await;
    assert_eq!(silent("our schedule stands still: a run was due and none began"), 1, "{:#?}", told(&scene, OPERATORS));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreachable_feed_and_a_pause_are_other_silences() {
    let monday: Timestamp = "2026-11-23T09:00:00-08:00".parse().unwrap();
    let scene = Scene::sqlite(World::empty(), &format!("[notify]\nto = [\"{OPERATORS}\"]\n")).await;
    let (node, hand) = scene.node(monday);
    look(&node).await;
    scene.sandbox.take_down(Server::Elm).await;
    for _ in 0..7 {
        hand.advance(Duration::from_secs(10 * 60));
        run(&scene, &node, "psa").await;
        look(&node).await;
    }
    let all = |scene: &Scene| told(scene, OPERATORS).into_iter().map(|(_, body)| body).collect::<String>();
    assert!(all(&scene).contains("the feed cannot be reached"), "{}", all(&scene));
    scene.journal.links().pause(&link("psa"), "jo", "the ELM moves", node.clock.now()).await.unwrap();
    hand.advance(Duration::from_secs(25 * 60 * 60));
    look(&node).await;
    assert!(all(&scene).contains("our schedule stands still: the link was paused by jo"), "{}", all(&scene));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_of_life_is_given_so_often_and_again_when_it_was_not_heard() {
    let hook = Hook::start().await;
    let more = format!("[notify]\nheartbeat_url = \"{}\"\nheartbeat_every = \"5m\"\n", hook.url());
    let scene = Scene::sqlite(World::empty(), &more).await;
    let settings = scene.settings();
    let notify: &Notify = &settings.notify;
    let (clock, hand) = Clock::manual(monday());
    let mut heart = Heart::of(notify).unwrap().unwrap();
    for _ in 0..10 {
        heart.beat(clock.now()).await;
        hand.advance(Duration::from_secs(60));
    }
    assert_eq!(hook.taken(), 2);
    hook.answers(500);
    for _ in 0..3 {
        heart.beat(clock.now()).await;
    }
    hook.answers(200);
    heart.beat(clock.now()).await;
    assert_eq!(hook.taken(), 3);
    scene.end().await;
}
