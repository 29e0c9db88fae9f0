//! The module: configuration, state, and the stacking of layers and directions.

use std::sync::Arc;

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Tensor};

use crate::layer::LstmLayer;
use crate::norm::LstmNorm;
use crate::walk::Walk;

/// Describes an [`Lstm`]: `LstmConfig::new(input, hidden).with_layers(2).with_dropout(0.2).init(&device)`.
#[derive(Config, Debug)]
pub struct LstmConfig {
    /// Features of one step.
    pub input: usize,
    /// Units of each layer and direction.
    pub hidden: usize,
    /// Layers on top of each other.
    #[config(default = 1)]
    pub layers: usize,
    /// If true, each layer also walks from the last step to the first, and gives both directions' outputs side by side.
    #[config(default = false)]
    pub bidirectional: bool,
    /// Share of a layer's outputs that training sets to zero before the next layer reads them, in `[0, 1)`.
    #[config(default = 0.0)]
    pub dropout: f64,
    /// First value of the forget gates' biases. At 1 an untrained cell remembers (Jozefowicz et al. 2015).
    #[config(default = 1.0)]
    pub forget_bias: f64,
    /// If true, gates and cell are normalised ([`LstmNorm`]). Such a layer runs as plain tensor operations, several times
    /// slower than one without.
    #[config(default = false)]
    pub layer_norm: bool,
}

/// Stacks LSTM layers over sequences of features, batch first.
///
/// Made by [`LstmConfig::init`]. Dropout acts between layers (never after the last one, never between steps),
/// and only on an autodiff device.
#[derive(Module, Debug)]
pub struct Lstm {
    /// The layers, the one that reads the input first.
    pub layers: Vec<LstmLayer>,
    /// The layers that walk from the last step to the first: as many as `layers`, or none.
    pub reverse: Vec<LstmLayer>,
    /// Dropout between layers.
    pub dropout: Dropout,
    /// Features of one step.
    pub input: usize,
    /// Units of each layer and direction.
    pub hidden: usize,
}

/// Holds the state of every layer and direction after some step, to go on from.
///
/// The order is PyTorch's: layer by layer, and within a bidirectional layer forward, then reverse.
#[derive(Debug, Clone)]
pub struct LstmState {
    /// The last outputs, each `[batch, hidden]`.
    pub hidden: Vec<Tensor<2>>,
    /// The cells, each `[batch, hidden]`.
    pub cell: Vec<Tensor<2>>,
}

impl LstmState {
    /// Returns zeros, which every sequence starts from, for `layers` layers of `[batch, hidden]`; a bidirectional layer
    /// counts as two.
    #[must_use]
    pub fn zeros(layers: usize, batch: usize, hidden: usize, device: &Device) -> Self {
        let zeros = || (0..layers).map(|_| Tensor::zeros([batch, hidden], device));
        Self { hidden: zeros().collect(), cell: zeros().collect() }
    }
}

impl LstmConfig {
    /// Makes the layer on `device`, drawing its parameters at once.
    ///
    /// Both weight matrices are uniform on ±1/√hidden, as in PyTorch: over a few dozen steps orthogonal recurrent
    /// weights gain nothing that would pay for the QR decomposition. Biases are zero but for the forget gates'.
    ///
    /// Nothing is lazy: after `device.seed(s)`, equal configurations give equal bytes on the same device.
    ///
    /// # Panics
    ///
    /// When `input`, `hidden` or `layers` is zero, `dropout` is outside `[0, 1)`, or `forget_bias` is no finite number.
    #[must_use]
    pub fn init(&self, device: &Device) -> Lstm {
        assert!(
            self.input > 0 && self.hidden > 0 && self.layers > 0,
            "an LSTM needs at least one feature, unit and layer, got input {}, hidden {}, layers {}",
            self.input,
            self.hidden,
            self.layers
        );
        assert!(self.forget_bias.is_finite(), "the forget gates' bias must be a finite number");
        let width = if self.bidirectional { 2 * self.hidden } else { self.hidden };
        let layer = |index: usize| {
            let features = if index == 0 { self.input } else { width };
            let norm = self.layer_norm.then(|| LstmNorm::init(self.hidden, device));
            LstmLayer { norm, ..LstmLayer::init(features, self.hidden, self.forget_bias, device) }
        };
        let layers = (0..self.layers).map(layer).collect();
        let reverse = (0..if self.bidirectional { self.layers } else { 0 }).map(layer).collect();
        let dropout = DropoutConfig::new(self.dropout).init();
        Lstm { layers, reverse, dropout, input: self.input, hidden: self.hidden }
    }
}

impl Lstm {
    /// Returns whether each layer walks both ways.
    #[must_use]
    pub fn is_bidirectional(&self) -> bool {
        !self.reverse.is_empty()
    }

    /// Counts the values of one step of the output: `hidden`, or twice that where the LSTM is bidirectional.
    #[must_use]
    pub fn output_width(&self) -> usize {
        if self.is_bidirectional() { 2 * self.hidden } else { self.hidden }
    }

