//! By hand: one completion that a person names, and the history that was reported before Rollbook.

use super::ask::{make_asks, subjects};
use super::plan::Weighed;
use super::{CompletionsFlow, Courier, Delivered, FoundBy, Purpose, deliver_reports};
use crate::engine::{Decided, Flow, Report, Run, Timing, Write, run};
use jiff::Timestamp;
use jiff::civil::Date;
use rollbook_clock::Clock;
use rollbook_core::desired::{OptedCourse, PersonPoll, Scan, ScanKind};
use rollbook_core::guard::Finding;
use rollbook_core::model::{
    Account, CompletionKey, ElmCourseId, EnrolmentId, Guid, LinkName, MoodleCourseId, MoodleUserId, RunId, SeenBy,
    SeenCompletion,
};
use rollbook_core::plan::CompletionsPlan;
use rollbook_core::policy::CompletionsPolicy;
use rollbook_core::run::{Counts, RunKind, RunState};
use rollbook_core::snapshot::Snapshot;
use rollbook_journal::{CompletionQuery, CompletionsRecord, Journal, JournalError, NewRun, Reviewed};
use rollbook_moodle::client::{CallCount, MoodleClient};
use rollbook_moodle::snapshot::completions::{CallBudget, PollRules, poll_completions, read_completions};
use rollbook_moodle::snapshot::{MoodleSourceError, find_by_id, find_person};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// A completion that a person names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualReport {
    /// The person: a GUID, a user name, a mail address, or the account's id.
    pub user: String,
    /// The course, as the ELM names it.
    pub course: ElmCourseId,
    /// The day of completion; as Moodle says where it is not given.
    pub date: Option<Date>,
    /// The enrolment; that of the newest record where it is not given.
    pub enrolment: Option<EnrolmentId>,
    /// Who asks.
    pub author: String,
}

/// Why nothing can be sent by hand.
#[derive(Debug, thiserror::Error)]
pub enum ManualError {
    /// No account, or several, or no course, or several.
    #[error("{what}")]
    Unclear {
        /// What was looked for and what was found.
        what: String,
    },
    /// Moodle shows no completion, and no day was given.
    #[error("Moodle does not show that account {user} completed course {course}; give the day with --date")]
    NotCompleted {
        /// Who.
        user: MoodleUserId,
        /// Of what.
        course: MoodleCourseId,
    },
    /// Moodle could not be read.
    #[error("Moodle could not be read")]
    Moodle(#[from] MoodleSourceError),
    /// The journal could not be read or written.
    #[error("the journal could not be used")]
    Journal(#[from] JournalError),
}

/// A completion that is ready to be sent by hand, or the reason why it is not.
#[derive(Debug)]
pub struct Prepared {
    /// The plan: one report, or one skip.
    pub plan: CompletionsPlan,
    /// The account, as Moodle has it.
    pub account: Account,
    completion: SeenCompletion,
    course: OptedCourse,
}

impl Prepared {
    /// Which completion it is.
    pub fn key(&self) -> CompletionKey {
        self.completion.key
    }

    /// The course's full name.
    pub fn course_name(&self) -> &str {
        &self.course.full_name
    }
}

/// Finds person, course and completion, and makes the body that would be sent. Nothing is recorded.
///
/// # Errors
/// [`ManualError`]
pub async fn prepare_manual(
    flow: &CompletionsFlow,
    journal: &Journal,
    clock: &Clock,
    named: &ManualReport,
) -> Result<Prepared, ManualError> {
    let account = find_account(flow, &named.user).await?;
    let (id, full_name) = find_course(flow, &named.course).await?;
    let completed_at = find_moment(flow, journal, named, &account, id).await?;
    let Account { id: user, mail, guid, first_name, last_name, .. } = account.clone();
    let key = CompletionKey { user, course: id, completed_at };
    let (guid, by) = (Guid::new(guid.trim()), SeenBy::ManualClock);
    let completion = SeenCompletion { key, guid, mail, first_name, last_name, by };
    // A person's word counts for courses and times that would not be reported by themselves.
    let elm_id = Some(named.course.clone());
    let (opted_at, withdrawn, scanned_from) = (completed_at, false, None);
    let course = OptedCourse { id, elm_id, full_name, opted_at, withdrawn, scanned_from };
    let policy = CompletionsPolicy { report_from: None, ..flow.policy.clone() };

    let supplied = named.enrolment.iter().map(|enrolment| (key, enrolment.clone())).collect();
    let now = clock.now();
    let seen = Snapshot::complete(now, vec![completion.clone()]);
    let weighed = Weighed::collect(flow, journal, seen, std::slice::from_ref(&course), supplied).await?;
    Ok(Prepared { plan: weighed.plan(&flow.link, &policy, now), account, completion, course })
}

/// Records and sends what was prepared.
///
/// # Errors
/// [`ManualError`]
pub async fn send_manual(
    flow: &CompletionsFlow,
    journal: &Journal,
    clock: &Clock,
    prepared: &Prepared,
    author: &str,
    stop: &CancellationToken,
) -> Result<Delivered, ManualError> {
    let by_hand = ManualRun { flow, prepared, author, is_read: false, delivered: Delivered::default() };
    let sent = run(by_hand, journal, clock, Purpose::Apply, stop).await?;
    Ok(sent.delivered)
}

struct ManualRun<'a> {
    flow: &'a CompletionsFlow,
    prepared: &'a Prepared,
    author: &'a str,
    is_read: bool,
    delivered: Delivered,
}

/// What became of a report by hand.
struct ManualOutcome {
    state: RunState,
    delivered: Delivered,
}

impl Report for ManualOutcome {
    fn state(&mut self) -> &mut RunState {
        &mut self.state
    }

