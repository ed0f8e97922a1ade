//! What is asked is carried out as the command line would, and answered with data.

use crate::world::{Scene, at_rest, link, monday, run_now};
use rollbook_core::model::{MoodleUserId, SiteName};
use rollbook_core::run::{OutcomeCode, RunState};
use rollbook_journal::AttentionFilter;
use rollbook_journal::requests::{
    AttentionAct, FeedQuery, Job, JobOutcome, Narrow, Purpose, Ran, Request, RequestState, Would,
};
use rollbook_sandbox::{World, demo};
use rollbook_sync::scheduler::Node;

const SEED: u64 = 2026;

async fn demo_scene(more: &str) -> (Scene, Node) {
    let scene = Scene::sqlite(at_rest(World::demo(SEED, monday())), more).await;
    let (node, _) = scene.node(monday());
    (scene, node)
}

fn ran(request: Request) -> Ran {
    match request.answer {
        Some(JobOutcome::Ran(ran)) => ran,
        other => panic!("{other:?}"),
    }
}

fn failed(request: &Request) -> (&str, &str) {
    match &request.answer {
        Some(JobOutcome::Failed { words, remedy }) if request.state == RequestState::Failed => (words, remedy),
        other => panic!("{other:?}"),
    }
}

fn about(guid: &str) -> FeedQuery {
    FeedQuery { guid: Some(guid.to_owned()), ..FeedQuery::default() }
}

async fn feed(scene: &Scene, node: &Node, question: FeedQuery) -> rollbook_journal::requests::FeedAnswer {
    match scene.ask(node, &Job::QueryFeed { link: link("psa"), question }).await.answer {
        Some(JobOutcome::Feed(feed)) => feed,
        other => panic!("{other:?}"),
    }
}

