//! Forecasts of networks on sequences that lie on a device.

use burn::tensor::{Device, Int, Tensor, TensorData};
use staycast_lstm::NetworkSizes;

use super::network::{DropoutMasks, Network};

/// Bounds how many sequences are forecast at a time, and with it memory; changes no result.
const BATCH: usize = 4096;

/// Holds a network on a device, as it forecasts there again and again.
pub(crate) struct PlacedNetwork {
    network: Network,
    /// Its parameters in a row, where it forecasts without burn's operations.
    flat: Option<(NetworkSizes, Tensor<1>)>,
}

impl PlacedNetwork {
    pub(crate) fn new(network: Network) -> Self {
        let flat = network.sizes().map(|sizes| (sizes, network.flat()));
        Self { network, flat }
    }

    /// Returns the logits of `positions` of `x`, `[sequences, weeks, inputs]`, at every week, `[position][week]`.
    pub(crate) fn forecast(&self, x: &Tensor<3>, positions: &[usize]) -> Vec<f32> {
        let found = self.flat.as_ref().and_then(|(sizes, flat)| staycast_lstm::forecast(*sizes, flat, x, positions));
        found.unwrap_or_else(|| forecast_by_operations(&self.network, x, positions))
    }

    /// Returns the logits of all sequences of `x`, `[sequence][week]`.
    pub(crate) fn forecast_all(&self, x: &Tensor<3>) -> Vec<f32> {
        self.forecast(x, &(0..x.dims()[0]).collect::<Vec<_>>())
    }
}

/// Returns the logits of `positions` of `x` at every week, `[position][week]`, by burn's operations, batch by batch.
pub(crate) fn forecast_by_operations(network: &Network, x: &Tensor<3>, positions: &[usize]) -> Vec<f32> {
    let of_batch = |batch: &[usize]| {
        let x = sequences(x, index(batch, &x.device()));
        let logits = network.forward(x, DropoutMasks::none()).into_data();
        logits.try_to_vec::<f32>().expect("32-bit floats")
    };
    positions.chunks(BATCH).flat_map(of_batch).collect()
}

/// Brings positions to the device.
pub(crate) fn index(positions: &[usize], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = positions.iter().map(|&position| position as i32).collect();
    Tensor::from_data(TensorData::new(values, [positions.len()]), device)
}

/// Picks the sequences at `rows` of `x`, `[positions, weeks, inputs]`.
pub(crate) fn sequences(x: &Tensor<3>, rows: Tensor<1, Int>) -> Tensor<3> {
    let ([positions, weeks, inputs], [count]) = (x.dims(), rows.dims());
    // Flex gathers rows of matrices in one pass, and on several threads; with a third dimension it clears them first.
    let flat = x.clone().reshape([positions, weeks * inputs]);
    flat.select(0, rows).reshape([count, weeks, inputs])
}
