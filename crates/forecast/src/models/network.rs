//! The network: stacked LSTM layers over the weeks, and a head that gives a logit of dropout at every week.
//!
//! The logit of week w depends on the inputs of weeks 0 to w and on nothing later. Parameters are drawn from our own
//! stream of random numbers, so a seed gives the same network on every device; dropout masks are given from outside
//! for the same reason.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use staycast_lstm::onnx::Dense as DenseLayer;
use staycast_lstm::{Lstm, LstmConfig, NetworkSizes};

use crate::config::NetworkSpec;
use crate::random::{Purpose, stream, unit};

/// Computes a fully connected layer, `x · weight + bias`.
#[derive(Module, Debug)]
struct Dense {
    /// `[inputs, outputs]`
    weight: Param<Tensor<2>>,
    /// `[outputs]`
    bias: Param<Tensor<1>>,
}

impl Dense {
    fn new(inputs: usize, outputs: usize, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::zeros([inputs, outputs], device)),
            bias: Param::from_tensor(Tensor::zeros([outputs], device)),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.val()) + self.bias.val().unsqueeze()
    }
}

/// Computes the logits of one member of an ensemble.
#[derive(Module, Debug)]
pub(crate) struct Network {
    lstm: Lstm,
    hidden_layer: Option<Dense>,
    logit_layer: Dense,
    /// In training alone: a logit of activity in the week that follows each. The last of the parameters.
    next_week_layer: Option<Dense>,
}

/// Holds factors that switch inputs and outputs off in training: 0, or 1 / (1 - share) so that the mean stays.
pub(crate) struct DropoutMasks {
    /// `[batch, 1, inputs]`
    pub(crate) inputs: Option<Tensor<3>>,
    /// `[batch, 1, hidden]`
    pub(crate) outputs: Option<Tensor<3>>,
}

impl DropoutMasks {
    /// Switches nothing off.
    pub(crate) fn none() -> Self {
        Self { inputs: None, outputs: None }
    }
}

impl Network {
    /// Makes a network for `inputs` inputs a week, its parameters drawn from `seed`: weights uniform on ±1/√(width of what
    /// they read), the LSTM's biases as [`LstmConfig::init`] sets them, other biases 0.
    pub(crate) fn new(config: &NetworkSpec, inputs: usize, seed: u64, device: &Device) -> Self {
        let lstm = LstmConfig::new(inputs, config.hidden).with_layers(config.layers).init(device);
        let hidden_layer = config.head_hidden.map(|units| Dense::new(config.hidden, units, device));
        let width = config.head_hidden.unwrap_or(config.hidden);
        let logit_layer = Dense::new(width, 1, device);
        let network = Self { lstm, hidden_layer, logit_layer, next_week_layer: None };
        let mut values = network.parameters();
        let mut rng = stream(seed, Purpose::Parameters, 0);
        for parameter in &mut values {
            if let [reads, _] = parameter.shape[..] {
                // The LSTM's own rule: both of its matrices are scaled by the units that sum them up.
                let reads = if parameter.name.starts_with("lstm") { config.hidden } else { reads };
                let bound = 1.0 / (reads as f32).sqrt();
                parameter.values.iter_mut().for_each(|value| *value = (2.0 * unit(&mut rng) - 1.0) * bound);
            }
        }
        network.with_parameters(values)
    }

    /// Adds a second task for training, drawn from `seed` like the rest: to forecast activity in the week
    /// that follows each.
    pub(crate) fn with_next_week(mut self, seed: u64, device: &Device) -> Self {
        let [width, _] = self.logit_layer.weight.dims();
        let mut rng = stream(seed, Purpose::Parameters, 1);
        let bound = 1.0 / (width as f32).sqrt();
        let values: Vec<f32> = (0..width).map(|_| (2.0 * unit(&mut rng) - 1.0) * bound).collect();
        let weight = Tensor::from_data(TensorData::new(values, [width, 1]), device);
        let bias = Param::from_tensor(Tensor::zeros([1], device));
        self.next_week_layer = Some(Dense { weight: Param::from_tensor(weight), bias });
        self
    }

