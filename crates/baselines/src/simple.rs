//! The two baselines that people can compute by hand: days of inactivity, and points for warning signs.

use serde::{Deserialize, Serialize};
use staycast_weeks::CutOff;

use crate::config::RulesConfig;
use crate::error::ForecastError;
use crate::newton::{FewScores, Parameters, minimise};
use crate::weekly::{RawSeries, WeeklyInputs};

/// Maps a score to log odds by Platt's scaling with his smoothed targets (Platt 1999). These keep the slope finite even
/// where the score separates the classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlattLine {
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
}

impl PlattLine {
    /// Fits the line to the scores and labels of the training set.
    pub(crate) fn fit(scores: &[f64], labels: &[bool]) -> Result<Self, String> {
        let rows = scores.len() as f64;
        let positives = labels.iter().filter(|&&label| label).count() as f64;
        let (hit, miss) = ((positives + 1.0) / (positives + 2.0), 1.0 / (rows - positives + 2.0));
        let targets: Vec<f64> = labels.iter().map(|&label| if label { hit } else { miss }).collect();
        let mean = scores.iter().sum::<f64>() / rows;
        let spread = (scores.iter().map(|score| (score - mean) * (score - mean)).sum::<f64>() / rows).sqrt();
        // The penalty weighs far less than a row; it fixes the slope where all scores are equal.
        let scale = if spread > 0.0 { spread } else { 1.0 };
        let standardised = vec![scores.iter().map(|score| (score - mean) / scale).collect()];
        let loss = FewScores { scores: &standardised, targets: &targets, penalty: 1e-6, equality: 0.0 };
        let fitted = minimise(&loss, Parameters::zeros(1), |_| false)?;
        let slope = fitted[0] / scale;
        Ok(Self { slope, intercept: fitted.intercept - slope * mean })
    }

    /// Computes the log odds of dropout for a score.
    pub(crate) fn logit(&self, score: f64) -> f64 {
        self.intercept + self.slope * score
    }
}

/// Holds the model of one cut-off that reads the days since the last activity alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inactivity {
    /// Days that stand for a learner who was never active. They are one more than in any training row, and one more than
    /// the days of the weeks seen.
    pub(crate) never_days: f64,
    pub(crate) line: PlattLine,
}

impl Inactivity {
    /// Fits the model on `rows` with their `labels`.
    pub(crate) fn fit(
        inputs: &WeeklyInputs<'_>,
        rows: &[usize],
        labels: &[bool],
        cut_off: CutOff,
    ) -> Result<Self, String> {
        let days = required_series(inputs, "days_since_last").map_err(|error| error.to_string())?;
        let last = cut_off.last_week().position();
        let seen: Vec<f64> = rows.iter().map(|&row| f64::from(days.values[row * inputs.weeks + last])).collect();
        // `max` ignores NaN, the null of learners who were never active.
        let never_days = seen.iter().fold(7.0 * cut_off.count() as f64, |most, &days| most.max(days)) + 1.0;
        let scores: Vec<f64> = seen.iter().map(|&days| inactive_days(days, never_days)).collect();
        Ok(Self { never_days, line: PlattLine::fit(&scores, labels)? })
    }

    /// Computes the log odds of dropout of every row.
    pub(crate) fn logits(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Result<Vec<f64>, ForecastError> {
        let days = required_series(inputs, "days_since_last")?;
        let last = cut_off.last_week().position();
        let at = |row: usize| f64::from(days.values[row * inputs.weeks + last]);
        Ok((0..inputs.rows).map(|row| self.line.logit(inactive_days(at(row), self.never_days))).collect())
    }
}

fn inactive_days(days: f64, never_days: f64) -> f64 {
    if days.is_nan() { never_days } else { days.min(never_days) }
}

fn required_series<'a>(inputs: &WeeklyInputs<'a>, name: &str) -> Result<RawSeries<'a>, ForecastError> {
    inputs.series(name).ok_or_else(|| ForecastError::NoSeries { name: name.to_owned() })
}

/// Describes a warning sign, which earns one point. Nulls earn none, except that a learner who was never active is inactive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum WarningSign {
    /// No activity for `days` days, or never any.
    #[serde(rename = "silent")]
    Inactive { days: f32 },
    /// At most `days` active days in the week.
    FewActiveDays { days: f32 },
    /// Fewer events in the week than `share` of the learner's mean over the weeks before, if that mean is above 0.
    Fallen { share: f32 },
    /// A rank below `share` among the enrolments of the course, by the week's events.
    Lowest { share: f32 },
    /// An assessment that is due and not submitted.
    WorkMissing,
    /// A recorded withdrawal.
    Withdrawn,
}

impl WarningSign {
    /// Lists all signs of a configuration.
    pub(crate) fn all(config: &RulesConfig) -> Vec<Self> {
        let mut signs: Vec<Self> = config.silent_days.iter().map(|&days| Self::Inactive { days }).collect();
        signs.extend([
            Self::FewActiveDays { days: config.few_active_days },
            Self::Fallen { share: config.fallen_to },
            Self::Lowest { share: config.lowest_share },
            Self::WorkMissing,
            Self::Withdrawn,
        ]);
        signs
    }

