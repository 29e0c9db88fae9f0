//! Forecasts: the way there alone, in batches, and brought back once.

use burn::backend::DType;
use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::super::forward::Keep;
use super::super::{addresses, empty, grid, unused};
use super::head;
use super::layers::{Batch, LayerBuffers, cube_tensor, new_counter, queue_layer, read, upload_order};
use super::plan::Plan;
use super::random::mask_argument;
use crate::masks::MaskSource;
use crate::sizes::NetworkSizes;

/// Bounds the numbers that the gates' sums of one batch take, 64 MB; outputs take a quarter of that, or two. A device whose
/// buffers are smaller gets smaller batches.
const FORECAST_NUMBERS: usize = 16 << 20;

/// Computes what [`crate::forecast`] promises.
pub(crate) fn logits(
    sizes: NetworkSizes,
    parameters: &Tensor<1>,
    x: &Tensor<3>,
    positions: &[usize],
) -> Option<Vec<f32>> {
    let x = cube_tensor(x.clone())?;
    let parameters = cube_tensor(parameters.clone())?;
    logits_of(sizes, &parameters, &x, positions)
}

/// Computes the logits of the sequences `positions` of `x`.
pub(super) fn logits_of(
    sizes: NetworkSizes,
    parameters: &CubeTensor,
    x: &CubeTensor,
    positions: &[usize],
) -> Option<Vec<f32>> {
    let (sequences, steps) = (x.meta.shape()[0], x.meta.shape()[1]);
    let largest = x.client.properties().memory.max_page_size as usize / (2 * size_of::<f32>());
    let most = (FORECAST_NUMBERS.min(largest) / (steps * 4 * sizes.hidden)).clamp(1, positions.len().max(1));
    let plan = Plan::new(sizes, x, most)?;
    if positions.is_empty() {
        return Some(Vec::new());
    }
    let nothing = unused(x);
    let counter = new_counter(&x.device);
    let order = upload_order(positions, sequences, &x.device);
    let rows = most * steps;
    let memory = |count: usize| empty(x, [count], DType::F32);
    let gates = memory(rows * 4 * sizes.hidden);
    // A layer reads what the one below wrote, so there are two to write to by turns.
    let outputs = [memory(rows * sizes.hidden), memory(if sizes.layers > 1 { rows * sizes.hidden } else { 1 })];
    let logits = memory(positions.len() * steps);
    let heads = plan.heads(1, MaskSource::none());
    for first in (0..positions.len()).step_by(most) {
        let batch = Batch {
            x,
            order: &order,
            counter: &counter,
            first,
            stride: 0,
            sequences: most.min(positions.len() - first),
            nothing: &nothing,
        };
        for layer in 0..sizes.layers {
            let below = layer.checked_sub(1).map(|below| &outputs[below % 2]);
            let buffers = LayerBuffers { gates: &gates, cells: &nothing, outputs: &outputs[layer % 2] };
            queue_layer(plan, layer, batch, below, MaskSource::none(), parameters, buffers, Keep::Nothing);
        }
        let rows = batch.sequences * steps;
        let last = &outputs[(sizes.layers - 1) % 2];
        let (count, _) = grid(x, rows.div_ceil(head::ROWS));
        // SAFETY: units beyond the rows neither read nor write.
        unsafe {
            head::logit_kernel::launch_unchecked(
                &x.client,
                count,
                CubeDim::new_1d((head::ROWS * head::LANES) as u32),
                addresses(&[last, &logits]),
                last.clone().into_buffer_arg(),
                parameters.clone().into_buffer_arg(),
                logits.clone().into_buffer_arg(),
                mask_argument(MaskSource::none()),
                sizes.heads_at(),
                first * steps,
                rows,
                heads,
            );
        }
    }
    Some(read(logits))
}
