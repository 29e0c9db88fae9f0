//! Collects what a report takes beside predictions: groups, weeks of leaving, changes of activity, the quality of the data.

use std::collections::{BTreeMap, BTreeSet};

use staycast_evaluation::metrics::Capacity;
use staycast_evaluation::metrics::survival::{End, ExitTime};
use staycast_evaluation::report::{DataQuality, Extras, GroupColumn, MinimumSize, RestsOn};
use staycast_sequences::{CutOff, Dataset, DropoutRule, EnrolmentIndex, EnrolmentRow};

use super::request::EvaluateRequest;

/// Bounds the values of a column by which a report is grouped unless it is asked to.
const MOST_GROUPS: usize = 12;
/// Lists features that show together whether a learner's week was like the one before.
const ACTIVITY: [&str; 3] = ["n_events", "active_days", "n_sessions"];

/// Owns what [`Extras`] borrows. Tables are by enrolment of the data set.
#[derive(Clone, Debug, Default)]
pub(super) struct ReportContext {
    groups: Vec<GroupColumn>,
    exits: Vec<Option<ExitTime>>,
    predicted_survival: Vec<Vec<f64>>,
    activity_changed: Vec<bool>,
    smoothing: Option<f64>,
    capacities: Vec<Capacity>,
    minimum_size: MinimumSize,
    quality: DataQuality,
    rests_on: Option<RestsOn>,
}

impl ReportContext {
    /// Lends it to a report.
    pub(super) fn extras(&self) -> Extras<'_> {
        Extras {
            groups: &self.groups,
            exits: &self.exits,
            predicted_survival: &self.predicted_survival,
            activity_changed: &self.activity_changed,
            smoothing: self.smoothing,
            capacities: &self.capacities,
            minimum_size: self.minimum_size,
            data_quality: Some(&self.quality),
            rests_on: self.rests_on,
            ..Extras::default()
        }
    }

    /// Collects the context of rows of `data`, each an enrolment and a cut-off week.
    pub(super) fn new(
        data: &Dataset,
        rows: impl Iterator<Item = (EnrolmentIndex, CutOff)>,
        request: &EvaluateRequest<'_>,
    ) -> Self {
        Self {
            groups: group_columns(data, request.groups),
            exits: exits(data),
            predicted_survival: Vec::new(),
            activity_changed: activity_changed(data, rows),
            smoothing: request.smoothing,
            capacities: request.capacities.to_vec(),
            minimum_size: request.minimum_size,
            quality: quality(data),
            rests_on: None,
        }
    }

    /// Adds which courses the figures rest on.
    pub(super) fn with_courses(mut self, rests_on: RestsOn) -> Self {
        self.rests_on = Some(rests_on);
        self
    }

    /// Adds survival curves predicted by enrolment.
    pub(super) fn with_survival(mut self, curves: Vec<Vec<f64>>) -> Self {
        self.predicted_survival = curves;
        self
    }
}

/// Returns the static columns asked for or, if none was, those with a few values.
fn group_columns(data: &Dataset, asked: Option<&[String]>) -> Vec<GroupColumn> {
    let column = |name: &String| {
        let value = |row: &EnrolmentRow| row.statics.get(name).cloned().flatten();
        GroupColumn { name: name.clone(), values: data.enrolments.iter().map(value).collect() }
    };
    if let Some(asked) = asked {
        return asked.iter().map(column).collect();
    }
    let few = |column: &GroupColumn| {
        let values: BTreeSet<&Option<String>> = column.values.iter().collect();
        (2..=MOST_GROUPS).contains(&values.len())
    };
    data.manifest.static_columns.iter().map(column).filter(few).collect()
}

