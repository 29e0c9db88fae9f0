//! Whom to contact this week, no more than a tutor can.

mod settings;

pub use settings::WorklistSettings;
