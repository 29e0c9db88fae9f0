//! Many related logistic regressions: on some rows and some columns of one table.
//!
//! They serve to choose among inputs, as by leaving out one course and one group of inputs at a time.

use rayon::prelude::*;

use crate::config::Penalty;
use crate::gram::{Factor, Gram};
use crate::pooled::{Outcomes, Pooled, PooledLoss};
use crate::shared::{SharedDesign, View};
use crate::simd::padded;
use crate::truncated::{Tolerance, minimise};

/// Holds a table of inputs and labels, and the logistic regression on all of it, from which those on parts start.
///
/// A fit on a part takes some ten passes over its numbers. Several hundred take seconds where rows × columns is up to a few
/// millions. Held in memory: the table, 4 bytes a number; while a part without all columns is fitted, a copy of it; and 2
/// bytes for each pair of columns. For a moment [`RelatedFits::new`] holds the table twice more.
///
/// ```
/// use staycast_baselines::{PartOfTable, Penalty, RelatedFits};
///
/// // [row][column]: the first column tells the label more often than not, the second one is noise.
/// let labels: Vec<bool> = (0..60).map(|row| row % 2 == 0).collect();
/// let values: Vec<f32> = (0..60)
///     .flat_map(|row| [if (row % 2 == 0) == (row % 5 > 0) { 1.0 } else { -1.0 }, (row % 7) as f32 - 3.0])
///     .collect();
/// let penalty = Penalty::new(1.0).expect("above 0");
/// let table = RelatedFits::new(&values, 2, &labels, penalty)?;
/// let (rows, left_out): (Vec<usize>, Vec<usize>) = (0..60).partition(|row| *row < 40);
/// let parts = [&[0, 1][..], &[0], &[1]].map(|columns| PartOfTable { rows: &rows, columns, penalty });
/// let losses = table
///     .fit_all(&parts)
///     .into_iter()
///     .map(|fit| Ok(table.log_loss(&fit?, &left_out)))
///     .collect::<Result<Vec<f64>, staycast_baselines::RelatedError>>()?;
/// assert!(losses[1] < losses[2], "the first column alone is better than the second alone");
/// # Ok::<(), staycast_baselines::RelatedError>(())
/// ```
pub struct RelatedFits {
    design: SharedDesign,
    labels: Vec<bool>,
    full: Pooled,
    penalty: Penalty,
    /// Products of the columns, weighted by the second derivatives of the fit on everything.
    gram: Gram,
}

/// Names a part of a table, and the penalty to fit it with.
#[derive(Clone, Copy, Debug)]
pub struct PartOfTable<'a> {
    /// Rows, counted from 0; a row that is named twice counts twice.
    pub rows: &'a [usize],
    /// Columns, counted from 0, increasing.
    pub columns: &'a [usize],
    /// λ in Σ log loss + λ/2 Σ b².
    pub penalty: Penalty,
}

/// Holds the logistic regression on a part of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct PartFit {
    /// Intercept.
    pub intercept: f64,
    /// By column of the table: the weight; 0 for columns that are not in the part.
    pub weights: Vec<f64>,
}

/// Says why a table or a part of it cannot be fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelatedError {
    /// The number of values is not rows × columns.
    #[error("the table has {found} values; {rows} rows × {columns} columns are needed")]
    Length {
        /// Number of values.
        found: usize,
        /// Number of labels.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// A value is NaN or infinite.
    #[error("column {column} is not a finite number in row {row}")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
    },
    /// A part names a row that is not there.
    #[error("there is no row {row}; the table has {rows}, counted from 0")]
    NoSuchRow {
        /// The row.
        row: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A part's columns do not increase, or go past the last.
    #[error("column {column} is not above the one before it, or not below {columns}")]
    Columns {
        /// The column.
        column: usize,
        /// Number of columns.
        columns: usize,
    },
    /// All labels of the rows are equal.
    #[error("rows with both labels are needed; there are {positives} with the label and {negatives} without")]
    OneLabel {
        /// Rows with the label.
        positives: usize,
        /// Rows without it.
        negatives: usize,
    },
    /// The fit failed.
    #[error("{reason}")]
    Fit {
        /// The reason.
        reason: String,
    },
}

