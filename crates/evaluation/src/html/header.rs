//! The first screen: how good the forecast is, with its interval, beside the simplest baseline, and the kind of test.

use askama::Template;
use askama::filters::HtmlSafe;
use staycast_weeks::CutOff;

use super::cohort::WhichCohort;
use super::page::Page;
use crate::metrics::Metric;
use crate::numbers::{count, counted, of_100, wilson};
use crate::report::{Cohort, DAYS_SINCE_LAST};
use crate::splits::SplitKind;

#[derive(Template)]
#[template(path = "header.html")]
pub(super) struct Header<'a> {
    run: &'a str,
    week: CutOff,
    banner: Banner,
    split: &'a str,
    meaning: &'static str,
    /// Courses that the figures rest on; empty where that is not known.
    rests_on: String,
    /// The AUC to expect in the next course.
    next: String,
    /// Parts left out, where learners are too few for them.
    too_few: Option<String>,
    notes: &'a [String],
    cohorts: [Answer; 2],
    dropout_words: &'a str,
    rule: &'a str,
    /// Number of times that the test part has been evaluated, this time included.
    evaluations: Option<u32>,
}

impl HtmlSafe for Header<'_> {}

/// Holds the kind of test as a heading; loud where figures flatter.
struct Banner {
    class: &'static str,
    title: &'static str,
}

/// Holds one cohort's answer in a sentence, and the facts behind it.
struct Answer {
    which: WhichCohort,
    sentence: String,
    facts: Vec<String>,
    verdict: Option<Verdict>,
}

/// Judges whether the model was worth its trouble.
struct Verdict {
    class: &'static str,
    text: String,
}

impl<'a> Header<'a> {
    pub(super) fn new(page: &Page<'a>) -> Self {
        let evaluation = page.evaluation;
        Self {
            run: &page.about.run,
            week: evaluation.week,
            banner: Banner::new(evaluation.kind),
            split: page.about.split.trim_end_matches('.'),
            meaning: evaluation.kind.meaning(),
            rests_on: evaluation.describe_transfer(),
            next: evaluation.describe_next_course(),
            too_few: evaluation.describe_too_few(),
            notes: &page.about.notes,
            cohorts: WhichCohort::BOTH.map(|which| Answer::new(page, which)),
            dropout_words: &page.about.dropout_words,
            rule: &evaluation.label_rule,
            // In-sample rows are no test part.
            evaluations: evaluation.evaluations_of_this_part.filter(|_| evaluation.kind != SplitKind::InSample),
        }
    }
}

impl Banner {
    fn new(kind: SplitKind) -> Self {
        let (class, title) = match kind {
            SplitKind::Forecast => ("good", "A forecast, as in real use"),
            SplitKind::Transfer => ("neutral", "A test of transfer to other courses"),
            SplitKind::Institution => ("neutral", "A test of transfer to other institutions"),
            SplitKind::Learner => ("neutral", "A test on other learners of the same courses"),
            SplitKind::RandomOptimistic => ("warning", "Warning: these figures flatter"),
            SplitKind::InSample => ("warning", "Warning: these figures mean nothing for new learners"),
        };
        Self { class, title }
    }

    fn is_warning(&self) -> bool {
        self.class == "warning"
    }
}

impl Answer {
    fn new(page: &Page<'_>, which: WhichCohort) -> Self {
        let evaluation = page.evaluation;
        let cohort = which.pick(&evaluation.cohorts);
        let recency = evaluation.baselines.get(DAYS_SINCE_LAST).map(|both| which.pick(both));
        let verdict = if page.flatters() { Some(Verdict::none()) } else { Verdict::new(cohort, recency) };
        let facts = [
            flagging_fact(cohort),
            // Rows that were trained on promise nothing for others.
            interval_fact(cohort).filter(|_| !page.flatters()),
            ranking_fact(cohort, recency),
        ];
        let facts = facts.into_iter().flatten().collect();
        Self { which, sentence: sentence(cohort, evaluation.week), facts, verdict }
    }
}

