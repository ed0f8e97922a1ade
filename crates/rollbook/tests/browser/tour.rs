//! The tour: what a person does on a day, then every page in every light.

use crate::driver::Driver;
use crate::search;
use crate::served::{NAME, PASSWORD, Served};
use rollbook_core::model::{Field, Guid};
use rollbook_journal::{AttentionFilter, LogQuery, PlanState};
use rollbook_sandbox::demo::cases;
use rollbook_sandbox::{Fault, Kind, Target};
use serde_json::json;

const DESK: (u32, u32) = (1280, 900);
const PHONE: (u32, u32) = (390, 844);
const NARROW: (u32, u32) = (320, 700);
const TABLET: (u32, u32) = (1024, 768);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_gets_through_every_page_and_axe_finds_no_fault() {
    let served = Served::start().await;
    let driver = Driver::start(&served.url).await;
    driver.look_as(DESK, "light").await;
    log_in(&driver).await;
    search(&driver).await;
    search::try_everything(&driver, &served).await;
    export(&driver, &served).await;
    watch_a_run(&driver, &served).await;
    process_by_hand(&driver, &served).await;
    let item = resolve(&driver, &served).await;
    let completion = preview_completion(&driver, &served).await;
    see_every_page(&driver, &served, &[item, completion]).await;
    let plan = approve(&driver, &served).await;
    driver.open(&plan).await;
    driver.sees("used").await;
    choose_theme_and_find_by_keyboard(&driver).await;
    change_password(&driver).await;
    let complaints = driver.complaints().await;
    assert!(complaints.is_empty(), "the browser complains: {complaints:?}");
}

async fn log_in(driver: &Driver) {
    driver.open("/log?q=lee").await;
    driver.sees("Log in").await;
    check(driver, "login").await;
    driver.look_as(DESK, "light").await;
    driver.write("[name=name]", NAME).await;
    driver.write("[name=password]", "a wrong password").await;
    driver.press("Log in").await;
    driver.sees("The name or the password is wrong.").await;
    driver.write("[name=password]", PASSWORD).await;
    driver.press("Log in").await;
    driver.sees("Learner log").await;
    assert_eq!(driver.path().await, "/log?q=lee", "one comes to where one wanted to go");
}

/// Searching as one types, without a reload; then a story.
async fn search(driver: &Driver) {
    driver.open("/log").await;
    driver.script("window.notReloaded = true").await;
    driver.write("#q", "learner.3.1@example.org").await;
    driver.until("document.querySelectorAll('#results tbody tr').length > 0 && [...document.querySelectorAll('#results tbody tr')].every(row => row.innerText.includes('learner.3.1@'))").await;
    assert_eq!(driver.script("return window.notReloaded").await, true);
    assert_eq!(driver.path().await.split('?').next(), Some("/log"), "the address can be shared");
    assert!(driver.path().await.contains("q=learner"), "{}", driver.path().await);
    driver.click("#results tbody a").await;
    driver.sees("How this happened").await;
    let story = driver.path().await;
    assert!(story.starts_with("/people/demo/"), "{story}");
    // The next page has other lines.
    driver.open("/log").await;
    let first = driver.script("return document.querySelector('#results tbody').innerText").await;
    driver.press("Next page").await;
    driver.sees("First page").await;
    assert_ne!(driver.script("return document.querySelector('#results tbody').innerText").await, first);
}

async fn export(driver: &Driver, served: &Served) {
    driver.open("/log?q=learner").await;
    let href = driver.script("return document.querySelector('a[download]').getAttribute('href')").await;
    assert_eq!(href, "/log.csv?q=learner");
    driver
        .script("window.csv = ''; fetch('/log.csv').then(found => found.text()).then(text => { window.csv = text; })")
        .await;
    driver.until("window.csv.length > 0").await;
    let text = driver.script("return window.csv").await.as_str().unwrap().to_owned();
    let lines = csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).count();
    let all = served
        .stage
        .journal
        .records()
        .log(&LogQuery { limit: 100_000, ..LogQuery::default() })
        .await
        .unwrap()
        .rows
        .len();
    assert_eq!(lines, all);
}

/// A run is asked for, is seen to be under way, and its end comes without a reload.
async fn watch_a_run(driver: &Driver, served: &Served) {
    ask_for_a_slow_run(driver, served, 4_000).await;
    driver.script("window.notReloaded = true").await;
    driver.sees("running").await;
    driver.picture("request-under-way-desk").await;
    driver.sees("Open the run").await;
    assert_eq!(driver.script("return window.notReloaded").await, true, "the page followed it by itself");
    let asked = driver.path().await;
    // So does the overview: the run appears on it, and goes.
    ask_for_a_slow_run(driver, served, 12_000).await;
    driver.open("/").await;
    driver.script("window.notReloaded = true").await;
    driver.sees("running now, on").await;
    driver.picture("overview-running-desk").await;
    driver.until("!document.body.innerText.includes('running now, on')").await;
    assert_eq!(driver.script("return window.notReloaded").await, true, "nobody loaded it again");
    driver.open(&asked).await;
    driver.press("Open the run").await;
    driver.sees("Events").await;
}

