//! The recurrence in plain tensor operations: slow, obvious, differentiated by burn itself.
//!
//! With input `x_t`, previous output `h` and cell `c`, and `σ` the logistic function:
//!
//! ```text
//! [i f g o] = x_t · w_ih + h · w_hh + bias
//! c'        = σ(f) ∘ c + σ(i) ∘ tanh(g)
//! h'        = σ(o) ∘ tanh(c')
//! ```
//!
//! (Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000.)

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

/// Runs one layer over a sequence, step by step.
///
/// # Shapes
///
/// - `x`: `[batch, steps, features]`
/// - `w_ih`: `[features, 4 * hidden]`, `w_hh`: `[hidden, 4 * hidden]`, `bias`: `[4 * hidden]`, gates in the order i, f, g, o
/// - `hidden`, `cell`: `[batch, hidden]`, the state before the first step
/// - returns the outputs of all steps `[batch, steps, hidden]`, then the last output and the last cell, `[batch, hidden]` each
///
/// `x` is cut into steps, and the gradient of a cut fills a tensor as large as `x`: where `x` itself is
/// tracked, the backward pass takes time in the square of the steps. Untracked inputs don't have that cost.
///
/// # Panics
///
/// As burn's operations do, when shapes disagree or there is no step.
pub fn forward(
    x: &Tensor<3>,
    w_ih: &Tensor<2>,
    w_hh: &Tensor<2>,
    bias: &Tensor<1>,
    hidden: Tensor<2>,
    cell: Tensor<2>,
) -> (Tensor<3>, Tensor<2>, Tensor<2>) {
    let [batch, steps, features] = x.dims();
    let (mut hidden, mut cell) = (hidden, cell);
    let bias = bias.clone().unsqueeze::<2>();
    let mut outputs = Vec::with_capacity(steps);
    for step in 0..steps {
        let x_t = x.clone().narrow(1, step, 1).reshape([batch, features]);
        let gates = x_t.matmul(w_ih.clone()) + hidden.matmul(w_hh.clone()) + bias.clone();
        let [input, forget, candidate, output] =
            gates.chunk(4, 1).try_into().expect("4 * hidden columns make four chunks");
        cell = sigmoid(forget) * cell + sigmoid(input) * candidate.tanh();
        hidden = sigmoid(output) * cell.clone().tanh();
        outputs.push(hidden.clone());
    }
    (Tensor::stack(outputs, 1), hidden, cell)
}
