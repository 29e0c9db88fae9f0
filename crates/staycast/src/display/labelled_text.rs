//! Text for a terminal: labels with what they say beside them, paragraphs, and tables.

use staycast_text::escape;

/// Counts the columns that text is broken at.
const TEXT_WIDTH: usize = 80;
/// Counts the columns of the labels of a [`LabelledText`].
const LABEL_WIDTH: usize = 14;

/// Holds text for a terminal: labels on the left, what they say on the right, broken at 80 columns.
#[derive(Debug, Default)]
pub(crate) struct LabelledText {
    text: String,
}

impl LabelledText {
    /// Adds a label and what it says. An empty label continues the one before. The value may have any name in it: its
    /// control characters, line breaks too, are escaped.
    pub(crate) fn row(&mut self, label: &str, value: impl AsRef<str>) -> &mut Self {
        let lead = if label.len() >= LABEL_WIDTH { format!("{label} ") } else { format!("{label:LABEL_WIDTH$}") };
        let text = format!("{lead}{}", wrapped(&escape(value.as_ref()), lead.chars().count(), LABEL_WIDTH));
        self.text.push_str(text.trim_end());
        self.text.push('\n');
        self
    }

    /// Adds a label and what it says in several lines, each as a [`LabelledText::row`].
    pub(crate) fn rows<T: AsRef<str>>(&mut self, label: &str, lines: impl IntoIterator<Item = T>) -> &mut Self {
        for (place, line) in lines.into_iter().enumerate() {
            self.row(if place == 0 { label } else { "" }, line);
        }
        self
    }

    /// Adds a label and what it says, cut after `most` lines with ` …` at the end.
    pub(crate) fn row_of_lines(&mut self, label: &str, value: impl AsRef<str>, most: usize) -> &mut Self {
        let mut whole = Self::default();
        whole.row(label, value);
        let mut lines: Vec<&str> = whole.text.lines().collect();
        if lines.len() <= most {
            self.text.push_str(&whole.text);
            return self;
        }
        lines.truncate(most);
        self.text.push_str(&lines.join("\n"));
        // The ellipsis takes the place of a word where the line is full.
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last + 2 > TEXT_WIDTH
            && let Some(end) = self.text.trim_end().rfind(' ')
        {
            self.text.truncate(end);
        }
        self.text.push_str(" …\n");
        self
    }

    /// Adds a paragraph over the whole width, escaped as a value of a [`LabelledText::row`].
    pub(crate) fn paragraph(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.text.push_str(&wrapped(&escape(text.as_ref()), 0, 0));
        self.text.push('\n');
        self
    }

    /// Adds lines as they are: tables whose cells are escaped, or commands whose arguments are.
    pub(crate) fn verbatim(&mut self, text: impl AsRef<str>) -> &mut Self {
        self.text.push_str(text.as_ref().trim_end());
        self.text.push('\n');
        self
    }

    /// Adds an empty line.
    pub(crate) fn gap(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    /// Returns the text.
    pub(crate) fn into_string(self) -> String {
        self.text
    }
}

/// Breaks text at spaces into lines of at most [`TEXT_WIDTH`] columns, the first after `first` columns that are already
/// taken, the others indented by `indent`.
fn wrapped(text: &str, first: usize, indent: usize) -> String {
    let mut lines = String::new();
    let mut used = first;
    let mut fresh = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let columns = word.chars().count();
        if !fresh && used + 1 + columns > TEXT_WIDTH {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            used = indent;
        } else if !fresh {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += columns;
        fresh = false;
    }
    lines
}

/// Lays rows out in columns as wide as they need to be: the first `left` aligned to the left, the others to the right. Cells
/// are escaped as names.
pub(crate) fn align_columns<R: AsRef<[String]>>(rows: &[R], left: usize) -> Vec<String> {
    let escaped = |row: &R| row.as_ref().iter().map(|cell| escape(cell).into_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(escaped).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let cell = |(column, text): (usize, &String)| {
        let width = widths[column];
        if column < left { format!("{text:<width$}") } else { format!("{text:>width$}") }
    };
    let line = |row: &[String]| row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ");
    rows.iter().map(|row| line(row).trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_broken_under_their_label() {
        let mut sheet = LabelledText::default();
        sheet.row("Courses", "word ".repeat(40));
        let text = sheet.into_string();
        assert!(text.lines().count() > 1);
        assert!(text.lines().all(|line| line.chars().count() <= TEXT_WIDTH));
        assert!(text.lines().skip(1).all(|line| line.starts_with(&" ".repeat(LABEL_WIDTH))));
    }

    #[test]
    fn a_row_of_lines_is_cut_and_says_so() {
        for words in 1..80 {
            let mut text = LabelledText::default();
            text.row_of_lines("Courses", "word ".repeat(words), 2);
            let text = text.into_string();
            assert!(text.lines().count() <= 2 && text.lines().all(|line| line.chars().count() <= TEXT_WIDTH), "{text}");
            assert_eq!(text.contains('…'), text.matches("word").count() < words, "{words}: {text}");
        }
    }
}
