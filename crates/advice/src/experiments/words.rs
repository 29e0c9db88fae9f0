//! The report in sentences, for pages and terminals alike.

use staycast_evaluation::numbers::{count, counted, p_value};

use super::amounts::{interval, points};
use super::figures::{ArmEffect, ComplierReport, OutcomeReport, Verdict};
use super::plan::Outcome;
use super::report::{LookReport, Report};

/// Writes a share as a percentage to one decimal.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// Says what was done with the outcome: "were active in the week after".
const fn did(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::ActiveNextWeek => "were active in the week after",
        Outcome::Dropout => "dropped out",
    }
}

/// Says in a sentence what an arm did.
pub(super) fn sentence(effect: &ArmEffect, report: &OutcomeReport, look: &LookReport) -> String {
    let (arm, outcome) = (&effect.arm, did(report.outcome));
    let rates = format!(
        "{} of enrolments, and {} in the holdout, uncorrected",
        percent(effect.arm_rate),
        percent(effect.holdout_rate)
    );
    match effect.verdict {
        Verdict::More => format!("With “{arm}” more learners {outcome}: {rates}."),
        Verdict::Less => format!("With “{arm}” fewer learners {outcome}: {rates}."),
        Verdict::TooEarly => format!("It is too early to say anything about “{arm}”: {rates}."),
        Verdict::NotShown if report.is_primary && !look.is_last => {
            format!("No effect of “{arm}” is shown yet: {rates}.")
        }
        Verdict::NotShown => format!("No effect of “{arm}” was shown: {rates}."),
    }
}

/// Says in a sentence how large the effect is.
pub(super) fn size(effect: &ArmEffect) -> String {
    match effect.low.zip(effect.high) {
        Some(_) => format!(
            "The effect is {} points; anything from {} points fits the data.",
            points(effect.effect),
            interval(effect.low, effect.high)
        ),
        None => "The look has too little information for an interval.".to_owned(),
    }
}

/// Says what the forecast saved.
pub(super) fn saving(effect: &ArmEffect) -> String {
    let saved = effect.learners_saved;
    if saved.abs() < 1.0 {
        return "Forecast and strata made no difference to the precision.".to_owned();
    }
    let plain = (effect.learners as f64 + saved).max(0.0).round() as u64;
    let learners = count(effect.learners);
    if saved > 0.0 {
        format!(
            "With forecast and strata {learners} learners say as much as {} would by a plain comparison: {} saved.",
            count(plain),
            count(saved.round() as u64)
        )
    } else {
        format!("With forecast and strata {learners} learners say no more than {} by a plain comparison.", count(plain))
    }
}

/// Says which look it is. `alpha` is the level of all looks and arms.
pub(super) fn look(look: &LookReport, alpha: f64) -> String {
    let which = format!("Look {} of {} planned, at {} outcomes", look.number, look.planned, count(look.outcomes));
    let share = format!("{:.0}% of the planned information", 100.0 * look.information);
    let rest = match look.bound {
        None => "so early no result can be told from chance.".to_owned(),
        Some(bound) => format!("an effect counts from {bound:.2} standard errors on."),
    };
    let promise = if look.planned == 1 {
        String::new()
    } else {
        format!(" So all looks together raise a false alarm in {} of experiments at most.", percent(alpha))
    };
    let last = if look.is_last && look.number < look.planned {
        " It is the last one, as all planned outcomes are known."
    } else {
        ""
    };
    format!("{which} ({share}): {rest}{promise}{last}")
}

/// Says what the effect on those reached is.
pub(super) fn complier(found: &ComplierReport) -> String {
    let reached = format!(
        "“{}” reached {} of its enrolments; of the holdout {} were reached.",
        found.arm,
        percent(found.arm_reached),
        percent(found.holdout_reached)
    );
    match found.effect {
        Some(effect) => format!(
            "{reached} On those whom it reached and who else would not have been: {} points ({}).",
            points(effect),
            interval(found.low, found.high)
        ),
        None => format!("{reached} That is too small a difference for an effect on those reached."),
    }
}

/// Counts the columns that text is broken at.
const TEXT_WIDTH: usize = 100;

/// Breaks lines at spaces; what goes on is indented as the line's beginning.
fn wrapped(text: &str) -> String {
    let mut broken = String::new();
    for line in text.split('\n') {
        let indent = line.len() - line.trim_start().len();
        let mut rest = line;
        loop {
            let at = rest
                .char_indices()
                .nth(TEXT_WIDTH)
                .and_then(|(end, _)| rest[..end].rfind(' '))
                .filter(|at| *at > indent);
            let Some(at) = at else { break };
            broken.push_str(rest[..at].trim_end());
            broken.push('\n');
            broken.push_str(&" ".repeat(indent));
            rest = rest[at..].trim_start();
        }
        broken.push_str(rest);
        broken.push('\n');
    }
    broken
}

impl Report {
    /// Writes the report as text. Names in it are not escaped.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("Experiment {}\n\n", self.plan.name);
        let mut line = |line: String| text.push_str(&wrapped(&line));
        line(look(&self.look, self.plan.alpha));
        for outcome in &self.outcomes {
            let rank = if outcome.is_primary { "Decides" } else { "Second, not corrected for looks" };
            line(format!("\n{rank}: {}", outcome.outcome.describe()));
            if outcome.effects.is_empty() {
                line("  Too few outcomes are known.".to_owned());
            }
            for effect in &outcome.effects {
                line(format!("  {}", sentence(effect, outcome, &self.look)));
                line(format!("  {}", size(effect)));
                if outcome.is_primary {
                    line(format!("  {}", saving(effect)));
                }
            }
        }
        line("\nArms".to_owned());
        for arm in &self.arms {
            let unknown: u64 = arm.unknown[self.plan.primary_outcome.name()].values().sum();
            line(format!(
                "  {:20} {}, {}, {} without a known outcome, {} reached",
                arm.arm,
                counted(arm.learners, "learner"),
                counted(arm.enrolments, "enrolment"),
                count(unknown),
                count(arm.reached)
            ));
        }
        for found in &self.compliers {
            line(format!("  {}", complier(found)));
        }
        if self.groups.iter().any(|group| group.effect.is_some()) {
            line("\nBy group, as exploration: points, 95% interval, p corrected for all groups".to_owned());
            for group in &self.groups {
                let figures = match (group.effect, group.adjusted_p) {
                    (Some(effect), Some(p)) => {
                        format!("{:>6}  {:16}  p {}", points(effect), interval(group.low, group.high), p_value(p))
                    }
                    _ => "too few learners".to_owned(),
                };
                line(format!("  {:12} {:28} {figures}", group.arm, group.group));
            }
        }
        line(format!("\n{}", self.uplift.describe()));
        for warning in &self.warnings {
            line(format!("\nWarning: {warning}"));
        }
        line("\nTaken for granted".to_owned());
        for assumption in &self.assumptions {
            line(format!("  {assumption}"));
        }
        text
    }
}
