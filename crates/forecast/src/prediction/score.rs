//! Scores for people: one row an enrolment, at risk or not, ranked, or the reason why there is none.

use rayon::prelude::*;
use serde::Serialize;
use staycast_baselines::RAW_FEATURES;
use staycast_evaluation::metrics::stability::smooth_logits;
use staycast_sequences::{
    CutOff, Dataset, EnrolmentIndex, Exclusion, Selection, SequenceFolder, Standing, serialize_status, standing, status,
};

use super::error::PredictionError;
use super::forecasts::Forecasts;
use super::selection::enrolments_in;
use crate::artifact::{Run, RunModel, TrainedOn};
use crate::device::ChosenDevice;
use crate::week_fits::WeekFit;

/// Bounds the enrolments whose sequences [`score_folder`] reads at a time, while it scores as many others: with 90 features
/// and 4 weeks, 75 MB each.
const ENROLMENTS_AT_A_TIME: usize = 50_000;

/// Holds one row of a score file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoreRow {
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// The learner.
    pub learner_id: String,
    /// The cut-off asked for: weeks seen.
    pub week: CutOff,
    /// Calibrated probability of dropout; `None` without a score.
    pub p_dropout: Option<f64>,
    /// Whether it reaches the run's threshold; `None` without a score.
    pub at_risk: Option<bool>,
    /// 1 for the highest probability of the whole output, equal ones in the order of course and enrolment; `None`
    /// without a score.
    pub rank: Option<u32>,
    /// Why there is no score; `None` where there is one. Files have it as `status`, see [`ScoreRow::status`].
    #[serde(rename = "status", serialize_with = "serialize_status")]
    pub exclusion: Option<Exclusion>,
    /// Explains the status; empty for a plain score.
    pub reason: String,
    /// Whether the run was fitted on this enrolment, or on another one of the same learner: such scores fit better than
    /// those of learners whom it never saw.
    pub trained_on: bool,
}

impl ScoreRow {
    /// Returns the status as files have it: `scored`, or the name of the exclusion.
    #[must_use]
    pub fn status(&self) -> &'static str {
        status(self.exclusion)
    }
}

/// Asks for scores.
#[derive(Clone, Copy, Debug)]
pub struct ScoreRequest<'a> {
    /// The cut-off of the forecasts.
    pub week: CutOff,
    /// Only these courses.
    pub courses: Option<&'a [String]>,
    /// Weight of the newest week when log odds are smoothed over weeks, in (0, 1] (see [`smooth_logits`]); no smoothing
    /// when `None`.
    pub smoothing: Option<f64>,
    /// Where to compute.
    pub device: &'a ChosenDevice,
}

impl<'a> ScoreRequest<'a> {
    /// Asks for the scores of all courses at `week`, without smoothing.
    #[must_use]
    pub fn new(week: CutOff, device: &'a ChosenDevice) -> Self {
        Self { week, courses: None, smoothing: None, device }
    }
}

/// Scores every enrolment of `data` that is asked for, in the order of course and enrolment. Where fewer weeks were
/// observed, the forecast is that of the last one, and the reason states that.
///
/// # Errors
/// When the run can't forecast at that week, the data lacks what it reads, or a course is not there.
pub fn score(run: &Run, data: &Dataset, request: &ScoreRequest<'_>) -> Result<Vec<ScoreRow>, PredictionError> {
    let mut rows = score_unranked(run, &run.split().trained_on(), data, request)?;
    rank(&mut rows);
    Ok(rows)
}