    fn counts(&self) -> Counts {
        Counts { errors: self.delivered.refused, waiting: self.delivered.waiting, ..Counts::default() }
    }

    fn reason(&self) -> String {
        String::new()
    }

    fn close(&mut self, _: Option<RunId>, _: Vec<CallCount>, _: u64) {}
}

impl Flow for ManualRun<'_> {
    type World = ();
    type Plan = CompletionsPlan;
    type Report = ManualOutcome;
    type Error = ManualError;

    fn link(&self) -> &LinkName {
        &self.flow.link
    }

    fn timing(&self) -> Timing {
        Timing { lease: self.flow.lease, limit: None }
    }

    fn moodle(&self) -> &MoodleClient {
        &self.flow.moodle
    }

    async fn begin(&mut self, _: &Run<'_>) -> Result<NewRun, ManualError> {
        let (url, author) = (self.flow.moodle.site_url().to_owned(), self.author.to_owned());
        Ok(NewRun { flow: "completions".to_owned(), kind: RunKind::Scoped, url, author })
    }

    async fn collect(&mut self, _: &Run<'_>) -> Result<Option<()>, ManualError> {
        Ok((!std::mem::replace(&mut self.is_read, true)).then_some(()))
    }

    fn plan(&self, (): &(), _: Timestamp) -> Result<CompletionsPlan, ManualError> {
        Ok(self.prepared.plan.clone())
    }

    /// A person has looked at it: no limit is checked.
    fn check(&self, (): &(), _: &CompletionsPlan, _: Timestamp) -> Vec<Finding> {
        Vec::new()
    }

    fn show(&mut self, (): (), _: Decided<CompletionsPlan>) {}

    async fn apply(&mut self, write: &Write<'_>, (): (), _: Decided<CompletionsPlan>) -> Result<(), ManualError> {
        let Prepared { plan, account: _, completion, course } = self.prepared;
        let asks = make_asks(plan, std::slice::from_ref(course));
        let record = CompletionsRecord {
            plan,
            seen: &BTreeMap::from([(completion.key, completion.clone())]),
            courses: &[],
            checked: None,
            covered: None,
            full: None,
            looked: &[],
            attention: &asks,
            reviewed: Reviewed::About(&subjects([&completion.key])),
        };
        let Write { journal, clock, lease, run } = write;
        journal.completions().record(lease.lease(), run, &record, clock.now()).await?;
        let courier = Courier { flow: self.flow, write, only: Some(completion.key) };
        self.delivered = deliver_reports(&courier).await?;
        Ok(())
    }

    fn report(self) -> Result<ManualOutcome, ManualError> {
        let delivered = self.delivered;
        let state = if delivered.accepted > 0 { RunState::Done } else { RunState::Partly };
        Ok(ManualOutcome { state, delivered })
    }
}

async fn find_account(flow: &CompletionsFlow, word: &str) -> Result<Account, ManualError> {
    let reader = flow.moodle.reader();
    let mut found = find_person(&reader, word).await?;
    if let (true, Ok(id)) = (found.is_empty(), word.trim().parse()) {
        found = find_by_id(&reader, &[MoodleUserId(id)]).await?;
    }
    let count = found.len();
    match (found.pop(), count) {
        (Some(account), 1) => Ok(account),
        (None, _) => Err(unclear(format!("no Moodle account is called {word}"))),
        (Some(_), several) => {
            Err(unclear(format!("{several} Moodle accounts are called {word}; give the account's id")))
        }
    }
}

