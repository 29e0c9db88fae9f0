//! The two models that people could follow with pencil and paper: days of silence, and points for warning signs.

use serde::{Deserialize, Serialize};

use crate::config::RulesConfig;
use crate::error::ForecastError;
use crate::newton::{FewScores, minimise};
use crate::weekly::{RawSeries, Weekly};

/// From a score to log odds: Platt's scaling with his smoothed targets (Platt 1999), which are finite even where the score
/// separates the classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
}

impl Line {
    pub(crate) fn fit(scores: &[f64], labels: &[bool]) -> Result<Self, String> {
        let rows = scores.len() as f64;
        let positives = labels.iter().filter(|&&label| label).count() as f64;
        let (hit, miss) = ((positives + 1.0) / (positives + 2.0), 1.0 / (rows - positives + 2.0));
        let targets: Vec<f64> = labels.iter().map(|&label| if label { hit } else { miss }).collect();
        let mean = scores.iter().sum::<f64>() / rows;
        let spread = (scores.iter().map(|score| (score - mean) * (score - mean)).sum::<f64>() / rows).sqrt();
        // The penalty is far below what a row weighs; it settles the slope of scores that are all the same.
        let scale = if spread > 0.0 { spread } else { 1.0 };
        let standardised = vec![scores.iter().map(|score| (score - mean) / scale).collect()];
        let loss = FewScores { scores: &standardised, targets: &targets, penalty: 1e-6 };
        let fitted = minimise(&loss, vec![0.0; 2], |_| false)?;
        let slope = fitted[0] / scale;
        Ok(Self { slope, intercept: fitted[1] - slope * mean })
    }

    pub(crate) fn logit(&self, score: f64) -> f64 {
        self.intercept + self.slope * score
    }
}

/// Days since the last activity at one cut-off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Silence {
    /// Days that stand for never: one more than any training row's, and than the weeks seen have.
    pub(crate) never_days: f64,
    pub(crate) line: Line,
}

impl Silence {
    pub(crate) fn fit(
        days: RawSeries<'_>,
        weeks: usize,
        rows: &[usize],
        labels: &[bool],
        cutoff: usize,
    ) -> Result<Self, String> {
        let seen: Vec<f64> = rows.iter().map(|&row| f64::from(days.values[row * weeks + cutoff - 1])).collect();
        // NaN, the null of who was never active, passes by `max`.
        let never_days = seen.iter().fold(7.0 * cutoff as f64, |most, &days| most.max(days)) + 1.0;
        let scores: Vec<f64> = seen.iter().map(|&days| silent(days, never_days)).collect();
        Ok(Self { never_days, line: Line::fit(&scores, labels)? })
    }

    pub(crate) fn logits(&self, inputs: &Weekly<'_>, cutoff: usize) -> Result<Vec<f64>, ForecastError> {
        let days = required(inputs, "days_since_last")?;
        let at = |row: usize| f64::from(days.values[row * inputs.weeks + cutoff - 1]);
        Ok((0..inputs.rows).map(|row| self.line.logit(silent(at(row), self.never_days))).collect())
    }
}

fn silent(days: f64, never_days: f64) -> f64 {
    if days.is_nan() { never_days } else { days.min(never_days) }
}

fn required<'a>(inputs: &Weekly<'a>, name: &str) -> Result<RawSeries<'a>, ForecastError> {
    inputs.series(name).ok_or_else(|| ForecastError::NoSeries { name: name.to_owned() })
}

/// A warning sign; each earns a point. Nulls earn none, but for the silence of who was never active.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Sign {
    /// No activity for `days` days, or ever.
    Silent { days: f32 },
    /// At most `days` active days in the week.
    FewActiveDays { days: f32 },
    /// Fewer events in the week than `share` of the learner's own mean week before, in which there were some.
    Fallen { share: f32 },
    /// A rank among the course's enrolments below `share`, by the week's events.
    Lowest { share: f32 },
    /// An assessment is due and not submitted.
    WorkMissing,
    /// A withdrawal is on record.
    Withdrawn,
}

impl Sign {
    /// All signs of a configuration.
    pub(crate) fn all(config: &RulesConfig) -> Vec<Self> {
        let mut signs: Vec<Self> = config.silent_days.iter().map(|&days| Self::Silent { days }).collect();
        signs.extend([
            Self::FewActiveDays { days: config.few_active_days },
            Self::Fallen { share: config.fallen_to },
            Self::Lowest { share: config.lowest_share },
            Self::WorkMissing,
            Self::Withdrawn,
        ]);
        signs
    }

