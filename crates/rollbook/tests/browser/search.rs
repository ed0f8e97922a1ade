//! What one finds and how: each field of the search, filters, order, pages, times, charts; with scripts, as most people have them.

use crate::driver::Driver;
use crate::served::Served;
use rollbook_clock::zone;
use rollbook_core::model::Field;
use rollbook_journal::{LogQuery, LogRow};
use serde_json::{Value, json};

const ROWS: &str = "[...document.querySelectorAll('#results tbody tr')]";

pub async fn try_everything(driver: &Driver, served: &Served) {
    find_by_each_field(driver, served).await;
    find_by_a_time(driver, served).await;
    filter_and_sort(driver).await;
    read_times(driver).await;
    read_a_chart(driver).await;
    go_to_moodle(driver, served).await;
}

async fn rows(driver: &Driver) -> Vec<String> {
    let found = driver.script(&format!("return {ROWS}.map(row => row.innerText)")).await;
    found.as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_lowercase()).collect()
}

/// Every field that a record has is found by what stands in it, as one types it.
async fn find_by_each_field(driver: &Driver, served: &Served) {
    let all = served.stage.journal.records().log(&LogQuery { limit: 500, ..LogQuery::default() }).await.unwrap().rows;
    let row: &LogRow = all.iter().find(|row| row.status == "Error" && !row.course_name.is_empty()).unwrap();
    let text = |field: Field| row.text.get(field).to_owned();
    let asked = [
        text(Field::Guid),
        text(Field::Mail),
        format!("{} {}", text(Field::FirstName), text(Field::LastName)),
        text(Field::LastName),
        row.course_name.clone(),
        text(Field::Course),
        text(Field::EnrolmentId),
        row.status.clone(),
        row.action.clone(),
    ];
    for (at, asked) in asked.iter().enumerate() {
        driver.open("/log").await;
        driver.script("window.notReloaded = true").await;
        driver.write("#q", asked).await;
        let person = json!(text(Field::Guid).to_lowercase());
        // The first page of a status or an action need not have this very person.
        let found = if at < 7 {
            format!("{ROWS}.some(row => row.innerText.toLowerCase().includes({person}))")
        } else {
            format!("{ROWS}.length > 0")
        };
        driver.until(&format!("location.search.includes('q=') && {found}")).await;
        assert_eq!(driver.script("return window.notReloaded").await, true, "{asked}: found as one types");
        let shared = driver.path().await;
        let first = rows(driver).await;
        driver.open(&shared).await;
        assert_eq!(rows(driver).await.len(), first.len(), "{shared}: the address shows the same to others");
        if at == 7 {
            let wrong = driver
                .script(&format!("return {ROWS}.filter(row => !row.querySelector('.badge.bad, .badge.busy')).length"))
                .await;
            assert_eq!(wrong, 0, "{asked}: {first:#?}");
        }
    }
}

/// A time finds what happened within two minutes of it, and nothing else.
async fn find_by_a_time(driver: &Driver, served: &Served) {
    let all = served.stage.journal.records().log(&LogQuery { limit: 1_000, ..LogQuery::default() }).await.unwrap().rows;
    let (wanted, around) = (all.last().unwrap().at, |row: &&LogRow, at: jiff::Timestamp| {
        row.at.duration_since(at).abs() <= jiff::SignedDuration::from_mins(2)
    });
    let expected = all.iter().filter(|row| around(row, wanted)).count();
    assert!(expected < all.len(), "there is something else");
    driver.open(&format!("/log?q={wanted}")).await;
    assert_eq!(rows(driver).await.len(), expected);
    let far = driver
        .script(&format!(
            "return {ROWS}.filter(row => Math.abs(new Date(row.querySelector('time').dateTime) - new Date('{wanted}')) > 120000).length"
        ))
        .await;
    assert_eq!(far, 0);
    // As a person writes it, in the link's zone.
    let zoned = wanted.to_zoned(zone("America/Vancouver").unwrap());
    driver.open("/log").await;
    driver.write("#q", &zoned.strftime("%Y-%m-%d %H:%M").to_string()).await;
    driver.until(&format!("{ROWS}.length === {expected}")).await;
}

