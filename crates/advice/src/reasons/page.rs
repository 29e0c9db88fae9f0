//! Explanations as one self-contained page.

use askama::Template;
use staycast_evaluation::figures::TOKENS;
use staycast_evaluation::numbers;
use staycast_weeks::CutOff;

use super::behaviour::Behaviour;
use super::learner::{Compared, ExplainedLearner, LearnerRow};
use super::reason::BehaviourReading;
use super::summary::BehaviourSummary;

/// Bounds the learners on a page: more are looked up in a table.
const MOST_ON_PAGE: usize = 100;
/// Bounds the reasons that a learner is shown with.
const MOST_REASONS: usize = 3;

/// Holds what a page says beyond the rows.
#[derive(Clone, Debug)]
pub struct PageFacts {
    /// Name of the run.
    pub run: String,
    /// The cut-off asked for.
    pub week: CutOff,
    /// Version of Staycast.
    pub version: String,
    /// The greatest completeness error, in log odds.
    pub greatest_error: f64,
}

/// Renders the page: behaviours over all learners, then the learners of the highest forecasts, or those who were asked for.
#[must_use]
pub fn reasons_page(rows: &[LearnerRow], summary: &[BehaviourSummary], facts: &PageFacts) -> String {
    let mut explained: Vec<(&LearnerRow, &ExplainedLearner)> =
        rows.iter().filter_map(|row| Some((row, row.explained.as_ref()?))).collect();
    let all = explained.len();
    explained.sort_by(|(_, a), (_, b)| b.p_dropout.total_cmp(&a.p_dropout));
    explained.truncate(MOST_ON_PAGE);
    let mut excluded: Vec<(&'static str, usize)> = Vec::new();
    for status in rows.iter().filter(|row| row.explained.is_none()).map(LearnerRow::status) {
        match excluded.iter_mut().find(|(name, _)| *name == status) {
            Some((_, count)) => *count += 1,
            None => excluded.push((status, 1)),
        }
    }
    let largest = summary.iter().map(|one| one.mean_size).fold(f64::MIN_POSITIVE, f64::max);
    let weeks = summary.iter().filter_map(|one| one.importance.as_ref()).map(|one| one.by_week.len()).max();
    let page = ReasonsPage {
        styles: [TOKENS, include_str!("../../assets/advice.css")],
        facts,
        all: numbers::count(all as u64),
        is_one: all == 1,
        is_part: explained.len() < all,
        excluded: excluded
            .into_iter()
            .map(|(name, count)| (name.replace('_', " "), numbers::count(count as u64)))
            .collect(),
        behaviours: summary.iter().map(|one| BehaviourRow::new(one, largest, all)).collect(),
        importance_weeks: (1..=weeks.unwrap_or(0)).collect(),
        courses: summary.iter().find_map(|one| Some(one.importance.as_ref()?.courses)),
        learners: explained.into_iter().map(|(row, one)| LearnerCard::new(row, one)).collect(),
        by_training: rows
            .iter()
            .filter_map(|row| row.explained.as_ref())
            .any(|one| one.compared_with == Compared::TrainingSet),
    };
    page.render().expect("the template is checked when it is compiled, and writing to memory does not fail")
}

#[derive(Template)]
#[template(path = "reasons.html")]
struct ReasonsPage<'a> {
    styles: [&'static str; 2],
    facts: &'a PageFacts,
    all: String,
    is_one: bool,
    /// Whether some are left out of the page.
    is_part: bool,
    excluded: Vec<(String, String)>,
    behaviours: Vec<BehaviourRow>,
    importance_weeks: Vec<usize>,
    courses: Option<usize>,
    learners: Vec<LearnerCard>,
    by_training: bool,
}

/// Writes the first letter in upper case.
fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Holds one behaviour as the page shows it.
struct BehaviourRow {
    name: &'static str,
    /// From 0 to 100.
    bar: f64,
    size: String,
    raises: String,
    lowers: String,
    differ: String,
    importance: Option<(String, String, Vec<String>)>,
}

impl BehaviourRow {
    fn new(one: &BehaviourSummary, largest: f64, learners: usize) -> Self {
        let share = |count: u64| format!("{:.0} %", 100.0 * count as f64 / learners.max(1) as f64);
        let signed = |value: f64| {
            let text = format!("{value:.3}").replace('-', "−");
            if text == "−0.000" { "0.000".to_owned() } else { text }
        };
        let of_the_learner = one.behaviour.is_of_the_learner();
        Self {
            name: one.behaviour.name(),
            bar: 100.0 * one.mean_size / largest,
            size: format!("{:.2}", one.mean_size),
            raises: if of_the_learner { share(one.raises_risk) } else { "–".to_owned() },
            lowers: if of_the_learner { share(one.lowers_risk) } else { "–".to_owned() },
            differ: share(one.methods_differ),
            importance: one.importance.as_ref().map(|found| {
                let interval = found
                    .interval
                    .map_or_else(String::new, |[low, high]| format!("{} to {}", signed(low), signed(high)));
                (signed(found.auc_lost), interval, found.by_week.iter().map(|&lost| signed(lost)).collect())
            }),
        }
    }
}

/// Holds one learner as the page shows them.
struct LearnerCard {
    learner: String,
    enrolment: Option<String>,
    course: String,
    percent: String,
    compared: String,
    change: Option<String>,
    concerns: Vec<ReasonLine>,
    strengths: Vec<ReasonLine>,
    differing: String,
    seen: Option<CutOff>,
    trained_on: bool,
}

struct ReasonLine {
    text: String,
    points: String,
}

impl ReasonLine {
    fn new(one: &BehaviourReading) -> Self {
        let points = 100.0 * one.points;
        let sign = if points < 0.0 { "−" } else { "+" };
        Self { text: one.text.clone(), points: format!("{sign}{:.0}", points.abs()) }
    }
}

impl LearnerCard {
    fn new(row: &LearnerRow, one: &ExplainedLearner) -> Self {
        let differing: Vec<&str> = one.differing().filter(|one| one.is_of_the_learner()).map(Behaviour::name).collect();
        Self {
            learner: row.learner_id.clone(),
            enrolment: (row.enrolment_id != row.learner_id).then(|| row.enrolment_id.clone()),
            course: row.course_id.clone(),
            percent: format!("{:.0} %", 100.0 * one.p_dropout),
            compared: match one.compared_with {
                Compared::ActiveInCourse => format!("average active learner: {:.0} %", 100.0 * one.p_compared),
                Compared::TrainingSet => format!("average of the training set: {:.0} %", 100.0 * one.p_compared),
            },
            change: one.change().as_deref().map(capitalised),
            concerns: one.concerns().take(MOST_REASONS).map(ReasonLine::new).collect(),
            strengths: one.strengths().take(MOST_REASONS).map(ReasonLine::new).collect(),
            differing: differing.join(", "),
            seen: (one.seen != row.week).then_some(one.seen),
            trained_on: row.trained_on,
        }
    }
}
