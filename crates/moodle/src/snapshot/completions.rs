//! What a Moodle says about completions: which courses want them reported, and who has completed what, when.
//!
//! Two ways that give the same values: web services, one call a person, which show only who is active in a course
//! (`opt_in`, `poll`); and the read-only database, one query for all (`database`).

use crate::client::wire::{WireCompletion, WireCourse, WireUserCourse};
use crate::client::{MoodleError, MoodleReader};
use crate::snapshot::{MoodleSourceError, failed};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use rollbook_core::desired::{PersonPoll, Scan, ScanKind};
use rollbook_core::model::{
    CompletionKey, ElmCourseId, Guid, MoodleCourseId, MoodleUserId, OptIn, OptInCourse, SeenBy, SeenCompletion,
};
use rollbook_core::snapshot::{Gap, Snapshot};
use rollbook_remote::database::{Arg, Database, DatabaseError, Row, VALUES_MAX};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

// Which courses have opted in, over web services: a checkbox among the custom fields.
//
// Moodle shows the field only where its visibility allows; what is not shown is [`OptIn::Hidden`], never "no".

/// Looks at the courses in which intake has enrolled somebody. Their ID numbers are known from there: the web services show
/// them only to who may edit a course. A course that is gone wants nothing reported. Gives also how the courses are asked
/// about.
///
/// # Errors
/// [`MoodleSourceError`]; nothing is known then.
pub async fn find_opt_ins(
    reader: &MoodleReader,
    courses: &BTreeMap<MoodleCourseId, ElmCourseId>,
    field: &str,
    now: Timestamp,
) -> Result<(Snapshot<Vec<OptInCourse>>, PollRules), MoodleSourceError> {
    let ids: Vec<MoodleCourseId> = courses.keys().copied().collect();
    let (found, gone) = reader.fetch_courses_by_id(&ids).await.map_err(failed("looking which courses opted in"))?;
    let read = found.iter().map(|course| read_course(course, courses.get(&course.id), field));
    let gone = gone.into_iter().map(|id| {
        let (elm_id, full_name) = (courses.get(&id).cloned(), String::new());
        OptInCourse { id, elm_id, full_name, opt_in: OptIn::Out }
    });
    let looked = Snapshot { taken_at: now, gaps: vec![Gap::Narrowed], value: read.chain(gone).collect() };
    let which = |is: fn(&WireCourse) -> bool| found.iter().filter(move |course| is(course)).map(|course| course.id);
    let directly = which(|course| course.visible != Some(true)).collect();
    let never = which(|course| course.enablecompletion == Some(false)).collect();
    Ok((looked, PollRules { directly, never }))
}

fn read_course(course: &WireCourse, known: Option<&ElmCourseId>, field: &str) -> OptInCourse {
    let shown = course.idnumber.as_deref().map(str::trim).filter(|id| !id.is_empty()).map(ElmCourseId::new);
    let opt_in = match course.find_checkbox(field) {
        Some(true) => OptIn::In,
        Some(false) => OptIn::Out,
        None => OptIn::Hidden,
    };
    OptInCourse { id: course.id, elm_id: shown.or_else(|| known.cloned()), full_name: course.fullname.clone(), opt_in }
}

// Completions from the read-only database: one query by time and id for all courses that opted in.

/// Rows of one page. (The statement has the number in words, so that the server can plan for it.)
pub const PAGE_ROWS: usize = 10_000;

/// Every course with the field's value; a course that never saved it has no row.
const OPT_INS: &str = "
    SELECT {int:c.id}, {text:c.idnumber}, {text:c.fullname}, {int:d.intvalue}, {text:f.configdata}
    FROM {p}customfield_field f
    JOIN {p}customfield_category k ON k.id = f.categoryid AND k.component = 'core_course' AND k.area = 'course'
    JOIN {p}course c ON c.id <> 1
    LEFT JOIN {p}customfield_data d ON d.fieldid = f.id AND d.instanceid = c.id
    WHERE f.shortname = ? ORDER BY c.id";

