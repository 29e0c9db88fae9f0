//! Settings checked, and the file named that a wrong one is from.

use std::path::Path;

use staycast_forecast::config::{CheckedConfig, Config};

use crate::status::usage_from;

/// Checks settings. Where one makes no sense that stands so in `file`, which they began with, the error names the file.
pub(crate) fn check(config: &Config, file: Option<&Path>) -> anyhow::Result<CheckedConfig> {
    config.clone().check().map_err(|error| {
        // The arguments may have changed what the file says.
        let of_file = file.and_then(|path| Some((path, Config::load(path).ok()?.check().err()?)));
        match of_file.filter(|(_, of_file)| of_file.to_string() == error.to_string()) {
            Some((path, of_file)) => usage_from(of_file.in_file(path)),
            None => usage_from(error),
        }
    })
}
