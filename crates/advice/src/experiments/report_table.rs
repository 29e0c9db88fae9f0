//! Effects and uplift as Parquet.

use super::report::Report;
use super::table::{numbers, parquet_bytes, texts, whole};
use super::uplift::UpliftRow;

/// Holds one row of the table of effects.
struct Row<'a> {
    outcome: &'a str,
    arm: &'a str,
    by: &'a str,
    group: &'a str,
    learners: u64,
    /// Effect, standard error, low, high, p, corrected p.
    figures: [Option<f64>; 6],
}

/// Encodes the effects: one row for each outcome and arm, then one for each group.
#[must_use]
pub fn effects_parquet(report: &Report) -> Vec<u8> {
    let mut rows = Vec::new();
    for outcome in &report.outcomes {
        for effect in &outcome.effects {
            let figures =
                [Some(effect.effect), Some(effect.standard_error), effect.low, effect.high, Some(effect.p_value), None];
            let (outcome, arm) = (outcome.outcome.name(), effect.arm.as_str());
            rows.push(Row { outcome, arm, by: "all", group: "", learners: effect.learners, figures });
        }
    }
    let primary = report.plan.primary_outcome.name();
    for group in &report.groups {
        let figures = [group.effect, group.standard_error, group.low, group.high, None, group.adjusted_p];
        let (arm, of) = (group.arm.as_str(), group.group.as_str());
        rows.push(Row { outcome: primary, arm, by: group.by.name(), group: of, learners: group.learners, figures });
    }
    let figure = |at: usize| numbers(rows.iter().map(|row| row.figures[at]));
    parquet_bytes(vec![
        ("outcome", texts(rows.iter().map(|row| row.outcome))),
        ("arm", texts(rows.iter().map(|row| row.arm))),
        ("by", texts(rows.iter().map(|row| row.by))),
        ("group", texts(rows.iter().map(|row| row.group))),
        ("learners", whole(rows.iter().map(|row| row.learners))),
        ("effect", figure(0)),
        ("standard_error", figure(1)),
        ("low", figure(2)),
        ("high", figure(3)),
        ("p_value", figure(4)),
        ("adjusted_p", figure(5)),
    ])
}

/// Encodes the uplift of each enrolment; no rows where there is no estimate.
#[must_use]
pub fn uplift_parquet(rows: &[UpliftRow]) -> Vec<u8> {
    parquet_bytes(vec![
        ("course_id", texts(rows.iter().map(|row| row.course_id.as_str()))),
        ("enrolment_id", texts(rows.iter().map(|row| row.enrolment_id.as_str()))),
        ("uplift", numbers(rows.iter().map(|row| Some(row.uplift)))),
        ("uplift_standard_error", numbers(rows.iter().map(|row| Some(row.uplift_standard_error)))),
    ])
}
