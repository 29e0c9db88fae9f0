//! Holds what training and forecasting share: tensors on the device, and a layer's way there.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::backend::{BackendTensor, DType, DispatchTensorKind, TensorData, read_sync};
use burn::tensor::Tensor;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, CubeDevice};

use super::super::device::Order;
use super::super::forward::{self, Keep};
use super::super::{addresses, grid, units};
use super::plan::{Plan, square_units};
use super::product::{self, Rows};
use super::random::mask_argument;
use crate::masks::MaskSource;

pub(super) const FORWARD: Order = Order { reverse: false, ends: false };

/// Takes the tensor of a GPU out of burn's, in one piece of memory, if it is one of 32-bit floats.
pub(super) fn cube_tensor<const D: usize>(tensor: Tensor<D>) -> Option<CubeTensor> {
    match tensor.into_dispatch().kind {
        DispatchTensorKind::Cube(BackendTensor::Float(tensor)) if tensor.dtype == DType::F32 => {
            Some(into_contiguous(tensor))
        }
        _ => None,
    }
}

pub(super) fn floats(values: Vec<f32>, device: &CubeDevice) -> CubeTensor {
    let length = values.len();
    CubeBackend::float_from_data(TensorData::new(values, [length]), device)
}

pub(super) fn read(tensor: CubeTensor) -> Vec<f32> {
    let data = read_sync(CubeBackend::float_into_data(tensor)).expect("the device gives back what it holds");
    data.try_to_vec().expect("32-bit floats")
}

/// Makes a counter of steps that begins at 0.
pub(super) fn new_counter(device: &CubeDevice) -> CubeTensor {
    CubeBackend::int_from_data(TensorData::new(vec![0_i32], [1]), device)
}

/// Brings positions to the device.
///
/// # Panics
///
/// When one is not below `sequences`: a kernel does not look.
pub(super) fn upload_order(order: &[usize], sequences: usize, device: &CubeDevice) -> CubeTensor {
    assert!(order.iter().all(|&at| at < sequences), "a position beyond the {sequences} sequences");
    let values: Vec<i32> = order.iter().map(|&at| at as i32).collect();
    CubeBackend::int_from_data(TensorData::new(values, [order.len()]), device)
}

/// Holds where a batch lies: its sequences begin at `first` of an order, and `stride` further for every step that the counter
/// counts.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) x: &'a CubeTensor,
    pub(super) order: &'a CubeTensor,
    pub(super) counter: &'a CubeTensor,
    pub(super) first: usize,
    pub(super) stride: usize,
    pub(super) sequences: usize,
    /// Stands for arguments that a kernel does not read.
    pub(super) nothing: &'a CubeTensor,
}

/// Holds the memory that a layer writes on the way there.
#[derive(Clone, Copy)]
pub(super) struct LayerBuffers<'a> {
    /// The gates' sums, then the gates where anything is kept, `[rows, 4 * hidden]`.
    pub(super) gates: &'a CubeTensor,
    /// The cells where they are kept, `[rows, hidden]`.
    pub(super) cells: &'a CubeTensor,
    /// `[rows, hidden]`
    pub(super) outputs: &'a CubeTensor,
}

/// Queues the projection of a layer's inputs and its recurrence. `below` is what a layer above the first one reads.
#[allow(clippy::too_many_arguments)] // What differs between the two ways to call it.
pub(super) fn queue_layer(
    plan: Plan,
    layer: usize,
    batch: Batch<'_>,
    below: Option<&CubeTensor>,
    mask: MaskSource,
    parameters: &CubeTensor,
    buffers: LayerBuffers<'_>,
    keep: Keep,
) {
    let hidden = plan.sizes.hidden;
    let rows = batch.sequences * plan.steps;
    let (reads, columns) = (plan.sizes.reads(layer), 4 * hidden);
    let LayerBuffers { gates, cells, outputs } = buffers;
    let at = plan.sizes.layer_at(layer);
    let (left, gather) = match below {
        None => (batch.x, Rows::Gathered { masked: !mask.is_none() }),
        Some(below) => (below, Rows::InOrder),
    };
    let tile = plan.tile(rows, columns);
    let across = columns.div_ceil(tile.side());
    let (count, _) = grid(batch.x, across * rows.div_ceil(tile.side()));
    // SAFETY: units beyond the rows or columns neither read nor write; the order's positions were checked when it was
    // brought here, and the tensors have the sizes that the kernels' documentation asks for.
    unsafe {
        product::projection_kernel::launch_unchecked(
            &batch.x.client,
            count,
            square_units(),
            addresses(&[left, gates]),
            left.clone().into_buffer_arg(),
            parameters.clone().into_buffer_arg(),
            batch.order.clone().into_buffer_arg(),
            batch.counter.clone().into_buffer_arg(),
            gates.clone().into_buffer_arg(),
            mask_argument(mask),
            at,
            batch.first,
            batch.stride,
            rows,
            reads,
            columns,
            plan.steps,
            across,
            gather,
            tile,
        );
        let (count, _) = grid(batch.x, batch.sequences.div_ceil(plan.forward.sequences()));
        forward::forward_kernel::launch_unchecked(
            &batch.x.client,
            count,
            units(plan.forward),
            addresses(&[gates, outputs]),
            gates.clone().into_buffer_arg(),
            parameters.clone().into_buffer_arg(),
            parameters.clone().into_buffer_arg(),
            batch.nothing.clone().into_buffer_arg(),
            batch.nothing.clone().into_buffer_arg(),
            batch.nothing.clone().into_buffer_arg(),
            outputs.clone().into_buffer_arg(),
            cells.clone().into_buffer_arg(),
            plan.sizes.recurrent_at(layer),
            plan.sizes.bias_at(layer),
            batch.sequences,
            plan.steps,
            plan.forward,
            FORWARD,
            false,
            false,
            keep,
            dtype_to_storage_type(DType::F32),
        );
    }
}
