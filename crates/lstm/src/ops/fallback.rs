//! The forward and backward pass in a backend's own tensor operations: right on every backend, fast on none.
//!
//! Still one node of the graph: the operations run below autodiff, so cutting a step out of a sequence costs that
//! step and no more.

use burn::backend::tensor::{BoolTensor, FloatTensor};
use burn::backend::{
    Backend, FloatDType, Scalar, Shape, Slice, TensorData, TensorMetadata, get_or_init_device_settings,
};

use super::{InputGradients, LayerInputs, ReturnKind, TapeUse, WantedGradients};
use crate::walk::Direction;

/// Holds what the forward pass keeps, a tensor a step.
#[derive(Debug, Clone)]
pub(crate) struct Tape<B: Backend> {
    /// Gates `i, f, g, o`, `[batch, hidden]` each.
    gates: Vec<[FloatTensor<B>; 4]>,
    /// `[batch, hidden]`
    cells: Vec<FloatTensor<B>>,
}

#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    steps: usize,
    features: usize,
    hidden: usize,
}

impl Sizes {
    fn from_inputs<B: Backend>(inputs: &LayerInputs<B>) -> Self {
        let x = inputs.x.shape();
        Self { batch: x[0], steps: x[1], features: x[2], hidden: inputs.w_hh.shape()[0] }
    }
}

fn reshape<B: Backend, const D: usize>(tensor: FloatTensor<B>, shape: [usize; D]) -> FloatTensor<B> {
    B::float_reshape(tensor, Shape::from(shape))
}

/// Returns step `step` of `[batch, steps, width]` as `[batch, width]`.
fn step_of<B: Backend>(sequence: &FloatTensor<B>, step: usize) -> FloatTensor<B> {
    let shape = sequence.shape();
    let (batch, width) = (shape[0], shape[2]);
    let slices = [Slice::from(0..batch), Slice::from(step..step + 1), Slice::from(0..width)];
    reshape::<B, 2>(B::float_slice(sequence.clone(), &slices), [batch, width])
}

/// Returns steps `first..first + count` of `[batch, steps, width]`, flat: `[batch * count, width]`.
fn steps_of<B: Backend>(sequence: &FloatTensor<B>, first: usize, count: usize) -> FloatTensor<B> {
    let shape = sequence.shape();
    let (batch, width) = (shape[0], shape[2]);
    let slices = [Slice::from(0..batch), Slice::from(first..first + count), Slice::from(0..width)];
    reshape::<B, 2>(B::float_slice(sequence.clone(), &slices), [batch * count, width])
}

/// Joins `[batch, width]` tensors, one a step, into `[batch, steps, width]`.
fn join<B: Backend>(steps: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    let single = |tensor: FloatTensor<B>| {
        let shape = tensor.shape();
        reshape::<B, 3>(tensor, [shape[0], 1, shape[1]])
    };
    B::float_cat(steps.into_iter().map(single).collect(), 1)
}

fn half_scaled<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    B::float_mul_scalar(tensor, 0.5.into())
}

/// Computes `σ(z) = ½ + ½ tanh(z / 2)`, which never overflows.
fn logistic<B: Backend>(z: FloatTensor<B>) -> FloatTensor<B> {
    B::float_add_scalar(half_scaled::<B>(B::float_tanh(half_scaled::<B>(z))), 0.5.into())
}

/// Computes `1 - y²`, the derivative of `tanh` where its value is `y`.
fn tanh_slope<B: Backend>(y: FloatTensor<B>) -> FloatTensor<B> {
    B::float_add_scalar(B::float_neg(B::float_mul(y.clone(), y)), 1.0.into())
}

/// Computes `y - y²`, the derivative of the logistic function where its value is `y`.
fn logistic_slope<B: Backend>(y: FloatTensor<B>) -> FloatTensor<B> {
    B::float_sub(y.clone(), B::float_mul(y.clone(), y))
}

/// Marks, by step, where a step is past the end of its sequence.
struct Ended<B: Backend> {
    /// `[batch, steps]`, row by row.
    ended: Vec<bool>,
    batch: usize,
    steps: usize,
    device: B::Device,
}

impl<B: Backend> Ended<B> {
    /// Reads the sequences' ends; `None` where all sequences have all steps.
    fn from_inputs(inputs: &LayerInputs<B>) -> Option<Self> {
        let Sizes { batch, steps, .. } = Sizes::from_inputs(inputs);
        let lengths = inputs.walk.lengths.as_ref()?;
        let ended = lengths.iter().flat_map(|&length| (0..steps).map(move |step| step >= length)).collect();
        Some(Self { ended, batch, steps, device: inputs.x.device() })
    }