/// From the overview, with a feed that takes its time; the page that is then shown has come, or it would come over the next one.
async fn ask_for_a_slow_run(driver: &Driver, served: &Served, feed_ms: u64) {
    served.stage.sandbox.as_ref().unwrap().faults().arm(Fault::nth(Target::Feed, 1, Kind::SlowMs(feed_ms)));
    driver.open("/").await;
    driver.click("form[action='/links/demo/run'] button").await;
    driver.sees("The run was requested").await;
}

async fn process_by_hand(driver: &Driver, served: &Served) {
    let case = cases::COURSE_UNKNOWN;
    let row = newest(served, case.guid).await;
    let course = row.text.get(Field::Course).to_owned();
    served.stage.world().moodle.add_course(&course, "A course that was made today");
    driver.open("/intake").await;
    driver.write("[name=guid]", case.guid).await;
    driver.press("Query feed").await;
    driver.sees("A course that was made today").await;
    check(driver, "intake-answer").await;
    driver.look_as(DESK, "light").await;
    driver.press("Process").await;
    driver.sees("Open the run").await;
    assert_eq!(newest(served, case.guid).await.status, "Success");
}

async fn newest(served: &Served, guid: &str) -> rollbook_journal::LogRow {
    let query = LogQuery { guid: Some(Guid::new(guid)), ..LogQuery::default() };
    served.stage.journal.records().log(&query).await.unwrap().rows.remove(0)
}

/// An item is decided, and the records behind it are released. Gives the path of another that is open.
async fn resolve(driver: &Driver, served: &Served) -> String {
    let items = served.stage.journal.attention().list(&AttentionFilter::default(), 100).await.unwrap();
    let changed = items.iter().find(|item| item.kind == "guid_changed").unwrap();
    let guid = served.stage.journal.attention().records_behind(changed.id, 0, 1).await.unwrap()[0]
        .text
        .get(Field::Guid)
        .to_owned();
    driver.open("/attention").await;
    driver.click(&format!("a[href='/attention/{}']", changed.id)).await;
    driver.sees("Evidence").await;
    driver.click("input[name=account]").await;
    driver.press("Use this account").await;
    driver.sees("released or settled").await;
    driver.sees("Open the run").await;
    assert_eq!(newest(served, &guid).await.status, "Success");
    // The records that waited are enrolled, and one sees it.
    driver.open(&format!("/log?guid={guid}")).await;
    driver
        .until("[...document.querySelectorAll('#results tbody tr')].every(row => row.innerText.includes('enrolled'))")
        .await;
    driver.open("/attention").await;
    driver.until(&format!("!document.querySelector({})", json!(format!("a[href='/attention/{}']", changed.id)))).await;
    let other = items.iter().find(|item| item.kind == "mail_mismatch").unwrap();
    format!("/attention/{}", other.id)
}

/// The body of a completion is shown before anything is sent.
async fn preview_completion(driver: &Driver, served: &Served) -> String {
    let link = rollbook_core::model::LinkName::new("done");
    let query = rollbook_journal::CompletionQuery { limit: 1, ..Default::default() };
    let row = served.stage.journal.completions().list(&link, &query).await.unwrap().remove(0);
    driver.open("/completions").await;
    driver.write("[name=user]", row.seen.guid.as_str()).await;
    driver.write("main form[action='/completions/preview'] [name=course]", row.course.unwrap().as_str()).await;
    driver.press("Preview").await;
    driver.until("document.querySelector('section.card')").await;
    driver.path().await
}

async fn approve(driver: &Driver, served: &Served) -> String {
    let plans = served.stage.journal.plans().list(None, Some(PlanState::Blocked), None, 1).await.unwrap();
    let path = format!("/plans/{}", plans[0].id);
    driver.open("/plans").await;
    driver.click(&format!("a[href='{path}']")).await;
    driver.sees("Removes (").await;
    driver.write("[name=why]", "They left, their manager says").await;
    driver.press("Approve").await;
    driver.sees("is approved").await;
    driver.sees("Open the run").await;
    assert_eq!(served.stage.journal.plans().find(plans[0].id).await.unwrap().state, PlanState::Used);
    path
}

