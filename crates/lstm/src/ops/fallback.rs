//! The forward and backward pass in a backend's own tensor operations: right on every backend, fast on none.
//!
//! Still one node of the graph: the operations run below autodiff, so cutting a week out of a sequence costs that
//! week and no more.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, FloatDType, Shape, Slice, TensorMetadata};

use super::{Give, InputGradients, Inputs, Keep, Wanted};

/// Gates `i, f, g, o` and cell of every week, `[batch, hidden]` each.
#[derive(Debug, Clone)]
pub(crate) struct Tape<B: Backend> {
    gates: Vec<[FloatTensor<B>; 4]>,
    cells: Vec<FloatTensor<B>>,
}

#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    weeks: usize,
    features: usize,
    hidden: usize,
}

impl Sizes {
    fn of<B: Backend>(inputs: &Inputs<B>) -> Self {
        let x = inputs.x.shape();
        Self { batch: x[0], weeks: x[1], features: x[2], hidden: inputs.w_hh.shape()[0] }
    }
}

fn reshape<B: Backend, const D: usize>(tensor: FloatTensor<B>, shape: [usize; D]) -> FloatTensor<B> {
    B::float_reshape(tensor, Shape::from(shape))
}

/// Week `week` of `[batch, weeks, width]` as `[batch, width]`.
fn week_of<B: Backend>(sequence: &FloatTensor<B>, week: usize) -> FloatTensor<B> {
    let shape = sequence.shape();
    let (batch, width) = (shape[0], shape[2]);
    let slices = [Slice::from(0..batch), Slice::from(week..week + 1), Slice::from(0..width)];
    reshape::<B, 2>(B::float_slice(sequence.clone(), &slices), [batch, width])
}

/// Weeks `first..first + count` of `[batch, weeks, width]`, flat: `[batch * count, width]`.
fn weeks_of<B: Backend>(sequence: &FloatTensor<B>, first: usize, count: usize) -> FloatTensor<B> {
    let shape = sequence.shape();
    let (batch, width) = (shape[0], shape[2]);
    let slices = [Slice::from(0..batch), Slice::from(first..first + count), Slice::from(0..width)];
    reshape::<B, 2>(B::float_slice(sequence.clone(), &slices), [batch * count, width])
}

/// `[batch, width]` tensors, one a week, as `[batch, weeks, width]`.
fn join<B: Backend>(weeks: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    let single = |tensor: FloatTensor<B>| {
        let shape = tensor.shape();
        reshape::<B, 3>(tensor, [shape[0], 1, shape[1]])
    };
    B::float_cat(weeks.into_iter().map(single).collect(), 1)
}

fn half_scaled<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    B::float_mul_scalar(tensor, 0.5.into())
}

/// `σ(z) = ½ + ½ tanh(z / 2)`, which never overflows.
fn logistic<B: Backend>(z: FloatTensor<B>) -> FloatTensor<B> {
    B::float_add_scalar(half_scaled::<B>(B::float_tanh(half_scaled::<B>(z))), 0.5.into())
}

/// `1 - y²`, the derivative of `tanh` where its value is `y`.
fn tanh_slope<B: Backend>(y: FloatTensor<B>) -> FloatTensor<B> {
    B::float_add_scalar(B::float_neg(B::float_mul(y.clone(), y)), 1.0.into())
}

/// `y - y²`, the derivative of the logistic function where its value is `y`.
fn logistic_slope<B: Backend>(y: FloatTensor<B>) -> FloatTensor<B> {
    B::float_sub(y.clone(), B::float_mul(y.clone(), y))
}

/// See [`super::LstmKernels::forward`].
pub(crate) fn forward<B: Backend>(inputs: &Inputs<B>, give: Give, keep: Keep) -> (FloatTensor<B>, Option<Tape<B>>) {
    let Sizes { batch, weeks, features, hidden } = Sizes::of(inputs);
    let x = reshape::<B, 2>(inputs.x.clone(), [batch * weeks, features]);
    let bias = reshape::<B, 2>(inputs.bias.clone(), [1, 4 * hidden]);
    let projected = B::float_add(B::float_matmul(x, inputs.w_ih.clone()), bias);
    let projected = reshape::<B, 3>(projected, [batch, weeks, 4 * hidden]);

    let mut state = inputs.start.clone();
    let mut outputs = Vec::with_capacity(weeks);
    let mut tape = Tape { gates: Vec::new(), cells: Vec::new() };
    for week in 0..weeks {
        let mut sums = week_of::<B>(&projected, week);
        if let Some((previous, _)) = &state {
            sums = B::float_add(sums, B::float_matmul(previous.clone(), inputs.w_hh.clone()));
        }
        let gate = |index: usize| {
            let slices = [Slice::from(0..batch), Slice::from(index * hidden..(index + 1) * hidden)];
            B::float_slice(sums.clone(), &slices)
        };
        let (i, f) = (logistic::<B>(gate(0)), logistic::<B>(gate(1)));
        let (g, o) = (B::float_tanh(gate(2)), logistic::<B>(gate(3)));
        let mut cell = B::float_mul(i.clone(), g.clone());
        if let Some((_, before)) = state {
            cell = B::float_add(cell, B::float_mul(f.clone(), before));
        }
        let output = B::float_mul(o.clone(), B::float_tanh(cell.clone()));
        outputs.push(output.clone());
        if keep == Keep::Tape {
            tape.gates.push([i, f, g, o]);
            tape.cells.push(cell.clone());
        }
        state = Some((output, cell));
    }
    let (_, last_cell) = state.expect("a sequence has at least one week");
    let outputs = join::<B>(outputs);
    let output = match give {
        Give::Outputs => outputs,
        Give::OutputsAndCell => {
            let outputs = reshape::<B, 1>(outputs, [batch * weeks * hidden]);
            B::float_cat(vec![outputs, reshape::<B, 1>(last_cell, [batch * hidden])], 0)
        }
    };
    (output, (keep == Keep::Tape).then_some(tape))
}

