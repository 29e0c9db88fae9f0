//! Forecasts of networks on sequences that lie on a device.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::network::{DropoutMasks, Network};

/// Bounds how many sequences are forecast at a time, and with it memory; changes no result.
const BATCH: usize = 4096;

/// Returns the logits of `positions` at every week, `[position][week]`: without burn's operations where the network allows it, else batch by batch. `x`:
/// `[sequences, weeks, inputs]`.
pub(crate) fn forecast(network: &Network, x: &Tensor<3>, positions: &[usize]) -> Vec<f32> {
    let kernels = network.sizes().and_then(|sizes| staycast_lstm::forecast(sizes, &network.flat(), x, positions));
    if let Some(logits) = kernels {
        return logits;
    }
    let batches = positions.chunks(BATCH);
    batches.flat_map(|batch| forecast_by_operations(network, sequences(x, index(batch, &x.device())))).collect()
}

/// Returns the logits of all sequences of `x`, `[sequence][week]`, at once.
pub(crate) fn forecast_all(network: &Network, x: Tensor<3>) -> Vec<f32> {
    let positions: Vec<usize> = (0..x.dims()[0]).collect();
    let kernels = network.sizes().and_then(|sizes| staycast_lstm::forecast(sizes, &network.flat(), &x, &positions));
    kernels.unwrap_or_else(|| forecast_by_operations(network, x))
}

fn forecast_by_operations(network: &Network, x: Tensor<3>) -> Vec<f32> {
    network.forward(x, DropoutMasks::none()).into_data().try_to_vec().expect("32-bit floats")
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
