//! The day's work in a browser that runs no script: the forms and links of the pages are enough.

use crate::driver::Driver;
use crate::served::{NAME, PASSWORD, Served};
use rollbook_core::model::{Field, Guid};
use rollbook_journal::{AttentionFilter, LogQuery, PlanState};
use rollbook_sandbox::{FeedRow, demo};
use std::time::Duration;

const GUID: &str = "0D77A7D7A24F53B8DC558936D0A0FFFF";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_can_be_done_without_scripts() {
    let served = Served::start().await;
    let driver = Driver::start(&served.url).await;
    driver.without_scripts().await;
    driver.look_as((1280, 900), "light").await;
    driver.open("/login").await;
    driver.write("[name=name]", NAME).await;
    driver.write("[name=password]", PASSWORD).await;
    driver.press("Log in").await;
    driver.sees("Overview").await;
    assert_eq!(driver.script("return typeof window.htmx").await, "undefined", "no script of the page ran");
    search_filter_and_turn_pages(&driver).await;
    export(&driver, &served).await;
    decide(&driver, &served).await;
    process(&driver, &served).await;
    approve(&driver, &served).await;
    run_and_pause(&driver).await;
    driver.press("Dark").await;
    driver.until("document.documentElement.dataset.theme === 'dark'").await;
    driver.press("Log out").await;
    driver.sees("Log in").await;
    assert_eq!(driver.script("return typeof window.htmx").await, "undefined");
}

async fn rows(driver: &Driver) -> Vec<String> {
    let found =
        driver.script("return [...document.querySelectorAll('#results tbody tr')].map(row => row.innerText)").await;
    found.as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_owned()).collect()
}

/// A page that waits for the process is looked at again, by its own link, until it says this.
async fn look_again_until(driver: &Driver, text: &str) {
    for _ in 0..300 {
        let said = driver.script("return document.body ? document.body.innerText : ''").await;
        if said.as_str().unwrap().contains(text) {
            return;
        }
        // Between two pages there is neither.
        if said.as_str().unwrap().contains("Reload") {
            driver.press("Reload").await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{text} never came");
}

async fn search_filter_and_turn_pages(driver: &Driver) {
    driver.open("/log").await;
    driver.write("#q", "learner.3.1@example.org").await;
    driver.press("Search").await;
    driver
        .until("location.search.startsWith('?q=learner.3.1%40example.org') && document.querySelector('#results')")
        .await;
    let found = rows(driver).await;
    assert!(!found.is_empty() && found.iter().all(|row| row.contains("learner.3.1@")), "{found:?}");
    driver.click("#results tbody a").await;
    driver.sees("How this happened").await;
    driver.open("/log").await;
    driver.click("details.filters summary").await;
    driver.click("select[name=status] option[value=Error]").await;
    driver.press("Apply").await;
    driver.until("location.search.includes('status=Error') && document.querySelector('#results')").await;
    let bad = driver.script("return [...document.querySelectorAll('#results tbody tr')].every(row => row.querySelector('.badge.bad, .badge.busy'))").await;
    assert!(bad == true && rows(driver).await.len() > 3);
    driver.press("Mail").await;
    driver.until("location.search.includes('sort=mail') && location.search.includes('status=Error')").await;
    driver.open("/log").await;
    let first = rows(driver).await;
    driver.press("Next page").await;
    driver.sees("First page").await;
    let second = rows(driver).await;
    assert!(first.iter().all(|row| !second.contains(row)) && !second.is_empty());
}

/// The button brings a file, with every line.
async fn export(driver: &Driver, served: &Served) {
    let folder = tempfile::tempdir().unwrap();
    driver.keep_downloads_in(folder.path()).await;
    driver.open("/log").await;
    driver.press("Export CSV").await;
    let file = driver.downloaded(folder.path()).await;
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.starts_with("rollbook-log-") && name.ends_with(".csv"), "{name}");
    let lines = csv::Reader::from_path(&file).unwrap().records().map(Result::unwrap).count();
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

async fn statuses(served: &Served, guid: &str) -> Vec<String> {
    let query = LogQuery { guid: Some(Guid::new(guid)), ..LogQuery::default() };
    served.stage.journal.records().log(&query).await.unwrap().rows.into_iter().map(|row| row.status).collect()
}

async fn decide(driver: &Driver, served: &Served) {
    let items = served.stage.journal.attention().list(&AttentionFilter::default(), 100).await.unwrap();
    let item = items.iter().find(|item| item.kind == "guid_changed").unwrap();
    let behind = served.stage.journal.attention().records_behind(item.id, 0, 9).await.unwrap();
    let guid = behind[0].text.get(Field::Guid).to_owned();
    driver.open("/attention").await;
    driver.click(&format!("a[href='/attention/{}']", item.id)).await;
    driver.click("input[name=account]").await;
    driver.press("Use this account").await;
    look_again_until(driver, "Open the run").await;
    driver.open(&format!("/log?guid={guid}")).await;
    let released = rows(driver).await;
    assert!(released.len() == behind.len() && released.iter().all(|row| row.contains("enrolled")), "{released:?}");
}

async fn process(driver: &Driver, served: &Served) {
    let written = served.stage.now();
    let row = FeedRow::enrol(GUID, "plain@example.org", demo::FIRST_COURSE, written).named("Pat", "Plain");
    served.stage.world().elm.push(row.numbered(777_777));
    driver.open("/intake").await;
    driver.write("[name=guid]", GUID).await;
    driver.press("Query feed").await;
    look_again_until(driver, "Processing would").await;
    driver.press("Process").await;
    look_again_until(driver, "Open the run").await;
    assert_eq!(statuses(served, GUID).await, ["Success"]);
}

async fn approve(driver: &Driver, served: &Served) {
    let plan = served.stage.journal.plans().list(None, Some(PlanState::Blocked), None, 1).await.unwrap().remove(0).id;
    driver.open("/plans").await;
    driver.click(&format!("a[href='/plans/{plan}']")).await;
    driver.write("[name=why]", "They left, their manager says").await;
    driver.press("Approve").await;
    look_again_until(driver, "Open the run").await;
    assert_eq!(served.stage.journal.plans().find(plan).await.unwrap().state, PlanState::Used);
}

async fn run_and_pause(driver: &Driver) {
    driver.open("/").await;
    driver.click("form[action='/links/demo/run'] button").await;
    look_again_until(driver, "Open the run").await;
    driver.open("/").await;
    driver.click("details.pause:has(form[action='/links/done/pause']) summary").await;
    driver.write("form[action='/links/done/pause'] [name=why]", "The ELM moves").await;
    driver.click("form[action='/links/done/pause'] button").await;
    driver.sees("Paused by").await;
    driver.click("form[action='/links/done/resume'] button").await;
    driver.sees("done is resumed").await;
}
