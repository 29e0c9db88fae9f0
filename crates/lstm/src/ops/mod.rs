//! The layer as one burn operation: one node of the autodiff graph, whatever the number of steps.
//!
//! - [`LstmOps`] is what burn dispatches to, by the device of its tensors; [`outputs`] and [`outputs_and_state`] call it.
//! - [`LstmKernels`] is a backend's forward and backward pass: native code on CPUs (`cpu`), kernels on GPUs
//!   ([`crate::gpu`]), and the backend's own tensor operations for what those leave out (`fallback`).
//! - `autodiff` joins the two into a differentiable operation.
//!
//! Gradients are of first order. On a backend whose feature this crate was built without, the call panics.

// burn marks its ndarray backend as deprecated; it is here because users ask for it by name.
#![allow(deprecated)]
// What burn dispatches takes its tensors one by one.
#![allow(clippy::too_many_arguments)]

mod autodiff;
mod cpu;
pub(crate) mod fallback;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

#[cfg(any(feature = "flex", feature = "ndarray"))]
pub(crate) use cpu::HostTensor;

use crate::walk::Walk;

/// Selects what an operation returns (one node of the graph gives one tensor).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReturnKind {
    /// The outputs of all steps, `[batch, steps, hidden]`.
    Outputs,
    /// The outputs, then the last outputs and the last cells, flat: `[batch * (steps + 2) * hidden]`. A sequence's last
    /// output and cell are those of the last step that was walked in it.
    OutputsAndState,
}

/// Says whether a forward pass keeps what a backward pass needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TapeUse {
    /// Outputs only.
    Discard,
    /// A tape too.
    Keep,
}

/// Selects the gradients to compute. Those of the weights always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WantedGradients {
    /// The gradient of the input.
    pub(crate) x: bool,
    /// The gradients of the first output and cell.
    pub(crate) start: bool,
}

/// Holds the inputs of a layer.
#[derive(Debug, Clone)]
pub(crate) struct LayerInputs<B: Backend> {
    /// `[batch, steps, features]`
    pub(crate) x: FloatTensor<B>,
    /// `[features, 4 * hidden]`
    pub(crate) w_ih: FloatTensor<B>,
    /// `[hidden, 4 * hidden]`
    pub(crate) w_hh: FloatTensor<B>,
    /// `[4 * hidden]`
    pub(crate) bias: FloatTensor<B>,
    /// First output and cell, `[batch, hidden]` each; `None` is zeros.
    pub(crate) start: Option<(FloatTensor<B>, FloatTensor<B>)>,
    /// Direction, and how far into each sequence. Outputs past a sequence's end are zero, and what lies there in `x` is
    /// not read.
    pub(crate) walk: Walk,
}

/// Holds the gradients, shaped like the [`LayerInputs`].
pub(crate) struct InputGradients<B: Backend> {
    pub(crate) x: Option<FloatTensor<B>>,
    pub(crate) w_ih: FloatTensor<B>,
    pub(crate) w_hh: FloatTensor<B>,
    pub(crate) bias: FloatTensor<B>,
    pub(crate) start: Option<(FloatTensor<B>, FloatTensor<B>)>,
}

/// Computes a backend's forward and backward pass.
pub(crate) trait LstmKernels: Backend {
    /// Holds the values that the backward pass needs beside inputs and outputs.
    type Tape: Clone + Send + std::fmt::Debug + 'static;

    /// Runs the layer; the tape is there when it was to be kept.
    fn forward(inputs: &LayerInputs<Self>, give: ReturnKind, keep: TapeUse) -> (FloatTensor<Self>, Option<Self::Tape>);

    /// Computes gradients from `gradient`, that of `output`, which [`LstmKernels::forward`] gave together with `tape`.
    fn backward(
        inputs: &LayerInputs<Self>,
        give: ReturnKind,
        output: FloatTensor<Self>,
        tape: &Self::Tape,
        gradient: FloatTensor<Self>,
        wanted: WantedGradients,
    ) -> InputGradients<Self>;
}

/// Lists the operations that burn dispatches.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda")),
    Autodiff
)]
pub(crate) trait LstmOps: Backend {
    /// Runs a layer that starts from zeros.
    fn lstm_from_zeros(
        x: FloatTensor<Self>,
        w_ih: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        walk: Walk,
        give: ReturnKind,
    ) -> FloatTensor<Self>;