impl RelatedFits {
    /// Takes `values`, `[row][column]`, with a label for each row, and fits all of it.
    ///
    /// Columns should have about the same scale, as the penalty is the same for all.
    ///
    /// # Errors
    /// [`RelatedError`], when slices do not fit together, a value is not finite, or a label is missing.
    pub fn new(values: &[f32], columns: usize, labels: &[bool], penalty: Penalty) -> Result<Self, RelatedError> {
        let rows = labels.len();
        if columns == 0 || values.len() != rows * columns {
            return Err(RelatedError::Length { found: values.len(), rows, columns });
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(RelatedError::NotFinite { row: at / columns, column: at % columns });
        }
        check_labels(labels)?;
        let design = SharedDesign::from_matrix(values, columns);
        let view = design.view_rows((0..rows as u32).collect());
        let loss = loss(&view, labels, penalty);
        let mut full = Pooled::zeros(padded(columns), 0);
        // Second derivatives at 0 are equal for all rows, which is near enough for the first fit.
        let equal = Gram::weighted(&design, &vec![0.25; rows]);
        full = newton(&loss, full, &equal, 1.0)?;
        let gram = Gram::weighted(&design, loss.point(&full).row_curvature());
        Ok(Self { design, labels: labels.to_vec(), full, penalty, gram })
    }

    /// Returns the fit on all rows and columns.
    #[must_use]
    pub fn full(&self) -> PartFit {
        let weights = self.full.weights[..self.design.width()].to_vec();
        PartFit { intercept: self.full.intercept, weights }
    }

    /// Fits one part, starting from the fit on everything. Ends when a step could lower the mean loss by less than 1e-10.
    ///
    /// The result does not depend on the number of threads, nor on other parts.
    ///
    /// # Errors
    /// [`RelatedError`], when the part is not of the table, its rows have one label only, or the fit does not converge.
    pub fn fit(&self, part: &PartOfTable<'_>) -> Result<PartFit, RelatedError> {
        let (rows, width) = (self.labels.len(), self.design.width());
        if let Some(&row) = part.rows.iter().find(|&&row| row >= rows) {
            return Err(RelatedError::NoSuchRow { row, rows });
        }
        let mut least = 0;
        for &column in part.columns {
            if column < least || column >= width {
                return Err(RelatedError::Columns { column, columns: width });
            }
            least = column + 1;
        }
        let labels: Vec<bool> = part.rows.iter().map(|&row| self.labels[row]).collect();
        check_labels(&labels)?;
        let mut taken: Vec<u32> = part.rows.iter().map(|&row| row as u32).collect();
        let mut start = Pooled::zeros(padded(part.columns.len()), 0);
        start.intercept = self.full.intercept;
        start.weights.iter_mut().zip(part.columns).for_each(|(to, &column)| *to = self.full.weights[column]);
        let copied;
        let design = if part.columns.len() == width {
            &self.design
        } else {
            copied = self.design.pick(&taken, part.columns);
            taken = (0..part.rows.len() as u32).collect();
            &copied
        };
        let view = design.view_rows(taken);
        let scale = part.rows.len() as f64 / rows as f64;
        let fitted = newton(&loss(&view, &labels, part.penalty), start, &self.gram.pick(part.columns), scale)?;
        let mut weights = vec![0.0; width];
        part.columns.iter().zip(&fitted.weights).for_each(|(&column, &weight)| weights[column] = weight);
        Ok(PartFit { intercept: fitted.intercept, weights })
    }

