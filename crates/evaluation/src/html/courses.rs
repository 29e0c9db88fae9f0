//! Figures by course: does the forecast hold in every course?

use askama::Template;

use super::cell::{Cell, Table};
use super::cohort::WhichCohort;
use super::figure::{Drawings, Figure};
use super::page::Page;
use super::reasons::Reasons;
use super::section::{OverRepeats, Section};
use crate::figures::{Interval, IntervalRow, intervals};
use crate::numbers::count;
use crate::report::{CourseLine, DAYS_SINCE_LAST, Slice};

/// Counts the courses that a figure has room for.
const DRAWN: usize = 40;

#[derive(Template)]
#[template(path = "sections/courses.html")]
struct Courses {
    /// The AUC to expect in the next course.
    next: String,
    cohorts: [CohortCourses; 2],
}

struct CohortCourses {
    which: WhichCohort,
    figure: Figure,
    table: Table,
    reasons: Reasons,
}

/// Returns `None` if there are no courses, as where nobody is in a cohort.
pub(super) fn section(page: &Page<'_>, drawings: &mut Drawings) -> Option<Section> {
    let lines = &page.evaluation.course_lines;
    if lines.is_empty() {
        return None;
    }
    let cohorts = WhichCohort::BOTH.map(|which| CohortCourses {
        which,
        figure: figure(page, lines, which, drawings),
        table: table(lines, which),
        reasons: Reasons::from_sizes(lines.iter().map(|line| which.pick(&line.cohorts)), "course"),
    });
    let title = "Does it hold in every course?";
    Some(Section::new(
        "courses",
        title,
        OverRepeats::OneRepeat,
        &Courses { next: page.evaluation.describe_next_course(), cohorts },
    ))
}

fn figure(page: &Page<'_>, lines: &[CourseLine], which: WhichCohort, drawings: &mut Drawings) -> Figure {
    let everybody = which.pick(&page.evaluation.cohorts).auc.value();
    let mut largest: Vec<(&CourseLine, &Slice)> = lines.iter().map(|line| (line, which.pick(&line.cohorts))).collect();
    largest.sort_by(|a, b| b.1.n.cmp(&a.1.n).then_with(|| a.0.course.cmp(&b.0.course)));
    let mut rows: Vec<IntervalRow<'_>> =
        largest.iter().take(DRAWN).map(|(line, slice)| interval_row(&line.course, slice)).collect();
    let across = which.pick(&page.evaluation.across_courses);
    if page.evaluation.kind.is_on_new_courses()
        && let Some((value, next)) = across.auc.value().zip(across.next())
    {
        let figure = Ok(Interval { value, interval: Some(next) });
        rows.push(IntervalRow { name: "the next course (95 of 100)", n: None, figure });
    }
    let caption = if lines.len() > DRAWN {
        format!("AUC by course with its 95% interval: the {DRAWN} largest of {}.", count(lines.len() as u64))
    } else {
        "AUC by course with its 95% interval. The dotted line is the figure of all courses together.".to_owned()
    };
    let drawing = intervals(&rows, "AUC", everybody, &format!("AUC by course, {}", which.inside()));
    let (drawing, missing) = if lines.len() > 1 {
        (drawing, "No course is large enough for a figure of its own.")
    } else {
        (None, "There is one course only.")
    };
    drawings.add(format!("courses-{}", which.key()), drawing, caption, missing)
}

/// Makes a line of a figure of AUCs.
pub(super) fn interval_row<'a>(name: &'a str, slice: &Slice) -> IntervalRow<'a> {
    let auc = slice.figures.as_ref().and_then(|figures| {
        let interval = figures.auc_low.value().zip(figures.auc_high.value());
        Some(Interval { value: figures.auc.value()?, interval })
    });
    IntervalRow { name, n: Some(slice.n), figure: auc.ok_or_else(|| "too few to conclude".to_owned()) }
}

fn table(lines: &[CourseLine], which: WhichCohort) -> Table {
    let row = |line: &CourseLine| {
        let slice = which.pick(&line.cohorts);
        let mut row = vec![Cell::Name(line.course.clone()), Cell::count(slice.n)];
        row.extend(slice_cells(slice));
        row
    };
    let heads = vec!["course", "learners", "dropped out", "AUC", "AUC, inactivity", "precision", "recall", "ECE"];
    Table { caption: "By course", heads, rows: lines.iter().map(row).collect() }
}

/// Writes dropped out, AUC, AUC of inactivity, precision, recall and calibration error; or dashes.
pub(super) fn slice_cells(slice: &Slice) -> Vec<Cell> {
    let Some(figures) = &slice.figures else {
        let why = slice.refused.map_or_else(String::new, |refused| refused.to_string());
        return vec![Cell::Missing(why); 6];
    };
    vec![
        Cell::share(figures.base_rate),
        Cell::with_interval(figures.auc, figures.auc_low, figures.auc_high),
        slice.baseline_auc.get(DAYS_SINCE_LAST).map_or_else(Cell::dash, |&auc| Cell::metric(auc)),
        Cell::metric(figures.precision),
        Cell::metric(figures.recall),
        Cell::metric(figures.ece),
    ]
}
