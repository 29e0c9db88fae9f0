//! The report as one self-contained page, for a course team.

use askama::Template;
use staycast_evaluation::html::{PAGE_STYLES, without_control_characters};
use staycast_evaluation::numbers::count;

use super::amounts::{interval, points};
use super::figures::Verdict;
use super::plan::{BaseRateFrom, StratifyBy};
use super::report::Report;
use super::words::{complier, look, percent, saving, sentence, size};

#[derive(Template)]
#[template(path = "experiment.html")]
struct ExperimentPage<'a> {
    report: &'a Report,
    styles: [&'static str; 3],
    answers: Vec<Answer>,
    look: String,
    drawing: Option<String>,
    effects: Vec<String>,
    savings: Vec<String>,
    arms: String,
    compliers: Vec<String>,
    groups: Option<String>,
    uplift: String,
    qini: Option<String>,
    plan: String,
    version: &'static str,
}

struct Answer {
    sentence: String,
    class: &'static str,
    size: String,
}

#[derive(Template)]
#[template(path = "table.html")]
struct Table {
    caption: String,
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// Cells are words, and not figures.
    is_words: bool,
}

impl Table {
    fn html(caption: impl Into<String>, heads: &[&'static str], rows: Vec<Vec<String>>) -> String {
        Self { caption: caption.into(), heads: heads.to_vec(), rows, is_words: false }.to_string()
    }
}

/// Renders the page: no file, no clock, no network.
#[must_use]
pub fn render_page(report: &Report) -> String {
    let primary = report.outcomes.iter().find(|outcome| outcome.is_primary);
    let answers = primary.into_iter().flat_map(|outcome| {
        outcome.effects.iter().map(|effect| Answer {
            sentence: sentence(effect, outcome, &report.look),
            class: match effect.verdict {
                Verdict::More | Verdict::Less => "better",
                Verdict::NotShown | Verdict::TooEarly => "unsure",
            },
            size: size(effect),
        })
    });
    let page = ExperimentPage {
        report,
        styles: PAGE_STYLES,
        answers: answers.collect(),
        look: look(&report.look, report.plan.alpha),
        drawing: super::drawing::forest(report),
        effects: report.outcomes.iter().map(effect_table).collect(),
        savings: primary.into_iter().flat_map(|outcome| outcome.effects.iter().map(saving)).collect(),
        arms: arm_table(report),
        compliers: report.compliers.iter().map(complier).collect(),
        groups: group_table(report),
        uplift: report.uplift.describe(),
        qini: super::drawing::qini(report),
        plan: plan_table(report),
        version: env!("CARGO_PKG_VERSION"),
    };
    without_control_characters(&page.to_string())
}

fn effect_table(outcome: &super::figures::OutcomeReport) -> String {
    let caption = if outcome.is_primary {
        format!("Decides: {}", outcome.outcome.describe())
    } else {
        format!("Second, not corrected for looks: {}", outcome.outcome.describe())
    };
    let rows = outcome.effects.iter().map(|effect| {
        vec![
            effect.arm.clone(),
            count(effect.learners),
            percent(effect.arm_rate),
            percent(effect.holdout_rate),
            points(effect.effect),
            interval(effect.low, effect.high),
            staycast_evaluation::numbers::p_value(effect.p_value),
            points(effect.plain_effect),
        ]
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        rows.push(vec!["too few known outcomes".to_owned()]);
    }
    Table::html(
        caption,
        &[
            "arm",
            "learners",
            "in the arm",
            "in the holdout",
            "effect, points",
            "interval",
            "p, single look",
            "plain difference",
        ],
        rows,
    )
}

fn arm_table(report: &Report) -> String {
    let outcome = report.plan.primary_outcome.name();
    let rows = report.arms.iter().map(|arm| {
        let unknown = &arm.unknown[outcome];
        let why: Vec<String> =
            unknown.iter().map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
        vec![
            arm.arm.clone(),
            percent(arm.share),
            count(arm.learners),
            count(arm.enrolments),
            count(arm.reached),
            if why.is_empty() { "0".to_owned() } else { why.join(", ") },
        ]
    });
    let heads = ["arm", "planned share", "learners", "enrolments", "reached", "outcome not known"];
    Table::html("Arms", &heads, rows.collect())
}

fn group_table(report: &Report) -> Option<String> {
    if report.groups.is_empty() {
        return None;
    }
    let rows = report.groups.iter().map(|group| {
        let by = match group.by {
            StratifyBy::Course => "course ",
            StratifyBy::Risk => "",
        };
        vec![
            format!("{by}{}", group.group),
            group.arm.clone(),
            count(group.learners),
            group.effect.map_or_else(|| "too few".to_owned(), points),
            interval(group.low, group.high),
            group.adjusted_p.map_or_else(|| "–".to_owned(), staycast_evaluation::numbers::p_value),
        ]
    });
    let heads = ["group", "arm", "learners", "effect, points", "95% interval", "p, corrected"];
    Some(Table::html("Effects by course and by band of risk", &heads, rows.collect()))
}

fn plan_table(report: &Report) -> String {
    let plan = &report.plan;
    let from = match plan.base_rate_from {
        BaseRateFrom::Given => "given",
        BaseRateFrom::Forecast => "mean of the forecast",
        BaseRateFrom::MostCautious => "the most cautious",
    };
    let strata: Vec<&str> = plan
        .strata
        .iter()
        .map(|by| match by {
            StratifyBy::Course => "course",
            StratifyBy::Risk => "band of risk",
        })
        .collect();
    let rows = [
        ("decides", plan.primary_outcome.describe().to_owned()),
        ("planned learners", count(plan.planned_learners)),
        ("smallest effect worth finding", format!("{:.1} points", 100.0 * plan.least_effect)),
        (
            "found from",
            plan.detectable_effect.map_or_else(
                || "–".to_owned(),
                |effect| format!("{:.1} points, in {:.0}% of such experiments", 100.0 * effect, 100.0 * plan.power),
            ),
        ),
        ("expected in the holdout", format!("{} ({from})", percent(plan.base_rate))),
        ("false alarms", format!("{} of experiments without an effect, over all looks and arms", percent(plan.alpha))),
        ("looks", count(plan.looks.into())),
        ("strata", if strata.is_empty() { "none".to_owned() } else { strata.join(", ") }),
        ("seed", plan.seed.to_string()),
    ];
    let rows = rows.into_iter().map(|(key, value)| vec![key.to_owned(), value]).collect();
    Table { caption: "Plan".to_owned(), heads: Vec::new(), rows, is_words: true }.to_string()
}
