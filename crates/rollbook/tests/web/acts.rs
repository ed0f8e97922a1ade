//! What people do on the pages, carried out by the process against the sandbox: from the button to the effect.

use crate::browser::Browser;
use crate::stage::{ANN, COURSE, EVE, MAX, NO_COURSE, SAM, Stage};
use axum::http::StatusCode;
use rollbook_core::model::{Guid, LinkName};
use rollbook_core::run::OutcomeCode;
use rollbook_journal::requests::{RequestFilter, RequestState};
use rollbook_journal::{AttentionFilter, LogQuery, PlanState};
use rollbook_sandbox::FeedRow;
use rollbook_settings::service::RoleName;

async fn codes(stage: &Stage, guid: &str) -> Vec<OutcomeCode> {
    let query = LogQuery { guid: Some(Guid::new(guid)), ..LogQuery::default() };
    stage.journal.records().log(&query).await.unwrap().rows.into_iter().map(|row| row.code).collect()
}

async fn item_of(stage: &Stage, kind: &str) -> i64 {
    let items = stage.journal.attention().list(&AttentionFilter::default(), 100).await.unwrap();
    items.iter().find(|item| item.kind == kind).unwrap_or_else(|| panic!("no {kind} in {items:?}")).id
}

#[tokio::test]
async fn account_that_is_chosen_releases_every_record_behind_the_item() {
    let stage = Stage::small().await;
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    let item = item_of(&stage, "guid_changed").await;
    let path = format!("/attention/{item}");
    let page = operator.get(&path).await;
    assert!(page.body.contains("Use this account") && page.body.contains("sam.changed@example.org"));
    assert_eq!(codes(&stage, SAM).await, [OutcomeCode::GuidChanged; 2]);
    let account = stage.world().moodle.users_by_email("sam.changed@example.org")[0].id.to_string();
    let sent = operator.post(&path, &[("act", "use_account"), ("account", &account)]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.body);
    let waits = operator.get(sent.location()).await;
    assert!(waits.body.contains("queued") && waits.body.contains("data-live=\"1\""));
    stage.work().await;
    let done = operator.get(sent.location()).await;
    assert!(done.body.contains("2 records released"), "{}", done.body);
    assert_eq!(codes(&stage, SAM).await, [OutcomeCode::Enrolled; 2]);
    let acts = stage.journal.runs().acts(&LinkName::new("demo"), i64::MAX, 100).await.unwrap();
    let people = acts.iter().filter(|act| act.author != "schedule");
    assert!(people.clone().count() > 1 && people.clone().all(|act| act.author == "operator"), "{acts:?}");
    assert!(operator.get(&path).await.body.contains("Closed:"));
}

