//! Every write of the pages, one by one: a viewer is refused, a form without its token is refused, and what is done is an event
//! with its author. A write that is not in the table is a failure.

use crate::browser::Browser;
use crate::stage::{BOB, COURSE, JANE, Stage};
use axum::http::StatusCode;
use rollbook_core::model::LinkName;
use rollbook_journal::requests::JobOutcome;
use rollbook_journal::{AttentionFilter, CompletionQuery, PlanState};
use rollbook_settings::service::RoleName;
use rollbook_web::auth::{Permission, may};
use rollbook_web::route_specs;
use std::collections::BTreeSet;

const BOSS: &str = "administrator";

/// How a write is done here, and what of it stands in the journal.
struct Write {
    route: &'static str,
    path: String,
    fields: Vec<(&'static str, String)>,
    /// Words of the event; none where nothing is done to anything but one's own browser.
    event: &'static [&'static str],
}

fn write(route: &'static str, path: &str, fields: &[(&'static str, &str)], event: &'static [&'static str]) -> Write {
    let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Write { route, path: path.to_owned(), fields, event }
}

/// What there is to do something with.
struct Props {
    plan: i64,
    item: i64,
    question: String,
    record: String,
    report: String,
    token: i64,
}

fn table(props: &Props) -> Vec<Write> {
    let Props { plan, item, question, record, report, token } = props;
    let course = &COURSE.to_string();
    let supplied = &[
        ("link", "done"),
        ("user", "7"),
        ("course", "3"),
        ("completed", "2026-11-23T17:00:00Z"),
        ("enrolment", "4711"),
    ];
    let named = &[("link", "done"), ("user", JANE), ("course", course.as_str())];
    let asked = &[("request", question.as_str()), ("record", record)];
    let password = &[("new", "a long enough password"), ("repeated", "a long enough password")];
    vec![
        write("/theme", "/theme", &[("theme", "dark"), ("back", "/")], &[]),
        write("/links/{link}/run", "/links/demo/run", &[], &["ask", "run_link"]),
        write("/links/{link}/dry-run", "/links/demo/dry-run", &[], &["ask", "run_link"]),
        write("/links/{link}/pause", "/links/demo/pause", &[("why", "they move")], &["pause", "they move"]),
        write("/links/{link}/resume", "/links/demo/resume", &[], &["go on"]),
        write("/guilds/{link}/sync", "/guilds/guilds/sync", &[("user", "ann")], &["ask", "run_link"]),
        write(
            "/plans/{id}",
            &format!("/plans/{plan}"),
            &[("decision", "reject"), ("why", "not they")],
            &["reject", "not they"],
        ),
        write(
            "/attention/{id}",
            &format!("/attention/{item}"),
            &[("act", "ignore"), ("reason", "left")],
            &["ask", "attend"],
        ),
        write("/attention", "/attention", &[("act", "try_all"), ("shown", &item.to_string())], &["ask", "attend"]),
        write("/intake", "/intake", &[("link", "demo"), ("guid", BOB)], &["ask", "query_feed"]),
        write("/intake/process", "/intake/process", asked, &["ask", "process_records"]),
        write("/completions/preview", "/completions/preview", named, &["ask", "preview_completion"]),
        write("/completions/send", "/completions/send", named, &["ask", "send_completion"]),
        write("/completions/retry", "/completions/retry", &[("link", "done"), ("report", report)], &["ask", "retry"]),
        write(
            "/completions/cancel",
            "/completions/cancel",
            &[("link", "done"), ("report", report)],
            &["cancel the report"],
        ),
        write("/completions/supply", "/completions/supply", supplied, &["ask", "supply_enrolment"]),
        write("/doctor", "/doctor", &[], &["ask", "examine"]),
        write("/account/password", "/account/password", password, &["password"]),
        write("/accounts", "/accounts", &[("name", "new"), ("role", "viewer")], &["account", "new"]),
        write("/accounts/{name}", "/accounts/new", &[("act", "disable")], &["new"]),
        write("/tokens", "/tokens", &[("name", "cron"), ("scope", "run"), ("days", "9")], &["token", "cron"]),
        write("/tokens/{id}/revoke", &format!("/tokens/{token}/revoke"), &[], &["revoke"]),
    ]
}

