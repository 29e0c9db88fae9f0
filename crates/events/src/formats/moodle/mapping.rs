//! The built-in mapping of Moodle's tables.

use crate::formats::table::BuiltIn;

pub(super) const MAPPING: BuiltIn =
    BuiltIn { format: "moodle", text: include_str!("../../../../../configs/mappings/moodle.toml") };
