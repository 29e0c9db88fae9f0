//! The choice of columns, and their measures on training rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use staycast_sequences::manifest::is_read;
use staycast_sequences::{Dataset, EnrolmentIndex};

use super::bound::BoundInputs;
use super::choice_record::InputChoice;
use super::choose::{statics, weekly};
use super::column::{Column, Source, Transform};
use super::error::InputsError;
use super::read::{Moments, Reader, null_column};
use crate::config::{CheckedInputs, FixedNumber};
use crate::digest::digest;
use crate::examples::Examples;

/// Bounds means, deviations and cuts: those of real columns stay far below it.
const GREATEST: f64 = 1e12;
/// Bounds deviations from below: less has a column that does not vary, and it is dropped.
const LEAST_DEVIATION: f64 = 1e-9;

/// Holds the columns that models read, with everything it takes to compute them. `scaler.json` in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// Layout version of the sequences that they were fitted on.
    pub layout_version: u32,
    /// Standard deviations to which inputs are cut.
    pub clip: f64,
    /// The columns, in the network's order.
    pub columns: Vec<Column>,
    /// Columns that were asked for and carry nothing, with the reason.
    pub dropped: BTreeMap<String, String>,
    /// How the groups of columns were chosen; absent where they are those that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<InputChoice>,
}

impl Inputs {
    /// Collects the columns that `config` asks for and measures them on the enrolments `training`, at the weeks that can be learnt from.
    ///
    /// # Errors
    /// When the configuration names what the data does not have, or nothing is left to read.
    pub(crate) fn fit(
        config: &CheckedInputs,
        data: &Dataset,
        examples: &Examples,
        training: &[EnrolmentIndex],
    ) -> Result<Self, InputsError> {
        let mut candidates = weekly(config, data)?;
        candidates.extend(config.fixed.iter().map(|&number| {
            let transform = match number {
                FixedNumber::PreStartEvents => Transform::SignedLog,
                FixedNumber::PreStartActiveDays | FixedNumber::EnrolledDay => Transform::Identity,
            };
            (Source::Fixed { number }, transform)
        }));
        candidates.extend(statics(config, data, training)?);
        candidates.extend(config.calendar.iter().map(|&position| (Source::Calendar { position }, Transform::Identity)));

        let mut columns = Vec::new();
        let mut dropped = BTreeMap::new();
        let readers = candidates.iter().map(|(source, transform)| Reader::new(source, *transform, data));
        let readers: Vec<Reader<'_>> = readers
            .collect::<Result<_, _>>()
            .map_err(|missing| InputsError::MissingFeatures { missing: vec![missing] })?;
        let moments = Moments::measure(data, examples, training, &readers);
        for ((source, transform), moments) in candidates.into_iter().zip(moments) {
            let null = null_column(&source, &moments);
            let Some((mean, deviation)) = moments.mean_and_deviation() else {
                let reason = if moments.present == 0.0 { "null" } else { "the same" };
                dropped.insert(source.name(), format!("{reason} in all training rows"));
                // Whether it is null may still carry information.
                columns.extend(null);
                continue;
            };
            columns.push(Column { source, transform, mean, deviation });
            columns.extend(null);
        }
        if columns.is_empty() {
            return Err(InputsError::NothingToRead);
        }
        Ok(Self { layout_version: data.manifest.layout_version, clip: config.clip, columns, dropped, choice: None })
    }

    /// Checks inputs that were read from a file: there are columns, each once, with numbers that scale finite values to finite
    /// values.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.columns.is_empty() {
            return Err("it has no columns".to_owned());
        }
        if !(self.clip > 0.0 && self.clip <= GREATEST) {
            return Err(format!("it cuts at {} deviations", self.clip));
        }
        if let Some(choice) = &self.choice {
            choice.check()?;
        }
        let mut seen = BTreeSet::new();
        for column in &self.columns {
            let name = column.source.name();
            let name = name.escape_debug();
            if !seen.insert(&column.source) {
                return Err(format!("it has the column `{name}` twice"));
            }
            for (what, value, least) in
                [("mean", column.mean, -GREATEST), ("deviation", column.deviation, LEAST_DEVIATION)]
            {
                if !(least..=GREATEST).contains(&value) {
                    return Err(format!("the {what} of `{name}` is {value}"));
                }
            }
        }
        Ok(())
    }

    /// Returns the checksum of the columns' names in their order, which the weights of networks belong to.
    pub(crate) fn order(&self) -> String {
        digest(&self.columns.iter().map(|column| &column.source).collect::<Vec<_>>())
    }

    /// Counts the columns, the width of a network's input.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Names of the weekly features that the columns rest on, without repeats.
    #[must_use]
    pub fn features(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.columns
            .iter()
            .filter_map(|column| match &column.source {
                Source::Weekly { feature } | Source::Null { feature } => Some(feature),
                _ => None,
            })
            .filter(|feature| seen.insert((*feature).clone()))
            .cloned()
            .collect()
    }

    /// Binds the columns to a data set.
    ///
    /// # Errors
    /// When the data has another layout or lacks a feature, naming it.
    pub(crate) fn for_data<'a>(&'a self, data: &'a Dataset) -> Result<BoundInputs<'a>, InputsError> {
        // The layouts that are read have the same columns.
        if !is_read(self.layout_version) || !is_read(data.manifest.layout_version) {
            return Err(InputsError::OtherLayout { run: self.layout_version, data: data.manifest.layout_version });
        }
        let known: BTreeSet<&str> = data.manifest.available_features().collect();
        let mut missing = Vec::new();
        let mut readers = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            match Reader::new(&column.source, column.transform, data) {
                Ok(reader) => readers.push(reader),
                Err(name) => missing.push(name),
            }
        }
        missing.extend(self.features().into_iter().filter(|feature| !known.contains(feature.as_str())));
        // Who is in a cohort depends on it, where the source has no withdrawals.
        if !data.manifest.records_withdrawals() && data.feature("days_since_last").is_none() {
            missing.push("days_since_last".to_owned());
        }
        missing.sort();
        missing.dedup();
        if missing.is_empty() {
            Ok(BoundInputs::new(&self.columns, self.clip, data, readers))
        } else {
            Err(InputsError::MissingFeatures { missing })
        }
    }
}