/// Tells, by enrolment, when it ended; none at all where the source has no dates of leaving.
fn exits(data: &Dataset) -> Vec<Option<ExitTime>> {
    if data.enrolments.iter().all(|row| row.left_week.is_none()) {
        return Vec::new();
    }
    let outcomes = data.manifest.labels.rule.rests_on_outcomes();
    data.enrolments
        .iter()
        .map(|row| {
            let course = data.course(row.course);
            let watched = course.last_observed().map_or(0.0, |last| f64::from(last.weeks()));
            Some(match (row.withdrawal_day, row.left_week) {
                (Some(day), Some(_)) => ExitTime { weeks: day / 7.0, end: End::Dropout },
                // By the end of that week.
                (None, Some(week)) => ExitTime { weeks: f64::from(week) + 1.0, end: End::Dropout },
                // A learner who fails has not left: it is an end of its own kind (docs, "Labels").
                (_, None) if outcomes && row.dropout == Some(true) => {
                    ExitTime { weeks: watched, end: End::CompetingEnd }
                }
                (_, None) => ExitTime { weeks: watched, end: End::Censored },
            })
        })
        .collect()
}

/// Tells, by row, whether the last week seen differs from the week before it; empty where the data lacks the features.
fn activity_changed(data: &Dataset, rows: impl Iterator<Item = (EnrolmentIndex, CutOff)>) -> Vec<bool> {
    let columns: Vec<usize> = ACTIVITY.iter().filter_map(|name| data.feature(name)).collect();
    if columns.is_empty() {
        return Vec::new();
    }
    rows.map(|(enrolment, cut_off)| {
        let mut latest_first = cut_off.weeks_seen().rev().map(|week| data.week(enrolment, week));
        match (latest_first.next(), latest_first.next()) {
            (Some(last), Some(before)) => {
                columns.iter().any(|&column| last[column].to_bits() != before[column].to_bits())
            }
            // The first week is unlike the none before it.
            _ => true,
        }
    })
    .collect()
}

/// Returns what became of the log's rows, from the manifest.
fn quality(data: &Dataset) -> DataQuality {
    let manifest = &data.manifest;
    let counts = |reasons: &BTreeMap<String, staycast_sequences::manifest::ReasonCount>| {
        reasons.iter().map(|(reason, count)| (reason.replace('_', " "), count.rows)).collect()
    };
    DataQuality {
        rows_read: manifest.rows.read,
        rows_used: manifest.rows.used,
        rows_set_aside: counts(&manifest.rows.set_aside),
        rows_rejected: counts(&manifest.rows.rejected),
        courses_excluded: Vec::new(),
        enrolments_excluded: manifest
            .totals
            .enrolments_left_out
            .iter()
            .map(|(reason, &count)| (reason.replace('_', " "), count))
            .collect(),
        limits: limits(data),
    }
}

fn limits(data: &Dataset) -> Vec<String> {
    let manifest = &data.manifest;
    let mut limits = Vec::new();
    if let Some(edit) = manifest.last_edit() {
        let files: Vec<&str> = edit.edited.iter().map(|edited| edited.file.as_str()).collect();
        limits.push(format!(
            "The sequences were edited after they were made ({}), and sealed again at {} UTC.",
            files.join(", "),
            edit.at
        ));
    }
    let inferred = data.courses.iter().filter(|course| course.inferred).count();
    if inferred > 0 {
        limits.push(format!(
            "The start or end of {inferred} of {} courses was inferred from the events, which can look past the cut-off.",
            data.courses.len()
        ));
    }
    if data.courses.iter().any(|course| course.nominal_dates) {
        limits.push("The source has no calendar dates: which courses ran at the same time is not known.".to_owned());
    }
    if !manifest.records_withdrawals() {
        limits.push(
            "The source records no withdrawals: whoever was not seen for 14 days counts as no longer active."
                .to_owned(),
        );
    }
    if !manifest.capabilities.learners {
        limits.push(
            "The source does not identify learners across courses: the same person may be on both sides of the split."
                .to_owned(),
        );
    }
    if manifest.build.score_lag_days == 0 && manifest.available_features().any(|name| name.contains("score")) {
        limits.push(
            "Scores count from the day of submission, since the source has no marking dates: optimistic where marking \
             takes time."
                .to_owned(),
        );
    }
    if matches!(manifest.labels.rule, DropoutRule::InactiveLast { .. }) {
        limits.push(
            "Dropout is inactivity in the last weeks: who finished early counts as having dropped out.".to_owned(),
        );
    }
    limits
}
