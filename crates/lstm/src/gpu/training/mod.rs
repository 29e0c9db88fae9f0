//! A training step, and a forecast, as a few launches of kernels.
//!
//! | launch | of a step |
//! |---|---|
//! | `product` | gather by index, input mask, input projection |
//! | `forward` | the recurrence |
//! | `head` | masks, logits, losses, and their gradients |
//! | `backward` | the recurrence backwards |
//! | `gradients`, first stage | the weights' gradients, in parts |
//! | `gradients`, second stage | the parts added, and squared for the norm |
//! | `update` | norm, clip, AdamW |
//!
//! A layer above the first one adds its own projection, recurrence, the way back and both stages, and one product for the
//! layer below.

mod forecast;
mod gradients;
mod head;
mod layers;
mod plan;
mod product;
mod random;
mod tile;
mod update;

use burn::backend::DType;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::forward::Keep;
use super::{addresses, backward, empty, grid, units, unused};
use crate::adamw::{AdamWSettings, AdamWState, BETA_1, BETA_2, EPSILON};
use crate::epoch::{Epoch, TrainingRows};
use crate::masks::MaskSource;
use crate::sizes::NetworkSizes;
pub(crate) use forecast::logits;
use gradients::ADDING_UNITS;
use layers::{Batch, FORWARD, LayerBuffers, cube_tensor, floats, new_counter, queue_layer, read, upload_order};
use plan::{Plan, adding_cubes, square_units};
use product::Rows;
use random::mask_argument;

/// Holds what one layer computes on the way there and needs on the way back.
struct LayerWork {
    /// The gates' sums, then the gates, `[rows, 4 * hidden]`.
    gates: CubeTensor,
    /// `[rows, hidden]`
    cells: CubeTensor,
    /// `[rows, hidden]`
    outputs: CubeTensor,
    weight_parts: CubeTensor,
}

/// Holds the memory of a step, for batches of up to `batch` sequences.
struct Work {
    plan: Plan,
    batch: usize,
    layers: Vec<LayerWork>,
    d_outputs: CubeTensor,
    d_sums: CubeTensor,
    bias_parts: CubeTensor,
    head_parts: CubeTensor,
    squares: CubeTensor,
}

impl Work {
    fn new(plan: Plan, batch: usize, like: &CubeTensor) -> Self {
        let NetworkSizes { hidden, layers, tasks, .. } = plan.sizes;
        let rows = batch * plan.steps;
        let floats = |count: usize| empty(like, [count], DType::F32);
        let layer = |layer: usize| LayerWork {
            gates: floats(rows * 4 * hidden),
            cells: floats(rows * hidden),
            outputs: floats(rows * hidden),
            weight_parts: floats(plan.parts(layer, rows).most * plan.sections(layer).weights),
        };
        let (_, back) = grid(like, batch.div_ceil(plan.backward.sequences()));
        let (_, heads) = grid(like, rows.div_ceil(head::ROWS));
        let squares = (0..layers).map(|layer| adding_cubes(like, plan.sections(layer)).1).sum();
        Self {
            plan,
            batch,
            layers: (0..layers).map(layer).collect(),
            d_outputs: floats(rows * hidden),
            d_sums: floats(rows * 4 * hidden),
            bias_parts: floats(back * plan.backward.groups * 4 * hidden),
            head_parts: floats(heads * (tasks * (hidden + 1) + 1)),
            squares: floats(squares),
        }
    }
}

/// Holds a network in training on a GPU.
pub(crate) struct GpuTrainer {
    sizes: NetworkSizes,
    settings: AdamWSettings,
    x: CubeTensor,
    labels: CubeTensor,
    weights: CubeTensor,
    order: CubeTensor,
    counter: CubeTensor,
    masks: [MaskSource; 2],
    parameters: CubeTensor,
    moment_1: CubeTensor,
    moment_2: CubeTensor,
    gradient: CubeTensor,
    decays: CubeTensor,
    transposed: CubeTensor,
    total: CubeTensor,
    /// Stands for arguments that a kernel does not read.
    nothing: CubeTensor,
    work: Option<Work>,
    steps_taken: u64,
}