    /// Runs a layer that starts from a state.
    fn lstm_from_state(
        x: FloatTensor<Self>,
        w_ih: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell: FloatTensor<Self>,
        walk: Walk,
        give: ReturnKind,
    ) -> FloatTensor<Self>;
}

/// The operations of a backend without a graph are its forward pass.
macro_rules! without_graph {
    ($backend:ty) => {
        impl LstmOps for $backend {
            fn lstm_from_zeros(
                x: FloatTensor<Self>,
                w_ih: FloatTensor<Self>,
                w_hh: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                walk: Walk,
                give: ReturnKind,
            ) -> FloatTensor<Self> {
                let inputs = LayerInputs { x, w_ih, w_hh, bias, start: None, walk };
                <Self as LstmKernels>::forward(&inputs, give, TapeUse::Discard).0
            }

            fn lstm_from_state(
                x: FloatTensor<Self>,
                w_ih: FloatTensor<Self>,
                w_hh: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                hidden: FloatTensor<Self>,
                cell: FloatTensor<Self>,
                walk: Walk,
                give: ReturnKind,
            ) -> FloatTensor<Self> {
                let inputs = LayerInputs { x, w_ih, w_hh, bias, start: Some((hidden, cell)), walk };
                <Self as LstmKernels>::forward(&inputs, give, TapeUse::Discard).0
            }
        }
    };
}
#[cfg(feature = "flex")]
without_graph!(burn::backend::Flex);
#[cfg(feature = "ndarray")]
without_graph!(burn::backend::NdArray);
#[cfg(any(feature = "wgpu", feature = "cuda"))]
without_graph!(burn::backend::Cube);

/// Holds one layer's parameters as tensors.
pub(crate) struct Weights {
    pub(crate) w_ih: Tensor<2>,
    pub(crate) w_hh: Tensor<2>,
    pub(crate) bias: Tensor<1>,
}

/// Runs a layer over `x`, `[batch, steps, features]`, from zeros or from a first output and cell.
///
/// With [`ReturnKind::OutputsAndState`] the result is flat ([`outputs_and_state`] takes it apart).
fn run<const D: usize>(
    x: Tensor<3>,
    weights: Weights,
    start: Option<(Tensor<2>, Tensor<2>)>,
    walk: Walk,
    give: ReturnKind,
) -> Tensor<D> {
    let (x, w_ih) = (x.into_dispatch(), weights.w_ih.into_dispatch());
    let (w_hh, bias) = (weights.w_hh.into_dispatch(), weights.bias.into_dispatch());
    Tensor::from_dispatch(match start {
        None => <Dispatch as LstmOps>::lstm_from_zeros(x, w_ih, w_hh, bias, walk, give),
        Some((hidden, cell)) => {
            let (hidden, cell) = (hidden.into_dispatch(), cell.into_dispatch());
            <Dispatch as LstmOps>::lstm_from_state(x, w_ih, w_hh, bias, hidden, cell, walk, give)
        }
    })
}

/// Returns the outputs of all steps from zeros, `[batch, steps, hidden]`.
pub(crate) fn outputs(x: Tensor<3>, weights: Weights, walk: Walk) -> Tensor<3> {
    run(x, weights, None, walk, ReturnKind::Outputs)
}

/// Returns the outputs of all steps, `[batch, steps, hidden]`, the last output and the last cell, `[batch, hidden]`.
pub(crate) fn outputs_and_state(
    x: Tensor<3>,
    weights: Weights,
    start: Option<(Tensor<2>, Tensor<2>)>,
    walk: Walk,
) -> (Tensor<3>, Tensor<2>, Tensor<2>) {
    let [batch, steps, _] = x.dims();
    let [hidden, _] = weights.w_hh.dims();
    let packed: Tensor<1> = run(x, weights, start, walk, ReturnKind::OutputsAndState);
    let (count, state) = (batch * steps * hidden, batch * hidden);
    let outputs = packed.clone().narrow(0, 0, count).reshape([batch, steps, hidden]);
    let last = packed.clone().narrow(0, count, state).reshape([batch, hidden]);
    let cell = packed.narrow(0, count + state, state).reshape([batch, hidden]);
    (outputs, last, cell)
}
