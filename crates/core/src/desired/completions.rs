//! Which completions are wanted, where to look for them, and whose to look at first.

use crate::model::{ElmCourseId, EnrolmentId, EnrolmentRecord, MoodleCourseId, MoodleUserId, OptIn, OptInCourse};
use crate::policy::CompletionsPolicy;
use crate::snapshot::Snapshot;
use jiff::{SignedDuration, Timestamp};
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

// Since when each course has opted in.
//
// Moodle says whether, not since when. What is remembered says it: a course that opts in between two looks may have done
// so right after the first, and a completion in between is not to be lost, so the earlier look counts.

/// What is remembered of a course that has opted in, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptedCourse {
    /// `course.id`
    pub id: MoodleCourseId,
    /// `course.idnumber`; `None` where the course has none.
    pub elm_id: Option<ElmCourseId>,
    /// `course.fullname`
    pub full_name: String,
    /// Since when it has opted in.
    pub opted_at: Timestamp,
    /// It has opted out again, or is gone.
    pub withdrawn: bool,
    /// From when on its completions have been read; `None` before the first whole reading.
    pub scanned_from: Option<Timestamp>,
}

impl OptedCourse {
    /// From when on its completions are reported.
    pub fn reports_from(&self, policy: &CompletionsPolicy) -> Timestamp {
        let Some(day) = policy.report_from else {
            return self.opted_at;
        };
        day.to_zoned(policy.zone.clone()).map_or(Timestamp::MIN, |begins| begins.timestamp())
    }
}

/// Brings what is remembered up to what was seen. `checked_before` is the look before this one; `None` at the first.
/// A course that is absent from a complete look has withdrawn; from an incomplete one, nothing follows.
pub fn follow_opt_ins(
    remembered: &[OptedCourse],
    seen: &Snapshot<Vec<OptInCourse>>,
    checked_before: Option<Timestamp>,
) -> Vec<OptedCourse> {
    let mut courses: BTreeMap<MoodleCourseId, OptedCourse> =
        remembered.iter().map(|course| (course.id, course.clone())).collect();
    if seen.is_complete() {
        for course in courses.values_mut() {
            course.withdrawn |= !seen.value.iter().any(|other| other.id == course.id);
        }
    }
    let since = checked_before.unwrap_or(seen.taken_at);
    for course in &seen.value {
        match (course.opt_in, courses.get_mut(&course.id)) {
            (OptIn::In, Some(known)) => {
                if known.withdrawn {
                    *known = newly_opted(course, since);
                }
                known.elm_id.clone_from(&course.elm_id);
                known.full_name.clone_from(&course.full_name);
            }
            (OptIn::In, None) => {
                courses.insert(course.id, newly_opted(course, since));
            }
            (OptIn::Out, Some(known)) => known.withdrawn = true,
            (OptIn::Hidden, _) | (OptIn::Out, None) => {}
        }
    }
    courses.into_values().collect()
}

fn newly_opted(course: &OptInCourse, since: Timestamp) -> OptedCourse {
    let OptInCourse { id, elm_id, full_name, opt_in: _ } = course.clone();
    OptedCourse { id, elm_id, full_name, opted_at: since, withdrawn: false, scanned_from: None }
}

// Which stretch of Moodle's completion table to read.
//
// A completion's time can be earlier than the moment at which it appears (the last criterion's time counts, grades are
// back-dated, cron was down), so each reading overlaps the one before, and once in a while it covers everything.

/// Why a stretch is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanKind {
    /// What is new, for every course.
    Ordinary,
    /// What is older, for courses that opted in lately or whose date was moved back.
    ReachBack,
    /// Everything that counts, against completions that appeared late.
    Full,
}

/// A stretch to be read: completions from `since` on, of these courses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    pub kind: ScanKind,
    /// From when on, inclusive.
    pub since: Timestamp,
    pub courses: Vec<MoodleCourseId>,
}

