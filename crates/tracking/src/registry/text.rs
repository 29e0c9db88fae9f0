//! Draws the table for a terminal.

use staycast_text::escape;

use super::run_table::{RunRow, RunTable};

/// Counts the blanks between columns.
const GAP: usize = 2;
/// Bounds the letters of a run's name, and of any other column.
const LONGEST_NAME: usize = 32;
const LONGEST_CELL: usize = 28;
/// Sets the least width of a table that can be read.
const NARROWEST: usize = 40;

/// Holds the header and cells of a column.
struct Column {
    cells: Vec<String>,
    right: bool,
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().map(|cell| letters(cell)).max().unwrap_or(0)
    }
}

impl RunTable {
    /// Draws lines of at most `width` letters (40 at least): figures first, then settings that differ. Columns that do not
    /// fit side by side stand below, and rows keep their numbers there. Long names and values lose their middle. A missing
    /// value is `–`.
    #[must_use]
    pub fn to_text(&self, width: usize) -> String {
        let width = width.max(NARROWEST);
        let mut text = String::new();
        if !self.runs.is_empty() {
            let numbers = self.column("#", true, width, |at, _| (at + 1).to_string());
            let left = width - numbers.width() - GAP;
            let names = self.column("run", false, LONGEST_NAME.min(left / 2), |_, row| row.name.clone());
            let longest = LONGEST_CELL.min(left - names.width() - GAP);
            let fixed = [numbers, names];
            let taken: usize = fixed.iter().map(Column::width).sum::<usize>() + GAP;
            let mut block: Vec<Column> = Vec::new();
            let mut used = taken;
            for column in self.figure_columns(longest).chain(self.setting_columns(longest)) {
                if used + GAP + column.width() > width {
                    draw(&mut text, &fixed, &block);
                    block.clear();
                    used = taken;
                }
                used += GAP + column.width();
                block.push(column);
            }
            draw(&mut text, &fixed, &block);
        }
        let runs = match self.runs.len() {
            1 => "1 run".to_owned(),
            runs => format!("{runs} runs"),
        };
        match self.same {
            0 => text + &format!("{runs}\n"),
            1 => text + &format!("{runs}; 1 setting is the same in all\n"),
            same => text + &format!("{runs}; {same} settings are the same in all\n"),
        }
    }

    fn figure_columns(&self, longest: usize) -> impl Iterator<Item = Column> {
        self.figures.iter().map(move |name| {
            let cell = |row: &RunRow| row.figures.get(name).copied().flatten();
            let print = if self.counts.contains(name) { count } else { figure };
            self.column(name, true, longest, |_, row| cell(row).map_or_else(|| "–".to_owned(), print))
        })
    }

    fn setting_columns(&self, longest: usize) -> impl Iterator<Item = Column> {
        self.differing.iter().map(move |name| {
            let cell = |row: &RunRow| row.settings.get(name).cloned().flatten();
            self.column(name, false, longest, |_, row| cell(row).unwrap_or_else(|| "–".to_owned()))
        })
    }

    fn column(&self, header: &str, right: bool, longest: usize, cell: impl Fn(usize, &RunRow) -> String) -> Column {
        let cells = self.runs.iter().enumerate().map(|(at, row)| cell(at, row));
        let cells = std::iter::once(header.to_owned()).chain(cells);
        Column { cells: cells.map(|cell| fitted(&cell, longest)).collect(), right }
    }
}

/// Formats a figure: four decimals, and none for whole numbers from a thousand on.
fn figure(value: f64) -> String {
    if value.abs() >= 1e9 || (value != 0.0 && value.abs() < 1e-3) {
        format!("{value:.3e}")
    } else if value.abs() >= 1000.0 && value.fract() == 0.0 {
        format!("{value}")
    } else {
        format!("{value:.4}")
    }
}

/// Formats a count.
fn count(value: f64) -> String {
    format!("{value:.0}")
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

/// Shortens a text to one line of at most `longest` letters.
fn fitted(text: &str, longest: usize) -> String {
    let text: Vec<char> = escape(text).chars().collect();
    if text.len() <= longest {
        return text.into_iter().collect();
    }
    let end = (longest - 1) / 2;
    let begin = longest - 1 - end;
    text[..begin].iter().chain(&['…']).chain(&text[text.len() - end..]).collect()
}

fn draw(text: &mut String, fixed: &[Column], block: &[Column]) {
    if !text.is_empty() {
        text.push('\n');
    }
    let columns: Vec<&Column> = fixed.iter().chain(block).collect();
    let lines = columns.first().map_or(0, |column| column.cells.len());
    for line in 0..lines {
        let mut drawn = String::new();
        for (at, column) in columns.iter().enumerate() {
            let cell = &column.cells[line];
            let blanks = " ".repeat(column.width() - letters(cell));
            if at > 0 {
                drawn.push_str(&" ".repeat(GAP));
            }
            let (before, after) = if column.right { (blanks.as_str(), "") } else { ("", blanks.as_str()) };
            drawn.push_str(before);
            drawn.push_str(cell);
            drawn.push_str(after);
        }
        text.push_str(drawn.trim_end());
        text.push('\n');
    }
}
