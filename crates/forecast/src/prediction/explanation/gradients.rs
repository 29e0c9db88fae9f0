//! Integrated gradients of a network (Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks").

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::quadrature::Quadrature;
use crate::models::network::{DropoutMasks, Network};

/// Counts the points on the way from the reference to a row, and how many more are tried where the sum is off by more than
/// [`CLOSE`].
const POINTS: [usize; 4] = [6, 20, 80, 320];

/// Is the difference, in log odds, between what inputs add and the forecast's distance from the reference's that is close enough.
const CLOSE: f64 = 0.005;

/// Bounds the sequences that go forward and backward at a time, and with it memory; changes no result.
const SEQUENCES: usize = 3072;

/// Borrows rows `[row][week][column]`, and the reference `[week][column]`.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) values: &'a [f32],
    pub(super) reference: &'a [f32],
    pub(super) weeks: usize,
}

impl Rows<'_> {
    fn width(self) -> usize {
        self.reference.len()
    }
}

/// Holds the share that a network has in a run's forecasts.
#[derive(Clone, Copy)]
pub(super) struct Share {
    /// Factor on its logit.
    pub(super) weight: f64,
    /// Log odds of the calibrated probability for each unit of its logit.
    pub(super) of_log_odds: f64,
}

/// Adds, `[row][week][column]`, the network's share of what each input adds to the logit after the last week. `wanted` holds by
/// row the network's logit less the reference's, which the sum of a row must be close to.
pub(super) fn add(network: &Network, device: &Device, rows: Rows<'_>, wanted: &[f64], share: Share, added: &mut [f64]) {
    let width = rows.width();
    let mut open: Vec<usize> = (0..wanted.len()).collect();
    for (round, count) in POINTS.into_iter().enumerate() {
        if open.is_empty() {
            return;
        }
        let quadrature = Quadrature::new(count);
        let is_last = round + 1 == POINTS.len();
        let mut left = Vec::new();
        for batch in open.chunks((SEQUENCES / count).max(1)) {
            let found = integrate(network, device, rows, batch, &quadrature);
            for (&row, found) in batch.iter().zip(found.chunks_exact(width)) {
                let off = found.iter().sum::<f64>() - wanted[row];
                if off.abs() * share.of_log_odds <= CLOSE || is_last {
                    let added = &mut added[row * width..(row + 1) * width];
                    added.iter_mut().zip(found).for_each(|(added, found)| *added += share.weight * found);
                } else {
                    left.push(row);
                }
            }
        }
        open = left;
    }
}