    /// Fits several parts in parallel; see [`RelatedFits::fit`]. Results are in the order of `parts`.
    #[must_use]
    pub fn fit_all(&self, parts: &[PartOfTable<'_>]) -> Vec<Result<PartFit, RelatedError>> {
        parts.par_iter().map(|part| self.fit(part)).collect()
    }

    /// Computes the log odds of `rows` by a fit of this table.
    ///
    /// # Panics
    /// When a row is not there, or the fit is of a table with other columns.
    #[must_use]
    pub fn logits(&self, fit: &PartFit, rows: &[usize]) -> Vec<f64> {
        assert_eq!(fit.weights.len(), self.design.width(), "a fit of this table");
        let mut weights = fit.weights.clone();
        weights.resize(padded(weights.len()), 0.0);
        let view = self.design.view_rows(rows.iter().map(|&row| row as u32).collect());
        let mut logits = view.times(&weights);
        logits.iter_mut().for_each(|logit| *logit += fit.intercept);
        logits
    }

    /// Computes the mean log loss of `rows` by a fit of this table; NaN without rows.
    ///
    /// # Panics
    /// As [`RelatedFits::logits`].
    #[must_use]
    pub fn log_loss(&self, fit: &PartFit, rows: &[usize]) -> f64 {
        let labels: Vec<bool> = rows.iter().map(|&row| self.labels[row]).collect();
        crate::newton::log_loss(&self.logits(fit, rows), &labels)
    }

    /// Returns the penalty of the fit on everything.
    #[must_use]
    pub fn penalty(&self) -> Penalty {
        self.penalty
    }
}

fn check_labels(labels: &[bool]) -> Result<(), RelatedError> {
    let positives = labels.iter().filter(|&&label| label).count();
    let negatives = labels.len() - positives;
    if positives > 0 && negatives > 0 { Ok(()) } else { Err(RelatedError::OneLabel { positives, negatives }) }
}

fn loss<'a>(view: &'a View<'a>, labels: &'a [bool], penalty: Penalty) -> PooledLoss<'a> {
    PooledLoss { view, outcomes: Outcomes::Labels(labels), penalty: penalty.get(), effect_penalty: 0.0 }
}