/// Ordinary readings are short in time and wide in courses: adding 0 keeps the servers from walking whole courses instead
/// of the short stretch of time that an index gives.
const RECENT: &str = "
    SELECT {int:cc.id}, {int:cc.userid}, {int:cc.course}, {int:cc.timecompleted}, {text:u.idnumber}, {text:u.email},
        {text:u.firstname}, {text:u.lastname}
    FROM {p}course_completions cc JOIN {p}user u ON u.id = cc.userid AND u.deleted = 0
    WHERE cc.timecompleted >= ? AND (cc.timecompleted > ? OR cc.id > ?) AND cc.course + 0 IN {in}
    ORDER BY cc.timecompleted, cc.id LIMIT 10000";

/// Few courses over a long stretch of time: the courses' index gives their rows.
const PAST: &str = "
    SELECT {int:cc.id}, {int:cc.userid}, {int:cc.course}, {int:cc.timecompleted}, {text:u.idnumber}, {text:u.email},
        {text:u.firstname}, {text:u.lastname}
    FROM {p}course_completions cc JOIN {p}user u ON u.id = cc.userid AND u.deleted = 0
    WHERE cc.timecompleted >= ? AND (cc.timecompleted > ? OR cc.id > ?) AND cc.course IN {in}
    ORDER BY cc.timecompleted, cc.id LIMIT 10000";

/// Many courses over a long stretch of time: the table is walked once, along its primary key, in stretches of ids. Sorted
/// by time, each page would sort all that is left: of five million rows, MariaDB took 7 s for three pages.
const WALK: &str = "
    SELECT {int:cc.id}, {int:cc.userid}, {int:cc.course}, {int:cc.timecompleted}, {text:u.idnumber}, {text:u.email},
        {text:u.firstname}, {text:u.lastname}
    FROM {p}course_completions cc JOIN {p}user u ON u.id = cc.userid AND u.deleted = 0
    WHERE cc.id > ? AND cc.id <= ? AND cc.timecompleted + 0 >= ? AND cc.course + 0 IN {in}
    ORDER BY cc.id";

const LAST: &str = "SELECT {int:MAX(cc.id)} FROM {p}course_completions cc";

/// Ids of one stretch of a walk: at most so many rows come back at once.
const WALK_IDS: i64 = 50_000;

/// Up to so many courses are looked up by the courses' index.
const FEW_COURSES: usize = 10;

const PEOPLE: &str = "
    SELECT {int:u.id}, {text:u.idnumber}, {text:u.email}, {text:u.firstname}, {text:u.lastname}
    FROM {p}user u WHERE u.deleted = 0 AND u.id IN {in}";

/// A place in the table; the next page begins after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the order of time and id.
    Time(i64, i64),
    /// In the order of ids; the last one of the walk is known from its beginning.
    Id {
        after: i64,
        /// Up to and with this one.
        last: i64,
    },
}

/// Looks at every course.
///
/// # Errors
/// [`DatabaseError`]; nothing is known then.
pub async fn read_opt_ins(
    database: &Database,
    field: &str,
    now: Timestamp,
) -> Result<Snapshot<Vec<OptInCourse>>, DatabaseError> {
    let rows = database.rows("looking which courses opted in", OPT_INS, &[Arg::from(field)]).await?;
    let courses = rows.iter().map(read_course_row).collect::<Result<Vec<_>, _>>()?;
    let gaps = match courses.as_slice() {
        // A field of another name would make every course withdraw.
        [] => vec![Gap::Withheld { what: format!("no course has a custom field called {field}") }],
        _ => Vec::new(),
    };
    Ok(Snapshot { taken_at: now, gaps, value: courses })
}

fn read_course_row(row: &Row) -> Result<OptInCourse, DatabaseError> {
    let stored = row.maybe_int(3)?;
    let opted = stored.map_or_else(|| is_on_by_default(row), |stored| Ok(stored != 0))?;
    let idnumber = row.maybe_text(1)?.unwrap_or_default();
    Ok(OptInCourse {
        id: MoodleCourseId(row.int(0)?),
        elm_id: Some(idnumber.trim()).filter(|id| !id.is_empty()).map(ElmCourseId::new),
        full_name: row.maybe_text(2)?.unwrap_or_default(),
        opt_in: if opted { OptIn::In } else { OptIn::Out },
    })
}

/// `{"checkbydefault":"1"}`, as a text, a number or a truth value.
fn is_on_by_default(row: &Row) -> Result<bool, DatabaseError> {
    let config: Value = serde_json::from_str(&row.maybe_text(4)?.unwrap_or_default()).unwrap_or_default();
    Ok(match config.get("checkbydefault") {
        Some(Value::Bool(on)) => *on,
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        Some(Value::String(text)) => !text.is_empty() && text != "0",
        _ => false,
    })
}

