//! Completions from the read-only database: one query by time and id for all courses that opted in.

use crate::sources::database::{Arg, Database, DatabaseError, Row, VALUES_MAX};
use jiff::Timestamp;
use rollbook_core::desired::{Scan, ScanKind};
use rollbook_core::model::{
    CompletionKey, ElmCourseId, Guid, MoodleCourseId, MoodleUserId, OptIn, OptInCourse, SeenBy, SeenCompletion,
};
use rollbook_core::snapshot::{Gap, Snapshot};
use serde_json::Value;

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

/// The same where the stretch of time is long.
const PAST: &str = "
    SELECT {int:cc.id}, {int:cc.userid}, {int:cc.course}, {int:cc.timecompleted}, {text:u.idnumber}, {text:u.email},
        {text:u.firstname}, {text:u.lastname}
    FROM {p}course_completions cc JOIN {p}user u ON u.id = cc.userid AND u.deleted = 0
    WHERE cc.timecompleted >= ? AND (cc.timecompleted > ? OR cc.id > ?) AND cc.course IN {in}
    ORDER BY cc.timecompleted, cc.id LIMIT 10000";

const PEOPLE: &str = "
    SELECT {int:u.id}, {text:u.idnumber}, {text:u.email}, {text:u.firstname}, {text:u.lastname}
    FROM {p}user u WHERE u.deleted = 0 AND u.id IN {in}";

/// A place in the table, by time and id; the next page begins after it.
pub type Place = (i64, i64);

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
    let courses = rows.iter().map(read_course).collect::<Result<Vec<_>, _>>()?;
    let gaps = match courses.as_slice() {
        // A field of another name would make every course withdraw.
        [] => vec![Gap::Withheld { what: format!("no course has a custom field called {field}") }],
        _ => Vec::new(),
    };
    Ok(Snapshot { taken_at: now, gaps, value: courses })
}

fn read_course(row: &Row) -> Result<OptInCourse, DatabaseError> {
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

/// One page of a scan, and where the next begins, if there is more.
///
/// # Errors
/// [`DatabaseError`]
pub async fn read_completions(
    database: &Database,
    scan: &Scan,
    after: Option<Place>,
) -> Result<(Vec<SeenCompletion>, Option<Place>), DatabaseError> {
    let (time, id) = after.unwrap_or((scan.since.as_second(), 0));
    let sql = if scan.kind == ScanKind::Ordinary { RECENT } else { PAST };
    let courses = scan.courses.iter().take(VALUES_MAX).map(|course| Arg::Int(course.0));
    let args: Vec<Arg> = [Arg::Int(time), Arg::Int(time), Arg::Int(id)].into_iter().chain(courses).collect();
    let rows = database.rows("reading completions", sql, &args).await?;
    let next = match rows.last() {
        Some(last) if rows.len() == PAGE_ROWS => Some((last.int(3)?, last.int(0)?)),
        _ => None,
    };
    let seen = rows.iter().filter_map(|row| read_completion(row).transpose()).collect::<Result<_, _>>()?;
    Ok((seen, next))
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
