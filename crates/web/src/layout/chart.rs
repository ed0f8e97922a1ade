//! Columns over time as SVG: places are computed here, the template only writes them down. A table beside it says the same.

/// So wide and high is the drawing, in its own units.
pub const WIDTH: f64 = 960.0;
/// Its height.
pub const HEIGHT: f64 = 200.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;

/// One column: what it stands for, and its three values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartColumn {
    /// What it stands for, in full.
    pub label: String,
    /// The same in a few letters, for below; empty for none.
    pub short: String,
    /// Enrolments, suspensions, errors.
    pub values: [u64; 3],
    /// Where a click leads; may be empty.
    pub path: String,
}

/// A piece of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its class: `enrolled`, `suspended`, `errors`.
    pub class: &'static str,
    /// Left edge.
    pub x: String,
    /// Upper edge.
    pub y: String,
    /// Width.
    pub width: String,
    /// Height.
    pub height: String,
}

/// A column with its pieces.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnColumn {
    /// Its label and numbers.
    pub summary: String,
    /// Where a click leads; may be empty.
    pub path: String,
    /// The pieces.
    pub bars: Vec<Bar>,
    /// The whole column, for the pointer.
    pub x: String,
    /// Its width.
    pub width: String,
}

/// A line across, with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where.
    pub y: String,
    /// The number.
    pub label: String,
}

/// A label below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where.
    pub x: String,
    /// The label.
    pub label: String,
}

/// A drawn chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What is in the table beside it.
    pub columns: Vec<ChartColumn>,
    /// What is drawn.
    pub drawn: Vec<DrawnColumn>,
    /// Lines across.
    pub lines: Vec<Line>,
    /// Labels below.
    pub marks: Vec<Mark>,
    /// Whether there is nothing to see.
    pub is_empty: bool,
}

const CLASSES: [&str; 3] = ["enrolled", "suspended", "errors"];

impl Chart {
    /// Draws columns, the oldest first.
    pub fn draw(columns: Vec<ChartColumn>) -> Self {
        let highest = columns.iter().map(|column| column.values.iter().sum::<u64>()).max().unwrap_or(0);
        let top = nice(highest);
        let floor = HEIGHT - BOTTOM;
        let scale = (floor - TOP) / real(top.max(1));
        let step = (WIDTH - LEFT) / real(columns.len().max(1) as u64);
        let drawn = columns.iter().enumerate().map(|(at, column)| {
            let left = LEFT + step * real(at as u64);
            let width = (step * 0.72).min(36.0);
            let mut upper = floor;
            let mut bars = Vec::new();
            for (class, value) in CLASSES.into_iter().zip(column.values).filter(|(_, value)| *value > 0) {
                // What is there is seen, however little it is.
                let height = (real(value) * scale).max(1.5);
                upper -= height;
                let x = place(left + (step - width) / 2.0);
                bars.push(Bar { class, x, y: place(upper), width: place(width), height: place(height) });
            }
            let [enrolled, suspended, errors] = column.values;
            let summary = format!("{}: {enrolled} enrolled, {suspended} suspended, {errors} errors", column.label);
            DrawnColumn { summary, path: column.path.clone(), bars, x: place(left), width: place(step) }
        });
        let drawn = drawn.collect();
        let lines = [0, top / 2, top]
            .map(|value| Line { y: place(floor - real(value) * scale), label: super::labels::format_count(value) });
        let marks = columns.iter().enumerate().filter(|(_, column)| !column.short.is_empty());
        let marks = marks
            .map(|(at, column)| Mark { x: place(LEFT + step * (real(at as u64) + 0.5)), label: column.short.clone() });
        Self { marks: marks.collect(), drawn, lines: lines.to_vec(), is_empty: highest == 0, columns }
    }
}

/// The next number that is round and easy to halve, and little higher.
fn nice(highest: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for step in [2, 3, 4, 5, 6, 8, 10] {
            let top = step * unit;
            if top >= highest && top.is_multiple_of(2) {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

fn real(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

fn place(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_on_the_floor_and_the_highest_fits() {
        let column = |values| ChartColumn { label: "Monday".into(), short: "Mo".into(), values, path: String::new() };
        let chart = Chart::draw(vec![column([30, 10, 2]), column([0, 0, 0])]);
        assert_eq!(chart.lines.iter().map(|line| line.label.as_str()).collect::<Vec<_>>(), ["0", "25", "50"]);
        let bars = &chart.drawn[0].bars;
        assert_eq!(bars.len(), 3);
        let edge = |bar: &Bar| bar.y.parse::<f64>().unwrap() + bar.height.parse::<f64>().unwrap();
        assert!((edge(&bars[0]) - (HEIGHT - BOTTOM)).abs() < 0.2);
        assert!(bars[2].y.parse::<f64>().unwrap() >= TOP);
        assert!(chart.drawn[1].bars.is_empty() && !chart.is_empty);
        assert_eq!(chart.drawn[0].summary, "Monday: 30 enrolled, 10 suspended, 2 errors");
        assert!(Chart::draw(Vec::new()).is_empty);
    }
}
