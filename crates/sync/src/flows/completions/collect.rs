//! Collect: which courses have opted in, and what was completed, in the way that the site allows.

use super::report::CompletionsError;
use super::{CompletionsFlow, FoundBy, Reach};
use jiff::{SignedDuration, Timestamp};
use rollbook_core::desired::{OptedCourse, PersonPoll, Scan, ScanKind, choose_scans, follow_opt_ins, order_polls};
use rollbook_core::model::{CompletionKey, Guid, MoodleCourseId, MoodleUserId, OptInCourse, SeenBy, SeenCompletion};
use rollbook_core::snapshot::{Gap, Snapshot};
use rollbook_journal::{CompletionsState, Journal, KnownQuery, PolledCandidate};
use rollbook_moodle::snapshot::MoodleSourceError;
use rollbook_moodle::snapshot::completions::{
    CallBudget, PollRules, Polled, find_opt_ins, poll_completions, read_completions, read_opt_ins, read_people,
};
use rollbook_remote::database::Database;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that counts is read again so often, against completions that appear late.
const FULL_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// At most so many unreported completions are taken up in one run; the rest comes next time.
const UNREPORTED_MAX: usize = 100_000;
/// At most so many completions that wait are weighed again in one run.
pub(super) const WAITING_MAX: u64 = 20_000;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Completions that are not known to be reported.
    pub completions: Vec<SeenCompletion>,
    /// What may be missing.
    pub gaps: Vec<Gap>,
    /// All that were looked at, known ones included.
    pub count: u64,
    /// Those that were known.
    pub known: u64,
    /// Whom the web services answered for.
    pub looked: Vec<(MoodleUserId, MoodleCourseId)>,
    /// How far the database was read.
    pub covered: Option<Timestamp>,
    /// When the database was read whole.
    pub full: Option<Timestamp>,
}

impl Seen {
    /// Takes in what else was seen.
    pub(super) fn add(&mut self, other: Self) {
        let Self { completions, gaps, count, known, looked, covered, full } = other;
        self.completions.extend(completions);
        self.gaps.extend(gaps);
        self.count += count;
        self.known += known;
        self.looked.extend(looked);
        self.covered = self.covered.or(covered);
        self.full = self.full.or(full);
    }
}

/// Courses as they are now.
pub(super) struct Courses {
    /// All that were looked at.
    pub looked: Snapshot<Vec<OptInCourse>>,
    /// Those that opted in, now or before.
    pub opted: Vec<OptedCourse>,
    /// How they are asked about over web services.
    asking: PollRules,
}

/// Looks which courses have opted in.
pub(super) async fn collect_courses(
    flow: &CompletionsFlow,
    journal: &Journal,
    state: &CompletionsState,
    now: Timestamp,
) -> Result<Courses, CompletionsError> {
    let remembered = journal.completions().opted_courses(&flow.link).await?;
    let (looked, asking) = match &flow.method {
        FoundBy::Database(database) => {
            let looked = read_opt_ins(database, &flow.opt_in_field, now).await.map_err(MoodleSourceError::from)?;
            (looked, PollRules::default())
        }
        FoundBy::Poll | FoundBy::Push => {
            let mut courses = journal.completions().intake_courses(&flow.intakes).await?;
            for course in &remembered {
                if let Some(elm_id) = &course.elm_id {
                    courses.entry(course.id).or_insert_with(|| elm_id.clone());
                }
            }
            find_opt_ins(&flow.moodle.reader(), &courses, &flow.opt_in_field, now).await?
        }
    };
    let opted = follow_opt_ins(&remembered, &looked, state.checked);
    Ok(Courses { looked, opted, asking })
}

/// What the database has that is new; marks in `opted` how far each course was read. Nothing, where it is not the way.
pub(super) async fn collect_from_database(
    flow: &CompletionsFlow,
    journal: &Journal,
    reach: Reach,
    state: &CompletionsState,
    opted: &mut [OptedCourse],
    now: Timestamp,
) -> Result<Seen, CompletionsError> {
    let (FoundBy::Database(database), Reach::Usual | Reach::Full) = (&flow.method, reach) else {
        return Ok(Seen::default());
    };
    let is_due = state.full.is_none_or(|full| now.duration_since(full) >= FULL_EVERY);
    let scans = choose_scans(opted, &flow.policy, state.covered, flow.overlap, reach == Reach::Full || is_due);
    scan(flow, journal, database, &scans, opted, now).await
}

