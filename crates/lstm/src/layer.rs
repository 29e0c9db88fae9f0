//! One direction of one layer: parameters, and the choice of how it is run.

use burn::module::{Module, Param};
use burn::tensor::{Device, Distribution, Tensor};

use crate::norm::{self, LstmNorm};
use crate::ops;
use crate::walk::Walk;

/// Holds the parameters of one direction of one layer. Gates lie side by side in the order i, f, g, o (input, forget,
/// candidate, output).
///
/// PyTorch's `weight_ih_l<k>` is `w_ih` transposed, `weight_hh_l<k>` is `w_hh` transposed, and its two bias
/// vectors are one here, their sum.
#[derive(Module, Debug)]
pub struct LstmLayer {
    /// Weights of a step's input, `[features, 4 * hidden]`.
    pub w_ih: Param<Tensor<2>>,
    /// Weights of the output before, `[hidden, 4 * hidden]`.
    pub w_hh: Param<Tensor<2>>,
    /// Bias of the gates, `[4 * hidden]`.
    pub bias: Param<Tensor<1>>,
    /// Gains and shift of layer normalisation, where the layer has it.
    pub norm: Option<LstmNorm>,
}

impl LstmLayer {
    pub(crate) fn init(features: usize, hidden: usize, forget_bias: f64, device: &Device) -> Self {
        let bound = 1.0 / (hidden as f64).sqrt();
        let uniform = Distribution::Uniform(-bound, bound);
        let w_ih = Tensor::random([features, 4 * hidden], uniform, device);
        let w_hh = Tensor::random([hidden, 4 * hidden], uniform, device);
        let gate = |value: f64| Tensor::<1>::full([hidden], value, device);
        let bias = Tensor::cat(vec![gate(0.0), gate(forget_bias), gate(0.0), gate(0.0)], 0);
        Self {
            w_ih: Param::from_tensor(w_ih),
            w_hh: Param::from_tensor(w_hh),
            bias: Param::from_tensor(bias),
            norm: None,
        }
    }

    /// Runs the layer and returns its outputs at every step, its last output and its last cell.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, steps, features]`, at least one step
    /// - `start`: output and cell before the first step, `[batch, hidden]` each; `None` is zeros, and cheaper
    /// - returns `[batch, steps, hidden]` and twice `[batch, hidden]`
    ///
    /// # Panics
    ///
    /// When shapes disagree, or `x` is on a device whose feature this crate was built without.
    pub fn forward(&self, x: Tensor<3>, start: Option<(Tensor<2>, Tensor<2>)>) -> (Tensor<3>, Tensor<2>, Tensor<2>) {
        self.walk(x, start, Walk::forward(None))
    }

    /// Runs the layer from zeros and returns its outputs at every step only, which costs less than
    /// [`LstmLayer::forward`].
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, steps, features]`, at least one step
    /// - returns `[batch, steps, hidden]`
    ///
    /// # Panics
    ///
    /// As [`LstmLayer::forward`] does.
    pub fn outputs(&self, x: Tensor<3>) -> Tensor<3> {
        self.walk_outputs(x, Walk::forward(None))
    }

    /// Computes [`LstmLayer::forward`] along `walk`.
    pub(crate) fn walk(
        &self,
        x: Tensor<3>,
        start: Option<(Tensor<2>, Tensor<2>)>,
        walk: Walk,
    ) -> (Tensor<3>, Tensor<2>, Tensor<2>) {
        self.check(&x, start.as_ref());
        match &self.norm {
            None => ops::outputs_and_state(x, self.weights(), start, walk),
            Some(norm) => norm::forward(&x, &self.weights(), norm, start, &walk),
        }
    }

    /// Computes [`LstmLayer::outputs`] along `walk`.
    pub(crate) fn walk_outputs(&self, x: Tensor<3>, walk: Walk) -> Tensor<3> {
        self.check(&x, None);
        match &self.norm {
            None => ops::outputs(x, self.weights(), walk),
            Some(norm) => norm::forward(&x, &self.weights(), norm, None, &walk).0,
        }
    }

    fn weights(&self) -> ops::Weights {
        ops::Weights { w_ih: self.w_ih.val(), w_hh: self.w_hh.val(), bias: self.bias.val() }
    }

    fn check(&self, x: &Tensor<3>, start: Option<&(Tensor<2>, Tensor<2>)>) {
        let [batch, steps, features] = x.dims();
        let hidden = self.w_hh.dims()[0];
        assert!(
            batch > 0 && steps > 0,
            "an LSTM needs at least one sequence and step, got x of shape [{batch}, {steps}, {features}]"
        );
        assert_eq!(
            self.w_ih.dims(),
            [features, 4 * hidden],
            "the weights of the input must be [features, 4 * hidden] for x of {features} features a step"
        );
        assert_eq!(self.w_hh.dims(), [hidden, 4 * hidden], "the recurrent weights must be [hidden, 4 * hidden]");
        assert_eq!(self.bias.dims(), [4 * hidden], "the bias must be [4 * hidden]");
        for state in start.into_iter().flat_map(|(output, cell)| [output, cell]) {
            assert_eq!(state.dims(), [batch, hidden], "the first output and cell must be [batch, hidden]");
        }
    }
}