/// The stretches of one run: one for all courses, and another for those whose past was not read yet. `covered` is how far
/// the last reading came.
pub fn choose_scans(
    courses: &[OptedCourse],
    policy: &CompletionsPolicy,
    covered: Option<Timestamp>,
    overlap: SignedDuration,
    full: bool,
) -> Vec<Scan> {
    let open: Vec<(&OptedCourse, Timestamp)> =
        courses.iter().filter(|course| !course.withdrawn).map(|course| (course, course.reports_from(policy))).collect();
    let Some(earliest) = open.iter().map(|(_, from)| *from).min() else {
        return Vec::new();
    };
    let ids = |courses: &[(&OptedCourse, Timestamp)]| courses.iter().map(|(course, _)| course.id).collect();
    let covered = covered.map(|covered| covered.checked_sub(overlap).unwrap_or(Timestamp::MIN));
    let Some(recent) = covered.filter(|recent| !full && *recent > earliest) else {
        return vec![Scan { kind: ScanKind::Full, since: earliest, courses: ids(&open) }];
    };
    let unread = |(course, from): &(&OptedCourse, Timestamp)| {
        *from < recent && course.scanned_from.is_none_or(|read| read > *from)
    };
    let (unread, _): (Vec<_>, Vec<_>) = open.iter().copied().partition(unread);
    let ordinary = Scan { kind: ScanKind::Ordinary, since: recent, courses: ids(&open) };
    let reach_back = unread.iter().map(|(_, from)| *from).min().map(|since| Scan {
        kind: ScanKind::ReachBack,
        since,
        courses: ids(&unread),
    });
    std::iter::once(ordinary).chain(reach_back).collect()
}

// Whom to look at first, when every look is a call.
//
// Who was enrolled lately is likeliest to complete, so an enrolment that is twice as old is looked at half as often; and
// since the wait counts too, nobody is left out for ever.

/// Somebody who can have completed a course: enrolled by intake, opted in, not reported yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub user: MoodleUserId,
    pub course: MoodleCourseId,
    pub enrolled_at: Timestamp,
    /// When they were looked at last.
    pub looked_at: Option<Timestamp>,
}

/// One look at one person: a single call shows all their courses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonPoll {
    pub user: MoodleUserId,
    /// The courses in question, by id.
    pub courses: Vec<MoodleCourseId>,
}

/// An enrolment is never younger than this, so that a person is not looked at twice before everybody was once.
const AGE_MIN_S: i64 = 3_600;

/// The looks at all candidates, the most urgent first: never looked at (newest enrolment first), then by how long ago
/// the last look was in terms of the enrolment's age.
pub fn order_polls(candidates: &[Candidate], now: Timestamp) -> Vec<PersonPoll> {
    let mut people = BTreeMap::<MoodleUserId, (Urgency, Vec<MoodleCourseId>)>::new();
    for candidate in candidates {
        let urgency = Urgency::of(candidate, now);
        let (most, courses) = people.entry(candidate.user).or_insert_with(|| (urgency, Vec::new()));
        *most = (*most).max(urgency);
        courses.push(candidate.course);
    }
    let mut looks: Vec<_> = people.into_iter().collect();
    looks.sort_by_key(|(user, (urgency, _))| (Reverse(*urgency), *user));
    looks
        .into_iter()
        .map(|(user, (_, mut courses))| {
            courses.sort_unstable();
            courses.dedup();
            PersonPoll { user, courses }
        })
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    /// Seconds since the last look, over the age of the enrolment in seconds.
    Waited { waited_s: i64, age_s: i64 },
    /// Never looked at; when it began.
    Fresh(Timestamp),
}

impl Urgency {
    fn of(candidate: &Candidate, now: Timestamp) -> Self {
        let since = |moment: Timestamp| now.duration_since(moment).as_secs().max(0);
        match candidate.looked_at {
            None => Self::Fresh(candidate.enrolled_at),
            Some(looked_at) => {
                Self::Waited { waited_s: since(looked_at), age_s: since(candidate.enrolled_at).max(AGE_MIN_S) }
            }
        }
    }
}

impl Ord for Urgency {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Fresh(left), Self::Fresh(right)) => left.cmp(right),
            (Self::Fresh(_), Self::Waited { .. }) => Ordering::Greater,
            (Self::Waited { .. }, Self::Fresh(_)) => Ordering::Less,
            (Self::Waited { waited_s: left, age_s: by }, Self::Waited { waited_s: right, age_s: per }) => {
                let (left, right) = (i128::from(*left) * i128::from(*per), i128::from(*right) * i128::from(*by));
                left.cmp(&right)
            }
        }
    }
}

impl PartialOrd for Urgency {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

// The enrolment that a completion is reported for.

/// The newest Enrol record of a person and course: by the learner's moment, then by the record's creation.
pub fn newest_enrolment(records: &[EnrolmentRecord]) -> Option<&EnrolmentRecord> {
    records.iter().max_by_key(|record| (record.changed, record.created, record.fingerprint))
}

/// The enrolment that was alive when the person completed: the newest Enrol of the time before; where all came later, the
/// first of them, since a person may have begun before HR wrote it down.
pub fn enrolment_at(records: &[EnrolmentRecord], completed_at: Timestamp) -> Option<&EnrolmentRecord> {
    let rank = |record: &&EnrolmentRecord| (record.changed, record.created, record.fingerprint);
    let before = records.iter().filter(|record| record.changed <= completed_at).max_by_key(rank);
    before.or_else(|| records.iter().min_by_key(rank))
}

/// An enrolment id as the whole number that the ELM wants; `None` where it is none, or would change on the way (leading
/// zeros, signs, fractions). 0 is what a missing id becomes by a careless cast, so it is none either.
pub fn enrolment_number(id: &EnrolmentId) -> Option<i64> {
    let text = id.as_str();
    let number: i64 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod opt_in_tests {
    use super::*;
    use crate::snapshot::Gap;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes * 60).unwrap()
    }

