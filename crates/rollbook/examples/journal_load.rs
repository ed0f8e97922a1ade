//! Fills a journal with many records and times what people and runs do with it.
//!
//! `cargo run --release --example journal_load -- ADDRESS DECIDED HISTORY`: so many records go through the feed and a decision,
//! so many more are taken over as history. The journal must be empty or from this program.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for a developer's terminal")]

use jiff::{SignedDuration, Timestamp};
use rollbook::journal::{
    AttentionFilter, Decision, FeedRead, HistoryRow, Journal, Lease, LogQuery, LogSort, NewRun, OpenOptions,
    OutboxItem, OutboxKind,
};
use rollbook_core::model::{
    ElmCourseId, EnrolmentId, FeedRecord, FieldNames, Guid, LinkName, Mail, MoodleCourseId, MoodleUserId, RunId,
    read_record,
};
use rollbook_core::plan::AppliedState;
use rollbook_core::run::{RunKind, Step, Verdict};
use serde_json::json;
use std::future::Future;
use std::time::{Duration, Instant};

const BATCH: u64 = 20_000;
const FIRST: [&str; 8] = ["Jane", "José", "Amir", "Wei", "Olga", "Tom", "Ana", "Björn"];
const LAST: [&str; 10] =
    ["Doe", "Nguyen", "Smith", "Tremblay", "Okafor", "Larsen", "Singh", "García", "Müller", "O'Neill"];

fn base() -> Timestamp {
    "2024-01-01T00:00:00Z".parse().unwrap()
}

fn at(second: u64) -> Timestamp {
    base() + SignedDuration::from_secs(i64::try_from(second).unwrap())
}

/// Row `n`: people and courses are spread so that a person has ten rows, and courses are of very unequal size.
fn record(n: u64) -> FeedRecord {
    let people = 500_000;
    let person = n.wrapping_mul(2_654_435_761) % people;
    let course = (n % 997) * (n % 13) % 400;
    let first = FIRST[usize::try_from(person % 8).unwrap()];
    let last = LAST[usize::try_from(person / 8 % 10).unwrap()];
    let state = if n.is_multiple_of(9) { "Suspend" } else { "Enrol" };
    let row = json!({
        "date_created": at(n * 20).to_string(), "COURSE_IDENTIFIER": 930_000 + course,
        "COURSE_SHORTNAME": format!("ITEM-{course}-1"), "COURSE_STATE": state,
        "GUID": format!("{:032X}", u128::from(person).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)),
        "EMAIL": format!("{first}.{last}{person}@gov.example"), "FIRST_NAME": first, "LAST_NAME": format!("{last}{person}"),
        "ENROLMENT_ID": 5_000_000 + n, "record_enrol_id": n,
    });
    read_record(&row, &FieldNames::default(), &jiff::tz::TimeZone::UTC)
}

fn decision(record: &FeedRecord, n: u64) -> Decision {
    let (verdict, next) = match n % 200 {
        0 => (Verdict::CourseNotFound, Step::AskAt(at(n * 20))),
        1 => (Verdict::AccountRefused { code: "invalidusername".into() }, Step::AskAt(at(n * 20))),
        2 => (Verdict::Superseded { by: record.fingerprint }, Step::Rest),
        _ => (Verdict::Enrolled, Step::Rest),
    };
    let is_done = verdict == Verdict::Enrolled;
    let mail = OutboxItem {
        kind: OutboxKind::Mail,
        dedupe: format!("welcome:{}", record.fingerprint),
        payload: json!({"to": record.mail(), "subject": "Welcome", "text": "Dear ".repeat(60)}),
        next: at(n * 20),
    };
    Decision {
        record: record.fingerprint,
        verdict,
        next,
        course_id: MoodleCourseId(i64::from(is_done) * 77),
        course_name: if is_done { format!("Course {}: safety at work", record.course()) } else { String::new() },
        user_id: MoodleUserId(i64::from(is_done) * i64::try_from(n % 500_000 + 1).unwrap()),
        applied: AppliedState::of(record).filter(|_| is_done),
        mail: (is_done && n.is_multiple_of(50)).then_some(mail),
    }
}

struct Bench {
    journal: Journal,
    lease: Lease,
    run: RunId,
    now: Timestamp,
}

