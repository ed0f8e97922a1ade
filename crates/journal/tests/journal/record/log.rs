//! The learner log: searched as the original did, paged by key, and the views that its reports read.

use crate::world::{World, at, decision, enrolled, link, read, record, record_with};
use jiff::tz::TimeZone;
use rollbook_core::model::{ElmCourseId, FeedRecord, Field, Guid, LinkName, Mail, RunId};
use rollbook_core::run::{Step, Verdict};
use rollbook_journal::{Journal, Lease, LogOrder, LogQuery, LogRow, LogSort};
use serde_json::json;
use std::collections::BTreeSet;

crate::rules! {
    pages_give_every_line_once_newest_first,
    pages_in_every_order_give_every_line_once,
    search_finds_what_the_original_searched,
    whole_guid_or_address_finds_its_people_and_all_their_lines,
    time_in_the_search_finds_two_minutes_around_it,
    common_text_finds_the_newest_lines,
    filters_narrow,
    log_of_all_links_is_one,
    story_tells_everything_about_one_person_and_course,
    person_is_found_by_guid_mail_and_account,
    tally_counts_what_the_log_shows,
    views_have_the_originals_columns_and_words,
}

async fn with(journal: &Journal, lease: &Lease, run: &RunId, records: &[FeedRecord]) {
    journal.records().ingest(lease, run, &read(records), at(1)).await.unwrap();
    for (record, minutes) in records.iter().zip(2..) {
        journal.records().decide(lease, run, &[enrolled(record)], at(minutes)).await.unwrap();
    }
}

async fn all(journal: &Journal, query: &LogQuery) -> Vec<LogRow> {
    let mut query = query.clone();
    let mut rows = Vec::new();
    loop {
        let page = journal.records().log(&query).await.unwrap();
        assert!(page.rows.len() <= query.limit as usize);
        rows.extend(page.rows);
        let Some(next) = page.next else { return rows };
        query.after = Some(next.to_string().parse().unwrap());
    }
}

fn query(search: &str) -> LogQuery {
    LogQuery { search: search.into(), ..LogQuery::default() }
}

async fn pages_give_every_line_once_newest_first(world: World) {
    let (journal, lease, run) = world.started().await;
    let records: Vec<_> = (0..23).map(record).collect();
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    // Many lines of one moment.
    let decisions: Vec<_> = records[..15].iter().map(enrolled).collect();
    journal.records().decide(&lease, &run, &decisions, at(5)).await.unwrap();
    for limit in [1, 4, 23, 50] {
        let rows = all(&journal, &LogQuery { limit, ..LogQuery::default() }).await;
        let ids: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
        assert_eq!((rows.len(), ids.len()), (23, 23));
        assert!(rows.is_sorted_by(|left, right| (left.at, left.id) > (right.at, right.id)));
    }
}

async fn pages_in_every_order_give_every_line_once(world: World) {
    let (journal, lease, run) = world.started().await;
    let records: Vec<_> = (0..45).map(record).collect();
    with(&journal, &lease, &run, &records).await;
    for sort in [LogSort::Time, LogSort::Guid, LogSort::Mail, LogSort::Course, LogSort::EnrolmentId] {
        for order in [LogOrder::Descending, LogOrder::Ascending] {
            let rows = all(&journal, &LogQuery { limit: 7, sort, order, ..LogQuery::default() }).await;
            assert_eq!(rows.len(), 45, "{sort:?} {order:?}");
            let key = |row: &LogRow| match sort {
                LogSort::Time => row.at.to_string(),
                LogSort::Guid => row.text.get(Field::Guid).to_lowercase(),
                LogSort::Mail => row.text.get(Field::Mail).to_lowercase(),
                LogSort::Course => row.text.get(Field::Course).to_owned(),
                LogSort::EnrolmentId => row.text.get(Field::EnrolmentId).to_owned(),
            };
            let mut keys: Vec<_> = rows.iter().map(key).collect();
            if order == LogOrder::Descending {
                keys.reverse();
            }
            assert!(keys.is_sorted(), "{sort:?} {order:?}");
        }
    }
}