    fn course(id: i64, opt_in: OptIn) -> OptInCourse {
        let elm_id = Some(ElmCourseId::new("930001"));
        OptInCourse { id: MoodleCourseId(id), elm_id, full_name: "Fire safety".into(), opt_in }
    }

    fn look(minutes: i64, courses: &[OptInCourse]) -> Snapshot<Vec<OptInCourse>> {
        Snapshot::complete(at(minutes), courses.to_vec())
    }

    #[test]
    fn first_look_of_all_reports_from_now_and_a_later_opt_in_from_the_look_before() {
        let first = follow_opt_ins(&[], &look(100, &[course(7, OptIn::In), course(8, OptIn::Out)]), None);
        assert_eq!(first.iter().map(|c| (c.id.0, c.opted_at)).collect::<Vec<_>>(), [(7, at(100))]);
        let both = look(105, &[course(7, OptIn::In), course(8, OptIn::In)]);
        let second = follow_opt_ins(&first, &both, Some(at(100)));
        assert_eq!(second.iter().map(|c| (c.id.0, c.opted_at)).collect::<Vec<_>>(), [(7, at(100)), (8, at(100))]);
        let third = follow_opt_ins(&second, &both, Some(at(105)));
        assert_eq!(third, second, "nothing changed");
    }

    #[test]
    fn course_that_opts_out_and_in_again_reports_from_the_second_time() {
        let mut courses = follow_opt_ins(&[], &look(10, &[course(7, OptIn::In)]), None);
        courses[0].scanned_from = Some(at(10));
        courses = follow_opt_ins(&courses, &look(20, &[course(7, OptIn::Out)]), Some(at(10)));
        assert!(courses[0].withdrawn);
        courses = follow_opt_ins(&courses, &look(30, &[course(7, OptIn::In)]), Some(at(20)));
        assert_eq!((courses[0].withdrawn, courses[0].opted_at, courses[0].scanned_from), (false, at(20), None));
    }

    #[test]
    fn hidden_field_and_incomplete_look_withdraw_nothing() {
        let courses = follow_opt_ins(&[], &look(10, &[course(7, OptIn::In)]), None);
        let hidden = look(20, &[course(7, OptIn::Hidden)]);
        assert_eq!(follow_opt_ins(&courses, &hidden, Some(at(10))), courses);
        let narrowed = Snapshot { taken_at: at(20), gaps: vec![Gap::Narrowed], value: vec![] };
        assert_eq!(follow_opt_ins(&courses, &narrowed, Some(at(10))), courses);
        assert!(follow_opt_ins(&courses, &look(20, &[]), Some(at(10)))[0].withdrawn, "gone from a complete look");
    }
}

#[cfg(test)]
mod scan_tests {
    use super::*;
    use crate::policy::{CompletionLimits, DeliveryRules, ReportTemplate};
    use jiff::civil::date;
    use jiff::tz::TimeZone;

    const OVERLAP: SignedDuration = SignedDuration::from_hours(48);