#[tokio::test]
async fn mail_is_updated_in_moodle_and_an_ignored_item_needs_a_reason() {
    let stage = Stage::small().await;
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    let path = format!("/attention/{}", item_of(&stage, "mail_mismatch").await);
    let page = operator.get(&path).await;
    assert!(page.body.contains("<span class=\"differs\">max.old@example.org</span>"), "the sides are compared");
    let refused = operator.post(&path, &[("act", "ignore")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    operator.post(&path, &[("act", "update_mail")]).await;
    stage.work().await;
    assert_eq!(codes(&stage, MAX).await, [OutcomeCode::Enrolled]);
    assert_eq!(stage.world().moodle.users_by_email("max.new@example.org").len(), 1);
    let again = operator.post(&path, &[("act", "update_mail")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn record_of_the_feed_is_shown_beside_moodle_and_processed_by_hand() {
    let stage = Stage::small().await;
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    assert_eq!(codes(&stage, EVE).await, [OutcomeCode::CourseNotFound]);
    stage.world().moodle.add_course(&NO_COURSE.to_string(), "It is there now");
    let unbounded = operator.post("/intake", &[("link", "demo")]).await;
    assert_eq!(unbounded.status, StatusCode::UNPROCESSABLE_ENTITY, "the whole feed is not asked for");
    let asked = operator.post("/intake", &[("link", "demo"), ("guid", EVE)]).await;
    stage.work().await;
    let page = operator.get(asked.location()).await;
    assert!(page.body.contains("It is there now") && page.body.contains("known: course not found"), "{}", page.body);
    let (_, record) = page.body.split_once("name=\"record\" value=\"").unwrap();
    let record = record.split('"').next().unwrap().to_owned();
    let request = asked.location().rsplit('=').next().unwrap().to_owned();
    let none = operator.post("/intake/process", &[("request", &request)]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    let sent = operator.post("/intake/process", &[("request", &request), ("record", &record)]).await;
    stage.work().await;
    let done = operator.get(sent.location()).await;
    assert!(done.body.contains("Open the run"), "{}", done.body);
    assert_eq!(codes(&stage, EVE).await, [OutcomeCode::Enrolled]);
}

#[tokio::test]
async fn refused_plan_runs_once_after_an_approval_and_not_after_a_rejection() {
    let stage = Stage::small().await;
    {
        let mut world = stage.world();
        let leavers: Vec<i64> = world
            .community
            .accounts
            .values()
            .filter(|account| ["dee", "eli", "fay", "gus", "hal"].contains(&account.name.as_str()))
            .map(|account| account.uid)
            .collect();
        world.community.memberships.retain(|_, membership| !leavers.contains(&membership.uid));
    }
    stage.run("guilds").await;
    let plans = stage.journal.plans().list(None, Some(PlanState::Blocked), None, 10).await.unwrap();
    let path = format!("/plans/{}", plans[0].id);
    let mut approver = Browser::of(&stage, RoleName::Approver).await;
    let page = approver.get(&path).await;
    assert!(page.body.contains("Removes (5)"), "{}", page.body);
    assert!(page.body.contains("one run, for 1 hour 30 minutes."), "as the link is configured: {}", page.body);
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    let refused = operator.post(&path, &[("decision", "approve"), ("why", "I like it")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let silent = approver.post(&path, &[("decision", "approve")]).await;
    assert_eq!(silent.status, StatusCode::UNPROCESSABLE_ENTITY);
    let sent = approver.post(&path, &[("decision", "approve"), ("why", "they left the ministry")]).await;
    stage.work().await;
    assert_eq!(stage.request(sent.location()).await.state, RequestState::Done);
    assert_eq!(stage.journal.plans().find(plans[0].id).await.unwrap().state, PlanState::Used);
    let told = operator.get("/guilds").await.body;
    assert!(told.contains("removals share ("), "{told}");
    let cohort = stage.world().moodle.cohorts.iter().map(|cohort| cohort.id).next().unwrap();
    assert_eq!(stage.world().moodle.members_of(cohort).len(), 3);
    let plan = stage.journal.plans().find(plans[0].id).await.unwrap();
    let (_, judged, _) = plan.reviewed.unwrap();
    assert_eq!(plan.expires.unwrap().duration_since(judged), jiff::SignedDuration::from_mins(90));
    let again = approver.post(&path, &[("decision", "reject"), ("why", "too late")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn several_items_are_decided_at_once_and_each_of_them_once() {
    let stage = Stage::small().await;
    let guid = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A1F1";
    {
        let mut world = stage.world();
        world.moodle.add_user(guid, "gil.old@example.org", "Gil", "Early");
        let row = FeedRow::enrol(guid, "gil.new@example.org", COURSE, stage.now()).named("Gil", "Early");
        world.elm.push(row.numbered(700_200));
    }
    stage.run("demo").await;
    let items = stage.journal.attention().list(&AttentionFilter::default(), 100).await.unwrap();
    let mails: Vec<String> =
        items.iter().filter(|item| item.kind == "mail_mismatch").map(|item| item.id.to_string()).collect();
    assert_eq!(mails.len(), 2, "{items:#?}");
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    let page = operator.get("/attention").await.body;
    assert!(page.contains("Try all 2 again"), "{page}");
    let overview = operator.get("/").await.body;
    assert!(overview.contains(">2 mail mismatch</a>"), "{overview}");
    let of_link = items.iter().filter(|item| item.link == LinkName::new("demo")).count();
    assert!(overview.contains(&format!(">{of_link} open</a>")), "one number everywhere: {overview}");
    for (fields, told) in [
        (vec![("act", "ignore"), ("item", mails[0].as_str())], "requires a reason"),
        (vec![("act", "try_again")], "No item was selected"),
        (vec![("act", "explode"), ("item", mails[0].as_str())], "is not a decision"),
    ] {
        let page = operator.post("/attention", &fields).await;
        assert!(page.status == StatusCode::UNPROCESSABLE_ENTITY && page.body.contains(told), "{told}: {}", page.body);
    }
    let all: Vec<(&str, &str)> =
        [("act", "try_all")].into_iter().chain(mails.iter().map(|id| ("shown", id.as_str()))).collect();
    let mut viewer = Browser::of(&stage, RoleName::Viewer).await;
    assert_eq!(viewer.post("/attention", &all).await.status, StatusCode::FORBIDDEN);
    let sent = operator.post("/attention", &all).await;
    assert_eq!((sent.status, sent.location()), (StatusCode::SEE_OTHER, "/attention"), "{}", sent.body);
    stage.work().await;
    let requests = stage.journal.requests().list(&RequestFilter::default(), 100).await.unwrap();
    let decided = requests.iter().filter(|request| request.job.kind() == "attend");
    assert_eq!(decided.filter(|request| request.state == RequestState::Done).count(), 2, "{requests:#?}");
}

#[tokio::test]
async fn person_has_one_page_whichever_link_leads_there() {
    let stage = Stage::small().await;
    let mut viewer = Browser::of(&stage, RoleName::Viewer).await;
    let intake = viewer.get(&format!("/people/demo/{ANN}?course=930002")).await.body;
    let completions = viewer.get(&format!("/people/done/{ANN}?course=930002")).await.body;
    let answer = |page: &str| {
        page.split_once("aria-label=\"The answer\"").unwrap().1.split_once("</section>").unwrap().0.to_owned()
    };
    assert_eq!(answer(&intake), answer(&completions));
    assert!(answer(&intake).contains("enrolled") || answer(&intake).contains("is in"), "{intake}");
}

#[tokio::test]
async fn each_code_says_what_ends_it() {
    let stage = Stage::small().await;
    let mut viewer = Browser::of(&stage, RoleName::Viewer).await;
    let page = viewer.get("/codes").await.body;
    for code in OutcomeCode::ALL {
        assert!(page.contains(&format!("<tr id=\"{}\">", code.as_str())), "{code:?}");
    }
    let row = page.split_once("<tr id=\"course_not_found\">").unwrap().1.split_once("</tr>").unwrap().0;
    assert!(row.contains("Waiting now\">1<"), "{row}");
}

#[tokio::test]
async fn paused_link_says_so_and_goes_on() {
    let stage = Stage::small().await;
    let mut boss = Browser::of(&stage, RoleName::Administrator).await;
    assert_eq!(boss.post("/links/demo/pause", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    boss.post("/links/demo/pause", &[("why", "the ELM is being moved")]).await;
    let page = boss.get("/").await.body;
    assert!(page.contains("demo is paused") && page.contains("the ELM is being moved"));
    assert!(!boss.get("/").await.body.contains("demo is paused:"), "what was done is told once");
    boss.post("/links/demo/resume", &[]).await;
    assert!(!boss.get("/").await.body.contains("the ELM is being moved"));
    assert_eq!(boss.post("/links/nothing/run", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn run_that_was_asked_for_takes_what_is_new() {
    let stage = Stage::small().await;
    let row = FeedRow::enrol(ANN, "ann.new@example.org", COURSE, stage.now()).named("Ann", "New").numbered(700_100);
    stage.world().elm.push(row);
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    let looked = operator.post("/links/demo/dry-run", &[]).await;
    stage.work().await;
    assert!(operator.get(looked.location()).await.body.contains("Nothing was changed."));
    assert_eq!(codes(&stage, ANN).await.len(), 1);
    let ran = operator.post("/links/demo/run", &[]).await;
    stage.work().await;
    assert!(operator.get(ran.location()).await.body.contains("Open the run"));
    assert_eq!(codes(&stage, ANN).await, [OutcomeCode::Enrolled; 2]);
}

#[tokio::test]
async fn token_and_login_link_are_shown_once_and_kept_as_hashes() {
    let stage = Stage::bare().await;
    let mut boss = Browser::of(&stage, RoleName::Administrator).await;
    let made =
        boss.post("/tokens", &[("name", "scheduler"), ("scope", "run"), ("scope", "read"), ("days", "30")]).await;
    let (_, secret) = made.body.split_once("rbk_").unwrap();
    let secret = format!("rbk_{}", &secret[..64]);
    assert!(!boss.get("/accounts").await.body.contains(&secret));
    let hash = rollbook_web::auth::hash_secret(&secret);
    let token = stage.journal.tokens().find(&hash, stage.now()).await.unwrap().unwrap();
    assert_eq!((token.scope.as_str(), token.made_by.as_str()), ("run read", "administrator"));
    boss.post(&format!("/tokens/{}/revoke", token.id), &[]).await;
    assert!(stage.journal.tokens().find(&hash, stage.now()).await.unwrap().is_none());
    let short = boss.post("/accounts", &[("name", "new"), ("role", "viewer"), ("password", "short")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    boss.post("/accounts", &[("name", "new"), ("role", "viewer")]).await;
    let link = boss.post("/accounts/new", &[("act", "link")]).await;
    assert!(link.body.contains("http://127.0.0.1:8350/login/link/"));
}

/// How many records the answer to a question shows, with the first one's heading.
async fn found(stage: &Stage, operator: &mut Browser, question: &[(&str, &str)]) -> usize {
    let fields: Vec<(&str, &str)> = question.iter().copied().chain([("link", "demo")]).collect();
    let asked = operator.post("/intake", &fields).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{question:?}: {}", asked.body);
    stage.work().await;
    operator.get(asked.location()).await.body.matches("<article class=\"card\"").count()
}

#[tokio::test]
async fn feed_is_asked_by_time_mail_guid_and_any_of_them_together() {
    let stage = Stage::small().await;
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    // 18:00 in UTC is 11:00 in the link's zone; the records were written 60, 50, 40, 30, 20, 19 and 10 minutes before.
    let (early, late) = (("from", "2026-11-23T10:15"), ("until", "2026-11-23T10:35"));
    let (sam, mail) = (("guid", SAM), ("mail", "sam.changed@example.org"));
    assert_eq!(found(&stage, &mut operator, &[early]).await, 5);
    assert_eq!(found(&stage, &mut operator, &[early, late]).await, 2);
    assert_eq!(found(&stage, &mut operator, &[mail]).await, 2);
    assert_eq!(found(&stage, &mut operator, &[sam]).await, 2);
    assert_eq!(found(&stage, &mut operator, &[sam, mail, early]).await, 2);
    assert_eq!(found(&stage, &mut operator, &[sam, mail, ("from", "2026-11-23T10:45")]).await, 0);
    assert_eq!(found(&stage, &mut operator, &[sam, ("mail", "eve@example.org")]).await, 0);
    assert_eq!(found(&stage, &mut operator, &[sam, early, late]).await, 0);
    let wrong = operator.post("/intake", &[("link", "demo"), ("from", "yesterday")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("is not a valid time") && wrong.body.contains("value=\"yesterday\""), "{}", wrong.body);
}
