//! Rows, columns and held-out rows of one cut-off, as the fits read them.

use staycast_weeks::CutOff;

use crate::design::{Design, informative};
use crate::hazard::Spell;
use crate::linear::FitData;
use crate::random::SplitMix;
use crate::weekly::TrainingData;

/// Counts the rows of each class that a cut-off needs for a fit.
const ROWS_OF_EACH_CLASS: usize = 10;

/// Lists the rows of the training set that a cut-off may learn from, with their labels.
pub(crate) struct LearntRows {
    pub(crate) rows: Vec<usize>,
    pub(crate) labels: Vec<bool>,
}

impl LearntRows {
    /// Selects the rows that may be learnt from.
    ///
    /// # Errors
    /// The reason, when there are too few of one label.
    pub(crate) fn new(training: &TrainingData<'_>, cut_off: CutOff) -> Result<Self, String> {
        let (rows, labels) = training.examples(training.rows, cut_off);
        check_classes(&labels, "who dropped out")?;
        Ok(Self { rows, labels })
    }

    /// Selects the rows whose coming weeks were observed, and returns the outcome of these weeks beside them.
    ///
    /// # Errors
    /// The reason, when there are too few rows with or without a week of leaving.
    pub(crate) fn with_spells(training: &TrainingData<'_>, cut_off: CutOff) -> Result<(Self, Vec<Spell>), String> {
        let (mut kept, mut spells) = (Self { rows: Vec::new(), labels: Vec::new() }, Vec::new());
        let (rows, labels) = training.examples(training.rows, cut_off);
        for (row, label) in rows.into_iter().zip(labels) {
            if let Some(spell) = Spell::after(cut_off, training.exit_week[row], training.observed_weeks[row]) {
                kept.rows.push(row);
                kept.labels.push(label);
                spells.push(spell);
            }
        }
        // Hazards learn from weeks of leaving, not from labels.
        let left: Vec<bool> = spells.iter().map(|spell| spell.left).collect();
        check_classes(&left, "with a week of leaving")?;
        Ok((kept, spells))
    }
}

/// Counts the dropouts and the others.
fn count_classes(labels: &[bool]) -> (usize, usize) {
    let dropouts = labels.iter().filter(|&&label| label).count();
    (dropouts, labels.len() - dropouts)
}

/// Checks that there are enough rows of each class.
fn check_classes(labels: &[bool], positives: &str) -> Result<(), String> {
    let (dropouts, others) = count_classes(labels);
    if dropouts.min(others) < ROWS_OF_EACH_CLASS {
        return Err(format!(
            "{dropouts} learners {positives} and {others} others to learn from, where {ROWS_OF_EACH_CLASS} of each are \
             needed"
        ));
    }
    Ok(())
}

/// Says for which purpose a fit reads held-out rows.
#[derive(Clone, Copy)]
pub(crate) enum HeldOutUse {
    None,
    ChoosePenalty,
    StopEarly,
}

/// Holds the rows, labels and columns of one cut-off.
pub(crate) struct CutOffRows {
    /// Informative positions in the weeks laid side by side.
    pub(crate) columns: Vec<u32>,
    pub(crate) rows: Vec<usize>,
    pub(crate) labels: Vec<bool>,
    pub(crate) held_out_rows: Vec<usize>,
    pub(crate) held_out_labels: Vec<bool>,
    /// Seed of this cut-off's random draws.
    pub(crate) seed: u64,
}

impl CutOffRows {
    /// Selects the informative columns of the rows to learn from, and the held-out rows where the fit reads them.
    ///
    /// # Errors
    /// The reason, when held-out rows of one label are missing or no column carries information.
    pub(crate) fn new(
        training: &TrainingData<'_>,
        cut_off: CutOff,
        learnt: LearntRows,
        held_out: HeldOutUse,
    ) -> Result<Self, String> {
        let purpose = match held_out {
            HeldOutUse::None => None,
            HeldOutUse::ChoosePenalty => Some("choose a penalty by"),
            HeldOutUse::StopEarly => Some("stop by"),
        };
        let (held_out_rows, held_out_labels) = match purpose {
            Some(purpose) => held_out_examples(training, cut_off, purpose)?,
            None => (Vec::new(), Vec::new()),
        };
        let LearntRows { rows, labels } = learnt;
        Ok(Self {
            columns: informative(&training.inputs, &rows, cut_off)?,
            rows,
            labels,
            held_out_rows,
            held_out_labels,
            seed: SplitMix::new(training.seed, &[u64::from(cut_off.weeks())]).next(),
        })
    }

    /// Copies the inputs.
    pub(crate) fn copy(self, training: &TrainingData<'_>, cut_off: CutOff) -> CutOffData {
        let copy = |rows: &[usize]| Design::new(&training.inputs, rows, cut_off, &self.columns);
        CutOffData { training: copy(&self.rows), held_out: copy(&self.held_out_rows), rows: self }
    }

    /// Counts by held-out row the weeks of the calendar after the cut-off.
    pub(crate) fn held_out_weeks_ahead(&self, training: &TrainingData<'_>, cut_off: CutOff) -> Vec<usize> {
        let weeks = training.inputs.course_weeks;
        self.held_out_rows.iter().map(|&row| (weeks[row] as usize).saturating_sub(cut_off.count())).collect()
    }
}

/// Holds the inputs and labels of one cut-off, for the training set and the held-out rows.
pub(crate) struct CutOffData {
    pub(crate) rows: CutOffRows,
    training: Design,
    held_out: Design,
}

impl CutOffData {
    /// Lends the data to a fit.
    pub(crate) fn fit_data(&self) -> FitData<'_> {
        FitData {
            columns: &self.rows.columns,
            training: &self.training,
            labels: &self.rows.labels,
            held_out: &self.held_out,
            held_out_labels: &self.rows.held_out_labels,
        }
    }
}

/// Selects the held-out rows that may be used at the cut-off, which must have both labels.
fn held_out_examples(
    training: &TrainingData<'_>,
    cut_off: CutOff,
    purpose: &str,
) -> Result<(Vec<usize>, Vec<bool>), String> {
    let (rows, labels) = training.examples(training.held_out, cut_off);
    let (dropouts, others) = count_classes(&labels);
    if dropouts == 0 || others == 0 {
        return Err(format!(
            "{dropouts} held-out learners who dropped out and {others} others, where both are needed to {purpose}"
        ));
    }
    Ok((rows, labels))
}