async fn search_finds_what_the_original_searched(world: World) {
    let (journal, lease, run) = world.started().await;
    let records: Vec<_> = (0..30).map(record).collect();
    with(&journal, &lease, &run, &records).await;
    let found = async |text: &str| {
        let rows = all(&journal, &query(text)).await;
        rows.iter().map(|row| row.text.get(Field::Guid).to_owned()).collect::<BTreeSet<_>>()
    };
    let seven = BTreeSet::from(["GUID0000007".to_owned()]);
    for text in
        ["GUID0000007", "guid0000007", "person.7@example.org", "PERSON.7@", "doe7", "jane doe7", "500007", " Doe7 "]
    {
        assert_eq!(found(text).await, seven, "{text}");
    }
    assert_eq!(found("930003").await.len(), 2);
    assert_eq!(found("item-3-1").await.len(), 2);
    assert_eq!(found("health and").await.len(), 30);
    assert_eq!(found("success").await.len(), 30);
    assert_eq!(found("enrol").await.len(), 30);
    assert_eq!(found("jane").await.len(), 30);
    for text in ["nobody", "%", "_", "doe7 smith", "' OR 1=1 --", "\\"] {
        assert_eq!(found(text).await.len(), 0, "{text}");
    }
}

async fn whole_guid_or_address_finds_its_people_and_all_their_lines(world: World) {
    let (journal, lease, run) = world.started().await;
    let long = |row: &mut serde_json::Value| row["GUID"] = "0123456789ABCDEF0123456789ABCDEF".into();
    let longer = |row: &mut serde_json::Value| row["GUID"] = "0123456789ABCDEF0123456789ABCDEF77".into();
    let records = [
        record_with(1, long),
        // The same person under a new address.
        record_with(2, |row| {
            long(row);
            row["EMAIL"] = "new@example.org".into();
        }),
        // Others, of whom the whole texts are a part.
        record_with(3, longer),
        record_with(4, |row| row["EMAIL"] = "brand.new@example.org".into()),
    ];
    with(&journal, &lease, &run, &records).await;
    let found = async |text: &str| {
        let rows = all(&journal, &query(text)).await;
        rows.iter().map(|row| row.text.get(Field::EnrolmentId).to_owned()).collect::<BTreeSet<_>>()
    };
    let both = BTreeSet::from(["500001".to_owned(), "500002".to_owned()]);
    for text in ["0123456789abcdef0123456789abcdef", "New@Example.org ", "person.1@example.org"] {
        assert_eq!(found(text).await, both, "{text}");
    }
    assert_eq!(found("0123456789abcdef0123456789abcde").await.len(), 3, "a part of it finds all that have it");
    assert_eq!(found("new@example.or").await.len(), 3);
}

async fn time_in_the_search_finds_two_minutes_around_it(world: World) {
    let (journal, lease, run) = world.started().await;
    let records: Vec<_> = (0..30).map(record).collect();
    with(&journal, &lease, &run, &records).await;
    let minutes = async |text: &str| {
        let zone = TimeZone::fixed(jiff::tz::offset(-7));
        all(&journal, &LogQuery { zone, ..query(text) }).await.len()
    };
    assert_eq!(minutes("2026-11-23T09:10:00Z").await, 5);
    assert_eq!(minutes("2026-11-23 02:10").await, 5);
    assert_eq!(minutes("2026-11-23").await, 30);
    assert_eq!(minutes("2026-11-22").await, 0);
}

async fn common_text_finds_the_newest_lines(world: World) {
    let (journal, lease, run) = world.started().await;
    let records: Vec<_> = (0..2_500).map(record).collect();
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    journal.records().decide(&lease, &run, &[enrolled(&records[77])], at(2)).await.unwrap();
    let page = journal.records().log(&LogQuery { limit: 5, ..query("jane example") }).await.unwrap();
    assert_eq!(page.rows.len(), 5);
    assert_eq!(page.rows[0].text.get(Field::Guid), "GUID0000077");
    assert_eq!(all(&journal, &LogQuery { limit: 400, ..query("example.org") }).await.len(), 2_500);
}

