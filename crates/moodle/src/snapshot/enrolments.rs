//! How people stand in courses. Web services tell it two ways: whom a course has (cost grows with the course), or which
//! courses a person is active in (cost grows with the people asked about). The cheaper one is taken for each course.

use crate::client::read::{WhichEnrolled, WhichFields};
use crate::client::wire::WireUser;
use crate::client::{MoodleError, MoodleReader};
use crate::snapshot::courses::{fetch_courses, fetch_hidden};
use crate::snapshot::{MoodleSourceError, failed, find_by_guid};
use futures_util::future::{join_all, try_join_all};
use jiff::Timestamp;
use rollbook_core::model::{
    Course, ElmCourseId, Enrolment, Guid, ManualInstance, MoodleCourseId, MoodleUserId, Participation, RoleId,
    UserEnrolment,
};
use rollbook_core::plan::{Courses, Enrolments};
use rollbook_core::report::NowInMoodle;
use rollbook_remote::database::{Arg, Database, DatabaseError};
use std::collections::{BTreeMap, BTreeSet};

/// From so many people on a course's pairs are read off two listings, at 0.5 ms for each of its participants; below, person
/// by person, at about 20 ms each.
pub const LISTED_FROM: usize = 5;

/// Looks up how each pair stands; gives also how many are active in each course that was listed. Courses about which
/// `listed_from` people or more are asked are listed.
///
/// Moodle answers who may not look that nobody is there, so each course must first show that it can be looked into. One
/// that does not is left out, with its pairs: it must not keep the others waiting.
///
/// # Errors
/// [`MoodleSourceError::InsufficientPermissions`] where the token may not look into any; [`MoodleSourceError::Call`]. Nothing is known then.
pub async fn collect_enrolments(
    reader: &MoodleReader,
    pairs: &BTreeSet<(MoodleUserId, MoodleCourseId)>,
    listed_from: usize,
) -> Result<(Enrolments, BTreeMap<MoodleCourseId, u64>), MoodleSourceError> {
    collect(reader, pairs, listed_from, &BTreeSet::new()).await
}

/// As [`collect_enrolments`], with the roles of those who may be suspended or made active again: of everybody in the
/// courses that somebody leaves, and of everybody who is in a course and not active.
///
/// # Errors
/// As [`collect_enrolments`].
pub async fn collect_participations(
    reader: &MoodleReader,
    pairs: &BTreeSet<(MoodleUserId, MoodleCourseId)>,
    listed_from: usize,
    left: &BTreeSet<MoodleCourseId>,
) -> Result<(Enrolments, BTreeMap<MoodleCourseId, u64>), MoodleSourceError> {
    let (mut enrolments, active) = collect(reader, pairs, listed_from, left).await?;
    // A person's own list does not tell a suspension from an absence.
    let not_told = |there: &Participation| there.state == Enrolment::NotActive;
    let courses: BTreeSet<_> =
        enrolments.iter().filter(|(_, there)| not_told(there)).map(|((_, course), _)| *course).collect();
    let inactive = join_all(courses.iter().map(|course| async {
        (*course, reader.fetch_enrolled(*course, WhichEnrolled::OnlySuspended, WhichFields::Roles).await)
    }));
    for (course, listing) in inactive.await {
        let listing = match listing {
            Ok(people) => roles_of(people),
            // What is not told stays so.
            Err(MoodleError::Refused { .. }) => continue,
            Err(error) => return Err(failed("looking up who is not active in a course")(error)),
        };
        for ((user, _), there) in enrolments.iter_mut().filter(|((_, of), there)| *of == course && not_told(there)) {
            there.state = if listing.contains_key(user) { Enrolment::Inactive } else { Enrolment::Absent };
            there.roles = listing.get(user).cloned();
        }
    }
    Ok((enrolments, active))
}

