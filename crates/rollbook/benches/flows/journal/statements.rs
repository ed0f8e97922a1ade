//! What runs and pages ask of the journal, statement by statement.

use super::Bench;
use super::made::{at, decision, record};
use jiff::SignedDuration;
use rollbook_core::model::{ElmCourseId, EnrolmentId, FeedRecord, Guid, Mail};
use rollbook_journal::{AttentionFilter, Decision, FeedRead, LogQuery, LogSort};
use std::future::Future;
use std::time::{Duration, Instant};

/// So often each is asked.
const TIMES: u32 = 21;

impl Bench {
    /// Prints a line a statement.
    pub async fn measure(&self, total: u64) {
        println!("\n| statement | median ms | slowest ms | rows |\n|---|--:|--:|--:|");
        writes(self, total).await;
        reads(self, total).await;
    }

    async fn time<F: Future<Output = usize>>(&self, what: &str, call: impl Fn(u32) -> F) {
        let mut times = Vec::new();
        let mut rows = 0;
        for n in 0..TIMES {
            let start = Instant::now();
            rows = call(n).await;
            times.push(start.elapsed());
        }
        times.sort();
        println!("| {what} | {} | {} | {rows} |", show(times[times.len() / 2]), show(times[times.len() - 1]));
    }

    async fn search(&self, what: &str, query: LogQuery) {
        let page = async |query: &LogQuery| self.journal.records().log(query).await.unwrap();
        self.time(what, |_| async { page(&query).await.rows.len() }).await;
    }
}

fn show(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}

fn free(search: &str) -> LogQuery {
    LogQuery { search: search.to_owned(), ..LogQuery::default() }
}

/// What runs write.
async fn writes(bench: &Bench, total: u64) {
    let Bench { journal, lease, run, now } = bench;
    let known: Vec<_> = (total - 1_000..total).map(record).collect();
    let read = FeedRead { records: &known, covered: None, watermark: Some(*now) };
    let again = async || journal.records().ingest(lease, run, &read, *now).await.unwrap().known;
    bench.time("ingest 1,000 known", |_| async { usize::try_from(again().await).unwrap() }).await;
    let prints: Vec<_> = known.iter().map(|record| record.fingerprint).collect();
    let known = async || journal.records().known(lease.link(), &prints).await.unwrap();
    bench.time("known 1,000", |_| async { known().await.len() }).await;
    let fresh = |n: u32| {
        let from = total + 1_000_000 + u64::from(n) * 1_000;
        (from..from + 1_000).map(|n| (record(n), n)).collect::<Vec<_>>()
    };
    let batches: Vec<Vec<(FeedRecord, u64)>> = (0..TIMES).map(fresh).collect();
    let records: Vec<Vec<FeedRecord>> =
        batches.iter().map(|batch| batch.iter().map(|(record, _)| record.clone()).collect()).collect();
    let store = async |n: u32| {
        let records = &records[usize::try_from(n).unwrap()];
        let read = FeedRead { records, covered: None, watermark: None };
        journal.records().ingest(lease, run, &read, *now).await.unwrap().new
    };
    bench.time("ingest 1,000 new", |n| async move { usize::try_from(store(n).await).unwrap() }).await;
    let decisions: Vec<Vec<Decision>> =
        batches.iter().map(|batch| batch.iter().map(|(record, n)| decision(record, *n)).collect()).collect();
    let decide = async |n: u32| {
        journal.records().decide(lease, run, &decisions[usize::try_from(n).unwrap()], *now).await.unwrap().changed
    };
    bench.time("decide 1,000", |n| async move { usize::try_from(decide(n).await).unwrap() }).await;
    let many: Vec<_> = (total + 3_000_000..total + 3_100_000).map(record).collect();
    let start = Instant::now();
    let read = FeedRead { records: &many, covered: None, watermark: None };
    journal.records().ingest(lease, run, &read, *now).await.unwrap();
    let stored = start.elapsed();
    let many: Vec<_> = many.iter().map(|record| Decision { mail: None, ..decision(record, 5) }).collect();
    let start = Instant::now();
    for part in many.chunks(1_000) {
        journal.records().decide(lease, run, part, *now).await.unwrap();
    }
    println!("\n100,000 new records at once: stored in {stored:.1?}, decided by 1,000 in {:.1?}\n", start.elapsed());
}

