//! Where the records come from: runs, and the history of another program.

use super::Bench;
use super::made::{at, decision, record};
use rollbook_core::model::{MoodleCourseId, MoodleUserId};
use rollbook_journal::{FeedRead, HistoryRow};

const BATCH: u64 = 20_000;

impl Bench {
    /// Stores records and decides them, as runs do.
    pub async fn take_in(&self, from: u64, count: u64) {
        let mut done = 0;
        while done < count {
            let size = BATCH.min(count - done);
            let numbers = from + done..from + done + size;
            let records: Vec<_> = numbers.clone().map(record).collect();
            let now = at((from + done + size) * 20);
            let read = FeedRead { records: &records, covered: None, watermark: Some(now) };
            self.journal.records().ingest(&self.lease, &self.run, &read, now).await.unwrap();
            let decisions: Vec<_> = records.iter().zip(numbers).map(|(record, n)| decision(record, n)).collect();
            for part in decisions.chunks(1_000) {
                self.journal.records().decide(&self.lease, &self.run, part, now).await.unwrap();
            }
            done += size;
        }
    }

    /// Takes over records that another program had done.
    pub async fn take_over(&self, from: u64, count: u64) {
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
            self.journal.records().import_history(&self.lease, &self.run, &rows, self.now).await.unwrap();
            done += size;
        }
    }
}