/// Scores a folder, as [`score`] does data in memory. The folder need not fit into memory: reads only the features that
/// the run reads, in the weeks before the cut-off, and about 50,000 enrolments at a time, or the largest course. Holds all
/// rows of scores, about 250 bytes an enrolment.
///
/// # Errors
/// As [`score`], and when a file can't be read.
pub fn score_folder(
    run: &Run,
    folder: &SequenceFolder,
    request: &ScoreRequest<'_>,
) -> Result<Vec<ScoreRow>, PredictionError> {
    let model = run.model()?;
    require_week(run, model, request.week)?;
    let mut wanted = model.inputs.features();
    wanted.push("days_since_last".to_owned());
    wanted.extend(RAW_FEATURES.map(str::to_owned));
    // A feature that the folder lacks is reported when the inputs are bound to the data.
    let has = |name: &String| folder.manifest().features.iter().any(|feature| feature.name == *name);
    wanted.retain(has);
    wanted.sort_unstable();
    wanted.dedup();
    let selection = Selection {
        courses: request.courses.map(<[String]>::to_vec),
        features: Some(wanted),
        weeks: Some(request.week.count()),
    };
    let trained_on = run.split().trained_on();
    let mut rows = Vec::new();
    let mut parts = folder.load_parts(&selection, ENROLMENTS_AT_A_TIME)?;
    let mut next = parts.next().transpose()?;
    // The parts hold the courses asked for, and no others.
    let all_courses = ScoreRequest { courses: None, ..*request };
    while let Some(part) = next {
        // One part is read while the one before is scored.
        let (scored, read) = rayon::join(|| score_unranked(run, &trained_on, &part, &all_courses), || parts.next());
        rows.extend(scored?);
        next = read.transpose()?;
    }
    rank(&mut rows);
    Ok(rows)
}

fn score_unranked(
    run: &Run,
    trained_on: &TrainedOn<'_>,
    data: &Dataset,
    request: &ScoreRequest<'_>,
) -> Result<Vec<ScoreRow>, PredictionError> {
    let model = run.model()?;
    require_week(run, model, request.week)?;
    let enrolments = enrolments_in(data, request.courses)?;
    let forecasts = Forecasts::compute(run, data, &enrolments, request.device)?;
    let smoothing = request.smoothing.filter(|&weight| weight < 1.0);
    let score_row = |(row, &enrolment): (usize, &EnrolmentIndex)| {
        let mut scored = unscored_row(trained_on, data, enrolment, request.week);
        match verdict(run, model, data, enrolment, request.week) {
            Verdict::Excluded { exclusion, reason } => {
                scored.exclusion = Some(exclusion);
                scored.reason = reason;
            }
            Verdict::Scored { seen, fit, reason } => {
                let mut p = fit.calibration.apply(forecasts.logit(row, seen));
                if let Some(weight) = smoothing {
                    let weeks = calibrated_weeks(model, data, &forecasts, row, enrolment, seen);
                    p = smooth_logits(&weeks, weight).pop().unwrap_or(p);
                }
                scored.p_dropout = Some(p);
                scored.at_risk = Some(p >= fit.threshold.threshold);
                scored.reason = reason;
            }
        }
        scored
    };
    Ok(enrolments.par_iter().enumerate().with_min_len(256).map(score_row).collect())
}

fn unscored_row(trained_on: &TrainedOn<'_>, data: &Dataset, enrolment: EnrolmentIndex, week: CutOff) -> ScoreRow {
    let about = data.enrolment(enrolment);
    let course = &data.course(about.course).id;
    ScoreRow {
        course_id: course.clone(),
        enrolment_id: about.id.clone(),
        learner_id: about.learner.clone(),
        week,
        p_dropout: None,
        at_risk: None,
        rank: None,
        exclusion: None,
        reason: String::new(),
        trained_on: trained_on.contains(course, &about.id, &about.learner),
    }
}

/// Lists the probabilities at the cut-offs up to `seen` at which the enrolment was forecast.
fn calibrated_weeks(
    model: &RunModel,
    data: &Dataset,
    forecasts: &Forecasts,
    row: usize,
    enrolment: EnrolmentIndex,
    seen: CutOff,
) -> Vec<f64> {
    CutOff::up_to(seen)
        .filter(|&cut_off| standing(data, enrolment, cut_off).exclusion().is_none())
        .filter_map(|cut_off| {
            let fit = model.fits.weeks.get(&cut_off)?;
            Some(fit.calibration.apply(forecasts.logit(row, cut_off)))
        })
        .collect()
}

