//! Counts of rows and learners left out, by reason, and the leakage self-test.

use askama::Template;
use askama::filters::HtmlSafe;
use staycast_weeks::CutOff;

use super::about::{LeakageCheck, LeakageOutcome};
use super::cell::{Cell, Table};
use super::page::Page;
use super::section::{OverRepeats, Section};
use crate::numbers::count;
use crate::report::{DataQuality, ExcludedCourse};

#[derive(Template)]
#[template(path = "sections/data.html")]
struct Data<'a> {
    week: CutOff,
    left_out: Counts,
    quality: Option<Quality<'a>>,
    leakage: Option<Leakage>,
}

/// Counts by reason, the largest first.
#[derive(Template)]
#[template(path = "counts.html")]
struct Counts(Vec<(String, String)>);

impl HtmlSafe for Counts {}

struct Quality<'a> {
    rows_read: String,
    rows_used: String,
    /// Lists of counts, each under its heading.
    counts: Vec<(&'static str, Counts)>,
    courses_excluded: Option<Table>,
    limits: &'a [String],
}

struct Leakage {
    passed: usize,
    failed: usize,
    table: Table,
}

impl Counts {
    fn new(counts: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self(counts.into_iter().map(|(reason, number)| (reason, count(number))).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

pub(super) fn section(page: &Page<'_>) -> Section {
    let evaluation = page.evaluation;
    let excluded = evaluation.excluded.iter().map(|(reason, &number)| (reason.describe().to_owned(), number));
    let left_out = page.about.left_out.iter().map(|(reason, &number)| (reason.clone(), number));
    let body = Data {
        week: evaluation.week,
        left_out: Counts::new(excluded.chain(left_out)),
        quality: evaluation.data_quality.as_ref().map(quality),
        leakage: page.about.leakage.as_deref().map(leakage),
    };
    Section::new("data", "Who is not in these figures, and can they be trusted?", OverRepeats::Mean, &body)
}

fn quality(quality: &DataQuality) -> Quality<'_> {
    let lists = [
        ("Rejected as bad", &quality.rows_rejected),
        ("Set aside, as they are no interaction of a learner", &quality.rows_set_aside),
        ("Enrolments left out before there were predictions", &quality.enrolments_excluded),
    ];
    let counts = lists.into_iter().filter(|(_, counts)| !counts.is_empty()).map(|(heading, counts)| {
        (heading, Counts::new(counts.iter().map(|(reason, &number)| (reason.clone(), number))))
    });
    let courses = &quality.courses_excluded;
    Quality {
        rows_read: count(quality.rows_read),
        rows_used: count(quality.rows_used),
        counts: counts.collect(),
        courses_excluded: (!courses.is_empty()).then(|| excluded_courses(courses)),
        limits: &quality.limits,
    }
}

fn excluded_courses(courses: &[ExcludedCourse]) -> Table {
    let row = |course: &ExcludedCourse| {
        vec![Cell::Name(course.course.clone()), Cell::count(course.enrolments), Cell::GivenWords(course.reason.clone())]
    };
    let heads = vec!["course", "enrolments", "why"];
    Table { caption: "Courses left out", heads, rows: courses.iter().map(row).collect() }
}

fn leakage(checks: &[LeakageCheck]) -> Leakage {
    let number = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let row = |check: &LeakageCheck| {
        let outcome = match check.outcome {
            LeakageOutcome::Passed => Cell::text("✓ passed"),
            LeakageOutcome::Failed => Cell::StrongWords("✗ failed".to_owned()),
            LeakageOutcome::NotRun => Cell::text("– not run"),
        };
        vec![Cell::Name(check.name.clone()), outcome, Cell::GivenWords(check.detail.clone())]
    };
    Leakage {
        passed: number(LeakageOutcome::Passed),
        failed: number(LeakageOutcome::Failed),
        table: Table {
            caption: "Checks",
            heads: vec!["check", "outcome", "found"],
            rows: checks.iter().map(row).collect(),
        },
    }
}
