//! Which stretch of Moodle's completion table to read.
//!
//! A completion's time can be earlier than the moment at which it appears (the last criterion's time counts, grades are
//! back-dated, cron was down), so each reading overlaps the one before, and once in a while it covers everything.

use super::OptedCourse;
use crate::model::MoodleCourseId;
use crate::policy::CompletionsPolicy;
use jiff::{SignedDuration, Timestamp};

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
    /// Why.
    pub kind: ScanKind,
    /// From when on, inclusive.
    pub since: Timestamp,
    /// Of which courses.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{CompletionLimits, DeliveryRules, ReportWords};
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
        let (words, delivery, limits) = (ReportWords::default(), DeliveryRules::default(), CompletionLimits::default());
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