    /// Returns the marks of a step, `[batch, width]`, or `None` where no sequence has ended at `step`.
    fn at(&self, step: usize, width: usize) -> Option<BoolTensor<B>> {
        let column: Vec<bool> = self.ended.iter().skip(step).step_by(self.steps).copied().collect();
        column.contains(&true).then(|| self.mask(column, [self.batch, 1], [self.batch, width]))
    }

    fn mask<const D: usize>(&self, values: Vec<bool>, shape: [usize; D], wide: [usize; D]) -> BoolTensor<B> {
        let stored_as = get_or_init_device_settings::<B>(&self.device).bool_dtype;
        let values = TensorData::new(values, shape).convert_dtype(stored_as.into());
        let mask = B::bool_from_data(values, &self.device);
        B::bool_expand(mask, Shape::from(wide))
    }

    /// Returns `x [batch, steps, features]` with zeros past the ends, whatever was there.
    fn clear(&self, x: FloatTensor<B>) -> FloatTensor<B> {
        let features = x.shape()[2];
        let shape = [self.batch, self.steps];
        let mask = self.mask(self.ended.clone(), [shape[0], shape[1], 1], [shape[0], shape[1], features]);
        B::float_mask_fill(x, mask, Scalar::from(0.0f32))
    }
}

/// Returns the input with zeros past the sequences' ends.
pub(crate) fn real_steps<B: Backend>(inputs: &LayerInputs<B>) -> FloatTensor<B> {
    let x = inputs.x.clone();
    match Ended::from_inputs(inputs) {
        None => x,
        Some(ends) => ends.clear(x),
    }
}

/// Returns `after`, but `before` (`None` is zeros) where a sequence has ended.
fn held<B: Backend>(
    after: FloatTensor<B>,
    before: Option<&FloatTensor<B>>,
    ended: Option<&BoolTensor<B>>,
) -> FloatTensor<B> {
    match (ended, before) {
        (None, _) => after,
        (Some(ended), Some(before)) => B::float_mask_where(after, ended.clone(), before.clone()),
        (Some(ended), None) => B::float_mask_fill(after, ended.clone(), Scalar::from(0.0f32)),
    }
}

/// Computes [`super::LstmKernels::forward`].
pub(crate) fn forward<B: Backend>(
    inputs: &LayerInputs<B>,
    give: ReturnKind,
    keep: TapeUse,
) -> (FloatTensor<B>, Option<Tape<B>>) {
    let Sizes { batch, steps, features, hidden } = Sizes::from_inputs(inputs);
    let ends = Ended::from_inputs(inputs);
    let x = reshape::<B, 2>(real_steps(inputs), [batch * steps, features]);
    let bias = reshape::<B, 2>(inputs.bias.clone(), [1, 4 * hidden]);
    let projected = B::float_add(B::float_matmul(x, inputs.w_ih.clone()), bias);
    let projected = reshape::<B, 3>(projected, [batch, steps, 4 * hidden]);

    let mut state = inputs.start.clone();
    let mut walked = Vec::with_capacity(steps);
    let mut tape = Tape { gates: Vec::new(), cells: Vec::new() };
    let part = inputs.walk.part(0, batch, steps);
    for step in (0..part.steps()).map(|index| part.step(index)) {
        let mut sums = step_of::<B>(&projected, step);
        if let Some((previous, _)) = &state {
            sums = B::float_add(sums, B::float_matmul(previous.clone(), inputs.w_hh.clone()));
        }
        let gate = |index: usize| {
            let slices = [Slice::from(0..batch), Slice::from(index * hidden..(index + 1) * hidden)];
            B::float_slice(sums.clone(), &slices)
        };
        let (i, f) = (logistic::<B>(gate(0)), logistic::<B>(gate(1)));
        let (g, o) = (B::float_tanh(gate(2)), logistic::<B>(gate(3)));
        let (before, cell_before) = state.unzip();
        let mut cell = B::float_mul(i.clone(), g.clone());
        if let Some(before) = &cell_before {
            cell = B::float_add(cell, B::float_mul(f.clone(), before.clone()));
        }
        let ended = ends.as_ref().and_then(|ends| ends.at(step, hidden));
        let cell = held::<B>(cell, cell_before.as_ref(), ended.as_ref());
        let output = B::float_mul(o.clone(), B::float_tanh(cell.clone()));
        walked.push(held::<B>(output.clone(), None, ended.as_ref()));
        if keep == TapeUse::Keep {
            tape.gates.push([i, f, g, o]);
            tape.cells.push(cell.clone());
        }
        state = Some((held::<B>(output, before.as_ref(), ended.as_ref()), cell));
    }
    let outputs = join::<B>(in_order(walked, inputs, hidden));
    let output = match give {
        ReturnKind::Outputs => outputs,
        ReturnKind::OutputsAndState => {
            let flat = |tensor, count| reshape::<B, 1>(tensor, [count]);
            let (last, cell) = state.unwrap_or_else(|| (zeros(inputs, hidden), zeros(inputs, hidden)));
            let parts = [(outputs, batch * steps * hidden), (last, batch * hidden), (cell, batch * hidden)];
            B::float_cat(parts.into_iter().map(|(part, count)| flat(part, count)).collect(), 0)
        }
    };
    (output, (keep == TapeUse::Keep).then_some(tape))
}