    /// The raw feature that it looks at.
    pub(crate) fn series(self) -> &'static str {
        match self {
            Self::Silent { .. } => "days_since_last",
            Self::FewActiveDays { .. } => "active_days",
            Self::Fallen { .. } => "n_events",
            Self::Lowest { .. } => "rank_events",
            Self::WorkMissing => "assessments_missing",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether a row shows it in the last of the weeks `seen`.
    fn shows(self, seen: &[f32]) -> bool {
        let (&now, before) = seen.split_last().expect("a cut-off has a week");
        match self {
            Self::Silent { days } => now.is_nan() || now >= days,
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

/// Points at one cut-off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Points {
    pub(crate) signs: Vec<Sign>,
    pub(crate) line: Line,
}

impl Points {
    /// Fits the log odds by points; signs of which the data has no series are left out.
    pub(crate) fn fit(
        inputs: &Weekly<'_>,
        config: &RulesConfig,
        rows: &[usize],
        labels: &[bool],
        cutoff: usize,
    ) -> Result<Self, String> {
        let known = |sign: &Sign| inputs.series(sign.series()).is_some();
        let signs: Vec<Sign> = Sign::all(config).into_iter().filter(known).collect();
        let counts = counts(inputs, &signs, rows.iter().copied(), cutoff).map_err(|error| error.to_string())?;
        Ok(Self { line: Line::fit(&counts, labels)?, signs })
    }

    pub(crate) fn logits(&self, inputs: &Weekly<'_>, cutoff: usize) -> Result<Vec<f64>, ForecastError> {
        let counts = counts(inputs, &self.signs, 0..inputs.rows, cutoff)?;
        Ok(counts.into_iter().map(|points| self.line.logit(points)).collect())
    }
}

fn counts(
    inputs: &Weekly<'_>,
    signs: &[Sign],
    rows: impl Iterator<Item = usize>,
    cutoff: usize,
) -> Result<Vec<f64>, ForecastError> {
    let series: Vec<(Sign, RawSeries<'_>)> =
        signs.iter().map(|&sign| Ok((sign, required(inputs, sign.series())?))).collect::<Result<_, ForecastError>>()?;
    let count = |row: usize| {
        let start = row * inputs.weeks;
        series.iter().filter(|(sign, series)| sign.shows(&series.values[start..start + cutoff])).count() as f64
    };
    Ok(rows.map(count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_show_where_they_should() {
        let nan = f32::NAN;
        let cases: [(Sign, &[f32], bool); 14] = [
            (Sign::Silent { days: 7.0 }, &[7.0], true),
            (Sign::Silent { days: 7.0 }, &[20.0, 6.9], false),
            (Sign::Silent { days: 7.0 }, &[nan], true),
            (Sign::FewActiveDays { days: 1.0 }, &[3.0, 1.0], true),
            (Sign::FewActiveDays { days: 1.0 }, &[nan], false),
            (Sign::Fallen { share: 0.5 }, &[10.0, nan, 20.0, 7.0], true),
            (Sign::Fallen { share: 0.5 }, &[10.0, 20.0, 8.0], false),
            // Nobody falls in the first week, or from nothing.
            (Sign::Fallen { share: 0.5 }, &[0.0], false),
            (Sign::Fallen { share: 0.5 }, &[0.0, 0.0], false),
            (Sign::Lowest { share: 0.25 }, &[0.2], true),
            (Sign::Lowest { share: 0.25 }, &[0.25], false),
            (Sign::WorkMissing, &[1.0, 0.0], false),
            (Sign::WorkMissing, &[0.0, 2.0], true),
            (Sign::Withdrawn, &[1.0], true),
        ];
        for (sign, seen, wanted) in cases {
            assert_eq!(sign.shows(seen), wanted, "{sign:?} {seen:?}");
        }
    }

    #[test]
    fn a_score_that_separates_gives_finite_log_odds_and_a_constant_one_the_base_rate() {
        let line = Line::fit(&[1.0, 2.0, 3.0, 4.0], &[false, false, true, true]).unwrap();
        assert!(line.slope > 0.0 && line.logit(4.0).is_finite(), "{line:?}");
        let flat = Line::fit(&[2.0; 100], &[[true; 3].as_slice(), &[false; 97]].concat()).unwrap();
        let smoothed = (3.0 * (4.0 / 5.0) + 97.0 / 99.0) / 100.0_f64;
        assert!((flat.logit(2.0) - (smoothed / (1.0 - smoothed)).ln()).abs() < 1e-6, "{flat:?}");
        assert!(flat.slope.abs() < 1e-6, "{flat:?}");
    }
}