async fn filters_narrow(world: World) {
    let (journal, lease, run) = world.started().await;
    let records: Vec<_> = (0..40).map(record).collect();
    with(&journal, &lease, &run, &records).await;
    let missing = decision(&records[3], Verdict::CourseNotFound, Step::AskAt(at(99)));
    journal.records().decide(&lease, &run, &[missing], at(99)).await.unwrap();
    let count = async |query: LogQuery| all(&journal, &query).await.len();
    let none = LogQuery::default;
    assert_eq!(count(LogQuery { status: Some("Error".into()), ..none() }).await, 1);
    assert_eq!(count(LogQuery { status: Some("Success".into()), ..none() }).await, 39);
    assert_eq!(count(LogQuery { action: Some("Course not found".into()), ..none() }).await, 1);
    assert_eq!(count(LogQuery { action: Some("Enrol".into()), ..none() }).await, 39);
    assert_eq!(count(LogQuery { course: Some(ElmCourseId::new("930003")), ..none() }).await, 2);
    let both = LogQuery { course: Some(ElmCourseId::new("930003")), status: Some("Error".into()), ..none() };
    assert_eq!(count(both).await, 1);
    assert_eq!(count(LogQuery { guid: Some(Guid::new("guid0000005")), ..none() }).await, 1);
    assert_eq!(count(LogQuery { mail: Some(Mail::new("PERSON.5@example.org")), ..none() }).await, 1);
    assert_eq!(count(LogQuery { since: Some(at(10)), until: Some(at(20)), ..none() }).await, 10);
    assert_eq!(count(LogQuery { status: Some("Error".into()), ..query("doe3") }).await, 1);
    assert_eq!(count(LogQuery { status: Some("Error".into()), ..query("doe4") }).await, 0);
    assert_eq!(count(LogQuery { link: Some(LinkName::new("other")), ..none() }).await, 0);
}

async fn log_of_all_links_is_one(world: World) {
    let (journal, lease, run) = world.started().await;
    with(&journal, &lease, &run, &[record(1), record(2)]).await;
    let other = journal.leases().acquire(&LinkName::new("other"), "one", crate::world::TTL, at(0)).await.unwrap();
    let second = journal.runs().start(&other, &crate::world::new_run(), at(0)).await.unwrap();
    with(&journal, &other, &second, &[record(1), record(2), record(3)]).await;
    let rows = all(&journal, &LogQuery { limit: 2, ..LogQuery::default() }).await;
    assert_eq!(rows.len(), 5);
    assert!(rows.is_sorted_by(|left, right| (left.at, left.id) > (right.at, right.id)));
    assert_eq!(all(&journal, &query("doe1")).await.len(), 2);
}

async fn story_tells_everything_about_one_person_and_course(world: World) {
    let (journal, lease, run) = world.started().await;
    let enrol = record(1);
    let suspend = record_with(1, |row| row["COURSE_STATE"] = json!("Suspend"));
    let elsewhere = record_with(1, |row| row["COURSE_IDENTIFIER"] = json!("930009"));
    with(&journal, &lease, &run, &[enrol.clone(), suspend, elsewhere, record(2)]).await;
    let story = journal.people().story(&link(), &enrol.guid(), Some(&enrol.course())).await.unwrap();
    assert_eq!((story.records.len(), story.applied.len()), (2, 1));
    assert!(story.events.iter().all(|event| event.guid_fold == Some(enrol.guid().folded())));
    assert_eq!(story.events.len(), 2);
    let story = journal.people().story(&link(), &enrol.guid(), None).await.unwrap();
    assert_eq!((story.records.len(), story.applied.len(), story.events.len()), (3, 2, 3));
}

async fn person_is_found_by_guid_mail_and_account(world: World) {
    let (journal, lease, run) = world.started().await;
    let before = record(1);
    let after = record_with(1, |row| {
        row["EMAIL"] = json!("jane.new@example.org");
        row["date_created"] = json!(at(59).to_string());
    });
    with(&journal, &lease, &run, &[before, after, record(2)]).await;
    for text in ["guid0000001", " GUID0000001", "Person.1@example.org", "JANE.NEW@example.org"] {
        let found = journal.people().find(&link(), text).await.unwrap();
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].guid.as_str(), "guid0000001");
    }
    assert_eq!(journal.people().find(&link(), "42").await.unwrap().len(), 2);
    assert!(journal.people().find(&link(), "0").await.unwrap().is_empty());
    assert!(journal.people().find(&link(), "nobody").await.unwrap().is_empty());
}

