//! Rows that are read from left to right.

use super::{Column, FromSql, Row};

/// The values of a row, in the order of its columns. A name is looked for among all columns of a row, for each value of each
/// row; where rows are long and many, that costs more than the values.
pub struct Cells<'a> {
    row: &'a Row,
    place: usize,
}

impl<'a> Cells<'a> {
    /// Those of `row`, from its first column on.
    pub fn new(row: &'a Row) -> Self {
        Self { row, place: 0 }
    }

    /// The next value, which is that of the column `name`.
    ///
    /// # Panics
    ///
    /// When there is none, or it is no `T`. A build with assertions also looks at the name.
    pub fn next<T: FromSql<'a>>(&mut self, name: &str) -> T {
        debug_assert_eq!(self.row.columns().get(self.place).map(Column::name), Some(name));
        let value = self.row.get(self.place);
        self.place += 1;
        value
    }
}
