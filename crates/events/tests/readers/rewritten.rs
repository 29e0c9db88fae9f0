//! The same tables as other programs write them: a fixture of each tabular format, rewritten, must say the same.

use std::path::Path;
use std::sync::Arc;

use staycast_events::Source;

use crate::common::{Folder, courses, enrolments, fixture, open, read};

/// The tabular formats whose files have headers, and their columns of whole numbers by definition.
const FORMATS: [(&str, &[&str]); 5] = [
    (
        "oulad",
        &[
            "id_student",
            "id_site",
            "id_assessment",
            "date",
            "sum_click",
            "date_registration",
            "date_unregistration",
            "module_presentation_length",
            "week_from",
            "week_to",
            "date_submitted",
            "score",
        ],
    ),
    (
        "moodle",
        &[
            "id",
            "userid",
            "courseid",
            "realuserid",
            "contextid",
            "contextinstanceid",
            "contextlevel",
            "instanceid",
            "roleid",
            "enrolid",
            "timestart",
            "timecreated",
            "startdate",
            "enddate",
            "anonymous",
        ],
    ),
    ("kdd2015", &["enrollment_id"]),
    ("xuetangx2019", &["enroll_id", "truth"]),
    ("futurelearn", &["week_number", "step_number"]),
];

/// A table: its header, if it has one, and its rows.
struct Cells {
    header: Option<Vec<String>>,
    rows: Vec<Vec<String>>,
}

impl Cells {
    fn read(path: &Path) -> Self {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path).unwrap();
        let mut rows: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        // KDD's truth has no header.
        let has_header = !path.ends_with("truth.csv");
        let header = has_header.then(|| rows.remove(0));
        Self { header, rows }
    }

    fn map(mut self, change: impl Fn(&str, &str) -> Option<String>) -> Self {
        for row in &mut self.rows {
            for (place, cell) in row.iter_mut().enumerate() {
                let column = self.header.as_ref().map_or("", |header| header[place].as_str());
                if let Some(changed) = change(column, cell) {
                    *cell = changed;
                }
            }
        }
        self
    }

    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        self.header.iter().chain(&self.rows)
    }

    fn write(&self) -> Vec<u8> {
        self.write_with(&mut csv::WriterBuilder::new())
    }

    fn write_with(&self, builder: &mut csv::WriterBuilder) -> Vec<u8> {
        let mut writer = builder.flexible(true).from_writer(Vec::new());
        self.lines().for_each(|line| writer.write_record(line).unwrap());
        writer.into_inner().unwrap()
    }
}

/// All that a source says, in words.
pub(crate) fn says(source: &Source) -> String {
    let all = read(source).unwrap();
    let event = |event: &staycast_events::Event| {
        let enrolment = source.roster.enrolments.id(event.enrolment().as_usize());
        let kind = &source.kinds[event.kind() as usize].raw;
        format!("{enrolment} {} {kind} {:?} {}", event.seconds(), event.object(), event.weight())
    };
    let events: Vec<String> = all.events.iter().map(event).collect();
    let statics: Vec<Box<[Option<Arc<str>>]>> = source.roster.enrolments.iter().map(|one| one.statics).collect();
    let labels: Vec<Option<bool>> = source.roster.enrolments.iter().map(|one| one.dropout).collect();
    let counts: Vec<_> = all.tally.reasons.iter().map(|(reason, count)| (reason.name(), count.rows)).collect();
    let roster: Vec<_> = source.tables.reasons.iter().map(|(reason, count)| (reason.name(), count.rows)).collect();
    format!(
        "{:#?}",
        (
            source.format,
            courses(source),
            enrolments(source),
            statics,
            labels,
            &source.roster.assessments,
            source.roster.submissions.len(),
            &source.roster.releases,
            events,
            counts,
            roster,
        )
    )
}

/// Checks that every tabular format says the same after `rewrite`, which is given the format's whole numbers and a table.
fn check(rewrite: impl Fn(&[&str], &str, Cells) -> Vec<u8>) {
    for (format, numbers) in FORMATS {
        let base = fixture(&format!("{format}/base"));
        let folder = Folder::of(&[]);
        for entry in std::fs::read_dir(&base).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            folder.write(&name, &rewrite(numbers, &name, Cells::read(&path)));
        }
        let rewritten = open(folder.path()).unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!(says(&rewritten), says(&open(&base).unwrap()), "{format}");
    }
}

