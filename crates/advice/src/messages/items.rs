//! Items that are due, or were missed.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;

use super::csv_table::CsvTable;
use super::error::MessageError;
use super::one_line;
use super::row_counts::RowCounts;
use super::variables::Item;

/// Holds items with a date on which they are due.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// By course: the enrolment, empty for everybody, with day and title, in order of the day.
    by_course: BTreeMap<String, Vec<(String, Date, String)>>,
    counts: RowCounts,
}

const LONGEST_TITLE: usize = 120;
/// Counts the days in which something is due soon.
const SOON_DAYS: i32 = 7;

impl Items {
    /// Reads a CSV file with the columns `course_id`, `title` and `due`, and perhaps `enrolment_id`. An item of an enrolment
    /// is one that this learner has still to do: it was missed where its day is over. An item without is everybody's.
    ///
    /// # Errors
    /// When the file can't be read, or lacks a column. A row that can't be used is counted and loses nothing else.
    pub fn read(path: &Path) -> Result<Self, MessageError> {
        let mut table = CsvTable::open(path, "items have course_id, title and due, and may have enrolment_id")?;
        let [course, title, day] = [table.require("course_id")?, table.require("title")?, table.require("due")?];
        let enrolment = table.find("enrolment_id");
        let mut items = Self::default();
        for record in table.rows() {
            items.counts.rows += 1;
            let Some(record) = record else {
                items.counts.reject("bad_row");
                continue;
            };
            let text = one_line(&record[title], LONGEST_TITLE);
            if text.is_empty() {
                items.counts.reject("no_title");
                continue;
            }
            // A time of the day may follow.
            let Some(day) = record[day].trim().get(..10).and_then(|day| day.parse::<Date>().ok()) else {
                items.counts.reject("bad_due");
                continue;
            };
            let of = enrolment.map_or("", |column| record[column].trim()).to_owned();
            items.by_course.entry(record[course].trim().to_owned()).or_default().push((of, day, text));
        }
        for of_course in items.by_course.values_mut() {
            of_course.sort_by(|a, b| (a.1, &a.2, &a.0).cmp(&(b.1, &b.2, &b.0)));
        }
        Ok(items)
    }

    /// Returns what became of the rows.
    #[must_use]
    pub const fn counts(&self) -> &RowCounts {
        &self.counts
    }

    /// Returns what a learner has to do within a week from `today` on.
    pub(super) fn due_soon(&self, course: &str, enrolment: &str, today: Date) -> Vec<Item> {
        self.of(course, |of, day| {
            let ahead = (day - today).get_days();
            (of.is_empty() || of == enrolment) && (0..SOON_DAYS).contains(&ahead)
        })
    }

    /// Returns what a learner has missed: items of this enrolment whose day is over.
    pub(super) fn missed(&self, course: &str, enrolment: &str, today: Date) -> Vec<Item> {
        self.of(course, |of, day| !of.is_empty() && of == enrolment && day < today)
    }

    fn of(&self, course: &str, is_meant: impl Fn(&str, Date) -> bool) -> Vec<Item> {
        let all = self.by_course.get(course).map_or(&[][..], Vec::as_slice);
        let meant = all.iter().filter(|(of, day, _)| is_meant(of, *day));
        meant.map(|(_, day, title)| Item { title: title.clone(), due: day.to_string() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_due_soon_or_missed_by_the_day() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("items.csv");
        let text = "course_id,title,due,enrolment_id\nc,Quiz 3,2024-03-05,\nc,Quiz 2,2024-02-28,7\nc,Quiz 1,2024-02-20,8\n\
                    c,Essay,2024-03-08T12:00:00Z,\nc,Late,2024-03-01,7\nc,,2024-03-01,\nc,X,soon,\nc,X\nd,Other,2024-03-02,\n";
        std::fs::write(&path, text).expect("writable");
        let items = Items::read(&path).expect("items");
        let today: Date = "2024-03-01".parse().expect("a day");
        let titles = |items: Vec<Item>| items.into_iter().map(|item| item.title).collect::<Vec<_>>();
        assert_eq!(titles(items.due_soon("c", "7", today)), ["Late", "Quiz 3"]);
        assert_eq!(titles(items.due_soon("c", "8", today)), ["Quiz 3"]);
        assert_eq!(items.missed("c", "7", today), [Item { title: "Quiz 2".to_owned(), due: "2024-02-28".to_owned() }]);
        assert_eq!(titles(items.missed("d", "7", today)), [""; 0]);
        let rejected = [("bad_due", 1), ("bad_row", 1), ("no_title", 1)];
        assert_eq!((items.counts().rejected.clone(), items.counts().rows), (rejected.into_iter().collect(), 9));
    }
}