/// A small school in which there is something of everything.
async fn props(stage: &Stage, boss: &mut Browser) -> Props {
    let (user, course) = {
        let world = stage.world();
        (world.moodle.users_by_idnumber(JANE)[0].id, world.moodle.courses_by_idnumber(&COURSE.to_string())[0].id)
    };
    stage.world().moodle.complete(user, course, stage.now());
    stage.world().elm.closed.insert(700_001);
    stage.run("done").await;
    let query = CompletionQuery { limit: 9, ..CompletionQuery::default() };
    let done = stage.journal.completions().list(&LinkName::new("done"), &query).await.unwrap();
    let asked = boss.post("/intake", &[("link", "demo"), ("guid", BOB)]).await.location().to_owned();
    stage.work().await;
    let Some(JobOutcome::Feed(feed)) = stage.request(&asked).await.answer else { panic!("no answer") };
    {
        let mut world = stage.world();
        let names = ["dee", "eli", "fay", "gus", "hal"];
        let leavers = world.community.accounts.values().filter(|account| names.contains(&account.name.as_str()));
        let leavers: Vec<i64> = leavers.map(|account| account.uid).collect();
        world.community.memberships.retain(|_, membership| !leavers.contains(&membership.uid));
    }
    stage.run("guilds").await;
    boss.post("/tokens", &[("name", "old"), ("scope", "read"), ("days", "9")]).await;
    Props {
        plan: stage.journal.plans().list(None, Some(PlanState::Blocked), None, 1).await.unwrap()[0].id,
        item: stage.journal.attention().list(&AttentionFilter::default(), 1).await.unwrap()[0].id,
        question: asked.rsplit('=').next().unwrap().to_owned(),
        record: feed.records[0].record.to_string(),
        report: done[0].report.as_ref().unwrap().id.to_string(),
        token: stage.journal.tokens().list().await.unwrap()[0].id,
    }
}

/// What this person did, as the journal has it, the newest first.
async fn acts(stage: &Stage, author: &str) -> Vec<String> {
    let mut all = Vec::new();
    for link in ["", "demo", "guilds", "done"] {
        let events = stage.journal.runs().acts(&LinkName::new(link), i64::MAX, 1_000).await.unwrap();
        all.extend(events.into_iter().filter(|event| event.author == author).map(|event| event.payload.to_string()));
    }
    all
}

#[tokio::test]
async fn every_write_is_refused_to_a_viewer_and_without_its_token_and_is_an_event_with_its_author() {
    let stage = Stage::small().await;
    let mut boss = Browser::of(&stage, RoleName::Administrator).await;
    let mut viewer = Browser::of(&stage, RoleName::Viewer).await;
    let props = props(&stage, &mut boss).await;
    let table = table(&props);
    let plates: Vec<_> = route_specs(&stage.state).into_iter().filter(|plate| plate.method != "GET").collect();
    let routes: BTreeSet<&str> = plates.iter().map(|plate| plate.path).collect();
    assert_eq!(routes, table.iter().map(|write| write.route).collect(), "the table has every write that there is");
    for Write { route, path, fields, event } in &table {
        let permission = plates.iter().find(|plate| plate.path == *route).unwrap().permission;
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let before = (acts(&stage, BOSS).await, acts(&stage, "viewer").await);
        if may(RoleName::Viewer, permission) {
            assert!(
                matches!(*route, "/theme" | "/account/password"),
                "{route}: whoever looks writes nothing but their own"
            );
            assert_eq!(permission, Permission::View);
        } else {
            assert_eq!(viewer.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{route} as a viewer");
        }
        assert_eq!(boss.send_form(path, &fields).await.status, StatusCode::FORBIDDEN, "{route} without a token");
        let forged: Vec<_> = fields.iter().copied().chain([("csrf", "0123456789abcdef")]).collect();
        assert_eq!(boss.send_form(path, &forged).await.status, StatusCode::FORBIDDEN, "{route} with a made-up token");
        assert_eq!((acts(&stage, BOSS).await, acts(&stage, "viewer").await), before, "{route}: nothing was done");
        let done = boss.post(path, &fields).await;
        let is_fine = [StatusCode::SEE_OTHER, StatusCode::OK].contains(&done.status);
        assert!(is_fine, "{route}: {} {}", done.status, done.body);
        let now = acts(&stage, BOSS).await;
        let new: Vec<&String> = now.iter().filter(|act| !before.0.contains(*act)).collect();
        if event.is_empty() {
            assert!(new.is_empty(), "{route}: {new:?}");
        } else {
            let is_told = |act: &&&String| event.iter().all(|word| act.contains(word));
            assert!(new.iter().any(|act| is_told(&act)), "{route}: {event:?} is not in {new:?}");
        }
    }
}