async fn tally_counts_what_the_log_shows(world: World) {
    let (journal, lease, run) = world.started().await;
    let records: Vec<_> = (0..40).map(record).collect();
    journal.records().ingest(&lease, &run, &read(&records), at(1)).await.unwrap();
    let decisions: Vec<_> = records[..30].iter().map(enrolled).collect();
    journal.records().decide(&lease, &run, &decisions, at(2)).await.unwrap();
    let missing: Vec<_> =
        records[30..35].iter().map(|record| decision(record, Verdict::CourseNotFound, Step::AskAt(at(3)))).collect();
    journal.records().decide(&lease, &run, &missing, at(3)).await.unwrap();
    journal.records().decide(&lease, &run, &missing, at(4)).await.unwrap();
    let courses = journal.records().course_totals(Some(&link())).await.unwrap();
    assert_eq!(courses.len(), 20);
    let total = |action: &str, status: &str| -> u64 {
        courses.iter().filter_map(|course| course.totals.get(&(action.to_owned(), status.to_owned()))).sum()
    };
    assert_eq!(total("Enrol", "Success"), 30);
    assert_eq!(total("Course not found", "Error"), 5);
    assert_eq!(total("Enrol", "Waiting"), 5);
    let sql = "SELECT COUNT(*) FROM tally JOIN (SELECT link, course, action, status, COUNT(*) AS n FROM record
        GROUP BY link, course, action, status) c ON c.link = tally.link AND c.course = tally.course
        AND c.action = tally.action AND c.status = tally.status AND c.n = tally.total";
    assert_eq!(world.number(sql).await, world.number("SELECT COUNT(*) FROM tally WHERE total <> 0").await);
}

async fn views_have_the_originals_columns_and_words(world: World) {
    let (journal, lease, run) = world.started().await;
    let odd = record_with(2, |row| {
        row["COURSE_IDENTIFIER"] = json!("ABC-1");
        row["ENROLMENT_ID"] = json!("E/77");
    });
    with(&journal, &lease, &run, &[record(1), odd.clone()]).await;
    journal
        .records()
        .decide(&lease, &run, &[decision(&odd, Verdict::CourseNotFound, Step::AskAt(at(9)))], at(9))
        .await
        .unwrap();
    journal.records().ingest(&lease, &run, &read(&[record(3)]), at(9)).await.unwrap();
    let sql = "SELECT COUNT(*) FROM local_psaelmsync_logs WHERE record_id = 1 AND sha256hash <> '' AND course_id = 7
        AND elm_course_id = 930001 AND class_code = 'ITEM-1-1' AND course_name = 'Health and Safety' AND user_id = 42
        AND user_firstname = 'Jane' AND user_lastname = 'Doe1' AND user_guid = 'GUID0000001'
        AND user_email = 'Person.1@Example.org' AND elm_enrolment_id = 500001 AND action = 'Enrol'
        AND status = 'Success' AND timestamp = 1795424520 AND record_date_created <> '' AND id > 0";
    assert_eq!(world.number(sql).await, 1);
    let sql = "SELECT COUNT(*) FROM local_psaelmsync_logs WHERE elm_course_id = 0 AND elm_enrolment_id = 0
        AND course_name = 'Not found!' AND action = 'Course not found' AND status = 'Error'";
    assert_eq!(world.number(sql).await, 1);
    assert_eq!(world.number("SELECT COUNT(*) FROM local_psaelmsync_logs").await, 2);
    let counts = rollbook_core::run::Counts { records: 3, enrolled: 1, errors: 1, ..Default::default() };
    let state = rollbook_core::run::RunState::Partly;
    journal.runs().finish(&lease, &run, state, &counts, "", at(10)).await.unwrap();
    let sql = "SELECT COUNT(*) FROM local_psaelmsync_runs WHERE id > 0 AND apiurl <> '' AND endtime > starttime
        AND recordcount = 3 AND enrolcount = 1 AND suspendcount = 0 AND errorcount = 1 AND skippedcount = 0";
    assert_eq!(world.number(sql).await, 1);
}
