#![doc = include_str!("../README.md")]

mod conceal;
mod escape;
mod keywords;
mod parse_problem;
mod secret;

pub use conceal::{conceal, is_address_with_user};
pub use escape::{escape, escape_by, escape_json, escape_lines};
pub use parse_problem::parse_problem;
pub use secret::Secret;
