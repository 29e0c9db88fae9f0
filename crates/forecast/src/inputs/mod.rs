//! From the weekly features of a sequences folder to the numbers that models read.
//!
//! [`Inputs::fit`] collects the columns that are asked for and measures their means and spreads on training rows only.
//! [`Inputs::choose_groups`] keeps the groups of them that help on held-out courses. The result is stored in the run, and
//! [`Inputs::for_data`] applies it to any data that has the same features, or refuses by name.
//!
//! Counts and seconds are taken as ±ln(1 + |x|), other units as they are; then all are standardised and cut to
//! [`Inputs::clip`] standard deviations. Null becomes 0, the mean, and a feature that is null only sometimes gets a
//! second column that says when.

mod bound;
mod choice_record;
mod choose;
mod column;
mod error;
mod fit;
mod group_choice;
mod read;

pub use choice_record::{ChosenGroups, GroupLeftOut, InputChoice, InputGroup};
pub use column::{Column, Source, Transform};
pub use error::InputsError;
pub use fit::Inputs;
pub(crate) use group_choice::ChoiceRequest;
