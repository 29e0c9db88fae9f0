//! Scores for people: one row an enrolment, at risk or not, ranked, or the reason why there is none.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;
use staycast_baselines::RAW_FEATURES;
use staycast_evaluation::metrics::stability::smooth_logits;
use staycast_sequences::{CutOff, Dataset, Exclusion, SCORED, Selection, SequenceFolder, Standing, standing};

use super::{Model, Run, RunError};
use crate::device::ChosenDevice;
use crate::tables::{self, TableError};

/// Enrolments whose sequences [`Run::score_folder`] reads at a time, while it scores as many others: with 90 features and 4
/// weeks, 75 MB each.
const ENROLMENTS_AT_A_TIME: usize = 50_000;

/// One row of a score file (PROTOCOL "Contracts").
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoreRow {
    /// The course.
    pub course_id: String,
    /// The enrolment.
    pub enrolment_id: String,
    /// The learner.
    pub learner_id: String,
    /// The cut-off asked for: weeks seen.
    pub week: u32,
    /// Calibrated probability of dropout; `None` without a score.
    pub p_dropout: Option<f64>,
    /// Whether it reaches the run's threshold; `None` without a score.
    pub at_risk: Option<bool>,
    /// 1 for the highest probability of the whole output, equal ones in the order of course and enrolment; `None`
    /// without a score.
    pub rank: Option<u32>,
    /// [`SCORED`], or the name of an [`Exclusion`].
    pub status: &'static str,
    /// The status in words; empty for a plain score.
    pub reason: String,
}

impl Run {
    /// Scores every enrolment of `data` (of `courses`, when given) at the end of week `week`, in the order of course
    /// and enrolment. Where fewer weeks were observed, the forecast is that of the last one, and the reason says so.
    ///
    /// # Errors
    /// When the run can't forecast at that week, the data lacks what it reads, or a course is not there.
    pub fn score(
        &self,
        data: &Dataset,
        week: u32,
        courses: Option<&[String]>,
        device: &ChosenDevice,
    ) -> Result<Vec<ScoreRow>, RunError> {
        let mut rows = self.unranked(data, week, courses, None, device)?;
        rank(&mut rows);
        Ok(rows)
    }

    /// [`Run::score`] of a folder, with log odds smoothed over weeks by `smoothing` (the weight of the newest week, in
    /// (0, 1]; see [`smooth_logits`]) where that is given. The folder need not fit into memory: reads only the features that the run reads, in the
    /// weeks before the cut-off, and about 50,000 enrolments at a time, or the largest course. Holds
    /// all rows of scores, about 250 bytes an enrolment.
    ///
    /// # Errors
    /// As [`Run::score`], and when a file can't be read.
    pub fn score_folder(
        &self,
        folder: &SequenceFolder,
        week: u32,
        courses: Option<&[String]>,
        smoothing: Option<f64>,
        device: &ChosenDevice,
    ) -> Result<Vec<ScoreRow>, RunError> {
        self.require_week(self.model()?, week)?;
        let mut wanted = self.model()?.inputs.features();
        wanted.push("days_since_last".to_owned());
        wanted.extend(RAW_FEATURES.map(str::to_owned));
        // Of a feature that the folder lacks, the run itself says what to do about it.
        let has = |name: &String| folder.manifest().features.iter().any(|feature| feature.name == *name);
        wanted.retain(has);
        wanted.sort_unstable();
        wanted.dedup();
        let selection =
            Selection { courses: courses.map(<[String]>::to_vec), features: Some(wanted), weeks: Some(week as usize) };
        let mut rows = Vec::new();
        let mut parts = folder.load_parts(&selection, ENROLMENTS_AT_A_TIME)?;
        let mut next = parts.next().transpose()?;
        while let Some(part) = next {
            // One part is read while the one before is scored.
            let score = || self.unranked(&part, week, None, smoothing, device);
            let (scored, read) = rayon::join(score, || parts.next());
            rows.extend(scored?);
            next = read.transpose()?;
        }
        rank(&mut rows);
        Ok(rows)
    }