/// One page of a scan, and where the next begins, if there is more. What is recent comes in the order of completion; what
/// is not may come in any.
///
/// # Errors
/// [`DatabaseError`]
pub async fn read_completions(
    database: &Database,
    scan: &Scan,
    after: Option<Place>,
) -> Result<(Vec<SeenCompletion>, Option<Place>), DatabaseError> {
    let since = scan.since.as_second();
    let walks = scan.kind != ScanKind::Ordinary && scan.courses.len() > FEW_COURSES;
    match after {
        Some(Place::Id { after, last }) => walk(database, scan, after, last).await,
        None if walks => {
            let last = database.rows("counting completions", LAST, &[]).await?;
            let last = last.first().map(|row| row.maybe_int(0)).transpose()?.flatten().unwrap_or(0);
            walk(database, scan, 0, last).await
        }
        Some(Place::Time(time, id)) => read_by_time(database, scan, time, id).await,
        None => read_by_time(database, scan, since, 0).await,
    }
}

type Page = (Vec<SeenCompletion>, Option<Place>);

async fn read_by_time(database: &Database, scan: &Scan, time: i64, id: i64) -> Result<Page, DatabaseError> {
    let sql = if scan.kind == ScanKind::Ordinary { RECENT } else { PAST };
    let fixed = [time, time, id].map(Arg::Int);
    // Each part of the courses gives its first rows, so the first of all of them are among these.
    let (mut rows, full) = read_parts(database, "reading completions", sql, &fixed, scan, [3, 0]).await?;
    let more = full || rows.len() > PAGE_ROWS;
    rows.truncate(PAGE_ROWS);
    let next = match rows.last() {
        Some(last) if more => Some(Place::Time(last.int(3)?, last.int(0)?)),
        _ => None,
    };
    Ok((read_rows(&rows)?, next))
}

async fn walk(database: &Database, scan: &Scan, after: i64, last: i64) -> Result<Page, DatabaseError> {
    let end = after.saturating_add(WALK_IDS).min(last);
    let fixed = [after, end, scan.since.as_second()].map(Arg::Int);
    let (rows, _) = read_parts(database, "reading all completions", WALK, &fixed, scan, [0, 0]).await?;
    Ok((read_rows(&rows)?, (end < last).then_some(Place::Id { after: end, last })))
}

/// The rows of all courses, however many there are: a statement takes so many values and no more. In the order of these
/// columns; and whether a part gave a whole page, so that there may be more.
async fn read_parts(
    database: &Database,
    doing: &'static str,
    sql: &str,
    fixed: &[Arg],
    scan: &Scan,
    order: [usize; 2],
) -> Result<(Vec<Row>, bool), DatabaseError> {
    let (mut all, mut full) = (Vec::new(), false);
    let parts = scan.courses.chunks(VALUES_MAX);
    let several = parts.len() > 1;
    for part in parts {
        let courses = part.iter().map(|course| Arg::Int(course.0));
        let args: Vec<Arg> = fixed.iter().cloned().chain(courses).collect();
        let rows = database.rows(doing, sql, &args).await?;
        full |= rows.len() == PAGE_ROWS;
        for row in rows {
            all.push(([row.int(order[0])?, row.int(order[1])?], row));
        }
    }
    if several {
        all.sort_by_key(|(place, _)| *place);
    }
    Ok((all.into_iter().map(|(_, row)| row).collect(), full))
}

fn read_rows(rows: &[Row]) -> Result<Vec<SeenCompletion>, DatabaseError> {
    rows.iter().filter_map(|row| read_completion(row).transpose()).collect()
}

/// A time outside of what can be told is no completion.
fn read_completion(row: &Row) -> Result<Option<SeenCompletion>, DatabaseError> {
    let Ok(completed_at) = Timestamp::from_second(row.int(3)?) else {
        return Ok(None);
    };
    let key = CompletionKey { user: MoodleUserId(row.int(1)?), course: MoodleCourseId(row.int(2)?), completed_at };
    person(row, 4, key, SeenBy::Database).map(Some)
}

