//! Layer normalisation inside the recurrence, by plain tensor operations: right on every device, fast on none.
//!
//! With `N(a) = (a - mean(a)) / √(variance(a) + 1e-5)` over the values of one sequence and step, and `∘` by element:
//!
//! ```text
//! [i f g o] = gain_ih ∘ N(x_t · w_ih) + gain_hh ∘ N(h · w_hh) + bias
//! c'        = σ(f) ∘ c + σ(i) ∘ tanh(g)
//! h'        = σ(o) ∘ tanh(gain_cell ∘ N(c') + shift_cell)
//! ```
//!
//! (Ba, Kiros & Hinton 2016, "Layer Normalization", equations 20 to 22 of its supplement. Their two shifts of the gates
//! add to the bias, so the bias stands for all three.)

use burn::module::{Module, Param};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Bool, Device, Tensor, TensorData};

use crate::ops::Weights;
use crate::walk::{Direction, Walk};

const EPSILON: f64 = 1e-5;

/// Holds the parameters that layer normalisation adds: gains start at one, the shift at zero.
#[derive(Module, Debug)]
pub struct LstmNorm {
    /// Gains of what the input adds to the gates, `[4 * hidden]`.
    pub gain_ih: Param<Tensor<1>>,
    /// Gains of what the output before adds to the gates, `[4 * hidden]`.
    pub gain_hh: Param<Tensor<1>>,
    /// Gains of the cell, `[hidden]`.
    pub gain_cell: Param<Tensor<1>>,
    /// Shift of the cell, `[hidden]`.
    pub shift_cell: Param<Tensor<1>>,
}

impl LstmNorm {
    pub(crate) fn init(hidden: usize, device: &Device) -> Self {
        let ones = |width: usize| Param::from_tensor(Tensor::ones([width], device));
        Self {
            gain_ih: ones(4 * hidden),
            gain_hh: ones(4 * hidden),
            gain_cell: ones(hidden),
            shift_cell: Param::from_tensor(Tensor::zeros([hidden], device)),
        }
    }
}

fn normalised(a: Tensor<2>, gain: Tensor<1>) -> Tensor<2> {
    let centred = a.clone() - a.mean_dim(1);
    let spread = centred.clone().square().mean_dim(1).add_scalar(EPSILON).sqrt();
    centred / spread * gain.unsqueeze()
}

/// Marks where a sequence has ended before `step`, `[batch, width]`; `None` where none has.
fn ended(walk: &Walk, step: usize, width: usize, device: &Device) -> Option<Tensor<2, Bool>> {
    let ended: Vec<bool> = walk.lengths.as_ref()?.iter().map(|&length| step >= length).collect();
    let batch = ended.len();
    ended.contains(&true).then(|| {
        let mask = Tensor::<2, Bool>::from_data(TensorData::new(ended, [batch, 1]), device);
        mask.expand([batch, width])
    })
}

/// Runs a layer along `walk`: outputs `[batch, steps, hidden]`, last output and last cell, `[batch, hidden]` each.
pub(crate) fn forward(
    x: &Tensor<3>,
    weights: &Weights,
    norm: &LstmNorm,
    start: Option<(Tensor<2>, Tensor<2>)>,
    walk: &Walk,
) -> (Tensor<3>, Tensor<2>, Tensor<2>) {
    let ([batch, steps, features], [hidden, _]) = (x.dims(), weights.w_hh.dims());
    let device = x.device();
    let zeros = || Tensor::<2>::zeros([batch, hidden], (&device, x.dtype()));
    let (mut output, mut cell) = start.unwrap_or_else(|| (zeros(), zeros()));
    let part = walk.part(0, batch, steps);
    let mut outputs = Vec::with_capacity(steps);
    for step in (0..part.steps()).map(|index| part.step(index)) {
        let mut x_t = x.clone().narrow(1, step, 1).reshape([batch, features]);
        if let Some(ended) = ended(walk, step, features, &device) {
            x_t = x_t.mask_fill(ended, 0.0);
        }
        let gates = normalised(x_t.matmul(weights.w_ih.clone()), norm.gain_ih.val())
            + normalised(output.clone().matmul(weights.w_hh.clone()), norm.gain_hh.val())
            + weights.bias.clone().unsqueeze();
        let [i, f, g, o] = gates.chunk(4, 1).try_into().expect("4 * hidden columns make four chunks");
        let next_cell = sigmoid(f) * cell.clone() + sigmoid(i) * g.tanh();
        let shown = normalised(next_cell.clone(), norm.gain_cell.val()) + norm.shift_cell.val().unsqueeze();
        let next = sigmoid(o) * shown.tanh();
        match ended(walk, step, hidden, &device) {
            None => {
                (output, cell) = (next.clone(), next_cell);
                outputs.push(next);
            }
            Some(ended) => {
                outputs.push(next.clone().mask_fill(ended.clone(), 0.0));
                output = next.mask_where(ended.clone(), output);
                cell = next_cell.mask_where(ended, cell);
            }
        }
    }
    if walk.direction == Direction::Reverse {
        outputs.reverse();
    }
    outputs.resize_with(steps, zeros);
    (Tensor::stack(outputs, 1), output, cell)
}
