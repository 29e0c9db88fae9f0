//! How fast sequences get from memory to where training and scoring read them.

use std::time::Instant;

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;
use staycast_sequences::{Dataset, EnrolmentIndex};

use crate::config::InputsConfig;
use crate::device::{ChosenDevice, quietly};
use crate::examples::Examples;
use crate::inputs::Inputs;
use crate::reach::greatest_cut_off;

/// Bounds the enrolments that are brought to the device at a time.
const CHUNK: usize = 4096;

/// Holds the measurements of loading on one device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Loading {
    /// The backend.
    pub device: String,
    /// Enrolments that were loaded.
    pub enrolments: u64,
    /// Weeks of each.
    pub weeks: u64,
    /// Numbers that a network reads a week.
    pub inputs: u64,
    /// Scaled and on the device: enrolments a second.
    pub enrolments_per_second: f64,
    /// The same in bytes of 32-bit floats a second.
    pub bytes_per_second: f64,
}

/// Measures how fast the inputs of all of `data` are computed and brought to the device.
///
/// # Errors
/// When no week of the data can be forecast, it has nothing to read, or the driver gives up.
pub fn measure_loading(data: &Dataset, chosen: &ChosenDevice) -> Result<Loading, String> {
    let last = greatest_cut_off(data).ok_or("no week of these sequences can be forecast")?;
    let weeks = last.count();
    let examples = Examples::new(data, last);
    let all: Vec<EnrolmentIndex> = data.enrolment_indices().collect();
    let asked = InputsConfig::default().check().map_err(|error| error.to_string())?;
    let inputs = Inputs::fit(&asked, data, &examples, &all).map_err(|error| error.to_string())?;
    let bound = inputs.for_data(data).map_err(|error| error.to_string())?;
    let width = inputs.width();
    let load = || {
        for chunk in all.chunks(CHUNK) {
            let values = TensorData::new(bound.fill(chunk, weeks), [chunk.len(), weeks, width]);
            let x = Tensor::<3>::from_data(values, chosen.device());
            // Waits until it is there.
            drop(x.narrow(0, 0, 1).into_data());
        }
    };
    let seconds = quietly(|| {
        load();
        let begun = Instant::now();
        load();
        begun.elapsed().as_secs_f64()
    })?;
    let rate = all.len() as f64 / seconds;
    Ok(Loading {
        device: chosen.info.backend.name().to_owned(),
        enrolments: all.len() as u64,
        weeks: weeks as u64,
        inputs: width as u64,
        enrolments_per_second: rate,
        bytes_per_second: rate * (weeks * width * 4) as f64,
    })
}