impl Bench {
    async fn load(&self, from: u64, count: u64) {
        let mut done = 0;
        while done < count {
            let size = BATCH.min(count - done);
            let numbers = from + done..from + done + size;
            let records: Vec<_> = numbers.clone().map(record).collect();
            let now = at((from + done + size) * 20);
            let start = Instant::now();
            let read = FeedRead { records: &records, covered: None, watermark: Some(now) };
            self.journal.ingest(&self.lease, &self.run, &read, now).await.unwrap();
            let stored = start.elapsed();
            let decisions: Vec<_> = records.iter().zip(numbers).map(|(record, n)| decision(record, n)).collect();
            let start = Instant::now();
            for part in decisions.chunks(1_000) {
                self.journal.decide(&self.lease, &self.run, part, now).await.unwrap();
            }
            done += size;
            if (done / BATCH) % 10 == 1 {
                println!("  {done} decided: stored {stored:.1?}, decided {:.1?} for {size}", start.elapsed());
            }
        }
    }

    async fn load_history(&self, from: u64, count: u64) {
        let mut done = 0;
        while done < count {
            let size = BATCH.min(count - done);
            let numbers = from + done..from + done + size;
            let rows: Vec<_> = numbers
                .map(|n| HistoryRow {
                    record: record(n),
                    action: if n.is_multiple_of(9) { "Suspend" } else { "Enrol" }.to_owned(),
                    status: if n % 100 == 0 { "Error" } else { "Success" }.to_owned(),
                    at: at(n * 20),
                    course_id: MoodleCourseId(77),
                    course_name: "Safety at work".to_owned(),
                    user_id: MoodleUserId(i64::try_from(n % 500_000 + 1).unwrap()),
                    applied: None,
                })
                .collect();
            let start = Instant::now();
            self.journal.import_history(&self.lease, &self.run, &rows, self.now).await.unwrap();
            done += size;
            if (done / BATCH) % 20 == 1 {
                println!("  {done} taken over: {:.1?} for {size}", start.elapsed());
            }
        }
    }

    async fn time<F: Future<Output = usize>>(&self, what: &str, call: impl Fn(u32) -> F) {
        let mut times = Vec::new();
        let mut rows = 0;
        for n in 0..21 {
            let start = Instant::now();
            rows = call(n).await;
            times.push(start.elapsed());
        }
        times.sort();
        println!("{what:44} median {:>9} max {:>9}   {rows} rows", show(times[10]), show(times[20]));
    }

    async fn search(&self, what: &str, query: LogQuery) {
        let page = async |query: &LogQuery| self.journal.log(query).await.unwrap();
        self.time(what, |_| async { page(&query).await.rows.len() }).await;
    }
}