/// Makes zeros, `[batch, width]`.
fn zeros<B: Backend>(inputs: &LayerInputs<B>, width: usize) -> FloatTensor<B> {
    let shape = Shape::from([inputs.x.shape()[0], width]);
    B::float_zeros(shape, &inputs.x.device(), FloatDType::from(inputs.x.dtype()))
}

/// Orders tensors that were found step by step in the order of the walk by time, with zeros where nothing was walked.
fn in_order<B: Backend>(mut walked: Vec<FloatTensor<B>>, inputs: &LayerInputs<B>, width: usize) -> Vec<FloatTensor<B>> {
    if inputs.walk.direction == Direction::Reverse {
        walked.reverse();
    }
    walked.resize_with(Sizes::from_inputs(inputs).steps, || zeros(inputs, width));
    walked
}

/// Returns the parts of a packed tensor: outputs `[batch, steps, hidden]` and, where it holds them, last outputs and
/// cells, `[batch, hidden]` each.
fn unpack<B: Backend>(
    packed: FloatTensor<B>,
    sizes: Sizes,
    give: ReturnKind,
) -> (FloatTensor<B>, Option<FloatTensor<B>>, Option<FloatTensor<B>>) {
    let Sizes { batch, steps, hidden, .. } = sizes;
    match give {
        ReturnKind::Outputs => (packed, None, None),
        ReturnKind::OutputsAndState => {
            let (count, state) = (batch * steps * hidden, batch * hidden);
            let cut = |from: usize, count: usize| B::float_slice(packed.clone(), &[Slice::from(from..from + count)]);
            let outputs = reshape::<B, 3>(cut(0, count), [batch, steps, hidden]);
            let part = |from: usize| Some(reshape::<B, 2>(cut(from, state), [batch, hidden]));
            (outputs, part(count), part(count + state))
        }
    }
}

/// Computes [`super::LstmKernels::backward`].
pub(crate) fn backward<B: Backend>(
    inputs: &LayerInputs<B>,
    give: ReturnKind,
    output: FloatTensor<B>,
    tape: &Tape<B>,
    gradient: FloatTensor<B>,
    wanted: WantedGradients,
) -> InputGradients<B> {
    let sizes = Sizes::from_inputs(inputs);
    let Sizes { batch, steps, features, hidden } = sizes;
    let ends = Ended::from_inputs(inputs);
    let (outputs, ..) = unpack::<B>(output, sizes, give);
    let (d_outputs, mut d_hidden, mut d_cell) = unpack::<B>(gradient, sizes, give);
    let w_hh_transposed = B::float_transpose(inputs.w_hh.clone());

    let part = inputs.walk.part(0, batch, steps);
    let mut d_sums: Vec<FloatTensor<B>> = Vec::with_capacity(steps);
    // What the sequences' first steps gave: those read the first state, and where a walk begins at different ends they
    // are not all one step.
    let mut d_first: Option<FloatTensor<B>> = None;
    for index in (0..part.steps()).rev() {
        let step = part.step(index);
        let ended = ends.as_ref().and_then(|ends| ends.at(step, hidden));
        let mut d_output = step_of::<B>(&d_outputs, step);
        if let Some(after) = &d_hidden {
            d_output = B::float_add(d_output, after.clone());
        }
        let cell_before = match index {
            0 => inputs.start.as_ref().map(|(_, cell)| cell.clone()),
            _ => Some(tape.cells[index - 1].clone()),
        };
        let (d_step, d_before) = step_back::<B>(
            tape.gates[index].clone(),
            B::float_tanh(tape.cells[index].clone()),
            cell_before,
            d_output,
            d_cell.clone(),
        );
        let wide = ends.as_ref().and_then(|ends| ends.at(step, 4 * hidden));
        let d_step = held::<B>(d_step, None, wide.as_ref());
        d_cell = Some(held::<B>(d_before, d_cell.as_ref(), ended.as_ref()));
        if index > 0 || wanted.start {
            let through = B::float_matmul(d_step.clone(), w_hh_transposed.clone());
            d_hidden = Some(held::<B>(through, d_hidden.as_ref(), ended.as_ref()));
        }
        let begins = match (index, &ends) {
            (0, _) => Some(d_step.clone()),
            (_, Some(ends)) => ends.at(part.step(index - 1), 4 * hidden).map(|had_ended| {
                let nothing = zeros(inputs, 4 * hidden);
                B::float_mask_where(nothing, had_ended, d_step.clone())
            }),
            (_, None) => None,
        };
        d_first = match (d_first, begins) {
            (Some(sum), Some(begins)) => Some(B::float_add(sum, begins)),
            (sum, begins) => sum.or(begins),
        };
        d_sums.push(d_step);
    }
    let start = wanted.start.then(|| {
        let or_zeros = |part: Option<FloatTensor<B>>| part.unwrap_or_else(|| zeros(inputs, hidden));
        (or_zeros(d_hidden), or_zeros(d_cell))
    });
    d_sums.reverse();
    let d_sums = join::<B>(in_order(d_sums, inputs, 4 * hidden));
    let w_hh = recurrent_gradient(inputs, sizes, &outputs, &d_sums, d_first);
    let flat = reshape::<B, 2>(d_sums, [batch * steps, 4 * hidden]);
    let x = inputs.x.clone();
    let x = ends.as_ref().map_or_else(|| x.clone(), |ends| ends.clear(x.clone()));
    let x = reshape::<B, 2>(x, [batch * steps, features]);
    InputGradients {
        x: wanted.x.then(|| {
            let d_x = B::float_matmul(flat.clone(), B::float_transpose(inputs.w_ih.clone()));
            reshape::<B, 3>(d_x, [batch, steps, features])
        }),
        w_ih: B::float_matmul(B::float_transpose(x), flat.clone()),
        w_hh,
        bias: reshape::<B, 1>(B::float_sum_dim(flat, 0), [4 * hidden]),
        start,
    }
}

