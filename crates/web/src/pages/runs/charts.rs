//! What the charts of runs show: hours of a day, days of some weeks, weeks of a year; and sums since the beginning.

use crate::layout::{Chart, ChartColumn, PageContext, TimeFormatter, format_count};
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use rollbook_core::model::LinkName;
use rollbook_journal::{JournalError, RunStats};

const INTAKE: &str = "intake";

/// How much time a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A day, by hours.
    Day,
    /// Two weeks, by days.
    Fortnight,
    /// A quarter of a year, by days.
    Quarter,
    /// A year, by weeks.
    Year,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Fortnight => "fortnight",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Day => "A day",
            Self::Fortnight => "Two weeks",
            Self::Quarter => "Three months",
            Self::Year => "A year",
        }
    }
}

/// A stretch of time that is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub kind: Kind,
    first: Date,
}

impl Range {
    pub(super) const ALL: [Kind; 4] = [Kind::Day, Kind::Fortnight, Kind::Quarter, Kind::Year];

    /// What an address asks for: a word, and a first day that may be left out.
    pub(super) fn read(word: &str, from: &str, times: &TimeFormatter) -> Self {
        let kind = Self::ALL.into_iter().find(|kind| kind.word() == word).unwrap_or(Kind::Fortnight);
        let today = times.now.to_zoned(times.zone.clone()).date();
        let back = |span: Span| today.checked_sub(span).unwrap_or(today);
        let usual = match kind {
            Kind::Day => today,
            Kind::Fortnight => back(Span::new().days(13)),
            Kind::Quarter => back(Span::new().days(90)),
            Kind::Year => back(Span::new().days(7 * 52)),
        };
        Self { kind, first: from.parse().unwrap_or(usual) }
    }

    /// The last so many days.
    fn days(count: i64, times: &TimeFormatter) -> (Self, i64) {
        let today = times.now.to_zoned(times.zone.clone()).date();
        let first = today.checked_sub(Span::new().days(count - 1)).unwrap_or(today);
        (Self { kind: Kind::Fortnight, first }, count)
    }

    pub(super) fn caption(&self, times: &TimeFormatter) -> String {
        let edges = self.edges(times, self.columns());
        let last = edges.last().map(|edge| edge.end).unwrap_or(times.now);
        let last = last.to_zoned(times.zone.clone()).date();
        let last = last.yesterday().unwrap_or(last);
        match self.kind {
            Kind::Day => format!("Enrolments, suspensions and errors on {}, by hour", self.first),
            Kind::Fortnight | Kind::Quarter => {
                format!("Enrolments, suspensions and errors from {} to {last}, by day", self.first)
            }
            Kind::Year => format!("Enrolments, suspensions and errors from {} to {last}, by week", self.first),
        }
    }

    fn columns(&self) -> i64 {
        match self.kind {
            Kind::Day => 24,
            Kind::Fortnight => 14,
            Kind::Quarter => 91,
            Kind::Year => 53,
        }
    }

    fn edges(&self, times: &TimeFormatter, columns: i64) -> Vec<Edge> {
        let began = self.first.to_zoned(times.zone.clone());
        let Ok(began) = began else { return Vec::new() };
        let step = |at: i64| match self.kind {
            Kind::Day => Span::new().hours(at),
            Kind::Fortnight | Kind::Quarter => Span::new().days(at),
            Kind::Year => Span::new().weeks(at),
        };
        let edge = |at: i64| {
            let (start, end) = (began.checked_add(step(at)).ok()?, began.checked_add(step(at + 1)).ok()?);
            let (label, short) = match self.kind {
                Kind::Day => (start.strftime("%H:%M").to_string(), start.strftime("%H").to_string()),
                Kind::Fortnight => (start.strftime("%a %d %b %Y").to_string(), start.strftime("%d %b").to_string()),
                Kind::Quarter => (
                    start.strftime("%a %d %b %Y").to_string(),
                    if at % 14 == 0 { start.strftime("%d %b").to_string() } else { String::new() },
                ),
                Kind::Year => (
                    start.strftime("week of %d %b %Y").to_string(),
                    if at % 8 == 0 { start.strftime("%d %b").to_string() } else { String::new() },
                ),
            };
            let day = start.date();
            Some(Edge { start: start.timestamp(), end: end.timestamp(), label, short, day })
        };
        (0..columns).filter_map(edge).collect()
    }
}

