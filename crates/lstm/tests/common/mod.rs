//! Computes the reference of the tests: the layer in plain `f64` loops, derived by hand and independent of the crate's code.

#![allow(dead_code)] // each test file uses its own part

/// Holds a layer's sizes, inputs and the gradients that arrive from outside, all row-major.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) batch: usize,
    pub(crate) steps: usize,
    pub(crate) features: usize,
    pub(crate) hidden: usize,
    pub(crate) x: Vec<f64>,
    pub(crate) w_ih: Vec<f64>,
    pub(crate) w_hh: Vec<f64>,
    pub(crate) bias: Vec<f64>,
    pub(crate) h0: Vec<f64>,
    pub(crate) c0: Vec<f64>,
    pub(crate) d_outputs: Vec<f64>,
    pub(crate) d_hidden: Vec<f64>,
    pub(crate) d_cell: Vec<f64>,
    /// Real steps of each sequence.
    pub(crate) lengths: Vec<usize>,
    /// Whether sequences are walked from their ends.
    pub(crate) reverse: bool,
}

/// Holds the outputs of the layer, and the gradients of `Σ outputs ∘ d_outputs + Σ last output ∘ d_hidden + Σ last cell ∘ d_cell`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) outputs: Vec<f64>,
    pub(crate) hidden: Vec<f64>,
    pub(crate) cell: Vec<f64>,
    pub(crate) d_x: Vec<f64>,
    pub(crate) d_w_ih: Vec<f64>,
    pub(crate) d_w_hh: Vec<f64>,
    pub(crate) d_bias: Vec<f64>,
    pub(crate) d_h0: Vec<f64>,
    pub(crate) d_c0: Vec<f64>,
}

/// Numbers for tests: a 64-bit linear congruential generator (Knuth's constants), uniform on ±1.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Rounded to `f32`, so that both sides start from the same numbers.
        f64::from(((self.0 >> 40) as f32 / (1u32 << 23) as f32) - 1.0)
    }

    pub(crate) fn take(&mut self, count: usize, scale: f64) -> Vec<f64> {
        (0..count).map(|_| f64::from((self.next() * scale) as f32)).collect()
    }

    /// Draws a whole number from `low` to `high`, both included.
    pub(crate) fn whole(&mut self, low: usize, high: usize) -> usize {
        self.next();
        low + (self.0 >> 33) as usize % (high - low + 1)
    }
}

impl Case {
    pub(crate) fn new([batch, steps, features, hidden]: [usize; 4], seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let scale = 1.0 / (hidden as f64).sqrt();
        Self {
            batch,
            steps,
            features,
            hidden,
            x: numbers.take(batch * steps * features, 2.0),
            w_ih: numbers.take(features * 4 * hidden, scale),
            w_hh: numbers.take(hidden * 4 * hidden, scale),
            bias: numbers.take(4 * hidden, 0.5),
            h0: numbers.take(batch * hidden, 0.8),
            c0: numbers.take(batch * hidden, 1.5),
            d_outputs: numbers.take(batch * steps * hidden, 1.0),
            d_hidden: numbers.take(batch * hidden, 1.0),
            d_cell: numbers.take(batch * hidden, 1.0),
            lengths: vec![steps; batch],
            reverse: false,
        }
    }

    /// Returns the same case with lengths from 0 to all steps.
    pub(crate) fn with_lengths(mut self, seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        self.lengths.iter_mut().for_each(|length| *length = numbers.whole(0, self.steps));
        self
    }

    /// Returns the same case walked from the ends.
    pub(crate) fn reversed(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// Returns the same case started from zeros.
    pub(crate) fn started_from_zeros(mut self) -> Self {
        self.h0.fill(0.0);
        self.c0.fill(0.0);
        self
    }

    pub(crate) fn solve(&self) -> Answer {
        let (hidden, features, steps) = (self.hidden, self.features, self.steps);
        let mut answer = Answer {
            outputs: vec![0.0; self.batch * steps * hidden],
            hidden: vec![0.0; self.batch * hidden],
            cell: vec![0.0; self.batch * hidden],
            d_x: vec![0.0; self.x.len()],
            d_w_ih: vec![0.0; self.w_ih.len()],
            d_w_hh: vec![0.0; self.w_hh.len()],
            d_bias: vec![0.0; self.bias.len()],
            d_h0: vec![0.0; self.h0.len()],
            d_c0: vec![0.0; self.c0.len()],
        };
        for sequence in 0..self.batch {
            let x = &self.x[sequence * steps * features..][..steps * features];
            self.sequence(sequence, x, &mut answer);
        }
        answer
    }

    /// Computes the four gates of one step, after their functions.
    fn gates(&self, x: &[f64], h: &[f64]) -> Vec<f64> {
        let width = 4 * self.hidden;
        let mut sums = self.bias.clone();
        for (value, row) in x.iter().zip(self.w_ih.chunks(width)).chain(h.iter().zip(self.w_hh.chunks(width))) {
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += value * weight);
        }
        for (column, sum) in sums.iter_mut().enumerate() {
            *sum = if column / self.hidden == 2 { sum.tanh() } else { 1.0 / (1.0 + (-*sum).exp()) };
        }
        sums
    }