async fn find_course(flow: &CompletionsFlow, course: &ElmCourseId) -> Result<(MoodleCourseId, String), ManualError> {
    let asked = std::slice::from_ref(course);
    let found = flow.moodle.reader().fetch_courses_by_idnumber(asked).await;
    let found = found.map_err(|source| MoodleSourceError::Call { doing: "looking up the course", source })?;
    let mut courses: Vec<_> = found.into_iter().flat_map(|found| found.courses).collect();
    courses.retain(|other| other.idnumber.as_deref().is_none_or(|id| id.trim() == course.as_str()));
    match courses.as_slice() {
        [course] => Ok((course.id, course.fullname.clone())),
        [] => Err(unclear(format!("no Moodle course has the ID number {course}"))),
        several => Err(unclear(format!("{} Moodle courses have the ID number {course}", several.len()))),
    }
}

fn unclear(what: String) -> ManualError {
    ManualError::Unclear { what }
}

/// When it was completed: as the journal knows it, as Moodle says, or at noon of the day that was given. A day on which a known
/// completion falls means that one.
async fn find_moment(
    flow: &CompletionsFlow,
    journal: &Journal,
    named: &ManualReport,
    account: &Account,
    course: MoodleCourseId,
) -> Result<Timestamp, ManualError> {
    let zone = &flow.policy.zone;
    let query =
        CompletionQuery { guid: Some(Guid::new(account.guid.trim()).folded()), limit: 200, ..Default::default() };
    let known = journal.completions().list(&flow.link, &query).await?;
    let mut moments: Vec<Timestamp> = known
        .iter()
        .filter(|row| (row.seen.key.user, row.seen.key.course) == (account.id, course))
        .map(|row| row.seen.key.completed_at)
        .collect();
    if moments.is_empty() {
        moments.extend(ask_moodle(flow, account.id, course).await?);
    }
    match named.date {
        None => moments.into_iter().max().ok_or(ManualError::NotCompleted { user: account.id, course }),
        Some(day) => {
            let same_day = |moment: &Timestamp| moment.to_zoned(zone.clone()).date() == day;
            let noon = day.at(12, 0, 0, 0).to_zoned(zone.clone());
            let noon = noon.map_err(|error| unclear(format!("{day}: {error}")))?.timestamp();
            Ok(moments.into_iter().find(same_day).unwrap_or(noon))
        }
    }
}

async fn ask_moodle(
    flow: &CompletionsFlow,
    user: MoodleUserId,
    course: MoodleCourseId,
) -> Result<Option<Timestamp>, ManualError> {
    if let FoundBy::Database(_) = &flow.method {
        let all = find_historic(flow, &[course], Timestamp::UNIX_EPOCH, None).await?;
        return Ok(all.into_iter().find(|seen| seen.key.user == user).map(|seen| seen.key.completed_at));
    }
    let look = PersonPoll { user, courses: vec![course] };
    let polled = poll_completions(&flow.moodle.reader(), &[look], &PollRules::default(), &CallBudget::of(1), 1).await;
    match polled.trouble {
        Some(source) => Err(MoodleSourceError::Call { doing: "asking for the completion", source }.into()),
        None => Ok(polled.completed.first().map(|key| key.completed_at)),
    }
}

/// Completions of these courses in a stretch of time, reported or not, the earliest first: over web services those of the people whom intake
/// enrolled and who are active.
///
/// # Errors
/// [`ManualError`]
pub async fn find_historic(
    flow: &CompletionsFlow,
    courses: &[MoodleCourseId],
    since: Timestamp,
    until: Option<Timestamp>,
) -> Result<Vec<SeenCompletion>, ManualError> {
    let mut all = Vec::new();
    if let (FoundBy::Database(database), false) = (&flow.method, courses.is_empty()) {
        let scan = Scan { kind: ScanKind::Full, since, courses: courses.to_vec() };
        let mut after = None;
        loop {
            let (page, next) = read_completions(database, &scan, after).await.map_err(MoodleSourceError::from)?;
            all.extend(page);
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    all.retain(|seen| until.is_none_or(|until| seen.key.completed_at < until));
    all.sort_by_key(|seen| (seen.key.completed_at, seen.key));
    Ok(all)
}
