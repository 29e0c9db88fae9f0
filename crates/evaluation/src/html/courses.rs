//! Does it hold in every course?

use super::element::{Cell, Drawings, details, metric, name, reading, share, table, with_interval};
use super::{Page, Section, cohorts};
use crate::figures::{Interval, IntervalRow, intervals};
use crate::markup::escape;
use crate::report::{CourseLine, DAYS_SINCE_LAST, Slice};
use crate::text::count;

/// Courses a figure has room for.
const DRAWN: usize = 40;
/// Lines from which on a table is folded away.
const FOLDED: usize = 15;

/// `None` if there are no courses, as where nobody is in a cohort.
pub(super) fn section(page: &Page<'_>) -> Option<Section> {
    let lines = &page.evaluation.course_lines;
    if lines.is_empty() {
        return None;
    }
    let mut drawings = Drawings::default();
    let body = cohorts::each(|key| {
        let whose = cohorts::of(&cohorts::INSIDE, key);
        let everybody = cohorts::of(&page.evaluation.cohorts, key).auc.value();
        let mut largest: Vec<(&CourseLine, &Slice)> =
            lines.iter().map(|line| (line, cohorts::of(&line.cohorts, key))).collect();
        largest.sort_by(|a, b| b.1.n.cmp(&a.1.n).then_with(|| a.0.course.cmp(&b.0.course)));
        let rows: Vec<IntervalRow<'_>> =
            largest.iter().take(DRAWN).map(|(line, slice)| row(&line.course, slice)).collect();
        let caption = if lines.len() > DRAWN {
            format!("AUC by course with its 95 % interval: the {DRAWN} largest of {}.", count(lines.len() as u64))
        } else {
            "AUC by course with its 95 % interval; the dotted line is the figure of all courses together.".to_owned()
        };
        let figure = drawings.figure(
            &format!("courses-{key}"),
            intervals(&rows, "AUC", everybody, &format!("AUC by course, {whose}")).filter(|_| lines.len() > 1),
            &caption,
            if lines.len() > 1 {
                "No course is large enough for a figure of its own."
            } else {
                "There is one course only."
            },
        );
        cohorts::beside(&figure, &folded(lines.len(), course_table(lines, key)))
    });
    let reading = reading(
        "However much these courses differ, expect the next one to differ as much. Courses with too few learners of either outcome \
         get no figures: they would be chance.",
    );
    let body = reading + &cohorts::stacked(&body);
    Some(Section { id: "courses", title: "Does it hold in every course?", body, drawings: drawings.all })
}

/// A line of a figure of AUCs.
pub(super) fn row<'a>(name: &'a str, slice: &Slice) -> IntervalRow<'a> {
    let auc = slice.figures.as_ref().and_then(|figures| {
        let interval = figures.auc_low.value().zip(figures.auc_high.value());
        Some(Interval { value: figures.auc.value()?, interval })
    });
    IntervalRow { name, n: slice.n, figure: auc.ok_or_else(|| "too few to conclude".to_owned()) }
}

/// Long tables are folded.
pub(super) fn folded(lines: usize, markup: String) -> String {
    if lines > FOLDED { details(&format!("All {} as a table", count(lines as u64)), &markup) } else { markup }
}

fn course_table(lines: &[CourseLine], key: &str) -> String {
    let heads = ["course", "learners", "dropped out", "AUC", "AUC, days silent", "precision", "recall", "ECE"];
    let rows: Vec<Vec<Cell>> = lines
        .iter()
        .map(|line| {
            let slice = cohorts::of(&line.cohorts, key);
            let mut row = vec![name(&line.course), count(slice.n)];
            row.extend(figures(slice));
            row
        })
        .collect();
    table("By course", &heads, &rows)
        + &refusals(lines.iter().map(|line| (line.course.as_str(), cohorts::of(&line.cohorts, key))))
}

/// Dropped out, AUC, AUC of days silent, precision, recall, calibration error; or dashes.
pub(super) fn figures(slice: &Slice) -> Vec<Cell> {
    let Some(figures) = &slice.figures else {
        let why = slice.refused.map_or_else(String::new, |refused| refused.to_string());
        return vec![format!("<abbr title=\"{}\">–</abbr>", escape(&why)); 6];
    };
    vec![
        share(figures.base_rate),
        with_interval(figures.auc, figures.auc_low, figures.auc_high),
        slice.baseline_auc.get(DAYS_SINCE_LAST).map_or_else(|| "–".to_owned(), |&auc| metric(auc)),
        metric(figures.precision),
        metric(figures.recall),
        metric(figures.ece),
    ]
}

/// The lines without figures, and why.
pub(super) fn refusals<'a>(lines: impl Iterator<Item = (&'a str, &'a Slice)>) -> String {
    let told: Vec<String> = lines
        .filter_map(|(of, slice)| Some(format!("{}: {}", name(of), escape(&slice.refused?.to_string()))))
        .collect();
    if told.is_empty() { String::new() } else { format!("<p class=\"reasons\">– {}.</p>", told.join("; ")) }
}