impl GpuTrainer {
    pub(crate) fn new(
        sizes: NetworkSizes,
        settings: AdamWSettings,
        rows: TrainingRows,
        state: &AdamWState,
    ) -> Option<Self> {
        let x = cube_tensor(rows.x)?;
        Plan::new(sizes, &x, 1)?;
        let device = x.device.clone();
        let transposed = empty(&x, [sizes.layers * sizes.recurrent()], DType::F32);
        let trainer = Self {
            sizes,
            settings,
            labels: cube_tensor(rows.labels)?,
            weights: cube_tensor(rows.weights)?,
            order: upload_order(&[0], 1, &device),
            counter: new_counter(&device),
            masks: [MaskSource::none(); 2],
            parameters: floats(state.parameters.clone(), &device),
            moment_1: floats(state.moment_1.clone(), &device),
            moment_2: floats(state.moment_2.clone(), &device),
            gradient: empty(&x, [sizes.parameters()], DType::F32),
            decays: floats(sizes.decays(), &device),
            transposed,
            total: floats(vec![0.0], &device),
            nothing: unused(&x),
            work: None,
            steps_taken: state.steps,
            x,
        };
        let (count, _) = grid(&trainer.x, sizes.parameters().div_ceil(update::UNITS));
        // SAFETY: units beyond the parameters do nothing.
        unsafe {
            update::transpose_kernel::launch_unchecked(
                &trainer.x.client,
                count,
                CubeDim::new_1d(update::UNITS as u32),
                addresses(&[&trainer.parameters]),
                trainer.parameters.clone().into_buffer_arg(),
                trainer.transposed.clone().into_buffer_arg(),
                sizes.parameters(),
                sizes,
            );
        }
        Some(trainer)
    }

    pub(crate) fn epoch(&mut self, epoch: &Epoch<'_>) -> f64 {
        let device = &self.x.device;
        self.order = upload_order(epoch.order, self.x.meta.shape()[0], device);
        self.masks = [epoch.inputs, epoch.outputs];
        self.total = floats(vec![0.0], device);
        self.counter = new_counter(device);
        let schedule = floats(self.schedule(epoch.rates), device);
        let most = epoch.batch.min(epoch.order.len());
        if self.work.as_ref().is_none_or(|work| work.batch < most) {
            let plan = Plan::new(self.sizes, &self.x, most).expect("a plan for one size is one for another");
            self.work = Some(Work::new(plan, most, &self.x));
        }
        let work = self.work.as_ref().expect("just made");
        for first in (0..epoch.order.len()).step_by(epoch.batch) {
            self.queue_step(work, &schedule, epoch.batch, epoch.batch.min(epoch.order.len() - first));
        }
        self.steps_taken += epoch.rates.len() as u64;
        f64::from(read(self.total.clone())[0])
    }

    /// Returns by step what AdamW needs of it: the learning rate and what its moments are divided by.
    fn schedule(&self, rates: &[f64]) -> Vec<f32> {
        let numbers = rates.iter().zip(self.steps_taken + 1..).flat_map(|(&rate, step)| {
            let power = i32::try_from(step).unwrap_or(i32::MAX);
            [rate, 1.0 - BETA_1.powi(power), 1.0 - BETA_2.powi(power)]
        });
        numbers.map(|number| number as f32).collect()
    }

    /// Queues one step of `sequences` sequences. Which ones, the counter says.
    fn queue_step(&self, work: &Work, schedule: &CubeTensor, stride: usize, sequences: usize) {
        let Self { x, order, counter, nothing, .. } = self;
        let batch = Batch { x, order, counter, first: 0, stride, sequences, nothing };
        for (layer, kept) in work.layers.iter().enumerate() {
            let below = layer.checked_sub(1).map(|below| &work.layers[below].outputs);
            let mask = if layer == 0 { self.masks[0] } else { MaskSource::none() };
            let buffers = LayerBuffers { gates: &kept.gates, cells: &kept.cells, outputs: &kept.outputs };
            queue_layer(work.plan, layer, batch, below, mask, &self.parameters, buffers, Keep::Cells);
        }
        self.queue_loss(work, batch);
        let mut squares = 0;
        for layer in (0..work.layers.len()).rev() {
            self.queue_back(work, batch, layer);
            squares += self.queue_gradients(work, batch, layer, squares);
        }
        self.queue_update(work, schedule, squares);
    }

