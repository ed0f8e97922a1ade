//! Tables that fit the terminal, or 80 columns; a long cell is folded, never cut.
//!
//! Next: [`super::Output::table`].

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement};

/// Rows under a head.
#[derive(Debug)]
pub struct Table {
    inner: comfy_table::Table,
    columns: usize,
}

impl Table {
    /// A table without rows.
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(NOTHING).set_header(head.map(str::to_uppercase));
        inner.set_content_arrangement(ContentArrangement::Dynamic);
        Self { inner, columns: N }
    }

    /// Sets the columns of these numbers, from 0, flush right.
    pub fn numbers(mut self, columns: &[usize]) -> Self {
        for column in columns {
            if let Some(column) = self.inner.column_mut(*column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self
    }

    /// Adds a row; it has as many cells as the head. Control characters in a cell are shown as `·`: a name from outside
    /// cannot move the cursor.
    pub fn row<I: IntoIterator<Item: ToString>>(&mut self, cells: I) {
        let cells: Vec<_> = cells.into_iter().map(|cell| cell.to_string().replace(char::is_control, "·")).collect();
        debug_assert_eq!(cells.len(), self.columns, "a row has as many cells as the head");
        self.inner.add_row(cells);
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.inner.row_iter().next().is_none()
    }

    pub(super) fn drawn(&self, width: u16) -> String {
        let mut table = self.inner.clone();
        table.set_width(width);
        table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}
