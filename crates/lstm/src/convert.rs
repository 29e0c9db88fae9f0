//! Converts between the module and plain numbers.

use burn::module::Param;
use burn::nn::DropoutConfig;
use burn::tensor::{Device, Tensor, TensorData};

use crate::weights::PlainLayer;
use crate::{Lstm, LstmLayer};

fn numbers<const D: usize>(param: &Param<Tensor<D>>) -> Vec<f32> {
    param.val().into_data().convert::<f32>().try_to_vec().expect("they were just converted")
}

impl PlainLayer {
    /// Returns the layer's numbers; `None` where it normalises, which other formats can't hold.
    pub(crate) fn from_layer(layer: &LstmLayer) -> Option<Self> {
        if layer.norm.is_some() {
            return None;
        }
        let [features, _] = layer.w_ih.dims();
        let [hidden, _] = layer.w_hh.dims();
        let (w_ih, w_hh, bias) = (numbers(&layer.w_ih), numbers(&layer.w_hh), numbers(&layer.bias));
        Some(Self { features, hidden, w_ih, w_hh, bias })
    }

    fn on(self, device: &Device) -> LstmLayer {
        fn param<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
            Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
        }
        let (features, width) = (self.features, 4 * self.hidden);
        LstmLayer {
            w_ih: param(self.w_ih, [features, width], device),
            w_hh: param(self.w_hh, [self.hidden, width], device),
            bias: param(self.bias, [width], device),
            norm: None,
        }
    }
}

/// Makes the LSTM of these layers, without dropout. `reverse` is empty or as long as `layers`, and the sizes fit together.
pub(crate) fn lstm(layers: Vec<PlainLayer>, reverse: Vec<PlainLayer>, device: &Device) -> Lstm {
    let (input, hidden) = (layers[0].features, layers[0].hidden);
    let on_device = |layers: Vec<PlainLayer>| layers.into_iter().map(|layer| layer.on(device)).collect();
    let dropout = DropoutConfig::new(0.0).init();
    Lstm { layers: on_device(layers), reverse: on_device(reverse), dropout, input, hidden }
}