/// Computes the integrals of some rows, `[row][week][column]`.
fn integrate(network: &Network, device: &Device, rows: Rows<'_>, batch: &[usize], quadrature: &Quadrature) -> Vec<f64> {
    let (width, points) = (rows.width(), quadrature.points.len());
    let columns = width / rows.weeks;
    let mut between = vec![0.0_f32; batch.len() * points * width];
    between.par_chunks_mut(points * width).zip(batch).for_each(|(between, &row)| {
        let values = &rows.values[row * width..(row + 1) * width];
        for (between, &point) in between.chunks_exact_mut(width).zip(&quadrature.points) {
            for ((between, &value), &reference) in between.iter_mut().zip(values).zip(rows.reference) {
                *between = reference + point as f32 * (value - reference);
            }
        }
    });
    let sequences = batch.len() * points;
    let data = TensorData::new(between, [sequences, rows.weeks, columns]);
    let x = Tensor::<3>::from_data(data, device).autodiff().require_grad();
    let logits = network.forward(x.clone(), DropoutMasks::none());
    let gradients = logits.narrow(1, rows.weeks - 1, 1).sum().backward();
    let slopes = x.grad(&gradients).expect("x is tracked").into_data().try_to_vec::<f32>().expect("32-bit floats");
    let mut found = vec![0.0; batch.len() * width];
    found.par_chunks_mut(width).zip(batch).zip(slopes.par_chunks(points * width)).for_each(
        |((found, &row), slopes)| {
            for (slopes, weight) in slopes.chunks_exact(width).zip(&quadrature.weights) {
                found.iter_mut().zip(slopes).for_each(|(found, &slope)| *found += weight * f64::from(slope));
            }
            let values = &rows.values[row * width..(row + 1) * width];
            for ((found, &value), &reference) in found.iter_mut().zip(values).zip(rows.reference) {
                *found *= f64::from(value) - f64::from(reference);
            }
        },
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NetworkSpec;

    /// Returns the logit after the last week of each sequence.
    fn last(network: &Network, values: &[f32], weeks: usize, columns: usize) -> Vec<f64> {
        let device = Device::flex();
        let data = TensorData::new(values.to_vec(), [values.len() / weeks / columns, weeks, columns]);
        let logits = network.forward(Tensor::from_data(data, &device), DropoutMasks::none());
        let logits: Vec<f32> = logits.into_data().try_to_vec().unwrap();
        logits.chunks_exact(weeks).map(|logits| f64::from(logits[weeks - 1])).collect()
    }

    #[test]
    fn what_inputs_add_sums_up_to_the_difference() {
        for head_hidden in [None, Some(7)] {
            let (count, weeks, columns) = (40, 4, 9);
            let spec = NetworkSpec { hidden: 16, layers: 2, head_hidden, dropout: 0.0, input_dropout: 0.0 };
            let [plain, device] = [Device::flex(), Device::flex().autodiff()];
            // Weights larger than at first, so that the logit is far from linear.
            let grown = |device: &Device| {
                let network = Network::new(&spec, columns, 3, device);
                let mut parameters = network.parameters();
                parameters.iter_mut().flat_map(|one| &mut one.values).for_each(|value| *value *= 3.0);
                network.with_parameters(parameters)
            };
            let values: Vec<f32> = (0..count * weeks * columns).map(|at| (at as f32 * 0.7).sin() * 2.0).collect();
            let reference: Vec<f32> = (0..weeks * columns).map(|at| (at as f32 * 0.3).cos() * 0.5).collect();
            let network = grown(&plain);
            let base = last(&network, &reference, weeks, columns)[0];
            let logits = last(&network, &values, weeks, columns);
            let wanted: Vec<f64> = logits.iter().map(|logit| logit - base).collect();
            assert!(wanted.iter().any(|wanted| wanted.abs() > 0.3), "{wanted:?}");
            let mut added = vec![0.0; values.len()];
            let rows = Rows { values: &values, reference: &reference, weeks };
            add(&grown(&device), &plain, rows, &wanted, Share { weight: 0.5, of_log_odds: 1.0 }, &mut added);
            for (added, wanted) in added.chunks_exact(weeks * columns).zip(&wanted) {
                let off = 2.0 * added.iter().sum::<f64>() - wanted;
                // A hidden layer has kinks, over which no quadrature is exact.
                let close = if head_hidden.is_some() { 3.0 * CLOSE } else { CLOSE };
                assert!(off.abs() <= close, "off {wanted} by {off}");
            }
        }
    }

    #[test]
    fn a_column_that_is_the_references_adds_nothing() {
        let (weeks, columns) = (3, 4);
        let spec = NetworkSpec { hidden: 8, layers: 1, head_hidden: None, dropout: 0.0, input_dropout: 0.0 };
        let network = Network::new(&spec, columns, 5, &Device::flex().autodiff());
        let reference = vec![0.1; weeks * columns];
        let mut values = reference.clone();
        (values[1], values[6]) = (2.0, -1.0);
        let mut added = vec![0.0; values.len()];
        let wanted = last(&network, &values, weeks, columns)[0] - last(&network, &reference, weeks, columns)[0];
        let rows = Rows { values: &values, reference: &reference, weeks };
        add(&network, &Device::flex(), rows, &[wanted], Share { weight: 1.0, of_log_odds: 1.0 }, &mut added);
        let moved: Vec<usize> = (0..added.len()).filter(|&at| added[at] != 0.0).collect();
        assert_eq!(moved, [1, 6]);
    }
}
