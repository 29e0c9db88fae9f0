//! The layer on GPUs: CubeCL kernels that run a tile of sequences through all steps in one launch.
//!
//! - `tiling` cuts a pass for a device; `forward` and `backward` are the kernels, `device` what both are made of.
//! - `training` has kernels for all of a training step and of a forecast.
//! - Here: what is around the two in the layer's own passes. The input projection, the weights' gradients and the input's are products over all
//!   steps and the backend's own; everything is queued, nothing waits for the device.
//!
//! 32-bit floats always; `f16` and `bf16` where the device can store them, with sums in 32 bits. Other floats, and
//! layers wider than a cube of the device, go through the tensor operations of [`crate::ops`]'s fallback.

mod backward;
mod device;
mod forward;
mod tiling;
pub(crate) mod training;

#[cfg(test)]
mod tests;

use burn::backend::cubecl::dtype_to_storage_type;
use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, DType, DTypeUsage, Shape, TensorData, TensorMetadata};
use burn_cubecl::CubeBackend;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use crate::ops::{InputGradients, LayerInputs, LstmKernels, ReturnKind, TapeUse, WantedGradients, fallback};
use crate::walk::Direction;
use device::Order;
use forward::Keep;
use tiling::{DeviceLimits, Pass, Tiling};

/// Bounds the parts that a product over all steps is cut into, and from below the rows of a part: the products that
/// give the weights' gradients are tall and narrow, and few cubes would work on one.
const MOST_PARTS: usize = 64;
const LEAST_PART_ROWS: usize = 512;

/// Holds what either path needs for its backward pass.
#[derive(Debug, Clone)]
pub(crate) enum Tape {
    /// Of the kernels, with the tiling of the backward pass.
    Kernels(Box<KernelTape>, Tiling),
    Tensors(fallback::Tape<CubeBackend>),
}

/// Holds what the forward kernel keeps: 24 bytes for each sequence, step and hidden unit of 32-bit floats, half in 16 bits.
#[derive(Debug, Clone)]
pub(crate) struct KernelTape {
    /// Gates i, f, g, o, `[batch * steps, 4 * hidden]`.
    gates: CubeTensor,
    /// The cells after each step and the outputs before it, `[2, batch * steps, hidden]`.
    cells_and_previous: CubeTensor,
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    batch: usize,
    steps: usize,
    features: usize,
    hidden: usize,
}

impl Sizes {
    fn from_inputs(inputs: &LayerInputs<CubeBackend>) -> Self {
        let x = inputs.x.shape();
        Self { batch: x[0], steps: x[1], features: x[2], hidden: inputs.w_hh.shape()[0] }
    }

    /// Returns how the device cuts a pass, if it can.
    fn tiling(self, pass: Pass, like: &CubeTensor) -> Option<Tiling> {
        let limits = DeviceLimits::from_hardware(&like.client.properties().hardware);
        Tiling::choose(limits, pass, self.hidden, self.batch)
    }
}

/// Returns whether the kernels run floats of this type.
///
/// # Panics
///
/// When the inputs' types differ, or the device can't store the type.
fn in_kernels(inputs: &LayerInputs<CubeBackend>) -> bool {
    let LayerInputs { x, w_ih, w_hh, bias, start, .. } = inputs;
    let start = start.iter().flat_map(|(hidden, cell)| [hidden, cell]);
    for tensor in [w_ih, w_hh, bias].into_iter().chain(start) {
        let (dtype, expected) = (tensor.dtype, x.dtype);
        assert_eq!(
            dtype, expected,
            "an LSTM's parameters and state must be of the input's type: cast one or the other"
        );
    }
    let stored = || CubeBackend::dtype_usage(&x.device, x.dtype).contains(DTypeUsage::Storage);
    match x.dtype {
        DType::F32 => true,
        DType::F16 | DType::BF16 => {
            assert!(stored(), "{:?} can't store {}: cast the layer and its input to f32", x.device, x.dtype.name());
            true
        }
        _ => false,
    }
}

fn reshape<const D: usize>(tensor: CubeTensor, shape: [usize; D]) -> CubeTensor {
    CubeBackend::float_reshape(tensor, Shape::from(shape))
}

/// Makes memory for a kernel to fill.
fn empty<const D: usize>(like: &CubeTensor, shape: [usize; D], dtype: DType) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), Shape::from(shape), dtype)
}

/// Makes an argument that a kernel compiled for this call never reads or writes.
fn unused(like: &CubeTensor) -> CubeTensor {
    empty(like, [1], like.dtype)
}

/// Returns the sequences' lengths for a kernel, `[batch]`.
fn lengths(inputs: &LayerInputs<CubeBackend>) -> CubeTensor {
    match &inputs.walk.lengths {
        None => unused(&inputs.x),
        Some(lengths) => {
            let lengths: Vec<i32> = lengths.iter().map(|&length| length as i32).collect();
            let shape = [lengths.len()];
            CubeBackend::int_from_data(TensorData::new(lengths, shape), &inputs.x.device)
        }
    }
}

