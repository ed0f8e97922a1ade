//! Tables that fit the terminal, or 80 columns.
//!
//! Columns are folded where nothing else is said, or only those of [`Table::fold`]. Where one may be cut ([`Table::cut`]) a long
//! value ends in an ellipsis, and where it is optional ([`Table::optional`]) it gives way first; `--wide` shows every column whole.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width};
use textwrap::core::display_width;

/// Blank columns around each cell.
const PADDING: usize = 2;

/// Rows under a head.
#[derive(Debug)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
    cut: Vec<(usize, usize)>,
    fold: Vec<(usize, usize)>,
    optional: Vec<usize>,
}

impl Table {
    /// A table without rows.
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        let head = head.iter().map(|name| name.to_uppercase()).collect();
        Self { head, rows: Vec::new(), right: Vec::new(), cut: Vec::new(), fold: Vec::new(), optional: Vec::new() }
    }

    /// Sets the columns of these numbers, from 0, flush right.
    pub fn numbers(mut self, columns: &[usize]) -> Self {
        self.right = columns.to_vec();
        self
    }

    /// Cuts long values of these columns where space is short, to no fewer than so many characters.
    pub fn cut(mut self, columns: &[(usize, usize)]) -> Self {
        self.cut = columns.to_vec();
        self
    }

    /// Folds long values of these columns where space is short, to no fewer than so many characters a line.
    pub fn fold(mut self, columns: &[(usize, usize)]) -> Self {
        self.fold = columns.to_vec();
        self
    }

    /// Leaves these columns out where space is short, the first of them first.
    pub fn optional(mut self, columns: &[usize]) -> Self {
        self.optional = columns.to_vec();
        self
    }

    /// Adds a row; it has as many cells as the head. Control characters in a cell are shown as `·`: a name from outside
    /// cannot move the cursor.
    pub fn row<I: IntoIterator<Item: ToString>>(&mut self, cells: I) {
        let cells: Vec<_> = cells.into_iter().map(|cell| cell.to_string().replace(char::is_control, "·")).collect();
        debug_assert_eq!(cells.len(), self.head.len(), "a row has as many cells as the head");
        self.rows.push(cells);
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table in so many columns; whole where there is no limit.
    pub(super) fn drawn(&self, width: Option<u16>) -> String {
        let mut inner = comfy_table::Table::new();
        inner.load_style(NOTHING);
        let widths =
            width.filter(|_| !self.cut.is_empty() || !self.optional.is_empty()).map(|width| self.fit(width.into()));
        let shown: Vec<usize> = match &widths {
            Some(widths) => (0..self.head.len()).filter(|column| widths[*column].is_some()).collect(),
            None => (0..self.head.len()).collect(),
        };
        let cell = |row: &[String], column: usize| match widths.as_ref().and_then(|widths| widths[column]) {
            Some(most) if self.cut.iter().any(|(cut, _)| *cut == column) => shorten(&row[column], most),
            _ => row[column].clone(),
        };
        inner.set_header(shown.iter().map(|column| self.head[*column].clone()).collect::<Vec<_>>());
        for row in &self.rows {
            inner.add_row(shown.iter().map(|column| cell(row, *column)).collect::<Vec<_>>());
        }
        for (place, column) in shown.iter().enumerate() {
            let Some(inner) = inner.column_mut(place) else { continue };
            if self.right.contains(column) {
                inner.set_cell_alignment(CellAlignment::Right);
            }
            if let Some(most) = widths.as_ref().and_then(|widths| widths[*column]) {
                let most = u16::try_from(most + PADDING).unwrap_or(u16::MAX);
                inner.set_constraint(ColumnConstraint::Absolute(Width::Fixed(most)));
            }
        }
        match width {
            Some(width) => inner.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => inner.set_content_arrangement(ContentArrangement::Disabled),
        };
        inner.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// How wide each column is in so many columns in all; nothing for one that gives way.
    fn fit(&self, width: usize) -> Vec<Option<usize>> {
        let natural = |column: usize| {
            let cells = self.rows.iter().map(|row| display_width(&row[column]));
            cells.chain([display_width(&self.head[column])]).max().unwrap_or(0)
        };
        let mut widths: Vec<Option<usize>> = (0..self.head.len()).map(|column| Some(natural(column))).collect();
        let least = |column: usize, wide: usize| {
            let flexible = self.cut.iter().chain(&self.fold).find(|(flexible, _)| *flexible == column);
            flexible.map_or(wide, |(_, least)| wide.min((*least).max(display_width(&self.head[column]))))
        };
        let needed = |widths: &[Option<usize>]| -> usize {
            widths.iter().enumerate().filter_map(|(column, wide)| wide.map(|wide| least(column, wide) + PADDING)).sum()
        };
        for column in &self.optional {
            if needed(&widths) > width {
                widths[*column] = None;
            }
        }
        let total = |widths: &[Option<usize>]| -> usize { widths.iter().flatten().map(|wide| wide + PADDING).sum() };
        while total(&widths) > width {
            let widest = self.cut.iter().chain(&self.fold).filter_map(|(column, _)| {
                let wide = widths[*column]?;
                (wide > least(*column, natural(*column))).then_some((wide, *column))
            });
            let Some((wide, column)) = widest.max() else { break };
            widths[column] = Some(wide - 1);
        }
        widths
    }
}

/// The text in so many columns of a terminal, with an ellipsis where something is missing.
pub fn shorten(text: &str, most: usize) -> String {
    if display_width(text) <= most {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        let mut longer = short.clone();
        longer.push(letter);
        if display_width(&longer) + 1 > most {
            break;
        }
        short = longer;
    }
    short.push('…');
    short
}
