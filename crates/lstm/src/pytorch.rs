//! PyTorch's weights: the state dictionary of a `torch.nn.LSTM`, as a safetensors file in memory.
//!
//! ```python
//! safetensors.torch.save_file(model.state_dict(), "model.safetensors")
//! ```
//!
//! Names are PyTorch's, after a prefix that says where the LSTM lies in the model: `weight_ih_l<k> [4 hidden, features]`,
//! `weight_hh_l<k> [4 hidden, hidden]`, `bias_ih_l<k>` and `bias_hh_l<k>` `[4 hidden]`, each again with `_reverse` where
//! the LSTM is bidirectional. Gates are in the same order as here; PyTorch's two biases are one here, their sum.
//!
//! A state dictionary holds no dropout: set [`Lstm::dropout`] after an import that trains on.

use std::collections::BTreeMap;

use burn::tensor::{DType, Device, TensorData};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use crate::weights::{PlainLayer, transposed};
use crate::{Lstm, LstmLayer, convert};

/// Says why weights can't be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PyTorchError {
    /// The bytes are not a safetensors file.
    #[error("not a readable safetensors file: {0}")]
    Format(#[from] SafeTensorError),
    /// Nothing in the file has the name of an LSTM's weights.
    #[error(
        "no tensor is called {prefix}weight_ih_l0; the file holds {}; give the prefix of the LSTM's tensors",
        list(.found)
    )]
    NoLstm {
        /// Prefix that was looked for.
        prefix: String,
        /// Names in the file.
        found: Vec<String>,
    },
    /// A tensor is missing that the others imply.
    #[error("the tensor {name} is missing")]
    Missing {
        /// Name of the tensor.
        name: String,
    },
    /// A tensor under the prefix is none of an LSTM's.
    #[error("the tensor {name} is none of an LSTM's weights{}", hint(.name))]
    Unknown {
        /// Name of the tensor.
        name: String,
    },
    /// A tensor has another shape than the others imply.
    #[error("the tensor {name} has shape {found:?}, not {expected:?}")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// Shape of the tensor.
        found: Vec<usize>,
        /// Shape that the other tensors imply.
        expected: Vec<usize>,
    },
    /// A tensor of weights is no matrix, or an empty one.
    #[error("the tensor {name} has shape {found:?}; it must be a matrix")]
    NoMatrix {
        /// Name of the tensor.
        name: String,
        /// Shape of the tensor.
        found: Vec<usize>,
    },
    /// A tensor's numbers are of a type that isn't read.
    #[error("the tensor {name} holds {found:?}; F32, F64, F16 and BF16 are read")]
    Type {
        /// Name of the tensor.
        name: String,
        /// Type of its numbers.
        found: Dtype,
    },
    /// PyTorch's LSTM has no layer normalisation.
    #[error("an LSTM with layer normalisation can't be written: PyTorch's has none")]
    LayerNorm,
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    match names.len() {
        0 => "no tensors".to_owned(),
        count if count <= SHOWN => names.join(", "),
        count => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
    }
}

fn hint(name: &str) -> &'static str {
    if name.contains("weight_hr_l") { " (projections, PyTorch's proj_size, are not supported)" } else { "" }
}

/// Returns the layer's index that a name means, and whether it is of the reverse direction.
fn owner(name: &str) -> Option<(usize, bool)> {
    let rest =
        ["weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l"].iter().find_map(|kind| name.strip_prefix(kind))?;
    let (index, reverse) = rest.strip_suffix("_reverse").map_or((rest, false), |index| (index, true));
    let canonical = index.bytes().all(|byte| byte.is_ascii_digit()) && (index == "0" || !index.starts_with('0'));
    if canonical { Some((index.parse().ok()?, reverse)) } else { None }
}

fn suffix(index: usize, reverse: bool) -> String {
    format!("_l{index}{}", if reverse { "_reverse" } else { "" })
}

/// Holds the tensors under a prefix.
struct Dictionary<'a> {
    prefix: &'a str,
    /// By their names without the prefix.
    tensors: BTreeMap<String, TensorView<'a>>,
}

impl Dictionary<'_> {
    fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn view(&self, name: &str) -> Result<&TensorView<'_>, PyTorchError> {
        self.tensors.get(name).ok_or_else(|| PyTorchError::Missing { name: self.full(name) })
    }

    /// Returns a tensor's numbers, which must have the shape `expected`.
    fn numbers(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, PyTorchError> {
        let view = self.view(name)?;
        if view.shape() != expected {
            let (found, expected) = (view.shape().to_vec(), expected.to_vec());
            return Err(PyTorchError::Shape { name: self.full(name), found, expected });
        }
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            found => return Err(PyTorchError::Type { name: self.full(name), found }),
        };
        let data = TensorData::from_bytes_vec(view.data().to_vec(), view.shape().to_vec(), dtype);
        Ok(data.convert::<f32>().try_to_vec().expect("they were just converted"))
    }

    fn layer(&self, index: usize, reverse: bool, features: usize, hidden: usize) -> Result<PlainLayer, PyTorchError> {
        let suffix = suffix(index, reverse);
        let named = |kind: &str| format!("{kind}{suffix}");
        let width = 4 * hidden;
        let w_ih = self.numbers(&named("weight_ih"), &[width, features])?;
        let w_hh = self.numbers(&named("weight_hh"), &[width, hidden])?;
        let biased = self.tensors.keys().any(|name| name.starts_with("bias_"));
        let bias = if biased {
            let (ih, hh) = (self.numbers(&named("bias_ih"), &[width])?, self.numbers(&named("bias_hh"), &[width])?);
            ih.iter().zip(hh).map(|(ih, hh)| ih + hh).collect()
        } else {
            vec![0.0; width]
        };
        let (w_ih, w_hh) = (transposed(&w_ih, width, features), transposed(&w_hh, width, hidden));
        Ok(PlainLayer { features, hidden, w_ih, w_hh, bias })
    }
}

