//! Turns forecasts into decisions, and measures whether they worked.

pub mod experiments;
pub mod messages;
pub mod policy;
pub mod reasons;
pub mod recommend;
pub mod worklist;