    /// Names the raw feature that the sign reads.
    pub(crate) fn series(self) -> &'static str {
        match self {
            Self::Inactive { .. } => "days_since_last",
            Self::FewActiveDays { .. } => "active_days",
            Self::Fallen { .. } => "n_events",
            Self::Lowest { .. } => "rank_events",
            Self::WorkMissing => "assessments_missing",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Tells whether a row shows the sign in its last week seen, given that week's value and the values `before` it.
    fn shows(self, now: f32, before: &[f32]) -> bool {
        match self {
            Self::Inactive { days } => now.is_nan() || now >= days,
            Self::FewActiveDays { days } => now <= days,
            Self::Fallen { share } => {
                let known: Vec<f32> = before.iter().copied().filter(|events| !events.is_nan()).collect();
                let mean = known.iter().sum::<f32>() / known.len() as f32;
                mean > 0.0 && now < share * mean
            }
            Self::Lowest { share } => now < share,
            Self::WorkMissing => now >= 1.0,
            Self::Withdrawn => now >= 1.0,
        }
    }
}

/// Holds the model of one cut-off that counts warning signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WarningPoints {
    pub(crate) signs: Vec<WarningSign>,
    pub(crate) line: PlattLine,
}

impl WarningPoints {
    /// Fits log odds by points. Signs whose feature the data lacks are left out.
    pub(crate) fn fit(
        inputs: &WeeklyInputs<'_>,
        config: &RulesConfig,
        rows: &[usize],
        labels: &[bool],
        cut_off: CutOff,
    ) -> Result<Self, String> {
        let known = |sign: &WarningSign| inputs.series(sign.series()).is_some();
        let signs: Vec<WarningSign> = WarningSign::all(config).into_iter().filter(known).collect();
        let points = count_points(inputs, &signs, rows.iter().copied(), cut_off).map_err(|error| error.to_string())?;
        Ok(Self { line: PlattLine::fit(&points, labels)?, signs })
    }

    /// Computes the log odds of dropout of every row.
    pub(crate) fn logits(&self, inputs: &WeeklyInputs<'_>, cut_off: CutOff) -> Result<Vec<f64>, ForecastError> {
        let points = count_points(inputs, &self.signs, 0..inputs.rows, cut_off)?;
        Ok(points.into_iter().map(|points| self.line.logit(points)).collect())
    }
}

/// Counts by row the signs that show.
fn count_points(
    inputs: &WeeklyInputs<'_>,
    signs: &[WarningSign],
    rows: impl Iterator<Item = usize>,
    cut_off: CutOff,
) -> Result<Vec<f64>, ForecastError> {
    let series: Vec<(WarningSign, RawSeries<'_>)> = signs
        .iter()
        .map(|&sign| Ok((sign, required_series(inputs, sign.series())?)))
        .collect::<Result<_, ForecastError>>()?;
    let count = |row: usize| {
        let start = row * inputs.weeks;
        let last = start + cut_off.last_week().position();
        series.iter().filter(|(sign, series)| sign.shows(series.values[last], &series.values[start..last])).count()
            as f64
    };
    Ok(rows.map(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_show_where_they_should() {
        let nan = f32::NAN;
        let cases: [(WarningSign, &[f32], bool); 14] = [
            (WarningSign::Inactive { days: 7.0 }, &[7.0], true),
            (WarningSign::Inactive { days: 7.0 }, &[20.0, 6.9], false),
            (WarningSign::Inactive { days: 7.0 }, &[nan], true),
            (WarningSign::FewActiveDays { days: 1.0 }, &[3.0, 1.0], true),
            (WarningSign::FewActiveDays { days: 1.0 }, &[nan], false),
            (WarningSign::Fallen { share: 0.5 }, &[10.0, nan, 20.0, 7.0], true),
            (WarningSign::Fallen { share: 0.5 }, &[10.0, 20.0, 8.0], false),
            // There is no fall in the first week, or from 0.
            (WarningSign::Fallen { share: 0.5 }, &[0.0], false),
            (WarningSign::Fallen { share: 0.5 }, &[0.0, 0.0], false),
            (WarningSign::Lowest { share: 0.25 }, &[0.2], true),
            (WarningSign::Lowest { share: 0.25 }, &[0.25], false),
            (WarningSign::WorkMissing, &[1.0, 0.0], false),
            (WarningSign::WorkMissing, &[0.0, 2.0], true),
            (WarningSign::Withdrawn, &[1.0], true),
        ];
        for (sign, seen, wanted) in cases {
            let (&now, before) = seen.split_last().unwrap();
            assert_eq!(sign.shows(now, before), wanted, "{sign:?} {seen:?}");
        }
    }

    #[test]
    fn a_score_that_separates_gives_finite_log_odds_and_a_constant_one_the_base_rate() {
        let line = PlattLine::fit(&[1.0, 2.0, 3.0, 4.0], &[false, false, true, true]).unwrap();
        assert!(line.slope > 0.0 && line.logit(4.0).is_finite(), "{line:?}");
        let flat = PlattLine::fit(&[2.0; 100], &[[true; 3].as_slice(), &[false; 97]].concat()).unwrap();
        let smoothed = (3.0 * (4.0 / 5.0) + 97.0 / 99.0) / 100.0_f64;
        assert!((flat.logit(2.0) - (smoothed / (1.0 - smoothed)).ln()).abs() < 1e-6, "{flat:?}");
        assert!(flat.slope.abs() < 1e-6, "{flat:?}");
    }
}