/// The parts of a packed tensor: outputs `[batch, weeks, hidden]` and, where it holds them, cells `[batch, hidden]`.
fn unpack<B: Backend>(packed: FloatTensor<B>, sizes: Sizes, give: Give) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
    let Sizes { batch, weeks, hidden, .. } = sizes;
    match give {
        Give::Outputs => (packed, None),
        Give::OutputsAndCell => {
            let count = batch * weeks * hidden;
            let outputs = B::float_slice(packed.clone(), &[Slice::from(0..count)]);
            let cell = B::float_slice(packed, &[Slice::from(count..count + batch * hidden)]);
            let outputs = reshape::<B, 3>(outputs, [batch, weeks, hidden]);
            (outputs, Some(reshape::<B, 2>(cell, [batch, hidden])))
        }
    }
}

/// See [`super::LstmKernels::backward`].
pub(crate) fn backward<B: Backend>(
    inputs: &Inputs<B>,
    give: Give,
    output: FloatTensor<B>,
    tape: &Tape<B>,
    gradient: FloatTensor<B>,
    wanted: Wanted,
) -> InputGradients<B> {
    let sizes = Sizes::of(inputs);
    let Sizes { batch, weeks, features, hidden } = sizes;
    let (outputs, _) = unpack::<B>(output, sizes, give);
    let (d_outputs, mut d_cell) = unpack::<B>(gradient, sizes, give);
    let w_hh_transposed = B::float_transpose(inputs.w_hh.clone());

    let mut d_sums: Vec<FloatTensor<B>> = Vec::with_capacity(weeks);
    for week in (0..weeks).rev() {
        let mut d_output = week_of::<B>(&d_outputs, week);
        if let Some(after) = d_sums.last() {
            d_output = B::float_add(d_output, B::float_matmul(after.clone(), w_hh_transposed.clone()));
        }
        let cell_before = match week {
            0 => inputs.start.as_ref().map(|(_, cell)| cell.clone()),
            _ => Some(tape.cells[week - 1].clone()),
        };
        let (d_week, d_before) = step_back::<B>(
            tape.gates[week].clone(),
            B::float_tanh(tape.cells[week].clone()),
            cell_before,
            d_output,
            d_cell,
        );
        d_sums.push(d_week);
        d_cell = Some(d_before);
    }
    let start = wanted.start.then(|| {
        let first = d_sums.last().expect("a sequence has at least one week").clone();
        let d_cell = d_cell.expect("a sequence has at least one week");
        (B::float_matmul(first, w_hh_transposed), d_cell)
    });
    d_sums.reverse();
    let d_sums = join::<B>(d_sums);
    let w_hh = recurrent_gradient(inputs, sizes, &outputs, &d_sums);
    let flat = reshape::<B, 2>(d_sums, [batch * weeks, 4 * hidden]);
    let x = reshape::<B, 2>(inputs.x.clone(), [batch * weeks, features]);
    InputGradients {
        x: wanted.x.then(|| {
            let d_x = B::float_matmul(flat.clone(), B::float_transpose(inputs.w_ih.clone()));
            reshape::<B, 3>(d_x, [batch, weeks, features])
        }),
        w_ih: B::float_matmul(B::float_transpose(x), flat.clone()),
        w_hh,
        bias: reshape::<B, 1>(B::float_sum_dim(flat, 0), [4 * hidden]),
        start,
    }
}

/// One week back: from the gradients of its output and its cell to those of the gates' sums `[batch, 4 * hidden]`
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

/// `Σ over weeks of h(t-1)ᵀ dz(t)`.
fn recurrent_gradient<B: Backend>(
    inputs: &Inputs<B>,
    Sizes { weeks, hidden, .. }: Sizes,
    outputs: &FloatTensor<B>,
    d_sums: &FloatTensor<B>,
) -> FloatTensor<B> {
    let product = |h: FloatTensor<B>, dz: FloatTensor<B>| B::float_matmul(B::float_transpose(h), dz);
    let later = (weeks > 1).then(|| product(weeks_of::<B>(outputs, 0, weeks - 1), weeks_of::<B>(d_sums, 1, weeks - 1)));
    let first = inputs.start.as_ref().map(|(first, _)| product(first.clone(), week_of::<B>(d_sums, 0)));
    match (first, later) {
        (Some(first), Some(later)) => B::float_add(first, later),
        (Some(sum), None) | (None, Some(sum)) => sum,
        (None, None) => {
            B::float_zeros(Shape::from([hidden, 4 * hidden]), &outputs.device(), FloatDType::from(outputs.dtype()))
        }
    }
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
impl super::LstmKernels for burn::backend::Cube {
    type Tape = Tape<Self>;

    fn forward(inputs: &Inputs<Self>, give: Give, keep: Keep) -> (FloatTensor<Self>, Option<Self::Tape>) {
        forward(inputs, give, keep)
    }

    fn backward(
        inputs: &Inputs<Self>,
        give: Give,
        output: FloatTensor<Self>,
        tape: &Self::Tape,
        gradient: FloatTensor<Self>,
        wanted: Wanted,
    ) -> InputGradients<Self> {
        backward(inputs, give, output, tape, gradient, wanted)
    }
}