/// Says "Of 100 learners flagged …", or why that can't be said.
fn sentence(cohort: &Cohort, week: CutOff) -> String {
    match (cohort.n, cohort.positives, cohort.precision, cohort.recall) {
        (0, ..) => format!("Nobody is in this group at the end of week {week}, so there is nothing to measure."),
        (1, 0, ..) => "The one learner did not drop out, so how well dropouts are found can't be measured.".to_owned(),
        (n, 0, ..) => {
            format!(
                "None of these {} learners dropped out, so how well dropouts are found can't be measured.",
                count(n)
            )
        }
        (n, positives, ..) if n == positives => format!(
            "All of {} dropped out, so how well dropouts are found can't be measured.",
            if n == 1 { "this 1 learner".to_owned() } else { format!("these {} learners", count(n)) }
        ),
        (_, _, Metric::Value(precision), Metric::Value(recall)) => format!(
            "Of 100 learners flagged at the end of week {week}, {} dropped out; of 100 who dropped out, {} had been flagged.",
            of_100(precision),
            of_100(recall)
        ),
        (_, positives, ..) => format!(
            "At the end of week {week} nobody was flagged, though {} dropped out.",
            counted(positives, "learner")
        ),
    }
}

fn flagging_fact(cohort: &Cohort) -> Option<String> {
    let base_rate = cohort.base_rate.value()?;
    let flagged = cohort.confusion.map_or_else(String::new, |counts| {
        let verb = if counts.flagged() == 1 { "was" } else { "were" };
        format!("{} of {} {verb} flagged. ", count(counts.flagged()), counted(cohort.n, "learner"))
    });
    Some(format!("{flagged}Of 100 picked at random, {} drop out.", of_100(base_rate)))
}

fn interval_fact(cohort: &Cohort) -> Option<String> {
    let counts = cohort.confusion?;
    let hits = counts.true_positives as f64;
    let flagged = wilson(hits, counts.flagged() as f64)?;
    let dropouts = wilson(hits, counts.positives() as f64)?;
    Some(format!(
        "How sure: with other learners of the same kind, expect {} of 100 flagged to drop out. Of 100 dropouts, expect {} to \
         be flagged (95% intervals). Other courses may differ more.",
        between(flagged),
        between(dropouts)
    ))
}

fn between((low, high): (f64, f64)) -> String {
    let (low, high) = (of_100(low), of_100(high));
    if low == high { low } else { format!("{low} to {high}") }
}

fn ranking_fact(cohort: &Cohort, recency: Option<&Cohort>) -> Option<String> {
    let auc = cohort.auc.value()?;
    let interval = match (cohort.auc_low, cohort.auc_high) {
        (Metric::Value(low), Metric::Value(high)) => format!(", 95% interval {low:.3} to {high:.3}"),
        _ => String::new(),
    };
    let baseline = recency.and_then(|recency| recency.auc.value());
    let baseline = baseline.map_or_else(String::new, |auc| {
        format!(" Counting the days since the last activity, which needs no model, does in {} ({auc:.3}).", of_100(auc))
    });
    Some(format!(
        "Take one learner who dropped out and one who stayed. The model ranks the first higher in {} of 100 such pairs \
         (AUC {auc:.3}{interval}). Guessing does in 50.{baseline}",
        of_100(auc)
    ))
}

impl Verdict {
    fn new(cohort: &Cohort, recency: Option<&Cohort>) -> Option<Self> {
        let (auc, low, high) = (cohort.auc.value()?, cohort.auc_low.value()?, cohort.auc_high.value()?);
        let recency = recency?;
        let baseline = recency.auc.value()?;
        let (baseline_low, baseline_high) = (recency.auc_low.value()?, recency.auc_high.value()?);
        let figures = format!("AUC {auc:.3} against {baseline:.3}");
        let (class, text) = if low > baseline_high {
            ("better", format!("Better than counting days of inactivity: {figures}, and the intervals do not overlap."))
        } else if high < baseline_low {
            ("worse", format!("Worse than counting days of inactivity: {figures}. Use that instead."))
        } else if auc > baseline {
            (
                "unsure",
                format!("Perhaps better than counting days of inactivity: {figures}, but the intervals overlap."),
            )
        } else {
            ("worse", format!("No better than counting days of inactivity: {figures}."))
        };
        Some(Self { class, text })
    }

    /// Says what can be said where the test flatters.
    fn none() -> Self {
        let text =
            "This test can't tell whether the model beats counting days of inactivity on new learners.".to_owned();
        Self { class: "unsure", text }
    }
}
