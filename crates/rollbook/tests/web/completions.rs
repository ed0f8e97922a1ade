//! Completions by a person's hand, from the button to the ELM: run now, looked at and sent, sent again, given up, supplied.

use crate::browser::Browser;
use crate::stage::{ANN, COURSE, JANE, Stage};
use axum::http::StatusCode;
use rollbook_journal::AttentionFilter;
use rollbook_journal::requests::RequestState;
use rollbook_sandbox::FeedRow;
use rollbook_settings::service::RoleName;

const ZOE: &str = "A1A1A1A1A1A1A1A1A1A1A1A1A1A1A107";

async fn item_of(stage: &Stage, kind: &str) -> i64 {
    let items = stage.journal.attention().list(&AttentionFilter::default(), 100).await.unwrap();
    items.iter().find(|item| item.kind == kind).unwrap_or_else(|| panic!("no {kind} in {items:?}")).id
}

/// Somebody of the feed has completed the course.
async fn complete(stage: &Stage, guid: &str) {
    let (user, course) = {
        let world = stage.world();
        (world.moodle.users_by_idnumber(guid)[0].id, world.moodle.courses_by_idnumber(&COURSE.to_string())[0].id)
    };
    stage.world().moodle.complete(user, course, stage.now());
}

#[tokio::test]
async fn completion_by_hand_shows_its_body_before_it_is_sent() {
    let stage = Stage::small().await;
    complete(&stage, JANE).await;
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    let named = [("link", "done"), ("user", JANE), ("course", "930001")];
    let asked = operator.post("/completions/preview", &named).await;
    stage.work().await;
    let page = operator.get(asked.location()).await;
    assert!(page.body.contains("<h4>Body</h4>") && page.body.contains("700001"), "{}", page.body);
    assert!(stage.world().elm.completions_of(700_001).is_empty(), "a look sends nothing");
    let sent = operator.post("/completions/send", &named).await;
    stage.work().await;
    let done = operator.get(sent.location()).await;
    assert!(done.body.contains("accepted by the ELM"), "{}", done.body);
    assert_eq!(stage.world().elm.completions_of(700_001).len(), 1);
}

#[tokio::test]
async fn refused_completion_shows_what_was_sent_and_is_sent_again_from_its_item() {
    let stage = Stage::small().await;
    complete(&stage, JANE).await;
    stage.world().elm.closed.insert(700_001);
    stage.run("done").await;
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    let path = format!("/attention/{}", item_of(&stage, "completion_refused").await);
    let page = operator.get(&path).await;
    for part in ["What the ELM was sent", "Enrolment 700001 is closed", "jane.doe@example.org", "What to do:"] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains("0 records") && !page.body.contains("completed_at"), "{}", page.body);
    let (_, report) = page.body.split_once("name=\"report\" value=\"").unwrap();
    let report = report.split('"').next().unwrap().to_owned();
    stage.world().elm.closed.clear();
    operator.post("/completions/retry", &[("link", "done"), ("report", &report)]).await;
    stage.work().await;
    assert_eq!(stage.world().elm.completions_of(700_001).len(), 1);
    assert!(operator.get(&path).await.body.contains("Closed: the cause no longer exists."));
}

#[tokio::test]
async fn completions_are_run_now_given_up_and_supplied_from_their_page() {
    let stage = Stage::small().await;
    let mut operator = Browser::of(&stage, RoleName::Operator).await;
    complete(&stage, JANE).await;
    let ran = operator.post("/links/done/run", &[]).await;
    stage.work().await;
    assert!(operator.get(ran.location()).await.body.contains("Open the run"));
    assert_eq!(stage.world().elm.completions_of(700_001).len(), 1, "run now");
    // The next one is refused, and a person gives its report up.
    let row = FeedRow::enrol(ANN, "ann.new@example.org", COURSE, stage.now()).named("Ann", "New");
    stage.world().elm.push(row.numbered(700_100));
    stage.run("demo").await;
    stage.world().elm.closed.insert(700_100);
    complete(&stage, ANN).await;
    stage.run("done").await;
    let page = operator.get("/completions?standing=refused").await.body;
    let (_, report) = page.split_once("name=\"report\" value=\"").expect("a refused one can be sent again");
    let report = report.split('"').next().unwrap().to_owned();
    operator.post("/completions/cancel", &[("link", "done"), ("report", &report)]).await;
    assert!(operator.get("/completions?standing=cancelled").await.body.contains(">cancelled<"));
    stage.world().elm.closed.clear();
    stage.run("done").await;
    assert!(stage.world().elm.completions_of(700_100).is_empty(), "what was given up is not sent");
    let again = operator.post("/completions/cancel", &[("link", "done"), ("report", &report)]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    // One whom the ELM enrolled without a number waits for it.
    let row = FeedRow::enrol(ZOE, "zoe@example.org", COURSE, stage.now()).named("Zoe", "Numberless");
    let row = row.numbered(700_101);
    let mut row = serde_json::Value::from(row);
    row["ENROLMENT_ID"] = serde_json::Value::Null;
    stage.world().elm.rows.push(row);
    stage.run("demo").await;
    complete(&stage, ZOE).await;
    stage.run("done").await;
    let page = operator.get("/completions?standing=waiting").await.body;
    let form = page.split_once("action=\"/completions/supply\"").expect("it takes a number").1.to_owned();
    let value = |name: &str| {
        let (_, rest) = form.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let (user, course, completed) = (value("user"), value("course"), value("completed"));
    let fields =
        [("link", "done"), ("user", &user), ("course", &course), ("completed", &completed), ("enrolment", "812345")];
    let sent = operator.post("/completions/supply", &fields).await;
    stage.work().await;
    assert_eq!(stage.request(sent.location()).await.state, RequestState::Done);
    assert_eq!(stage.world().elm.completions_of(812_345).len(), 1);
}