    fn unranked(
        &self,
        data: &Dataset,
        week: u32,
        courses: Option<&[String]>,
        smoothing: Option<f64>,
        device: &ChosenDevice,
    ) -> Result<Vec<ScoreRow>, RunError> {
        let model = self.model()?;
        self.require_week(model, week)?;
        let enrolments = of_courses(data, courses)?;
        let forecasts = self.forecast(data, &enrolments, device)?;
        let cut_off = CutOff::after_weeks(week).expect("a week that is forecast is a cut-off");
        let of_row = |(row, &enrolment): (usize, &usize)| {
            let standing = standing(data, enrolment, cut_off);
            let (status, reason) = self.verdict(model, data, enrolment, cut_off, standing);
            let seen = match standing {
                Standing::Scored { seen, .. } if status == SCORED => Some(u32::from(seen.weeks())),
                _ => None,
            };
            let p = seen.map(|seen| {
                let at = |week: u32| {
                    let fit = model.fitted.weeks.get(&(week as u16))?;
                    Some(fit.calibration.apply(forecasts.logit(row, week)))
                };
                let mut p = at(seen).expect("a score is given where a week is fitted");
                if let Some(weight) = smoothing.filter(|&weight| weight < 1.0) {
                    let is_scored = |&week: &u32| {
                        let cut_off = CutOff::after_weeks(week).expect("weeks from 1");
                        staycast_sequences::standing(data, enrolment, cut_off).exclusion().is_none()
                    };
                    let weeks: Vec<f64> = (1..=seen).filter(is_scored).filter_map(at).collect();
                    p = smooth_logits(&weeks, weight).pop().unwrap_or(p);
                }
                (p, p >= model.fitted.weeks[&(seen as u16)].threshold.threshold)
            });
            let about = &data.enrolments[enrolment];
            ScoreRow {
                course_id: data.courses[about.course].id.clone(),
                enrolment_id: about.id.clone(),
                learner_id: about.learner.clone(),
                week,
                p_dropout: p.map(|(p, _)| p),
                at_risk: p.map(|(_, at_risk)| at_risk),
                rank: None,
                status,
                reason,
            }
        };
        Ok(enrolments.par_iter().enumerate().with_min_len(256).map(of_row).collect())
    }

    fn require_week(&self, model: &Model, week: u32) -> Result<(), RunError> {
        let weeks: Vec<u16> = model.fitted.weeks.keys().copied().collect();
        let asked = u16::try_from(week).unwrap_or(u16::MAX);
        if weeks.contains(&asked) {
            return Ok(());
        }
        let reason = model.fitted.not_fitted.get(&asked).cloned().unwrap_or_else(|| {
            format!(
                "it looks at {} weeks, which is all that `{}` allows or its configuration asks for",
                self.manifest.weeks, self.manifest.label_rule
            )
        });
        Err(RunError::WeekNotForecast { week, reason, weeks })
    }

    /// Status and reason of a row.
    fn verdict(
        &self,
        model: &Model,
        data: &Dataset,
        enrolment: usize,
        cut_off: CutOff,
        standing: Standing,
    ) -> (&'static str, String) {
        let (exclusion, reason) = match standing {
            Standing::Excluded(exclusion) => (exclusion, excluded_because(exclusion).to_owned()),
            Standing::Scored { seen, .. } => {
                let last = self.manifest.label_rule.last_cut_off(data.course_of(enrolment).week_grid());
                if last.is_none_or(|last| seen > last) {
                    let last = last.map_or(0, CutOff::weeks);
                    let reason = format!("after week {last} of this course part of the answer is seen already");
                    (Exclusion::InsideLabelWindow, reason)
                } else if !model.fitted.weeks.contains_key(&seen.weeks()) {
                    (Exclusion::WeekNotForecast, format!("the run can't forecast after {seen} weeks"))
                } else if seen < cut_off {
                    return (SCORED, format!("only {seen} of {cut_off} weeks were over when the log was taken"));
                } else {
                    return (SCORED, String::new());
                }
            }
        };
        (exclusion.name(), reason)
    }
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
    let of_row = |(row, of): (usize, &ScoreRow)| of.p_dropout.map(|p| (p, row));
    let mut scored: Vec<(f64, usize)> = rows.iter().enumerate().filter_map(of_row).collect();
    scored.par_sort_unstable_by(|(p, row), (other, other_row)| other.total_cmp(p).then(row.cmp(other_row)));
    for (place, (_, row)) in scored.into_iter().enumerate() {
        rows[row].rank = Some(place as u32 + 1);
    }
}

/// The enrolments of the named courses, all when none is named.
pub(super) fn of_courses(data: &Dataset, courses: Option<&[String]>) -> Result<Vec<usize>, RunError> {
    let Some(courses) = courses else { return Ok((0..data.enrolments.len()).collect()) };
    let known: Vec<String> = data.courses.iter().map(|course| course.id.clone()).collect();
    let unknown: Vec<String> = courses.iter().filter(|course| !known.contains(course)).cloned().collect();
    if !unknown.is_empty() {
        return Err(RunError::UnknownCourses { unknown, known });
    }
    let wanted: BTreeSet<&String> = courses.iter().collect();
    Ok((0..data.enrolments.len()).filter(|&row| wanted.contains(&data.course_of(row).id)).collect())
}

/// Writes scores as the file's name says: `.parquet`, `.csv` or `.jsonl`. The file appears whole or not at all.
///
/// # Errors
/// When the name has another ending, or the file can't be written.
pub fn write_scores(path: &Path, rows: &[ScoreRow]) -> Result<(), TableError> {
    tables::write_scores(path, rows)
}