/// Refuses a week at which the run can't forecast.
fn require_week(run: &Run, model: &RunModel, week: CutOff) -> Result<(), PredictionError> {
    let weeks: Vec<CutOff> = model.fits.weeks.keys().copied().collect();
    if weeks.contains(&week) {
        return Ok(());
    }
    let reason = model.fits.not_fitted.get(&week).cloned().unwrap_or_else(|| {
        format!(
            "it looks at {} weeks, which is all that `{}` allows or its configuration asks for",
            run.manifest().weeks,
            run.manifest().label_rule
        )
    });
    Err(PredictionError::WeekNotForecast { week, reason, weeks })
}

/// Decides whether an enrolment gets a score.
pub(super) enum Verdict<'a> {
    /// It does, from the weeks seen; the reason is empty where these are all that were asked for.
    Scored { seen: CutOff, fit: &'a WeekFit, reason: String },
    /// It does not.
    Excluded { exclusion: Exclusion, reason: String },
}

/// Decides whether `enrolment` gets a score at `cut_off`.
pub(super) fn verdict<'a>(
    run: &Run,
    model: &'a RunModel,
    data: &Dataset,
    enrolment: EnrolmentIndex,
    cut_off: CutOff,
) -> Verdict<'a> {
    let seen = match standing(data, enrolment, cut_off) {
        Standing::Scored { seen, .. } => seen,
        Standing::Excluded(Exclusion::CourseTooShort) => {
            let reason = format!("the course has no week {cut_off}, it ends after {}", data.course_of(enrolment).weeks);
            return Verdict::Excluded { exclusion: Exclusion::CourseTooShort, reason };
        }
        Standing::Excluded(exclusion) => {
            return Verdict::Excluded { exclusion, reason: excluded_because(exclusion).to_owned() };
        }
    };
    let last = run.manifest().label_rule.last_cut_off(data.course_of(enrolment).week_grid());
    if last.is_none_or(|last| seen > last) {
        let last = last.map_or(0, CutOff::weeks);
        let reason = format!("after week {last} of this course part of the outcome is seen already");
        return Verdict::Excluded { exclusion: Exclusion::InsideLabelWindow, reason };
    }
    let Some(fit) = model.fits.weeks.get(&seen) else {
        let reason = format!("the run can't forecast at week {seen}");
        return Verdict::Excluded { exclusion: Exclusion::WeekNotForecast, reason };
    };
    let reason = if seen < cut_off {
        format!("only {seen} of {cut_off} weeks were over when the log was taken")
    } else {
        String::new()
    };
    Verdict::Scored { seen, fit, reason }
}

/// Describes an exclusion in a score file.
const fn excluded_because(exclusion: Exclusion) -> &'static str {
    match exclusion {
        Exclusion::NotEnoughData => "no whole week of it was observed before the cut-off",
        Exclusion::NotYetKnown => "neither enrolled nor seen before the cut-off",
        Exclusion::Withdrawn => "withdrew before the cut-off",
        Exclusion::CourseNotStarted => "the course had not started when the log was taken",
        other => other.describe(),
    }
}

/// Ranks by falling probability; rows are in the order of course and enrolment, which breaks ties.
fn rank(rows: &mut [ScoreRow]) {
    let scored = |(row, score): (usize, &ScoreRow)| score.p_dropout.map(|p| (p, row));
    let mut scored: Vec<(f64, usize)> = rows.iter().enumerate().filter_map(scored).collect();
    scored.par_sort_unstable_by(|(p, row), (other, other_row)| other.total_cmp(p).then(row.cmp(other_row)));
    for (place, (_, row)) in scored.into_iter().enumerate() {
        rows[row].rank = Some(place as u32 + 1);
    }
}