/// Reads the LSTM whose tensors' names start with `prefix` (`"encoder.lstm."`; `""` for none) onto `device`.
///
/// Numbers of type F64, F16 and BF16 become 32-bit floats. An LSTM without biases gets zeros. Other tensors of the file
/// are left alone, but under the prefix every tensor must be one of the LSTM's.
///
/// # Errors
///
/// When `bytes` are no safetensors file, or a tensor is missing, unknown, or of another shape or type than it must be.
pub fn import(bytes: &[u8], prefix: &str, device: &Device) -> Result<Lstm, PyTorchError> {
    let file = SafeTensors::deserialize(bytes)?;
    let mut tensors = BTreeMap::new();
    for name in file.names() {
        if let Some(rest) = name.strip_prefix(prefix) {
            tensors.insert(rest.to_owned(), file.tensor(name)?);
        }
    }
    if !tensors.contains_key("weight_ih_l0") {
        let mut found: Vec<String> = file.names().into_iter().map(ToString::to_string).collect();
        found.sort();
        return Err(PyTorchError::NoLstm { prefix: prefix.to_owned(), found });
    }
    let dictionary = Dictionary { prefix, tensors };
    let (mut layers, mut both_ways) = (0, false);
    for name in dictionary.tensors.keys() {
        let Some((index, reverse)) = owner(name) else {
            return Err(PyTorchError::Unknown { name: dictionary.full(name) });
        };
        layers = layers.max(index + 1);
        both_ways |= reverse;
    }
    // Each layer needs at least one tensor, so a greater index is a gap: the first missing layer will be named.
    layers = layers.min(dictionary.tensors.len());
    let shape = |name: &str| -> Result<[usize; 2], PyTorchError> {
        let found = dictionary.view(name)?.shape().to_vec();
        let sizes = <[usize; 2]>::try_from(found.as_slice()).ok().filter(|sizes| sizes.iter().all(|&size| size > 0));
        sizes.ok_or_else(|| PyTorchError::NoMatrix { name: dictionary.full(name), found })
    };
    let ([_, input], [_, hidden]) = (shape("weight_ih_l0")?, shape("weight_hh_l0")?);
    let width = if both_ways { 2 * hidden } else { hidden };
    let direction = |reverse: bool| -> Result<Vec<PlainLayer>, PyTorchError> {
        let features = |index: usize| if index == 0 { input } else { width };
        (0..layers).map(|index| dictionary.layer(index, reverse, features(index), hidden)).collect()
    };
    let there = direction(false)?;
    let back = if both_ways { direction(true)? } else { Vec::new() };
    Ok(convert::lstm(there, back, device))
}

/// Writes an LSTM's weights as the bytes of a safetensors file, its tensors named as PyTorch names them after `prefix`.
///
/// The bias goes to `bias_ih_l<k>`; `bias_hh_l<k>` is zero, which is the same LSTM. Equal weights give equal bytes.
///
/// # Errors
///
/// When the LSTM has layer normalisation.
pub fn export(lstm: &Lstm, prefix: &str) -> Result<Vec<u8>, PyTorchError> {
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    let mut add = |layer: &LstmLayer, index: usize, reverse: bool| -> Result<(), PyTorchError> {
        let PlainLayer { features, hidden, w_ih, w_hh, bias } =
            PlainLayer::from_layer(layer).ok_or(PyTorchError::LayerNorm)?;
        let width = 4 * hidden;
        let parts = [
            ("weight_ih", vec![width, features], transposed(&w_ih, features, width)),
            ("weight_hh", vec![width, hidden], transposed(&w_hh, hidden, width)),
            ("bias_ih", vec![width], bias),
            ("bias_hh", vec![width], vec![0.0; width]),
        ];
        for (kind, shape, values) in parts {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.push((format!("{prefix}{kind}{}", suffix(index, reverse)), shape, bytes));
        }
        Ok(())
    };
    for (index, layer) in lstm.layers.iter().enumerate() {
        add(layer, index, false)?;
    }
    for (index, layer) in lstm.reverse.iter().enumerate() {
        add(layer, index, true)?;
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, SafeTensorError>>()?;
    Ok(safetensors::serialize(views, None)?)
}