async fn collect(
    reader: &MoodleReader,
    pairs: &BTreeSet<(MoodleUserId, MoodleCourseId)>,
    listed_from: usize,
    left: &BTreeSet<MoodleCourseId>,
) -> Result<(Enrolments, BTreeMap<MoodleCourseId, u64>), MoodleSourceError> {
    let mut by_course = BTreeMap::<MoodleCourseId, Vec<MoodleUserId>>::new();
    for (user, course) in pairs {
        by_course.entry(*course).or_default().push(*user);
    }
    let asked = by_course.len();
    let few = |users: &[MoodleUserId]| users.len() < listed_from;
    let fewer: Vec<_> = by_course.iter().filter(|(_, users)| few(users)).map(|(course, _)| *course).collect();
    // A person's own list lacks the courses that are hidden from the person, so there only a listing tells the truth.
    let hidden = fetch_hidden(reader, &fewer).await?;
    let (small, large): (Vec<_>, Vec<_>) = by_course
        .into_iter()
        .partition(|(course, users)| few(users) && !hidden.contains(course) && !left.contains(course));
    // A listing shows nobody where groups are separate and the token may not see them; one course tells for all.
    let probed = small.iter().chain(large.iter().take(usize::from(small.is_empty())));
    let shown = join_all(probed.map(|(course, _)| async { (*course, reader.probe_listing(*course).await) }));
    let listings =
        join_all(large.iter().map(|(course, users)| async {
            (*course, by_listing(reader, *course, users, left.contains(course)).await)
        }));
    let (shown, listings) = tokio::join!(shown, listings);
    let mut refusals = BTreeMap::new();
    let mut active = BTreeMap::new();
    let mut enrolments = Enrolments::new();
    for (course, listing) in listings {
        match listing {
            Ok((count, entries)) => {
                active.insert(course, count);
                enrolments.extend(entries);
            }
            Err(error) => drop(refusals.insert(course, error)),
        }
    }
    refusals.extend(shown.into_iter().filter_map(|(course, error)| Some((course, error?))));
    let out = leave_out(refusals, asked)?;
    let mut wanted = BTreeMap::<MoodleUserId, Vec<MoodleCourseId>>::new();
    for (course, users) in small.into_iter().filter(|(course, _)| !out.contains(course)) {
        users.into_iter().for_each(|user| wanted.entry(user).or_default().push(course));
    }
    let people = try_join_all(wanted.iter().map(|(user, courses)| by_person(reader, *user, courses))).await?;
    enrolments.extend(people.into_iter().flatten());
    Ok((enrolments, active))
}

/// The courses that cannot be looked into, unless that is the token's fault, or the site's.
fn leave_out(
    refusals: BTreeMap<MoodleCourseId, MoodleError>,
    asked: usize,
) -> Result<BTreeSet<MoodleCourseId>, MoodleSourceError> {
    let all = refusals.len() == asked;
    let mut out = BTreeSet::new();
    for (course, error) in refusals {
        let blind = |mend: &str| MoodleSourceError::InsufficientPermissions {
            what: format!("who is in course {course} is not shown: {error}"),
            mend: mend.to_owned(),
        };
        match error.code() {
            Some("nopermissions") => return Err(blind(LOOKS)),
            Some("requireloginerror" | "errorcoursecontextnotvalid") if all => {
                return Err(blind("moodle/course:view and moodle/course:viewhiddencourses"));
            }
            _ if matches!(error, MoodleError::Refused { .. }) => out.insert(course),
            _ => return Err(failed("looking up who is in a course")(error)),
        };
    }
    Ok(out)
}

/// What lets a token see who is in a course; Moodle's words say which is missing.
pub const LOOKS: &str = "moodle/course:enrolreview and moodle/site:accessallgroups";

type Entries = Vec<((MoodleUserId, MoodleCourseId), Participation)>;

async fn by_person(
    reader: &MoodleReader,
    user: MoodleUserId,
    courses: &[MoodleCourseId],
) -> Result<Entries, MoodleSourceError> {
    let active = reader.fetch_users_courses(user).await.map_err(failed("looking up a person's courses"))?;
    let active: BTreeSet<_> = active.into_iter().map(|course| course.id).collect();
    let stands = |course| if active.contains(course) { Enrolment::Active } else { Enrolment::NotActive };
    Ok(courses.iter().map(|course| ((user, *course), stands(course).into())).collect())
}

