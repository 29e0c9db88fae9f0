//! The module: configuration, parameters, state, and the stacking of layers.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Distribution, Tensor};

use crate::ops;

/// What an [`Lstm`] looks like: `LstmConfig::new(input, hidden).with_layers(2).with_dropout(0.2).init(&device)`.
#[derive(Config, Debug)]
pub struct LstmConfig {
    /// Features of one week.
    pub input: usize,
    /// Units of each layer, the width of the output.
    pub hidden: usize,
    /// Layers on top of each other.
    #[config(default = 1)]
    pub layers: usize,
    /// Share of a layer's outputs that training sets to zero before the next layer reads them, in `[0, 1)`.
    #[config(default = 0.0)]
    pub dropout: f64,
}

/// One layer's parameters. Gates lie side by side in the order i, f, g, o (input, forget, candidate, output).
///
/// PyTorch's `weight_ih_l<k>` is `w_ih` transposed, `weight_hh_l<k>` is `w_hh` transposed, and its two bias
/// vectors are one here, their sum.
#[derive(Module, Debug)]
pub struct LstmLayer {
    /// Weights of the week's input, `[features, 4 * hidden]`.
    pub w_ih: Param<Tensor<2>>,
    /// Weights of the previous week's output, `[hidden, 4 * hidden]`.
    pub w_hh: Param<Tensor<2>>,
    /// Bias of the gates, `[4 * hidden]`.
    pub bias: Param<Tensor<1>>,
}

/// A stacked LSTM over weekly features, batch first.
///
/// Made by [`LstmConfig::init`]. Dropout acts between layers (never after the last one, never between weeks),
/// and only on an autodiff device.
#[derive(Module, Debug)]
pub struct Lstm {
    /// The layers, the one that reads the input first.
    pub layers: Vec<LstmLayer>,
    /// Dropout between layers.
    pub dropout: Dropout,
    /// Features of one week.
    pub input: usize,
    /// Units of each layer.
    pub hidden: usize,
}

/// Where a sequence stands: the state of every layer after some week, to go on from.
#[derive(Debug, Clone)]
pub struct LstmState {
    /// The layers' last outputs, each `[batch, hidden]`.
    pub hidden: Vec<Tensor<2>>,
    /// The layers' cells, each `[batch, hidden]`.
    pub cell: Vec<Tensor<2>>,
}

impl LstmState {
    /// The state before the first week: zeros, for `layers` layers of `[batch, hidden]`.
    #[must_use]
    pub fn zeros(layers: usize, batch: usize, hidden: usize, device: &Device) -> Self {
        let zeros = || (0..layers).map(|_| Tensor::zeros([batch, hidden], device));
        Self { hidden: zeros().collect(), cell: zeros().collect() }
    }
}

impl LstmConfig {
    /// Makes the layer on `device`, drawing its parameters at once.
    ///
    /// Both weight matrices are uniform on ±1/√hidden, as in PyTorch: the figures of this project are compared
    /// with PyTorch's, and at a few dozen weeks orthogonal recurrent weights gain nothing that would pay for the
    /// QR decomposition. Biases are zero but for the forget gates', which are one, so that an untrained cell
    /// remembers (Jozefowicz et al. 2015).
    ///
    /// Nothing is lazy: after `device.seed(s)`, equal configurations give equal bytes on the same device.
    ///
    /// # Panics
    ///
    /// When `input`, `hidden` or `layers` is zero, or `dropout` is outside `[0, 1)`.
    #[must_use]
    pub fn init(&self, device: &Device) -> Lstm {
        assert!(
            self.input > 0 && self.hidden > 0 && self.layers > 0,
            "an LSTM needs at least one feature, unit and layer, got input {}, hidden {}, layers {}",
            self.input,
            self.hidden,
            self.layers
        );
        let layers = (0..self.layers)
            .map(|index| {
                let features = if index == 0 { self.input } else { self.hidden };
                LstmLayer::init(features, self.hidden, device)
            })
            .collect();
        Lstm { layers, dropout: DropoutConfig::new(self.dropout).init(), input: self.input, hidden: self.hidden }
    }
}

impl LstmLayer {
    fn init(features: usize, hidden: usize, device: &Device) -> Self {
        let bound = 1.0 / (hidden as f64).sqrt();
        let uniform = Distribution::Uniform(-bound, bound);
        let w_ih = Tensor::random([features, 4 * hidden], uniform, device);
        let w_hh = Tensor::random([hidden, 4 * hidden], uniform, device);
        let gate = |value: f32| Tensor::<1>::full([hidden], value, device);
        let bias = Tensor::cat(vec![gate(0.0), gate(1.0), gate(0.0), gate(0.0)], 0);
        Self { w_ih: Param::from_tensor(w_ih), w_hh: Param::from_tensor(w_hh), bias: Param::from_tensor(bias) }
    }