    pub(crate) fn state(&self) -> AdamWState {
        AdamWState {
            parameters: read(self.parameters.clone()),
            moment_1: read(self.moment_1.clone()),
            moment_2: read(self.moment_2.clone()),
            steps: self.steps_taken,
        }
    }

    pub(crate) fn forecast(&self, positions: &[usize]) -> Vec<f32> {
        forecast::logits_of(self.sizes, &self.parameters, &self.x, positions).expect("what can be trained can be run")
    }

    fn queue_loss(&self, work: &Work, batch: Batch<'_>) {
        let plan = work.plan;
        let rows = batch.sequences * plan.steps;
        let outputs = &work.layers.last().expect("a layer").outputs;
        let (count, _) = grid(&self.x, rows.div_ceil(head::ROWS));
        // SAFETY: units beyond the rows neither read nor write, but for a cube's own part, of which there is room for as
        // many as the grid has cubes.
        unsafe {
            head::loss_kernel::launch_unchecked(
                &self.x.client,
                count,
                CubeDim::new_1d((head::ROWS * head::LANES) as u32),
                addresses(&[outputs, &self.labels]),
                outputs.clone().into_buffer_arg(),
                self.parameters.clone().into_buffer_arg(),
                self.labels.clone().into_buffer_arg(),
                self.weights.clone().into_buffer_arg(),
                self.order.clone().into_buffer_arg(),
                self.counter.clone().into_buffer_arg(),
                work.d_outputs.clone().into_buffer_arg(),
                work.head_parts.clone().into_buffer_arg(),
                mask_argument(self.masks[1]),
                plan.sizes.heads_at(),
                batch.stride,
                rows,
                plan.steps,
                self.x.meta.shape()[0],
                (1.0 / batch.sequences as f64) as f32,
                plan.heads(self.sizes.tasks, self.masks[1]),
            );
        }
    }

    /// Queues a layer's recurrence backwards.
    fn queue_back(&self, work: &Work, batch: Batch<'_>, layer: usize) {
        let plan = work.plan;
        let kept = &work.layers[layer];
        let (count, _) = grid(&self.x, batch.sequences.div_ceil(plan.backward.sequences()));
        // SAFETY: as of the layer's own backward pass.
        unsafe {
            backward::backward_kernel::launch_unchecked(
                &self.x.client,
                count,
                units(plan.backward),
                addresses(&[&work.d_sums, &kept.gates]),
                work.d_outputs.clone().into_buffer_arg(),
                kept.gates.clone().into_buffer_arg(),
                kept.cells.clone().into_buffer_arg(),
                self.nothing.clone().into_buffer_arg(),
                self.transposed.clone().into_buffer_arg(),
                self.nothing.clone().into_buffer_arg(),
                work.d_sums.clone().into_buffer_arg(),
                work.bias_parts.clone().into_buffer_arg(),
                self.nothing.clone().into_buffer_arg(),
                layer * plan.sizes.recurrent(),
                batch.sequences,
                plan.steps,
                plan.backward,
                FORWARD,
                false,
                false,
                false,
                dtype_to_storage_type(DType::F32),
            );
        }
    }

