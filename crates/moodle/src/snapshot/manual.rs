//! What only the read-only database tells about courses: the manual method's default role, who is active there, and who the
//! site's administrators are.

use jiff::Timestamp;
use rollbook_core::model::{Course, Enrolment, ManualInstance, MoodleCourseId, MoodleUserId, RoleId};
use rollbook_core::plan::{Courses, Enrolments};
use rollbook_remote::database::{Arg, Database, DatabaseError};
use std::collections::{BTreeMap, BTreeSet};

/// The manual instances of courses, the one that Moodle's web service uses first.
const INSTANCES: &str = "
    SELECT {int:e.courseid}, {int:e.status}, {int:e.roleid} FROM {p}enrol e
    WHERE e.enrol = 'manual' AND e.courseid IN {in} ORDER BY e.courseid, e.status, e.sortorder, e.id";

/// Every enrolment of these people, by any method. Active as Moodle defines it: both rows enabled, begun, not ended.
const ENROLMENTS: &str = "
    SELECT {int:ue.userid}, {int:e.courseid}, {int:ue.status}, {int:e.status}, {int:ue.timestart}, {int:ue.timeend}
    FROM {p}user_enrolments ue JOIN {p}enrol e ON e.id = ue.enrolid WHERE ue.userid IN {in}";

/// How many are enrolled and not suspended; dates do not matter for a share.
const ACTIVE: &str = "
    SELECT {int:e.courseid}, {int:COUNT(DISTINCT ue.userid)}
    FROM {p}enrol e JOIN {p}user_enrolments ue ON ue.enrolid = e.id
    WHERE ue.status = 0 AND e.status = 0 AND e.courseid IN {in} GROUP BY e.courseid";

const ADMINISTRATORS: &str = "SELECT {text:value} FROM {p}config WHERE name = ?";

/// Sets the default role of each course, whether it can be used, and how many are active in it.
///
/// # Errors
/// [`DatabaseError`]
pub async fn complete_courses(database: &Database, courses: &mut Courses) -> Result<(), DatabaseError> {
    let ids: Vec<Arg> = courses.values().flatten().map(|course| Arg::Int(course.id.0)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let mut first = BTreeMap::new();
    for row in database.rows_in("reading the manual enrolment methods", INSTANCES, &ids).await? {
        first.entry(MoodleCourseId(row.int(0)?)).or_insert((row.int(1)?, RoleId(row.int(2)?)));
    }
    let mut active = BTreeMap::new();
    for row in database.rows_in("counting who is enrolled", ACTIVE, &ids).await? {
        active.insert(MoodleCourseId(row.int(0)?), u64::try_from(row.int(1)?).unwrap_or_default());
    }
    for course in courses.values_mut().flatten() {
        let Course { id, manual, default_role, active: count, .. } = course;
        *count = Some(active.get(id).copied().unwrap_or_default());
        match first.get(id) {
            Some((0, role)) => *default_role = Some(*role).filter(|role| role.0 > 0),
            Some(_) | None => *manual = ManualInstance::Missing,
        }
    }
    Ok(())
}

/// How each pair stands, in one query for every 5,000 people.
///
/// # Errors
/// [`DatabaseError`]
pub async fn read_enrolments(
    database: &Database,
    pairs: &BTreeSet<(MoodleUserId, MoodleCourseId)>,
    now: Timestamp,
) -> Result<Enrolments, DatabaseError> {
    let people: BTreeSet<MoodleUserId> = pairs.iter().map(|(user, _)| *user).collect();
    let people: Vec<Arg> = people.into_iter().map(|user| Arg::Int(user.0)).collect();
    let mut enrolments: Enrolments = pairs.iter().map(|pair| (*pair, Enrolment::Absent)).collect();
    if people.is_empty() {
        return Ok(enrolments);
    }
    let now = now.as_second();
    for row in database.rows_in("reading how people are enrolled", ENROLMENTS, &people).await? {
        let pair = (MoodleUserId(row.int(0)?), MoodleCourseId(row.int(1)?));
        let (status, method, start, end) = (row.int(2)?, row.int(3)?, row.int(4)?, row.int(5)?);
        let active = status == 0 && method == 0 && start < now && (end == 0 || end > now);
        // Not begun yet: it will be active by itself, so a Suspend must not pass it by.
        let will_be = status == 0 && method == 0 && start >= now;
        if let Some(stands) = enrolments.get_mut(&pair) {
            *stands = match (active || will_be, *stands) {
                (true, _) | (_, Enrolment::Active) => Enrolment::Active,
                _ => Enrolment::Suspended,
            };
        }
    }
    Ok(enrolments)
}

/// The site's administrators, who are never touched.
///
/// # Errors
/// [`DatabaseError`]
pub async fn read_administrators(database: &Database) -> Result<Vec<MoodleUserId>, DatabaseError> {
    let rows = database.rows("reading who the administrators are", ADMINISTRATORS, &[Arg::from("siteadmins")]).await?;
    let ids = rows.first().map(|row| row.text(0)).transpose()?.unwrap_or_default();
    Ok(ids.split(',').filter_map(|id| id.trim().parse().ok()).map(MoodleUserId).collect())
}