fn order(inputs: &LayerInputs<CubeBackend>) -> Order {
    Order { reverse: inputs.walk.direction == Direction::Reverse, ends: inputs.walk.lengths.is_some() }
}

/// Arranges at least `cubes` cubes, within what a device counts in one direction.
fn grid(like: &CubeTensor, cubes: usize) -> (CubeCount, usize) {
    let across = cubes.min(like.client.properties().hardware.max_cube_count.0 as usize);
    let down = cubes.div_ceil(across);
    (CubeCount::Static(across as u32, down as u32, 1), across * down)
}

fn units(tiling: Tiling) -> CubeDim {
    CubeDim::new_2d(tiling.hidden as u32, tiling.groups as u32)
}

/// Chooses the index type that reaches all of the largest tensor.
fn addresses(tensors: &[&CubeTensor]) -> AddressType {
    tensors.iter().map(|tensor| tensor.required_address_type()).max().unwrap_or_default()
}

fn forward(
    inputs: &LayerInputs<CubeBackend>,
    give: ReturnKind,
    keep: TapeUse,
    tiling: Tiling,
) -> (CubeTensor, Option<KernelTape>) {
    let Sizes { batch, steps, features, hidden } = Sizes::from_inputs(inputs);
    let x = reshape(inputs.x.clone(), [batch * steps, features]);
    let projected = into_contiguous(CubeBackend::float_matmul(x, inputs.w_ih.clone()));
    let output = match give {
        ReturnKind::Outputs => empty(&projected, [batch, steps, hidden], projected.dtype),
        ReturnKind::OutputsAndState => empty(&projected, [batch * (steps + 2) * hidden], projected.dtype),
    };
    let kept = match keep {
        TapeUse::Discard => unused(&projected),
        TapeUse::Keep => empty(&projected, [2, batch * steps, hidden], projected.dtype),
    };
    let (first, first_cell) = match &inputs.start {
        None => (unused(&projected), unused(&projected)),
        Some((first, cell)) => (into_contiguous(first.clone()), into_contiguous(cell.clone())),
    };
    let (count, _) = grid(&projected, batch.div_ceil(tiling.sequences()));
    // SAFETY: units whose sequence is beyond the batch neither read nor write, and the tensors have the sizes that
    // the kernel's documentation asks for.
    unsafe {
        forward::forward_kernel::launch_unchecked(
            &projected.client,
            count,
            units(tiling),
            addresses(&[&projected, &output, &kept]),
            projected.clone().into_buffer_arg(),
            into_contiguous(inputs.w_hh.clone()).into_buffer_arg(),
            into_contiguous(inputs.bias.clone()).into_buffer_arg(),
            first.into_buffer_arg(),
            first_cell.into_buffer_arg(),
            lengths(inputs).into_buffer_arg(),
            output.clone().into_buffer_arg(),
            kept.clone().into_buffer_arg(),
            0,
            0,
            batch,
            steps,
            tiling,
            order(inputs),
            inputs.start.is_some(),
            give == ReturnKind::OutputsAndState,
            if keep == TapeUse::Keep { Keep::CellsAndPrevious } else { Keep::Nothing },
            dtype_to_storage_type(projected.dtype),
        );
    }
    (output, (keep == TapeUse::Keep).then_some(KernelTape { gates: projected, cells_and_previous: kept }))
}

/// Holds the results of the backward kernel.
struct Back {
    /// Gradients of the gates' sums, `[batch * steps, 4 * hidden]`.
    sums: CubeTensor,
    /// Of the bias, `[4 * hidden]`.
    bias: CubeTensor,
    /// Of the first output and cell.
    start: Option<(CubeTensor, CubeTensor)>,
}

fn backward_kernel(
    inputs: &LayerInputs<CubeBackend>,
    give: ReturnKind,
    kept: &KernelTape,
    gradient: CubeTensor,
    wanted: WantedGradients,
    tiling: Tiling,
) -> Back {
    let Sizes { batch, steps, hidden, .. } = Sizes::from_inputs(inputs);
    let gradient = into_contiguous(gradient);
    let (count, cubes) = grid(&gradient, batch.div_ceil(tiling.sequences()));
    let sums = empty(&gradient, [batch * steps, 4 * hidden], gradient.dtype);
    let bias = empty(&gradient, [cubes * tiling.groups, 4 * hidden], DType::F32);
    let start = if wanted.start { empty(&gradient, [2, batch, hidden], gradient.dtype) } else { unused(&gradient) };
    let first_cell = match &inputs.start {
        None => unused(&gradient),
        Some((_, cell)) => into_contiguous(cell.clone()),
    };
    // SAFETY: as of the forward pass.
    unsafe {
        backward::backward_kernel::launch_unchecked(
            &gradient.client,
            count,
            units(tiling),
            addresses(&[&gradient, &sums, &kept.cells_and_previous]),
            gradient.clone().into_buffer_arg(),
            kept.gates.clone().into_buffer_arg(),
            kept.cells_and_previous.clone().into_buffer_arg(),
            first_cell.into_buffer_arg(),
            into_contiguous(CubeBackend::float_transpose(inputs.w_hh.clone())).into_buffer_arg(),
            lengths(inputs).into_buffer_arg(),
            sums.clone().into_buffer_arg(),
            bias.clone().into_buffer_arg(),
            start.clone().into_buffer_arg(),
            0,
            batch,
            steps,
            tiling,
            order(inputs),
            inputs.start.is_some(),
            give == ReturnKind::OutputsAndState,
            wanted.start,
            dtype_to_storage_type(gradient.dtype),
        );
    }
    let bias = reshape(CubeBackend::float_sum_dim(bias, 0), [4 * hidden]);
    Back {
        bias: CubeBackend::float_cast(bias, inputs.bias.dtype.into()),
        start: wanted.start.then(|| {
            let part = |index| reshape(part_of(&start, index), [batch, hidden]);
            (part(0), part(1))
        }),
        sums,
    }
}