/// The looks at people that a run takes, some at a time.
pub(super) struct Polling {
    looks: std::vec::IntoIter<PersonPoll>,
    guids: BTreeMap<(MoodleUserId, MoodleCourseId), Guid>,
    asking: PollRules,
    budget: CallBudget,
    stopped: bool,
}

impl Polling {
    /// Everybody who can have completed, the most urgent first; nobody, where polling is not the way.
    pub(super) async fn prepare(
        flow: &CompletionsFlow,
        journal: &Journal,
        reach: Reach,
        courses: &Courses,
        now: Timestamp,
    ) -> Result<Self, CompletionsError> {
        let mut candidates = Vec::new();
        if let (FoundBy::Poll, Reach::Usual | Reach::Full) = (&flow.method, reach) {
            let open = courses.opted.iter().filter(|course| !course.withdrawn).map(|course| course.id);
            let open: Vec<MoodleCourseId> = open.collect();
            candidates = journal.completions().candidates(&flow.link, &flow.intakes, &open).await?;
        }
        // Never more calls than people who can have completed.
        let budget = CallBudget::of(flow.calls_max.min(candidates.len() as u64));
        let pairs: Vec<_> = candidates.iter().map(|polled| polled.candidate).collect();
        let pair = |polled: PolledCandidate| ((polled.candidate.user, polled.candidate.course), Guid::new(polled.guid));
        let guids = candidates.into_iter().map(pair).collect();
        let (looks, asking) = (order_polls(&pairs, now).into_iter(), courses.asking.clone());
        Ok(Self { looks, guids, asking, budget, stopped: false })
    }

    /// Looks at the next people; at nobody once Moodle has failed or the budget is used up.
    pub(super) async fn next(&mut self, flow: &CompletionsFlow, people: usize) -> Option<Seen> {
        let looks: Vec<PersonPoll> = self.looks.by_ref().take(people).collect();
        if looks.is_empty() || self.stopped {
            return None;
        }
        let (reader, width) = (flow.moodle.reader(), flow.moodle_concurrency);
        let polled = poll_completions(&reader, &looks, &self.asking, &self.budget, width).await;
        self.stopped = polled.trouble.is_some() || polled.left > 0;
        let left = if polled.left > 0 { polled.left + self.looks.len() as u64 } else { 0 };
        Some(seen_by_polling(Polled { left, ..polled }, &self.guids))
    }
}

fn seen_by_polling(polled: Polled, guids: &BTreeMap<(MoodleUserId, MoodleCourseId), Guid>) -> Seen {
    let Polled { completed, untimed, looked, refused, left, trouble } = polled;
    let mut gaps = Vec::new();
    if left > 0 {
        gaps.push(Gap::CallsLimit { left });
    }
    let withheld = |what: String| Gap::Withheld { what };
    gaps.extend(trouble.map(|error| withheld(format!("the looking stopped early: {error}"))));
    if refused > 0 {
        gaps.push(withheld(format!("Moodle refuses to show how {refused} people stand; see `rollbook doctor`")));
    }
    gaps.extend(untimed.iter().map(|(user, course)| {
        withheld(format!("Moodle does not say when account {user} completed course {course}; its database does"))
    }));
    // Whom Moodle gives no time for is asked about again, as soon as anybody is.
    let looked: Vec<_> = looked.into_iter().filter(|pair| !untimed.contains(pair)).collect();
    let completions: Vec<_> = completed
        .into_iter()
        .map(|key| {
            let guid = guids.get(&(key.user, key.course)).cloned().unwrap_or_else(|| Guid::new(""));
            let nothing = String::new;
            let by = SeenBy::WebServices;
            SeenCompletion { key, guid, mail: nothing(), first_name: nothing(), last_name: nothing(), by }
        })
        .collect();
    Seen { count: completions.len() as u64, completions, gaps, looked, ..Seen::default() }
}

