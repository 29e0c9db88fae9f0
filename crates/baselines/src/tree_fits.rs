//! Trees, forests and boosting fitted at every cut-off, on inputs that are cut into bins once.

use rayon::prelude::*;
use staycast_weeks::CutOff;

use crate::binned::{Binned, MOST_BINS};
use crate::boosting;
use crate::config::{CheckedBaselines, Direction};
use crate::cut_off_data::{CutOffRows, HeldOutUse, LearntRows};
use crate::cut_off_model::CutOffModel;
use crate::design::informative;
use crate::trees::{self, BinnedRows};
use crate::weekly::TrainingData;

/// Bounds the bins of a column for forests, whose trees see few rows each.
const FOREST_BINS: u16 = 64;

/// Names a model that is made of trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TreeKind {
    Tree,
    Forest,
    Boosting,
}

/// Fits one model at all cut-offs.
pub(crate) struct TreeFits<'a> {
    kind: TreeKind,
    config: &'a CheckedBaselines,
    training: &'a TrainingData<'a>,
    binned: Binned,
    /// By row of the inputs: row of `binned`; 0 where there is none.
    places: Vec<u32>,
    /// By column of the inputs: direction that forecasts keep to.
    directions: Vec<Option<Direction>>,
    /// Whether the threads share the work on one tree, as there are more of them than cut-offs.
    on_all_threads: bool,
}

impl<'a> TreeFits<'a> {
    /// Fits all `cut_offs`; returns each with its fit, or the reason why it is absent.
    pub(crate) fn fit(
        kind: TreeKind,
        config: &'a CheckedBaselines,
        training: &'a TrainingData<'a>,
        cut_offs: &[CutOff],
    ) -> Vec<(CutOff, Result<CutOffModel, String>)> {
        let fits = Self::new(kind, config, training, cut_offs.len());
        // The longest ones first, so that no thread is left with one at the end.
        cut_offs.iter().rev().par_bridge().map(|&cut_off| (cut_off, fits.fit_one(cut_off))).collect()
    }

    fn new(kind: TreeKind, config: &'a CheckedBaselines, training: &'a TrainingData<'a>, cut_offs: usize) -> Self {
        let inputs = &training.inputs;
        let learnt = |rows: &'a [usize]| rows.iter().copied().filter(|&row| training.is_ever_learnable(row));
        let mut rows: Vec<usize> = learnt(training.rows).collect();
        let count = rows.len();
        let bins = match kind {
            TreeKind::Boosting => {
                rows.extend(learnt(training.held_out));
                config.boosting.bins
            }
            TreeKind::Forest => FOREST_BINS,
            TreeKind::Tree => MOST_BINS,
        };
        let mut places = vec![0; inputs.rows];
        rows.iter().enumerate().for_each(|(place, &row)| places[row] = place as u32);
        let last = CutOff::after_weeks(inputs.weeks as u16);
        let positions = last.and_then(|last| informative(inputs, &rows[..count], last).ok()).unwrap_or_default();
        let binned = Binned::new(inputs, &rows, count, positions, bins);
        let columns = inputs.columns.iter();
        let directions = columns.map(|name| config.boosting.monotone.get(name).copied()).collect();
        let on_all_threads = rayon::current_num_threads() > cut_offs / 2;
        Self { kind, config, training, binned, places, directions, on_all_threads }
    }

    fn fit_one(&self, cut_off: CutOff) -> Result<CutOffModel, String> {
        let Self { config, training, .. } = self;
        let held_out = match self.kind {
            TreeKind::Boosting => HeldOutUse::StopEarly,
            TreeKind::Tree | TreeKind::Forest => HeldOutUse::None,
        };
        let rows = CutOffRows::new(training, cut_off, LearntRows::new(training, cut_off)?, held_out)?;
        let place = |rows: &[usize]| rows.iter().map(|&row| self.places[row]).collect();
        let data = BinnedRows {
            binned: &self.binned,
            rows: place(&rows.rows),
            labels: &rows.labels,
            columns: self.binned.columns(&rows.columns),
            held_out: place(&rows.held_out_rows),
            held_out_labels: &rows.held_out_labels,
            on_all_threads: self.on_all_threads,
        };
        Ok(match self.kind {
            TreeKind::Tree => CutOffModel::Tree(trees::tree(&config.tree, &data)),
            TreeKind::Forest => CutOffModel::Forest(trees::forest(&config.forest, &data, rows.seed)),
            TreeKind::Boosting => {
                let boosted = boosting::fit(&config.boosting, &data, &self.directions, rows.seed);
                CutOffModel::Boosting(Box::new(boosted))
            }
        })
    }
}
