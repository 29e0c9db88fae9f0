//! Synthetic courses whose dropout follows a known rule.

use staycast_baselines::{BaselineConfig, ForestConfig, RawSeries, TrainingData, WeeklyInputs};

/// Holds learners with a drive that shows in their clicks; the less drive, the sooner they leave.
pub(crate) struct Course {
    pub(crate) rows: usize,
    pub(crate) weeks: usize,
    pub(crate) columns: Vec<String>,
    pub(crate) values: Vec<f32>,
    raw: Vec<(&'static str, Vec<f32>)>,
    pub(crate) labels: Vec<Option<bool>>,
    pub(crate) learnable: Vec<bool>,
    pub(crate) exit_week: Vec<Option<i32>>,
    pub(crate) course_weeks: Vec<u32>,
    /// By row: true chance of leaving in any one week.
    pub(crate) hazard: Vec<f64>,
}

/// Returns a SplitMix64 generator of numbers from 0 to 1.
pub(crate) fn draws(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
    }
}

impl Course {
    /// Draws `weeks` weeks of inputs, with three informative columns and `noise` columns without information.
    ///
    /// Learners may leave in the six weeks after the first; events go on until they have left.
    pub(crate) fn new(rows: usize, weeks: usize, noise: usize, seed: u64) -> Self {
        let mut draw = draws(seed);
        let columns: Vec<String> = ["log_events", "log_days", "inactivity"]
            .map(String::from)
            .into_iter()
            .chain((0..noise).map(|at| format!("noise{at}")))
            .collect();
        let course_weeks = 7_u32;
        let mut course = Self {
            rows,
            weeks,
            columns,
            values: Vec::new(),
            raw: ["days_since_last", "active_days", "n_events", "rank_events"].map(|name| (name, Vec::new())).to_vec(),
            labels: Vec::new(),
            learnable: vec![true; rows * weeks],
            exit_week: Vec::new(),
            course_weeks: vec![course_weeks; rows],
            hazard: Vec::new(),
        };
        for _ in 0..rows {
            let drive = draw() + draw() + draw() - 1.5;
            let hazard = 1.0 / (1.0 + (1.8 + 2.5 * drive).exp());
            let exit = (1..course_weeks as i32).find(|_| draw() < hazard);
            let mut days_inactive = f32::NAN;
            for week in 0..weeks as i32 {
                let here = exit.is_none_or(|exit| week <= exit);
                let events = if here { (20.0 * (1.2 * drive).exp() * (0.3 + draw())).floor() } else { 0.0 };
                let days = if events > 0.0 { 1.0 + (events / 8.0).floor().min(6.0) } else { 0.0 };
                if events > 0.0 {
                    days_inactive = (7.0 * draw()) as f32;
                } else {
                    days_inactive += 7.0;
                }
                let inactivity = if days_inactive.is_nan() { 10.0 } else { f64::from(days_inactive) };
                course.values.extend([(events.ln_1p() - 2.5) as f32, (days - 3.0) as f32, (inactivity / 7.0) as f32]);
                for _ in 0..noise {
                    course.values.push((2.0 * draw() - 1.0) as f32);
                }
                let raw = [days_inactive, days as f32, events as f32, (events / 60.0).min(1.0) as f32];
                course.raw.iter_mut().zip(raw).for_each(|((_, series), value)| series.push(value));
            }
            course.labels.push(Some(exit.is_some()));
            course.exit_week.push(exit);
            course.hazard.push(hazard);
        }
        course
    }

    pub(crate) fn raw(&self) -> Vec<RawSeries<'_>> {
        self.raw.iter().map(|(name, values)| RawSeries { name, values }).collect()
    }

    pub(crate) fn inputs<'a>(&'a self, raw: &'a [RawSeries<'a>]) -> WeeklyInputs<'a> {
        WeeklyInputs {
            rows: self.rows,
            weeks: self.weeks,
            columns: &self.columns,
            values: &self.values,
            raw,
            course_weeks: &self.course_weeks,
        }
    }

    pub(crate) fn training<'a>(
        &'a self,
        raw: &'a [RawSeries<'a>],
        rows: &'a [usize],
        held_out: &'a [usize],
    ) -> TrainingData<'a> {
        TrainingData {
            inputs: self.inputs(raw),
            rows,
            held_out,
            labels: &self.labels,
            learnable: &self.learnable,
            exit_week: &self.exit_week,
            observed_weeks: &self.course_weeks,
            seed: 42,
        }
    }

    /// Splits the rows into a training set and held-out rows, which are every fourth.
    pub(crate) fn split(&self) -> (Vec<usize>, Vec<usize>) {
        (0..self.rows).partition(|row| row % 4 != 3)
    }
}

/// Returns the default configuration with fewer trees.
pub(crate) fn quick() -> BaselineConfig {
    let forest = ForestConfig { trees: 10, rows_in_tree: 400, columns_in_tree: 0.8, ..ForestConfig::default() };
    let mut config = BaselineConfig { forest, ..BaselineConfig::default() };
    config.boosting.trees = 60;
    config.boosting.patience = 10;
    config
}

/// Computes the share of pairs of a dropout and another learner that the logits put in order; ties count half.
pub(crate) fn auc(logits: &[f32], labels: &[bool]) -> f64 {
    let (mut won, mut pairs) = (0.0, 0.0);
    for (&positive, _) in logits.iter().zip(labels).filter(|(_, label)| **label) {
        for (&negative, _) in logits.iter().zip(labels).filter(|(_, label)| !**label) {
            pairs += 1.0;
            won += if positive > negative {
                1.0
            } else if positive == negative {
                0.5
            } else {
                0.0
            };
        }
    }
    won / pairs
}