/// The GUIDs, addresses and names that these people have now.
///
/// # Errors
/// [`DatabaseError`]
pub async fn read_people(
    database: &Database,
    users: &[MoodleUserId],
) -> Result<Vec<(MoodleUserId, [String; 4])>, DatabaseError> {
    let ids: Vec<Arg> = users.iter().map(|user| Arg::Int(user.0)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = database.rows_in("looking at people", PEOPLE, &ids).await?;
    let text = |row: &Row, column| row.maybe_text(column).map(Option::unwrap_or_default);
    let read = |row: &Row| -> Result<_, DatabaseError> {
        Ok((MoodleUserId(row.int(0)?), [text(row, 1)?, text(row, 2)?, text(row, 3)?, text(row, 4)?]))
    };
    rows.iter().map(read).collect()
}

fn person(row: &Row, first: usize, key: CompletionKey, by: SeenBy) -> Result<SeenCompletion, DatabaseError> {
    let text = |column| row.maybe_text(column).map(Option::unwrap_or_default);
    Ok(SeenCompletion {
        key,
        guid: Guid::new(text(first)?.trim()),
        mail: text(first + 1)?,
        first_name: text(first + 2)?,
        last_name: text(first + 3)?,
        by,
    })
}

// Completions over web services: one call a person, within a budget.
//
// One course of a person is asked for directly, since that answer has the time; several are asked for together, and then
// only the completed ones one by one. A person's own list lacks the courses that are hidden from learners, so those are
// always asked for directly. Whoever is not active in a course is not shown at all: the database sees them.

/// Moodle's word for "any criterion is enough".
const ANY: i64 = 2;

/// How many calls may still be made.
#[derive(Debug)]
pub struct CallBudget(AtomicU64);

impl CallBudget {
    pub fn of(calls: u64) -> Self {
        Self(AtomicU64::new(calls))
    }

    /// Takes one call out of the budget, where one is left.
    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

#[derive(Debug, Default)]
pub struct Polled {
    pub completed: Vec<CompletionKey>,
    /// Completed, and Moodle does not say when.
    pub untimed: Vec<(MoodleUserId, MoodleCourseId)>,
    /// The pairs that were answered for.
    pub looked: Vec<(MoodleUserId, MoodleCourseId)>,
    /// Pairs that Moodle would not answer for, because the token may not see them.
    pub refused: u64,
    /// People who were not asked about, or not to the end, because the budget was used up.
    pub left: u64,
    /// Why the asking stopped early, if it did.
    pub trouble: Option<MoodleError>,
}

enum PollAnswer {
    Answered(Polled),
    Stopped(MoodleError, Polled),
}

/// How courses are asked about that are not like others.
#[derive(Clone, Debug, Default)]
pub struct PollRules {
    /// Each person is asked about these directly: they are hidden from learners, whose own lists lack them.
    pub directly: BTreeSet<MoodleCourseId>,
    /// Nobody is: they track no completion, so that nobody can complete them, and Moodle refuses the question.
    pub never: BTreeSet<MoodleCourseId>,
}

/// Asks about people, several at a time, in their order, until the budget is used up or Moodle fails.
pub async fn poll_completions(
    reader: &MoodleReader,
    looks: &[PersonPoll],
    asking: &PollRules,
    budget: &CallBudget,
    concurrency: usize,
) -> Polled {
    let mut all = Polled::default();
    let mut answers = stream::iter(looks).map(|look| ask(reader, look, asking, budget)).buffered(concurrency.max(1));
    while let Some(looked) = answers.next().await {
        match looked {
            PollAnswer::Answered(part) => all.add(part),
            PollAnswer::Stopped(error, part) => {
                all.add(part);
                all.trouble = Some(error);
                break;
            }
        }
    }
    all
}

impl Polled {
    fn add(&mut self, part: Self) {
        let Self { completed, untimed, looked, refused, left, trouble: _ } = part;
        self.completed.extend(completed);
        self.untimed.extend(untimed);
        self.looked.extend(looked);
        self.refused += refused;
        self.left += left;
    }

    fn answer(&mut self, user: MoodleUserId, course: MoodleCourseId, status: Option<&WireCompletion>) {
        self.looked.push((user, course));
        let Some(status) = status.filter(|status| status.completed == Some(true)) else {
            return;
        };
        match completed_at(status) {
            Some(completed_at) => self.completed.push(CompletionKey { user, course, completed_at }),
            None => self.untimed.push((user, course)),
        }
    }
}

async fn ask(reader: &MoodleReader, look: &PersonPoll, asking: &PollRules, budget: &CallBudget) -> PollAnswer {
    let mut part = Polled::default();
    let (never, courses): (Vec<_>, Vec<_>) = look.courses.iter().partition(|course| asking.never.contains(course));
    never.into_iter().for_each(|course: MoodleCourseId| part.answer(look.user, course, None));
    let (mut asked, shown): (Vec<_>, Vec<_>) = courses.iter().partition(|course| asking.directly.contains(course));
    match shown.as_slice() {
        [] => {}
        [course] => asked.push(*course),
        several => {
            if !budget.take() {
                part.left = 1;
                return PollAnswer::Answered(part);
            }
            match reader.fetch_users_courses(look.user).await {
                Ok(list) => asked.extend(open_questions(several, &list, look.user, &mut part)),
                Err(error) if is_about_one(&error) => part.refused += several.len() as u64,
                Err(error) => return PollAnswer::Stopped(error, part),
            }
        }
    }
    for course in asked {
        if !budget.take() {
            part.left = 1;
            break;
        }
        match reader.fetch_completion(course, look.user).await {
            Ok(status) => part.answer(look.user, course, Some(&status)),
            Err(error) if is_incomplete(&error) => part.answer(look.user, course, None),
            Err(error) if is_about_one(&error) => part.refused += 1,
            Err(error) => return PollAnswer::Stopped(error, part),
        }
    }
    PollAnswer::Answered(part)
}

/// Of several courses, those that the list leaves open: when a completed one was completed, why one is not shown, and why one
/// has no word on completion (no criteria, or a right that the token has lost). The others are answered for.
fn open_questions(
    asked: &[MoodleCourseId],
    shown: &[WireUserCourse],
    user: MoodleUserId,
    part: &mut Polled,
) -> Vec<MoodleCourseId> {
    let mut open = Vec::new();
    for course in asked {
        let shown = shown.iter().find(|shown| shown.id == *course);
        match shown.map(|shown| shown.completed) {
            Some(Some(false)) => part.answer(user, *course, None),
            // Not shown: no longer active in it, or not to be seen by us, as where groups are separate. The question tells.
            Some(Some(true) | None) | None => open.push(*course),
        }
    }
    open
}

/// The moment of the last criterion that was needed: of all where all are, of the first where any is enough.
fn completed_at(status: &WireCompletion) -> Option<Timestamp> {
    let met = status.completions.iter().filter(|criterion| criterion.complete == Some(true));
    let times = met.filter_map(|criterion| criterion.timecompleted).filter(|time| *time > 0);
    let time = if status.aggregation == Some(ANY) { times.min() } else { times.max() };
    time.and_then(|second| Timestamp::from_second(second).ok())
}

/// Refusals that mean "not complete": not (or not actively) enrolled, no criteria, no such account.
fn is_incomplete(error: &MoodleError) -> bool {
    const CODES: [&str; 5] = ["usernotenroled", "nocriteriaset", "userdeleted", "invaliduser", "nottracked"];
    error.code().is_some_and(|code| CODES.contains(&code))
}

/// Refusals that are about one person or course and stop nobody else.
fn is_about_one(error: &MoodleError) -> bool {
    matches!(error, MoodleError::Refused { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(json: &str) -> WireCompletion {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn time_is_that_of_the_criterion_that_completed_the_course() {
        let criteria = r#""completions":[{"type":1,"complete":true,"timecompleted":100},
            {"type":4,"complete":true,"timecompleted":300},{"type":6,"complete":false,"timecompleted":null}]"#;
        let all = status(&format!(r#"{{"completed":true,"aggregation":1,{criteria}}}"#));
        let any = status(&format!(r#"{{"completed":true,"aggregation":2,{criteria}}}"#));
        assert_eq!(completed_at(&all).map(Timestamp::as_second), Some(300));
        assert_eq!(completed_at(&any).map(Timestamp::as_second), Some(100));
        assert_eq!(completed_at(&status(r#"{"completed":true,"completions":[]}"#)), None);
    }

    #[test]
    fn budget_is_never_overdrawn() {
        let budget = CallBudget::of(2);
        assert_eq!([budget.take(), budget.take(), budget.take(), budget.take()], [true, true, false, false]);
    }
}