async fn by_listing(
    reader: &MoodleReader,
    course: MoodleCourseId,
    users: &[MoodleUserId],
    with_roles: bool,
) -> Result<(u64, Entries), MoodleError> {
    let of_active = if with_roles { WhichFields::Roles } else { WhichFields::Id };
    let (active, inactive) = tokio::try_join!(
        reader.fetch_enrolled(course, WhichEnrolled::OnlyActive, of_active),
        reader.fetch_enrolled(course, WhichEnrolled::OnlySuspended, WhichFields::Roles)
    )?;
    let count = active.len() as u64;
    let (active, inactive) = (roles_of(active), roles_of(inactive));
    let stands = |user: &MoodleUserId| match (active.get(user), inactive.get(user)) {
        (Some(roles), _) => Participation {
            state: Enrolment::Active,
            enrolments: None,
            roles: Some(roles.clone()).filter(|_| with_roles),
        },
        // Suspended, not begun or ended: Moodle lists them together.
        (None, Some(roles)) => {
            Participation { state: Enrolment::Inactive, enrolments: None, roles: Some(roles.clone()) }
        }
        (None, None) => Enrolment::Absent.into(),
    };
    let entries = users.iter().map(|user| ((*user, course), stands(user))).collect();
    Ok((count, entries))
}

/// The roles that people have in a course, by account.
fn roles_of(people: Vec<WireUser>) -> BTreeMap<MoodleUserId, Vec<RoleId>> {
    let roles = |user: &WireUser| user.roles.iter().flatten().map(|role| role.roleid).collect();
    people.into_iter().map(|user| (user.id, roles(&user))).collect()
}

// What only the read-only database tells about courses: the manual method's default role, who is active there, and who the
// site's administrators are.

/// The manual instances of courses, the one that Moodle's web service uses first.
const INSTANCES: &str = "
    SELECT {int:e.courseid}, {int:e.status}, {int:e.roleid}, {int:e.enrolperiod} FROM {p}enrol e
    WHERE e.enrol = 'manual' AND e.courseid IN {in} ORDER BY e.courseid, e.status, e.sortorder, e.id";

/// Every enrolment of these people, by any method. Active as Moodle defines it: both rows enabled, begun, not ended.
const ENROLMENTS: &str = "
    SELECT {int:ue.userid}, {int:e.courseid}, {int:ue.status}, {int:e.status}, {int:ue.timestart}, {int:ue.timeend},
        {text:e.enrol}
    FROM {p}user_enrolments ue JOIN {p}enrol e ON e.id = ue.enrolid WHERE ue.userid IN {in}
    ORDER BY e.status, e.sortorder, e.id";

