//! Writes an LSTM as a small ONNX model of `LSTM` nodes, and reads the weights of such a model.
//!
//! The node is that of operator set 14 (github.com/onnx/onnx, docs/Operators.md): weights `W [directions, 4 hidden,
//! features]`, `R [directions, 4 hidden, hidden]` and `B [directions, 8 hidden]`, gates in the order i, o, f, c, where
//! here it is i, f, g (ONNX's c), o. A model's bytes are all there is: no file is read or written here.

mod proto;
mod read;
mod write;

use burn::tensor::Device;

use crate::weights::PlainLayer;
use crate::{Lstm, LstmLayer, convert};

/// Says why a model can't be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The bytes are not a message of `onnx.proto`.
    #[error("not a readable ONNX model: {0}")]
    Format(#[from] prost::DecodeError),
    /// The model has no LSTM node.
    #[error("the model has no LSTM node in its graph")]
    NoLstm,
    /// An LSTM node's weights are computed, or come from outside.
    #[error("LSTM node {node}: its input {input} is none of the model's stored tensors")]
    NotStored {
        /// The node's name or number.
        node: String,
        /// The input's name in the specification.
        input: &'static str,
    },
    /// The weights don't fit together.
    #[error(
        "LSTM node {node}: for its {directions} direction(s) W {w:?} and R {r:?} must be [directions, 4 * hidden, \
         features] and [directions, 4 * hidden, hidden]"
    )]
    Shape {
        /// The node's name or number.
        node: String,
        /// Number of directions of the node.
        directions: usize,
        /// The shape of W.
        w: Vec<i64>,
        /// The shape of R.
        r: Vec<i64>,
    },
    /// An LSTM node doesn't go on where the one before ends.
    #[error("LSTM node {node} doesn't stack on the one before: their sizes or directions differ")]
    NoStack {
        /// The node's name or number.
        node: String,
    },
    /// An LSTM node does what this crate's layer doesn't.
    #[error("LSTM node {node}: {what} can't be imported")]
    Unsupported {
        /// The node's name or number.
        node: String,
        /// The unsupported feature.
        what: String,
    },
    /// ONNX's LSTM has no layer normalisation.
    #[error("an LSTM with layer normalisation can't be written: ONNX's node has none")]
    LayerNorm,
}

/// Selects the inputs that a model takes beside the sequences. Not every runtime supports all of the node's inputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnnxInputs {
    /// `lengths`, 32-bit integers `[batch]`: the real steps of each sequence.
    pub lengths: bool,
    /// `initial_hidden` and `initial_cell`, `[layers and directions, batch, hidden]`; without them, zeros.
    pub state: bool,
}

/// Writes an LSTM as the bytes of an ONNX model.
///
/// LayerInputs are `x [batch, steps, input]` and what `inputs` names; outputs are `outputs [batch, steps, hidden]`
/// (`2 * hidden` where bidirectional), `hidden` and `cell` `[layers and directions, batch, hidden]`. Batch and steps
/// are free. Dropout is left out: a model is for scoring.
///
/// # Errors
///
/// When the LSTM has layer normalisation.
pub fn export(lstm: &Lstm, inputs: OnnxInputs) -> Result<Vec<u8>, OnnxError> {
    let plain = |layers: &[LstmLayer]| -> Result<Vec<PlainLayer>, OnnxError> {
        layers.iter().map(|layer| PlainLayer::from_layer(layer).ok_or(OnnxError::LayerNorm)).collect()
    };
    Ok(write::model(&plain(&lstm.layers)?, &plain(&lstm.reverse)?, inputs))
}

/// Holds a fully connected layer at the end of a model: `x · weight + bias`, then `max(0, ·)` where `relu` says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// `[inputs, outputs]`, row by row.
    pub weight: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
    /// True if negative outputs become 0.
    pub relu: bool,
}

/// Writes several LSTMs of the same input, each with fully connected layers on its outputs, as one model that gives the
/// mean of their outputs: an ensemble.
///
/// The input is `x [batch, steps, input]`, the output `outputs [batch, steps, width]`, the last layer's width. Batch and
/// steps are free.
///
/// # Errors
///
/// When an LSTM has layer normalisation.
///
/// # Panics
///
/// When there is no member, a member is bidirectional, or a layer doesn't fit on the one before.
pub fn export_ensemble(members: &[(&Lstm, Vec<Dense>)]) -> Result<Vec<u8>, OnnxError> {
    let plain = members.iter().map(|(lstm, head)| {
        assert!(lstm.reverse.is_empty(), "an ensemble's members go one way");
        let layers = lstm.layers.iter().map(|layer| PlainLayer::from_layer(layer).ok_or(OnnxError::LayerNorm));
        Ok((layers.collect::<Result<Vec<PlainLayer>, OnnxError>>()?, head.as_slice()))
    });
    Ok(write::ensemble(&plain.collect::<Result<Vec<_>, OnnxError>>()?))
}

/// Reads the weights of a model's LSTM nodes, which must be the layers of one stack in the graph's order, onto
/// `device`. Anything else in the graph is ignored.
///
/// Weights are stored tensors of 32-bit or 64-bit floats; a missing `B` is zeros. The node's layout makes no difference
/// to weights.
///
/// # Errors
///
/// When `bytes` are no ONNX model, it has no LSTM node, or a node is none of this crate's: other activations, clipping,
/// coupled gates, peepholes, only a reverse direction, weights that are computed or don't fit together.
pub fn import(bytes: &[u8], device: &Device) -> Result<Lstm, OnnxError> {
    let (layers, reverse) = read::layers(bytes)?;
    Ok(convert::lstm(layers, reverse, device))
}

/// Moves blocks of gates from the order i, f, g, o to the order i, o, f, g. Each gate's block is a quarter of `values`
/// and has `hidden` rows.
fn gates_to_onnx(values: &[f32], hidden: usize) -> Vec<f32> {
    reordered(values, hidden, [0, 3, 1, 2])
}

/// Undoes [`gates_to_onnx`].
fn gates_from_onnx(values: &[f32], hidden: usize) -> Vec<f32> {
    reordered(values, hidden, [0, 2, 3, 1])
}

fn reordered(values: &[f32], hidden: usize, order: [usize; 4]) -> Vec<f32> {
    let block = values.len() / 4;
    assert_eq!(block % hidden, 0, "a gate's block has whole rows");
    order.into_iter().flat_map(|gate| &values[gate * block..][..block]).copied().collect()
}