    /// Runs the layer and returns its outputs at every week, its last output and its last cell.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, weeks, features]`, at least one week
    /// - `start`: output and cell before the first week, `[batch, hidden]` each; `None` is zeros, and cheaper
    /// - returns `[batch, weeks, hidden]` and twice `[batch, hidden]`
    ///
    /// # Panics
    ///
    /// When shapes disagree, or `x` is on a device whose feature this crate was built without.
    pub fn forward(&self, x: Tensor<3>, start: Option<(Tensor<2>, Tensor<2>)>) -> (Tensor<3>, Tensor<2>, Tensor<2>) {
        self.check(&x, start.as_ref());
        ops::outputs_and_state(x, self.weights(), start)
    }

    /// Runs the layer from zeros and returns its outputs at every week only, which costs less than
    /// [`LstmLayer::forward`].
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, weeks, features]`, at least one week
    /// - returns `[batch, weeks, hidden]`
    ///
    /// # Panics
    ///
    /// As [`LstmLayer::forward`] does.
    pub fn outputs(&self, x: Tensor<3>) -> Tensor<3> {
        self.check(&x, None);
        ops::outputs(x, self.weights())
    }

    fn weights(&self) -> ops::Weights {
        ops::Weights { w_ih: self.w_ih.val(), w_hh: self.w_hh.val(), bias: self.bias.val() }
    }

    fn check(&self, x: &Tensor<3>, start: Option<&(Tensor<2>, Tensor<2>)>) {
        let [batch, weeks, features] = x.dims();
        let hidden = self.w_hh.dims()[0];
        assert!(
            batch > 0 && weeks > 0,
            "an LSTM needs at least one sequence and week, got x of shape [{batch}, {weeks}, {features}]"
        );
        assert_eq!(
            self.w_ih.dims(),
            [features, 4 * hidden],
            "the weights of the input must be [features, 4 * hidden] for x of {features} features a week"
        );
        assert_eq!(self.w_hh.dims(), [hidden, 4 * hidden], "the recurrent weights must be [hidden, 4 * hidden]");
        assert_eq!(self.bias.dims(), [4 * hidden], "the bias must be [4 * hidden]");
        for state in start.into_iter().flat_map(|(output, cell)| [output, cell]) {
            assert_eq!(state.dims(), [batch, hidden], "the first output and cell must be [batch, hidden]");
        }
    }
}

impl Lstm {
    /// Runs the sequence and returns the last layer's output at every week, with the state after the last week.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, weeks, input]`, at least one week
    /// - `state`: where the sequences stand before the first week; `None` is zeros, and cheaper
    /// - returns `[batch, weeks, hidden]` and the state of every layer
    ///
    /// # Panics
    ///
    /// When `x` has no sequence, no week or another number of features than the layer; when `state` has other
    /// shapes; when `x` is on a device whose feature this crate was built without.
    pub fn forward(&self, x: Tensor<3>, state: Option<LstmState>) -> (Tensor<3>, LstmState) {
        let mut starts: Vec<_> = match state {
            None => self.layers.iter().map(|_| None).collect(),
            Some(LstmState { hidden, cell }) => {
                assert!(
                    hidden.len() == self.layers.len() && cell.len() == self.layers.len(),
                    "the state must be of as many layers as the LSTM"
                );
                hidden.into_iter().zip(cell).map(Some).collect()
            }
        };
        let mut after = LstmState { hidden: Vec::new(), cell: Vec::new() };
        let outputs = self.stack(x, |index, layer, x| {
            let (outputs, hidden, cell) = layer.forward(x, starts[index].take());
            after.hidden.push(hidden);
            after.cell.push(cell);
            outputs
        });
        (outputs, after)
    }

    /// Runs the sequence from zeros and returns the last layer's output at every week only: what a model that reads
    /// whole sequences needs, and cheaper to train than [`Lstm::forward`].
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, weeks, input]`, at least one week
    /// - returns `[batch, weeks, hidden]`
    ///
    /// # Panics
    ///
    /// As [`Lstm::forward`] does.
    pub fn outputs(&self, x: Tensor<3>) -> Tensor<3> {
        self.stack(x, |_, layer, x| layer.outputs(x))
    }

    /// Feeds each layer with the one before it, through dropout.
    fn stack(&self, x: Tensor<3>, mut run: impl FnMut(usize, &LstmLayer, Tensor<3>) -> Tensor<3>) -> Tensor<3> {
        let mut sequence = x;
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                sequence = self.dropout.forward(sequence);
            }
            sequence = run(index, layer, sequence);
        }
        sequence
    }
}