async fn see_every_page(driver: &Driver, served: &Served, more: &[String]) {
    driver.open("/doctor").await;
    driver.press("Run checks").await;
    driver.sees("Checked").await;
    let runs = served.stage.journal.runs().list(&rollbook_journal::RunFilter::default()).await.unwrap();
    let run =
        |flow: &str| format!("/runs/{}", runs.iter().find(|run| run.flow == flow && run.counts.calls > 0).unwrap().id);
    let plans = served.stage.journal.plans().list(None, Some(PlanState::Blocked), None, 1).await.unwrap();
    let story = newest(served, cases::OTHER_MAIL.guid).await;
    let pages = [
        ("overview", "/".to_owned()),
        ("log", "/log".to_owned()),
        ("log-filtered", "/log?status=Error".to_owned()),
        ("story", format!("/people/demo/{}?course={}", cases::OTHER_MAIL.guid, story.text.get(Field::Course))),
        ("person", format!("/people/demo/{}", cases::OTHER_MAIL.guid)),
        ("courses", "/courses".to_owned()),
        ("runs", "/runs".to_owned()),
        ("run-intake", run("intake")),
        ("run-guilds", run("guilds")),
        ("guilds", "/guilds".to_owned()),
        ("plans", "/plans".to_owned()),
        ("plan", format!("/plans/{}", plans[0].id)),
        ("attention", "/attention?show=all".to_owned()),
        ("codes", "/codes".to_owned()),
        ("attention-item", more[0].clone()),
        ("intake", "/intake".to_owned()),
        ("completions", more[1].clone()),
        ("doctor", "/doctor".to_owned()),
        ("settings", "/settings".to_owned()),
        ("accounts", "/accounts".to_owned()),
        ("own-account", "/account".to_owned()),
        ("failure", "/nowhere".to_owned()),
    ];
    let mut faults = Vec::new();
    for (name, path) in &pages {
        driver.look_as(DESK, "light").await;
        driver.open(path).await;
        faults.extend(look(driver, name).await);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The page that is open, in light and dark, on a desk and on a phone; what axe holds against it.
async fn look(driver: &Driver, name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let looks = [(DESK, "desk", &["light", "dark"][..]), (PHONE, "phone", &["light", "dark"])];
    for (size, place, themes) in
        looks.into_iter().chain([(NARROW, "narrow", &["light"][..]), (TABLET, "tablet", &["light"])])
    {
        for theme in themes {
            driver.look_as(size, theme).await;
            driver.picture(&format!("{name}-{place}-{theme}")).await;
            faults.extend(driver.faults().await.into_iter().map(|fault| format!("{name}, {place}, {theme}: {fault}")));
            let wide = driver
                .script("return document.documentElement.scrollWidth > document.documentElement.clientWidth")
                .await;
            if wide == true {
                faults.push(format!("{name}, {place}: the page is wider than the window"));
            }
        }
    }
    faults
}

async fn check(driver: &Driver, name: &str) {
    let faults = look(driver, name).await;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// From the name in the menu to another password, with which one gets in.
async fn change_password(driver: &Driver) {
    const WANTED: &str = "another horse and another staple";
    log_in_with(driver, PASSWORD).await;
    driver.click(".who a").await;
    driver.sees("Change your password").await;
    driver.write("[name=current]", "a wrong password").await;
    for field in ["[name=new]", "[name=repeated]"] {
        driver.write(field, WANTED).await;
    }
    driver.press("Change password").await;
    driver.sees("The current password is wrong.").await;
    check(driver, "own-account-refused").await;
    driver.look_as(DESK, "light").await;
    for (field, text) in [("[name=current]", PASSWORD), ("[name=new]", WANTED), ("[name=repeated]", WANTED)] {
        driver.write(field, text).await;
    }
    driver.press("Change password").await;
    driver.sees("Your password is changed").await;
    driver.press("Log out").await;
    driver.sees("Log in").await;
    log_in_with(driver, WANTED).await;
}

async fn log_in_with(driver: &Driver, password: &str) {
    driver.open("/login").await;
    driver.write("[name=name]", NAME).await;
    driver.write("[name=password]", password).await;
    driver.press("Log in").await;
    driver.sees("Overview").await;
}

/// The person's own choice of light and dark outlasts the browser's, and the keyboard finds the way past the navigation.
async fn choose_theme_and_find_by_keyboard(driver: &Driver) {
    driver.look_as(DESK, "light").await;
    driver.open("/").await;
    driver.press("Dark").await;
    driver.until("document.documentElement.dataset.theme === 'dark'").await;
    let colour = driver.script("return getComputedStyle(document.body).backgroundColor").await;
    assert_eq!(colour, "rgb(19, 24, 26)");
    driver.press("Auto").await;
    driver.until("!document.documentElement.dataset.theme").await;
    driver.script("document.querySelector('.skip').focus()").await;
    driver.picture("skip-link-desk").await;
    driver.click(".skip").await;
    driver.until("document.activeElement.id === 'main'").await;
    driver.press("Log out").await;
    driver.sees("Log in").await;
}