    /// Runs the sequences and returns the last layer's output at every step, with the state after the last step.
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, steps, input]`, at least one step
    /// - `state`: where the sequences stand before the first step (a reverse direction: after the last one); `None` is
    ///   zeros, and cheaper
    /// - returns `[batch, steps, hidden]`, or `[batch, steps, 2 * hidden]` with the forward direction first, and the
    ///   state of every layer and direction
    ///
    /// # Panics
    ///
    /// When `x` has no sequence, no step or another number of features than the layer; when `state` has other
    /// shapes; when `x` is on a device whose feature this crate was built without.
    pub fn forward(&self, x: Tensor<3>, state: Option<LstmState>) -> (Tensor<3>, LstmState) {
        self.run(x, None, state)
    }

    /// Computes [`Lstm::forward`] over sequences that end after `lengths` steps each, and are padded after that.
    ///
    /// Outputs in the padding are zero, the state is that of each sequence's own last step, and a reverse direction
    /// starts there: what PyTorch gives for packed sequences. `x` may hold anything in the padding, and its gradient
    /// there is exactly zero. A length may be 0: then the state is the one given.
    ///
    /// On CPUs sequences are computed 32 at a time, up to the end of the longest of them: sorted by length a batch costs
    /// little more than its real steps.
    ///
    /// # Panics
    ///
    /// As [`Lstm::forward`] does, and when `lengths` are not one a sequence, each at most the steps of `x`.
    pub fn forward_with_lengths(
        &self,
        x: Tensor<3>,
        lengths: &[usize],
        state: Option<LstmState>,
    ) -> (Tensor<3>, LstmState) {
        let lengths = checked(lengths, &x);
        self.run(x, Some(&lengths), state)
    }

    /// Runs the sequences from zeros and returns the last layer's output at every step only: what a model that reads
    /// whole sequences needs, and cheaper to train than [`Lstm::forward`].
    ///
    /// # Shapes
    ///
    /// - `x`: `[batch, steps, input]`, at least one step
    /// - returns `[batch, steps, hidden]`, or `[batch, steps, 2 * hidden]` with the forward direction first
    ///
    /// # Panics
    ///
    /// As [`Lstm::forward`] does.
    pub fn outputs(&self, x: Tensor<3>) -> Tensor<3> {
        self.stack(x, |_, layer, x, walk| layer.walk_outputs(x, walk), None)
    }

    /// Computes [`Lstm::outputs`] over sequences that end after `lengths` steps each; see
    /// [`Lstm::forward_with_lengths`].
    ///
    /// # Panics
    ///
    /// As [`Lstm::forward_with_lengths`] does.
    pub fn outputs_with_lengths(&self, x: Tensor<3>, lengths: &[usize]) -> Tensor<3> {
        let lengths = checked(lengths, &x);
        self.stack(x, |_, layer, x, walk| layer.walk_outputs(x, walk), Some(&lengths))
    }

    fn run(&self, x: Tensor<3>, lengths: Option<&Arc<[usize]>>, state: Option<LstmState>) -> (Tensor<3>, LstmState) {
        let count = self.layers.len() + self.reverse.len();
        let mut starts: Vec<_> = match state {
            None => (0..count).map(|_| None).collect(),
            Some(LstmState { hidden, cell }) => {
                assert!(
                    hidden.len() == count && cell.len() == count,
                    "the state must hold a tensor for each layer and direction: {count}, not {} and {}",
                    hidden.len(),
                    cell.len()
                );
                hidden.into_iter().zip(cell).map(Some).collect()
            }
        };
        let mut after = LstmState { hidden: Vec::new(), cell: Vec::new() };
        let each = |index: usize, layer: &LstmLayer, x: Tensor<3>, walk: Walk| {
            let (outputs, hidden, cell) = layer.walk(x, starts[index].take(), walk);
            after.hidden.push(hidden);
            after.cell.push(cell);
            outputs
        };
        let outputs = self.stack(x, each, lengths);
        (outputs, after)
    }

    /// Feeds each layer with the one before it, through dropout. `run` is given the layers and directions in the order of
    /// the state.
    fn stack(
        &self,
        x: Tensor<3>,
        mut run: impl FnMut(usize, &LstmLayer, Tensor<3>, Walk) -> Tensor<3>,
        lengths: Option<&Arc<[usize]>>,
    ) -> Tensor<3> {
        let mut sequence = x;
        for (index, layer) in self.layers.iter().enumerate() {
            if index > 0 {
                sequence = self.dropout.forward(sequence);
            }
            sequence = match self.reverse.get(index) {
                None => run(index, layer, sequence, Walk::forward(lengths.cloned())),
                Some(reverse) => {
                    let there = run(2 * index, layer, sequence.clone(), Walk::forward(lengths.cloned()));
                    let back = run(2 * index + 1, reverse, sequence, Walk::reverse(lengths.cloned()));
                    Tensor::cat(vec![there, back], 2)
                }
            };
        }
        sequence
    }
}

fn checked(lengths: &[usize], x: &Tensor<3>) -> Arc<[usize]> {
    let [batch, steps, _] = x.dims();
    assert_eq!(lengths.len(), batch, "there must be a length for each of the {batch} sequences");
    if let Some(at) = lengths.iter().position(|&length| length > steps) {
        panic!("sequence {at} is said to have {} steps, but x has {steps}", lengths[at]);
    }
    lengths.into()
}