/// Returns entry `index` of the first dimension of a tensor of three.
fn part_of(tensor: &CubeTensor, index: usize) -> CubeTensor {
    let shape = tensor.shape();
    let slices = [index..index + 1, 0..shape[1], 0..shape[2]].map(Into::into);
    CubeBackend::float_slice(tensor.clone(), &slices)
}

/// Computes `leftᵀ right` of two tall matrices, in parts that are added.
fn product_over_rows(left: CubeTensor, right: CubeTensor) -> CubeTensor {
    let (rows, across, down) = (left.shape()[0], left.shape()[1], right.shape()[1]);
    let most = (rows / LEAST_PART_ROWS).clamp(1, MOST_PARTS);
    let parts = (1..=most).rev().find(|parts| rows.is_multiple_of(*parts)).unwrap_or(1);
    if parts == 1 {
        return CubeBackend::float_matmul(CubeBackend::float_transpose(left), right);
    }
    let left = reshape(left, [parts, rows / parts, across]);
    let right = reshape(right, [parts, rows / parts, down]);
    let products = CubeBackend::float_matmul(CubeBackend::float_swap_dims(left, 1, 2), right);
    reshape(CubeBackend::float_sum_dim(products, 0), [across, down])
}

fn backward(
    inputs: &LayerInputs<CubeBackend>,
    give: ReturnKind,
    kept: &KernelTape,
    gradient: CubeTensor,
    wanted: WantedGradients,
    tiling: Tiling,
) -> InputGradients<CubeBackend> {
    let Sizes { batch, steps, features, hidden } = Sizes::from_inputs(inputs);
    let back = backward_kernel(inputs, give, kept, gradient, wanted, tiling);
    // What lies past a sequence's end meets zeros in the product, and may be NaN.
    let x = reshape(fallback::real_steps(inputs), [batch * steps, features]);
    let previous = reshape(part_of(&kept.cells_and_previous, 1), [batch * steps, hidden]);
    InputGradients {
        x: wanted.x.then(|| {
            let d_x = CubeBackend::float_matmul(back.sums.clone(), CubeBackend::float_transpose(inputs.w_ih.clone()));
            reshape(d_x, [batch, steps, features])
        }),
        w_ih: product_over_rows(x, back.sums.clone()),
        w_hh: product_over_rows(previous, back.sums),
        bias: back.bias,
        start: back.start,
    }
}

impl LstmKernels for CubeBackend {
    type Tape = Tape;

    fn forward(inputs: &LayerInputs<Self>, give: ReturnKind, keep: TapeUse) -> (FloatTensor<Self>, Option<Self::Tape>) {
        let sizes = Sizes::from_inputs(inputs);
        let tilings = in_kernels(inputs).then(|| {
            // A tape is of one kind: without a tiling for the way back there is none for the way there.
            sizes.tiling(Pass::Backward, &inputs.x).zip(sizes.tiling(Pass::Forward, &inputs.x))
        });
        match tilings.flatten() {
            Some((tiling_back, tiling)) => {
                let (output, kept) = forward(inputs, give, keep, tiling);
                (output, kept.map(|kept| Tape::Kernels(Box::new(kept), tiling_back)))
            }
            None => {
                let (output, tape) = fallback::forward(inputs, give, keep);
                (output, tape.map(Tape::Tensors))
            }
        }
    }

    fn backward(
        inputs: &LayerInputs<Self>,
        give: ReturnKind,
        output: FloatTensor<Self>,
        tape: &Self::Tape,
        gradient: FloatTensor<Self>,
        wanted: WantedGradients,
    ) -> InputGradients<Self> {
        match tape {
            Tape::Tensors(tape) => fallback::backward(inputs, give, output, tape, gradient, wanted),
            Tape::Kernels(kept, tiling) => backward(inputs, give, kept, gradient, wanted, *tiling),
        }
    }
}
