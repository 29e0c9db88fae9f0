//! The model card in plain words (after Mitchell et al. 2019).

use askama::Template;
use staycast_weeks::CutOff;

use super::cohort::WhichCohort;
use super::page::Page;
use super::section::{OverRepeats, Section};
use crate::metrics::Metric;
use crate::numbers::{count, counted, of_100};
use crate::report::{Cohort, DAYS_SINCE_LAST};
use crate::splits::SplitKind;

#[derive(Template)]
#[template(path = "sections/card.html")]
struct Card<'a> {
    week: CutOff,
    model: &'a str,
    data: &'a str,
    features: &'a [String],
    contact: &'a str,
    cohorts: [(WhichCohort, String); 2],
    meaning: &'static str,
    /// Reach of the test.
    reach: &'static str,
    small_courses: Option<String>,
    groups_examined: bool,
    leakage_tested: bool,
    limits: &'a [String],
}

pub(super) fn section(page: &Page<'_>) -> Section {
    let (evaluation, about) = (page.evaluation, page.about);
    let recency = evaluation.baselines.get(DAYS_SINCE_LAST);
    let figures =
        |which: WhichCohort| (which, figures(which.pick(&evaluation.cohorts), recency.map(|both| which.pick(both))));
    let card = Card {
        week: evaluation.week,
        model: &about.model,
        data: about.data.trim_end_matches('.'),
        features: &about.features,
        contact: &about.contact,
        cohorts: WhichCohort::BOTH.map(figures),
        meaning: evaluation.kind.meaning(),
        reach: reach(evaluation.kind),
        small_courses: small_courses(page),
        groups_examined: !evaluation.groups.is_empty(),
        leakage_tested: about.leakage.is_some(),
        limits: evaluation.data_quality.as_ref().map_or(&[], |quality| &quality.limits),
    };
    Section::new("card", "Model card", OverRepeats::Mean, &card)
}

fn figures(cohort: &Cohort, recency: Option<&Cohort>) -> String {
    let (Metric::Value(auc), Some(baseline)) = (cohort.auc, recency.and_then(|recency| recency.auc.value())) else {
        let why = cohort.auc.undefined().map_or("the baseline is missing", |undefined| undefined.reason());
        return format!("{}; no comparison, since: {why}.", counted(cohort.n, "learner"));
    };
    let flags = match (cohort.precision, cohort.recall) {
        (Metric::Value(precision), Metric::Value(recall)) => format!(
            " Of 100 flagged {} drop out, and {} of 100 dropouts are flagged.",
            of_100(precision),
            of_100(recall)
        ),
        _ => String::new(),
    };
    format!(
        "{}, of which {} dropped out. AUC {auc:.3}; inactivity alone {baseline:.3}.{flags}",
        counted(cohort.n, "learner"),
        count(cohort.positives)
    )
}

fn reach(kind: SplitKind) -> &'static str {
    match kind {
        SplitKind::Forecast => "It was tested on later courses; courses later still may differ.",
        SplitKind::Transfer => {
            "It was tested on other courses that may have run at the same time. Whether it forecasts later ones as well was \
             not tested."
        }
        SplitKind::Institution => {
            "It was tested on institutions it never saw, whose courses may have run at the same time. Whether it forecasts \
             later ones as well was not tested."
        }
        SplitKind::Learner => "It was tested on courses it knew: expect less on a course it has never seen.",
        SplitKind::RandomOptimistic | SplitKind::InSample => {
            "It was tested on what it had partly or wholly seen. How good it is on new learners is not known from this page."
        }
    }
}

fn small_courses(page: &Page<'_>) -> Option<String> {
    let lines = &page.evaluation.course_lines;
    let small = lines.iter().filter(|line| line.cohorts.all.refused.is_some()).count();
    let verb = if small == 1 { "was" } else { "were" };
    (small > 0).then(|| {
        let courses = counted(lines.len() as u64, "course");
        format!("{small} of {courses} {verb} too small for figures of their own.")
    })
}