    fn sequence(&self, sequence: usize, x: &[f64], answer: &mut Answer) {
        let (hidden, features, steps, width) = (self.hidden, self.features, self.steps, 4 * self.hidden);
        let length = self.lengths[sequence];
        let order: Vec<usize> = if self.reverse { (0..length).rev().collect() } else { (0..length).collect() };
        let of_sequence = |values: &[f64]| values[sequence * hidden..][..hidden].to_vec();
        let mut h = vec![of_sequence(&self.h0)];
        let mut c = vec![of_sequence(&self.c0)];
        let mut gates = Vec::new();
        for (index, &step) in order.iter().enumerate() {
            let z = self.gates(&x[step * features..][..features], &h[index]);
            let cell: Vec<f64> = (0..hidden).map(|j| z[hidden + j] * c[index][j] + z[j] * z[2 * hidden + j]).collect();
            h.push((0..hidden).map(|j| z[3 * hidden + j] * cell[j].tanh()).collect());
            c.push(cell);
            gates.push(z);
            answer.outputs[(sequence * steps + step) * hidden..][..hidden].copy_from_slice(&h[index + 1]);
        }
        answer.hidden[sequence * hidden..][..hidden].copy_from_slice(&h[length]);
        answer.cell[sequence * hidden..][..hidden].copy_from_slice(&c[length]);

        let mut d_h = of_sequence(&self.d_hidden);
        let mut d_c = of_sequence(&self.d_cell);
        for (index, &step) in order.iter().enumerate().rev() {
            let z = &gates[index];
            let mut d_z = vec![0.0; width];
            for j in 0..hidden {
                let [i, f, g, o] = [z[j], z[hidden + j], z[2 * hidden + j], z[3 * hidden + j]];
                let d_output = d_h[j] + self.d_outputs[(sequence * steps + step) * hidden + j];
                let tanh = c[index + 1][j].tanh();
                let d_cell = d_c[j] + d_output * o * (1.0 - tanh * tanh);
                d_z[j] = d_cell * g * i * (1.0 - i);
                d_z[hidden + j] = d_cell * c[index][j] * f * (1.0 - f);
                d_z[2 * hidden + j] = d_cell * i * (1.0 - g * g);
                d_z[3 * hidden + j] = d_output * tanh * o * (1.0 - o);
                d_c[j] = d_cell * f;
            }
            answer.d_bias.iter_mut().zip(&d_z).for_each(|(sum, d)| *sum += d);
            let dot = |row: &[f64]| -> f64 { row.iter().zip(&d_z).map(|(weight, d)| weight * d).sum() };
            let add = |to: &mut [f64], value: f64| to.iter_mut().zip(&d_z).for_each(|(sum, d)| *sum += value * d);
            for row in 0..features {
                let at = row * width..(row + 1) * width;
                add(&mut answer.d_w_ih[at.clone()], x[step * features + row]);
                answer.d_x[(sequence * steps + step) * features + row] = dot(&self.w_ih[at]);
            }
            for (row, (d_h, h)) in d_h.iter_mut().zip(&h[index]).enumerate() {
                let at = row * width..(row + 1) * width;
                add(&mut answer.d_w_hh[at.clone()], *h);
                *d_h = dot(&self.w_hh[at]);
            }
        }
        answer.d_h0[sequence * hidden..][..hidden].copy_from_slice(&d_h);
        answer.d_c0[sequence * hidden..][..hidden].copy_from_slice(&d_c);
    }
}

/// Returns `values` as `f32`.
pub(crate) fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// Returns the norm of the difference over the norm of what is expected.
pub(crate) fn relative_l2<T: Copy + Into<f64>>(found: &[T], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "lengths differ");
    let difference: f64 = found.iter().zip(expected).map(|(f, e)| ((*f).into() - e).powi(2)).sum();
    let norm: f64 = expected.iter().map(|e| e * e).sum();
    if norm == 0.0 { difference.sqrt() } else { (difference / norm).sqrt() }
}

/// Fails unless `found` agrees with `expected` to a relative L2 norm of `tolerance`.
#[track_caller]
pub(crate) fn assert_close<T: Copy + Into<f64>>(what: &str, found: &[T], expected: &[f64], tolerance: f64) {
    let error = relative_l2(found, expected);
    assert!(error < tolerance, "{what}: relative L2 error {error:e} is not below {tolerance:e}");
}