struct Edge {
    start: Timestamp,
    end: Timestamp,
    label: String,
    short: String,
    day: Date,
}

/// The chart of a range; a column leads to a closer look.
pub(super) async fn draw(
    context: &PageContext,
    link: Option<&LinkName>,
    range: &Range,
    times: &TimeFormatter,
    path: impl Fn(&str, &str) -> String,
) -> Result<Chart, JournalError> {
    let closer = match range.kind {
        Kind::Year => Some(Kind::Fortnight),
        Kind::Quarter | Kind::Fortnight => Some(Kind::Day),
        Kind::Day => None,
    };
    fill(context, link, range.edges(times, range.columns()), |edge| {
        closer.map(|kind| path(kind.word(), &edge.day.to_string())).unwrap_or_default()
    })
    .await
}

/// The chart of the last so many days.
pub(in crate::pages) async fn chart_of_days(
    context: &PageContext,
    link: Option<&LinkName>,
    days: i64,
) -> Result<Chart, JournalError> {
    let times = context.times(link);
    let (range, days) = Range::days(days, &times);
    fill(context, link, range.edges(&times, days), |edge| format!("/runs?range=day&from={}", edge.day)).await
}

async fn fill(
    context: &PageContext,
    link: Option<&LinkName>,
    edges: Vec<Edge>,
    path: impl Fn(&Edge) -> String,
) -> Result<Chart, JournalError> {
    let whole =
        (edges.first().map_or(Timestamp::MIN, |edge| edge.start), edges.last().map_or(Timestamp::MIN, |edge| edge.end));
    let figures = context.state.journal.runs().stats(INTAKE, link, whole).await?;
    let column = |edge: &Edge| {
        let inside = |figure: &&RunStats| edge.start <= figure.from && figure.from < edge.end;
        let mut values = [0_u64; 3];
        for figure in figures.iter().filter(inside) {
            values[0] += figure.enrolled;
            values[1] += figure.suspended;
            // The same records are met by run after run.
            values[2] = values[2].max(figure.errors);
        }
        ChartColumn { label: edge.label.clone(), short: edge.short.clone(), values, path: path(edge) }
    };
    Ok(Chart::draw(edges.iter().map(column).collect()))
}

/// Sums of everything, from the tally that is kept beside the records.
pub(super) async fn totals(
    context: &PageContext,
    link: Option<&LinkName>,
) -> Result<Vec<(&'static str, String)>, JournalError> {
    let courses = context.state.journal.records().course_totals(link).await?;
    let (mut enrolled, mut suspended, mut completed, mut waiting, mut errors) = (0, 0, 0, 0, 0);
    for ((action, status), total) in courses.iter().flat_map(|course| &course.totals) {
        match (action.as_str(), status.as_str()) {
            (_, "Waiting") => waiting += total,
            (_, "Error") => errors += total,
            (_, "Skipped") => {}
            ("Complete", _) => completed += total,
            (action, _) if action.contains("Suspend") => suspended += total,
            (action, _) if action.contains("Enrol") => enrolled += total,
            (_, _) => {}
        }
    }
    let all = [
        ("Enrolled", enrolled),
        ("Suspended", suspended),
        ("Completed", completed),
        ("Waiting now", waiting),
        ("Errors now", errors),
    ];
    Ok(all.map(|(label, total)| (label, format_count(total))).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_of_a_changed_clock_has_its_own_hours() {
        // On this day in 2025 Vancouver went from 01:59 to 03:00.
        let times = TimeFormatter::new(
            "2025-03-09T20:00:00Z".parse().unwrap(),
            rollbook_clock::zone("America/Vancouver").unwrap(),
        );
        let range = Range::read("day", "2025-03-09", &times);
        let edges = range.edges(&times, 24);
        assert_eq!(edges[2].label, "03:00");
        assert!(edges.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!(Range::read("nonsense", "nonsense", &times).kind, Kind::Fortnight);
    }
}
