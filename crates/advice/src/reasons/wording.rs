//! Sentences about what a learner did: facts with figures, in the last week seen, and no claim of a cause.

use staycast_sequences::WeekIndex;

use super::behaviour::Behaviour;
use super::figures::{DAYS_SINCE_LAST, Figure, Headline, LAST_DUE, Learner, MISSING, Unit};

/// Counts the days without a visit from which on these are told, and not the active days.
const LONG_ABSENCE: f64 = 7.0;
/// Is the share of what was before at which something fell.
const FELL: f64 = 0.6;
/// Is the share of what is typical by which a figure must be apart from it to be told.
const APART: f64 = 0.2;
/// The same for scores, in points.
const POINTS_APART: f64 = 5.0;

/// Says what a learner did, seen as something that raises the forecast or lowers it; `None` where the figures do not show that.
pub(super) fn sentence(learner: Learner<'_>, behaviour: Behaviour, raises: bool) -> Option<String> {
    if !raises {
        return strength(learner, behaviour);
    }
    absence(learner, behaviour).or_else(|| concern(learner, behaviour))
}

/// Tells of days without a visit, and of assessments that are missing.
fn absence(learner: Learner<'_>, behaviour: Behaviour) -> Option<String> {
    match behaviour {
        Behaviour::Visits => {
            let is_new = learner.norms.seen().weeks_seen().all(|week| learner.value(DAYS_SINCE_LAST, week).is_none());
            let typical = learner.typical(DAYS_SINCE_LAST)?;
            if is_new {
                return Some("has not visited the course yet".to_owned());
            }
            let days = learner.last(DAYS_SINCE_LAST).filter(|&days| days >= LONG_ABSENCE)?;
            let typical = if typical < days { format!(" (typical: {})", days_words(typical)) } else { String::new() };
            Some(format!("no visit for {}{typical}", days_words(days)))
        }
        Behaviour::Submissions => {
            let missing = learner.last(MISSING).filter(|&missing| missing >= 1.0)?;
            let typical = learner.typical(MISSING).filter(|&typical| typical < missing)?;
            let latest = learner.last(LAST_DUE).is_some_and(|share| share < 1.0);
            let which = if latest { ", the latest among them" } else { "" };
            let count = counted(missing, "assessment", "assessments");
            Some(format!("{count} not handed in{which} (typical: {})", number(typical)))
        }
        _ => None,
    }
}

fn concern(learner: Learner<'_>, behaviour: Behaviour) -> Option<String> {
    let week = learner.norms.seen().last_week();
    let headline = learner.headline(behaviour)?;
    let figure = learner.figure(behaviour);
    let typical = typical_words(headline, figure);
    let Some(value) = figure.learner else {
        // Null where others have one: a score, as nothing was handed in. Where something is missing, that is told of submissions.
        if learner.last(MISSING).is_some_and(|missing| missing >= 1.0) {
            return None;
        }
        let what = if headline.unit == Unit::Points { "score" } else { plural(headline) };
        return figure.typical.map(|_| format!("no {what} so far{typical}"));
    };
    if value == 0.0 && !headline.is_total {
        let typical = typical.replace(')', " a week)");
        let mut weeks = learner.norms.seen().weeks_seen().rev();
        let was_some = |week: &WeekIndex| learner.value(headline.feature, *week).is_some_and(|value| value > 0.0);
        return match weeks.find(was_some) {
            // Where most do nothing of the kind, that is nothing to tell.
            Some(last_time) => (figure.typical? > 0.0)
                .then(|| format!("no {} since week {}{typical}", plural(headline), name(last_time))),
            None => (figure.typical? > 0.0).then(|| format!("no {} so far{typical}", plural(headline))),
        };
    }
    // Who does what is typical is no concern, whatever they did before.
    let is_low = figure.typical.is_none_or(|typical| value < typical);
    if let Some(before) = figure.before.filter(|&before| is_low && value <= FELL * before) {
        return Some(format!(
            "{} in week {}, {} a week until then{typical}",
            told(headline.unit, value),
            name(week),
            told_alone(headline.unit, before)
        ));
    }
    (value < figure.typical? && is_apart(headline.unit, value, figure.typical?))
        .then(|| format!("{}{}{typical}", told(headline.unit, value), when(headline, week)))
}

fn strength(learner: Learner<'_>, behaviour: Behaviour) -> Option<String> {
    let week = learner.norms.seen().last_week();
    let headline = learner.headline(behaviour)?;
    let figure = learner.figure(behaviour);
    let value = figure.learner.filter(|&value| value > 0.0)?;
    if behaviour == Behaviour::Submissions && learner.last(MISSING) == Some(0.0) && headline.is_total {
        return Some(format!("{} handed in, none missing", counted(value, "assessment", "assessments")));
    }
    (value > figure.typical? && is_apart(headline.unit, value, figure.typical?)).then(|| {
        let typical = typical_words(headline, figure);
        format!("{}{}{typical}", told(headline.unit, value), when(headline, week))
    })
}

/// Tells whether a figure is so far from what is typical that people would see it.
fn is_apart(unit: Unit, value: f64, typical: f64) -> bool {
    let least = if unit == Unit::Points { POINTS_APART } else { APART * typical };
    (value - typical).abs() >= least
}

fn typical_words(headline: &Headline, figure: Figure) -> String {
    figure.typical.map_or_else(String::new, |typical| format!(" (typical: {})", told_alone(headline.unit, typical)))
}

fn when(headline: &Headline, week: WeekIndex) -> String {
    if headline.is_total { " so far".to_owned() } else { format!(" in week {}", name(week)) }
}

/// Returns the number of a week as people count.
fn name(week: WeekIndex) -> usize {
    week.position() + 1
}

fn plural(headline: &Headline) -> &'static str {
    match headline.unit {
        Unit::Count(_, many) => many,
        Unit::Seconds => "study time",
        Unit::Points => "scores",
    }
}

/// Tells a figure with its unit.
fn told(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Count(one, many) => counted(value, one, many),
        Unit::Seconds => format!("{} of study", duration(value)),
        Unit::Points => format!("mean score {}", number(value)),
    }
}

/// Tells a figure whose unit was told before.
fn told_alone(unit: Unit, value: f64) -> String {
    if unit == Unit::Seconds { duration(value) } else { number(value) }
}

fn counted(value: f64, one: &str, many: &str) -> String {
    let value = number(value);
    format!("{value} {}", if value == "1" { one } else { many })
}

fn days_words(days: f64) -> String {
    counted(days.floor(), "day", "days")
}

/// Writes a figure without decimals where it is whole or large, else with one.
pub(super) fn number(value: f64) -> String {
    if value.abs() >= 10.0 || (value - value.round()).abs() < 0.05 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

fn duration(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    if minutes < 90.0 {
        counted(minutes.round(), "minute", "minutes")
    } else {
        format!("{} hours", number(minutes / 60.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        for (value, text) in
            [(0.0, "0"), (1.0, "1"), (1.25, "1.2"), (9.96, "10"), (17.4, "17"), (3.04, "3"), (0.4, "0.4")]
        {
            assert_eq!(number(value), text);
        }
        for (seconds, text) in
            [(60.0, "1 minute"), (1_500.0, "25 minutes"), (5_400.0, "1.5 hours"), (72_000.0, "20 hours")]
        {
            assert_eq!(duration(seconds), text);
        }
        assert_eq!(counted(1.0, "day", "days"), "1 day");
        assert_eq!(counted(1.04, "day", "days"), "1 day");
        assert_eq!(counted(0.0, "day", "days"), "0 days");
    }
}
