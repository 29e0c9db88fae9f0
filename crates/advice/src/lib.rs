//! Turns forecasts into decisions, and measures whether they worked.
//!
//! | module | says |
//! |---|---|
//! | [`reasons`] | why a forecast is what it is, in behaviours that people know |
//! | [`worklist`] | whom to contact, no more than a tutor can |
//! | [`policy`] | what is done about which reason |
//! | [`messages`] | texts for approval, and an outbox that sends each once |
//! | [`experiments`] | whether it worked |
//! | [`recommend`] | what a learner could use next |
//!
//! Nothing here knows a model: what a run says of learners is handed in.

pub mod experiments;
pub mod messages;
pub mod policy;
pub mod reasons;
pub mod recommend;
pub mod worklist;