    fn day(day: i8) -> Timestamp {
        date(2026, 11, day).at(0, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
    }

    fn course(id: i64, opted_at: Timestamp, scanned_from: Option<Timestamp>) -> OptedCourse {
        let id = MoodleCourseId(id);
        OptedCourse { id, elm_id: None, full_name: String::new(), opted_at, withdrawn: false, scanned_from }
    }

    fn policy(report_from: Option<jiff::civil::Date>) -> CompletionsPolicy {
        let (words, delivery, limits) =
            (ReportTemplate::default(), DeliveryRules::default(), CompletionLimits::default());
        CompletionsPolicy { zone: TimeZone::UTC, report_from, words, delivery, limits }
    }

    fn shown(scans: &[Scan]) -> Vec<(ScanKind, Timestamp, Vec<i64>)> {
        let ids = |scan: &Scan| scan.courses.iter().map(|id| id.0).collect();
        scans.iter().map(|scan| (scan.kind, scan.since, ids(scan))).collect()
    }

    #[test]
    fn ordinary_run_asks_one_question_with_two_days_of_overlap() {
        let courses = [course(7, day(1), Some(day(1))), course(8, day(2), Some(day(2)))];
        let scans = choose_scans(&courses, &policy(None), Some(day(20)), OVERLAP, false);
        assert_eq!(shown(&scans), [(ScanKind::Ordinary, day(18), vec![7, 8])]);
    }

    #[test]
    fn date_that_moves_back_is_read_again_from_there_once() {
        let courses = [course(7, day(1), Some(day(1))), course(8, day(2), Some(day(2)))];
        let moved = policy(Some(date(2026, 10, 1)));
        let scans = choose_scans(&courses, &moved, Some(day(20)), OVERLAP, false);
        let october = courses[0].reports_from(&moved);
        assert_eq!(
            shown(&scans),
            [(ScanKind::Ordinary, day(18), vec![7, 8]), (ScanKind::ReachBack, october, vec![7, 8])]
        );
        let read = courses.map(|course| OptedCourse { scanned_from: Some(october), ..course });
        assert_eq!(choose_scans(&read, &moved, Some(day(20)), OVERLAP, false).len(), 1);
    }

    #[test]
    fn first_run_and_full_run_read_all_that_counts_and_no_course_means_no_question() {
        let courses = [course(7, day(5), None), course(8, day(9), None)];
        let all = [(ScanKind::Full, day(5), vec![7, 8])];
        assert_eq!(shown(&choose_scans(&courses, &policy(None), None, OVERLAP, false)), all);
        assert_eq!(shown(&choose_scans(&courses, &policy(None), Some(day(20)), OVERLAP, true)), all);
        let withdrawn = [OptedCourse { withdrawn: true, ..course(7, day(5), None) }];
        assert_eq!(choose_scans(&withdrawn, &policy(None), None, OVERLAP, false), []);
    }
}

#[cfg(test)]
mod poll_tests {
    use super::*;

    fn hours(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3_600).unwrap()
    }

    fn candidate(user: i64, enrolled: i64, looked: Option<i64>) -> Candidate {
        let (user, course) = (MoodleUserId(user), MoodleCourseId(30));
        Candidate { user, course, enrolled_at: hours(enrolled), looked_at: looked.map(hours) }
    }

    fn order(candidates: &[Candidate], now: i64) -> Vec<i64> {
        order_polls(candidates, hours(now)).iter().map(|look| look.user.0).collect()
    }

    #[test]
    fn freshest_come_first_and_nobody_is_left_out_for_ever() {
        let new = [candidate(1, 90, None), candidate(2, 99, None), candidate(3, 0, Some(99))];
        assert_eq!(order(&new, 100), [2, 1, 3]);
        let all_known = [candidate(1, 0, Some(99)), candidate(2, 90, Some(99)), candidate(3, 50, Some(99))];
        assert_eq!(order(&all_known, 100), [2, 3, 1], "looked at together: the younger enrolment first");
        let one_waits = [candidate(1, 0, Some(40)), candidate(2, 90, Some(96))];
        assert_eq!(order(&one_waits, 100), [1, 2], "60 of 100 hours are more than 4 of 10");
    }

    #[test]
    fn person_with_several_courses_is_one_look() {
        let mut other = candidate(1, 80, None);
        other.course = MoodleCourseId(20);
        let looks = order_polls(&[candidate(1, 90, Some(95)), other, candidate(2, 85, None)], hours(100));
        assert_eq!(looks[0], PersonPoll { user: MoodleUserId(2), courses: vec![MoodleCourseId(30)] });
        assert_eq!(looks[1].courses, [MoodleCourseId(20), MoodleCourseId(30)]);
    }

    #[test]
    fn everybody_gets_a_turn_within_a_bounded_number_of_runs() {
        let mut people: Vec<_> = (0..200).map(|user| candidate(user, user / 10, None)).collect();
        for run in 0..60 {
            let now = hours(30 + run);
            for look in order_polls(&people, now).into_iter().take(20) {
                let person = people.iter_mut().find(|person| person.user == look.user).unwrap();
                person.looked_at = Some(now);
            }
        }
        assert!(people.iter().all(|person| person.looked_at > Some(hours(60))), "{people:?}");
    }
}

#[cfg(test)]
mod enrolment_tests {
    use super::*;

    #[test]
    fn enrolment_id_is_a_whole_number_or_nothing() {
        let number = |text: &str| enrolment_number(&EnrolmentId::new(text));
        assert_eq!(number("555001"), Some(555_001));
        assert_eq!(number("9223372036854775807"), Some(i64::MAX));
        for wrong in ["", "0", "-5", "+5", "0555", "5.0", "1e3", " 5", "5 ", "9223372036854775808", "E-555"] {
            assert_eq!(number(wrong), None, "{wrong:?}");
        }
    }
}