async fn filter_and_sort(driver: &Driver) {
    driver.open("/log").await;
    driver.click("details.filters summary").await;
    driver.click("select[name=status] option[value=Error]").await;
    driver.until("location.search.includes('status=Error')").await;
    driver
        .until(&format!("{ROWS}.length > 3 && {ROWS}.every(row => row.querySelector('.badge.bad, .badge.busy'))"))
        .await;
    assert_eq!(
        driver.script("return document.querySelector('details.filters').open").await,
        true,
        "one sees what narrows it"
    );
    driver.press("Mail").await;
    driver.until("location.search.includes('sort=mail') && document.querySelector('th[aria-sort]')").await;
    let mails = "[...document.querySelectorAll('#results td.mail')].map(cell => cell.innerText.toLowerCase())";
    let order = |direction: &str| {
        format!("return JSON.stringify({mails}) === JSON.stringify({mails}.sort(){direction}) && {mails}.length > 3")
    };
    assert_eq!(driver.script("return document.querySelector('th[aria-sort]').ariaSort").await, "descending");
    assert_eq!(driver.script(&order(".reverse()")).await, true);
    driver.press("Mail").await;
    driver.until("document.querySelector('th[aria-sort]').ariaSort === 'ascending'").await;
    assert_eq!(driver.script(&order("")).await, true);
    assert!(driver.path().await.contains("status=Error"), "the filter stays");
    // A column of its own.
    driver.open("/log").await;
    driver.click("details.filters summary").await;
    driver.write("[name=course]", "4001").await;
    driver.press("Apply").await;
    driver
        .until(&format!(
            "location.search.includes('course=4001') && {ROWS}.every(row => row.innerText.includes('4001'))"
        ))
        .await;
}

/// Times are told relative, with the exact one on hover, in the link's zone.
async fn read_times(driver: &Driver) {
    for path in ["/", "/log", "/runs", "/attention", "/guilds", "/plans"] {
        driver.open(path).await;
        let times = driver.script("return [...document.querySelectorAll('main time')].map(time => [time.innerText, time.title, time.dateTime])").await;
        let times: &Vec<Value> = times.as_array().unwrap();
        assert!(!times.is_empty(), "{path}");
        for time in times {
            let [told, title, machine] = [0, 1, 2].map(|at| time[at].as_str().unwrap());
            let at: jiff::Timestamp = machine.parse().unwrap();
            let exact = at.to_zoned(zone("America/Vancouver").unwrap()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
            assert_eq!(title, exact, "{path}: {machine}");
            assert!(["ago", "now", "in "].iter().any(|word| told.contains(word)), "{path}: {told}");
        }
    }
}

/// What a column stands for is told when one points at it, a click goes nearer, and a table says the same.
async fn read_a_chart(driver: &Driver) {
    driver.open("/runs").await;
    let column =
        "document.querySelectorAll('.chart g.column')[document.querySelectorAll('.chart g.column').length - 1]";
    let told = driver.script(&format!("return {column}.dataset.summary")).await.as_str().unwrap().to_owned();
    assert!(told.contains(" enrolled, ") && told.contains(" errors"), "{told}");
    assert_eq!(driver.script(&format!("return {column}.querySelector('title').textContent")).await, told.as_str());
    driver.script(&format!("{column}.querySelector('.hit').setAttribute('data-pointed', 'yes')")).await;
    driver.point_at("[data-pointed]").await;
    driver.until(&format!("document.querySelector('.readout').innerText === {}", json!(told))).await;
    driver.click(".chart details summary").await;
    let cells = driver
        .script("return [...document.querySelectorAll('.chart tbody tr')].at(-1).innerText.split(/\\s+/).join(' ')")
        .await;
    let numbers: Vec<&str> =
        told.split(|letter: char| !letter.is_ascii_digit()).filter(|part| !part.is_empty()).rev().take(3).collect();
    for number in numbers {
        assert!(cells.as_str().unwrap().contains(number), "{number} of {told} is in {cells}");
    }
    driver.click("[data-pointed]").await;
    driver.until("location.search.includes('range=day')").await;
    driver.until("document.querySelectorAll('.chart g.column').length === 24").await;
}

async fn go_to_moodle(driver: &Driver, served: &Served) {
    driver.open("/courses").await;
    let links = driver
        .script("return [...document.querySelectorAll('td[data-label=Moodle] a:first-of-type')].map(link => [link.href, link.closest('tr').querySelector('.sub').innerText])")
        .await;
    let links = links.as_array().unwrap();
    assert!(links.len() > 10, "{links:?}");
    let base = served.stage.sandbox.as_ref().unwrap().moodle_url();
    for link in links {
        let [href, number] = [0, 1].map(|at| link[at].as_str().unwrap());
        let id: i64 = href.rsplit_once("/course/view.php?id=").unwrap().1.parse().unwrap();
        assert!(href.starts_with(base.trim_end_matches('/')), "{href}");
        let course = served.stage.world().moodle.courses.get(id).unwrap().idnumber.clone();
        assert!(number.starts_with(&course), "{href} is course {course}, not {number}");
    }
}