    /// Returns the logits of dropout by the course's end.
    ///
    /// `x`: `[batch, weeks, inputs]`; returns `[batch, weeks]`, at week w what is forecast after that week.
    pub(crate) fn forward(&self, x: Tensor<3>, masks: DropoutMasks) -> Tensor<2> {
        self.forward_by(Lstm::outputs, x, masks)
    }

    /// Computes [`Network::forward`] with the recurrence of `outputs`, for comparisons.
    pub(crate) fn forward_by(
        &self,
        outputs: impl Fn(&Lstm, Tensor<3>) -> Tensor<3>,
        x: Tensor<3>,
        masks: DropoutMasks,
    ) -> Tensor<2> {
        let [batch, weeks, _] = x.dims();
        self.logit_layer.forward(self.rows(outputs, x, masks)).reshape([batch, weeks])
    }

    /// Returns the logits of [`Network::forward`], and those of activity in the week that follows each, where that is a task.
    pub(crate) fn forward_tasks(&self, x: Tensor<3>, masks: DropoutMasks) -> (Tensor<2>, Option<Tensor<2>>) {
        let [batch, weeks, _] = x.dims();
        let rows = self.rows(Lstm::outputs, x, masks);
        let next_week = self.next_week_layer.as_ref().map(|layer| layer.forward(rows.clone()).reshape([batch, weeks]));
        (self.logit_layer.forward(rows).reshape([batch, weeks]), next_week)
    }

    /// Returns the values that the last layer reads, `[batch × weeks, width]`.
    fn rows(&self, outputs: impl Fn(&Lstm, Tensor<3>) -> Tensor<3>, x: Tensor<3>, masks: DropoutMasks) -> Tensor<2> {
        let [batch, weeks, _] = x.dims();
        let x = match masks.inputs {
            Some(mask) => x * mask,
            None => x,
        };
        let outputs = outputs(&self.lstm, x);
        let outputs = match masks.outputs {
            Some(mask) => outputs * mask,
            None => outputs,
        };
        let [_, _, hidden] = outputs.dims();
        let mut rows = outputs.reshape([batch * weeks, hidden]);
        if let Some(layer) = &self.hidden_layer {
            rows = relu(layer.forward(rows));
        }
        rows
    }

    /// Returns the recurrent part alone.
    pub(crate) fn lstm(&self) -> &Lstm {
        &self.lstm
    }

    /// Returns the layers after the recurrent part, as ONNX writes them.
    pub(crate) fn head(&self) -> Vec<DenseLayer> {
        let plain = |layer: &Dense, relu: bool| DenseLayer {
            weight: layer.weight.val().into_data().try_to_vec().expect("parameters are 32-bit floats"),
            bias: layer.bias.val().into_data().try_to_vec().expect("parameters are 32-bit floats"),
            relu,
        };
        let hidden = self.hidden_layer.iter().map(|layer| plain(layer, true));
        hidden.chain([plain(&self.logit_layer, false)]).collect()
    }