/// The open item of a kind about a person.
async fn item(scene: &Scene, kind: &str, guid: &str) -> i64 {
    let filter = AttentionFilter { kind: Some(kind.to_owned()), ..AttentionFilter::default() };
    let items = scene.journal.attention().list(&filter, 100).await.unwrap();
    let found = items.iter().find(|item| item.subject == guid.to_lowercase());
    found.unwrap_or_else(|| panic!("no {kind} about {guid}: {items:#?}")).id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dry_run_changes_nothing_and_the_run_does_what_it_said() {
    let (scene, node) = demo_scene("").await;
    let dry = Job::RunLink { link: link("psa"), purpose: Purpose::DryRun, narrow: Narrow::Usual };
    let would = ran(scene.ask(&node, &dry).await);
    assert!(would.run.is_none() && would.changes.len() > 50, "{would:#?}");
    assert!(scene.sandbox.world().mail.mails.is_empty());
    let did = ran(scene.ask(&node, &run_now("psa")).await);
    assert_eq!((&did.changes, &did.skips, did.left_out), (&would.changes, &would.skips, 0));
    assert_eq!((did.run.is_some(), did.state), (true, RunState::Partly));
    rollbook_sync::scheduler::deliver(&node, &tokio_util::sync::CancellationToken::new()).await;
    assert_eq!(scene.sandbox.world().mail.mails.len() as u64, did.counts.mails);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feeds_record_stands_beside_what_moodle_says_and_processing_does_what_the_card_said() {
    let (scene, node) = demo_scene("").await;
    let nobody = feed(&scene, &node, about("nobody-has-this")).await;
    assert_eq!(nobody.records.len(), 0);
    let changed = feed(&scene, &node, about(demo::cases::CHANGED_GUID.guid)).await;
    let card = &changed.records[0];
    assert!(card.by_guid.is_empty() && card.by_mail.len() == 1 && card.account.is_none(), "{card:#?}");
    assert!(card.mismatches[0].starts_with("GUID: account "), "{:?}", card.mismatches);
    assert!(matches!(&card.would, Would::Leave { code: OutcomeCode::GuidChanged, .. }), "{:?}", card.would);

    let all = feed(
        &scene,
        &node,
        FeedQuery { from: Some(node.clock.now() - jiff::Span::new().hours(3)), ..FeedQuery::default() },
    )
    .await;
    let good = all.records.iter().find(|card| matches!(card.would, Would::Change { .. })).unwrap();
    let Would::Change { lines } = &good.would else { unreachable!() };
    assert_eq!(good.known, None);
    let question = about(&good.texts.guid);
    let records = vec![good.record];
    let process = Job::ProcessRecords { link: link("psa"), question: question.clone(), records };
    let did = ran(scene.ask(&node, &process).await);
    assert_eq!((&did.changes, did.counts.records), (lines, 1), "only the record that was picked");
    let after = feed(&scene, &node, question).await;
    let card = after.records.iter().find(|card| card.record == good.record).unwrap();
    assert!(card.known.is_some() && matches!(card.would, Would::Leave { .. }), "{card:#?}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn question_for_the_whole_feed_is_refused() {
    let (scene, node) = demo_scene("").await;
    let request = scene.ask(&node, &Job::QueryFeed { link: link("psa"), question: FeedQuery::default() }).await;
    assert_eq!(failed(&request), ("the question is for the whole feed", "give a time, a mail or a GUID"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn use_this_account_writes_the_guid_and_releases_every_record_behind_the_item() {
    let (scene, node) = demo_scene("").await;
    scene.ask(&node, &run_now("psa")).await;
    let guid = demo::cases::CHANGED_GUID.guid;
    let id = item(&scene, "guid_changed", guid).await;
    let waiting = scene.journal.attention().find(id).await.unwrap().records;
    let card = feed(&scene, &node, about(guid)).await.records.remove(0);
    let user = card.by_mail[0].id;
    let attend = |act| Job::Attend { link: link("psa"), item: id, act };

    let stranger = scene.ask(&node, &attend(AttentionAct::UseAccount { user: MoodleUserId(2) })).await;
    assert!(failed(&stranger).0.contains("has neither the feed's mail address"), "{:?}", failed(&stranger));
    let request = scene.ask(&node, &attend(AttentionAct::UseAccount { user })).await;
    let Some(JobOutcome::Attended(done)) = request.answer else { panic!("{request:?}") };
    assert_eq!(done.records, waiting);
    assert!(done.changed.contains(&format!("account {user}")), "{}", done.changed);
    let idnumber = scene.sandbox.world().moodle.users.get(user.0).unwrap().idnumber.clone();
    assert!(idnumber.eq_ignore_ascii_case(guid), "{idnumber}");
    let released = done.ran.unwrap();
    assert_eq!((released.state, released.counts.records), (RunState::Done, waiting), "{released:#?}");
    let closed = scene.journal.attention().find(id).await.unwrap();
    let (action, by, _) = closed.resolution.unwrap();
    assert_eq!((action, by.as_str()), (format!("use account {user}"), "jo"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_mail_writes_the_feeds_address_and_a_second_time_changes_nothing() {
    let (scene, node) = demo_scene("").await;
    scene.ask(&node, &run_now("psa")).await;
    let filter = AttentionFilter { kind: Some("mail_mismatch".to_owned()), ..AttentionFilter::default() };
    let items = scene.journal.attention().list(&filter, 100).await.unwrap();
    let alone = items.iter().find(|item| item.evidence["third"].is_null()).unwrap();
    let row = scene.journal.attention().records_behind(alone.id, 0, 1).await.unwrap().remove(0);
    let card = feed(&scene, &node, about(row.text.get(rollbook_core::model::Field::Guid))).await.records.remove(0);
    let request =
        scene.ask(&node, &Job::Attend { link: link("psa"), item: alone.id, act: AttentionAct::UpdateMail }).await;
    let Some(JobOutcome::Attended(done)) = &request.answer else { panic!("{request:?}") };
    assert!(done.records > 0 && done.changed.contains("change the mail"), "{done:?}");
    let mail = scene.sandbox.world().moodle.users.get(card.by_guid[0].id.0).unwrap().email.clone();
    assert!(mail.eq_ignore_ascii_case(card.texts.mail.trim()), "{mail}");
    let calls = scene.sandbox.calls().of("core_user_update_users");
    let again =
        scene.ask(&node, &Job::Attend { link: link("psa"), item: alone.id, act: AttentionAct::UpdateMail }).await;
    assert!(failed(&again).0.contains("is not open"), "{:?}", failed(&again));
    assert_eq!((calls, scene.sandbox.calls().of("core_user_update_users")), (1, 1));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn protected_person_is_not_corrected_whoever_asks() {
    let guid = demo::cases::CHANGED_GUID.guid;
    let (scene, node) = demo_scene("").await;
    scene.ask(&node, &run_now("psa")).await;
    let id = item(&scene, "guid_changed", guid).await;
    let user = feed(&scene, &node, about(guid)).await.records[0].by_mail[0].id;
    // From now on the person is protected.
    let text = std::fs::read_to_string(scene.config()).unwrap();
    std::fs::write(scene.config(), text.replace("protected = [", &format!("protected = [\"{guid}\", "))).unwrap();
    let (node, _) = scene.node(monday());
    let ask = Job::Attend { link: link("psa"), item: id, act: AttentionAct::UseAccount { user } };
    let request = scene.ask(&node, &ask).await;
    assert!(failed(&request).0.contains("protected by the entry"), "{:?}", failed(&request));
    assert_eq!(scene.sandbox.calls().of("core_user_update_users"), 0);
    assert!(scene.journal.attention().find(id).await.unwrap().closed.is_none());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ignored_item_needs_a_reason_and_its_records_are_settled() {
    let (scene, node) = demo_scene("").await;
    scene.ask(&node, &run_now("psa")).await;
    let id = item(&scene, "guid_changed", demo::cases::CHANGED_GUID.guid).await;
    let ignore = |reason: &str| Job::Attend {
        link: link("psa"),
        item: id,
        act: AttentionAct::Ignore { reason: reason.to_owned() },
    };
    assert_eq!(failed(&scene.ask(&node, &ignore(" ")).await).0, "no reason was given");
    let request = scene.ask(&node, &ignore("left the company")).await;
    let Some(JobOutcome::Attended(done)) = request.answer else { panic!("{request:?}") };
    assert!(done.records > 0 && done.ran.is_none());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approved_plan_is_applied_and_an_unapproved_one_is_not() {
    let (scene, node) = demo_scene("[link.psa.limits]\nnew_accounts = 1\n").await;
    let refused = ran(scene.ask(&node, &run_now("psa")).await);
    let plan = refused.plan.expect("a plan waits");
    assert_eq!(refused.state, RunState::GuardRefused);
    let apply = Job::ApplyPlan { link: link("psa"), plan };
    assert!(failed(&scene.ask(&node, &apply).await).0.contains("is blocked, not approved"));
    // Meanwhile the feed has something new: what was approved is applied all the same, and nothing else.
    let now = node.clock.now();
    scene.journal.plans().approve(plan, "ann", "the new year", now + jiff::Span::new().hours(1), now).await.unwrap();
    let done = ran(scene.ask(&node, &apply).await);
    // What no guard held back was applied by the first run already.
    assert!(done.changes.len() < refused.changes.len(), "{}", done.changes.len());
    assert_eq!(done.state, RunState::Partly, "{:?}", done.findings);
    assert!(done.counts.accounts > 1);
    assert!(failed(&scene.ask(&node, &apply).await).0.contains("used"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn member_is_synchronised_alone_and_a_guild_alone() {
    let (scene, node) = demo_scene("").await;
    let guild = Job::RunLink {
        link: link("guilds"),
        purpose: Purpose::Apply,
        narrow: Narrow::Guild { guild: "data".to_owned() },
    };
    let one = ran(scene.ask(&node, &guild).await);
    assert!(one.counts.enrolled > 0 && one.run.is_some(), "{one:?}");
    let all = ran(scene.ask(&node, &run_now("guilds")).await);
    assert!(all.counts.enrolled > one.counts.enrolled);
    let member =
        ran(scene.ask(&node, &Job::SyncMember { link: link("guilds"), user: demo::guilds::LOUD.to_owned() }).await);
    assert_eq!((member.changes.len(), member.state), (0, RunState::Done));
    let nobody = scene.ask(&node, &Job::SyncMember { link: link("guilds"), user: "nobody".to_owned() }).await;
    assert!(failed(&nobody).0.contains("nobody"), "{nobody:?}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paused_link_is_looked_at_and_not_run() {
    let (scene, node) = demo_scene("").await;
    scene.journal.links().pause(&link("psa"), "jo", "maintenance", node.clock.now()).await.unwrap();
    let request = scene.ask(&node, &run_now("psa")).await;
    assert!(failed(&request).0.contains("by jo: maintenance"), "{:?}", failed(&request));
    let dry = Job::RunLink { link: link("psa"), purpose: Purpose::DryRun, narrow: Narrow::Usual };
    assert!(ran(scene.ask(&node, &dry).await).changes.len() > 50);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_site_is_an_answer_and_the_doctor_names_it() {
    let (scene, node) = demo_scene("").await;
    scene.sandbox.take_down(rollbook_sandbox::Server::Elm).await;
    let request = scene.ask(&node, &run_now("psa")).await;
    assert!(failed(&request).0.starts_with("the feed could not be read"), "{:?}", failed(&request));
    let examined = scene.ask(&node, &Job::Examine { site: Some(SiteName::new("elm")) }).await;
    let Some(JobOutcome::Examined { checks }) = examined.answer else { panic!("{examined:?}") };
    // Its own section, and that of the link that reports to it.
    assert!(checks.iter().all(|check| ["elm", "done"].contains(&check.site.as_str())), "{checks:?}");
    assert!(checks.iter().any(|check| check.site == "elm" && check.health == "bad"), "{checks:?}");
    let guilds = ran(scene.ask(&node, &run_now("guilds")).await);
    assert_eq!(guilds.state, RunState::Done, "the other link runs");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn link_that_is_being_run_is_asked_for_again_later() {
    let (scene, _) = demo_scene("").await;
    let (node, hand) = scene.node(monday());
    let now = node.clock.now();
    let lease = scene
        .journal
        .leases()
        .acquire(&link("psa"), "somebody", jiff::SignedDuration::from_secs(20), now)
        .await
        .unwrap();
    let id = scene.journal.requests().put(&run_now("psa"), "jo", now).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    assert!(rollbook_sync::scheduler::work_once(&node, &stop).await.unwrap());
    assert_eq!(scene.journal.requests().find(id).await.unwrap().unwrap().state, RequestState::Waiting);
    assert!(!rollbook_sync::scheduler::work_once(&node, &stop).await.unwrap(), "not at once");
    scene.journal.leases().release(lease).await.unwrap();
    crate::world::until("it is run", || async {
        hand.advance(std::time::Duration::from_secs(10));
        let _ = rollbook_sync::scheduler::work_once(&node, &stop).await.unwrap();
        scene.journal.requests().find(id).await.unwrap().unwrap().state == RequestState::Done
    })
    .await;
    scene.end().await;
}