async fn scan(
    flow: &CompletionsFlow,
    journal: &Journal,
    database: &Database,
    scans: &[Scan],
    opted: &mut [OptedCourse],
    now: Timestamp,
) -> Result<Seen, CompletionsError> {
    let mut seen = Seen::default();
    for scan in scans {
        let mut after = None;
        loop {
            let (page, next) = read_completions(database, scan, after).await.map_err(MoodleSourceError::from)?;
            keep_unknown(flow, journal, page, opted, &mut seen).await?;
            if seen.completions.len() > UNREPORTED_MAX {
                seen.gaps.push(Gap::RowsLimit { limit: UNREPORTED_MAX as u64 });
                return Ok(seen);
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        for course in opted.iter_mut().filter(|course| scan.courses.contains(&course.id)) {
            let from = course.reports_from(&flow.policy);
            if scan.since <= from {
                course.scanned_from = Some(from);
            }
        }
        seen.full = seen.full.or((scan.kind == ScanKind::Full).then_some(now));
    }
    seen.covered = Some(now);
    Ok(seen)
}

/// Adds the completions of a page that are not known to be reported.
async fn keep_unknown(
    flow: &CompletionsFlow,
    journal: &Journal,
    page: Vec<SeenCompletion>,
    opted: &[OptedCourse],
    seen: &mut Seen,
) -> Result<(), CompletionsError> {
    seen.count += page.len() as u64;
    let questions: Vec<KnownQuery> = page.iter().map(|completion| question(completion, opted)).collect();
    let known = journal.completions().known(&flow.link, &questions).await?;
    let known: BTreeSet<CompletionKey> = known.into_iter().map(|known| known.key).collect();
    let before = seen.completions.len();
    let len = page.len();
    seen.completions.extend(page.into_iter().filter(|completion| !known.contains(&completion.key)));
    seen.known += (len - (seen.completions.len() - before)) as u64;
    Ok(())
}

/// What is asked of the journal about a completion.
pub(super) fn question(seen: &SeenCompletion, opted: &[OptedCourse]) -> KnownQuery {
    let course = opted.binary_search_by_key(&seen.key.course, |course| course.id).ok().map(|at| &opted[at]);
    KnownQuery {
        user: seen.key.user,
        course: seen.key.course,
        guid: seen.guid.folded(),
        elm_id: course.and_then(|course| course.elm_id.clone()),
    }
}

/// Looks into pushed events: the accounts and courses that they name, whatever they claim.
pub(super) async fn look_into(
    flow: &CompletionsFlow,
    pairs: &BTreeSet<(MoodleUserId, MoodleCourseId)>,
) -> Result<Seen, CompletionsError> {
    if pairs.is_empty() {
        return Ok(Seen::default());
    }
    let mut looks = BTreeMap::<MoodleUserId, Vec<MoodleCourseId>>::new();
    for (user, course) in pairs {
        looks.entry(*user).or_default().push(*course);
    }
    let looks: Vec<PersonPoll> = looks.into_iter().map(|(user, courses)| PersonPoll { user, courses }).collect();
    let users: Vec<MoodleUserId> = looks.iter().map(|look| look.user).collect();
    let people = people_now(flow, &users).await?;
    // Nobody has looked whether these courses are hidden, and each is one call when it is asked for directly.
    let asking = PollRules { directly: pairs.iter().map(|(_, course)| *course).collect(), ..PollRules::default() };
    let (reader, budget) = (flow.moodle.reader(), CallBudget::of(pairs.len() as u64));
    let polled = poll_completions(&reader, &looks, &asking, &budget, flow.moodle_concurrency).await;
    let mut seen = seen_by_polling(polled, &BTreeMap::new());
    for completion in &mut seen.completions {
        fill_in(completion, &people);
    }
    Ok(seen)
}

/// GUIDs, addresses and names as they are now; people who are gone are left out.
pub(super) async fn people_now(
    flow: &CompletionsFlow,
    users: &[MoodleUserId],
) -> Result<BTreeMap<MoodleUserId, [String; 4]>, CompletionsError> {
    if let FoundBy::Database(database) = &flow.method {
        return Ok(read_people(database, users).await.map_err(MoodleSourceError::from)?.into_iter().collect());
    }
    let accounts = rollbook_moodle::snapshot::find_by_id(&flow.moodle.reader(), users).await?;
    let texts = accounts
        .into_iter()
        .map(|account| (account.id, [account.guid, account.mail, account.first_name, account.last_name]));
    Ok(texts.collect())
}

/// Gives a completion the texts that its account has now.
pub(super) fn fill_in(completion: &mut SeenCompletion, people: &BTreeMap<MoodleUserId, [String; 4]>) {
    if let Some([guid, mail, first_name, last_name]) = people.get(&completion.key.user) {
        completion.guid = Guid::new(guid.trim());
        completion.mail.clone_from(mail);
        completion.first_name.clone_from(first_name);
        completion.last_name.clone_from(last_name);
    }
}
