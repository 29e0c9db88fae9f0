//! How fast the network trains, forecasts and is fed, on a device: what `staycast bench` prints.
//!
//! Every figure is of the code that trains and scores: a training step is the one of a training run (sequences fetched
//! by index from the device, forward, loss, backward, AdamW), without dropout; inference is that of scoring, logits
//! brought back to the host. Rates are of the median of up to [`Effort::rounds`] rounds.

mod agreement;
mod loading;
mod measure;
mod peak;
mod shape;
mod workload;

pub use agreement::Agreement;
pub use loading::{Loading, measure_loading};
pub use measure::{Effort, Measured, first_step, measure};
pub use shape::{SHAPES, Shape, ShapeError};
