//! The feed's records beside what Moodle says about each, for a person who looks. Nothing is recorded and nothing is changed.

use super::read::Question;
use super::world::IntakeWorld;
use super::{IntakeError, IntakeFlow, IntakeQuery};
use rollbook_clock::Clock;
use rollbook_core::matching::Directory;
use rollbook_core::model::{Account, FeedRecord, Field, Fingerprint, Guid, Reading};
use rollbook_core::plan::{EnrolChange, IntakeChange, IntakePlan, Skip, Who};
use rollbook_core::run::{Disposition, OutcomeCode, disposition};
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::Journal;
use rollbook_journal::requests::{FeedAnswer, FeedCard, FeedQuery, FeedTexts, Would};
use rollbook_moodle::snapshot::{find_by_guid, find_by_mail};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// So many records are shown at once, the newest.
const CARDS_MAX: usize = 200;

/// What the feed has on a question, each record with what Moodle says and what processing it would do.
///
/// # Errors
/// [`IntakeError`]
pub async fn query_feed(
    flow: &IntakeFlow,
    journal: &Journal,
    clock: &Clock,
    question: &FeedQuery,
) -> Result<FeedAnswer, IntakeError> {
    let FeedQuery { from, until, mail, guid } = question.clone();
    let query = IntakeQuery::Question { since: from, until, mail, guid, only: None };
    let is_meant = |record: &FeedRecord| match &record.reading {
        Ok(Reading { created, .. }) => {
            from.is_none_or(|from| *created >= from) && until.is_none_or(|until| *created <= until)
        }
        Err(_) => true,
    };
    let now = clock.now();
    let asked = Question::choose(flow, journal, &query, now).await?;
    let Snapshot { taken_at, gaps, value: mut records } = asked.read(flow, journal, &query, now).await?;
    // A window that was widened for a feed of another zone has more than was asked for.
    records.retain(is_meant);
    records.sort_by_key(|record| Reverse(record.reading.as_ref().ok().map(|reading| reading.created)));
    let left_out = records.len().saturating_sub(CARDS_MAX) as u64;
    records.truncate(CARDS_MAX);

    let prints: Vec<Fingerprint> = records.iter().map(|record| record.fingerprint).collect();
    let known = journal.records().known(&flow.link, &prints).await?;
    let doubts = known.iter().filter(|(_, code)| code.doubts_identity()).map(|(record, _)| *record).collect();
    let records = Snapshot { taken_at, gaps: Vec::new(), value: records };
    let world = IntakeWorld::collect(flow, journal, records, doubts, now).await?;
    let plan = world.plan(&flow.link, now);
    let reader = flow.moodle.reader();
    let readable = || world.records.value.iter().filter(|record| record.reading.is_ok());
    let guids: Vec<Guid> = readable().map(FeedRecord::guid).collect();
    let (by_guid, by_mail) = tokio::try_join!(
        find_by_guid(&reader, &guids),
        find_by_mail(&reader, readable().map(|record| record.mail().folded()).collect())
    )?;
    let beside = Beside { known: &known, world: &world, plan: &plan, by_guid: &by_guid, by_mail: &by_mail };
    let cards = world.records.value.iter().map(|record| beside.card(record)).collect();
    let gaps = gaps.iter().map(ToString::to_string).collect();
    Ok(FeedAnswer { read: taken_at, records: cards, left_out, gaps })
}

/// What a card is made from.
struct Beside<'a> {
    known: &'a BTreeMap<Fingerprint, OutcomeCode>,
    world: &'a IntakeWorld,
    plan: &'a IntakePlan,
    by_guid: &'a Directory,
    by_mail: &'a Directory,
}

impl Beside<'_> {
    fn card(&self, record: &FeedRecord) -> FeedCard {
        let world = self.world;
        let owned =
            |found: Option<Vec<&Account>>| -> Vec<Account> { found.unwrap_or_default().into_iter().cloned().collect() };
        let is_readable = record.reading.is_ok();
        let by_guid = owned(self.by_guid.with_guid(&record.guid().folded()).filter(|_| is_readable));
        let by_mail = owned(self.by_mail.with_mail(&record.mail().folded()).filter(|_| is_readable));
        let account = world.accounts.get(&record.guid().folded()).copied().filter(|_| is_readable);
        let courses = world.courses.get(&record.course()).cloned().unwrap_or_default();
        let enrolment = match (account, courses.as_slice()) {
            (Some(account), [course]) => world.enrolments.get(&(account, course.id)).map(|there| there.state),
            _ => None,
        };
        FeedCard {
            record: record.fingerprint,
            texts: texts(record),
            problem: record.reading.as_ref().err().map(ToString::to_string),
            known: self.known.get(&record.fingerprint).copied(),
            mismatches: mismatches(record, &by_guid, &by_mail),
            by_guid,
            by_mail,
            account,
            courses,
            enrolment,
            would: self.would(record),
        }
    }

    fn would(&self, record: &FeedRecord) -> Would {
        if let Some(code) =
            self.known.get(&record.fingerprint).filter(|code| disposition(**code) == Disposition::Settled)
        {
            return Would::Leave { code: *code, why: "it was processed before".to_owned() };
        }
        let plan = self.plan;
        let mine: Vec<&IntakeChange> =
            plan.changes.iter().filter(|change| change.record() == Some(record.fingerprint)).collect();
        if mine.is_empty() {
            let skip: Option<&Skip> = plan.skips.iter().find(|skip| skip.record == record.fingerprint);
            return skip.map_or(
                Would::Leave { code: OutcomeCode::Received, why: "nothing is planned for it".to_owned() },
                |skip| Would::Leave { code: skip.verdict.code(), why: skip.verdict.to_string() },
            );
        }
        let is_new = |guid: &Guid| {
            mine.iter().any(|change| match change {
                IntakeChange::Enrol(EnrolChange { who: Who::New(new), .. }) => new == guid,
                _ => false,
            })
        };
        let accounts = plan.changes.iter().filter(|change| match change {
            IntakeChange::CreateAccount(account) => is_new(&account.guid),
            _ => false,
        });
        Would::Change { lines: accounts.chain(mine.iter().copied()).map(ToString::to_string).collect() }
    }
}

fn texts(record: &FeedRecord) -> FeedTexts {
    let text = |field| record.get(field).to_owned();
    FeedTexts {
        date_created: text(Field::DateCreated),
        course: text(Field::Course),
        short_name: text(Field::ShortName),
        state: text(Field::State),
        state_date: text(Field::StateDate),
        guid: text(Field::Guid),
        mail: text(Field::Mail),
        first_name: text(Field::FirstName),
        last_name: text(Field::LastName),
        enrolment_id: text(Field::EnrolmentId),
        record_id: text(Field::RecordId),
    }
}

/// Where feed and Moodle say different things about the person.
fn mismatches(record: &FeedRecord, by_guid: &[Account], by_mail: &[Account]) -> Vec<String> {
    let mut lines = Vec::new();
    for account in by_guid.iter().filter(|account| !record.mail().same_as(&account.mail)) {
        lines.push(format!("mail: account {} of this GUID has {}", account.id, account.mail));
    }
    let theirs = record.guid().folded();
    for account in by_mail.iter().filter(|account| Guid::new(account.guid.as_str()).folded() != theirs) {
        let guid = if account.guid.is_empty() { "no GUID" } else { account.guid.as_str() };
        lines.push(format!("GUID: account {} with this address has {guid}", account.id));
    }
    if by_guid.len() > 1 {
        lines.push(format!("{} accounts have this GUID", by_guid.len()));
    }
    lines
}
