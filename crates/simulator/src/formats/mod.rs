//! The formats that a simulation can be written in. Each decides how rows look, not what happens.

pub(crate) mod edx;
pub(crate) mod kdd2015;
pub(crate) mod layout;
pub(crate) mod oulad;