    /// Lists all parameters, in a fixed order.
    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        let mut visit = Collect { path: Vec::new(), found: Vec::new() };
        self.visit(&mut visit);
        visit.found
    }

    /// Replaces the values of the parameters, given in the order of [`Network::parameters`].
    ///
    /// # Panics
    /// When the shapes are not the network's.
    pub(crate) fn with_parameters(self, values: Vec<Parameter>) -> Self {
        let mut values = values.into_iter();
        self.map_tensors(&mut |device, shape| {
            let parameter = values.next().expect("one value a parameter");
            assert_eq!(parameter.shape, shape, "the shape of a parameter");
            let length = parameter.values.len();
            Tensor::from_data(TensorData::new(parameter.values, [length]), device)
        })
    }

    /// Replaces the parameters by pieces of one flat tensor, tracked for gradients when `self` is on an autodiff
    /// device.
    pub(crate) fn with_flat(self, flat: &Tensor<1>) -> Self {
        let mut offset = 0;
        self.map_tensors(&mut |_, shape| {
            let length = shape.iter().product();
            let piece = flat.clone().narrow(0, offset, length);
            offset += length;
            piece
        })
    }

    /// Returns the parameters in a row, `[parameters]`, in the order of [`Network::parameters`]; without autodiff.
    pub(crate) fn flat(&self) -> Tensor<1> {
        let mut visit = Flatten { pieces: Vec::new() };
        self.visit(&mut visit);
        Tensor::cat(visit.pieces, 0)
    }

    /// Returns the sizes of a network that the kernels of [`staycast_lstm::Trainer`] are for, which is one without a hidden
    /// layer after the LSTM.
    pub(crate) fn sizes(&self) -> Option<NetworkSizes> {
        self.hidden_layer.is_none().then_some(NetworkSizes {
            features: self.lstm.input,
            hidden: self.lstm.hidden,
            layers: self.lstm.layers.len(),
            tasks: 1 + usize::from(self.next_week_layer.is_some()),
        })
    }

    fn map_tensors(self, source: &mut dyn FnMut(&Device, &[usize]) -> Tensor<1>) -> Self {
        self.map(&mut Replace { source })
    }
}

/// Sums weighted binary cross-entropies of logits, `[batch, weeks]` all three.
pub(crate) fn cross_entropy(logits: Tensor<2>, labels: Tensor<2>, weights: Tensor<2>) -> Tensor<1> {
    // ln(1 + e^z) - y z, written so that no exponential overflows.
    let softplus = logits.clone().clamp_min(0.0) + logits.clone().abs().neg().exp().log1p();
    ((softplus - logits * labels) * weights).sum()
}

/// Counts the parameters of a network for `inputs` inputs a week, without making one.
pub(crate) fn parameter_count(config: &NetworkSpec, inputs: usize) -> u64 {
    let (hidden, inputs) = (config.hidden as u64, inputs as u64);
    let first = 4 * hidden * (inputs + hidden + 1);
    let others = (config.layers as u64 - 1) * 4 * hidden * (2 * hidden + 1);
    let head = config.head_hidden.map_or(0, |units| (hidden + 1) * units as u64);
    first + others + head + config.head_hidden.unwrap_or(config.hidden) as u64 + 1
}

/// Holds a named parameter with its values, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

struct Collect {
    path: Vec<String>,
    found: Vec<Parameter>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().inner().into_data();
        self.found.push(Parameter {
            name: self.path.join("."),
            shape: data.shape().to_vec(),
            values: data.try_to_vec().expect("parameters are 32-bit floats"),
        });
    }
}

struct Flatten {
    pieces: Vec<Tensor<1>>,
}

impl ModuleVisitor for Flatten {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val().inner();
        let length = value.shape().num_elements();
        self.pieces.push(value.reshape([length]));
    }
}

/// Gives each parameter the values that `source` has for its device and shape, in a row.
struct Replace<'a> {
    source: &'a mut dyn FnMut(&Device, &[usize]) -> Tensor<1>,
}

impl ModuleMapper for Replace<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, old, mapper) = param.consume();
        let (autodiff, shape) = (old.is_autodiff(), old.shape());
        let new: Tensor<D> = (self.source)(&old.device().inner(), shape.as_slice()).reshape(shape);
        let new = if autodiff { new.autodiff().require_grad() } else { new };
        Param::from_mapped_value(id, new, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_without_a_network() {
        let device = Device::flex();
        for (hidden, layers, head_hidden, inputs) in [(1, 1, None, 1), (8, 1, Some(5), 3), (4, 3, None, 7)] {
            let config = NetworkSpec { hidden, layers, head_hidden, dropout: 0.0, input_dropout: 0.0 };
            let parameters = Network::new(&config, inputs, 0, &device).parameters();
            let found: usize = parameters.iter().map(|parameter| parameter.values.len()).sum();
            assert_eq!(parameter_count(&config, inputs), found as u64, "{config:?}");
        }
    }
}