/// Minimises a loss, with `scale` times the products in place of the second derivatives.
fn newton(loss: &PooledLoss<'_>, start: Pooled, gram: &Gram, scale: f64) -> Result<Pooled, RelatedError> {
    let mut factor = Factor::new(loss.penalty / scale);
    factor.extend(gram);
    minimise(loss, start, &factor, scale, Tolerance::LOOSE).map_err(|reason| RelatedError::Fit { reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix;

    fn table(rows: usize, columns: usize, seed: u64) -> (Vec<f32>, Vec<bool>) {
        let mut stream = SplitMix::new(seed, &[]);
        let mut draw = move || (stream.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let drive = 2.0 * draw() - 1.0;
            values.extend((0..columns).map(|at| (2.0 * draw() - 1.0 + drive * (at % 3) as f64) as f32));
            labels.push(draw() < 0.5 + 0.4 * drive);
        }
        (values, labels)
    }

    fn penalty(value: f64) -> Penalty {
        Penalty::new(value).expect("above 0")
    }

    #[test]
    fn fits_of_parts_are_those_from_scratch() {
        let (rows, columns) = (900, 37);
        let (values, labels) = table(rows, columns, 3);
        let related = RelatedFits::new(&values, columns, &labels, penalty(2.0)).expect("a table");
        let all: Vec<usize> = (0..columns).collect();
        for (left_out, dropped, by) in [(0, 0..0, 2.0), (1, 5..20, 2.0), (2, 0..36, 7.0), (3, 36..37, 0.05)] {
            let rows: Vec<usize> = (0..rows).filter(|row| row % 5 != left_out || left_out == 0).collect();
            let columns: Vec<usize> = all.iter().copied().filter(|column| !dropped.contains(column)).collect();
            let part = PartOfTable { rows: &rows, columns: &columns, penalty: penalty(by) };
            let found = related.fit(&part).expect("a part");
            let pick = |row: usize| columns.iter().map(|column| values[row * all.len() + column]).collect::<Vec<f32>>();
            let alone: Vec<f32> = rows.iter().flat_map(|&row| pick(row)).collect();
            let its_labels: Vec<bool> = rows.iter().map(|&row| labels[row]).collect();
            let scratch = RelatedFits::new(&alone, columns.len(), &its_labels, penalty(by)).expect("a table").full();
            let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-4, "{left_out} {a} {b}");
            close(found.intercept, scratch.intercept);
            columns.iter().zip(&scratch.weights).for_each(|(&column, &weight)| close(found.weights[column], weight));
            assert!(dropped.into_iter().all(|column| found.weights[column] == 0.0));
            let gradient = gradient(&values, &labels, &rows, &columns, &found, by);
            assert!(gradient.iter().all(|slope| slope.abs() < 1e-2), "{gradient:?}");
        }
    }

    /// Computes the derivatives of the part's loss by plain loops.
    fn gradient(
        values: &[f32],
        labels: &[bool],
        rows: &[usize],
        columns: &[usize],
        fit: &PartFit,
        penalty: f64,
    ) -> Vec<f64> {
        let width = fit.weights.len();
        let residual = |row: usize| {
            let x = &values[row * width..(row + 1) * width];
            let score: f64 = x.iter().zip(&fit.weights).map(|(&x, weight)| f64::from(x) * weight).sum();
            crate::newton::sigmoid(score + fit.intercept) - f64::from(u8::from(labels[row]))
        };
        columns
            .iter()
            .map(|&column| {
                let sum: f64 = rows.iter().map(|&row| residual(row) * f64::from(values[row * width + column])).sum();
                sum + penalty * fit.weights[column]
            })
            .collect()
    }

    #[test]
    fn parts_do_not_depend_on_threads_or_on_each_other() {
        let (values, labels) = table(700, 21, 4);
        let columns: Vec<usize> = (0..21).collect();
        let rows: Vec<Vec<usize>> = (0..4).map(|out| (0..700).filter(|row| row % 4 != out).collect()).collect();
        let fits = [1, 2].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| {
                let related = RelatedFits::new(&values, 21, &labels, penalty(1.0)).expect("a table");
                let part = |rows| PartOfTable { rows, columns: &columns[1..], penalty: penalty(1.0) };
                let parts: Vec<PartOfTable<'_>> = rows.iter().map(|rows| part(rows)).collect();
                let mut fits = related.fit_all(&parts);
                fits.push(related.fit(&parts[2]));
                assert_eq!(fits[2], fits[4]);
                fits
            })
        });
        assert!(fits[0] == fits[1]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let (values, labels) = table(30, 2, 5);
        let new = |values: &[f32], labels: &[bool]| RelatedFits::new(values, 2, labels, penalty(1.0)).err();
        let length = RelatedError::Length { found: 59, rows: 30, columns: 2 };
        assert_eq!(new(&values[1..], &labels), Some(length));
        let mut odd = values.clone();
        odd[5] = f32::NAN;
        assert_eq!(new(&odd, &labels), Some(RelatedError::NotFinite { row: 2, column: 1 }));
        assert_eq!(new(&values, &[true; 30]), Some(RelatedError::OneLabel { positives: 30, negatives: 0 }));
        let related = RelatedFits::new(&values, 2, &labels, penalty(1.0)).expect("a table");
        let fit = |rows: &[usize], columns: &[usize]| {
            related.fit(&PartOfTable { rows, columns, penalty: penalty(1.0) }).err()
        };
        let all: Vec<usize> = (0..30).collect();
        assert_eq!(fit(&[30], &[0]), Some(RelatedError::NoSuchRow { row: 30, rows: 30 }));
        assert_eq!(fit(&all, &[1, 0]), Some(RelatedError::Columns { column: 0, columns: 2 }));
        assert_eq!(fit(&all, &[2]), Some(RelatedError::Columns { column: 2, columns: 2 }));
        assert_eq!(fit(&[], &[0]), Some(RelatedError::OneLabel { positives: 0, negatives: 0 }));
        assert_eq!(fit(&all, &[]), None);
    }
}