/// The roles in courses that were given by hand or with a manual enrolment; other methods leave their name with theirs.
const ROLES: &str = "
    SELECT {int:ra.userid}, {int:x.instanceid}, {int:ra.roleid}
    FROM {p}role_assignments ra JOIN {p}context x ON x.id = ra.contextid AND x.contextlevel = 50
    WHERE ra.component = '' AND ra.userid IN {in} ORDER BY ra.roleid";

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
        first.entry(MoodleCourseId(row.int(0)?)).or_insert((
            row.int(1)?,
            RoleId(row.int(2)?),
            row.maybe_int(3)?.unwrap_or_default(),
        ));
    }
    let mut active = BTreeMap::new();
    for row in database.rows_in("counting who is enrolled", ACTIVE, &ids).await? {
        active.insert(MoodleCourseId(row.int(0)?), u64::try_from(row.int(1)?).unwrap_or_default());
    }
    for course in courses.values_mut().flatten() {
        let Course { id, manual, default_role, active: count, duration, .. } = course;
        *count = Some(active.get(id).copied().unwrap_or_default());
        match first.get(id) {
            Some((0, role, seconds)) => {
                *default_role = Some(*role).filter(|role| role.0 > 0);
                *duration = Some(*seconds);
            }
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
    let absent = Participation { state: Enrolment::Absent, enrolments: Some(Vec::new()), roles: Some(Vec::new()) };
    let mut enrolments: Enrolments = pairs.iter().map(|pair| (*pair, absent.clone())).collect();
    if people.is_empty() {
        return Ok(enrolments);
    }
    let now = now.as_second();
    for row in database.rows_in("reading how people are enrolled", ENROLMENTS, &people).await? {
        let pair = (MoodleUserId(row.int(0)?), MoodleCourseId(row.int(1)?));
        let Some(there) = enrolments.get_mut(&pair) else { continue };
        let enrolment = UserEnrolment {
            method: row.text(6)?,
            enabled: row.int(2)? == 0 && row.int(3)? == 0,
            start: row.int(4)?,
            // Older rows may hold the column's default, the end of 32 bits, for "never".
            end: Some(row.int(5)?).filter(|end| *end < i64::from(i32::MAX)).unwrap_or_default(),
        };
        let state = state_of(&enrolment, now);
        there.state = match (state, there.state) {
            (Enrolment::Active, _) | (_, Enrolment::Active) => Enrolment::Active,
            (Enrolment::NotStarted, _) | (_, Enrolment::NotStarted) => Enrolment::NotStarted,
            _ => Enrolment::Suspended,
        };
        there.enrolments.get_or_insert_default().push(enrolment);
    }
    let roles = match database.rows_in("reading the roles in courses", ROLES, &people).await {
        Ok(rows) => rows,
        // An account that was granted fewer tables tells no roles; the doctor names what it lacks.
        Err(DatabaseError::Refused { .. }) => {
            enrolments.values_mut().for_each(|there| there.roles = None);
            return Ok(enrolments);
        }
        Err(error) => return Err(error),
    };
    for row in roles {
        let pair = (MoodleUserId(row.int(0)?), MoodleCourseId(row.int(1)?));
        if let Some(there) = enrolments.get_mut(&pair) {
            there.roles.get_or_insert_default().push(RoleId(row.int(2)?));
        }
    }
    Ok(enrolments)
}

/// As Moodle defines it: enabled, begun and not ended is active.
fn state_of(enrolment: &UserEnrolment, now: i64) -> Enrolment {
    let UserEnrolment { enabled, start, end, .. } = *enrolment;
    match (enabled && (end == 0 || end > now), start < now) {
        (true, true) => Enrolment::Active,
        // It will be active by itself, so that a Suspend must not pass it by.
        (true, false) => Enrolment::NotStarted,
        (false, _) => Enrolment::Suspended,
    }
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

// How one person stands in one course now, for people who ask.

/// Asks Moodle how the person of a GUID stands in the course of an ELM id.
///
/// # Errors
/// [`MoodleSourceError`]
pub async fn read_state_now(
    reader: &MoodleReader,
    guid: &Guid,
    course: &ElmCourseId,
) -> Result<NowInMoodle, MoodleSourceError> {
    let directory = find_by_guid(reader, std::slice::from_ref(guid)).await?;
    let holders = directory.with_guid(&guid.folded()).unwrap_or_default();
    let account = match holders.as_slice() {
        [] => return Ok(NowInMoodle::NoAccount),
        [account] => account,
        several => return Ok(NowInMoodle::SeveralAccounts(several.iter().map(|account| account.id).collect())),
    };
    let courses = fetch_courses(reader, vec![course.clone()]).await?;
    let Some([found]) = courses.get(course).map(Vec::as_slice) else {
        return Ok(NowInMoodle::NoCourse);
    };
    let pair = (account.id, found.id);
    let (enrolments, _) = collect_enrolments(reader, &BTreeSet::from([pair]), LISTED_FROM).await?;
    let enrolment = enrolments.get(&pair).map_or(Enrolment::NotActive, |there| there.state);
    Ok(NowInMoodle::Stands { account: account.id, enrolment, site_suspended: account.suspended })
}
