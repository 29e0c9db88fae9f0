//! From a model to layers.

use prost::Message;

use super::proto::{DOUBLE, FLOAT, Graph, Model, Node, Tensor};
use super::{OnnxError, gates_from_onnx};
use crate::weights::{PlainLayer, transposed};

/// Returns the layers of a model, and those of the reverse direction.
pub(super) fn layers(bytes: &[u8]) -> Result<(Vec<PlainLayer>, Vec<PlainLayer>), OnnxError> {
    let model = Model::decode(bytes)?;
    let graph = model.graph.ok_or(OnnxError::NoLstm)?;
    let (mut layers, mut reverse): (Vec<PlainLayer>, Vec<PlainLayer>) = (Vec::new(), Vec::new());
    for (number, node) in graph.node.iter().filter(|node| node.op_type == "LSTM").enumerate() {
        let name = if node.name.is_empty() { format!("number {number}") } else { node.name.clone() };
        let node = LstmNode { node, name, graph: &graph };
        let mut directions = node.directions()?;
        if let Some(first) = layers.first() {
            let both_ways = !reverse.is_empty();
            let features = if both_ways { 2 * first.hidden } else { first.hidden };
            let found = &directions[0];
            if found.hidden != first.hidden || found.features != features || (directions.len() == 2) != both_ways {
                return Err(OnnxError::NoStack { node: node.name });
            }
        }
        reverse.extend(directions.drain(1..));
        layers.append(&mut directions);
    }
    if layers.is_empty() { Err(OnnxError::NoLstm) } else { Ok((layers, reverse)) }
}

struct LstmNode<'a> {
    node: &'a Node,
    name: String,
    graph: &'a Graph,
}

impl LstmNode<'_> {
    fn unsupported(&self, what: impl Into<String>) -> OnnxError {
        OnnxError::Unsupported { node: self.name.clone(), what: what.into() }
    }

    /// Returns the node's directions, one or two.
    fn directions(&self) -> Result<Vec<PlainLayer>, OnnxError> {
        let count = self.checked_direction()?;
        if self.node.input.get(7).is_some_and(|name| !name.is_empty()) {
            return Err(self.unsupported("peephole weights (input P)"));
        }
        let w = self.initializer(1, "W")?;
        let r = self.initializer(2, "R")?;
        let (features, hidden) = match (&sizes(w)[..], &sizes(r)[..]) {
            (&[w_count, width, features], &[r_count, r_width, hidden])
                if w_count == count
                    && r_count == count
                    && features > 0
                    && hidden > 0
                    && width == r_width
                    && hidden.checked_mul(4) == Some(width) =>
            {
                (features, hidden)
            }
            _ => {
                let (w, r) = (w.dims.clone(), r.dims.clone());
                return Err(OnnxError::Shape { node: self.name.clone(), directions: count, w, r });
            }
        };
        if self.int("hidden_size").is_some_and(|size| usize::try_from(size) != Ok(hidden)) {
            return Err(self.unsupported(format!("a hidden_size other than that of its weights, {hidden}")));
        }
        let width = 4 * hidden;
        let (w, r) = (self.numbers(w)?, self.numbers(r)?);
        let b = match self.node.input.get(3).filter(|name| !name.is_empty()) {
            None => vec![0.0; count * 2 * width],
            Some(_) => {
                let b = self.initializer(3, "B")?;
                if sizes(b) != [count, 2 * width] {
                    return Err(self.unsupported(format!("B of shape {:?}, not [{count}, {}]", b.dims, 2 * width)));
                }
                self.numbers(b)?
            }
        };
        Ok((0..count)
            .map(|direction| {
                let w = &w[direction * width * features..][..width * features];
                let r = &r[direction * width * hidden..][..width * hidden];
                let (ih, hh) = b[direction * 2 * width..][..2 * width].split_at(width);
                let bias: Vec<f32> = ih.iter().zip(hh).map(|(ih, hh)| ih + hh).collect();
                PlainLayer {
                    features,
                    hidden,
                    w_ih: transposed(&gates_from_onnx(w, hidden), width, features),
                    w_hh: transposed(&gates_from_onnx(r, hidden), width, hidden),
                    bias: gates_from_onnx(&bias, hidden),
                }
            })
            .collect())
    }

    /// Returns the number of directions, after checking that the node has nothing out of the ordinary.
    fn checked_direction(&self) -> Result<usize, OnnxError> {
        for attribute in &self.node.attribute {
            match attribute.name.as_str() {
                "activations" => {
                    let usual = [b"Sigmoid".as_slice(), b"Tanh", b"Tanh"];
                    let found = attribute.strings.iter();
                    if !found.zip(usual.iter().cycle()).all(|(found, usual)| found.eq_ignore_ascii_case(usual)) {
                        return Err(self.unsupported("activations other than Sigmoid, Tanh, Tanh"));
                    }
                }
                "clip" => return Err(self.unsupported("clip")),
                "input_forget" if attribute.i != 0 => return Err(self.unsupported("coupled gates (input_forget)")),
                _ => {}
            }
        }
        let direction = self.node.attribute.iter().find(|attribute| attribute.name == "direction");
        match direction.map(|attribute| attribute.s.as_slice()) {
            None | Some(b"forward") => Ok(1),
            Some(b"bidirectional") => Ok(2),
            Some(other) => Err(self.unsupported(format!("direction {:?}", String::from_utf8_lossy(other)))),
        }
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.node.attribute.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.i)
    }

    fn initializer(&self, position: usize, letter: &'static str) -> Result<&Tensor, OnnxError> {
        let name = self.node.input.get(position).map_or("", String::as_str);
        let found = self.graph.initializer.iter().find(|tensor| tensor.name == name && !name.is_empty());
        found.ok_or_else(|| OnnxError::NotStored { node: self.name.clone(), input: letter })
    }

    fn numbers(&self, tensor: &Tensor) -> Result<Vec<f32>, OnnxError> {
        let name = &tensor.name;
        if tensor.data_location != 0 {
            return Err(self.unsupported(format!("{name} in a file of its own")));
        }
        let values: Vec<f32> = match tensor.data_type {
            FLOAT if tensor.raw_data.is_empty() => tensor.float_data.clone(),
            FLOAT => le_chunks(&tensor.raw_data).map(f32::from_le_bytes).collect(),
            DOUBLE if tensor.raw_data.is_empty() => tensor.double_data.iter().map(|&value| value as f32).collect(),
            DOUBLE => le_chunks(&tensor.raw_data).map(|word| f64::from_le_bytes(word) as f32).collect(),
            other => return Err(self.unsupported(format!("{name} of data type {other}; FLOAT and DOUBLE are read"))),
        };
        let expected = sizes(tensor).iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        if expected == Some(values.len()) {
            Ok(values)
        } else {
            Err(self.unsupported(format!("{name} of {} numbers in shape {:?}", values.len(), tensor.dims)))
        }
    }
}

fn le_chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).map(|word| word.try_into().expect("a chunk of N bytes"))
}

/// Returns a tensor's sizes; a negative one is as wrong as none.
fn sizes(tensor: &Tensor) -> Vec<usize> {
    tensor.dims.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect()
}