fn show(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn free(search: &str) -> LogQuery {
    LogQuery { search: search.to_owned(), ..LogQuery::default() }
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let address = args.next().expect("an address");
    let mut number = || args.next().map_or(0, |text| text.replace('_', "").parse::<u64>().unwrap());
    let (decided, history) = (number(), number());
    let journal = Journal::open(&address, &OpenOptions::default()).await.unwrap();
    let now = at((decided + history) * 20 + 1_000_000);
    let link = LinkName::new("elm-ss");
    let lease = journal.acquire(&link, "load", SignedDuration::from_hours(99_999), now).await.unwrap();
    let new = NewRun { flow: "intake".into(), kind: RunKind::Normal, url: "x".into(), author: "load".into() };
    let run = journal.start_run(&lease, &new, now).await.unwrap();
    let bench = Bench { journal, lease, run, now };
    let start = Instant::now();
    bench.load_history(0, history).await;
    bench.load(history, decided).await;
    println!("loaded {} rows in {:.0?}", decided + history, start.elapsed());
    writes(&bench, decided + history).await;
    reads(&bench, decided + history).await;
    bench.journal.release(bench.lease).await.unwrap();
}

async fn writes(bench: &Bench, total: u64) {
    let Bench { journal, lease, run, now } = bench;
    let known: Vec<_> = (total - 1_000..total).map(record).collect();
    let read = FeedRead { records: &known, covered: None, watermark: Some(*now) };
    let again = async || journal.ingest(lease, run, &read, *now).await.unwrap().known;
    bench.time("ingest 1,000 known", |_| async { usize::try_from(again().await).unwrap() }).await;
    let prints: Vec<_> = known.iter().map(|record| record.fingerprint).collect();
    let known = async || journal.known(lease.link(), &prints).await.unwrap();
    bench.time("known 1,000", |_| async { known().await.len() }).await;
    let fresh = |n: u32| {
        let from = total + 1_000_000 + u64::from(n) * 1_000;
        (from..from + 1_000).map(|n| (record(n), n)).collect::<Vec<_>>()
    };
    let batches: Vec<Vec<(FeedRecord, u64)>> = (0..21).map(fresh).collect();
    let records: Vec<Vec<FeedRecord>> =
        batches.iter().map(|batch| batch.iter().map(|(record, _)| record.clone()).collect()).collect();
    let store = async |n: u32| {
        let records = &records[usize::try_from(n).unwrap()];
        let read = FeedRead { records, covered: None, watermark: None };
        journal.ingest(lease, run, &read, *now).await.unwrap().new
    };
    bench.time("ingest 1,000 new", |n| async move { usize::try_from(store(n).await).unwrap() }).await;
    let decisions: Vec<Vec<Decision>> =
        batches.iter().map(|batch| batch.iter().map(|(record, n)| decision(record, *n)).collect()).collect();
    let decide =
        async |n: u32| journal.decide(lease, run, &decisions[usize::try_from(n).unwrap()], *now).await.unwrap().changed;
    bench.time("decide 1,000", |n| async move { usize::try_from(decide(n).await).unwrap() }).await;
    let many: Vec<_> = (total + 3_000_000..total + 3_100_000).map(record).collect();
    let start = Instant::now();
    let read = FeedRead { records: &many, covered: None, watermark: None };
    journal.ingest(lease, run, &read, *now).await.unwrap();
    println!("{:44} {:.2} s", "ingest 100,000 new", start.elapsed().as_secs_f64());
    let many: Vec<_> = many.iter().map(|record| Decision { mail: None, ..decision(record, 5) }).collect();
    let start = Instant::now();
    for part in many.chunks(1_000) {
        journal.decide(lease, run, part, *now).await.unwrap();
    }
    println!("{:44} {:.2} s", "decide 100,000 by 1,000", start.elapsed().as_secs_f64());
}

async fn reads(bench: &Bench, total: u64) {
    let Bench { journal, lease, now, .. } = bench;
    let one = record(total / 2);
    let link = lease.link();
    let due = async || journal.due(link, &jiff::tz::TimeZone::UTC, *now, 1_000).await.unwrap().len();
    bench.time("due, first 1,000", |_| due()).await;
    let people: Vec<Guid> = (0..1_000).map(|n| record(n * 37 % total).guid()).collect();
    let applied = async || journal.applied(link, &people).await.unwrap().len();
    bench.time("applied of 1,000 people", |_| applied()).await;
    let newest = async || journal.newest(link, &people, &jiff::tz::TimeZone::UTC).await.unwrap().len();
    bench.time("newest of 1,000 people", |_| newest()).await;
    let intents = async || journal.unsettled_intents(link).await.unwrap().len();
    bench.time("unsettled intents", |_| intents()).await;
    let overview = async || {
        journal.totals_since(None, *now - SignedDuration::from_hours(24 * 7)).await.unwrap();
        journal.outbox_totals().await.unwrap();
        journal.overview(*now).await.unwrap().len()
    };
    bench.time("overview", |_| overview()).await;
    let courses = async || journal.courses(None).await.unwrap().len();
    bench.time("courses", |_| courses()).await;
    let attention = async || journal.attention(&AttentionFilter::default(), 100).await.unwrap().len();
    bench.time("attention, first 100", |_| attention()).await;
    let guid = one.guid();
    let story = async || journal.story(link, &guid, None).await.unwrap().records.len();
    bench.time("story", |_| story()).await;
    let mail = one.mail();
    let find = async || journal.find_people(link, mail.as_str()).await.unwrap().len();
    bench.time("find_people by mail", |_| find()).await;
    logs(bench, &one, total).await;
}

async fn logs(bench: &Bench, one: &FeedRecord, total: u64) {
    let none = LogQuery::default;
    bench.search("log: newest", none()).await;
    let page = bench.journal.log(&none()).await.unwrap();
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
