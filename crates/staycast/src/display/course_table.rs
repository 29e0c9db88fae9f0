//! Tables with a line for each course.

use std::borrow::Cow;

use staycast_text::escape;

use super::pluralise;

/// Bounds the courses listed, those with enrolments; the JSON has all of them.
const COURSES: usize = 24;

/// A line of a table of courses.
pub(crate) struct CourseLine<'a> {
    pub(crate) course: &'a str,
    pub(crate) enrolments: u64,
    /// What follows the course, under the table's heads.
    pub(crate) columns: String,
}

/// Makes a table of the courses that anybody is enrolled in; `heads` stand over their columns.
pub(crate) fn course_table<'a>(lines: impl Iterator<Item = CourseLine<'a>>, heads: &str) -> String {
    let (enrolled, empty): (Vec<CourseLine<'_>>, Vec<CourseLine<'_>>) = lines.partition(|line| line.enrolments > 0);
    let shown: Vec<(Cow<'_, str>, &str)> =
        enrolled.iter().take(COURSES).map(|line| (escape(line.course), line.columns.as_str())).collect();
    let width = shown.iter().map(|(course, _)| course.chars().count()).max().unwrap_or(0).clamp(6, 44);
    let mut text = format!("{:width$}{heads}\n", "course");
    for (course, columns) in shown {
        text += &format!("{course:width$}{columns}\n");
    }
    if enrolled.len() > COURSES {
        text += &format!("and {} more (--json lists all)\n", enrolled.len() - COURSES);
    }
    if !empty.is_empty() {
        text += &format!("and {} without an enrolment\n", pluralise(empty.len() as u64, "course"));
    }
    text
}