/// Goes one step back: from the gradients of its output and its cell to those of the gates' sums `[batch, 4 * hidden]`
/// and of the cell before.
fn step_back<B: Backend>(
    [i, f, g, o]: [FloatTensor<B>; 4],
    cell_tanh: FloatTensor<B>,
    cell_before: Option<FloatTensor<B>>,
    d_output: FloatTensor<B>,
    d_cell: Option<FloatTensor<B>>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let d_o = B::float_mul(d_output.clone(), cell_tanh.clone());
    let through_output = B::float_mul(B::float_mul(d_output, o.clone()), tanh_slope::<B>(cell_tanh));
    let d_cell = match d_cell {
        Some(d_cell) => B::float_add(d_cell, through_output),
        None => through_output,
    };
    let d_i = B::float_mul(d_cell.clone(), g.clone());
    let d_f = match cell_before {
        Some(before) => B::float_mul(d_cell.clone(), before),
        None => B::float_zeros(d_cell.shape(), &d_cell.device(), FloatDType::from(d_cell.dtype())),
    };
    let d_g = B::float_mul(d_cell.clone(), i.clone());
    let d_sums = vec![
        B::float_mul(d_i, logistic_slope::<B>(i)),
        B::float_mul(d_f, logistic_slope::<B>(f.clone())),
        B::float_mul(d_g, tanh_slope::<B>(g)),
        B::float_mul(d_o, logistic_slope::<B>(o)),
    ];
    (B::float_cat(d_sums, 1), B::float_mul(d_cell, f))
}

/// Computes `Σ over steps of h(before)ᵀ dz`; `d_first` is the `dz` of what read the first state.
fn recurrent_gradient<B: Backend>(
    inputs: &LayerInputs<B>,
    Sizes { steps, hidden, .. }: Sizes,
    outputs: &FloatTensor<B>,
    d_sums: &FloatTensor<B>,
    d_first: Option<FloatTensor<B>>,
) -> FloatTensor<B> {
    let product = |h: FloatTensor<B>, dz: FloatTensor<B>| B::float_matmul(B::float_transpose(h), dz);
    let (read, from) = match inputs.walk.direction {
        Direction::Forward => (0, 1),
        Direction::Reverse => (1, 0),
    };
    let later =
        (steps > 1).then(|| product(steps_of::<B>(outputs, read, steps - 1), steps_of::<B>(d_sums, from, steps - 1)));
    let first = inputs.start.as_ref().zip(d_first).map(|((first, _), dz)| product(first.clone(), dz));
    match (first, later) {
        (Some(first), Some(later)) => B::float_add(first, later),
        (Some(sum), None) | (None, Some(sum)) => sum,
        (None, None) => {
            B::float_zeros(Shape::from([hidden, 4 * hidden]), &outputs.device(), FloatDType::from(outputs.dtype()))
        }
    }
}
