//! The operation as one node of the autodiff graph.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};

use super::{LayerInputs, LstmKernels, LstmOps, ReturnKind, TapeUse, WantedGradients};
use crate::walk::Walk;

/// Names the node. Its parents are x, w_ih, w_hh, bias and, where there is a start, the first output and cell.
#[derive(Debug)]
struct Layer;

/// Holds what the backward pass needs of the forward pass.
#[derive(Debug, Clone)]
struct State<B: LstmKernels> {
    inputs: LayerInputs<B>,
    give: ReturnKind,
    output: FloatTensor<B>,
    tape: B::Tape,
}

impl<B: LstmKernels, const N: usize> Backward<B, N> for Layer {
    type State = State<B>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let State { inputs, give, output, tape } = ops.state;
        let mut parents = ops.parents.into_iter();
        let mut parent = || parents.next().flatten();
        let [x, w_ih, w_hh, bias, hidden, cell] = [parent(), parent(), parent(), parent(), parent(), parent()];
        let wanted = WantedGradients { x: x.is_some(), start: hidden.is_some() || cell.is_some() };
        let found = B::backward(&inputs, give, output, &tape, gradient, wanted);
        let (d_hidden, d_cell) = found.start.unzip();
        let pairs = [
            (x, found.x),
            (w_ih, Some(found.w_ih)),
            (w_hh, Some(found.w_hh)),
            (bias, Some(found.bias)),
            (hidden, d_hidden),
            (cell, d_cell),
        ];
        for (node, gradient) in pairs {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

/// Runs the forward pass and registers the node, with a tape only where a gradient can be asked for.
fn record<B: LstmKernels, C: CheckpointStrategy, const N: usize>(
    guards: [NodeGuard; N],
    inputs: LayerInputs<B>,
    give: ReturnKind,
) -> FloatTensor<Autodiff<B, C>> {
    let prepared = <Layer as Backward<B, N>>::prepare::<C>(Layer, guards).compute_bound();
    match prepared.stateful() {
        OpsKind::Tracked(prepared) => {
            let (output, tape) = B::forward(&inputs, give, TapeUse::Keep);
            let tape = tape.expect("a tape that was to be kept is there");
            let state = State { inputs, give, output: output.clone(), tape };
            prepared.finish(state, output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(B::forward(&inputs, give, TapeUse::Discard).0),
    }
}

impl<B: Backend + LstmKernels, C: CheckpointStrategy> LstmOps for Autodiff<B, C> {
    fn lstm_from_zeros(
        x: FloatTensor<Self>,
        w_ih: FloatTensor<Self>,
        w_hh: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        walk: Walk,
        give: ReturnKind,
    ) -> FloatTensor<Self> {
        let guards = [x.node(), w_ih.node(), w_hh.node(), bias.node()];
        let inputs = LayerInputs {
            x: x.into_primitive(),
            w_ih: w_ih.into_primitive(),
            w_hh: w_hh.into_primitive(),
            bias: bias.into_primitive(),
            start: None,
            walk,
        };
        record::<B, C, 4>(guards, inputs, give)
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
        let guards = [x.node(), w_ih.node(), w_hh.node(), bias.node(), hidden.node(), cell.node()];
        let inputs = LayerInputs {
            x: x.into_primitive(),
            w_ih: w_ih.into_primitive(),
            w_hh: w_hh.into_primitive(),
            bias: bias.into_primitive(),
            start: Some((hidden.into_primitive(), cell.into_primitive())),
            walk,
        };
        record::<B, C, 6>(guards, inputs, give)
    }
}