    /// Queues both stages of the gradients of a layer's parameters, and those of the outputs of the layer below; returns how
    /// many sums of squares the second stage wrote.
    fn queue_gradients(&self, work: &Work, batch: Batch<'_>, layer: usize, squares_at: usize) -> usize {
        let plan = work.plan;
        let hidden = plan.sizes.hidden;
        let rows = batch.sequences * plan.steps;
        let (reads, columns) = (plan.sizes.reads(layer), 4 * hidden);
        let kept = &work.layers[layer];
        let (x, gather, mask) = match layer.checked_sub(1) {
            None => (&self.x, Rows::Gathered { masked: !self.masks[0].is_none() }, self.masks[0]),
            Some(below) => (&work.layers[below].outputs, Rows::InOrder, MaskSource::none()),
        };
        let parts = plan.parts(layer, rows);
        let sections = plan.sections(layer);
        let (count, _) = grid(&self.x, parts.across * parts.down * parts.count);
        let (adding, adding_count) = adding_cubes(&self.x, sections);
        let (_, back) = grid(&self.x, batch.sequences.div_ceil(plan.backward.sequences()));
        let (_, heads) = grid(&self.x, rows.div_ceil(head::ROWS));
        // SAFETY: units beyond the rows, inputs, columns or parts neither read nor write; the second stage has room for as
        // many sums of squares as the grid has cubes.
        unsafe {
            gradients::weights_kernel::launch_unchecked(
                &self.x.client,
                count,
                square_units(),
                addresses(&[x, &work.d_sums, &kept.weight_parts]),
                x.clone().into_buffer_arg(),
                kept.outputs.clone().into_buffer_arg(),
                work.d_sums.clone().into_buffer_arg(),
                self.order.clone().into_buffer_arg(),
                self.counter.clone().into_buffer_arg(),
                kept.weight_parts.clone().into_buffer_arg(),
                mask_argument(mask),
                batch.stride,
                rows,
                reads,
                hidden,
                columns,
                plan.steps,
                parts.part_rows,
                parts.across,
                parts.down,
                parts.count,
                gather,
                parts.tile,
            );
            gradients::add_parts_kernel::launch_unchecked(
                &self.x.client,
                adding,
                CubeDim::new_1d(ADDING_UNITS as u32),
                addresses(&[&kept.weight_parts, &work.head_parts]),
                kept.weight_parts.clone().into_buffer_arg(),
                work.bias_parts.clone().into_buffer_arg(),
                work.head_parts.clone().into_buffer_arg(),
                self.gradient.clone().into_buffer_arg(),
                work.squares.clone().into_buffer_arg(),
                self.total.clone().into_buffer_arg(),
                self.counter.clone().into_buffer_arg(),
                parts.count,
                back * plan.backward.groups,
                heads,
                plan.sizes.layer_at(layer),
                squares_at,
                layer == 0,
                sections,
            );
            if layer > 0 {
                let tile = plan.tile(rows, reads);
                let across = reads.div_ceil(tile.side());
                let (count, _) = grid(&self.x, across * rows.div_ceil(tile.side()));
                product::downward_kernel::launch_unchecked(
                    &self.x.client,
                    count,
                    square_units(),
                    addresses(&[&work.d_sums, &work.d_outputs]),
                    work.d_sums.clone().into_buffer_arg(),
                    self.parameters.clone().into_buffer_arg(),
                    work.d_outputs.clone().into_buffer_arg(),
                    plan.sizes.layer_at(layer),
                    rows,
                    columns,
                    reads,
                    across,
                    tile,
                );
            }
        }
        adding_count
    }

    fn queue_update(&self, work: &Work, schedule: &CubeTensor, squares: usize) {
        let length = self.sizes.parameters();
        let (count, _) = grid(&self.x, length.div_ceil(update::UNITS));
        // SAFETY: units beyond the parameters do nothing.
        unsafe {
            update::adamw_kernel::launch_unchecked(
                &self.x.client,
                count,
                CubeDim::new_1d(update::UNITS as u32),
                addresses(&[&self.parameters]),
                self.parameters.clone().into_buffer_arg(),
                self.moment_1.clone().into_buffer_arg(),
                self.moment_2.clone().into_buffer_arg(),
                self.transposed.clone().into_buffer_arg(),
                self.gradient.clone().into_buffer_arg(),
                self.decays.clone().into_buffer_arg(),
                work.squares.clone().into_buffer_arg(),
                schedule.clone().into_buffer_arg(),
                self.counter.clone().into_buffer_arg(),
                length,
                squares,
                self.settings.clip_norm as f32,
                BETA_1 as f32,
                BETA_2 as f32,
                (1.0 - BETA_1) as f32,
                (1.0 - BETA_2) as f32,
                EPSILON as f32,
                self.settings.weight_decay as f32,
                self.sizes,
            );
        }
    }
}