#[test]
fn whole_numbers_that_went_through_pandas() {
    check(|numbers, _, table| {
        let is_number = |cell: &str| !cell.is_empty() && cell.parse::<i64>().is_ok();
        let float =
            |column: &str, cell: &str| (numbers.contains(&column) && is_number(cell)).then(|| format!("{cell}.0"));
        table.map(float).write()
    });
}

#[test]
fn words_for_missing_values() {
    for word in ["NA", "NaN", "nan", "None", "NULL", "null", "\\N", "<NA>", "NaT"] {
        check(|_, _, table| {
            let missing = |_: &str, cell: &str| (cell.is_empty() || cell == "?").then(|| word.to_owned());
            table.map(missing).write()
        });
    }
}

#[test]
fn a_leading_column_of_row_numbers() {
    for name in ["", "Unnamed: 0", "X", "index"] {
        check(|_, _, mut table| {
            let Some(header) = &mut table.header else { return table.write() };
            header.insert(0, name.to_owned());
            table.rows.iter_mut().zip(0..).for_each(|(row, number): (_, usize)| row.insert(0, number.to_string()));
            table.write()
        });
    }
}

/// Changes the header and every row with `change`, where the table has a header.
fn each_line(mut table: Cells, change: impl Fn(&mut Vec<String>, bool)) -> Cells {
    if let Some(header) = &mut table.header {
        change(header, true);
        table.rows.iter_mut().for_each(|row| change(row, false));
    }
    table
}

#[test]
fn quotes_around_every_cell() {
    check(|_, _, table| table.write_with(csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always)));
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows() {
    check(|_, _, table| {
        let text = table.write_with(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF));
        [b"\xef\xbb\xbf", text.as_slice()].concat()
    });
}

#[test]
fn blanks_around_names_and_names_in_capitals() {
    check(|_, _, table| {
        let change = |line: &mut Vec<String>, is_header| {
            if is_header {
                line.iter_mut().for_each(|name| *name = format!(" {} ", name.to_uppercase()));
            }
        };
        each_line(table, change).write()
    });
}

#[test]
fn columns_in_another_order() {
    check(|_, _, table| each_line(table, |line, _| line.reverse()).write());
    check(|_, _, table| each_line(table, |line, _| line.rotate_left(2)).write());
}

#[test]
fn further_columns_with_and_without_a_name() {
    for name in ["note", ""] {
        check(|_, _, table| {
            let change = |line: &mut Vec<String>, is_header| {
                let cell = if is_header { name } else { "x, \"y\"" };
                line.push(cell.to_owned());
                line.push(String::new());
            };
            each_line(table, change).write()
        });
    }
}

#[test]
fn empty_lines_between_rows() {
    check(|_, _, table| {
        let text = String::from_utf8(table.write()).unwrap();
        // Not inside the quotes of a comment.
        let mut quotes = 0;
        let line = |line: &str| {
            quotes += line.matches('"').count();
            if quotes % 2 == 0 { format!("{line}\n\r\n") } else { format!("{line}\n") }
        };
        text.lines().map(line).collect::<String>().into_bytes()
    });
}

#[test]
fn row_names_of_r_in_quotes_where_no_row_has_a_last_cell() {
    check(|_, _, mut table| {
        if table.header.is_some() {
            if let Some(header) = &mut table.header {
                header.push("unused".to_owned());
            }
            for (row, number) in table.rows.iter_mut().zip(1..) {
                row.insert(0, number.to_string());
                row.push(String::new());
            }
        }
        table.write_with(csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always))
    });
}

#[test]
fn row_names_of_r_for_which_the_header_has_no_name() {
    check(|_, _, mut table| {
        // Where every last cell is empty, a cell too many is taken for a separator at the end.
        let ends_with_cells = table.rows.iter().any(|row| row.last().is_some_and(|cell| !cell.is_empty()));
        if table.header.is_some() && ends_with_cells {
            table.rows.iter_mut().zip(1..).for_each(|(row, number): (_, usize)| row.insert(0, number.to_string()));
        }
        table.write()
    });
}