async fn reads(bench: &Bench, total: u64) {
    let Bench { journal, lease, now, .. } = bench;
    let one = record(total / 2);
    let link = lease.link();
    let due = async || journal.records().due(link, &jiff::tz::TimeZone::UTC, *now, 1_000).await.unwrap().len();
    bench.time("due, first 1,000", |_| due()).await;
    let people: Vec<Guid> = (0..1_000).map(|n| record(n * 37 % total).guid()).collect();
    let applied = async || journal.records().applied(link, &people).await.unwrap().len();
    bench.time("applied of 1,000 people", |_| applied()).await;
    let newest = async || journal.records().newest(link, &people, &jiff::tz::TimeZone::UTC).await.unwrap().len();
    bench.time("newest of 1,000 people", |_| newest()).await;
    let intents = async || journal.plans().unsettled_intents(link).await.unwrap().len();
    bench.time("unsettled intents", |_| intents()).await;
    let overview = async || {
        journal.runs().totals_since(None, *now - SignedDuration::from_hours(24 * 7)).await.unwrap();
        journal.outbox().totals().await.unwrap();
        journal.links().overview(*now).await.unwrap().len()
    };
    bench.time("overview", |_| overview()).await;
    let courses = async || journal.records().course_totals(None).await.unwrap().len();
    bench.time("courses", |_| courses()).await;
    let attention = async || journal.attention().list(&AttentionFilter::default(), 100).await.unwrap().len();
    bench.time("attention, first 100", |_| attention()).await;
    let guid = one.guid();
    let story = async || journal.people().story(link, &guid, None).await.unwrap().records.len();
    bench.time("story", |_| story()).await;
    let mail = one.mail();
    let find = async || journal.people().find(link, mail.as_str()).await.unwrap().len();
    bench.time("find_people by mail", |_| find()).await;
    logs(bench, &one, total).await;
}

async fn logs(bench: &Bench, one: &FeedRecord, total: u64) {
    let none = LogQuery::default;
    bench.search("log: newest", none()).await;
    let page = bench.journal.records().log(&none()).await.unwrap();
    bench.search("log: second page", LogQuery { after: page.next, ..none() }).await;
    let middle = Some(at(total * 10));
    bench.search("log: until the middle", LogQuery { until: middle, ..none() }).await;
    bench.search("log: guid", LogQuery { guid: Some(one.guid()), ..none() }).await;
    bench.search("log: mail", LogQuery { mail: Some(Mail::new(one.mail().folded())), ..none() }).await;
    let id = one.enrolment_id().unwrap_or(EnrolmentId::new("5000001"));
    bench.search("log: enrolment id", LogQuery { enrolment_id: Some(id.clone()), ..none() }).await;
    let course = Some(ElmCourseId::new("930036"));
    bench.search("log: course", LogQuery { course: course.clone(), ..none() }).await;
    let error = Some("Error".to_owned());
    bench.search("log: course, errors", LogQuery { course: course.clone(), status: error.clone(), ..none() }).await;
    bench.search("log: errors", LogQuery { status: error.clone(), ..none() }).await;
    bench.search("log: errors until the middle", LogQuery { status: error.clone(), until: middle, ..none() }).await;
    bench.search("log: action", LogQuery { action: Some("Course not found".into()), ..none() }).await;
    bench.search("log: suspensions", LogQuery { action: Some("Suspend".into()), ..none() }).await;
    bench.search("log: by course", LogQuery { sort: LogSort::Course, ..none() }).await;
    bench.search("log: by mail, errors", LogQuery { sort: LogSort::Mail, status: error.clone(), ..none() }).await;
    for text in [
        one.guid().as_str(),
        one.mail().as_str(),
        id.as_str(),
        "930036",
        "ITEM-36-1",
        "jane doe",
        "müller",
        "doe12345",
        "ane.doe777",
        "gov.example",
        "error",
        "enrol",
        "safety",
        "nobody at all",
        &at(total * 10).to_string(),
        &at(total * 10).to_string()[..10],
    ] {
        bench.search(&format!("search: {text}"), free(text)).await;
    }
    bench.search("search: jane doe, errors", LogQuery { status: error, ..free("jane doe") }).await;
}
